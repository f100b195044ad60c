//! The archive as a whole.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chat::{App, DeadLetter, Entry, Hour, Part, Timestamp};
use futures::TryStreamExt;
use object_store::ObjectStore;

use crate::attachments::Attachments;
use crate::compact::{Compacted, Compaction, Compactor, crowded};
use crate::disk::{Disk, create_folder};
use crate::error::{Advice, Error, is_gone};
use crate::identity;
use crate::ledger::Ledger;
use crate::letter_reader::LetterReader;
use crate::lock::Lock;
use crate::publish::{Mode, Publication, Published, Publisher};
use crate::raw::{self, RawHour, RawPart, RawStage, SealedRaw};
use crate::repair;
use crate::running::Running;
use crate::snapshot::Snapshot;
use crate::staged::StagedFile;
use crate::table::{Kind, Table};
use crate::turn::{self, Turned};

/// The newest format of an archive that this program reads and writes; `archive.json` holds it. It counts what lies where;
/// what the rows of the tables mean is counted by [`archive::FORMAT`] (decision D13).
pub const FORMAT: u64 = 1;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What may be done to a folder that is no archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It becomes one, if there is nothing in it but a settings file.
    Create,
    /// It is refused with [`Error::NoArchive`].
    Existing,
}

/// An archive on the local disk. Cheap to clone; clones are one handle. Any number of handles, in any number of
/// processes, may use an archive at once.
#[derive(Clone)]
pub struct Archive {
    inner: Arc<Inner>,
}

struct Inner {
    disk: Disk,
    clock: Clock,
    app: Mutex<Option<App>>,
    dead_letters: Table,
    messages: Arc<Table>,
    ledger: Ledger,
    attachments: Attachments,
    // Dropped in this order: the mark is taken away before the lock is let go.
    running: Arc<Running>,
    _lock: Lock,
}

impl Archive {
    /// Opens the archive in a folder.
    ///
    /// If a run before died, and nobody else uses the archive, it is repaired: rows of the ledger that are missing are
    /// rebuilt from the tables, files that are part of nothing are removed.
    ///
    /// # Errors
    ///
    /// [`Error::NoArchive`], [`Error::NotEmpty`], [`Error::NewerFormat`]; else when the folder cannot be read or written.
    pub async fn open(root: &Path, access: Access, clock: Clock) -> Result<Self, Error> {
        let folder = root.to_owned();
        let disk = tokio::task::spawn_blocking(move || folder_of(&folder, access)).await;
        let disk = disk.map_err(|error| Error::file("open", root)(error.into())).flatten()?;
        Self::open_on(disk, access, clock).await
    }

    pub(crate) async fn open_on(disk: Disk, access: Access, clock: Clock) -> Result<Self, Error> {
        let (prepared, now) = (disk.clone(), clock());
        let prepared = tokio::task::spawn_blocking(move || {
            let lock = prepare(&prepared, access, now)?;
            Ok((lock, identity::app(&prepared)?))
        });
        let prepared = prepared.await.map_err(|error| Error::file("open", disk.root())(error.into()));
        let (lock, app) = prepared.flatten()?;
        Self::open_tables(disk, lock, app, clock).await
    }

