//! `annals media stats`.

use chat::{Attachment, show_time};
use ingest::{MediaCount, MediaStanding};
use serde_json::{Map, Value, json};
use store::Access;

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{bytes, visible};

/// Count attachments by state and type, and say which will be lost next
///
/// With --json it prints one object: `attachments`, `bytes`, `states` and `kinds` and `types` (each an object: name, then `count` and
/// `bytes`), `in_danger` (pending, and deleted within a day), `next` (the ten pending ones with the nearest deadline), `unlisted`
/// (archived hours that no fetch has looked through). Before the first `annals media fetch` there is nothing to count: code 1.
///
/// Of a message with several bodies the file and the thumbnail of the first count, and no others (docs/media.md).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    span: HourSpan,

    /// Print it as one JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let range = args.span.range()?;
    let archive = context.open_archive(Access::Existing).await?;
    let standing = MediaStanding::of(&archive, &range, context.clock.now()).await.map_err(CommandError::from)?;
    let Some(standing) = standing else {
        context.output.note("no attachment is known; `annals media fetch` looks for them");
        return Ok(Exit::NothingFound);
    };
    if args.json {
        context.output.json(&json_of(&standing))?;
    } else {
        print(&standing, context)?;
    }
    Ok(Exit::Done)
}

fn print(standing: &MediaStanding, context: &Context) -> Result<(), CommandError> {
    let MediaStanding { all, states, kinds, types, in_danger, next, unlisted } = standing;
    context.output.line(format_args!("{} attachments ({})", all.count, bytes(all.bytes)))?;
    let (named, typed) = (states.iter().chain(kinds), types.iter());
    for (name, count) in named.map(|(name, count)| (*name, count)).chain(typed.map(|(name, count)| (&**name, count))) {
        context.output.line(format_args!("  {}: {} ({})", visible(name), count.count, bytes(count.bytes)))?;
    }
    context.output.line(format_args!("in danger, deleted within a day: {in_danger}"))?;
    for row in next {
        let deadline = show_time(row.deadline);
        context.output.line(format_args!("  {deadline} {} {}", row.kind, visible(&row.url)))?;
    }
    if *unlisted > 0 {
        context.output.note(format_args!("{unlisted} hours are still to be looked through; `annals media fetch` does"));
    }
    Ok(())
}

fn json_of(standing: &MediaStanding) -> Value {
    let MediaStanding { all, states, kinds, types, in_danger, next, unlisted } = standing;
    json!({
        "version": 1,
        "attachments": all.count,
        "bytes": all.bytes,
        "states": json_of_counts(states),
        "kinds": json_of_counts(kinds),
        "types": json_of_counts(types),
        "in_danger": in_danger,
        "next": next.iter().map(json_of_next).collect::<Vec<_>>(),
        "unlisted": unlisted,
    })
}

fn json_of_counts<'a, N: ToString + 'a>(counts: impl IntoIterator<Item = (&'a N, &'a MediaCount)>) -> Value {
    let member =
        |(name, count): (&N, &MediaCount)| (name.to_string(), json!({ "count": count.count, "bytes": count.bytes }));
    Value::Object(counts.into_iter().map(member).collect::<Map<_, _>>())
}

fn json_of_next(row: &Attachment) -> Value {
    json!({
        "msg_id": row.msg_id,
        "source_hour": row.position.source_hour.key(),
        "kind": row.kind.word(),
        "url": row.url,
        "deadline": show_time(row.deadline),
    })
}
