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
    /// The hours of a range with their next step, the oldest first: they are the first that the service forgets.
    pub(crate) fn plan(&self, range: Hours, settled: Settled) -> Vec<(Hour, Step)> {
        range.map(|hour| (hour, self.step(hour, settled))).collect()
    }

    fn step(&self, hour: Hour, settled: Settled) -> Step {
        match self.entries.get(&hour).map(|entry| entry.state) {
            Some(State::Done) if settled == Settled::Again => Step::Ask,
            _ if self.unpublished.contains(&hour) => Step::Decode,
            Some(state @ (State::Done | State::Empty | State::Lost)) if settled == Settled::Keep => {
                Step::Settled(state)
            }
            _ if self.habits.may_be_asked(hour, self.now) => Step::Ask,
            _ => Step::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::Tally;

    use super::*;

    fn entry(hour: Hour, state: State) -> Entry {
        Entry {
            hour,
            at: hour.end(),
            state,
            http_status: None,
            error: None,
            bytes: 0,
            sha256: Vec::new(),
            tally: Tally::default(),
            min_sent_at: None,
            max_sent_at: None,
            files: Vec::new(),
            source: "fetch".to_owned(),
            version: "0".to_owned(),
        }
    }

    fn check(state: Option<State>, unpublished: bool, settled: Settled, expected: Step) {
        let hour = Hour::from_key("2026031409").unwrap();
        let entries = state.map(|state| (hour, entry(hour, state))).into_iter().collect();
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
}
