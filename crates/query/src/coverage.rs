//! For which hours the index can speak.

use std::collections::{BTreeMap, BTreeSet};

use chat::{Entry, Hour, State};

/// The archived hours, divided by whether the index holds them as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Hours that the index holds in the very publication that the ledger names.
    pub(crate) held: BTreeSet<Hour>,
    /// Hours with messages that it does not hold, or in an earlier publication.
    pub(crate) missing: Vec<Hour>,
    /// Hours of which the index holds something else than what is archived.
    pub(crate) stale: BTreeSet<Hour>,
}

impl Coverage {
    /// The index holds all that is archived, as it is.
    pub(crate) fn whole(indexed: BTreeMap<Hour, String>) -> Self {
        Self { held: indexed.into_keys().collect(), missing: Vec::new(), stale: BTreeSet::new() }
    }

    /// Holds the ledger against the hours of the index and the publications that they were taken in from.
    pub(crate) fn of(entries: &BTreeMap<Hour, Entry>, indexed: &BTreeMap<Hour, String>) -> Self {
        let done = entries.values().filter(|entry| entry.state == State::Done);
        let (held, behind): (Vec<_>, Vec<_>) =
            done.partition(|entry| indexed.get(&entry.hour) == Some(&entry.publication()));
        let with_messages = behind.into_iter().filter(|entry| entry.tally.messages > 0);
        let held: BTreeSet<Hour> = held.into_iter().map(|entry| entry.hour).collect();
        Self {
            stale: indexed.keys().copied().filter(|hour| !held.contains(hour)).collect(),
            held,
            missing: with_messages.map(|entry| entry.hour).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::Tally;

    use super::*;

    fn entry(hour: Hour, state: State, messages: u64) -> Entry {
        let files = if messages == 0 { Vec::new() } else { vec![format!("{}.parquet", hour.key())] };
        let tally = Tally { lines: messages, messages, ..Tally::default() };
        Entry { files, tally, ..Entry::new(hour, hour.end(), state) }
    }

    #[test]
    fn the_index_speaks_for_the_publication_that_it_holds() {
        let hours: Vec<Hour> = (0..6).map(|at| Hour::from_number(500_000).plus(at)).collect();
        let ledger = [(State::Done, 3), (State::Done, 3), (State::Done, 3), (State::Done, 0), (State::Empty, 0)];
        let entries: BTreeMap<_, _> =
            hours.iter().zip(ledger).map(|(&hour, (state, messages))| (hour, entry(hour, state, messages))).collect();
        let indexed = [
            (hours[0], entries[&hours[0]].publication()),
            (hours[1], "an earlier file".to_owned()),
            (hours[4], "of an hour that is empty now".to_owned()),
            (hours[5], "of an hour that nobody knows".to_owned()),
        ];
        let coverage = Coverage::of(&entries, &indexed.into_iter().collect());
        assert_eq!(
            coverage,
            Coverage {
                held: [hours[0]].into(),
                missing: vec![hours[1], hours[2]],
                stale: [hours[1], hours[4], hours[5]].into(),
            }
        );
    }
}
