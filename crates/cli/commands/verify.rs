//! `annals verify`.

use std::ops::Range;

use chat::Hour;
use ingest::{FileFormat, Finding, FormatCount, Proof, RoundTrip, Verified};
use serde_json::{Value, json};
use store::{Access, Archive};

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::visible;

/// Prove that the archive is whole
///
/// For each archived hour: every line is accounted for, the served bytes have the hash that was noted, the tables hold the rows
/// that the ledger says, and the search index holds the hour as it is in the tables. Reads everything; what a
/// killed run left behind is put in order first, as whenever an archive is opened.
///
/// With --round-trip the record is rebuilt from every row too, and is the same JSON value as the line that was served: keys,
/// types, digits, what is absent, null and empty. And every line that was served is a message, a copy of one in the same
/// hour, a dead letter to the byte, or blank. That needs the served files; hours without them are counted.
///
/// For each table it says how many files and rows are of which format, as the files themselves say; a file of which the log
/// says otherwise is a finding. `annals compact` brings older files up.
///
/// Conflicts, which are messages with the id of another one in the same hour and other content, are counted and no fault:
/// the service served both.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals verify
  annals verify --since 2026-03-14 --until 2026-03-15 --json
  annals verify --round-trip
  annals verify --files

Exit codes: 0 all is well; 3 something is not.")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) span: HourSpan,

    /// Rebuild every record and hold it against the line that was served
    #[arg(long)]
    pub(crate) round_trip: bool,

    /// Name every file with its format and its rows
    #[arg(long)]
    files: bool,

    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// Verifies the archive.
///
/// # Errors
///
/// When there is no archive or it cannot be read at all.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let (since, until) = args.span.bounds();
    let range = since.unwrap_or(Hour::from_number(i64::MIN))..until.unwrap_or(Hour::from_number(i64::MAX));
    let archive = context.open_archive(Access::Existing).await?;
    let proof = if args.round_trip { Proof::RoundTrip } else { Proof::Counts };
    let verified = verified(context, archive, range, proof).await?;
    if args.json {
        context.output.json(&json_of(&verified, args.files))?;
    } else {
        if args.files {
            verified.files.iter().try_for_each(|file| context.output.line(visible(&words_of_file(file))))?;
        }
        print(&verified, context)?;
    }
    Ok(if verified.findings.is_empty() { Exit::Done } else { Exit::HoursFailed })
}

/// An index that cannot be read is one more finding: all the rest is proved without it.
async fn verified(
    context: &Context,
    archive: Archive,
    range: Range<Hour>,
    proof: Proof,
) -> Result<Verified, CommandError> {
    let with = |catalogue| context.reading_room(archive.clone(), catalogue, None);
    let damage = match context.read_catalogue() {
        Ok(catalogue) => match with(catalogue).verify(range.clone(), proof).await {
            Err(ingest::Error::Index(error)) => error,
            verified => return verified.map_err(CommandError::from),
        },
        Err(error) => error,
    };
    let verified = with(None).verify(range, proof).await;
    let mut verified = verified.map_err(CommandError::from)?;
    verified.findings.push(Finding::of_index(damage));
    Ok(verified)
}

/// The version of the object that `--json` prints.
const VERSION: u64 = 1;

fn json_of(verified: &Verified, with_files: bool) -> Value {
    let files = || verified.files.iter().map(json_of_file).collect::<Vec<_>>();
    json!({
        "version": VERSION,
        "hours": verified.hours,
        "rows": verified.rows,
        "conflicts": verified.conflicts,
        "dead_letters": verified.dead_letters,
        "served_files": verified.raw_parts,
        "hours_without_served_files": verified.without_raw,
        "unpublished": verified.unpublished,
        "documents": verified.documents,
        "not_indexed": verified.not_indexed,
        "formats": verified.formats().iter().map(json_of_formats).collect::<Vec<_>>(),
        "files": with_files.then(files),
        "round_trip": verified.round_trip.as_ref().map(json_of_round_trip),
        "findings": verified.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn json_of_formats(count: &FormatCount) -> Value {
    json!({ "table": count.table, "format": count.format, "files": count.files, "rows": count.rows })
}

fn json_of_file(file: &FileFormat) -> Value {
    json!({ "table": file.table, "file": file.path, "format": file.format, "rows": file.rows })
}

fn json_of_round_trip(told: &RoundTrip) -> Value {
    json!({
        "hours": told.hours,
        "lines": told.lines,
        "messages": told.messages,
        "duplicates": told.duplicates,
        "dead_letters": told.dead_letters,
        "blank_lines": told.blank_lines,
        "retained": told.retained,
        "kept_as_written": told.kept_as_written,
    })
}

fn print(verified: &Verified, context: &Context) -> Result<(), CommandError> {
    for finding in &verified.findings {
        context.output.line(visible(&finding.to_string()))?;
    }
    verified.formats().iter().try_for_each(|count| context.output.line(words_of_formats(count)))?;
    if let Some(told) = &verified.round_trip {
        print_round_trip(told, verified.without_raw, context)?;
    }
    let documents = verified.documents.map_or_else(|| "no index".to_owned(), |count| format!("{count} documents"));
    context.output.line(format_args!(
        "{} hours, {} messages, {} conflicts, {} dead letters, {} served files, {documents}: {}",
        verified.hours,
        verified.rows,
        verified.conflicts,
        verified.dead_letters,
        verified.raw_parts,
        if verified.findings.is_empty() {
            "all is well".to_owned()
        } else {
            format!("{} findings", verified.findings.len())
        }
    ))?;
    if verified.unpublished > 0 {
        let hours = verified.unpublished;
        context.output.note(format_args!("newer bytes of {hours} hours are kept; the next fetch publishes them"));
    }
    if verified.not_indexed > 0 {
        context.output.note(format_args!("{} hours are still to be indexed", verified.not_indexed));
    }
    Ok(())
}

fn words_of_formats(count: &FormatCount) -> String {
    let files = if count.files == 1 { "1 file".to_owned() } else { format!("{} files", count.files) };
    format!("{}: {files} of {}, {} rows", count.table, format_word(count.format), count.rows)
}

fn words_of_file(file: &FileFormat) -> String {
    format!("{}/{}: {}, {} rows", file.table, file.path, format_word(file.format), file.rows)
}

fn format_word(format: Option<u32>) -> String {
    format.map_or_else(|| "no format, written by another program".to_owned(), |format| format!("format {format}"))
}

fn print_round_trip(told: &RoundTrip, without_raw: u64, context: &Context) -> Result<(), CommandError> {
    context.output.line(format_args!(
        "{} served lines read: {} messages, {} duplicates, {} dead letters, {} blank. \
         {} messages are kept as written, {} are served no more",
        told.lines,
        told.messages,
        told.duplicates,
        told.dead_letters,
        told.blank_lines,
        told.kept_as_written,
        told.retained
    ))?;
    if without_raw > 0 {
        context
            .output
            .note(format_args!("the served files of {without_raw} hours are not kept: their rows were counted alone"));
    }
    Ok(())
}
