//! What is archived of a range, what is missing, and until when it can still be had.

use std::collections::BTreeMap;
use std::time::Duration;

use chat::{Entry, Hour, Hours, State, Tally, Timestamp};

use crate::age::Habits;
use crate::plan::due;

/// The state of every hour of a range at one moment, by the ledger and the clock. Nobody is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// The moment.
    pub now: Timestamp,
    /// The hours of the range that the archive knows or is to have. One that the service should have deleted and no run has
    /// got is `lost`, whether a run has recorded it or not; one that nobody has asked for is `pending`.
    pub states: BTreeMap<Hour, State>,
    /// The other hours of the range, in order: no run has touched them, and the archive is not to have them, because they
    /// lie before the first hour that the service was asked for, or because all that is archived came from files. They are
    /// in no danger, and do not count as missing.
    pub unpromised: Vec<Hour>,
    /// The lines of all `done` hours.
    pub tally: Tally,
    /// The served bytes of all `done` hours.
    pub bytes: u64,
    /// The hours that are lost, and no run has recorded it yet.
    pub newly_lost: Vec<Hour>,
    /// The hours that are not settled, and when the service deletes each: the most endangered first. Those that will be
    /// gone soon are [`Coverage::at_risk`].
    pub deadlines: Vec<(Hour, Timestamp)>,
    warning: Duration,
}

impl Coverage {
    /// Reads the ledger by the clock. An hour that will be gone within `warning` is at risk.
    #[must_use]
    pub fn of(
        entries: &BTreeMap<Hour, Entry>,
        range: Hours,
        habits: &Habits,
        now: Timestamp,
        warning: Duration,
    ) -> Self {
        let mut coverage = Self {
            now,
            states: BTreeMap::new(),
            unpromised: Vec::new(),
            tally: Tally::default(),
            bytes: 0,
            newly_lost: Vec::new(),
            deadlines: Vec::new(),
            warning,
        };
        let first = first_promised(entries, habits, now);
        for hour in range {
            let is_promised = entries.is_empty() || first.is_some_and(|first| first <= hour);
            match entries.get(&hour) {
                None if !is_promised => coverage.unpromised.push(hour),
                entry => coverage.take(hour, entry, is_promised.then_some(habits)),
            }
        }
        coverage
    }

    fn take(&mut self, hour: Hour, entry: Option<&Entry>, habits: Option<&Habits>) {
        let mut state = entry.map_or(State::Pending, |entry| entry.state);
        // One that was called lost by a clock that was ahead, or before the setting of the retention was put right, is not.
        if state == State::Lost && habits.is_some_and(|habits| !habits.is_expired(hour, self.now)) {
            state = State::Pending;
        }
        if let (Some(habits), State::Pending | State::Failed) = (habits, state) {
            if habits.is_expired(hour, self.now) {
                state = State::Lost;
                self.newly_lost.push(hour);
            } else {
                self.deadlines.push((hour, habits.deleted_at(hour)));
            }
        }
        if let Some(entry) = entry.filter(|_| state == State::Done) {
            self.tally += entry.tally;
            self.bytes += entry.bytes;
        }
        self.states.insert(hour, state);
    }

    /// The first and the last hour of the range, unless it has none.
    #[must_use]
    pub fn bounds(&self) -> Option<(Hour, Hour)> {
        let first = self.states.keys().next().into_iter().chain(self.unpromised.first()).min()?;
        let last = self.states.keys().next_back().into_iter().chain(self.unpromised.last()).max()?;
        Some((*first, *last))
    }

    /// The hours that are in this state.
    pub fn hours(&self, state: State) -> impl Iterator<Item = Hour> {
        self.states.iter().filter(move |(_, known)| **known == state).map(|(hour, _)| *hour)
    }

    /// The hours that are not settled and will be gone before long, and when; the most endangered first.
    pub fn at_risk(&self) -> impl Iterator<Item = (Hour, Timestamp)> {
        self.deadlines
            .iter()
            .copied()
            .filter(|(_, gone)| (*gone - self.now).to_std().unwrap_or_default() <= self.warning)
    }

    /// The next hour to be lost if nothing is fetched, and when.
    #[must_use]
    pub fn next_loss(&self) -> Option<(Hour, Timestamp)> {
        self.deadlines.first().copied()
    }
}

/// Whether the service was ever asked for an hour; if not, all that is known came from files.
#[must_use]
pub fn is_fetched(entries: &BTreeMap<Hour, Entry>) -> bool {
    entries.values().any(|entry| entry.source == "fetch")
}

/// The first hour that the archive is to have, by what is due; `None` when it came from files, which wait for nothing and
/// lose nothing.
fn first_promised(entries: &BTreeMap<Hour, Entry>, habits: &Habits, now: Timestamp) -> Option<Hour> {
    let first = || first_asked(entries, habits).or_else(|| due(entries, habits, now).next());
    is_fetched(entries).then(first).flatten()
}

