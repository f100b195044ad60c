//! What fetch and load say at their end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chat::{Entry, Hour, Hours, State, Tally};
use index::Catalogue;
use ingest::{Coverage, CutShort, Failure, Followed, Lag, Report, Workshop};
use serde_json::{Value, json};
use store::{Access, Archive};

use crate::commands::run::RunArgs;
use crate::commands::verdict::verdict;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Talk;

/// Failures that are told in full; the rest is counted.
const TOLD: usize = 5;

/// How often a search looks whether another process is done with the index.
const LOOK: Duration = Duration::from_millis(50);

/// Beside an hour that the service refuses, where it answers for others.
const ALONE: &str = "the service answered for other hours: the next run asks for this one again; if it stays so, ask the service's support";

/// The version of the object that `--json` prints.
const VERSION: u64 = 1;

/// A run that came to its end.
pub(super) struct Summary<'a> {
    context: &'a Context,
    report: Report,
    seconds: f64,
    /// Whether it was told to stop, be it while the index caught up.
    is_stopped: bool,
    /// Hours that the tables hold and the index does not, or not as they are; `None` when the ledger cannot be read.
    not_indexed: Option<u64>,
    /// How the hours of the run stand by the ledger; `None` when it cannot be read, or the run had no hours.
    coverage: Option<Coverage>,
    /// What the run means for the person who is responsible.
    verdict: Option<String>,
}

impl<'a> Summary<'a> {
    /// Lets the index catch up, unless it is to be left alone, and sums the run up. Whatever becomes of the index, the run
    /// has its summary.
    pub(super) async fn of(context: &'a Context, workshop: &Workshop, report: Report, took: Duration) -> Self {
        if report.cut_short != Some(CutShort::Interrupted) {
            context.catch_up(workshop).await;
        }
        let is_stopped = workshop.stop.is_cancelled();
        let entries = workshop.archive.entries().await.ok();
        let not_indexed = entries.as_ref().map(|entries| not_indexed(context, entries));
        let coverage = entries.and_then(|entries| coverage(context, &entries, &report));
        Self { context, report, seconds: took.as_secs_f64(), is_stopped, not_indexed, coverage, verdict: None }
    }

    /// Adds the verdict on the hours of the run, if the ledger can be read.
    pub(super) fn with_verdict(self) -> Self {
        let Some(coverage) = &self.coverage else { return self };
        let verdict = verdict(&self.report, coverage);
        self.context.findings.note_verdict(&verdict);
        Self { verdict: Some(verdict), ..self }
    }

    /// Prints the summary and the failures, and says how the run ends.
    ///
    /// # Errors
    ///
    /// When stdout takes nothing.
    pub(super) fn print(mut self, args: RunArgs) -> Result<Exit, CommandError> {
        let exit = self.exit(args.strict);
        if args.json {
            self.context.output.json(&self.json())?;
        } else if !self.is_unasked_for(exit) {
            self.context.output.line(self.sentence())?;
        }
        let new = &self.report.new;
        if new.messages > 0 && new.strays == new.messages {
            self.context.output.warn(
                "no message lies in the hour that it was served in: see that ANNALS_API_ZONE is the zone of your app's \
                 cluster; `annals doctor` finds it out",
            );
        }
        if self.report.decorated > 0 {
            self.context.output.warn(format_args!(
                "{} messages have addresses with the name of an app in them (ORG#APP_name), and it is not known which app they \
                 are of: one conversation may become two. Load them once more with --again and \
                 --set api.base_url=https://HOST/ORG/APP",
                self.report.decorated
            ));
        }
        let failures = telling(std::mem::take(&mut self.report.failures), self.report.cut_short);
        let is_whole = self.report.cut_short.is_none();
        let errors: Vec<CommandError> = failures.into_iter().map(|failure| told(failure, is_whole)).collect();
        for error in errors.iter().take(TOLD) {
            self.context.output.error(error);
            self.context.findings.note_failure(error.in_one_line());
        }
        if let Some(untold) = errors.len().checked_sub(TOLD + 1) {
            let place = if args.json { "the object on stdout has them all" } else { "--json tells of all" };
            self.context.output.warn(format_args!("{} more hours failed; {place}", untold + 1));
        }
        let exit = Exit::worst(errors.iter().map(CommandError::exit).chain([exit]));
        match &self.verdict {
            Some(verdict) if args.json => self.context.output.note(verdict),
            Some(verdict) if !self.is_unasked_for(exit) => self.context.output.line(verdict)?,
            _ => {}
        }
        Ok(exit)
    }

