//! `annals verify`.

use std::ops::Range;

use chat::Hour;
use index::Query;
use ingest::{FileFormat, Finding, FormatCount, Obstacle, Portable, Proof, RoundTrip, Searched, Searches, Verified};
use serde_json::{Value, json};
use store::{Access, Archive};

use crate::commands::query::pointed_at;
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
/// With --search the index is held against the tables: queries are drawn from what the messages say, and each must find in the
/// index what a scan of every row finds. What differs is named, with query and messages. Hours that the index does not hold as
/// they are are left out and named.
///
/// With --portable every file of the tables is looked through for what a warehouse would choke on, whatever wrote it: types and names
/// that some engine does not read, values that are too long for one, missing statistics, and files whose columns are not those of
/// the others. Each is named with the command that mends it.
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
  annals verify --search --queries 10000 --seed 7
  annals verify --search --query '潮汐 -type:img'
  annals verify --portable

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

    /// Hold what the index finds against a scan of the tables
    #[arg(long)]
    pub(crate) search: bool,

    /// How many queries to draw from the messages
    #[arg(long, value_name = "N", requires = "search", default_value_t = 1000, value_parser = queries)]
    pub(crate) queries: usize,

    /// What the queries are drawn by: the same seed over the same messages draws the same ones
    #[arg(long, value_name = "S", requires = "search", default_value_t = 1)]
    pub(crate) seed: u64,

    /// A query to put besides; can be repeated
    #[arg(long, value_name = "QUERY", requires = "search", allow_hyphen_values = true)]
    pub(crate) query: Vec<String>,

    /// Look through every file, of all hours, for what a warehouse would choke on
    #[arg(long)]
    pub(crate) portable: bool,

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
    let searches = searches(&args, context)?;
    let (since, until) = args.span.bounds();
    let range = since.unwrap_or(Hour::from_number(i64::MIN))..until.unwrap_or(Hour::from_number(i64::MAX));
    let archive = context.open_archive(Access::Existing).await?;
    let proof = if args.round_trip { Proof::RoundTrip } else { Proof::Counts };
    let portable =
        if args.portable { Some(context.reading_room(archive.clone(), None, None).portable().await?) } else { None };
    let mut verified = verified(context, archive.clone(), range.clone(), proof).await?;
    let searched = match &searches {
        Some(searches) => searched(context, archive, range, searches, &mut verified.findings).await?,
        None => None,
    };
    if args.json {
        let mut told = json_of(&verified, args.files, portable.as_ref());
        told["search"] = searched.as_ref().map_or(Value::Null, |searched| json_of_search(searched, args.seed));
        context.output.json(&told)?;
    } else {
        if args.files {
            verified.files.iter().try_for_each(|file| context.output.line(visible(&words_of_file(file))))?;
        }
        if let Some(portable) = &portable {
            print_portable(portable, context)?;
        }
        print(&verified, searched.as_ref(), context)?;
    }
    let is_portable = portable.is_none_or(|portable| portable.obstacles.is_empty());
    Ok(if verified.findings.is_empty() && is_portable { Exit::Done } else { Exit::HoursFailed })
}

/// The searches that are asked for.
fn searches(args: &Args, context: &Context) -> Result<Option<Searches>, CommandError> {
    let now = context.clock.now();
    let parse = |text: &String| Query::parse_at(text, now).map_err(|error| pointed_at(text, &error));
    let given = args.query.iter().map(|text| Ok((text.clone(), parse(text)?))).collect::<Result<_, CommandError>>()?;
    Ok(args.search.then_some(Searches { made: args.queries, seed: args.seed, given }))
}

