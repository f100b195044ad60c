//! What was handed out to others: for each export by name, up to which publications.
//!
//! `exports/NAME.json` is replaced whole, `exports/NAME.lock` is held by the one export that is at work under the name. The
//! file is `{"version":1,"number":6,"options":"…","hours":{"2026031409":"date=…/….parquet"},"pending":null}`: how many
//! exports there were, what they were asked for, and of each hour the publication that was handed out last. An export that
//! is about to appear is `pending`, with the folder that it will appear in: whether it is there tells the next one whether
//! it counts (decision D16).

use std::collections::BTreeMap;
use std::path::PathBuf;

use chat::Hour;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::layout;
use crate::lock::{Turn, take_turn};
use crate::note::{self, hours, keys};
use crate::open::Archive;

/// The version of the file.
const VERSION: u64 = 1;

note::name! {
    /// The name of an export that goes on from the last one: 1 to 64 of `a-z 0-9 . _ -`, the first a letter or digit.
    ExportName, ExportNameError, b"._-", "a name has 1 to 64 lower-case letters, digits, dots, dashes and underscores, and begins with a letter or digit"
}

/// Up to where an export has handed out an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watermark {
    /// How many exports there were under the name.
    pub number: u64,
    /// What they were asked for, in the words of whoever exports; empty before the first.
    pub options: String,
    /// The publication of each hour that was handed out last; empty for one that had been withdrawn.
    pub hours: BTreeMap<Hour, String>,
    /// The export that is about to appear; its number is one more than `number`.
    pub pending: Option<Pending>,
}

/// An export that is whole, and about to appear or there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The folder that it appears in.
    pub folder: PathBuf,
    /// The publications of the hours in it.
    pub hours: BTreeMap<Hour, String>,
}

/// The right to export under a name, until it is dropped.
#[derive(Debug)]
pub struct ExportTurn {
    /// Held, not read.
    _lock: Turn,
}

impl Watermark {
    /// Counts the pending export, which is there, among those that were handed out.
    pub fn settle(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.number += 1;
            self.hours.extend(pending.hours);
        }
    }
}

impl Archive {
    /// Takes the turn to export under a name; `None` when another export has it.
    ///
    /// # Errors
    ///
    /// When the archive cannot be written.
    pub fn export_turn(&self, name: &ExportName) -> Result<Option<ExportTurn>, Error> {
        let path = self.site().lock_path(&layout::export_lock(&name.0));
        Ok(take_turn(&path)?.map(|lock| ExportTurn { _lock: lock }))
    }

    /// Up to where an export has handed out this archive; `None` before the first.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is damaged, or is of a newer version.
    pub fn watermark(&self, name: &ExportName) -> Result<Option<Watermark>, Error> {
        note::read(self.site(), &layout::export_file(&name.0), VERSION, |record: Record| {
            record.watermark().ok_or("it names an hour that is none")
        })
    }

    /// Notes up to where an export has handed out this archive, for good.
    ///
    /// # Errors
    ///
    /// When it cannot be written; then what was noted before stands.
    pub fn keep_watermark(&self, name: &ExportName, watermark: &Watermark) -> Result<(), Error> {
        note::write(self.site(), &layout::export_file(&name.0), &Record::of(watermark))
    }
}

#[derive(Serialize, Deserialize)]
struct Record {
    version: u64,
    number: u64,
    options: String,
    hours: BTreeMap<String, String>,
    pending: Option<PendingRecord>,
}

#[derive(Serialize, Deserialize)]
struct PendingRecord {
    folder: PathBuf,
    hours: BTreeMap<String, String>,
}

impl Record {
    fn of(watermark: &Watermark) -> Self {
        let pending = watermark.pending.as_ref();
        Self {
            version: VERSION,
            number: watermark.number,
            options: watermark.options.clone(),
            hours: keys(&watermark.hours),
            pending: pending
                .map(|pending| PendingRecord { folder: pending.folder.clone(), hours: keys(&pending.hours) }),
        }
    }

    /// `None` when a key is no hour.
    fn watermark(self) -> Option<Watermark> {
        let pending = match self.pending {
            Some(pending) => Some(Pending { folder: pending.folder, hours: hours(pending.hours)? }),
            None => None,
        };
        Some(Watermark { number: self.number, options: self.options, hours: hours(self.hours)?, pending })
    }
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
    fn a_name_is_a_file_name_on_every_system() {
        for name in ["a", "nightly", "2026.warehouse_1-b", &"x".repeat(64)] {
            assert_eq!(name.parse::<ExportName>().unwrap().to_string(), name);
        }
        for name in ["", ".", "..", "a/b", "A", "-a", ".a", "ä", "a b", &"x".repeat(65)] {
            assert!(name.parse::<ExportName>().is_err(), "{name}");
        }
    }

    #[tokio::test]
    async fn a_watermark_is_read_as_it_was_kept() {
        let folder = TempDir::new().unwrap();
        let (archive, name) = (archive(&folder).await, "nightly".parse().unwrap());
        assert_eq!(archive.watermark(&name).unwrap(), None);
        let hour = Hour::from_key("2026031409").unwrap();
        let pending = Pending { folder: "/out/nightly-000002".into(), hours: [(hour.next(), "b".to_owned())].into() };
        let mut watermark = Watermark {
            number: 1,
            options: "{}".to_owned(),
            hours: [(hour, "a".to_owned())].into(),
            pending: Some(pending),
        };
        archive.keep_watermark(&name, &watermark).unwrap();
        assert_eq!(archive.watermark(&name).unwrap().as_ref(), Some(&watermark));
        watermark.settle();
        archive.keep_watermark(&name, &watermark).unwrap();
        let read = archive.watermark(&name).unwrap().unwrap();
        assert_eq!((read.number, read.hours.len(), read.pending), (2, 2, None));
        assert_eq!(archive.watermark(&"other".parse().unwrap()).unwrap(), None);
    }

    #[tokio::test]
    async fn a_file_of_another_making_is_refused() {
        let folder = TempDir::new().unwrap();
        let (archive, name) = (archive(&folder).await, "nightly".parse().unwrap());
        let file = folder.path().join("exports/nightly.json");
        archive.keep_watermark(&name, &Watermark::default()).unwrap();
        for (json, expected) in [
            ("{", "is damaged"),
            (r#"{"version":2}"#, "format 2"),
            (r#"{"version":1,"number":1,"options":"","hours":{"x":"y"},"pending":null}"#, "an hour that is none"),
        ] {
            fs::write(&file, json).unwrap();
            let error = archive.watermark(&name).unwrap_err().to_string();
            assert!(error.contains("nightly.json") && error.contains(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn one_export_at_a_time_has_a_name() {
        let folder = TempDir::new().unwrap();
        let (one, other) = (archive(&folder).await, archive(&folder).await);
        let name = "nightly".parse().unwrap();
        let turn = one.export_turn(&name).unwrap();
        assert!(turn.is_some() && other.export_turn(&name).unwrap().is_none());
        assert!(other.export_turn(&"other".parse().unwrap()).unwrap().is_some());
        drop(turn);
        assert!(other.export_turn(&name).unwrap().is_some());
    }
}