    async fn open_tables(disk: Disk, lock: Lock, app: Option<App>, clock: Clock) -> Result<Self, Error> {
        let store: Arc<dyn ObjectStore> = Arc::new(disk.clone());
        let open = |kind| Table::open(kind, Arc::clone(&store), Arc::clone(&clock));
        // Most of it is waiting for small reads, one after another.
        let (messages, dead_letters, hours) =
            tokio::join!(open(Kind::Messages), open(Kind::DeadLetters), open(Kind::Hours));
        let (messages, dead_letters, hours) = (Arc::new(messages?), dead_letters?, hours?);
        let attachments = Attachments::new(disk.clone(), Arc::clone(&clock));
        let running = Arc::new(Running::new(disk.clone()));
        let ledger = Ledger::new(hours, Arc::clone(&messages), disk.clone(), Arc::clone(&running), Arc::clone(&clock));
        if matches!(lock, Lock::Exclusive(_)) && repair::is_needed(&disk)? {
            match repair::repair(&disk, &messages, &dead_letters, &ledger, &attachments, clock()).await {
                // Who may only read, reads it as it is.
                Err(error) if error.advice() == Advice::FixTheSettings => {
                    tracing::warn!(%error, "could not repair the archive after a run that did not end well");
                }
                other => other?,
            }
        }
        let lock = tokio::task::spawn_blocking(move || lock.share()).await;
        let lock = lock.map_err(|error| Error::file("lock", disk.root())(error.into()))?;
        let app = Mutex::new(app);
        let inner = Inner { disk, clock, app, dead_letters, messages, ledger, attachments, running, _lock: lock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.inner.disk.root()
    }

    /// The tables, in the order in which they are spoken of. There may be none of attachments yet.
    pub(crate) async fn all_tables(&self) -> Result<Vec<&Table>, Error> {
        let attachments = self.inner.attachments.existing().await?;
        let others = [&*self.inner.messages, &self.inner.dead_letters, self.inner.ledger.table()];
        Ok(others.into_iter().chain(attachments).collect())
    }

    pub(crate) fn message_table(&self) -> &Table {
        &self.inner.messages
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.inner.disk
    }

    /// Makes the archive this app's, for ever, if it is nobody's yet.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignApp`] when it is another app's.
    pub async fn claim(&self, app: &App) -> Result<(), Error> {
        let stored = match self.app() {
            Some(stored) => stored,
            None => self.store_app(app).await?,
        };
        if stored == *app { Ok(()) } else { Err(Error::ForeignApp { archive: stored, asked: app.clone() }) }
    }

    async fn store_app(&self, app: &App) -> Result<App, Error> {
        let (disk, asked) = (self.inner.disk.clone(), app.clone());
        let work = tokio::task::spawn_blocking(move || identity::claim(&disk, &asked));
        let stored = work.await.map_err(|error| Error::file("claim", self.root())(error.into())).flatten()?;
        *self.inner.app.lock().unwrap_or_else(PoisonError::into_inner) = Some(stored.clone());
        Ok(stored)
    }

    /// The app that the archive belongs to; `None` before the first [`Archive::claim`].
    #[must_use]
    pub fn app(&self) -> Option<App> {
        self.inner.app.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A place for the bytes of a part while they arrive.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn stage_raw(&self, hour: Hour, part: Part) -> Result<RawStage, Error> {
        RawStage::new(&self.inner.disk, hour, part)
    }

    /// Keeps all parts of an hour, numbered from 0, in place of those it had. After a crash within, the hour has either
    /// the parts it had or these, whole. Others who keep served bytes just then are waited for.
    ///
    /// # Errors
    ///
    /// When a part is missing, or the folder cannot be written.
    pub fn keep_raw(&self, hour: Hour, parts: Vec<SealedRaw>) -> Result<(), Error> {
        raw::keep(&self.inner.disk, hour, parts)
    }

    /// What is kept of the served bytes of an hour: nothing, all parts, or not what the list of parts says.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn raw_hour(&self, hour: Hour) -> Result<RawHour, Error> {
        raw::hour(&self.inner.disk, hour)
    }

    /// The parts of an hour as they were served; `None` unless all are there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn raw_parts(&self, hour: Hour) -> Result<Option<Vec<RawPart>>, Error> {
        Ok(match self.raw_hour(hour)? {
            RawHour::Whole(parts) => Some(parts),
            RawHour::Absent | RawHour::Broken { .. } => None,
        })
    }

    /// The hours whose served bytes are all there, in order.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read.
    pub fn raw_hours(&self) -> Result<Vec<Hour>, Error> {
        raw::hours(&self.inner.disk)
    }

