//! What fetch and load say at their end.

use std::collections::BTreeMap;
use std::time::Duration;

use chat::{Hour, State, Tally};
use index::Catalogue;
use ingest::{CutShort, Failure, Habits, Lag, Report, Workshop};
use serde_json::{Value, json};
use store::Archive;

use crate::commands::run::RunArgs;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Failures that are told in full; the rest is counted.
const TOLD: usize = 5;

/// The version of the object that `--json` prints.
const VERSION: u64 = 1;

/// A run that came to its end.
pub(super) struct Summary<'a> {
    context: &'a Context,
    report: Report,
    seconds: f64,
    /// Hours that the tables hold and the index does not.
    not_indexed: u64,
}

impl<'a> Summary<'a> {
    /// Lets the index catch up, unless it is to be left alone, and sums the run up.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(super) async fn of(
        context: &'a Context,
        workshop: &Workshop,
        report: Report,
        took: Duration,
    ) -> Result<Self, CommandError> {
        if report.cut_short != Some(CutShort::Interrupted) {
            context.catch_up(workshop).await?;
        }
        let not_indexed = not_indexed(workshop, context.read_catalogue().ok().flatten()).await?;
        Ok(Self { context, report, seconds: took.as_secs_f64(), not_indexed })
    }

    /// Prints the summary and the failures, and says how the run ends.
    ///
    /// # Errors
    ///
    /// When stdout takes nothing.
    pub(super) fn print(self, args: RunArgs) -> Result<Exit, CommandError> {
        if args.json {
            self.context.output.json(&self.json())?;
        } else {
            self.context.output.line(self.sentence())?;
        }
        let exit = self.exit(args.strict);
        let failures = telling(self.report.failures, self.report.cut_short);
        let errors: Vec<CommandError> = failures.into_iter().map(|failure| failure.error.into()).collect();
        errors.iter().take(TOLD).for_each(|error| self.context.output.error(error));
        if let Some(untold) = errors.len().checked_sub(TOLD + 1) {
            self.context.output.warn(format_args!("{} more hours failed; `annals status` names them", untold + 1));
        }
        Ok(Exit::worst(errors.iter().map(CommandError::exit).chain([exit])))
    }

    fn exit(&self, strict: bool) -> Exit {
        let report = &self.report;
        Exit::worst([
            if strict && report.tally.dead_letters > 0 { Exit::HoursFailed } else { Exit::Done },
            if report.newly_lost > 0 { Exit::HoursLost } else { Exit::Done },
            if self.at_risk() > 0 { Exit::HoursAtRisk } else { Exit::Done },
            if report.cut_short == Some(CutShort::Interrupted) { Exit::Interrupted } else { Exit::Done },
        ])
    }

    fn at_risk(&self) -> usize {
        at_risk(self.context, &self.report.states).len()
    }

    fn json(&self) -> Value {
        let report = &self.report;
        let failures: Vec<Value> = report
            .failures
            .iter()
            .map(|failure| json!({ "hour": failure.hour.key(), "error": failure.error.in_one_line() }))
            .collect();
        let mut object = counts(&report.tally);
        object.extend([
            ("version".to_owned(), VERSION.into()),
            ("hours".to_owned(), hours_by_state(&report.states)),
            ("bytes_fetched".to_owned(), report.bytes.into()),
            ("seconds".to_owned(), ((self.seconds * 1000.0).round() / 1000.0).into()),
            ("published".to_owned(), report.published.into()),
            ("new".to_owned(), counts(&report.new).into()),
            ("newly_lost".to_owned(), report.newly_lost.into()),
            ("at_risk".to_owned(), self.at_risk().into()),
            ("not_indexed".to_owned(), self.not_indexed.into()),
            ("interrupted".to_owned(), (report.cut_short == Some(CutShort::Interrupted)).into()),
            ("failures".to_owned(), failures.into()),
        ]);
        object.into()
    }

    fn sentence(&self) -> String {
        let report = &self.report;
        let mut states: Vec<String> = State::ALL
            .into_iter()
            .map(|state| (state, report.count(state)))
            .filter(|(state, count)| *count > 0 || *state == State::Done)
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        if self.not_indexed > 0 {
            states.push(format!("{} still to be indexed", self.not_indexed));
        }
        let tally = &report.tally;
        format!(
            "{} hours: {}. {} lines: {} messages, {} duplicates, {} dead letters, {} blank. {} new hours, {} bytes in {:.1} s",
            report.states.len(),
            states.join(", "),
            tally.lines,
            tally.messages,
            tally.duplicates,
            tally.dead_letters,
            tally.blank_lines,
            report.published,
            report.bytes,
            self.seconds
        )
    }
}

