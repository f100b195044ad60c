//! `annals status`.

use std::collections::BTreeMap;
use std::time::Duration;

use chat::{App, Entry, Hour, Hours, State, Tally, Timestamp};
use ingest::Lag;
use serde_json::Value;
use store::{Access, Archive};

use crate::commands::span::HourSpan;
use crate::commands::spans::in_words;
use crate::commands::summary::{IN_ORDER, at_risk, counts, hours_by_state};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format};

/// Show which hours are archived, which are missing, and which will be gone soon
///
/// Without --since it begins with the first hour that the archive knows. Without --until it ends before the hour that is going
/// on, so that a fetch that no longer runs shows; but where nothing was fetched for a week longer than the service keeps its
/// hours, or all comes from files, it ends with the last hour that the archive knows. It asks nobody: what the service has is
/// what the last run learned. How old the newest archived hour is, is always said.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals status
  annals status --since 2026-03-01 --until 2026-04-01
  annals status --json

Exit codes: 0 nothing is at stake; 5 hours at risk; 6 hours lost that no run has recorded yet.")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) span: HourSpan,

    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows the state of the archive.
///
/// # Errors
///
/// When there is no archive or it cannot be read.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let archive = context.open_archive(Access::Existing).await?;
    let entries = archive.entries().await.map_err(CommandError::from)?;
    let range = range(args.span, &entries, context)?;
    let status = Status::of(context, &archive, &entries, range);
    if args.json {
        context.output.json(&status.json())?;
    } else {
        status.print(context)?;
    }
    let at_risk = if status.at_risk.is_empty() { Exit::Done } else { Exit::HoursAtRisk };
    let lost = if status.newly_lost == 0 { Exit::Done } else { Exit::HoursLost };
    Ok(Exit::worst([at_risk, lost]))
}

/// What the service should have deleted and no run has got is lost, whether a run has noticed or not. How many are so.
fn lose_what_is_gone(states: &mut BTreeMap<Hour, State>, context: &Context) -> u64 {
    let (habits, now) = (context.habits(), context.clock.now());
    let mut lost = 0;
    for (hour, state) in states {
        if matches!(state, State::Pending | State::Failed) && habits.is_expired(*hour, now) {
            *state = State::Lost;
            lost += 1;
        }
    }
    lost
}

/// What the flags say, or else from the first hour that the archive knows to where [`end`] is.
fn range(span: HourSpan, entries: &BTreeMap<Hour, Entry>, context: &Context) -> Result<Hours, CommandError> {
    let (since, until) = span.bounds();
    let first = since.or_else(|| entries.keys().next().copied());
    let until = until.or_else(|| end(entries, context.clock.now(), context.settings.hours.retention));
    match (first, until) {
        (Some(first), Some(until)) if first >= until && (since.is_some() || span.bounds().1.is_some()) => {
            Err(CommandError::usage(format!("there is no hour from {first} to {until}"))
                .hint("--since is the beginning and in the range, --until its end and not in it"))
        }
        (Some(first), Some(until)) => Ok(Hours::between(first, until)),
        _ => Ok(Hours::between(Hour::from_number(0), Hour::from_number(0))),
    }
}

/// How much longer than the service keeps its hours an archive counts as one that is being fetched.
const PATIENCE: Duration = Duration::from_secs(7 * 24 * 3600);

/// The hour behind the last one to show: the one that is going on, for an archive that is being fetched; otherwise the one
/// behind the last that is known, because the hours since then are no news.
fn end(entries: &BTreeMap<Hour, Entry>, now: Timestamp, retention: Duration) -> Option<Hour> {
    let known = entries.keys().next_back()?.next();
    let fetched = entries.values().rev().find(|entry| entry.source != "load");
    let is_fresh = fetched.is_some_and(|entry| {
        (now - entry.hour.end()).to_std().is_ok_and(|age| age <= retention.saturating_add(PATIENCE))
    });
    Some(if is_fresh { known.max(Hour::containing(now)) } else { known })
}

/// The newest archived hour, and how many whole hours ago it ended.
fn newest_done(entries: &BTreeMap<Hour, Entry>, now: Timestamp) -> Option<(Hour, i64)> {
    let newest = entries.values().rev().find(|entry| entry.state == State::Done)?.hour;
    Some((newest, (now - newest.end()).num_hours().max(0)))
}

/// The version of the object that `--json` prints.
const VERSION: u64 = 1;

/// What is archived of a range, and what is missing.
struct Status {
    app: Option<App>,
    states: BTreeMap<Hour, State>,
    tally: Tally,
    bytes: u64,
    at_risk: Vec<Hour>,
    /// Hours that no run has recorded as lost yet.
    newly_lost: u64,
    not_indexed: u64,
    newest_done: Option<(Hour, i64)>,
}

