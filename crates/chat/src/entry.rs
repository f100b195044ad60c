//! What the ledger knows of an hour.

use std::fmt;
use std::str::FromStr;

use chrono::DateTime;

use crate::hour::Hour;
use crate::tally::Tally;
use crate::time::Timestamp;

/// The state of an hour (decision D1). Every hour of a range is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Published with its messages.
    Done,
    /// The service has no file, and the readiness window is closed.
    Empty,
    /// Asked, and something else went wrong; asked again.
    Failed,
    /// Past the service's retention and never fetched; reported for ever.
    Lost,
    /// Not asked for yet, or not ready yet.
    Pending,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Done, Self::Empty, Self::Failed, Self::Lost, Self::Pending];

    /// The word in the column `state`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Empty => "empty",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Pending => "pending",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for State {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.word() == word).ok_or(())
    }
}

/// One row of the ledger: what was known of an hour after one attempt. The newest row of an hour is its state.
///
/// An attempt at an hour that is archived leaves it `done`, with what is archived; status and error are the attempt's.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The hour.
    pub hour: Hour,
    /// When this was written.
    pub at: Timestamp,
    /// What is known.
    pub state: State,
    /// The status of the service's answer, if there was one.
    pub http_status: Option<u16>,
    /// What went wrong, in words.
    pub error: Option<String>,
    /// Served bytes, all parts together.
    pub bytes: u64,
    /// SHA-256 of the served bytes of each part, in order, lower-case hex.
    pub sha256: Vec<String>,
    /// What became of the lines.
    pub tally: Tally,
    /// Messages that the publication before this one did not have: how much an hour file grew. 0 for a first publication.
    pub added: u64,
    /// The earliest time among the messages.
    pub min_sent_at: Option<Timestamp>,
    /// The latest time among the messages.
    pub max_sent_at: Option<Timestamp>,
    /// The data files of `messages` that the hour was published in, relative to that table. They go on to name this
    /// publication when the rows have moved into a file of the whole day (decision D15). Empty when there are no messages.
    pub files: Vec<String>,
    /// Where the bytes came from: `fetch`, `load`, `raw` when an interrupted run had left them. A row that was rebuilt from
    /// the tables says what the lost one said; it is `recovered` only where nothing tells any more.
    pub source: String,
    /// The version of the program.
    pub version: String,
}

impl Entry {
    /// An entry that says nothing but this; the rest is filled in by whoever knows it.
    ///
    /// The time is kept to the microsecond, as the table holds it.
    #[must_use]
    pub fn new(hour: Hour, at: Timestamp, state: State) -> Self {
        Self {
            hour,
            at: DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at),
            state,
            http_status: None,
            error: None,
            bytes: 0,
            sha256: Vec::new(),
            tally: Tally::default(),
            added: 0,
            min_sent_at: None,
            max_sent_at: None,
            files: Vec::new(),
            source: String::new(),
            version: String::new(),
        }
    }

    /// What tells this publication of the hour from every other: the index notes it, to know whether it is behind.
    ///
    /// Data files are never changed and their names never used again, so it is their names; `no messages` without any.
    /// An attempt that changed nothing leaves it as it is.
    #[must_use]
    pub fn publication(&self) -> String {
        publication_of(&self.files)
    }
}

/// The publication of an hour that has these data files, see [`Entry::publication`].
#[must_use]
pub fn publication_of(files: &[String]) -> String {
    if files.is_empty() { NO_MESSAGES.to_owned() } else { files.join(",") }
}

/// The publication of an hour without messages.
pub const NO_MESSAGES: &str = "no messages";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::show_time;

    #[test]
    fn the_time_of_an_entry_survives_the_table() {
        let at: Timestamp = "2026-03-14T09:00:00.123456789Z".parse().unwrap();
        let entry = Entry::new(Hour::containing(at), at, State::Done);
        assert_eq!(show_time(entry.at), "2026-03-14T09:00:00.123456Z");
    }

    #[test]
    fn another_file_is_another_publication() {
        let at = Timestamp::UNIX_EPOCH;
        let none = Entry::new(Hour::containing(at), at, State::Done);
        let first = Entry { files: vec!["date=1970-01-01/a.parquet".to_owned()], ..none.clone() };
        let asked_again = Entry { at: at + chrono::Duration::hours(1), ..first.clone() };
        assert_ne!(none.publication(), first.publication());
        assert_eq!(first.publication(), asked_again.publication());
    }
}
