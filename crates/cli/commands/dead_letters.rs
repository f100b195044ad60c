//! `annals dead-letters`.

mod replay;

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::{DeadLetter, Hour, Reason};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use store::{Access, Archive};

use crate::commands::query;
use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format, FormatArgs, Rows, beginning};

/// List the lines that could not be read as a message
///
/// They are set aside when an hour is archived, and stay in the table `dead_letters`: with the hour, part and line that they stood
/// in, their first byte in the unpacked part, the reason, and their bytes. A table shows the beginning of the bytes.
///
/// JSON lines and CSV have them whole: in `text` when they are UTF-8, else in `base64`; the other one is null. `length` is the
/// number of these bytes; of a line that was too long only the start was kept. Further keys: `source_hour`, `part`, `line`, `offset`,
/// `reason`.
///
/// With --replay they are read once more, by this version of the program and with the limits of its settings. Hours of which a
/// line is a message now are published again, and no others; where the served bytes are not kept any more, the line is read from
/// what is listed here. It prints a line for each such hour, or with --json one object: `version`, `dry_run`, `hours`,
/// `dead_letters` (how many were read), `messages`, `duplicates`, `changed` (the hours published, each with `hour`,
/// `dead_letters`, `messages`, `duplicates`), `left` (hours left as they are, each with `hour` and `why`), `failures` (`hour`,
/// `error`), `interrupted`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals dead-letters
  annals dead-letters --count --since 2026-03-01
  annals dead-letters --reason syntax --since 2026-03-14 --until 2026-03-15
  annals dead-letters --format jsonl > letters.jsonl
  annals dead-letters --replay --dry-run
  annals dead-letters --replay --since 2026-03-01 --json

Exit codes: 0 there are some; 1 there are none. With --replay: 0 done; 3 an hour failed, and stays as it is.")]
pub(crate) struct Args {
    #[command(flatten)]
    span: HourSpan,

    /// Only those that were set aside for this reason
    #[arg(long, value_name = "WORD", value_parser = reason())]
    reason: Option<Reason>,

    /// How many to print at the most: by default 20 in a table, and all as JSON lines or CSV
    #[arg(long, value_name = "N", value_parser = query::limit)]
    limit: Option<usize>,

    /// Print how many there are for each reason, and not the lines
    #[arg(long, conflicts_with = "limit")]
    count: bool,

    /// Read them once more, and publish the hours of which lines are messages now
    #[arg(long, conflicts_with_all = ["reason", "limit", "count", "format"])]
    replay: bool,

    /// Only say what --replay would do
    #[arg(long, requires = "replay")]
    dry_run: bool,

    #[command(flatten)]
    format: FormatArgs,
}

/// Rows of a table when nobody says how many.
const ROWS: usize = 20;

fn reason() -> impl TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.map(Reason::word))
        .map(|word| word.parse().expect("only the words of reasons are possible"))
}

/// Lists or counts dead letters.
///
/// # Errors
///
/// When the range holds no hour, there is no archive, or it cannot be read.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let range = args.span.range()?;
    let archive = context.open_archive(Access::Existing).await?;
    if args.replay {
        return replay::run(archive, &range, args.dry_run, args.format.is_json(), context).await;
    }
    let format = args.format.chosen(&context.output);
    let wanted = Wanted { range, reason: args.reason };
    let found = if args.count {
        count(&archive, &wanted, format, context).await?
    } else {
        list(&archive, &wanted, args.limit, format, context).await?
    };
    if found == 0 {
        context.output.note("no line was set aside");
        return Ok(Exit::NothingFound);
    }
    Ok(Exit::Done)
}

async fn list(
    archive: &Archive,
    wanted: &Wanted,
    limit: Option<usize>,
    format: Format,
    context: &Context,
) -> Result<u64, CommandError> {
    let (columns, cells): (&[_], fn(&DeadLetter<'_>) -> Vec<Cell>) = match format {
        Format::Table => (&IN_A_TABLE, table_cells),
        Format::Jsonl | Format::Csv => (&COLUMNS, whole_cells),
    };
    let most = match (limit, format) {
        (Some(limit), _) => limit as u64,
        (None, Format::Table) => ROWS as u64,
        (None, Format::Jsonl | Format::Csv) => u64::MAX,
    };
    let mut rows = context.output.rows(format, columns);
    let mut found = 0;
    let push = |letter: &DeadLetter<'_>| {
        found += 1;
        if found <= most { Ok(rows.push(&cells(letter))?) } else { Ok(()) }
    };
    wanted.each(archive, push).await?;
    rows.finish()?;
    if found > most {
        context.output.note(format_args!("{most} of {found} lines; --limit shows more, --count counts them"));
    }
    Ok(found)
}

async fn count(archive: &Archive, wanted: &Wanted, format: Format, context: &Context) -> Result<u64, CommandError> {
    let mut counts = BTreeMap::<Reason, u64>::new();
    let add = |letter: &DeadLetter<'_>| {
        *counts.entry(letter.reason).or_default() += 1;
        Ok(())
    };
    wanted.each(archive, add).await?;
    let mut rows: Rows = context.output.rows(format, &["reason", "lines"]);
    for (reason, count) in &counts {
        rows.push(&[Cell::from(reason.word()), Cell::from(*count)])?;
    }
    rows.finish()?;
    Ok(counts.values().sum())
}

/// Which letters are asked for.
struct Wanted {
    range: Range<Hour>,
    reason: Option<Reason>,
}

impl Wanted {
    /// Hands each of them out, in the order in which they stood. A batch of an hour is held at a time.
    async fn each(
        &self,
        archive: &Archive,
        mut take: impl FnMut(&DeadLetter<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let hours = archive.hours_with_dead_letters().await.map_err(CommandError::from)?;
        for hour in hours.into_iter().filter(|hour| self.range.contains(hour)) {
            let mut reader = archive.letter_reader(hour);
            while let Some(letters) = reader.next_batch().await.map_err(CommandError::from)? {
                letters.iter().filter(|letter| self.fits(letter)).try_for_each(&mut take)?;
            }
        }
        Ok(())
    }

    fn fits(&self, letter: &DeadLetter<'_>) -> bool {
        self.reason.is_none_or(|reason| letter.reason == reason)
    }
}

/// The columns for a person.
const IN_A_TABLE: [&str; 7] = ["hour", "part", "line", "offset", "reason", "length", "bytes"];

fn table_cells(letter: &DeadLetter<'_>) -> Vec<Cell> {
    let [_, part, line, offset, reason, length] = place(letter);
    let hour = Cell::from(letter.position.source_hour.to_string());
    vec![hour, part, line, offset, reason, length, Cell::from(beginning(&letter.bytes))]
}

/// The keys for a program, those of the table `dead_letters` and what its `bytes` are.
const COLUMNS: [&str; 8] = ["source_hour", "part", "line", "offset", "reason", "length", "text", "base64"];

fn whole_cells(letter: &DeadLetter<'_>) -> Vec<Cell> {
    let (text, base64) = match std::str::from_utf8(&letter.bytes) {
        Ok(text) => (Cell::from(text), Cell::Nothing),
        Err(_) => (Cell::Nothing, Cell::from(STANDARD.encode(&letter.bytes))),
    };
    place(letter).into_iter().chain([text, base64]).collect()
}

fn place(letter: &DeadLetter<'_>) -> [Cell; 6] {
    let position = letter.position;
    [
        Cell::from(position.source_hour.key()),
        Cell::from(position.part),
        Cell::from(position.line),
        Cell::from(letter.offset),
        Cell::from(letter.reason.word()),
        Cell::from(letter.bytes.len() as u64),
    ]
}
