//! `annals media list`.

use chat::{Attachment, AttachmentState, Timestamp, parse_time};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use store::Access;

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format, FormatArgs};

/// List what is known of attachments, in the order of their messages
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    span: HourSpan,

    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = state())]
    state: Option<AttachmentState>,

    /// Only those that the service deletes before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    deadline_before: Option<Timestamp>,

    #[command(flatten)]
    format: FormatArgs,
}

fn state() -> impl TypedValueParser<Value = AttachmentState> {
    PossibleValuesParser::new(AttachmentState::ALL.map(AttachmentState::word))
        .map(|word| word.parse().expect("only the words of states are possible"))
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let range = args.span.range()?;
    let archive = context.open_archive(Access::Existing).await?;
    let is_asked_for = |row: &Attachment| {
        args.state.is_none_or(|state| row.state == state) && args.deadline_before.is_none_or(|time| row.deadline < time)
    };
    let mut rows = Vec::new();
    let take = |row: Attachment| rows.extend(is_asked_for(&row).then_some(row));
    archive.each_attachment(&range, take).await.map_err(CommandError::from)?;
    if rows.is_empty() {
        context.output.note("no attachment is known; `annals media fetch` looks for them");
        return Ok(Exit::NothingFound);
    }
    let format = args.format.chosen(&context.output);
    let (columns, cells): (&[_], fn(&Attachment) -> Vec<Cell>) = match format {
        Format::Table => (&IN_A_TABLE, table_cells),
        Format::Jsonl | Format::Csv => (&COLUMNS, whole_cells),
    };
    let mut list = context.output.rows(format, columns);
    for row in &rows {
        list.push(&cells(row))?;
    }
    list.finish()?;
    Ok(Exit::Done)
}

const IN_A_TABLE: [&str; 7] = ["hour", "msg_id", "kind", "state", "deadline", "length", "url"];

fn table_cells(row: &Attachment) -> Vec<Cell> {
    vec![
        Cell::from(row.position.source_hour.to_string()),
        text(row.msg_id.as_deref()),
        Cell::from(row.kind.word()),
        Cell::from(row.state.word()),
        Cell::Time(row.deadline),
        count(row.length),
        Cell::from(row.url.as_str()),
    ]
}

/// The columns of the table `attachments`.
const COLUMNS: [&str; 15] = [
    "msg_id",
    "source_hour",
    "part",
    "line",
    "kind",
    "url",
    "state",
    "deadline",
    "sha256",
    "length",
    "media_type",
    "http_status",
    "tried_at",
    "fetched_at",
    "error",
];

fn whole_cells(row: &Attachment) -> Vec<Cell> {
    let time = |time: Option<Timestamp>| time.map_or(Cell::Nothing, Cell::Time);
    vec![
        text(row.msg_id.as_deref()),
        Cell::from(row.position.source_hour.key()),
        Cell::from(row.position.part),
        Cell::from(row.position.line),
        Cell::from(row.kind.word()),
        Cell::from(row.url.as_str()),
        Cell::from(row.state.word()),
        Cell::Time(row.deadline),
        text(row.sha256.as_deref()),
        count(row.length),
        text(row.media_type.as_deref()),
        count(row.http_status.map(u64::from)),
        time(row.tried_at),
        time(row.fetched_at),
        text(row.error.as_deref()),
    ]
}

fn text(text: Option<&str>) -> Cell {
    text.map_or(Cell::Nothing, Cell::from)
}

fn count(count: Option<u64>) -> Cell {
    count.map_or(Cell::Nothing, Cell::from)
}
