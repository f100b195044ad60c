//! `annals plan`: what a fetch would do, before anything is spent.

use std::time::Duration;

use chat::{Hour, Hours, State, Timestamp};
use ingest::{Coverage, Plan, Settled, Step, Why, Workshop, time_under_quota};
use serde_json::{Value, json};
use store::{Access, Archive};
use tempfile::TempDir;

use crate::commands::spans::in_words;
use crate::commands::verdict::count;
use crate::commands::which::Which;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format, bytes, duration};

/// Show what a fetch would do: calls, minutes, bytes, and what is in danger
///
/// Nothing is spent and nothing is changed: the service is not asked, no token is needed, and no archive is made. Without
/// flags it plans for the hours that are due, like `annals fetch --due --dry-run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals plan
  annals plan --since 2026-03-14 --until 2026-03-15
  annals plan --due --json

Exit codes: 0, also when hours are at risk or lost: that is for `status` and `fetch` to tell; 2 it cannot be planned.")]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,

    /// Print one JSON object on stdout, see docs/plan.md
    #[arg(long)]
    json: bool,
}

/// Prints the plan.
///
/// # Errors
///
/// When the range holds no hour, or the archive cannot be read.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    show(context, args.which.or_due(), Settled::Keep, args.json).await
}

/// Prints what [`Workshop::fetch`] would do.
///
/// # Errors
///
/// As [`run`].
pub(super) async fn show(
    context: &Context,
    which: Which,
    settled: Settled,
    as_json: bool,
) -> Result<Exit, CommandError> {
    which.check()?;
    let (archive, _folder) = archive(context).await?;
    let workshop = context.reading_room(archive, None, None);
    let forecast = Forecast::of(context, &workshop, which.hours(&workshop).await?, settled).await?;
    if as_json {
        context.output.json(&forecast.json())?;
    } else {
        forecast.print(context)?;
    }
    Ok(Exit::Done)
}

/// The archive; where there is none, a new one in a folder that goes away, so that a first run is planned like any other.
async fn archive(context: &Context) -> Result<(Archive, Option<TempDir>), CommandError> {
    let existing = context.try_archive(Access::Existing).await;
    if !matches!(existing, Err(store::Error::NoArchive { .. })) {
        let failed = |error| CommandError::from(error).while_doing(could_not_open(context));
        return Ok((existing.map_err(failed)?, None));
    }
    context.output.note(format_args!("{} is no archive yet: a new one is planned for", context.place));
    let failed =
        |error: CommandError| error.while_doing("could not make a new archive in the folder for temporary files");
    let folder = tempfile::tempdir().map_err(|error| failed(CommandError::usage(error)))?;
    let archive = Archive::open(folder.path(), Access::Create, context.clock.handed_over()).await;
    Ok((archive.map_err(|error| failed(error.into()))?, Some(folder)))
}

fn could_not_open(context: &Context) -> String {
    format!("could not open the archive {}", context.place)
}

/// The version of the object that `--json` prints.
const VERSION: u64 = 1;

/// A plan, and what it means for the clock and the hours in danger.
struct Forecast {
    plan: Plan,
    coverage: Coverage,
    calls_per_minute: u32,
}

impl Forecast {
    async fn of(context: &Context, workshop: &Workshop, hours: Hours, settled: Settled) -> Result<Self, CommandError> {
        let plan = workshop.plan(hours, settled).await?;
        let entries = workshop.archive.entries().await?;
        let (now, warning) = (context.clock.now(), context.settings.hours.warning);
        let coverage = Coverage::of(&entries, hours, &workshop.settings.habits, now, warning);
        Ok(Self { plan, coverage, calls_per_minute: context.settings.api.history_per_minute })
    }

    /// How long the calls take at the least.
    fn time(&self) -> Duration {
        time_under_quota(self.plan.calls(), self.calls_per_minute)
    }

    fn json(&self) -> Value {
        let count = |kind: &Kind| self.plan.hours(|step| kind.is_of(step)).count();
        let hours: serde_json::Map<String, Value> =
            KINDS.iter().map(|kind| (kind.word().to_owned(), count(kind).into())).collect();
        let at_risk = self.coverage.at_risk().map(|(hour, gone)| {
            json!({ "hour": hour.key(), "lost_at": to_the_second(gone), "seconds_left": self.left(gone).as_secs() })
        });
        let bounds = self.coverage.bounds();
        json!({
            "version": VERSION,
            "now": to_the_second(self.coverage.now),
            "first_hour": bounds.map(|(first, _)| first.key()),
            "last_hour": bounds.map(|(_, last)| last.key()),
            "calls": self.plan.calls(),
            "calls_per_minute": self.calls_per_minute,
            "seconds": self.time().as_secs(),
            "done_at": to_the_second(self.coverage.now + self.time()),
            "bytes_expected": self.plan.bytes,
            "hours": hours,
            "at_risk": at_risk.collect::<Vec<_>>(),
            "lost": self.coverage.hours(State::Lost).map(Hour::key).collect::<Vec<_>>(),
        })
    }