/// The first hour that is promised: the service was asked for it while it should have had it, or gave it. From there on the
/// archive is to have every hour. What was loaded from files may be older by years, and so may an hour that somebody asked
/// for by mistake.
///
/// Bytes that a run had fetched and not published when it died are those of a promised hour, unless they are much older than
/// what was asked for: then a file was being loaded.
pub(crate) fn first_asked(entries: &BTreeMap<Hour, Entry>, habits: &Habits) -> Option<Hour> {
    let begins = |entry: &&Entry| {
        let was_given = entry.state == State::Done;
        let was_there = entry.state != State::Lost && !habits.is_expired(entry.hour, entry.at);
        match entry.source.as_str() {
            "fetch" => was_given || was_there,
            "raw" => was_there,
            _ => false,
        }
    };
    let first = entries.values().find(begins)?.hour;
    let kept = i64::try_from(habits.retention.as_secs() / 3600).unwrap_or(i64::MAX);
    let mut before = entries.range(first.plus(kept.saturating_neg())..first);
    let from_raw = before.find(|(_, entry)| entry.source == "raw" && entry.state == State::Done);
    Some(from_raw.map_or(first, |(hour, _)| *hour))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first() -> Hour {
        Hour::from_key("2026031409").unwrap()
    }

    fn coverage(states: &[Option<State>], source: &str, now: Timestamp) -> Coverage {
        let entries = (0..).zip(states).filter_map(|(at, state)| {
            let tally = Tally { lines: 7, messages: 7, ..Tally::default() };
            let entry = Entry::new(first().plus(at), first().plus(at).end(), (*state)?);
            Some((entry.hour, Entry { bytes: 100, tally, source: source.to_owned(), ..entry }))
        });
        let range = Hours::between(first(), first().plus(i64::try_from(states.len()).unwrap()));
        let day = Duration::from_secs(24 * 3600);
        Coverage::of(&entries.collect(), range, &Habits::default(), now, day)
    }

    #[test]
    fn what_is_not_settled_has_a_deadline_and_then_is_lost() {
        let states =
            [Some(State::Lost), Some(State::Failed), None, Some(State::Done), Some(State::Empty), Some(State::Lost)];
        // The second hour was deleted 74 hours after the first began; the last is called lost too early.
        let coverage = coverage(&states, "fetch", first().plus(74).start());
        assert_eq!(coverage.newly_lost, [first().next()]);
        assert_eq!(coverage.hours(State::Lost).collect::<Vec<_>>(), [first(), first().next()]);
        let deadline = |at: i64| (first().plus(at), first().plus(at + 73).start());
        assert_eq!(coverage.deadlines, [deadline(2), deadline(5)]);
        assert_eq!(coverage.next_loss(), Some(deadline(2)));
        assert_eq!(coverage.at_risk().count(), 2);
        assert_eq!((coverage.tally.messages, coverage.bytes), (7, 100), "of the one hour that is done");
    }

    #[test]
    fn an_hour_with_days_left_is_not_at_risk() {
        let coverage = coverage(&[None], "fetch", first().plus(3).start());
        assert_eq!((coverage.at_risk().count(), coverage.deadlines.len()), (0, 1));
    }

    #[test]
    fn what_was_loaded_is_in_no_danger() {
        let coverage = coverage(&[Some(State::Done), None], "load", first().plus(100).start());
        assert!(coverage.newly_lost.is_empty() && coverage.deadlines.is_empty());
        assert_eq!(coverage.unpromised, [first().next()]);
    }

    #[test]
    fn an_archive_without_hours_is_to_have_all_that_somebody_wants() {
        let coverage = coverage(&[None], "fetch", first().plus(100).start());
        assert_eq!((coverage.newly_lost.len(), coverage.unpromised.len()), (1, 0));
    }

    #[test]
    fn bytes_of_a_run_that_died_are_of_a_promised_hour_and_those_of_an_old_file_are_not() {
        let entry = |at: i64, source: &str, known_at: i64| {
            let entry = Entry::new(first().plus(at), first().plus(known_at).start(), State::Done);
            (entry.hour, Entry { source: source.to_owned(), ..entry })
        };
        let since = |entries: &[(Hour, Entry)]| {
            let first_asked = first_asked(&entries.iter().cloned().collect(), &Habits::default());
            first_asked.map(|hour| hour.number() - first().number())
        };
        assert_eq!(since(&[entry(-60, "raw", 99), entry(0, "fetch", 2)]), Some(-60), "long after it was fetched");
        assert_eq!(since(&[entry(-60, "raw", 2)]), Some(-60), "before anything else was published");
        assert_eq!(since(&[entry(-9000, "raw", 2), entry(0, "fetch", 2)]), Some(0), "from a file");
        assert_eq!(since(&[entry(-9000, "raw", 2)]), None);
    }

    #[test]
    fn between_a_loaded_hour_and_the_first_that_was_asked_for_nothing_is_promised() {
        let entry = |at: i64, source: &str| {
            let entry = Entry::new(first().plus(at), first().plus(at).end(), State::Done);
            (entry.hour, Entry { source: source.to_owned(), ..entry })
        };
        let entries = BTreeMap::from([entry(0, "load"), entry(5, "fetch")]);
        let range = Hours::between(first(), first().plus(8));
        let now = first().plus(100).start();
        let coverage = Coverage::of(&entries, range, &Habits::default(), now, Duration::ZERO);
        assert_eq!(coverage.newly_lost, [first().plus(6), first().plus(7)]);
        assert_eq!(coverage.hours(State::Pending).count(), 0);
        assert_eq!(coverage.unpromised, [1, 2, 3, 4].map(|at| first().plus(at)));
        assert_eq!(coverage.bounds(), Some((first(), first().plus(7))));
        let before = Hours::between(first().plus(-2), first());
        let coverage = Coverage::of(&entries, before, &Habits::default(), now, Duration::ZERO);
        assert_eq!((coverage.bounds(), coverage.states.len()), (Some((first().plus(-2), first().plus(-1))), 0));
    }
}