impl Status {
    fn of(context: &Context, archive: &Archive, entries: &BTreeMap<Hour, Entry>, range: Hours) -> Self {
        let mut states: BTreeMap<Hour, State> =
            range.map(|hour| (hour, entries.get(&hour).map_or(State::Pending, |entry| entry.state))).collect();
        let is_fetched = entries.values().any(|entry| entry.source != "load");
        let newly_lost = if is_fetched { lose_what_is_gone(&mut states, context) } else { 0 };
        let done = entries.values().filter(|entry| states.contains_key(&entry.hour) && entry.state == State::Done);
        let (mut tally, mut bytes) = (Tally::default(), 0);
        for entry in done {
            tally += entry.tally;
            bytes += entry.bytes;
        }
        let indexed = context.indexed_hours().unwrap_or_else(|error| {
            context.warn_of_index(error);
            BTreeMap::new()
        });
        let not_indexed = Lag::between(entries, &indexed).behind.len() as u64;
        let newest_done = newest_done(entries, context.clock.now());
        Self {
            app: archive.app(),
            at_risk: at_risk(context, &states),
            newly_lost,
            states,
            tally,
            bytes,
            not_indexed,
            newest_done,
        }
    }

    /// The hours that are in one of these states.
    fn hours(&self, wanted: &[State]) -> Vec<Hour> {
        self.states.iter().filter(|(_, state)| wanted.contains(state)).map(|(hour, _)| *hour).collect()
    }

    fn json(&self) -> Value {
        let keys = |hours: Vec<Hour>| hours.into_iter().map(Hour::key).collect::<Vec<_>>();
        let mut object = counts(&self.tally);
        object.extend([
            ("version".to_owned(), VERSION.into()),
            ("app".to_owned(), self.app.as_ref().map(ToString::to_string).into()),
            ("first_hour".to_owned(), self.states.keys().next().map(|hour| hour.key()).into()),
            ("last_hour".to_owned(), self.states.keys().next_back().map(|hour| hour.key()).into()),
            ("newest_done".to_owned(), self.newest_done.map(|(hour, _)| hour.key()).into()),
            ("newest_done_age_hours".to_owned(), self.newest_done.map(|(_, age)| age).into()),
            ("hours".to_owned(), hours_by_state(&self.states)),
            ("bytes".to_owned(), self.bytes.into()),
            ("not_indexed".to_owned(), self.not_indexed.into()),
            ("pending".to_owned(), keys(self.hours(&[State::Pending])).into()),
            ("failed".to_owned(), keys(self.hours(&[State::Failed])).into()),
            ("lost".to_owned(), keys(self.hours(&[State::Lost])).into()),
            ("at_risk".to_owned(), keys(self.at_risk.clone()).into()),
        ]);
        object.into()
    }

    fn print(&self, context: &Context) -> Result<(), CommandError> {
        let (Some(first), Some(last)) = (self.states.keys().next(), self.states.keys().next_back()) else {
            context.output.line("nothing is archived yet")?;
            return Ok(());
        };
        let app = self.app.as_ref().map_or_else(|| "an app not yet known".to_owned(), ToString::to_string);
        context.output.line(format_args!("{app}: {} hours from {first} to {last}", self.states.len()))?;
        let mut rows = context.output.rows(Format::Table, &["state", "hours", "which"]);
        for state in IN_ORDER {
            let hours = self.hours(&[state]);
            let count = hours.len() as u64;
            let which = if state == State::Done { Cell::Nothing } else { Cell::from(in_words(hours)) };
            rows.push(&[Cell::from(state.word()), Cell::from(count), which])?;
        }
        rows.finish()?;
        let tally = &self.tally;
        context.output.line(format_args!(
            "{} lines: {} messages, {} duplicates, {} dead letters, {} blank; {} bytes as served",
            tally.lines, tally.messages, tally.duplicates, tally.dead_letters, tally.blank_lines, self.bytes
        ))?;
        if let Some((hour, age)) = self.newest_done {
            let age = if age < 48 { format!("{age} hours") } else { format!("{} days", age / 24) };
            context.output.line(format_args!("the newest archived hour is {hour}, {age} old"))?;
        }
        if self.not_indexed > 0 {
            context.output.line(format_args!("{} hours are still to be indexed", self.not_indexed))?;
        }
        if !self.at_risk.is_empty() {
            context.output.line(format_args!("at risk, gone before long: {}", in_words(self.at_risk.iter().copied())))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_is_being_fetched_is_shown_up_to_now() {
        let first = Hour::from_key("2026031409").unwrap();
        let three_days = Duration::from_secs(3 * 24 * 3600);
        let end_after = |source: &str, hours: i64| {
            let entry = Entry { source: source.to_owned(), ..Entry::new(first, first.end(), State::Done) };
            end(&BTreeMap::from([(first, entry)]), first.plus(hours).start(), three_days)
        };
        assert_eq!(end_after("fetch", 5), Some(first.plus(5)));
        assert_eq!(end_after("fetch", 241), Some(first.plus(241)), "ten days");
        assert_eq!(end_after("fetch", 242), Some(first.next()), "nobody fetches any more");
        assert_eq!(end_after("fetch", -5), Some(first.next()), "a clock that is wrong");
        assert_eq!(end(&BTreeMap::new(), first.start(), three_days), None);
    }

    #[test]
    fn what_was_loaded_waits_for_nothing() {
        let first = Hour::from_key("2026031409").unwrap();
        let loaded = Entry { source: "load".to_owned(), ..Entry::new(first, first.end(), State::Done) };
        let entries = BTreeMap::from([(first, loaded)]);
        assert_eq!(end(&entries, first.plus(5).start(), Duration::ZERO), Some(first.next()));
        assert_eq!(newest_done(&entries, first.plus(5).start()), Some((first, 4)));
    }
}