    /// A place for a data file while it is written.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn stage_file(&self) -> Result<StagedFile, Error> {
        StagedFile::new(&self.inner.disk).map_err(Error::file("write into", self.root()))
    }

    /// A temporary file without a name, gone when it is closed.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn spill_file(&self) -> io::Result<File> {
        self.inner.disk.unnamed()
    }

    /// Publishes an hour: dead letters, messages, ledger, in that order.
    ///
    /// # Errors
    ///
    /// [`Error::NotDone`] for an entry of another state. After any other error the hour may be published or not: publish
    /// again, with the same mode.
    pub async fn publish(&self, hour: Publication, mode: Mode) -> Result<Published, Error> {
        let work = self.inner.running.begin()?;
        let published = self.publisher().publish(hour, mode).await?;
        work.done();
        Ok(published)
    }

    /// Makes the dead letters of an hour those of its publication `entry`, as a run would have done that was killed within
    /// [`Mode::Reread`]. Nothing happens if another publication stands by now.
    ///
    /// # Errors
    ///
    /// When a table cannot be read or written.
    pub async fn settle_letters(&self, entry: &Entry, dead_letters: Option<(StagedFile, u64)>) -> Result<(), Error> {
        let work = self.inner.running.begin()?;
        self.publisher().settle_letters(entry, dead_letters).await?;
        work.done();
        Ok(())
    }

    fn publisher(&self) -> Publisher<'_> {
        let inner = &*self.inner;
        Publisher {
            disk: &inner.disk,
            dead_letters: &inner.dead_letters,
            messages: &inner.messages,
            ledger: &inner.ledger,
            running: &inner.running,
            now: (inner.clock)(),
        }
    }

    /// Adds rows to the ledger, for hours without data, and for hours that are as they were. An entry that is not newer
    /// than what is known of its hour is dated right after it.
    ///
    /// An hour that another run has published meanwhile stays `done`: a row of another state, or of files that have been
    /// replaced, is dropped. For each entry the answer is what stands now: the entry as dated, or the row that stays.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn record(&self, entries: &[Entry]) -> Result<Vec<Entry>, Error> {
        let work = self.inner.running.begin()?;
        let standing = self.inner.ledger.record(entries).await?;
        work.done();
        Ok(standing)
    }

    /// The days of which several files can be put together, or which have a file of an older format or one that lacks a
    /// promoted column, each by its first hour, with how many files these are, in the table that has the most.
    ///
    /// # Errors
    ///
    /// When the log of a table cannot be read.
    pub async fn crowded(&self, compaction: Compaction) -> Result<BTreeMap<Hour, u64>, Error> {
        let mut days = BTreeMap::new();
        for table in [&*self.inner.messages, &self.inner.dead_letters] {
            crowded(table, compaction.file_bytes, &mut days).await?;
        }
        Ok(days)
    }

    /// Puts the small files of the day that an hour lies in together, in `messages` and in `dead_letters`, one commit
    /// each. Every hour stays published as it is; hours that others publish meanwhile are as they publish them. Stopped
    /// within, it has changed nothing, or one of the tables; done again, it goes on.
    ///
    /// # Errors
    ///
    /// [`Error::Miscounted`] when rows are missing, and nothing was changed; else when a file cannot be read or written.
    pub async fn compact(&self, day: Hour, compaction: Compaction) -> Result<Compacted, Error> {
        let inner = &*self.inner;
        let work = inner.running.begin()?;
        let compactor = Compactor { disk: &inner.disk, running: &inner.running, compaction, now: (inner.clock)() };
        let mut compacted = compactor.compact(&inner.dead_letters, day).await?;
        compacted.add(&compactor.compact(&inner.messages, day).await?);
        work.done();
        Ok(compacted)
    }

    /// Takes the turn to fetch, if nobody has it. Archives can be read and written without; it keeps two runs from asking
    /// for the same hours.
    ///
    /// # Errors
    ///
    /// When the file of the lock cannot be made.
    pub fn try_turn(&self) -> Result<Turned, Error> {
        turn::take(&self.inner.disk, (self.inner.clock)())
    }

    /// Every row of the ledger, in the order in which they were recorded: the history of the archive.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn attempts(&self) -> Result<Vec<Entry>, Error> {
        self.inner.ledger.all().await
    }

    /// What is known of each hour: its newest row in the ledger.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn entries(&self) -> Result<BTreeMap<Hour, Entry>, Error> {
        self.inner.ledger.newest().await
    }

    /// What is known of one hour: its newest row in the ledger.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn entry(&self, hour: Hour) -> Result<Option<Entry>, Error> {
        self.inner.ledger.newest_of(hour).await
    }

    /// The live files of `messages`, as of now.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        let live = self.inner.messages.live().await?;
        Ok(Snapshot::new(Arc::clone(&self.inner.messages), live))
    }

    /// Whether the tables still hold what an entry says that it published: its files are live, and on the disk.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub async fn holds(&self, entry: &Entry) -> Result<bool, Error> {
        let live = self.inner.messages.live().await?;
        let is_there = |path: &str| self.root().join(self.inner.messages.name()).join(path).is_file();
        let holds = |publication: &String| {
            let mut holders = live.holders(entry.hour).iter();
            holders.any(|file| file.publications(entry.hour).any(|name| name == publication) && is_there(file.path()))
        };
        Ok(entry.files.iter().all(holds))
    }

    /// The lines that were set aside, of one hour or of all.
    ///
    /// # Errors
    ///
    /// When the table cannot be read.
    pub async fn dead_letters(&self, hour: Option<Hour>) -> Result<Vec<DeadLetter<'static>>, Error> {
        match self.read_dead_letters(hour).await {
            // Another writer replaced an hour meanwhile.
            Err(error) if is_gone(&error) => self.read_dead_letters(hour).await,
            other => other,
        }
    }

    /// The hours that have lines set aside, in order.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub async fn hours_with_dead_letters(&self) -> Result<Vec<Hour>, Error> {
        Ok(self.inner.dead_letters.live().await?.hours().collect())
    }

    /// A reader of the lines of an hour that were set aside; it holds a batch of them at a time.
    #[must_use]
    pub fn letter_reader(&self, hour: Hour) -> LetterReader {
        LetterReader::new(self.clone(), hour)
    }

    pub(crate) fn attachment_table(&self) -> &Attachments {
        &self.inner.attachments
    }

    pub(crate) fn running(&self) -> &Running {
        &self.inner.running
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    pub(crate) fn dead_letter_table(&self) -> &Table {
        &self.inner.dead_letters
    }

    async fn read_dead_letters(&self, hour: Option<Hour>) -> Result<Vec<DeadLetter<'static>>, Error> {
        let table = &self.inner.dead_letters;
        let live = table.live().await?;
        let files: Vec<_> = hour.map_or_else(|| live.files().collect(), |hour| live.holders(hour).iter().collect());
        let mut letters: Vec<DeadLetter<'static>> = Vec::new();
        for file in files {
            let reader = table.reader(file.path(), file.size());
            let failed = |error| Error::rows(table.name(), file.path())(error);
            let mut batches = archive::read_dead_letters(reader).await.map_err(failed)?;
            while let Some(batch) = batches.try_next().await.map_err(failed)? {
                letters.extend(batch);
            }
        }
        letters.retain(|letter| hour.is_none_or(|hour| letter.position.source_hour == hour));
        letters.sort_by_key(|letter| letter.position);
        Ok(letters)
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("root", &self.root()).finish_non_exhaustive()
    }
}

