//! The small files of a day, in one or a few of their own.
//!
//! The rows of a day's files are written into new ones, and one commit puts these in their place. An hour stays the
//! publication that it was: what the ledger and the index call it by is in the tags of the new file (decision D15). Who
//! publishes an hour of the day meanwhile has taken one of the files away, and the day is looked at again; who comes
//! after finds the file of the day, and leaves the other hours in another (see [`crate::publish`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use archive::Settings;
use chat::{Hour, Hours, Timestamp};
use deltalake::kernel::Add;

use crate::error::{Error, is_gone};
use crate::live::{Live, LiveFile};
use crate::promotion;
use crate::rewrite::Selection;
use crate::running::Running;
use crate::site::Site;
use crate::steps::step;
use crate::table::{ATTEMPTS, Kind, Outcome, PAUSE, Plan, Table};
use crate::tags;

/// How a day is compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// Files are put together up to so many bytes.
    pub file_bytes: u64,
    /// How the new files are laid out.
    pub settings: Settings,
}

/// What compacting did, in files and bytes of both tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Files that were replaced.
    pub files_before: u64,
    /// Files in their place.
    pub files_after: u64,
    /// Bytes of the files that were replaced.
    pub bytes_before: u64,
    /// Bytes of those in their place.
    pub bytes_after: u64,
    /// Rows of theirs.
    pub rows: u64,
}

impl Compacted {
    /// Adds what was done elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.files_before += other.files_before;
        self.files_after += other.files_after;
        self.bytes_before += other.bytes_before;
        self.bytes_after += other.bytes_after;
        self.rows += other.rows;
    }
}

/// What compacting needs of an archive.
pub(crate) struct Compactor<'a> {
    pub(crate) site: &'a Site,
    pub(crate) running: &'a Running,
    pub(crate) compaction: Compaction,
    pub(crate) now: Timestamp,
}

impl Compactor<'_> {
    /// Compacts a day of a table.
    pub(crate) async fn compact(&self, table: &Table, day: Hour) -> Result<Compacted, Error> {
        for attempt in 1..=ATTEMPTS {
            let (live, promoted) = (table.live().await?, promotion::names(&table.promotions().await?));
            let look = Look { kind: table.kind(), live: &live, promoted: &promoted };
            let lots = look.lots(day, self.compaction.file_bytes);
            if lots.is_empty() {
                return Ok(Compacted::default());
            }
            match self.replace(table, &lots).await {
                Ok(Some(done)) => return Ok(done),
                // Another writer has replaced one of the files.
                Ok(None) => {}
                Err(error) if is_gone(&error) => {
                    for file in lots.iter().flatten() {
                        table.refuse_lost(file.hours()[0]).await?;
                    }
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE * attempt).await;
        }
        Err(Error::Contended { table: table.name(), attempts: ATTEMPTS })
    }

    /// Puts each lot into a file, all in one commit; `None` when a file is live no more.
    pub(crate) async fn replace(&self, table: &Table, lots: &[Vec<Arc<LiveFile>>]) -> Result<Option<Compacted>, Error> {
        let (mut add, mut rows) = (Vec::new(), 0);
        for files in lots {
            match self.rewrite(table, files).await {
                Ok((file, its)) => {
                    add.push(file);
                    rows += its;
                }
                Err(error) => {
                    self.running.discard(table, &add).await;
                    return Err(error);
                }
            }
        }
        step("compact.placed");
        let from = || lots.iter().flatten();
        let outcome = table.commit(|live| Ok(in_place(from(), live, &add))).await?;
        step("compact.committed");
        let bytes = |files: &[Add]| files.iter().map(|file| u64::try_from(file.size).unwrap_or(0)).sum();
        let done = match outcome {
            Outcome::Committed { removed } => {
                self.running.discard(table, &removed).await;
                Some(Compacted {
                    files_before: removed.len() as u64,
                    files_after: add.len() as u64,
                    bytes_before: bytes(&removed),
                    bytes_after: bytes(&add),
                    rows,
                })
            }
            Outcome::Stopped(()) => {
                self.running.discard(table, &add).await;
                None
            }
        };
        step("compact.discarded");
        Ok(done)
    }

    async fn rewrite(&self, table: &Table, files: &[Arc<LiveFile>]) -> Result<(Add, u64), Error> {
        let hours = files.iter().flat_map(|file| file.hours().iter().copied()).collect();
        let written = Selection { table, files, hours }.write(self.site, self.compaction.settings).await?;
        let rows = written.rows;
        Ok((written.place(self.site, table, self.now, false).await?, rows))
    }
}

