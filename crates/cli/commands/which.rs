//! Which hours `fetch` and `plan` are about.

use chat::Hours;
use ingest::Workshop;

use crate::commands::span::{HourSpan, not_endless};
use crate::error::CommandError;

/// The hours that are due, or a range of them.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Which {
    /// The hours that are due: from the first that the service was asked for, or for a new archive the oldest that it still
    /// keeps, up to now
    #[arg(long, conflicts_with_all = ["since", "until"])]
    pub(crate) due: bool,

    #[command(flatten)]
    pub(crate) span: HourSpan,
}

impl Which {
    /// Whether hours are named at all.
    #[must_use]
    pub(crate) fn is_given(self) -> bool {
        self.due || self.span.bounds() != (None, None)
    }

    /// The same, or the hours that are due if none are named.
    #[must_use]
    pub(crate) fn or_due(self) -> Self {
        Self { due: !self.is_given() || self.due, ..self }
    }

    /// Refuses what names no hours, before anything is opened.
    ///
    /// # Errors
    ///
    /// When neither `--due` nor `--since` is given.
    pub(super) fn check(self) -> Result<(), CommandError> {
        let is_clear = self.due || self.span.bounds().0.is_some();
        let missing = if self.is_given() { "--until has no --since" } else { "nothing says which hours" };
        if is_clear {
            return Ok(());
        }
        Err(CommandError::usage(missing)
            .hint("add --due for all hours that are due, or --since 2026-03-14, say; --until ends the range"))
    }

    /// The hours.
    ///
    /// # Errors
    ///
    /// Those of [`Which::check`]; when the range holds no hour or too many, or the archive cannot be read.
    pub(super) async fn hours(self, workshop: &Workshop) -> Result<Hours, CommandError> {
        self.check()?;
        if self.due {
            let hours = not_endless(workshop.due().await?);
            hours.map_err(|error| error.hint("or see that hours.retention is what the service keeps"))
        } else {
            self.span.hours((workshop.clock)())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        which: Which,
    }

    fn which(flags: &str) -> Option<Which> {
        let words = std::iter::once("annals").chain(flags.split_whitespace());
        Line::try_parse_from(words).ok().map(|line| line.which)
    }

    #[test]
    fn hours_are_due_or_in_a_range_and_never_both() {
        assert!(which("--due").unwrap().check().is_ok());
        assert!(which("--since 2026-03-14").unwrap().check().is_ok());
        assert!(which("--due --since 2026-03-14").is_none() && which("--due --until 2026-03-14").is_none());
        let complaint = |flags: &str| which(flags).unwrap().check().unwrap_err().render();
        assert!(complaint("").starts_with("error: nothing says which hours\n\nhint: add --due for all"));
        assert!(complaint("--until 2026-03-14").starts_with("error: --until has no --since\n"));
    }

    #[test]
    fn a_plan_is_for_what_is_due_unless_it_says_otherwise() {
        assert!(which("").unwrap().or_due().due && which("--due").unwrap().or_due().due);
        assert!(
            !which("--since 2026-03-14").unwrap().or_due().due && !which("--until 2026-03-14").unwrap().or_due().due
        );
    }
}
