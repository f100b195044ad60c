//! `annals compact`, and the same at the end of a run.

use archive::Settings;
use ingest::{CompactedDays, Days, Workshop};
use serde_json::{Value, json};
use store::{Access, Compaction};

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::visible;

/// Put the small files of each closed day together
///
/// The files of a day's hours become one, or a few of `compact.file_size`, in `messages` and in `dead_letters`: fewer files to
/// open for whoever reads the tables, and less to read in each log. Nothing else changes: the rows, the ledger and the search
/// index are as before, and an hour can be fetched or loaded again as before. Files of an older format are written in today's, and
/// those that lack a promoted column with all of them.
///
/// A day is closed when the service is asked for none of its hours any more. `fetch` and `load` do the same at their end for
/// days that have at least `compact.files` files. It may be stopped and run again at any time, beside any other run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals compact                                          all days that are closed
  annals compact --since 2026-03-01 --until 2026-04-01    all days of a month that are over, closed or not

Exit codes: 0 done; 3 a day could not be compacted and stays as it is.")]
pub(crate) struct Args {
    #[command(flatten)]
    span: HourSpan,

    /// Print what was done as one JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Compacts days.
///
/// # Errors
///
/// When there is no archive or it cannot be read at all; days that fail are counted, not errors.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let days = match args.span.bounds() {
        (None, None) => Days::Closed { files: 1 },
        _ => Days::Within(args.span.range()?),
    };
    let archive = context.open_archive(Access::Existing).await?;
    let workshop = context.workshop(archive, None, None);
    let mut done = workshop.compact(&days, compaction(context)).await.map_err(CommandError::from)?;
    let failures = told_failures(&mut done, context);
    // Of days that are not closed, and stay as they are otherwise.
    let filled = fill(&workshop, context).await;
    if args.json {
        context.output.json(&json_of(&done, filled, &failures))?;
    } else {
        context.output.line(sentence(&done))?;
    }
    Ok(if failures.is_empty() { Exit::Done } else { Exit::HoursFailed })
}

/// Fills promoted columns where they are not filled yet, and compacts the closed days that have many files. Whatever comes of
/// it, the run is what it was.
pub(super) async fn at_the_end(workshop: &Workshop, context: &Context) {
    fill(workshop, context).await;
    let files = context.settings.compact.files;
    if files == 0 || workshop.stop.is_cancelled() {
        return;
    }
    match workshop.compact(&Days::Closed { files }, compaction(context)).await {
        Ok(mut done) => drop(told_failures(&mut done, context)),
        Err(error) => {
            let error = CommandError::from(error).in_one_line();
            context.output.warn(format_args!("closed days were not compacted: {error}"));
        }
    }
}

/// Goes on where `schema --promote` was stopped, and where another run wrote files that did not know of a column yet. How many
/// files were written anew.
async fn fill(workshop: &Workshop, context: &Context) -> u64 {
    match workshop.fill(compaction(context)).await {
        Ok(filled) => {
            for (file, error) in filled.failures {
                let error = CommandError::from(error).in_one_line();
                context.output.warn(format_args!("messages/{file} lacks promoted columns still: {}", visible(&error)));
            }
            filled.written.files_before
        }
        Err(error) => {
            let error = CommandError::from(error).in_one_line();
            context.output.warn(format_args!("promoted columns were not filled: {error}"));
            0
        }
    }
}

/// How files are written anew.
pub(super) fn compaction(context: &Context) -> Compaction {
    let settings = Settings { compression: context.settings.archive.compression, ..Settings::default() };
    Compaction { file_bytes: context.settings.compact.file_size, settings }
}

/// A day that stays as it is, and why.
struct Failure {
    date: String,
    error: String,
}

fn told_failures(done: &mut CompactedDays, context: &Context) -> Vec<Failure> {
    let failures = std::mem::take(&mut done.failures).into_iter();
    let failures: Vec<_> = failures
        .map(|(day, error)| Failure { date: day.date().to_string(), error: CommandError::from(error).in_one_line() })
        .collect();
    for Failure { date, error } in &failures {
        context.output.warn(format_args!("{date} was not compacted and stays as it is: {}", visible(error)));
    }
    failures
}

fn sentence(done: &CompactedDays) -> String {
    let compacted = &done.compacted;
    if done.days == 0 {
        return "no day has files to put together".to_owned();
    }
    format!(
        "{} days: {} files of {} bytes became {} of {} bytes",
        done.days, compacted.files_before, compacted.bytes_before, compacted.files_after, compacted.bytes_after
    )
}

/// The version of the object that `--json` prints.
const VERSION: u64 = 1;

fn json_of(done: &CompactedDays, filled: u64, failures: &[Failure]) -> Value {
    let failure = |failure: &Failure| json!({ "date": failure.date, "error": failure.error });
    json!({
        "version": VERSION,
        "days": done.days,
        "files_before": done.compacted.files_before,
        "files_after": done.compacted.files_after,
        "bytes_before": done.compacted.bytes_before,
        "bytes_after": done.compacted.bytes_after,
        "rows": done.compacted.rows,
        "filled": filled,
        "failures": failures.iter().map(failure).collect::<Vec<_>>(),
    })
}
