//! The ledger: what is known of each hour, as rows of the table `hours`.
//!
//! Rows are only ever added; the newest row of an hour is its state. Each call adds a file, so files are merged into
//! one when there are [`MERGE_AT`] of them. All rows are kept: they are the history of the archive.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chat::{Entry, Hour, Timestamp};
use deltalake::kernel::Add;
use object_store::path::Path;
use tokio::sync::{Mutex, MutexGuard};

use crate::disk::Disk;
use crate::error::{Error, is_gone};
use crate::layout;
use crate::open::Clock;
use crate::running::Running;
use crate::staged::StagedFile;
use crate::table::{Outcome, Plan, Table, addition};

/// How many live files of the ledger are merged into one. A commit costs about 30 µs for each live file (release build,
/// 1,500 commits on a local disk), so the ledger never adds more than 4 ms to it.
pub(crate) const MERGE_AT: usize = 128;

/// How often a file that is gone is answered by a fresh look. Each time, another writer has merged the ledger.
const LOOKS: usize = 10;

/// The table `hours`.
pub(crate) struct Ledger {
    table: Table,
    disk: Disk,
    running: Arc<Running>,
    clock: Clock,
    known: Mutex<Known>,
}

/// What was read of the ledger so far. As rows are never taken away, reading the files that are new is enough.
#[derive(Default)]
struct Known {
    files: HashSet<String>,
    newest: BTreeMap<Hour, Entry>,
}

impl Ledger {
    pub(crate) fn new(table: Table, disk: Disk, running: Arc<Running>, clock: Clock) -> Self {
        Self { table, disk, running, clock, known: Mutex::default() }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The newest row of each hour.
    pub(crate) async fn newest(&self) -> Result<BTreeMap<Hour, Entry>, Error> {
        Ok(self.known().await?.newest.clone())
    }

    /// The newest row of an hour.
    pub(crate) async fn newest_of(&self, hour: Hour) -> Result<Option<Entry>, Error> {
        Ok(self.known().await?.newest.get(&hour).cloned())
    }

    /// Adds rows. An entry that is not newer than its hour's newest row is dated right after it, so that the row written
    /// last is the newest even where a clock was set back.
    pub(crate) async fn record(&self, entries: &[Entry]) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut dated = entries.to_vec();
        {
            let known = self.known().await?;
            dated.iter_mut().for_each(|entry| known.date(entry));
        }
        self.add(&dated).await?;
        if let Err(error) = self.merge_if_many().await {
            // The rows are there all the same. The next call tries again.
            self.running.leave_mark();
            tracing::warn!(%error, "could not merge the files of the ledger");
        }
        Ok(())
    }

    /// Dates an entry after the newest row of its hour.
    pub(crate) async fn date(&self, entry: &mut Entry) -> Result<(), Error> {
        self.known().await?.date(entry);
        Ok(())
    }

    async fn add(&self, entries: &[Entry]) -> Result<(), Error> {
        let file = self.write(entries, true).await?;
        self.table.commit(|_live| Ok(Plan::<()>::Commit { remove: Vec::new(), add: vec![file.clone()] })).await?;
        Ok(())
    }

    /// What is known now, after a look at the files that are new.
    async fn known(&self) -> Result<MutexGuard<'_, Known>, Error> {
        let mut known = self.known.lock().await;
        let mut looks = 1;
        loop {
            let (_version, files) = self.table.live().await?;
            match self.learn(&mut known, &files).await {
                Err(error) if is_gone(&error) && looks < LOOKS => looks += 1,
                other => return other.map(|()| known),
            }
        }
    }

    async fn learn(&self, known: &mut Known, files: &[Add]) -> Result<(), Error> {
        let paths: HashSet<_> = files.iter().map(|file| file.path.clone()).collect();
        for file in in_order(files) {
            if !known.files.contains(&file.path) {
                known.take_in(self.read_file(file).await?);
                known.files.insert(file.path.clone());
            }
        }
        known.files.retain(|path| paths.contains(path));
        Ok(())
    }

    async fn read_all(&self, files: &[Add]) -> Result<Vec<Entry>, Error> {
        let mut rows = Vec::new();
        for file in in_order(files) {
            rows.extend(self.read_file(file).await?);
        }
        Ok(rows)
    }

    async fn read_file(&self, file: &Add) -> Result<Vec<Entry>, Error> {
        let reader = self.table.reader(&file.path, u64::try_from(file.size).unwrap_or(0));
        archive::read_entries(reader).await.map_err(Error::rows(self.table.name(), &file.path))
    }

    async fn merge_if_many(&self) -> Result<(), Error> {
        let (_version, files) = self.table.live().await?;
        if files.len() < MERGE_AT {
            return Ok(());
        }
        let rows = match self.read_all(&files).await {
            // Another writer has merged them just now.
            Err(error) if is_gone(&error) => return Ok(()),
            other => other?,
        };
        let merged = self.write(&rows, false).await?;
        let outcome = self.table.commit(|live| Ok(merge(&files, live, &merged))).await?;
        let useless = match outcome {
            Outcome::Committed { removed } => removed,
            Outcome::Stopped(()) => vec![merged],
        };
        self.running.discard(useless.iter().map(|file| self.table.location(&file.path)).collect()).await;
        Ok(())
    }

    /// Writes rows into a file of the table that is not live yet.
    async fn write(&self, entries: &[Entry], data_change: bool) -> Result<Add, Error> {
        let (disk, entries, at) = (self.disk.clone(), entries.to_vec(), (self.clock)());
        let path = layout::ledger_file();
        let location = self.table.location(&path);
        let work = move || write_file(&disk, &location, &entries, &path, at, data_change);
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::File {
            action: "write into",
            path: self.table.name().into(),
            source: error.into(),
        })?
    }
}

impl Known {
    fn take_in(&mut self, rows: Vec<Entry>) {
        for row in rows {
            let older = self.newest.get(&row.hour).is_none_or(|newest| newest.at <= row.at);
            if older {
                self.newest.insert(row.hour, row);
            }
        }
    }

    fn date(&self, entry: &mut Entry) {
        let earliest = self.newest.get(&entry.hour).map_or(i64::MIN, |newest| newest.at.timestamp_micros() + 1);
        // The table holds microseconds.
        let at = entry.at.timestamp_micros().max(earliest);
        entry.at = Timestamp::from_timestamp_micros(at).unwrap_or(entry.at);
    }
}

fn in_order(files: &[Add]) -> Vec<&Add> {
    let mut files: Vec<_> = files.iter().collect();
    files.sort_by_key(|file| file.modification_time);
    files
}

fn write_file(
    disk: &Disk,
    location: &Path,
    entries: &[Entry],
    path: &str,
    at: Timestamp,
    data_change: bool,
) -> Result<Add, Error> {
    let failed = |error| Error::file("write", &disk.path(location))(error);
    let staged = StagedFile::new(disk).map_err(failed)?;
    let written = archive::write_entries(staged, entries).map_err(Error::rows("hours", path))?;
    let (size, stats) = (written.out.length(), written.statistics.to_delta_json());
    written.out.place(disk, location).map_err(failed)?;
    Ok(addition(path.to_owned(), size, at, stats, data_change))
}

/// Puts the merged file in place of the files it was merged from, as long as all of them are live.
fn merge(from: &[Add], live: &[Add], merged: &Add) -> Plan<()> {
    if from.iter().all(|file| live.iter().any(|live| live.path == file.path)) {
        Plan::Commit { remove: from.to_vec(), add: vec![merged.clone()] }
    } else {
        Plan::Stop(())
    }
}
