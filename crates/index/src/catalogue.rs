//! The index of an archive.
//!
//! Of all that writes there is one at a time: the engine's lock keeps other processes out, a mutex the other threads of
//! this one. The lock is taken when the first hour is taken in, and given back by [`Catalogue::close`] or when the last
//! clone and the last writer are gone.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::Hour;
use tantivy::directory::MmapDirectory;
use tantivy::index::{Segment, SegmentMeta};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError, Term};

use crate::fields::{Fields, tokenizers};
use crate::folder;
use crate::format::{self, Held};
use crate::markers::{self, Marker};
use crate::{Error, Settings, Writer};

/// The smallest heap that the engine accepts; below it its baseline alone would fill the memory.
const SMALLEST_HEAP: usize = 15_000_000;

/// The largest heap: the engine addresses a builder's memory by 32 bits, and the last document may exceed the heap.
const LARGEST_HEAP: usize = 2 << 30;

/// Segments of about the same size that are merged into one: years of hours become some dozens of segments.
const SEGMENTS_A_MERGE: usize = 8;

/// The part of a segment that may be deleted documents (of hours that were taken in anew) before it is rewritten.
const DELETED_SHARE: f32 = 0.3;

/// The index in one folder. Clones share it.
#[derive(Clone)]
pub struct Catalogue {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    settings: Settings,
    fields: Fields,
    index: Index,
    reader: IndexReader,
    /// Holds the lock while it is there.
    writer: Mutex<Option<IndexWriter>>,
}

