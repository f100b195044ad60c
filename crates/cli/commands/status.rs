//! `annals status`.

mod calendar;
mod facts;
mod json;
mod page;
mod text;
mod words;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use chat::{Entry, Hour, Hours, Timestamp};
use ingest::{MediaStanding, is_fetched};
use store::Access;

use crate::commands::span::{HourSpan, bounded};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::monitoring::{MetricsArgs, Subject, Watched};
use crate::replace::replace;
use facts::Facts;

/// Show which hours are archived, which are missing, and which will be gone soon
///
/// First the verdict, then a calendar with a letter for each hour, then what is missing and until when the service still has
/// it. Without --since it begins with the first hour that the archive knows. Without --until it ends before the hour that is
/// going on, so that a fetch that no longer runs shows; an archive that is closed is shown up to its end with --until, and
/// one that all came from files ends with its last hour. It asks nobody: what the service has is what the last run learned.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals status
  annals status --since 2026-03-01 --until 2026-04-01
  annals status --json
  annals status --html coverage.html

The keys of --json are described in docs/status.md.

Exit codes: 0 nothing is at stake; 5 hours at risk; 6 hours lost that no run has recorded yet.")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) span: HourSpan,

    /// How many of the last days have a row of their own even if they are complete [default: 14, on a page 56]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "all")]
    pub(crate) days: Option<u32>,

    /// Give every day a row of its own
    #[arg(long)]
    pub(crate) all: bool,

    /// Print one JSON object on stdout, with every day
    #[arg(long)]
    pub(crate) json: bool,

    /// Write a page that needs nothing else to this file; `-` is stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    #[command(flatten)]
    metrics: MetricsArgs,
}

/// The last days that have a row of their own: with all else, two weeks fit a screen.
const DAYS_ON_A_SCREEN: u32 = 14;
/// The same on a page, which can be scrolled.
const DAYS_ON_A_PAGE: u32 = 56;

impl Args {
    /// What machines are told, if a flag wants it.
    pub(super) fn watched(&self) -> Option<Watched> {
        let metrics_file = Some(self.metrics.metrics_file.clone()?);
        Some(Watched { command: "status", subject: Subject::Standing, metrics_file, ping_url: None })
    }

    /// How many of the last days have a row of their own.
    fn last_days(&self, default: u32) -> usize {
        if self.all { usize::MAX } else { self.days.unwrap_or(default) as usize }
    }

    fn is_page_on_stdout(&self) -> bool {
        self.html.as_ref().is_some_and(|file| file.as_os_str() == "-")
    }
}

/// Shows the state of the archive.
///
/// # Errors
///
/// When there is no archive or it cannot be read, or the page cannot be written.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    if args.json && args.is_page_on_stdout() {
        return Err(CommandError::usage("stdout takes one of --json and --html -")
            .hint("give the page a file: --html coverage.html"));
    }
    let archive = context.open_archive(Access::Existing).await?;
    let entries = archive.entries().await.map_err(CommandError::from)?;
    let range = range(args.span, &entries, context.clock.now())?;
    let attachments =
        MediaStanding::of(&archive, &range.bounds(), context.clock.now()).await.map_err(CommandError::from)?;
    let facts = Facts::of(context, archive.app(), &entries, attachments, range);
    show(&args, &facts, context)?;
    Ok(exit(&facts))
}

fn show(args: &Args, facts: &Facts, context: &Context) -> Result<(), CommandError> {
    if let Some(file) = &args.html {
        let page = page::page(facts, args.last_days(DAYS_ON_A_PAGE));
        if args.is_page_on_stdout() {
            return Ok(context.output.raw(page.as_bytes())?);
        }
        replace(file, page.as_bytes()).map_err(|error| could_not_write(error, file))?;
        context.output.note(format_args!("wrote {}", file.display()));
    }
    if args.json {
        context.output.json(&json::object(facts))?;
    } else if args.html.is_none() {
        text::print(facts, args.last_days(DAYS_ON_A_SCREEN), &context.output)?;
    }
    Ok(())
}

fn could_not_write(error: io::Error, path: &Path) -> CommandError {
    let error = CommandError::usage(error).while_doing(format!("could not write {}", path.display()));
    error.hint("see that its folder is there and can be written to")
}

fn exit(facts: &Facts) -> Exit {
    if !facts.coverage.newly_lost.is_empty() {
        Exit::HoursLost
    } else if facts.coverage.at_risk().next().is_some() {
        Exit::HoursAtRisk
    } else {
        Exit::Done
    }
}

/// What the flags say, or else from the first hour that the archive knows to where [`end`] is.
fn range(span: HourSpan, entries: &BTreeMap<Hour, Entry>, now: Timestamp) -> Result<Hours, CommandError> {
    let (since, until) = span.bounds();
    let first = since.or_else(|| entries.keys().next().copied());
    let Some((first, end)) = first.zip(until.or_else(|| end(entries, now))) else {
        return Ok(Hours::between(Hour::from_number(0), Hour::from_number(0)));
    };
    bounded(first, end)
}

/// The hour behind the last one to show: the one that is going on, however long nobody has fetched, because the service
/// forgets what nobody fetches; where all came from files, the one behind the last that is known.
fn end(entries: &BTreeMap<Hour, Entry>, now: Timestamp) -> Option<Hour> {
    let known = entries.keys().next_back()?.next();
    Some(if is_fetched(entries) { known.max(Hour::containing(now)) } else { known })
}

#[cfg(test)]
mod tests {
    use chat::State;

    use super::*;

    #[test]
    fn an_archive_that_was_fetched_is_shown_up_to_now() {
        let first = Hour::from_key("2026031409").unwrap();
        let end_after = |source: &str, hours: i64| {
            let entry = Entry { source: source.to_owned(), ..Entry::new(first, first.end(), State::Done) };
            end(&BTreeMap::from([(first, entry)]), first.plus(hours).start())
        };
        assert_eq!(end_after("fetch", 5), Some(first.plus(5)));
        assert_eq!(end_after("fetch", 9_000), Some(first.plus(9_000)), "a year of silence is a year of lost hours");
        assert_eq!(end_after("fetch", -5), Some(first.next()), "a clock that is wrong");
        assert_eq!(end_after("load", 5), Some(first.next()), "files wait for nothing");
        assert_eq!(end(&BTreeMap::new(), first.start()), None);
    }

    #[test]
    fn a_range_has_an_hour_and_less_than_a_million() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            span: HourSpan,
        }
        let range_of = |flags: &str| {
            let line = <Line as clap::Parser>::parse_from(std::iter::once("annals").chain(flags.split_whitespace()));
            range(line.span, &BTreeMap::new(), Timestamp::UNIX_EPOCH).map(|hours| hours.len())
        };
        assert_eq!(range_of("").unwrap(), 0, "an archive without hours");
        assert_eq!(range_of("--since 2026-03-14 --until 2026-03-15").unwrap(), 24);
        assert!(range_of("--since 2026-03-15 --until 2026-03-14").unwrap_err().render().contains("there is no hour"));
        assert!(range_of("--since 0001-01-01 --until 2026-03-14").unwrap_err().render().contains("than a century"));
    }
}