/// Puts the searches. An index that cannot be read was found to be so before.
async fn searched(
    context: &Context,
    archive: Archive,
    range: Range<Hour>,
    searches: &Searches,
    findings: &mut Vec<Finding>,
) -> Result<Option<Searched>, CommandError> {
    let Ok(catalogue) = context.read_catalogue() else { return Ok(None) };
    let room = context.reading_room(archive, catalogue, None);
    match room.verify_search(range, searches).await {
        Ok((searched, found)) => {
            findings.extend(found);
            Ok(Some(searched))
        }
        Err(ingest::Error::Index(error)) => {
            let finding = Finding::of_index(error);
            if !findings.contains(&finding) {
                findings.push(finding);
            }
            Ok(None)
        }
        // That a file cannot be read is a finding already, by its name.
        Err(ingest::Error::Rows { .. }) if !findings.is_empty() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The most queries: each is held in memory, with what it finds.
const MOST_QUERIES: usize = 1_000_000;

fn queries(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number <= MOST_QUERIES);
    number.ok_or_else(|| format!("it is a whole number up to {MOST_QUERIES}"))
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

fn json_of(verified: &Verified, with_files: bool, portable: Option<&Portable>) -> Value {
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
        "portable": portable.map(json_of_portable),
        "findings": verified.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn json_of_formats(count: &FormatCount) -> Value {
    json!({ "table": count.table, "format": count.format, "files": count.files, "rows": count.rows })
}

fn json_of_file(file: &FileFormat) -> Value {
    json!({ "table": file.table, "file": file.path, "format": file.format, "rows": file.rows })
}

fn json_of_search(searched: &Searched, seed: u64) -> Value {
    json!({
        "seed": seed,
        "queries": searched.queries,
        "differing": searched.differing,
        "messages": searched.messages,
        "matches": searched.matches,
        "hours": searched.hours,
        "not_indexed": searched.not_indexed.iter().map(|hour| hour.key()).collect::<Vec<_>>(),
    })
}

fn json_of_portable(portable: &Portable) -> Value {
    let obstacle = |obstacle: &Obstacle| {
        json!({
            "table": obstacle.table,
            "file": obstacle.file,
            "column": Some(&obstacle.column).filter(|column| !column.is_empty()),
            "what": obstacle.what,
            "mend": obstacle.mend,
        })
    };
    json!({ "files": portable.files, "obstacles": portable.obstacles.iter().map(obstacle).collect::<Vec<_>>() })
}

fn print_portable(portable: &Portable, context: &Context) -> Result<(), CommandError> {
    for obstacle in &portable.obstacles {
        context.output.line(visible(&obstacle.to_string()))?;
    }
    let verdict = match portable.obstacles.len() {
        0 => "every warehouse loads them".to_owned(),
        many => format!("{many} obstacles"),
    };
    context.output.line(format_args!("{} files looked through: {verdict}", portable.files))?;
    Ok(())
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

fn print(verified: &Verified, searched: Option<&Searched>, context: &Context) -> Result<(), CommandError> {
    for finding in &verified.findings {
        context.output.line(visible(&finding.to_string()))?;
    }
    verified.formats().iter().try_for_each(|count| context.output.line(words_of_formats(count)))?;
    if let Some(told) = &verified.round_trip {
        print_round_trip(told, verified.without_raw, context)?;
    }
    if let Some(searched) = searched {
        print_search(searched, context)?;
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

/// Hours that are named when they were left out.
const NAMED_HOURS: usize = 10;

fn print_search(searched: &Searched, context: &Context) -> Result<(), CommandError> {
    context.output.line(format_args!(
        "{} searches of {} messages in {} hours: {} matches agreed on, {} searches differ",
        searched.queries, searched.messages, searched.hours, searched.matches, searched.differing
    ))?;
    if !searched.not_indexed.is_empty() {
        let named: Vec<_> = searched.not_indexed.iter().take(NAMED_HOURS).map(ToString::to_string).collect();
        let more = if searched.not_indexed.len() > NAMED_HOURS { ", …" } else { "" };
        context.output.note(format_args!(
            "{} hours that the index does not hold were left out: {}{more}",
            searched.not_indexed.len(),
            named.join(", ")
        ));
    }
    Ok(())
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
