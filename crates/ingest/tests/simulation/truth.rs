//! What has to stand in the archive, told from the service's log, the clock and the words alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat::{Entry, Hour, Hours, Part, State, Timestamp};
use emulator::Logged;
use ingest::{Coverage, Plan, Report};

use crate::nights::{RETENTION, Trouble};
use crate::world::{Content, Row, World};

const HOUR: Duration = Duration::from_secs(3600);
/// An hour is not asked for before this age.
const FIRST_TRY: Duration = HOUR;
/// "No file" means that there is none from this age on.
const READINESS: Duration = Duration::from_secs(24 * 3600);
/// Hours that will be gone so soon are at risk.
pub(crate) const WARNING: Duration = Duration::from_secs(24 * 3600);
/// The ages at which a settled hour is asked for once more.
const RECHECKS: [Duration; 2] = [Duration::from_secs(24 * 3600), Duration::from_secs(48 * 3600)];

/// A run that came to its end, and everything around it.
pub(crate) struct Run {
    pub(crate) now: Timestamp,
    pub(crate) range: Hours,
    pub(crate) trouble: Trouble,
    pub(crate) before: BTreeMap<Hour, Entry>,
    pub(crate) plan: Plan,
    pub(crate) log: Vec<Logged>,
    pub(crate) report: Report,
    pub(crate) after: BTreeMap<Hour, Entry>,
    pub(crate) coverage: Coverage,
}

impl Run {
    /// Counts a run of the same night that was stopped, and that this one followed, as part of this one.
    pub(crate) fn follow(&mut self, stopped: Self) {
        self.before = stopped.before;
        self.log.splice(..0, stopped.log);
        self.report.newly_lost += stopped.report.newly_lost;
        self.report.asked += stopped.report.asked;
    }
}

/// What the service's log tells of the attempts at one hour in one run.
#[derive(Debug, Clone, Copy)]
struct Tried {
    calls: u64,
    /// The status of the first answer.
    first: Option<u16>,
    met_fault: bool,
    last: Answer,
}

/// How the last attempt at an hour ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Every part was served whole.
    Whole,
    /// 404, and no fault.
    NoFile,
    /// 400, and no fault.
    Unavailable,
    /// Anything else.
    Broken,
}

/// What the service served in all nights so far.
#[derive(Default)]
pub(crate) struct Truth {
    /// The versions of each hour that were served whole, in order.
    served: BTreeMap<Hour, Vec<usize>>,
    /// When each hour was last asked for, and whether that was to no end.
    asked: BTreeMap<Hour, (Timestamp, bool)>,
    /// Calls so far that were answered 404.
    no_file: BTreeMap<Hour, u64>,
    /// Hours that could be had at some run, with nothing in the way.
    servable: BTreeSet<Hour>,
    /// Hours that runs said to be lost.
    reported: u64,
}

impl Truth {
    /// Holds a run against what was served, and remembers it.
    pub(crate) fn learn(&mut self, world: &World, run: &Run) {
        let tried = tried(&run.log);
        for (hour, of_hour) in &tried {
            self.no_call_in_vain(run, *hour);
            if of_hour.last == Answer::Whole {
                self.serve(world, *hour, run.now);
            }
        }
        for hour in run.range {
            self.nothing_forgotten(world, run, hour, tried.get(&hour));
            Self::state_is_right(run, hour, tried.get(&hour), &tried);
        }
        self.lost_is_reported(run);
        coverage_tells_all(run);
        if run.trouble == Trouble::None {
            as_planned(run, &tried);
        }
        for (hour, of_hour) in &tried {
            self.asked.insert(*hour, (run.now, of_hour.last == Answer::Broken));
            let calls = run.log.iter().filter(|logged| logged.hour == *hour && is_plain(logged, 404)).count() as u64;
            *self.no_file.entry(*hour).or_default() += calls;
            self.doubt_was_cleared(run, *hour);
        }
    }

    fn serve(&mut self, world: &World, hour: Hour, now: Timestamp) {
        let version = world.version_at(hour, now).expect("a file that was served is there");
        let served = self.served.entry(hour).or_default();
        // Another version with the same bytes is no other version.
        let is_new =
            served.last().is_none_or(|last| world.version(hour, *last).parts != world.version(hour, version).parts);
        if is_new {
            served.push(version);
        }
    }