    /// Whether there is nothing to say to who wants to hear of trouble alone.
    fn is_unasked_for(&self, exit: Exit) -> bool {
        self.context.output.talk() == Talk::Quiet && exit == Exit::Done && self.report.failures.is_empty()
    }

    fn exit(&self, strict: bool) -> Exit {
        let report = &self.report;
        Exit::worst([
            if strict && report.tally.dead_letters > 0 { Exit::HoursFailed } else { Exit::Done },
            if report.newly_lost > 0 { Exit::HoursLost } else { Exit::Done },
            // A run that was hopeless says why: that the hours it could not ask for are at risk follows from it.
            if self.at_risk() > 0 && report.cut_short != Some(CutShort::Hopeless) {
                Exit::HoursAtRisk
            } else {
                Exit::Done
            },
            if self.is_stopped { Exit::Interrupted } else { Exit::Done },
        ])
    }

    /// How many hours of the run will be gone before long.
    fn at_risk(&self) -> usize {
        let at_risk = self.coverage.iter().flat_map(Coverage::at_risk);
        at_risk.filter(|(hour, _)| self.report.states.contains_key(hour)).count()
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
            ("asked".to_owned(), report.asked.into()),
            ("published".to_owned(), report.published.into()),
            ("grown".to_owned(), report.grown.into()),
            ("new".to_owned(), counts(&report.new).into()),
            ("newly_lost".to_owned(), report.newly_lost.into()),
            ("at_risk".to_owned(), self.at_risk().into()),
            ("not_indexed".to_owned(), self.not_indexed.into()),
            ("interrupted".to_owned(), self.is_stopped.into()),
            ("failures".to_owned(), failures.into()),
        ]);
        object.into()
    }

    fn sentence(&self) -> String {
        let report = &self.report;
        let mut states: Vec<String> = IN_ORDER
            .into_iter()
            .map(|state| (state, report.count(state)))
            .filter(|(state, count)| *count > 0 || *state == State::Done)
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        if let Some(behind) = self.not_indexed.filter(|behind| *behind > 0) {
            states.push(format!("{behind} still to be indexed"));
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

/// A failure, for people. What the service has against one hour of a run that came to its end it has against that hour
/// alone: no setting is wrong.
fn told(failure: Failure, is_whole: bool) -> CommandError {
    let is_of_one_hour = is_whole && failure.error.is_refusal();
    let error = CommandError::from(failure.error);
    if is_of_one_hour { error.without_hints().ending_with(Exit::HoursFailed).hint(ALONE) } else { error }
}

/// The failures that say something: when the rest was hopeless, the one that shows it, or one of those that do.
fn telling(mut failures: Vec<Failure>, cut_short: Option<CutShort>) -> Vec<Failure> {
    let first = |shows: fn(&ingest::Error) -> bool| failures.iter().position(|failure| shows(&failure.error));
    let hopeless = first(ingest::Error::is_hopeless).or_else(|| first(ingest::Error::is_refusal));
    match (cut_short, hopeless) {
        (Some(CutShort::Hopeless), Some(at)) => vec![failures.swap_remove(at)],
        _ => failures,
    }
}

impl Context {
    /// Lets the index catch up with the tables. It is derived: what keeps it back is said, and fails nothing.
    pub(super) async fn catch_up(&self, workshop: &Workshop) {
        self.tell_of_catching_up(follow(workshop).await);
    }

    /// The same for a search, which waits for another process that is at the index as long as it gets on: what that has not done
    /// yet would not be found.
    async fn catch_up_or_wait(&self, workshop: &Workshop, mut behind: usize) {
        let mut got_on = Instant::now();
        let mut followed = follow(workshop).await;
        if is_locked(&followed) && !self.settings.index.wait.is_zero() {
            self.output.note("waiting for another process that is writing to the index");
        }
        while is_locked(&followed) && got_on.elapsed() < self.settings.index.wait {
            tokio::time::sleep(LOOK).await;
            let left = workshop.lag().await.map_or(behind, |lag| lag.behind.len());
            if left < behind {
                (behind, got_on) = (left, Instant::now());
            }
            followed = follow(workshop).await;
        }
        self.tell_of_catching_up(followed);
    }

    fn tell_of_catching_up(&self, followed: Result<Followed, ingest::Error>) {
        match followed {
            Ok(Followed { unreadable: 0, .. }) => {}
            Ok(Followed { unreadable, .. }) => self.output.warn(format_args!(
                "{unreadable} hours could not be indexed, because their messages cannot be read; `annals verify` says more"
            )),
            Err(ingest::Error::Index(error)) => self.warn_of_index(error),
            Err(error) => {
                let error = CommandError::from(error).in_one_line();
                self.output.warn(format_args!("the search index could not catch up: {error}"));
            }
        }
    }

    /// Opens the archive and its index for a search, side by side, see [`Context::index_what_is_behind`].
    ///
    /// # Errors
    ///
    /// When there is no archive, or the ledger or the index cannot be read.
    pub(super) async fn open_for_search(&self) -> Result<(Archive, Option<Catalogue>), CommandError> {
        let (archive, indexed) = tokio::join!(self.open_archive(Access::Existing), self.read_index(None));
        let archive = archive?;
        let catalogue = self.caught_up(&archive, indexed?).await?;
        Ok((archive, catalogue))
    }

    /// Before a search: indexes the hours that a run left out, if nobody else is at the index. Gives the index as it then is,
    /// if there is one; `known` is one that was given before.
    ///
    /// # Errors
    ///
    /// When the ledger or the index cannot be read.
    pub(super) async fn index_what_is_behind(
        &self,
        archive: &Archive,
        known: Option<Catalogue>,
    ) -> Result<Option<Catalogue>, CommandError> {
        let indexed = self.read_index(known).await?;
        self.caught_up(archive, indexed).await
    }

    async fn caught_up(
        &self,
        archive: &Archive,
        (catalogue, indexed): (Option<Catalogue>, BTreeMap<Hour, String>),
    ) -> Result<Option<Catalogue>, CommandError> {
        if archive.holds_just(&indexed).await.map_err(CommandError::from)? {
            return Ok(catalogue);
        }
        let lag = Lag::between(&archive.entries().await.map_err(CommandError::from)?, &indexed);
        if lag.is_none() {
            return Ok(catalogue);
        }
        if !lag.behind.is_empty() {
            self.output.note(format_args!("indexing {} hours first", lag.behind.len()));
        }
        let workshop = self.workshop(archive.clone(), self.open_catalogue(), None);
        self.catch_up_or_wait(&workshop, lag.behind.len()).await;
        self.read_catalogue().map_err(CommandError::from)
    }

    /// The index, if there is one, and the hours that it holds; read on a thread of its own.
    async fn read_index(
        &self,
        known: Option<Catalogue>,
    ) -> Result<(Option<Catalogue>, BTreeMap<Hour, String>), CommandError> {
        let folder = self.index_folder();
        let read = tokio::task::spawn_blocking(move || {
            let catalogue = match known.filter(|known| known.refresh().is_ok()) {
                None => Catalogue::open_existing(&folder)?,
                known => known,
            };
            let hours = catalogue.as_ref().map(Catalogue::hours).transpose()?;
            catalogue.as_ref().map(Catalogue::prepare).transpose()?;
            Ok::<_, index::Error>((catalogue, hours.unwrap_or_default()))
        });
        read.await.map_err(CommandError::usage)?.map_err(CommandError::from)
    }
}

/// Lets the index catch up, and others write to it after that.
async fn follow(workshop: &Workshop) -> Result<Followed, ingest::Error> {
    let followed = workshop.follow().await?;
    workshop.close_index().await.map(|()| followed)
}

/// Whether another process is writing to the index.
fn is_locked(followed: &Result<Followed, ingest::Error>) -> bool {
    matches!(followed, Err(ingest::Error::Index(index::Error::Locked { .. })))
}

/// How many hours the tables hold and the index does not. What is wrong with the index was said by who used it.
fn not_indexed(context: &Context, entries: &BTreeMap<Hour, Entry>) -> u64 {
    let indexed = context.indexed_hours().unwrap_or_default();
    Lag::between(entries, &indexed).behind.len() as u64
}

/// The hours of a run, and those between them.
fn coverage(context: &Context, entries: &BTreeMap<Hour, Entry>, report: &Report) -> Option<Coverage> {
    let mut hours = report.states.keys().copied();
    let first = hours.next()?;
    let range = Hours::between(first, hours.next_back().unwrap_or(first).next());
    Some(Coverage::of(entries, range, &context.habits(), context.clock.now(), context.settings.hours.warning))
}

/// The states in the order in which they are shown: the good ones first.
pub(super) const IN_ORDER: [State; 5] = [State::Done, State::Empty, State::Pending, State::Failed, State::Lost];

/// How many hours are in each state, under the names of the states.
pub(super) fn hours_by_state(states: &BTreeMap<Hour, State>) -> Value {
    let count = |state: State| states.values().filter(|known| **known == state).count();
    IN_ORDER
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
        ("retained", tally.retained),
    ];
    pairs.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect()
}
