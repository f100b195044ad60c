//! Why a command could not do what it was asked, and what the user can do about it.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io;
use std::sync::Arc;

use crate::exit::Exit;
use crate::output::WriteError;

/// The end of a command that failed: an exit code, a chain of causes, and hints.
///
/// It is printed once, at the top, see [`CommandError::render`].
#[derive(Debug)]
pub(crate) struct CommandError {
    exit: Exit,
    source: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
}

impl CommandError {
    /// An error that ends the program with this code. `source` speaks for itself; its own sources are printed below it.
    pub(crate) fn new(exit: Exit, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, source: source.into(), hints: Vec::new() }
    }

    /// Something the user can put right: the command line, a setting, a file of this machine.
    pub(crate) fn usage(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Usage, source)
    }

    /// Says above the error what was being done: `could not decode 2026-03-14T09Z`.
    #[must_use]
    pub(crate) fn while_doing(self, what: impl Into<String>) -> Self {
        let source = Box::new(Above { what: what.into(), cause: self.source });
        Self { source, ..self }
    }

    /// Adds advice: what to do, as a sentence that starts in lower case.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The same without advice.
    #[must_use]
    pub(crate) fn without_hints(self) -> Self {
        Self { hints: Vec::new(), ..self }
    }

    /// The same with another code.
    #[must_use]
    pub(crate) fn ending_with(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// The code with which the program ends.
    #[must_use]
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The advice, in the order in which it was added.
    #[must_use]
    pub(crate) fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Whether the reader of our output went away: then there is nobody to tell, and nothing went wrong.
    #[must_use]
    pub(crate) fn is_broken_pipe(&self) -> bool {
        chain(self.source.as_ref())
            .filter_map(|error| error.downcast_ref::<WriteError>())
            .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether a full disk is at the bottom of it.
    #[must_use]
    pub(crate) fn is_of_a_full_disk(&self) -> bool {
        let is_full =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        // The library of the log hands on the text alone of what the disk said.
        let number = format!("(os error {})", rustix::io::Errno::NOSPC.raw_os_error());
        chain(self.source.as_ref())
            .any(|error| io_error(error).is_some_and(is_full) || error.to_string().contains(&number))
    }

    /// Whether another run is at work, so that this one was none.
    #[must_use]
    pub(crate) fn is_busy(&self) -> bool {
        let is_busy = |error: &ingest::Error| matches!(error, ingest::Error::Busy { .. });
        chain(self.source.as_ref()).filter_map(|error| error.downcast_ref()).any(is_busy)
    }

    /// The text for stderr:
    ///
    /// ```text
    /// error: could not read 2026031409.gz
    ///   caused by: permission denied
    ///
    /// hint: see that the file is there and can be read
    /// ```
    ///
    /// A cause that the line above it already quotes is left out. Control characters are shown, not sent.
    #[must_use]
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let mut above = String::new();
        for error in chain(self.source.as_ref()) {
            let line = one_line(&error.to_string());
            if above.is_empty() {
                push_line(&mut text, "error: ", &line);
            } else if !above.contains(&line) {
                push_line(&mut text, "  caused by: ", &line);
            }
            above = line;
        }
        if !self.hints.is_empty() {
            text.push('\n');
        }
        for hint in &self.hints {
            push_line(&mut text, "hint: ", hint);
        }
        text
    }
}

impl CommandError {
    /// The error and its causes in one line, without hints.
    #[must_use]
    pub(crate) fn in_one_line(&self) -> String {
        chain(self.source.as_ref()).map(|error| one_line(&error.to_string())).collect::<Vec<_>>().join(": ")
    }
}

impl From<WriteError> for CommandError {
    fn from(error: WriteError) -> Self {
        Self::usage(error)
    }
}

/// A line put above a cause.
#[derive(Debug)]
struct Above {
    what: String,
    cause: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Above {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Above {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_ref())
    }
}

/// Whether whoever read what was written went away.
pub(crate) fn is_unread(error: &(dyn Error + 'static)) -> bool {
    let mut causes = chain(error).filter_map(|error| error.downcast_ref::<io::Error>());
    causes.any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Causes that several waited for are shared, and an `Arc` does not let one see through it.
fn io_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let shared = error.downcast_ref::<Arc<dyn Error + Send + Sync>>();
    error.downcast_ref().or_else(|| shared.and_then(|shared| shared.downcast_ref()))
}

/// Texts of other people's errors may quote what the service sent: a terminal is not to obey it.
fn one_line(text: &str) -> String {
    crate::output::visible(text.trim_end())
}

fn push_line(text: &mut String, label: &str, line: &str) {
    let _infallible = writeln!(text, "{label}{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_printed_once_with_its_hints() {
        let error = CommandError::usage("the file is cut short")
            .while_doing("could not decode 2026-03-14T09Z")
            .hint("run it again");
        assert_eq!(
            error.render(),
            "error: could not decode 2026-03-14T09Z\n  caused by: the file is cut short\n\nhint: run it again\n"
        );
    }

    #[test]
    fn a_full_disk_is_known_by_its_kind_or_by_what_was_said_of_it() {
        let full = io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error());
        let told = format!("Generic Disk error: _delta_log/0.json: {full} at path \"/a/tmp/x\"");
        for error in [CommandError::usage(told), CommandError::usage(full), CommandError::usage(io::Error::other("no"))]
        {
            let is_other = error.render().contains("error: no\n");
            assert_ne!(error.is_of_a_full_disk(), is_other, "{}", error.render());
        }
    }

    #[test]
    fn a_cause_that_was_quoted_is_not_repeated() {
        let cause = io::Error::other("no space left");
        let error = CommandError::usage(cause).while_doing("could not write: no space left");
        assert_eq!(error.render(), "error: could not write: no space left\n");
    }

    #[test]
    fn a_terminal_does_not_obey_what_an_error_quotes() {
        let error = CommandError::usage("the service said \u{1b}[2J\nand more");
        assert_eq!(error.render(), "error: the service said ␛[2J↵and more\n");
    }

    #[test]
    fn only_our_own_output_can_be_a_broken_pipe() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(CommandError::from(WriteError::from(broken())).while_doing("could not print").is_broken_pipe());
        assert!(!CommandError::usage(broken()).is_broken_pipe(), "the service hung up: that is an error");
    }
}
