//! Saved searches: for each by name, what it was told of, so that nothing is told twice.
//!
//! `watches/NAME.json` is replaced whole, `watches/NAME.lock` is held by the one run that is at work under the name. The
//! file is `{"version":1,"hours":{"2026031409":"date=…/….parquet"},"told":{"2026031409":"91f0…"}}`: of each hour the
//! publication that was looked through last, and the marks of the hits that were told, sixteen hexadecimal digits each.
//! It is no truth about messages: without it the search begins anew.

use std::collections::{BTreeMap, HashSet, VecDeque};

use chat::Hour;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::layout;
use crate::lock::{Turn, take_turn};
use crate::note::{self, hours, keys};
use crate::open::Archive;

/// The version of the file.
const VERSION: u64 = 1;

/// Hits of a search that are remembered, the latest hours' first: a few megabytes. Copies and hours that are published anew
/// lie within days.
const REMEMBERED: usize = 200_000;

/// Digits of a mark.
const DIGITS: usize = 16;

note::name! {
    /// The name of a saved search: 1 to 64 of `a-z 0-9 _ -`, the first a letter or digit.
    WatchName, WatchNameError, b"_-", "a name has 1 to 64 lower-case letters, digits, dashes and underscores, and begins with a letter or digit"
}

/// What a saved search has looked through and told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// The publication of each hour that was looked through last.
    pub hours: BTreeMap<Hour, String>,
    /// The marks of the hits that were told of each hour, in the order in which they were told.
    told: BTreeMap<Hour, VecDeque<u64>>,
    marks: HashSet<u64>,
}

/// The right to run a saved search, until it is dropped.
#[derive(Debug)]
pub struct WatchTurn {
    /// Held, not read.
    _lock: Turn,
}

impl Watched {
    /// A search that has told nothing, and looked through these publications.
    #[must_use]
    pub fn from_hours(hours: BTreeMap<Hour, String>) -> Self {
        Self { hours, ..Self::default() }
    }

    /// Whether a hit with this mark was told.
    #[must_use]
    pub fn was_told(&self, mark: u64) -> bool {
        self.marks.contains(&mark)
    }

    /// Notes that a hit of an hour was told. Of too many, those of the earliest hours are forgotten.
    pub fn note_told(&mut self, hour: Hour, mark: u64) {
        if !self.marks.insert(mark) {
            return;
        }
        self.told.entry(hour).or_default().push_back(mark);
        while self.marks.len() > REMEMBERED {
            let Some(mut earliest) = self.told.first_entry() else { return };
            match earliest.get_mut().pop_front() {
                Some(forgotten) => self.marks.remove(&forgotten),
                None => earliest.remove().is_empty(),
            };
        }
    }
}

impl Archive {
    /// Takes the turn to run a saved search; `None` when another run has it.
    ///
    /// # Errors
    ///
    /// When the archive cannot be written.
    pub fn watch_turn(&self, name: &WatchName) -> Result<Option<WatchTurn>, Error> {
        let path = self.site().lock_path(&layout::watch_lock(&name.0));
        Ok(take_turn(&path)?.map(|lock| WatchTurn { _lock: lock }))
    }

    /// What a saved search has told; `None` before its first run.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is damaged, or is of a newer version.
    pub fn watched(&self, name: &WatchName) -> Result<Option<Watched>, Error> {
        note::read(self.site(), &layout::watch_file(&name.0), VERSION, |record: Record| {
            record.watched().ok_or("it has an hour or a mark that is none")
        })
    }

    /// Notes what a saved search has told, for good.
    ///
    /// # Errors
    ///
    /// When it cannot be written; then what was noted before stands.
    pub fn keep_watched(&self, name: &WatchName, watched: &Watched) -> Result<(), Error> {
        note::write(self.site(), &layout::watch_file(&name.0), &Record::of(watched))
    }

    /// Forgets what a saved search has told.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be removed.
    pub fn forget_watched(&self, name: &WatchName) -> Result<(), Error> {
        let file = layout::watch_file(&name.0);
        self.site().remove(&file).map_err(Error::file("remove", &self.site().path(&file)))
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    version: u64,
    hours: BTreeMap<String, String>,
    told: BTreeMap<String, String>,
}

impl Record {
    fn of(watched: &Watched) -> Self {
        let digits = |marks: &VecDeque<u64>| marks.iter().map(|mark| format!("{mark:016x}")).collect();
        Self {
            version: VERSION,
            hours: keys(&watched.hours),
            told: watched.told.iter().map(|(hour, marks)| (hour.key(), digits(marks))).collect(),
        }
    }

