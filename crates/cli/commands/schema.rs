//! `annals schema`.

mod promote;

use std::ops::Range;

use archive::{Column, Promotion};
use chat::Hour;
use decode::JsonType;
use ingest::{Drift, Fact, Fitted};
use serde_json::{Value, json};
use store::{Access, TableColumn};

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format};

/// Show the columns of the tables, or what the messages say beside them
///
/// Without flags: the columns that the tables of this archive have, and since which format. With `--drift`: names that no
/// column has. These are body types that no document names, the keys of `ext`, and the keys of the record, its payload and its
/// bodies that are kept in `rest` because they mean nothing to this program. Of each the place, the name, the JSON types of its
/// values, the first hour of the range that has it, and how often it was met. Only keys of the objects themselves are looked
/// at, not what lies within their values. Reads four columns of each message; a new version of an app shows here first.
///
/// With `--promote` such a name gets a column of its own in `messages`: hours that are archived from now on have it, and the
/// files that are there are written anew, one after the other. It may be stopped at any time; run again it goes on, and so does
/// any `fetch`, `load` or `compact`. What does not fit the type is null in the column, is counted, and stays where it was.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals schema
  annals schema --drift
  annals schema --drift --since 2026-03-14 --until 2026-03-15
  annals schema --drift --json | jq '.facts[] | select(.first_hour >= \"2026031400\")'
  annals schema --promote ext.order_id:string --dry-run
  annals schema --promote ext.order.total:float64 --as order_total

Exit codes: 0 done; 2 usage, as a name that is taken; 3 messages could not be looked at, because their `ext` or `rest` is
damaged, or files could not be written anew; 130 stopped, and to be gone on with.")]
pub(crate) struct Args {
    /// Look through the messages for names that no column has
    #[arg(long)]
    drift: bool,

    #[command(flatten)]
    promote: promote::PromoteArgs,

    #[command(flatten)]
    span: HourSpan,

    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Shows the columns, or what no column has.
///
/// # Errors
///
/// When there is no archive or it cannot be read, or a range is given that nothing is looked for in.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    if args.drift {
        return drift(args.span.range()?, args.json, context).await;
    }
    if args.span.bounds() != (None, None) {
        let error = CommandError::usage("columns are those of all hours: --since and --until go with --drift");
        return Err(error.hint("add --drift to look through the messages of these hours"));
    }
    if !args.promote.promote.is_empty() {
        return promote::run(&args.promote, args.json, context).await;
    }
    columns(args.json, context).await
}

/// The version of the objects that `--json` prints.
const VERSION: u64 = 1;

async fn columns(as_json: bool, context: &Context) -> Result<Exit, CommandError> {
    let archive = context.open_archive(Access::Existing).await?;
    let (columns, promotions) = (archive.columns().await?, archive.promotions().await?);
    if as_json {
        let columns: Vec<_> = columns.iter().map(|column| column_json(column, &promotions)).collect();
        context.output.json(&json!({ "version": VERSION, "format": archive::FORMAT, "columns": columns }))?;
        return Ok(Exit::Done);
    }
    let mut rows = context.output.rows(Format::Table, &["table", "name", "type", "since_format", "holds"]);
    for column in columns {
        let (since, place) = (since(&column), promoted(&column, &promotions).map(|known| known.place.to_string()));
        rows.push(&[column.table.into(), column.name.into(), column.type_word.into(), since.into(), place.into()])?;
    }
    rows.finish()?;
    Ok(Exit::Done)
}

/// What a column holds that was promoted.
fn promoted<'p>(column: &TableColumn, promotions: &'p [Promotion]) -> Option<&'p Promotion> {
    promotions.iter().find(|known| column.table == "messages" && known.column == column.name)
}

fn column_json(column: &TableColumn, promotions: &[Promotion]) -> Value {
    let promoted = promoted(column, promotions)
        .map(|Promotion { place, kind, .. }| json!({ "place": place.to_string(), "type": kind.to_string() }));
    json!({
        "table": column.table,
        "name": column.name,
        "type": column.type_word,
        "nullable": column.nullable,
        "since_format": since(column),
        "meaning": ours(column).map(|ours| ours.doc),
        "promoted": promoted,
    })
}

/// The column as this program documents it; `None` for the partition's and for those that others have added.
fn ours(column: &TableColumn) -> Option<&'static Column> {
    let columns = match column.table {
        "messages" => archive::columns(),
        "attachments" => archive::attachment_columns(),
        "dead_letters" => archive::dead_letter_columns(),
        _ => archive::entry_columns(),
    };
    columns.iter().find(|ours| ours.name == column.name)
}

/// The format that a column came with; `None` for one that others have added.
fn since(column: &TableColumn) -> Option<u32> {
    if column.name == PARTITION { Some(1) } else { ours(column).map(|ours| ours.since) }
}

/// The column that is in the names of folders and not in the files.
const PARTITION: &str = "date";

async fn drift(range: Range<Hour>, as_json: bool, context: &Context) -> Result<Exit, CommandError> {
    let archive = context.open_archive(Access::Existing).await?;
    let drift = context.reading_room(archive, None, None).drift(range).await?;
    if as_json {
        context.output.json(&drift_json(&drift))?;
    } else {
        print(&drift, context)?;
    }
    if drift.left_out > 0 {
        let told = drift.facts.len();
        context.output.warn(format_args!(
            "there are more names than the {told} that are told: others were met {} times; a shorter range has fewer",
            drift.left_out
        ));
    }
    if drift.unreadable > 0 {
        let messages = drift.unreadable;
        context.output.warn(format_args!("{messages} messages have an `ext` or `rest` that annals did not write"));
        return Ok(Exit::HoursFailed);
    }
    Ok(Exit::Done)
}

fn drift_json(drift: &Drift) -> Value {
    let fact = |fact: &Fact| {
        json!({
            "place": fact.place.word(),
            "name": fact.name,
            "types": words(fact).collect::<Vec<_>>(),
            "first_hour": fact.first_hour.key(),
            "count": fact.count,
        })
    };
    json!({
        "version": VERSION,
        "messages": drift.messages,
        "facts": drift.facts.iter().map(fact).collect::<Vec<_>>(),
        "left_out": drift.left_out,
        "unreadable": drift.unreadable,
        "promoted": drift.promoted.iter().map(promote::fitted_json).collect::<Vec<_>>(),
    })
}

fn print(drift: &Drift, context: &Context) -> Result<(), CommandError> {
    let mut rows = context.output.rows(Format::Table, &["first_hour", "place", "name", "types", "count"]);
    for fact in &drift.facts {
        let types = words(fact).collect::<Vec<_>>().join(", ");
        let hour = fact.first_hour.to_string();
        rows.push(&[
            hour.into(),
            fact.place.word().into(),
            Cell::from(fact.name.as_str()),
            types.into(),
            fact.count.into(),
        ])?;
    }
    rows.finish()?;
    context.output.note(format_args!("{} names in {} messages", drift.facts.len(), drift.messages));
    for Fitted { promotion, filled, unfit } in &drift.promoted {
        let (column, kind) = (&promotion.column, promotion.kind);
        context.output.note(format_args!("{column}: {filled} have a value, {unfit} have one that is no {kind}"));
    }
    Ok(())
}

fn words(fact: &Fact) -> impl Iterator<Item = &'static str> {
    fact.types.iter().copied().map(JsonType::word)
}