    /// No call is made for an hour that cannot be ready, nor for one that is settled and may not have grown.
    fn no_call_in_vain(&self, run: &Run, hour: Hour) {
        let age = age(hour, run.now);
        assert!(age >= FIRST_TRY, "{hour} was asked for at the age of {age:?}");
        let state = run.before.get(&hour).map_or(State::Pending, |entry| entry.state);
        let may_ask = match state {
            State::Pending | State::Failed => true,
            State::Done | State::Empty => self.recheck_is_due(hour, run.now),
            State::Lost => false,
        };
        assert!(may_ask, "{hour} is {state}, was asked for at {:?}, and again at {}", self.asked.get(&hour), run.now);
    }

    fn recheck_is_due(&self, hour: Hour, now: Timestamp) -> bool {
        let Some((asked, was_broken)) = self.asked.get(&hour) else { return false };
        let crossed = |recheck: &Duration| age(hour, *asked) < *recheck && age(hour, now) >= *recheck;
        age(hour, now) < RETENTION && (*was_broken || RECHECKS.iter().any(crossed))
    }

    /// An hour that is due was asked for; and if it could be had with nothing in the way, that is remembered.
    fn nothing_forgotten(&mut self, world: &World, run: &Run, hour: Hour, tried: Option<&Tried>) {
        if run.report.cut_short.is_some() {
            return;
        }
        let state = run.before.get(&hour).map_or(State::Pending, |entry| entry.state);
        let age = age(hour, run.now);
        let is_due = match state {
            State::Pending | State::Failed => age >= FIRST_TRY && age < RETENTION,
            State::Done | State::Empty => self.recheck_is_due(hour, run.now),
            State::Lost => false,
        };
        assert!(!is_due || tried.is_some(), "{hour} is {state} at the age of {age:?}, and was not asked for");
        let answers = tried.is_some_and(|tried| !tried.met_fault && tried.last != Answer::Unavailable);
        if is_due && answers && world.has_files(hour, run.now) {
            self.servable.insert(hour);
            assert!(self.served.contains_key(&hour), "{hour} could be had at {}", run.now);
        }
    }

    /// The state of an hour follows from its last answer.
    fn state_is_right(run: &Run, hour: Hour, tried: Option<&Tried>, all: &BTreeMap<Hour, Tried>) {
        let before = run.before.get(&hour).map_or(State::Pending, |entry| entry.state);
        let after = run.after.get(&hour).map_or(State::Pending, |entry| entry.state);
        let is_cut = run.report.cut_short.is_some();
        let age = age(hour, run.now);
        let is_settled = matches!(before, State::Done | State::Empty);
        let may_be = match tried.map(|tried| tried.last) {
            Some(Answer::Whole) => vec![State::Done],
            Some(_) if before == State::Done => vec![State::Done],
            Some(Answer::NoFile) if age < READINESS => vec![State::Pending],
            // Not believed before the other hours have had their turn.
            Some(Answer::NoFile) if is_cut && !is_settled => vec![State::Empty, State::Pending],
            Some(Answer::NoFile) => vec![State::Empty],
            Some(_) if is_settled => vec![before],
            Some(Answer::Unavailable) if age >= RETENTION => vec![State::Lost],
            Some(Answer::Unavailable) if age < READINESS => vec![State::Pending],
            Some(Answer::Unavailable | Answer::Broken) => vec![State::Failed],
            None if is_settled || before == State::Lost => vec![before],
            // An attempt that did not reach the service, which ends the run.
            None if is_cut && age >= FIRST_TRY && age < RETENTION => vec![State::Failed, before],
            None if age < RETENTION => vec![before],
            // The service deletes the oldest first.
            None if is_gone(hour, run.now, all) && is_cut => vec![State::Lost, State::Failed, before],
            None if is_gone(hour, run.now, all) => vec![State::Lost],
            None if is_cut => vec![State::Failed, before],
            None => Vec::new(),
        };
        assert!(
            may_be.contains(&after),
            "{hour} was {before}, is {after} at the age of {age:?}; {tried:?}, cut: {is_cut}"
        );
        assert!(is_cut || run.report.states[&hour] == after, "{hour}: the report says {}", run.report.states[&hour]);
    }

    /// Each hour is said to be lost by the run that finds it out, and by no other.
    fn lost_is_reported(&mut self, run: &Run) {
        let lost =
            |entries: &BTreeMap<Hour, Entry>| entries.values().filter(|it| it.state == State::Lost).count() as u64;
        let (before, after) = (lost(&run.before), lost(&run.after));
        assert_eq!(run.report.newly_lost, after - before, "lost before: {before}, after: {after}");
        self.reported += run.report.newly_lost;
        assert_eq!(self.reported, after);
    }

