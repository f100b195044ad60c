//! The files of closed days are put together.

use std::collections::BTreeMap;
use std::ops::Range;

use chat::{Entry, Hour, State, Timestamp};
use store::{Compacted, Compaction};

use crate::age::Habits;
use crate::error::Error;
use crate::workshop::Workshop;

/// Which days are compacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Days {
    /// Those that are closed, see [`Habits::is_closed`], and have at least so many files to put together.
    Closed {
        /// The files.
        files: u64,
    },
    /// Those with an hour in this range, if they are over.
    Within(Range<Hour>),
}

/// What compacting came to.
#[derive(Debug, Default)]
pub struct CompactedDays {
    /// Days whose files were put together.
    pub days: u64,
    /// What was replaced by what.
    pub compacted: Compacted,
    /// Days that stay as they are, each by its first hour, and why.
    pub failures: Vec<(Hour, store::Error)>,
}

impl Workshop {
    /// Puts the small files of days together. Hours stay archived as they are, and can be published anew as before. It may
    /// be stopped at any time and goes on from there; other runs may be at work on the archive. In a bucket, what earlier runs have
    /// replaced is removed first.
    ///
    /// # Errors
    ///
    /// When the ledger or the log of a table cannot be read. A day that fails is counted, and stays as it is.
    pub async fn compact(&self, days: &Days, compaction: Compaction) -> Result<CompactedDays, Error> {
        if let Err(error) = self.archive.sweep().await {
            tracing::warn!(%error, "could not remove what earlier runs have replaced in the bucket");
        }
        let crowded = self.archive.crowded(compaction).await?;
        let mut done = CompactedDays::default();
        if crowded.is_empty() {
            return Ok(done);
        }
        let (entries, now) = (self.archive.entries().await?, (self.clock)());
        let chosen = crowded.into_iter().filter(|(day, files)| match days {
            Days::Closed { files: least } => files >= least && is_closed(*day, &entries, &self.settings.habits, now),
            Days::Within(range) => *day < range.end && range.start < day.plus(24) && is_over(*day, now),
        });
        for (day, files) in chosen {
            if self.stop.is_cancelled() {
                break;
            }
            tracing::debug!(date = %day.date(), files, "putting the files of a day together");
            match self.archive.compact(day, compaction).await {
                Ok(compacted) => {
                    done.days += 1;
                    done.compacted.add(&compacted);
                }
                Err(error) => done.failures.push((day, error)),
            }
        }
        Ok(done)
    }
}

/// Whether the service is asked for no hour of a day any more.
fn is_closed(day: Hour, entries: &BTreeMap<Hour, Entry>, habits: &Habits, now: Timestamp) -> bool {
    let closed = |hour: Hour| {
        let asked = entries.get(&hour).filter(|entry| matches!(entry.state, State::Done | State::Empty));
        habits.is_closed(hour, asked.map(|entry| entry.at), now)
    };
    is_over(day, now) && (0..24).all(|number| closed(day.plus(number)))
}

fn is_over(day: Hour, now: Timestamp) -> bool {
    day.plus(24).start() <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_closed_when_none_of_its_hours_is_asked_for_any_more() {
        let day = Hour::from_key("2026031400").unwrap();
        let asked = |age: i64, state: State| {
            let entry = |number| Entry::new(day.plus(number), day.plus(number + 1 + age).start(), state);
            (0..24).map(|number| (day.plus(number), entry(number))).collect::<BTreeMap<_, _>>()
        };
        let habits = Habits::default();
        let check = |entries: &BTreeMap<Hour, Entry>, after: i64, expected| {
            let now = day.plus(24 + after).start();
            assert_eq!(is_closed(day, entries, &habits, now), expected, "{after} hours after its end");
        };
        let (young, settled) = (asked(2, State::Done), asked(49, State::Done));
        for (entries, after, expected) in [
            (&young, 60, false),
            (&young, 72, true),
            // Asked for once more, and to be asked for again a day before the service deletes it.
            (&asked(30, State::Done), 60, false),
            (&settled, 50, true),
            (&asked(49, State::Empty), 50, true),
            (&asked(49, State::Failed), 50, false),
            (&asked(49, State::Failed), 72, true),
            (&BTreeMap::new(), 71, false),
            (&BTreeMap::new(), 72, true),
            (&BTreeMap::new(), -1, false),
        ] {
            check(entries, after, expected);
        }
        let mut one_is_young = settled;
        one_is_young.insert(day.plus(7), young[&day.plus(7)].clone());
        check(&one_is_young, 50, false);
    }
}