impl Catalogue {
    /// Opens the index in a folder, or creates it there, for its owner alone. Takes no lock yet.
    ///
    /// # Errors
    ///
    /// [`Error::OtherFormat`] and [`Error::Damaged`]: delete the folder and follow the tables again. [`Error::Io`] when
    /// the folder cannot be used.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, Error> {
        folder::create(folder)?;
        if let Held::Nothing = format::check(folder)? {
            format::write(folder)?;
        }
        Self::open_checked(folder, settings)
    }

    /// Opens the index in a folder if there is one. Other processes may be writing to it.
    ///
    /// # Errors
    ///
    /// As [`Catalogue::open`].
    pub fn open_existing(folder: &Path) -> Result<Option<Self>, Error> {
        match format::check(folder)? {
            // The format is there before the engine's first file: another process may be just between the two.
            Held::Index if folder.join("meta.json").exists() => {
                Self::open_checked(folder, Settings::default()).map(Some)
            }
            Held::Index | Held::Nothing => Ok(None),
        }
    }

    fn open_checked(folder: &Path, settings: Settings) -> Result<Self, Error> {
        let wrap = |error| Error::of_engine(folder, error);
        let (fields, schema) = Fields::with_schema();
        let directory = MmapDirectory::open(folder).map_err(|error| wrap(error.into()))?;
        let mut index = Index::open_or_create(directory, schema).map_err(|error| match error {
            TantivyError::SchemaError(what) => Error::Damaged { folder: folder.to_owned(), what },
            other => wrap(other),
        })?;
        index.set_tokenizers(tokenizers());
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(wrap)?;
        let writer = Mutex::new(None);
        Ok(Self { inner: Arc::new(Inner { folder: folder.to_owned(), settings, fields, index, reader, writer }) })
    }

    /// The hours that are held, each with the version it was taken in under.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn hours(&self) -> Result<BTreeMap<Hour, String>, Error> {
        let markers = self.markers()?;
        Ok(markers.into_iter().map(|marker| (marker.hour, marker.version)).collect())
    }

    /// Begins to take an hour in. Several can be on their way at once, in different threads; each uses up to
    /// [`Settings::heap`]. `version` is the caller's: it comes back from [`Catalogue::hours`].
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process is taking hours in.
    pub fn take_in(&self, hour: Hour, version: &str) -> Result<Writer, Error> {
        self.engine_writer(&mut self.lock())?;
        Ok(Writer::new(self.clone(), hour, version))
    }

    /// Forgets hours, in one commit. Hours that are not held are no error.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process is taking hours in.
    pub fn drop_hours(&self, hours: &[Hour]) -> Result<(), Error> {
        self.commit(hours, &[])
    }

    /// The number of messages held.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn documents(&self) -> Result<u64, Error> {
        let searcher = self.searcher();
        let markers = markers::read(&searcher, &self.inner.fields).map_err(|error| self.error(error))?;
        Ok(searcher.num_docs() - markers.len() as u64)
    }

    /// The number of messages held of one hour.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn documents_of(&self, hour: Hour) -> Result<u64, Error> {
        let builds = self.markers()?.into_iter().filter(|marker| marker.hour == hour).map(|marker| marker.build);
        let searcher = self.searcher();
        let count = |build| markers::documents_of(&searcher, &self.inner.fields, build);
        builds.map(count).sum::<tantivy::Result<u64>>().map_err(|error| self.error(error))
    }

    /// Reads every file through and compares it with its check sum: the proof that the disk still holds what was written.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] names the files that are not what they were.
    pub fn verify(&self) -> Result<(), Error> {
        let damaged = self.inner.index.validate_checksum().map_err(|error| self.error(error))?;
        let mut names: Vec<_> = damaged.into_iter().map(|path| path.display().to_string()).collect();
        names.sort();
        if names.is_empty() {
            return Ok(());
        }
        let what = format!("not what was written: {}", names.join(", "));
        Err(Error::Damaged { folder: self.inner.folder.clone(), what })
    }

    /// Makes visible what other processes have taken in since the catalogue was opened. What this one took in is visible
    /// at once.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn refresh(&self) -> Result<(), Error> {
        self.inner.reader.reload().map_err(|error| self.error(error))
    }

    /// Waits for merges in the background and lets other processes write. Worth calling at the end of a run: merges that
    /// are cut off are begun anew next time. Nothing is lost without it.
    ///
    /// # Errors
    ///
    /// When a merge failed; the index is whole all the same.
    pub fn close(self) -> Result<(), Error> {
        let writer = self.lock().take();
        writer.map_or(Ok(()), |writer| writer.wait_merging_threads()).map_err(|error| self.error(error))
    }

    /// Makes the segments of an hour visible in place of what is held of it.
    pub(crate) fn publish(&self, hour: Hour, segments: &[SegmentMeta]) -> Result<(), Error> {
        self.commit(&[hour], segments)
    }

    fn commit(&self, replaced: &[Hour], added: &[SegmentMeta]) -> Result<(), Error> {
        let mut guard = self.lock();
        let writer = self.engine_writer(&mut guard)?;
        let markers = self.markers()?;
        let old = markers.iter().filter(|marker| replaced.contains(&marker.hour));
        if let Err(error) = change(writer, &self.inner.fields, old, added) {
            // What is half done must not become visible with the next hour, which begins with what is on disk.
            *guard = None;
            return Err(self.error(error));
        }
        folder::sync(&self.inner.folder)?;
        self.refresh()
    }

    /// Deletes the files of segments that nobody will make visible.
    pub(crate) fn collect_garbage(&self) {
        if let Some(writer) = self.lock().as_ref()
            && let Err(error) = writer.garbage_collect_files().wait()
        {
            tracing::warn!(%error, "files of an unfinished hour stay until the next commit");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<IndexWriter>> {
        self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine's writer, which holds the lock; it is made when it is first asked for.
    fn engine_writer<'g>(&self, slot: &'g mut Option<IndexWriter>) -> Result<&'g mut IndexWriter, Error> {
        match slot {
            Some(writer) => Ok(writer),
            none => {
                let writer = open_writer(&self.inner).map_err(|error| self.error(error))?;
                folder::sweep(&self.inner.folder)?;
                // Another process may have written until the lock was ours.
                self.refresh()?;
                Ok(none.insert(writer))
            }
        }
    }

    fn markers(&self) -> Result<Vec<Marker>, Error> {
        markers::read(&self.searcher(), &self.inner.fields).map_err(|error| self.error(error))
    }

    pub(crate) fn searcher(&self) -> Searcher {
        self.inner.reader.searcher()
    }

    pub(crate) fn new_segment(&self) -> Segment {
        self.inner.index.new_segment()
    }

    pub(crate) fn fields(&self) -> Fields {
        self.inner.fields
    }

    pub(crate) fn heap(&self) -> usize {
        self.inner.settings.heap.clamp(SMALLEST_HEAP, LARGEST_HEAP)
    }

    pub(crate) fn error(&self, error: TantivyError) -> Error {
        Error::of_engine(&self.inner.folder, error)
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

/// Everything between two commits: the old documents go, the new segments come.
fn change<'m>(
    writer: &mut IndexWriter,
    fields: &Fields,
    old: impl Iterator<Item = &'m Marker>,
    added: &[SegmentMeta],
) -> tantivy::Result<()> {
    for marker in old {
        writer.delete_term(Term::from_field_u64(fields.build, marker.build));
    }
    for segment in added {
        writer.add_segment(segment.clone())?;
    }
    writer.commit()?;
    Ok(())
}

fn open_writer(inner: &Inner) -> tantivy::Result<IndexWriter> {
    // The engine's own thread builds nothing here, so it gets the least.
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .memory_budget_per_thread(SMALLEST_HEAP)
        .num_merge_threads(inner.settings.merge_threads.max(1))
        .build();
    let writer: IndexWriter = inner.index.writer_with_options(options)?;
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(SEGMENTS_A_MERGE);
    policy.set_del_docs_ratio_before_merge(DELETED_SHARE);
    writer.set_merge_policy(Box::new(policy));
    // What builds that were killed left behind.
    writer.garbage_collect_files().wait()?;
    Ok(writer)
}