    /// An empty hour between two busy ones was asked for twice before it was believed.
    fn doubt_was_cleared(&self, run: &Run, hour: Hour) {
        let state = |entries: &BTreeMap<Hour, Entry>, hour| entries.get(&hour).map(|entry: &Entry| entry.state);
        let is_busy = |hour| run.after.get(&hour).is_some_and(|it| it.state == State::Done && it.tally.messages > 0);
        let is_new = state(&run.before, hour) != state(&run.after, hour);
        if is_new && state(&run.after, hour) == Some(State::Empty) && is_busy(hour.plus(-1)) && is_busy(hour.next()) {
            assert!(self.no_file[&hour] >= 2, "{hour} lies between busy hours and was believed to be empty at once");
        }
    }

    /// Holds the ledger and the rows of the archive against all that was served.
    pub(crate) fn hold(&self, world: &World, entries: &BTreeMap<Hour, Entry>, rows: Vec<chat::Message<'static>>) {
        let mut actual: BTreeMap<Hour, Vec<(Row, bool)>> = BTreeMap::new();
        for row in rows {
            let retained = row.retained_at.is_some();
            assert_eq!(retained, row.position.part >= chat::RETAINED_PARTS, "{:?}", row.position);
            let text = row.text.as_deref().unwrap_or_default().to_owned();
            let id = row.msg_id.as_deref().unwrap_or_default().to_owned();
            actual.entry(row.position.source_hour).or_default().push(((id, text), retained));
        }
        for (hour, versions) in &self.served {
            let mut rows = actual.remove(hour).unwrap_or_default();
            rows.sort();
            let contents: Vec<Content> = versions.iter().map(|it| world.version(*hour, *it).content()).collect();
            assert_eq!(rows, expected_rows(&contents), "{hour}: rows, and whether they are retained");
            tally_is_right(&entries[hour], &contents);
        }
        assert!(actual.is_empty(), "rows that nobody served: {actual:?}");
    }

    /// What must hold in the end: what could be had is there, and all else is lost or empty. In the ledger too, unless the
    /// service could not be reached: then nobody knows yet what it still has.
    pub(crate) fn judge(&self, run: &Run) {
        let is_cut = run.report.cut_short.is_some();
        for hour in run.range.filter(|hour| age(*hour, run.now) >= RETENTION + 24 * HOUR) {
            let is_served = self.served.contains_key(&hour);
            let noted = run.after.get(&hour).map_or(State::Pending, |entry| entry.state);
            match run.coverage.states[&hour] {
                State::Done => assert!(is_served, "{hour} is archived, and was never served"),
                state @ (State::Empty | State::Lost) => assert!(!is_served, "{hour} was served, and is {state}"),
                state => panic!("{hour} is {state} long after the service has deleted it"),
            }
            assert!(is_cut || noted == run.coverage.states[&hour], "{hour} is {noted} in the ledger");
            assert!(!self.servable.contains(&hour) || is_served, "{hour} could be had");
        }
    }
}

/// What is not settled is said to be in danger as long as it can be had, and lost when it cannot.
fn coverage_tells_all(run: &Run) {
    let (mut deadlines, mut at_risk) = (BTreeSet::new(), BTreeSet::new());
    for hour in run.range {
        let state = run.after.get(&hour).map_or(State::Pending, |entry| entry.state);
        let gone = hour.end() + RETENTION;
        let told = match state {
            State::Pending | State::Failed if gone <= run.now => State::Lost,
            State::Lost if gone > run.now => State::Pending,
            state => state,
        };
        assert_eq!(run.coverage.states[&hour], told, "{hour} is {state} in the ledger");
        if matches!(told, State::Pending | State::Failed) {
            deadlines.insert((hour, gone));
            at_risk.extend((gone <= run.now + WARNING).then_some((hour, gone)));
        }
    }
    assert_eq!(run.coverage.at_risk().collect::<BTreeSet<_>>(), at_risk);
    assert_eq!(run.coverage.next_loss(), deadlines.into_iter().min_by_key(|(_, gone)| *gone));
}

