//! What there is to do for each hour of a range.

use std::collections::{BTreeMap, BTreeSet};

use chat::{Entry, Hour, Hours, State, Timestamp};

use crate::age::Habits;

/// The next step of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the service.
    Ask,
    /// Decode the bytes that an interrupted run left in `raw/`.
    Decode,
    /// Nothing: the newest row of the ledger stands.
    Settled(State),
    /// Nothing yet: the hour is not over, or too young to be asked for.
    Wait,
}

/// Whether hours that are settled are asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Settled {
    /// They are asked for again, and published anew if their bytes changed.
    Again,
    /// They are left as they are.
    #[default]
    Keep,
}

/// What a plan looks at.
pub(crate) struct Known<'a> {
    pub(crate) entries: &'a BTreeMap<Hour, Entry>,
    /// Hours of which `raw/` holds whole bytes that are not in the tables.
    pub(crate) unpublished: &'a BTreeSet<Hour>,
    pub(crate) habits: Habits,
    pub(crate) now: Timestamp,
}

impl Known<'_> {
    /// The hours of a range with their next step, the most endangered first: those that the service still keeps, the
    /// oldest of them in front, and then those that it should have deleted.
    pub(crate) fn plan(&self, range: Hours, settled: Settled) -> Vec<(Hour, Step)> {
        let mut plan: Vec<_> = range.map(|hour| (hour, self.step(hour, settled))).collect();
        plan.sort_by_key(|(hour, _)| (self.habits.is_expired(*hour, self.now), *hour));
        plan
    }

    fn step(&self, hour: Hour, settled: Settled) -> Step {
        let entry = self.entries.get(&hour);
        match entry.map(|entry| entry.state) {
            Some(State::Done) if settled == Settled::Again => Step::Ask,
            _ if self.unpublished.contains(&hour) => Step::Decode,
            Some(State::Done) if entry.is_some_and(|entry| self.may_have_grown(entry)) => Step::Ask,
            Some(state @ (State::Done | State::Empty | State::Lost)) if settled == Settled::Keep => {
                Step::Settled(state)
            }
            _ if self.habits.may_be_asked(hour, self.now) => Step::Ask,
            _ => Step::Wait,
        }
    }

    /// Whether an hour was fetched while its file could still grow, and can be asked for again now that it cannot. What
    /// was loaded from a file is not the service's to change.
    fn may_have_grown(&self, entry: &Entry) -> bool {
        let is_ready = |at| self.habits.is_ready(entry.hour, at);
        let was_asked = entry.source != "load";
        was_asked && !is_ready(entry.at) && is_ready(self.now) && !self.habits.is_expired(entry.hour, self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: Option<State>, unpublished: bool, settled: Settled, expected: Step) {
        let hour = Hour::from_key("2026031409").unwrap();
        let entries = state.map(|state| (hour, Entry::new(hour, hour.plus(26).start(), state))).into_iter().collect();
        let unpublished = unpublished.then_some(hour).into_iter().collect();
        let now = hour.plus(30).start();
        let known = Known { entries: &entries, unpublished: &unpublished, habits: Habits::default(), now };
        assert_eq!(known.plan(Hours::between(hour, hour.next()), settled), [(hour, expected)], "{state:?}");
    }

    #[test]
    fn an_hour_is_asked_for_until_it_is_settled() {
        check(None, false, Settled::Keep, Step::Ask);
        check(Some(State::Pending), false, Settled::Keep, Step::Ask);
        check(Some(State::Failed), false, Settled::Keep, Step::Ask);
        for state in [State::Done, State::Empty, State::Lost] {
            check(Some(state), false, Settled::Keep, Step::Settled(state));
            check(Some(state), false, Settled::Again, Step::Ask);
        }
    }

    #[test]
    fn bytes_that_are_here_are_not_asked_for() {
        check(None, true, Settled::Keep, Step::Decode);
        check(Some(State::Failed), true, Settled::Keep, Step::Decode);
        check(Some(State::Done), true, Settled::Keep, Step::Decode);
        check(Some(State::Done), true, Settled::Again, Step::Ask);
    }

    #[test]
    fn an_hour_that_is_not_over_waits() {
        let hour = Hour::from_key("2026031409").unwrap();
        let (entries, unpublished) = (BTreeMap::new(), BTreeSet::new());
        let known =
            Known { entries: &entries, unpublished: &unpublished, habits: Habits::default(), now: hour.start() };
        assert_eq!(known.plan(Hours::between(hour, hour.next()), Settled::Keep), [(hour, Step::Wait)]);
    }

    #[test]
    fn an_hour_that_was_fetched_young_is_asked_for_once_more() {
        let hour = Hour::from_key("2026031409").unwrap();
        let step = |fetched: i64, now: i64, source: &str| {
            let entry =
                Entry { source: source.to_owned(), ..Entry::new(hour, hour.plus(fetched).start(), State::Done) };
            let (entries, unpublished) = (BTreeMap::from([(hour, entry)]), BTreeSet::new());
            let now = hour.plus(now).start();
            let known = Known { entries: &entries, unpublished: &unpublished, habits: Habits::default(), now };
            known.step(hour, Settled::Keep)
        };
        assert_eq!(step(2, 24, "fetch"), Step::Settled(State::Done));
        assert_eq!(step(2, 25, "fetch"), Step::Ask);
        assert_eq!(step(24, 72, "fetch"), Step::Ask);
        assert_eq!(step(25, 72, "fetch"), Step::Settled(State::Done));
        assert_eq!(step(2, 73, "fetch"), Step::Settled(State::Done), "the service has deleted it");
        assert_eq!(step(2, 25, "load"), Step::Settled(State::Done));
    }

    #[test]
    fn the_most_endangered_hour_comes_first() {
        let newest = Hour::from_key("2026031409").unwrap();
        let (entries, unpublished) = (BTreeMap::new(), BTreeSet::new());
        let now = newest.plus(2).start();
        let known = Known { entries: &entries, unpublished: &unpublished, habits: Habits::default(), now };
        let plan = known.plan(Hours::between(newest.plus(-80), newest), Settled::Keep);
        let ages: Vec<i64> = plan.iter().map(|(hour, _)| newest.number() - hour.number()).collect();
        assert_eq!(ages[..3], [70, 69, 68]);
        assert_eq!(ages[70..73], [80, 79, 78]);
    }
}
