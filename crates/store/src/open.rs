//! The archive as a whole.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use chat::{App, DeadLetter, Entry, Hour, Hours, Part, Timestamp};
use futures::TryStreamExt;

use crate::attachments::Attachments;
use crate::compact::{Compacted, Compaction, Compactor, crowded};
use crate::error::{Error, is_gone};
use crate::ledger::Ledger;
use crate::letter_reader::LetterReader;
use crate::lock::Lock;
use crate::publish::{Mode, Publication, Published, Publisher};
use crate::raw::{self, Others, RawHour, RawPart, RawStage, SealedRaw};
use crate::running::Running;
use crate::site::Site;
use crate::snapshot::Snapshot;
use crate::staged::StagedFile;
use crate::table::Table;
use crate::turn::{self, Turned};
use crate::undecoded;

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

/// An archive, in a folder or in a bucket. Cheap to clone; clones are one handle. Any number of handles, in any number of
/// processes, may use an archive at once.
#[derive(Clone)]
pub struct Archive {
    pub(crate) inner: Arc<Inner>,
}

/// What an open archive is made of.
pub(crate) struct Inner {
    pub(crate) site: Site,
    pub(crate) clock: Clock,
    pub(crate) app: Mutex<Option<App>>,
    pub(crate) dead_letters: Table,
    pub(crate) messages: Arc<Table>,
    pub(crate) ledger: Ledger,
    pub(crate) attachments: Attachments,
    // Dropped in this order: the mark is taken away before the lock is let go.
    pub(crate) running: Arc<Running>,
    /// `None` for an archive in a bucket, where nobody can be kept out.
    pub(crate) _lock: Option<Lock>,
}

impl Archive {
    /// The folder, or the address of the bucket: a name for people.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.inner.site.root()
    }

    /// Whether it lies in a bucket, where each look at a file takes a while and many at once take no longer.
    #[must_use]
    pub fn is_in_a_bucket(&self) -> bool {
        matches!(self.inner.site, Site::Remote(_))
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

    pub(crate) fn site(&self) -> &Site {
        &self.inner.site
    }

    /// A place for the bytes of a part while they arrive.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn stage_raw(&self, hour: Hour, part: Part) -> Result<RawStage, Error> {
        RawStage::new(&self.inner.site, hour, part)
    }

    /// Keeps all parts of an hour, numbered from 0, in place of those it had. After a crash within, the hour has either
    /// the parts it had or these, whole. Others who keep served bytes just then are waited for.
    ///
    /// # Errors
    ///
    /// When a part is missing, or the folder cannot be written.
    pub fn keep_raw(&self, hour: Hour, parts: Vec<SealedRaw>) -> Result<(), Error> {
        raw::keep(&self.inner.site, hour, parts, Others::Replace).map(|_| ())
    }

    /// The same for an hour of which nothing is kept yet: `false` when other bytes of it are, and stay. The same bytes are
    /// no others.
    ///
    /// # Errors
    ///
    /// As [`Archive::keep_raw`].
    pub fn keep_first_raw(&self, hour: Hour, parts: Vec<SealedRaw>) -> Result<bool, Error> {
        raw::keep(&self.inner.site, hour, parts, Others::Stay)
    }

    /// Keeps the parts of an hour that could not be decoded, for a person to look at; they are no part of the archive, and
    /// take the place of such parts of before. Gives the place of the first.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn keep_undecoded(&self, hour: Hour, parts: Vec<SealedRaw>) -> Result<PathBuf, Error> {
        undecoded::keep(&self.inner.site, hour, parts)
    }

    /// Removes the parts of an hour that could not be decoded, if there are any.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn forget_undecoded(&self, hour: Hour) -> Result<(), Error> {
        undecoded::forget(&self.inner.site, hour)
    }

    /// What is kept of the served bytes of an hour: nothing, all parts, or not what the list of parts says.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn raw_hour(&self, hour: Hour) -> Result<RawHour, Error> {
        raw::hour(&self.inner.site, hour)
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

    /// The hours of a range of whose served bytes there is a list of parts, with the SHA-256 of each, lower-case hex. Whether
    /// the parts are there, [`Archive::raw_hour`] tells. Takes a call for each day and each such hour, not for all hours.
    ///
    /// # Errors
    ///
    /// When a folder or a list cannot be read.
    pub fn raw_lists(&self, range: Hours) -> Result<BTreeMap<Hour, Vec<String>>, Error> {
        raw::lists(&self.inner.site, range)
    }

    /// The hours whose served bytes are all there, in order.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read.
    pub fn raw_hours(&self) -> Result<Vec<Hour>, Error> {
        raw::hours(&self.inner.site)
    }

    /// A place for a data file while it is written.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn stage_file(&self) -> Result<StagedFile, Error> {
        StagedFile::new(&self.inner.site)
    }

    /// A temporary file without a name, gone when it is closed.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn spill_file(&self) -> io::Result<File> {
        self.inner.site.unnamed()
    }

    /// Publishes an hour: dead letters, messages, ledger, in that order.
    ///
    /// # Errors
    ///
    /// [`Error::NotDone`] for an entry of another state; [`Error::Changed`] when other hours lie in the same file, and it is not
    /// what was written: nothing was changed then, unless the file became so just now. After any other error the hour may be published or not: publish
    /// again, with the same mode.
    pub async fn publish(&self, hour: Publication, mode: Mode) -> Result<Published, Error> {
        if mode != Mode::New {
            self.prove_rest(hour.entry.hour).await?;
        }
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
            site: &inner.site,
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
    /// [`Error::Changed`] when a file is not what was written, [`Error::Miscounted`] when rows are missing, and nothing was
    /// changed; else when a file cannot be read or written.
    pub async fn compact(&self, day: Hour, compaction: Compaction) -> Result<Compacted, Error> {
        let inner = &*self.inner;
        let work = inner.running.begin()?;
        let compactor = Compactor { site: &inner.site, running: &inner.running, compaction, now: (inner.clock)() };
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
        turn::take(&self.inner.site, (self.inner.clock)())
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

    /// Whether the tables still hold what an entry says that it published: its files are live, and on the disk if it is one.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub async fn holds(&self, entry: &Entry) -> Result<bool, Error> {
        let live = self.inner.messages.live().await?;
        let is_there = |path: &str| !self.inner.site.lacks(&self.inner.messages.location(path));
        let holds = |publication: &String| {
            let mut holders = live.holders(entry.hour).iter();
            holders.any(|file| file.publications(entry.hour).any(|name| name == publication) && is_there(file.path()))
        };
        Ok(entry.files.iter().all(holds))
    }

    /// Whether the messages are of just these hours, each in this [publication](Entry::publication), as the log of the messages
    /// tells. Then the ledger need not be read to know what is published.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub async fn holds_just(&self, publications: &BTreeMap<Hour, String>) -> Result<bool, Error> {
        Ok(self.inner.messages.live().await?.is_just(publications))
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
