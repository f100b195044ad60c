//! `annals media stats`.

use std::collections::BTreeMap;

use chat::{Attachment, AttachmentKind, AttachmentState, show_time};
use ingest::is_in_danger;
use serde_json::{Value, json};
use store::Access;

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::bytes;

/// Count attachments by state and type, and say which will be lost next
///
/// With --json it prints one object: `attachments`, `bytes`, `states` and `kinds` and `types` (each an object: name, then `count` and
/// `bytes`), `in_danger` (pending, and deleted within a day), `next` (the ten pending ones with the nearest deadline).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    span: HourSpan,

    /// Print it as one JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// How many of those that will be lost next are named.
const NEXT: usize = 10;

#[derive(Default)]
struct Count {
    count: u64,
    bytes: u64,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let range = args.span.range()?;
    let archive = context.open_archive(Access::Existing).await?;
    let rows = archive.attachments(&range).await.map_err(CommandError::from)?;
    let now = context.clock.now();
    let in_danger = rows.iter().filter(|row| is_in_danger(row, now)).count();
    let states = counted(&rows, |row| row.state.word().to_owned(), &AttachmentState::ALL.map(AttachmentState::word));
    let kinds = counted(&rows, |row| row.kind.word().to_owned(), &AttachmentKind::ALL.map(AttachmentKind::word));
    let stored: Vec<_> = rows.iter().filter(|row| row.state == AttachmentState::Stored).cloned().collect();
    let types = counted(&stored, |row| row.media_type.clone().unwrap_or_else(|| "unknown".to_owned()), &[]);
    let mut next: Vec<_> = rows.iter().filter(|row| row.state == AttachmentState::Pending).collect();
    next.sort_by_key(|row| row.deadline);
    next.truncate(NEXT);
    let sum: u64 = rows.iter().filter_map(|row| row.length).sum();
    if args.json {
        context.output.json(&json!({
            "version": 1, "attachments": rows.len(), "bytes": sum, "states": json_of(&states), "kinds": json_of(&kinds),
            "types": json_of(&types), "in_danger": in_danger, "next": next.iter().map(|row| json_of_next(row)).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    context.output.line(format_args!("{} attachments ({})", rows.len(), bytes(sum)))?;
    for (name, count) in states.iter().chain(&kinds).chain(&types) {
        context.output.line(format_args!("  {name}: {} ({})", count.count, bytes(count.bytes)))?;
    }
    context.output.line(format_args!("in danger, deleted within a day: {in_danger}"))?;
    for row in next {
        context.output.line(format_args!(
            "  {} {} {}",
            show_time(row.deadline),
            row.kind,
            crate::output::visible(&row.url)
        ))?;
    }
    Ok(Exit::Done)
}

/// Counts by name; the names given are there even when there is none.
fn counted(rows: &[Attachment], name: impl Fn(&Attachment) -> String, names: &[&str]) -> BTreeMap<String, Count> {
    let mut counts: BTreeMap<_, Count> = names.iter().map(|name| ((*name).to_owned(), Count::default())).collect();
    for row in rows {
        let count = counts.entry(name(row)).or_default();
        count.count += 1;
        count.bytes += row.length.unwrap_or(0);
    }
    counts
}

fn json_of(counts: &BTreeMap<String, Count>) -> Value {
    let member =
        |(name, count): (&String, &Count)| (name.clone(), json!({ "count": count.count, "bytes": count.bytes }));
    Value::Object(counts.iter().map(member).collect())
}

fn json_of_next(row: &Attachment) -> Value {
    json!({
        "msg_id": row.msg_id, "source_hour": row.position.source_hour.key(), "kind": row.kind.word(), "url": row.url,
        "deadline": show_time(row.deadline),
    })
}