/// The failures that say something: when the rest was hopeless, the one that shows it.
fn telling(mut failures: Vec<Failure>, cut_short: Option<CutShort>) -> Vec<Failure> {
    let hopeless = failures.iter().position(|failure| failure.error.is_hopeless());
    match (cut_short, hopeless) {
        (Some(CutShort::Hopeless), Some(at)) => vec![failures.swap_remove(at)],
        _ => failures,
    }
}

impl Context {
    /// Lets the index catch up with the tables; an index that cannot is said and left.
    ///
    /// # Errors
    ///
    /// When the tables cannot be read.
    pub(super) async fn catch_up(&self, workshop: &Workshop) -> Result<(), CommandError> {
        let followed = match workshop.follow().await {
            Ok(_followed) => workshop.clone().close_index().await,
            Err(error) => Err(error),
        };
        match followed {
            Ok(()) => Ok(()),
            Err(ingest::Error::Index(error)) => {
                self.warn_of_index(error);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Context {
    /// Before a search: indexes the hours that a run left out, if nobody else is at the index.
    ///
    /// # Errors
    ///
    /// When the tables cannot be read.
    pub(super) async fn index_what_is_behind(&self, archive: &Archive) -> Result<(), CommandError> {
        let indexed = match self.read_catalogue()?.map(|catalogue| catalogue.hours()).transpose() {
            Ok(indexed) => indexed.unwrap_or_default(),
            Err(error) => return Err(error.into()),
        };
        let lag = Lag::between(&archive.entries().await.map_err(CommandError::from)?, &indexed);
        if lag.is_none() {
            return Ok(());
        }
        self.output.note(format_args!("indexing {} hours first", lag.behind.len()));
        let workshop = self.workshop(archive.clone(), self.open_catalogue(), None);
        self.catch_up(&workshop).await
    }
}

/// How many hours the tables hold and the index does not.
pub(super) async fn not_indexed(workshop: &Workshop, catalogue: Option<Catalogue>) -> Result<u64, CommandError> {
    let indexed = catalogue.map(|catalogue| catalogue.hours()).transpose()?.unwrap_or_default();
    let entries = workshop.archive.entries().await.map_err(CommandError::from)?;
    Ok(Lag::between(&entries, &indexed).behind.len() as u64)
}

/// The hours that are not settled and will be gone before long.
pub(super) fn at_risk(context: &Context, states: &BTreeMap<Hour, State>) -> Vec<Hour> {
    let settings = &context.settings.hours;
    let habits = Habits { first_try: settings.first_try, readiness: settings.readiness, retention: settings.retention };
    let open = states.iter().filter(|(_, state)| matches!(state, State::Failed | State::Pending));
    let now = context.clock.now();
    open.map(|(hour, _)| *hour).filter(|hour| habits.is_at_risk(*hour, now, settings.warning)).collect()
}

/// How many hours are in each state, under the names of the states.
pub(super) fn hours_by_state(states: &BTreeMap<Hour, State>) -> Value {
    let count = |state: State| states.values().filter(|known| **known == state).count();
    let words = [State::Done, State::Empty, State::Pending, State::Failed, State::Lost];
    words
        .into_iter()
        .map(|state| (state.word().to_owned(), Value::from(count(state))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What became of lines.
pub(super) fn counts(tally: &Tally) -> serde_json::Map<String, Value> {
    let pairs = [
        ("lines", tally.lines),
        ("messages", tally.messages),
        ("duplicates", tally.duplicates),
        ("dead_letters", tally.dead_letters),
        ("blank_lines", tally.blank_lines),
        ("conflicts", tally.conflicts),
        ("strays", tally.strays),
    ];
    pairs.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect()
}