    /// `None` when a key is no hour, or a mark none.
    fn watched(self) -> Option<Watched> {
        let mut watched = Watched { hours: hours(self.hours)?, ..Watched::default() };
        for (key, digits) in self.told {
            let marks = marks(&digits)?;
            watched.marks.extend(&marks);
            watched.told.insert(Hour::from_key(&key).ok()?, marks);
        }
        Some(watched)
    }
}

fn marks(digits: &str) -> Option<VecDeque<u64>> {
    let pieces = digits.as_bytes().chunks(DIGITS);
    let mark = |piece: &[u8]| u64::from_str_radix(std::str::from_utf8(piece).ok()?, 16).ok();
    pieces.map(|piece| if piece.len() == DIGITS { mark(piece) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use chat::Timestamp;
    use tempfile::TempDir;

    use super::*;
    use crate::open::Access;

    async fn archive(folder: &TempDir) -> Archive {
        Archive::open(folder.path(), Access::Create, Arc::new(|| Timestamp::UNIX_EPOCH)).await.unwrap()
    }

    #[test]
    fn a_name_is_a_file_name_and_a_key_of_toml() {
        for name in ["a", "nightly", "9_lives-b", &"x".repeat(64)] {
            assert_eq!(name.parse::<WatchName>().unwrap().to_string(), name);
        }
        for name in ["", ".", "a.b", "a/b", "A", "-a", "ä", "a b", &"x".repeat(65)] {
            assert!(name.parse::<WatchName>().is_err(), "{name}");
        }
    }

    #[tokio::test]
    async fn what_was_told_is_read_as_it_was_kept() {
        let folder = TempDir::new().unwrap();
        let (archive, name) = (archive(&folder).await, "harbour".parse().unwrap());
        assert_eq!(archive.watched(&name).unwrap(), None);
        let hour = Hour::from_key("2026031409").unwrap();
        let mut watched = Watched { hours: [(hour, "a".to_owned())].into(), ..Watched::default() };
        for mark in [7, u64::MAX, 7] {
            watched.note_told(hour, mark);
        }
        archive.keep_watched(&name, &watched).unwrap();
        let read = archive.watched(&name).unwrap().unwrap();
        assert_eq!(read, watched);
        assert!(read.was_told(7) && read.was_told(u64::MAX) && !read.was_told(8));
        archive.forget_watched(&name).unwrap();
        archive.forget_watched(&name).unwrap();
        assert_eq!(archive.watched(&name).unwrap(), None);
    }

    #[test]
    fn the_earliest_hours_are_forgotten_first() {
        let (early, late) = (Hour::from_number(500_000), Hour::from_number(500_001));
        let mut watched = Watched::default();
        watched.note_told(late, 0);
        (1..=REMEMBERED as u64).for_each(|mark| watched.note_told(early, mark));
        assert!(watched.was_told(0) && !watched.was_told(1) && watched.was_told(2));
    }

    #[tokio::test]
    async fn a_file_of_another_making_is_refused() {
        let folder = TempDir::new().unwrap();
        let (archive, name) = (archive(&folder).await, "harbour".parse().unwrap());
        archive.keep_watched(&name, &Watched::default()).unwrap();
        for (json, expected) in [
            ("{", "is damaged"),
            (r#"{"version":2}"#, "format 2"),
            (r#"{"version":1,"hours":{"x":"y"},"told":{}}"#, "that is none"),
            (r#"{"version":1,"hours":{},"told":{"2026031409":"91f"}}"#, "that is none"),
            (r#"{"version":1,"hours":{},"told":{"2026031409":"91f091f091f091fä"}}"#, "that is none"),
        ] {
            fs::write(folder.path().join("watches/harbour.json"), json).unwrap();
            let error = archive.watched(&name).unwrap_err().to_string();
            assert!(error.contains("harbour.json") && error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn one_run_at_a_time_has_a_name() {
        let folder = TempDir::new().unwrap();
        let (one, other) = (archive(&folder).await, archive(&folder).await);
        let name = "harbour".parse().unwrap();
        let turn = one.watch_turn(&name).unwrap();
        assert!(turn.is_some() && other.watch_turn(&name).unwrap().is_none());
        drop(turn);
        assert!(other.watch_turn(&name).unwrap().is_some());
    }
}
