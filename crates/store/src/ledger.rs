//! The ledger: what is known of each hour, as rows of the table `hours`.
//!
//! Rows are only ever added; the newest row of an hour is its state. Each call adds a file, so the small ones are merged
//! when there are [`MERGE_AT`] of them. All rows are kept: they are the history of the archive.
//!
//! Rows are added in view of all rows that are there: whoever finds that another writer has added some since it looked
//! looks again, so that the row written last is the newest, and none takes the place of one that is to stand
//! (see [`crate::standing`]).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chat::{Entry, Hour, Timestamp};
use deltalake::kernel::{Add, Version};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use tokio::sync::{Mutex, MutexGuard};

use crate::error::{Error, is_gone};
use crate::layout;
use crate::live::{Live, LiveFile};
use crate::open::Clock;
use crate::running::Running;
use crate::site::Site;
use crate::staged::StagedFile;
use crate::standing::{Standing, standing};
use crate::steps::step;
use crate::table::{ATTEMPTS, Outcome, PAUSE, Plan, Table, addition};
use crate::tags::{self, Tags};

/// Live files of the ledger at which some are merged. To read one takes about 0.3 ms whatever it holds (release build, local
/// disk), so that a handle which looks at the ledger for the first time spends 10 ms on their number.
pub(crate) const MERGE_AT: usize = 32;

/// A file that has more rows than so many times all smaller ones together is not merged with them. So a row is written
/// again only when the rows around it have multiplied, and what a merge costs does not grow with the ledger.
const MUCH_LARGER: u64 = 4;

/// Files of the ledger that are read at the same time.
const READ_AT_ONCE: usize = 8;

/// How often a file that is gone is answered by a fresh look. Each time, another writer has merged the ledger.
const LOOKS: usize = 10;

/// The table `hours`.
pub(crate) struct Ledger {
    table: Table,
    /// What is published, which decides on what may be said of an hour.
    messages: Arc<Table>,
    site: Site,
    running: Arc<Running>,
    clock: Clock,
    known: Mutex<Known>,
}

/// What was read of the ledger so far. As rows are never taken away, reading the files that are new is enough.
#[derive(Default)]
struct Known {
    /// The version of the table that was read last.
    version: Option<Version>,
    files: Arc<HashSet<String>>,
    newest: BTreeMap<Hour, Entry>,
}