/// The folder, created if that is wanted.
fn folder_of(root: &Path, access: Access) -> Result<Disk, Error> {
    if access == Access::Create {
        create_folder(root).map_err(Error::file("create", root))?;
    } else if !root.is_dir() {
        return Err(Error::NoArchive { path: root.to_owned() });
    }
    Disk::new(root).map_err(Error::file("open", root))
}

/// Makes the folder an archive, if it is none and that is wanted. From the lock on, no repair can take what is written
/// here for what a dead run left.
fn prepare(disk: &Disk, access: Access, now: Timestamp) -> Result<Lock, Error> {
    let is_archive = identity::is_archive(disk)?;
    if !is_archive {
        refuse(disk, access)?;
    }
    let lock = Lock::take(disk)?;
    if !is_archive {
        identity::create_archive(disk, now)?;
        keep_private(disk.root()).map_err(Error::file("set the permissions of", disk.root()))?;
    }
    Ok(lock)
}

/// Refuses to make an archive of a folder that holds something else.
fn refuse(disk: &Disk, access: Access) -> Result<(), Error> {
    let path = disk.root().to_owned();
    if access == Access::Existing {
        return Err(Error::NoArchive { path });
    }
    let found = identity::foreign(disk).map_err(Error::file("list", disk.root()))?;
    match found {
        // Another process may have made it an archive since it was found to be none.
        Some(found) if !identity::is_archive(disk)? => Err(Error::NotEmpty { path, found }),
        _ => Ok(()),
    }
}

/// An archive is for its owner alone, even in a folder that was there before, with nothing in it.
#[cfg(unix)]
fn keep_private(folder: &Path) -> io::Result<()> {
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

#[cfg(not(unix))]
fn keep_private(_folder: &Path) -> io::Result<()> {
    Ok(())
}
