//! What readers see of `messages`.

use std::fmt;
use std::sync::{Arc, OnceLock};

use chat::{Entry, Hour, Hours, Timestamp};
use deltalake::kernel::Add;
use serde::Deserialize;

use crate::live::Live;
use crate::reader::Reader;
use crate::table::Table;
use crate::tags;

/// The live files of `messages` at one version. Files that are replaced later are removed from disk: a reader that
/// finds one gone (see [`crate::is_gone`]) takes a fresh snapshot.
#[derive(Clone)]
pub struct Snapshot {
    table: Arc<Table>,
    live: Arc<Live>,
    /// Put in order when somebody asks for all.
    files: OnceLock<Vec<DataFile>>,
}

/// A live file of `messages`.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// Its name, relative to the table: `date=2026-03-14/2026031409-<id>.parquet`.
    pub path: String,
    /// The hours it holds, in order; never empty for a file of this program.
    pub hours: Vec<Hour>,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it has.
    pub size: u64,
    /// No message in it is earlier; `None` when it has no message with a time, or the bound is not known.
    pub min_sent_at: Option<Timestamp>,
    /// No message in it is later; `None` as for `min_sent_at`.
    pub max_sent_at: Option<Timestamp>,
}

impl Snapshot {
    pub(crate) fn new(table: Arc<Table>, live: Arc<Live>) -> Self {
        Self { table, live, files: OnceLock::new() }
    }

    /// The version of the table.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.live.version()
    }

    /// The live files, in the order of their hours.
    #[must_use]
    pub fn files(&self) -> &[DataFile] {
        self.files.get_or_init(|| {
            let mut files: Vec<_> = self.live.files().map(|file| file.facts().clone()).collect();
            files.sort_by(|one, other| one.hours.cmp(&other.hours).then_with(|| one.path.cmp(&other.path)));
            files
        })
    }

    /// The file that holds an hour; `None` when the hour has no messages, or is not published.
    #[must_use]
    pub fn file_of(&self, hour: Hour) -> Option<&DataFile> {
        // Statistics of several hours may span one that lies elsewhere.
        let holders = self.live.holders(hour).iter().map(|file| (file.is_sure(), file.facts()));
        holders.max_by_key(|(is_sure, file)| (*is_sure, &file.hours, &file.path)).map(|(_, file)| file)
    }

    /// Whether this version of the table holds what an entry says that it published. A file that another program wrote anew is
    /// taken for that, if it alone may hold the hour.
    #[must_use]
    pub fn holds(&self, entry: &Entry) -> bool {
        entry.files.iter().all(|publication| self.live.may_hold(entry.hour, publication))
    }

    /// The row of the ledger that the log keeps beside the data of an hour: what was known of it when it was published. A file that
    /// another program wrote anew does not tell.
    #[must_use]
    pub fn told(&self, hour: Hour) -> Option<&Entry> {
        self.live.holders(hour).iter().find_map(|file| file.told(hour))
    }

    /// A reader of a file, for `archive::read_all`, `archive::read_keys` and `archive::find_ids`.
    #[must_use]
    pub fn reader(&self, file: &DataFile) -> Reader {
        self.table.reader(&file.path, file.size)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("live", &self.live).finish_non_exhaustive()
    }
}

impl DataFile {
    /// What a file that holds these hours says of itself.
    pub(crate) fn of(add: &Add, hours: &[Hour]) -> Self {
        let stats = statistics(add);
        Self {
            path: add.path.clone(),
            hours: hours.to_vec(),
            rows: stats.rows,
            size: u64::try_from(add.size).unwrap_or(0),
            min_sent_at: stats.min.sent_at.and_then(|time| time.parse().ok()),
            max_sent_at: stats.max.sent_at.and_then(|time| time.parse().ok()),
        }
    }
}

/// The hours that a file holds, in order: as its tags say, or else all that its statistics do not rule out.
pub(crate) fn hours(add: &Add) -> Vec<Hour> {
    tags::hours(add.tags.as_ref()).unwrap_or_else(|| {
        let stats = statistics(add);
        let bound = |key: Option<String>| key.and_then(|key| Hour::from_key(&key).ok());
        match (bound(stats.min.source_hour), bound(stats.max.source_hour)) {
            (Some(first), Some(last)) => Hours::between(first, last.next()).collect(),
            _ => Vec::new(),
        }
    })
}

#[derive(Deserialize, Default)]
struct Stats {
    #[serde(rename = "numRecords", default)]
    rows: u64,
    #[serde(rename = "minValues", default)]
    min: Bounds,
    #[serde(rename = "maxValues", default)]
    max: Bounds,
}

#[derive(Deserialize, Default)]
struct Bounds {
    source_hour: Option<String>,
    sent_at: Option<String>,
}

fn statistics(add: &Add) -> Stats {
    add.stats.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chat::State;

    use super::*;

    #[test]
    fn a_file_without_tags_is_known_by_its_statistics() {
        let stats = r#"{"numRecords":7,"minValues":{"source_hour":"2026031423","sent_at":"2026-03-14T23:00:00.001Z"},
            "maxValues":{"source_hour":"2026031501","msg_id":"9"},"nullCount":{}}"#;
        let add = Add { path: "x".to_owned(), size: 9, stats: Some(stats.to_owned()), ..Add::default() };
        let file = DataFile::of(&add, &hours(&add));
        let keys: Vec<_> = file.hours.iter().map(|hour| hour.key()).collect();
        assert_eq!(keys, ["2026031423", "2026031500", "2026031501"]);
        assert_eq!((file.rows, file.size, file.max_sent_at), (7, 9, None));
        assert_eq!(file.min_sent_at, "2026-03-14T23:00:00.001Z".parse().ok());
        let live = Live::of(0, [add], &Live::default());
        let holder = live.holders(file.hours[0])[0].as_ref();
        assert!(live.sure_holder(file.hours[0]).is_none(), "it may hold the hour, and may not");
        let entry = holder.entry(file.hours[0], None, Timestamp::default());
        assert_eq!((entry.state, entry.tally.messages, &entry.files[..]), (State::Done, 0, &["x".to_owned()][..]));
        let known = Entry { bytes: 7, ..Entry::new(file.hours[0], Timestamp::default(), State::Done) };
        let entry = holder.entry(file.hours[0], Some(&known), Timestamp::default());
        assert_eq!((entry.bytes, &entry.files[..]), (7, &["x".to_owned()][..]));
    }

    #[test]
    fn a_file_that_says_nothing_holds_no_hour() {
        for stats in [None, Some("{"), Some("{}")] {
            let add = Add { stats: stats.map(str::to_owned), ..Add::default() };
            assert!(hours(&add).is_empty(), "{stats:?}");
        }
    }
}