/// Notes in `days` how many files of each day of a table could be replaced, if no other table has more.
pub(crate) async fn crowded(table: &Table, file_bytes: u64, days: &mut BTreeMap<Hour, u64>) -> Result<(), Error> {
    let (live, promoted) = (table.live().await?, promotion::names(&table.promotions().await?));
    Look { kind: table.kind(), live: &live, promoted: &promoted }.crowded(file_bytes, days);
    Ok(())
}

/// A table as it is looked at.
struct Look<'a> {
    kind: Kind,
    live: &'a Live,
    /// The promoted columns that its files should have.
    promoted: &'a [String],
}

impl Look<'_> {
    /// The files of a day that are to be put together, lot by lot: as many as fit, in the order of their hours. A file that
    /// is alone in its lot stays, unless it is of an older format or lacks a promoted column.
    fn lots(&self, day: Hour, file_bytes: u64) -> Vec<Vec<Arc<LiveFile>>> {
        let mut files = files_of(self.live, day);
        if files.len() < 2 && files.iter().all(|file| self.is_of_today(file)) {
            return Vec::new();
        }
        files.retain(|file| is_ours(self.kind, self.live, file, day));
        files.sort_by_key(|file| (file.hours()[0], file.path().to_owned()));
        let mut lots: Vec<Vec<Arc<LiveFile>>> = Vec::new();
        let mut bytes = 0;
        for file in files {
            bytes += file.size();
            match lots.last_mut() {
                Some(lot) if bytes <= file_bytes => lot.push(file),
                _ => {
                    bytes = file.size();
                    lots.push(vec![file]);
                }
            }
        }
        lots.retain(|lot| lot.len() > 1 || !self.is_of_today(&lot[0]));
        lots
    }

    fn crowded(&self, file_bytes: u64, days: &mut BTreeMap<Hour, u64>) {
        let mut last = None;
        for hour in self.live.hours() {
            let day = first_of(hour);
            if last.replace(day) == Some(day) {
                continue;
            }
            let files = self.lots(day, file_bytes).iter().map(|lot| lot.len() as u64).sum::<u64>();
            if files > 0 {
                days.entry(day).and_modify(|most| *most = files.max(*most)).or_insert(files);
            }
        }
    }

    fn is_of_today(&self, file: &LiveFile) -> bool {
        let tags = file.add.tags.as_ref();
        tags::is_of_today(tags) && tags::has_promoted(tags, self.promoted)
    }
}

/// The files that hold hours of a day.
fn files_of(live: &Live, day: Hour) -> Vec<Arc<LiveFile>> {
    let mut met = BTreeSet::new();
    let held = hours_of(day).flat_map(|hour| live.holders(hour));
    held.filter(|file| met.insert(file.path().to_owned())).cloned().collect()
}

/// Whether a file says of each of its hours what this program says, all are of the day, and no other file holds one.
/// What other programs have made of a file is left as it is.
pub(crate) fn is_ours(kind: Kind, live: &Live, file: &LiveFile, day: Hour) -> bool {
    let is_told = |hour: Hour| match kind {
        Kind::DeadLetters => tags::origin(file.add.tags.as_ref(), hour).is_some(),
        Kind::Messages | Kind::Hours | Kind::Attachments => file.told(hour).is_some(),
    };
    let is_alone = |hour: Hour| live.holders(hour).len() == 1;
    file.hours().iter().all(|hour| hour.date() == day.date() && is_told(*hour) && is_alone(*hour))
}

/// The hours of the day that an hour lies in.
fn hours_of(hour: Hour) -> Hours {
    let first = first_of(hour);
    Hours::between(first, first.plus(24))
}

/// The first hour of the day that an hour lies in.
fn first_of(hour: Hour) -> Hour {
    hour.plus(-i64::from(hour.of_day()))
}

/// Puts the new files in place of those that their rows are from, as long as all of these are live.
fn in_place<'a>(from: impl Iterator<Item = &'a Arc<LiveFile>>, live: &Live, add: &[Add]) -> Plan<()> {
    let remove: Option<Vec<_>> = from.map(|file| live.file(file.path()).map(|file| file.add.clone())).collect();
    remove.map_or(Plan::Stop(()), |remove| Plan::Commit { remove, add: add.to_vec() })
}

#[cfg(test)]
mod interrupted;
