//! `annals verify`.

mod formats;
mod portable;
mod search;

use std::ops::Range;

use chat::Hour;
use ingest::{AttachmentProof, Finding, Portable, Proof, RoundTrip, Searched, Verified};
use serde_json::{Value, json};
use store::{Access, Archive};

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{bytes, visible};

/// Prove that the archive is whole
///
/// For each archived hour: every line is accounted for, the served bytes have the hash that was noted, the tables hold the rows
/// that the ledger says, the search index holds the hour as it is in the tables, and of each attachment that is said to be stored
/// there is a file of its length (`annals media verify` reads those files, too). Reads everything else; what a
/// killed run left behind is put in order first, as whenever an archive is opened.
///
/// With --round-trip the record is rebuilt from every row too, and is the same JSON value as the line that was served: keys,
/// types, digits, what is absent, null and empty. The line is read once more, and gives the columns of the row; those that another
/// version or another `api.base_url` filled otherwise are counted, and no fault. And every line that was served is a message, a
/// copy of one in the same hour, a dead letter to the byte, or blank. That needs the served files; hours without them are counted.
///
/// Every file of the tables is read through and held against its SHA-256 in the log, if it was written since logs have that, and
/// against the bounds, hours and day that the log says of it; of the hours of a damaged file nothing else is said that follows
/// from the damage. Parquet files that lie beside those of a table are named, also those that another program has replaced and
/// left there: who reads the plain files takes their rows for more. While another run is at work these are not looked for.
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
    #[arg(long, value_name = "N", requires = "search", default_value_t = 1000, value_parser = search::queries)]
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
    prove(args, context).await.map_err(CommandError::found_by_verify)
}

async fn prove(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let searches = search::asked_for(&args, context)?;
    let range = args.span.range()?;
    let archive = context.open_archive(Access::Existing).await?;
    let proof = if args.round_trip { Proof::RoundTrip } else { Proof::Counts };
    let portable =
        if args.portable { Some(context.reading_room(archive.clone(), None, None).portable().await?) } else { None };
    let mut verified = verified(context, archive.clone(), range.clone(), proof).await?;
    let searched = match &searches {
        Some(searches) => search::put(context, archive, range, searches, &mut verified.findings).await?,
        None => None,
    };
    if args.json {
        let mut told = json_of(&verified, args.files, portable.as_ref());
        told["search"] = searched.as_ref().map_or(Value::Null, |searched| search::json_of(searched, args.seed));
        context.output.json(&told)?;
    } else {
        if args.files {
            verified.files.iter().try_for_each(|file| context.output.line(visible(&formats::words_of_file(file))))?;
        }
        if let Some(portable) = &portable {
            portable::print(portable, context)?;
        }
        let obstacles = portable.as_ref().map_or(0, |portable| portable.obstacles.len());
        print(&verified, searched.as_ref(), obstacles, context)?;
    }
    let is_portable = portable.is_none_or(|portable| portable.obstacles.is_empty());
    Ok(if verified.findings.is_empty() && is_portable { Exit::Done } else { Exit::HoursFailed })
}

/// An index that cannot be read is one more finding: all the rest is proved without it.
async fn verified(
    context: &Context,
    archive: Archive,
    range: Range<Hour>,
    proof: Proof,
) -> Result<Verified, CommandError> {
    let app = context.app_of(&archive);
    let with = |catalogue| context.reading_room(archive.clone(), catalogue, app.clone());
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
    let files = || verified.files.iter().map(formats::json_of_file).collect::<Vec<_>>();
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
        "attachments": verified.attachments.as_ref().map(json_of_attachments),
        "formats": verified.formats().iter().map(formats::json_of).collect::<Vec<_>>(),
        "files": with_files.then(files),
        "round_trip": verified.round_trip.as_ref().map(json_of_round_trip),
        "hours_read_otherwise": verified.read_otherwise.iter().map(|hour| hour.key()).collect::<Vec<_>>(),
        "portable": portable.map(portable::json_of),
        "findings": verified.findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "next_steps": next_steps(verified),
    })
}

fn json_of_attachments(proof: &AttachmentProof) -> Value {
    json!({
        "rows": proof.all.count,
        "stored": proof.stored.count,
        "bytes": proof.stored.bytes,
        "unlisted": proof.unlisted,
    })
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
        "read_otherwise": told.read_otherwise,
    })
}

/// What can be done about the findings, each once.
fn next_steps(verified: &Verified) -> Vec<&'static str> {
    let mut steps = Vec::new();
    for step in verified.findings.iter().filter_map(Finding::next_step) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

fn print(
    verified: &Verified,
    searched: Option<&Searched>,
    obstacles: usize,
    context: &Context,
) -> Result<(), CommandError> {
    for finding in &verified.findings {
        context.output.line(visible(&finding.to_string()))?;
    }
    verified.formats().iter().try_for_each(|count| context.output.line(formats::words(count)))?;
    if let Some(told) = &verified.round_trip {
        print_round_trip(told, verified, context)?;
    }
    if let Some(searched) = searched {
        search::print(searched, context)?;
    }
    if let Some(AttachmentProof { all, stored, unlisted }) = verified.attachments {
        let (all, there, size) = (all.count, stored.count, bytes(stored.bytes));
        context.output.line(format_args!("{all} attachments, {there} of them stored ({size})"))?;
        if unlisted > 0 {
            context.output.note(format_args!("{unlisted} hours are still to be looked through for attachments"));
        }
    }
    let documents = verified.documents.map_or_else(|| "no index".to_owned(), |count| format!("{count} documents"));
    context.output.line(format_args!(
        "{} hours, {} messages, {} conflicts, {} dead letters, {} served files, {documents}: {}",
        verified.hours,
        verified.rows,
        verified.conflicts,
        verified.dead_letters,
        verified.raw_parts,
        verdict(verified.findings.len(), obstacles)
    ))?;
    next_steps(verified).into_iter().for_each(|step| context.output.note(format_args!("next: {step}")));
    if verified.unpublished > 0 {
        let hours = verified.unpublished;
        context.output.note(format_args!(
            "bytes of {hours} hours are kept that are not published yet; `annals fetch` of these hours publishes them, and so \
             does `annals load --again` with their files in `raw/`"
        ));
    }
    if verified.not_indexed > 0 {
        context.output.note(format_args!("{} hours are still to be indexed", verified.not_indexed));
    }
    Ok(())
}

/// The last words; an obstacle to warehouses is no damage, and ends with the same code.
fn verdict(findings: usize, obstacles: usize) -> String {
    let obstacles = match obstacles {
        0 => String::new(),
        1 => ", 1 obstacle for warehouses".to_owned(),
        many => format!(", {many} obstacles for warehouses"),
    };
    match findings {
        0 if obstacles.is_empty() => "all is well".to_owned(),
        0 => format!("no findings{obstacles}"),
        many => format!("{many} findings{obstacles}"),
    }
}

fn print_round_trip(told: &RoundTrip, verified: &Verified, context: &Context) -> Result<(), CommandError> {
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
    let without_raw = verified.without_raw;
    if without_raw > 0 {
        context
            .output
            .note(format_args!("the served files of {without_raw} hours are not kept: their rows were counted alone"));
    }
    if let [first, ..] = &verified.read_otherwise[..] {
        context.output.note(format_args!(
            "the lines of {} messages are read otherwise today: another version, or another `api.base_url`, filled their columns \
             ({} hours, {first} is the first; --json names all). `annals load --again` with the files in `raw/` publishes them anew",
            told.read_otherwise,
            verified.read_otherwise.len()
        ));
    }
    Ok(())
}
