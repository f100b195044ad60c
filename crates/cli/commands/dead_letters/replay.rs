//! `annals dead-letters --replay`.

use std::ops::Range;

use chat::Hour;
use ingest::{Failure, Left, Replay, Replayed, Reread};
use serde_json::{Value, json};
use store::Archive;

use crate::commands::compact;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::visible;

/// Reads the dead letters of a range once more.
///
/// # Errors
///
/// When the archive cannot be read at all, or another run is at work on it; hours that fail are counted, not errors.
pub(super) async fn run(
    archive: Archive,
    range: &Range<Hour>,
    is_dry: bool,
    as_json: bool,
    context: &Context,
) -> Result<Exit, CommandError> {
    let replay = if is_dry { Replay::DryRun } else { Replay::Publish };
    let app = archive.app().or_else(|| context.client().ok().map(|client| client.app()));
    let catalogue = if is_dry { None } else { context.open_catalogue() };
    let workshop = context.workshop(archive, catalogue, app);
    let hours = workshop.archive.hours_with_dead_letters().await.map_err(CommandError::from)?;
    let bar = context.output.progress(hours.iter().filter(|hour| range.contains(hour)).count() as u64, "hours");
    let progress = |hour| {
        bar.at(hour);
        bar.advance(1);
    };
    let done = workshop.replay(range, replay, &progress).await.map_err(CommandError::from)?;
    drop(bar);
    if replay == Replay::Publish && !done.changed.is_empty() {
        compact::at_the_end(&workshop, context).await;
    }
    if as_json {
        context.output.json(&json_of(&done, replay))?;
    } else {
        print(&done, replay, context)?;
    }
    tell_of_others(done, context)
}

fn print(done: &Replayed, replay: Replay, context: &Context) -> Result<(), CommandError> {
    for Reread { hour, dead_letters, messages, duplicates } in &done.changed {
        let copies = if *duplicates == 0 { String::new() } else { format!(", {duplicates} are copies of one") };
        context.output.line(format_args!("{hour}: of {dead_letters} lines {messages} are messages now{copies}"))?;
    }
    let hours = match (done.changed.len(), replay) {
        (0, _) => "no hour is concerned".to_owned(),
        (1, Replay::Publish) => "1 hour was published again".to_owned(),
        (1, Replay::DryRun) => "1 hour would be published again".to_owned(),
        (many, Replay::Publish) => format!("{many} hours were published again"),
        (many, Replay::DryRun) => format!("{many} hours would be published again"),
    };
    context.output.line(format_args!("{} lines of {} hours read once more: {hours}", done.dead_letters, done.hours))?;
    Ok(())
}

/// Says on stderr what was left, what failed, and whether there is more to do.
fn tell_of_others(done: Replayed, context: &Context) -> Result<Exit, CommandError> {
    for (hour, left) in &done.left {
        context.output.warn(format_args!("{hour} was left as it is: {}", left.words()));
    }
    let has_failed = !done.failures.is_empty();
    for Failure { hour, error } in done.failures {
        let error = CommandError::from(error).in_one_line();
        context.output.warn(format_args!("{hour} failed and stays as it is: {}", visible(&error)));
    }
    if done.is_interrupted {
        context.output.warn("stopped before all hours had their turn; run it again to go on");
        return Ok(Exit::Interrupted);
    }
    Ok(if has_failed { Exit::HoursFailed } else { Exit::Done })
}

/// The version of the object that `--json` prints.
const VERSION: u64 = 1;

fn json_of(done: &Replayed, replay: Replay) -> Value {
    let sum = |part: fn(&Reread) -> u64| done.changed.iter().map(part).sum::<u64>();
    json!({
        "version": VERSION,
        "dry_run": replay == Replay::DryRun,
        "hours": done.hours,
        "dead_letters": done.dead_letters,
        "messages": sum(|hour| hour.messages),
        "duplicates": sum(|hour| hour.duplicates),
        "changed": done.changed.iter().map(json_of_hour).collect::<Vec<_>>(),
        "left": done.left.iter().map(|(hour, left)| json_of_left(*hour, *left)).collect::<Vec<_>>(),
        "failures": done.failures.iter().map(json_of_failure).collect::<Vec<_>>(),
        "interrupted": done.is_interrupted,
    })
}

fn json_of_hour(hour: &Reread) -> Value {
    json!({
        "hour": hour.hour.key(),
        "dead_letters": hour.dead_letters,
        "messages": hour.messages,
        "duplicates": hour.duplicates,
    })
}

fn json_of_left(hour: Hour, left: Left) -> Value {
    json!({ "hour": hour.key(), "why": left.words() })
}

fn json_of_failure(failure: &Failure) -> Value {
    json!({ "hour": failure.hour.key(), "error": failure.error.in_one_line() })
}