    fn print(&self, context: &Context) -> Result<(), CommandError> {
        let output = &context.output;
        let mut rows = output.rows(Format::Table, &["hours", "what happens to them", "which"]);
        for kind in &KINDS {
            let mut hours: Vec<Hour> = self.plan.hours(|step| kind.is_of(step)).collect();
            hours.sort_unstable();
            if !hours.is_empty() {
                rows.push(&[Cell::from(hours.len() as u64), Cell::from(kind.sentence()), Cell::from(in_words(hours))])?;
            }
        }
        rows.finish()?;
        for line in [Some(self.effort()), self.danger(), self.losses()].into_iter().flatten() {
            output.line(line)?;
        }
        Ok(())
    }

    fn effort(&self) -> String {
        let calls = self.plan.calls();
        let is_idle = !self.plan.steps.iter().any(|(_, step)| step.is_work());
        match (calls, is_idle) {
            (0, true) => "nothing is to be done: no call".to_owned(),
            (0, false) => "no call: all that is to be done is done with bytes that are here".to_owned(),
            _ => {
                let (time, until) = (duration(self.time()), to_the_minute(self.coverage.now + self.time()));
                let bytes = self.plan.bytes.map_or_else(
                    || "there are no past hours to tell the bytes from".to_owned(),
                    |size| format!("about {} to download, by past hours", bytes(size)),
                );
                let calls = count(calls, "call", "calls");
                format!("{calls}, {time} at the least at {} a minute: until {until}; {bytes}", self.calls_per_minute)
            }
        }
    }

    fn danger(&self) -> Option<String> {
        let at_risk: Vec<Hour> = self.coverage.at_risk().map(|(hour, _)| hour).collect();
        let (first, gone) = self.coverage.at_risk().next()?;
        let left = duration(self.left(gone));
        let hours = count(at_risk.len() as u64, "hour", "hours");
        Some(format!("at risk: {hours}, {first} will be lost in {left}: {}", in_words(at_risk)))
    }

    fn losses(&self) -> Option<String> {
        let lost: Vec<Hour> = self.coverage.hours(State::Lost).collect();
        (!lost.is_empty()).then(|| format!("lost: {}: {}", count(lost.len() as u64, "hour", "hours"), in_words(lost)))
    }

    fn left(&self, gone: Timestamp) -> Duration {
        (gone - self.coverage.now).to_std().unwrap_or_default()
    }
}

fn to_the_second(time: Timestamp) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The minute by which the time has come.
fn to_the_minute(time: Timestamp) -> String {
    (time + Duration::from_secs(59)).format("%Y-%m-%dT%H:%MZ").to_string()
}

/// What can happen to an hour.
enum Kind {
    Asked(Why),
    Decoded,
    Waiting,
    Settled,
}

/// All of them, what has its turn first in front.
const KINDS: [Kind; 8] = [
    Kind::Decoded,
    Kind::Asked(Why::First),
    Kind::Asked(Why::Again),
    Kind::Asked(Why::Wanted),
    Kind::Asked(Why::Recheck),
    Kind::Asked(Why::Expired),
    Kind::Waiting,
    Kind::Settled,
];

impl Kind {
    fn is_of(&self, step: Step) -> bool {
        match self {
            Self::Asked(why) => step == Step::Ask(*why),
            Self::Decoded => step == Step::Decode,
            Self::Waiting => step == Step::Wait,
            Self::Settled => matches!(step, Step::Settled(_)),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Asked(why) => why.word(),
            Self::Decoded => "decode",
            Self::Waiting => "wait",
            Self::Settled => "settled",
        }
    }

    fn sentence(&self) -> &'static str {
        match self {
            Self::Asked(Why::First) => "asked for the first time",
            Self::Asked(Why::Again) => "asked again: not ready, or failed",
            Self::Asked(Why::Wanted) => "asked anew, as --again says",
            Self::Asked(Why::Recheck) => "asked once more: may have grown",
            Self::Asked(Why::Expired) => "lost, unless the service keeps them longer: the youngest is asked for",
            Self::Decoded => "decoded from bytes that are here",
            Self::Waiting => "too young to be asked for",
            Self::Settled => "settled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_of_one_kind() {
        let asked = [Why::First, Why::Again, Why::Wanted, Why::Recheck, Why::Expired].map(Step::Ask);
        let rest = [Step::Decode, Step::Wait, Step::Settled(State::Done), Step::Settled(State::Lost)];
        for step in asked.into_iter().chain(rest) {
            assert_eq!(KINDS.iter().filter(|kind| kind.is_of(step)).count(), 1, "{step:?}");
        }
        let mut words: Vec<&str> = KINDS.iter().map(Kind::word).collect();
        words.sort_unstable();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{words:?}");
    }
}