/// The rows of an hour of which these contents were served, each with whether the newest lacks it.
fn expected_rows(contents: &[Content]) -> Vec<(Row, bool)> {
    let newest = contents.last().expect("it was served");
    let all: BTreeSet<&Row> = contents.iter().flat_map(|content| &content.rows).collect();
    all.into_iter().map(|row| (row.clone(), !newest.rows.contains(row))).collect()
}

fn tally_is_right(entry: &Entry, contents: &[Content]) {
    let (newest, earlier) = contents.split_last().expect("it was served");
    let known: BTreeSet<&Row> = earlier.iter().flat_map(|content| &content.rows).collect();
    let added = newest.rows.iter().filter(|row| !earlier.is_empty() && !known.contains(row)).count() as u64;
    let tally = entry.tally;
    assert!(tally.is_conserved(), "{}: {tally:?}", entry.hour);
    let retained = expected_rows(contents).iter().filter(|(_, is_retained)| *is_retained).count() as u64;
    assert_eq!(
        (
            tally.lines,
            tally.messages,
            tally.duplicates,
            tally.dead_letters,
            tally.blank_lines,
            tally.retained,
            entry.added
        ),
        (
            newest.lines,
            newest.rows.len() as u64,
            newest.duplicates,
            newest.dead_letters,
            newest.blank_lines,
            retained,
            added
        ),
        "{}: lines, messages, duplicates, dead letters, blank lines, retained, added",
        entry.hour
    );
}

/// A night without trouble asks what the plan said: each hour once, and once more only where the answer was doubtful.
fn as_planned(run: &Run, tried: &BTreeMap<Hour, Tried>) {
    assert_eq!(run.report.cut_short, None);
    let calls: u64 = tried.values().map(|tried| tried.calls).sum();
    assert_eq!(run.report.asked, calls);
    let again: Vec<_> = tried.iter().filter(|(_, tried)| tried.calls > 1 && tried.first == Some(200)).collect();
    assert!(again.is_empty(), "asked for again after they were served: {again:?}");
    // Of the hours that should be gone one is asked for, and older ones only if it is still there.
    let still_there =
        tried.iter().filter(|(hour, it)| age(**hour, run.now) >= RETENTION && it.first != Some(400)).count();
    let hours = tried.len() as u64;
    let planned = run.plan.calls();
    assert!(
        hours == planned || (hours > planned && hours <= planned + still_there as u64),
        "{hours} hours, planned {planned}"
    );
}

/// Whether a younger hour was found to be deleted.
fn is_gone(hour: Hour, now: Timestamp, all: &BTreeMap<Hour, Tried>) -> bool {
    let is_deleted = |it: &Hour, tried: &Tried| age(*it, now) >= RETENTION && tried.last == Answer::Unavailable;
    all.range(hour.next()..).any(|(younger, tried)| is_deleted(younger, tried))
}

/// The attempts that the log tells of, hour by hour.
fn tried(log: &[Logged]) -> BTreeMap<Hour, Tried> {
    let mut by_hour: BTreeMap<Hour, Vec<&Logged>> = BTreeMap::new();
    for logged in log {
        by_hour.entry(logged.hour).or_default().push(logged);
    }
    by_hour.into_iter().map(|(hour, log)| (hour, of_one(&log))).collect()
}

fn of_one(log: &[&Logged]) -> Tried {
    let calls: Vec<&&Logged> = log.iter().filter(|logged| logged.is_call()).collect();
    let last = log.iter().rposition(|logged| logged.is_call()).expect("no file without a call for its link");
    Tried {
        calls: calls.len() as u64,
        first: calls[0].status,
        met_fault: log.iter().any(|logged| logged.fault.is_some()),
        last: answer(log[last], &log[last + 1..]),
    }
}

fn answer(call: &Logged, files: &[&Logged]) -> Answer {
    if let Some(links) = call.sound_links() {
        let parts: BTreeSet<Part> = files.iter().filter_map(|logged| logged.whole_part()).collect();
        return if parts.len() as u64 == u64::from(links) { Answer::Whole } else { Answer::Broken };
    }
    match call.status {
        Some(404) if call.fault.is_none() => Answer::NoFile,
        Some(400) if call.fault.is_none() => Answer::Unavailable,
        _ => Answer::Broken,
    }
}

fn is_plain(logged: &Logged, status: u16) -> bool {
    logged.is_call() && logged.status == Some(status) && logged.fault.is_none()
}

/// How long ago an hour ended.
fn age(hour: Hour, now: Timestamp) -> Duration {
    (now - hour.end()).to_std().unwrap_or_default()
}