impl Ledger {
    pub(crate) fn new(table: Table, messages: Arc<Table>, site: Site, running: Arc<Running>, clock: Clock) -> Self {
        Self { table, messages, site, running, clock, known: Mutex::default() }
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The newest row of each hour.
    pub(crate) async fn newest(&self) -> Result<BTreeMap<Hour, Entry>, Error> {
        Ok(self.known().await?.newest.clone())
    }

    /// Every row, the oldest first.
    pub(crate) async fn all(&self) -> Result<Vec<Entry>, Error> {
        let mut looks = 1;
        loop {
            let files = self.table.live().await?;
            match self.read_all(files.files()).await {
                Err(error) if is_gone(&error) && looks < LOOKS => looks += 1,
                other => {
                    let mut rows = other?;
                    rows.sort_by_key(|row| row.at);
                    return Ok(rows);
                }
            }
        }
    }

    /// The newest row of an hour.
    pub(crate) async fn newest_of(&self, hour: Hour) -> Result<Option<Entry>, Error> {
        Ok(self.known().await?.newest.get(&hour).cloned())
    }

    /// Adds rows as far as they may stand, and tells for each what stands now. An entry that is not newer than its hour's
    /// newest row is dated right after it, so that the row written last is the newest even where a clock was set back.
    pub(crate) async fn record(&self, entries: &[Entry]) -> Result<Vec<Entry>, Error> {
        let now = (self.clock)();
        self.add(|newest, live| {
            entries.iter().map(|entry| standing(entry, newest.get(&entry.hour), live, now)).collect()
        })
        .await
    }

    /// Adds rows whatever was known. Only for repairs, which nobody else disturbs.
    pub(crate) async fn correct(&self, rows: &[Entry]) -> Result<(), Error> {
        self.add(|_newest, _live| rows.iter().cloned().map(Standing::New).collect()).await.map(drop)
    }

    /// Adds the rows that `lost` finds to be missing, in view of all that are there by then; tells which these are.
    pub(crate) async fn recover(
        &self,
        lost: impl Fn(&BTreeMap<Hour, Entry>, &Live) -> Vec<Entry>,
    ) -> Result<Vec<Entry>, Error> {
        self.add(|newest, live| lost(newest, live).into_iter().map(Standing::New).collect()).await
    }

    /// Adds the new ones of what `decide` lets stand. It is asked again whenever another writer was first.
    async fn add(&self, decide: impl Fn(&BTreeMap<Hour, Entry>, &Live) -> Vec<Standing>) -> Result<Vec<Entry>, Error> {
        let mut staged = None;
        for attempt in 1..=ATTEMPTS {
            // The messages first: who commits some after this look records them after the look at the ledger.
            let live = self.messages.live().await?;
            let (standing, seen) = {
                let known = self.known().await?;
                (known.dated(decide(&known.newest, &live)), Arc::clone(&known.files))
            };
            let new: Vec<_> = standing.iter().filter_map(Standing::new_row).cloned().collect();
            if self.try_add(&mut staged, new, &seen).await? {
                return Ok(standing.into_iter().map(Standing::into_entry).collect());
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
        Err(Error::Contended { table: self.table.name(), attempts: ATTEMPTS })
    }

    /// Adds rows if all files of the ledger have been seen. The file they are written to is kept for the next try.
    async fn try_add(
        &self,
        staged: &mut Option<(Vec<Entry>, Add)>,
        rows: Vec<Entry>,
        seen: &HashSet<String>,
    ) -> Result<bool, Error> {
        if let Some((_, useless)) = staged.take_if(|(before, _)| *before != rows) {
            self.running.discard(&self.table, &[useless]).await;
        }
        if rows.is_empty() {
            return Ok(true);
        }
        let file = match staged.take() {
            Some((_, file)) => file,
            None => {
                step("hours.write");
                let file = self.write(&rows, true).await?;
                step("hours.written");
                file
            }
        };
        let plan = |live: &Live| {
            let all_seen = live.files().all(|file| seen.contains(file.path()));
            Ok(if all_seen { Plan::Commit { remove: Vec::new(), add: vec![file.clone()] } } else { Plan::Stop(()) })
        };
        if let Outcome::Stopped(()) = self.table.commit(plan).await? {
            *staged = Some((rows, file));
            return Ok(false);
        }
        step("hours.committed");
        if let Err(error) = self.merge_if_many().await {
            // The rows are there all the same. The next call tries again.
            self.running.leave_mark();
            tracing::warn!(%error, "could not merge the files of the ledger");
        }
        Ok(true)
    }

    /// Dates an entry after the newest row of its hour.
    pub(crate) async fn date(&self, entry: &mut Entry) -> Result<(), Error> {
        self.known().await?.date(entry);
        Ok(())
    }

    /// What is known now, after a look at the files that are new.
    async fn known(&self) -> Result<MutexGuard<'_, Known>, Error> {
        let mut known = self.known.lock().await;
        let mut looks = 1;
        loop {
            let files = self.table.live().await?;
            match self.learn(&mut known, &files).await {
                Err(error) if is_gone(&error) && looks < LOOKS => looks += 1,
                other => return other.map(|()| known),
            }
        }
    }

    async fn learn(&self, known: &mut Known, files: &Live) -> Result<(), Error> {
        if known.version == Some(files.version()) {
            return Ok(());
        }
        let new: Vec<_> = files.files().filter(|file| !known.files.contains(file.path())).collect();
        let rows = self.read_all(new.iter().copied()).await?;
        known.take_in(rows);
        Arc::make_mut(&mut known.files).extend(new.iter().map(|file| file.path().to_owned()));
        if known.files.len() > files.len() {
            Arc::make_mut(&mut known.files).retain(|path| files.file(path).is_some());
        }
        known.version = Some(files.version());
        Ok(())
    }

    /// The rows of these files, in the order in which the files were written.
    async fn read_all(&self, files: impl Iterator<Item = &Arc<LiveFile>>) -> Result<Vec<Entry>, Error> {
        let reads = in_order(files).into_iter().map(|file| self.read_file(file)).collect::<Vec<_>>();
        stream::iter(reads).buffered(READ_AT_ONCE).try_concat().await
    }

    /// On a task of its own: most of it is work, and not waiting.
    fn read_file(&self, file: &LiveFile) -> impl Future<Output = Result<Vec<Entry>, Error>> + use<> {
        let (reader, table, path) =
            (self.table.reader(file.path(), file.size()), self.table.name(), file.path().to_owned());
        async move {
            let rows = tokio::spawn(archive::read_entries(reader)).await;
            let rows = rows.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            rows.map_err(Error::rows(table, &path))
        }
    }

    async fn merge_if_many(&self) -> Result<(), Error> {
        let live = self.table.live().await?;
        if live.len() < MERGE_AT {
            return Ok(());
        }
        let files = self.sound(small(&live)).await?;
        if files.len() < 2 {
            return Ok(());
        }
        let rows = match self.read_all(files.iter()).await {
            // Another writer has merged them just now.
            Err(error) if is_gone(&error) => return Ok(()),
            other => other?,
        };
        let merged = self.write(&rows, false).await?;
        step("merge.written");
        let outcome = self.table.commit(|live| Ok(merge(&files, live, &merged))).await?;
        step("merge.committed");
        let useless = match outcome {
            Outcome::Committed { removed } => removed,
            Outcome::Stopped(()) => vec![merged],
        };
        self.running.discard(&self.table, &useless).await;
        step("merge.discarded");
        Ok(())
    }

    /// Those of these files that are what was written: the others stay as they are, for `annals verify` to name.
    async fn sound(&self, files: Vec<Arc<LiveFile>>) -> Result<Vec<Arc<LiveFile>>, Error> {
        let mut sound = Vec::with_capacity(files.len());
        for file in files {
            match self.table.prove(&file).await {
                Ok(()) => sound.push(file),
                Err(error @ Error::Changed { .. }) => {
                    tracing::warn!(%error, "a file of the ledger is left out where its files are merged");
                }
                // Another writer has merged them just now.
                Err(error) if is_gone(&error) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            }
        }
        Ok(sound)
    }

    /// Writes rows into a file of the table that is not live yet.
    async fn write(&self, entries: &[Entry], data_change: bool) -> Result<Add, Error> {
        let (site, entries, at) = (self.site.clone(), entries.to_vec(), (self.clock)());
        let path = layout::ledger_file();
        let location = self.table.location(&path);
        let work = move || write_file(&site, &location, &entries, &path, at, data_change);
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

    /// Dates new rows after all that is known; several of one hour follow each other.
    fn dated(&self, mut standing: Vec<Standing>) -> Vec<Standing> {
        let mut dated: BTreeMap<Hour, Timestamp> = BTreeMap::new();
        for new in &mut standing {
            if let Standing::New(row) = new {
                self.date(row);
                if let Some(before) = dated.get(&row.hour).filter(|before| **before >= row.at) {
                    row.at = *before + std::time::Duration::from_micros(1);
                }
                dated.insert(row.hour, row.at);
            }
        }
        standing
    }

    fn date(&self, entry: &mut Entry) {
        let earliest = self.newest.get(&entry.hour).map_or(i64::MIN, |newest| newest.at.timestamp_micros() + 1);
        // The table holds microseconds.
        let at = entry.at.timestamp_micros().max(earliest);
        entry.at = Timestamp::from_timestamp_micros(at).unwrap_or(entry.at);
    }
}

/// The files that are merged: the smallest ones, up to the first that is much larger.
fn small(live: &Live) -> Vec<Arc<LiveFile>> {
    let mut files: Vec<_> = live.files().cloned().collect();
    files.sort_by_key(|file| file.facts().rows);
    let rows: Vec<_> = files.iter().map(|file| file.facts().rows).collect();
    files.truncate(alike(&rows));
    files
}

/// How many of these sizes, the smallest first, are alike; at least two.
fn alike(sizes: &[u64]) -> usize {
    let mut smaller = 0;
    let larger = sizes.iter().position(|size| {
        let is_much_larger = smaller > 0 && *size > MUCH_LARGER * smaller;
        smaller += size;
        is_much_larger
    });
    larger.unwrap_or(sizes.len()).max(2)
}

fn in_order<'a>(files: impl Iterator<Item = &'a Arc<LiveFile>>) -> Vec<&'a LiveFile> {
    let mut files: Vec<_> = files.map(AsRef::as_ref).collect();
    files.sort_by_key(|file| file.add.modification_time);
    files
}

fn write_file(
    site: &Site,
    location: &Path,
    entries: &[Entry],
    path: &str,
    at: Timestamp,
    data_change: bool,
) -> Result<Add, Error> {
    let failed = |error| Error::file("write", &site.path(location))(error);
    let staged = StagedFile::new(site)?;
    let written = archive::write_entries(staged, entries).map_err(Error::rows("hours", path))?;
    let (size, stats) = (written.out.length(), written.statistics.to_delta_json());
    let mut tags = Tags::new();
    tags::put_sha256(&mut tags, written.out.sha256());
    written.out.place(site, location).map_err(failed)?;
    Ok(Add { tags: Some(tags), ..addition(path.to_owned(), size, at, stats, data_change) })
}

/// Puts the merged file in place of the files it was merged from, as long as all of them are live.
fn merge(from: &[Arc<LiveFile>], live: &Live, merged: &Add) -> Plan<()> {
    if from.iter().all(|file| live.file(file.path()).is_some()) {
        Plan::Commit { remove: from.iter().map(|file| file.add.clone()).collect(), add: vec![merged.clone()] }
    } else {
        Plan::Stop(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_much_larger_than_the_rest_together_is_not_written_again() {
        for (sizes, expected) in [
            (&[1; 32][..], 32),
            (&[1, 1, 1, 12, 60], 5),
            (&[1, 1, 1, 13, 60], 3),
            (&[1, 1, 1, 12, 61, 20_000], 4),
            (&[0, 0, 7], 3),
            (&[1, 5, 25], 2),
            (&[400, 20_000], 2),
        ] {
            assert_eq!(alike(sizes), expected, "{sizes:?}");
        }
    }

    #[test]
    fn a_ledger_of_any_size_has_few_files_and_writes_each_row_few_times() {
        let (mut files, mut written) = (Vec::<u64>::new(), 0);
        for _ in 0..100_000 {
            files.push(1);
            if files.len() >= MERGE_AT {
                files.sort_unstable();
                let merged: u64 = files.drain(..alike(&files)).sum();
                files.push(merged);
                written += merged;
            }
            assert!(files.len() < MERGE_AT);
        }
        assert!(files.iter().filter(|rows| **rows > 1).count() < 10, "{files:?}");
        assert!(written < 15 * 100_000, "each row was written again {} times", written / 100_000);
    }
}
