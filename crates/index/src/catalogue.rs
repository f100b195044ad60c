//! The index of an archive.
//!
//! Of all that writes there is one at a time: the engine's lock keeps other processes out, a mutex the other threads of
//! this one. The lock is taken when the first hour is taken in, and given back by [`Catalogue::close`] or when the last
//! clone and the last writer are gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::Hour;
use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::{Index, IndexReader, ReloadPolicy, Searcher, TantivyError};

use crate::directory::Reading;
use crate::fields::Fields;
use crate::folder;
use crate::guard::guarded;
use crate::keys::Keys;
use crate::markers::{self, Marker};
use crate::repeats::Repeats;
use crate::room::Room;
use crate::writing::{SMALLEST_HEAP, Writing};
use crate::{Error, Settings, Writer};

/// The largest heap: the engine addresses a builder's memory by 32 bits, and the last document may exceed the heap.
const LARGEST_HEAP: usize = 2 << 30;

/// The index in one folder. Clones share it.
#[derive(Clone)]
pub struct Catalogue {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    settings: Settings,
    fields: Fields,
    reader: IndexReader,
    /// Holds the lock while it is there.
    writing: Mutex<Option<Writing>>,
    /// What is known of the state of the index that was last searched.
    known: Mutex<Option<Known>>,
    /// The markers of the state that was last asked for them, which has this number.
    markers: Mutex<Option<(u64, Vec<Marker>)>>,
}

/// What searches of one state of the index need again and again.
#[derive(Clone)]
struct Known {
    /// The engine's number of the state.
    generation: u64,
    keys: Arc<Vec<Arc<Keys>>>,
    /// Which rows may be copies, when somebody has asked.
    repeats: Option<Arc<Repeats>>,
    /// For rows that are remembered until then.
    room: Arc<Room>,
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
        if !folder::has_index(folder)? {
            folder::create_index(folder)?;
        }
        Self::open_checked(folder, settings)
    }

    /// Opens the index in a folder if there is one. Other processes may be writing to it.
    ///
    /// # Errors
    ///
    /// As [`Catalogue::open`].
    pub fn open_existing(folder: &Path) -> Result<Option<Self>, Error> {
        folder::has_index(folder)?.then(|| Self::open_checked(folder, Settings::default())).transpose()
    }

    fn open_checked(folder: &Path, settings: Settings) -> Result<Self, Error> {
        guarded(folder, || Self::open_unguarded(folder, settings))
    }

    fn open_unguarded(folder: &Path, settings: Settings) -> Result<Self, Error> {
        let index = folder::open_index(folder, Reading::Search)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into();
        let reader = reader.map_err(|error| Error::of_engine(folder, error))?;
        let (fields, _) = Fields::with_schema();
        let inner = Inner {
            folder: folder.to_owned(),
            settings,
            fields,
            reader,
            writing: Mutex::default(),
            known: Mutex::default(),
            markers: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The hours that are held, each with the version it was taken in under.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn hours(&self) -> Result<BTreeMap<Hour, String>, Error> {
        let markers = self.guarded(|| self.markers())?;
        Ok(markers.into_iter().map(|marker| (marker.hour, marker.version)).collect())
    }

    /// Begins to take an hour in. Several can be on their way at once, in different threads; each uses up to
    /// [`Settings::heap`]. `version` is the caller's: it comes back from [`Catalogue::hours`].
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process is taking hours in.
    pub fn take_in(&self, hour: Hour, version: &str) -> Result<Writer, Error> {
        let index = self.guarded(|| Ok(self.writing(&mut self.lock())?.index()))?;
        Ok(Writer::new(self.clone(), index, hour, version))
    }

    /// Forgets hours, in one commit. Hours that are not held are no error.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process is taking hours in.
    pub fn drop_hours(&self, hours: &[Hour]) -> Result<(), Error> {
        self.guarded(|| self.commit(hours, &[]))
    }

    /// The number of messages held.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn documents(&self) -> Result<u64, Error> {
        let searcher = self.searcher();
        let markers = self.guarded(|| self.markers())?;
        Ok(searcher.num_docs() - markers.len() as u64)
    }

    /// The number of messages held of one hour.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn documents_of(&self, hour: Hour) -> Result<u64, Error> {
        let builds = self
            .guarded(|| self.markers())?
            .into_iter()
            .filter(|marker| marker.hour == hour)
            .map(|marker| marker.build);
        let searcher = self.searcher();
        let count = |build| markers::documents_of(&searcher, &self.inner.fields, build);
        self.guarded(|| builds.map(count).sum::<tantivy::Result<u64>>().map_err(|error| self.error(error)))
    }

    /// Reads every file through and compares it with its check sum: the proof that the disk still holds what was written.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] names the files that are not what they were.
    pub fn verify(&self) -> Result<(), Error> {
        loop {
            let index = folder::open_index(&self.inner.folder, Reading::Search)?;
            let before = self.generation(&index)?;
            let outcome = self.guarded(|| self.compare_check_sums(&index));
            // A process that writes meanwhile deletes files that it has merged: they are missed for no reason.
            if outcome.is_ok() || self.generation(&index)? == before {
                return outcome;
            }
        }
    }

    fn compare_check_sums(&self, index: &Index) -> Result<(), Error> {
        let damaged = index.validate_checksum().map_err(|error| self.error(error))?;
        let mut names: Vec<_> = damaged.into_iter().map(|path| path.display().to_string()).collect();
        names.sort();
        if names.is_empty() {
            return Ok(());
        }
        let what = format!("not what was written: {}", names.join(", "));
        Err(Error::Damaged { folder: self.inner.folder.clone(), what })
    }

    /// Changes with every commit and every merge, by whatever process.
    fn generation(&self, index: &Index) -> Result<(u64, Vec<SegmentId>), Error> {
        let metas = index.load_metas().map_err(|error| self.error(error))?;
        Ok((metas.opstamp, metas.segments.iter().map(SegmentMeta::id).collect()))
    }

    /// Makes visible what other processes have taken in since the catalogue was opened. What this one took in is visible
    /// at once.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn refresh(&self) -> Result<(), Error> {
        let refresh = || if self.is_fresh()? { Ok(()) } else { self.inner.reader.reload() };
        self.guarded(|| refresh().map_err(|error| self.error(error)))
    }

    /// Whether what is searched is what was committed last. To open it anew takes as long as a search.
    fn is_fresh(&self) -> tantivy::Result<bool> {
        let searcher = self.searcher();
        let searched = searcher.segment_readers().iter();
        let searched: BTreeSet<_> = searched.map(|segment| (segment.segment_id(), segment.delete_opstamp())).collect();
        let committed = searcher.index().searchable_segment_metas()?;
        let committed: BTreeSet<_> = committed.iter().map(|segment| (segment.id(), segment.delete_opstamp())).collect();
        Ok(searched == committed)
    }

    /// Opens what every search needs, which else the first one does.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn prepare(&self) -> Result<(), Error> {
        self.guarded(|| self.known(&self.searcher()).map(drop).map_err(|error| self.error(error)))
    }

    /// See [`guarded`].
    pub(crate) fn guarded<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        guarded(&self.inner.folder, work)
    }

    /// Waits for merges in the background and lets other processes write. Worth calling at the end of a run: merges that
    /// are cut off are begun anew next time. Nothing is lost without it. While a writer is on its way, nothing is done.
    ///
    /// # Errors
    ///
    /// When a merge failed; the index is whole all the same.
    pub fn close(self) -> Result<(), Error> {
        let writing = self.lock().take_if(|writing| !writing.is_awaited());
        writing.map_or(Ok(()), Writing::end).map_err(|error| self.error(error))
    }

    /// Makes the segments of an hour visible in place of what is held of it.
    pub(crate) fn publish(&self, hour: Hour, segments: &[SegmentMeta]) -> Result<(), Error> {
        self.guarded(|| self.commit(&[hour], segments))
    }

    fn commit(&self, replaced: &[Hour], added: &[SegmentMeta]) -> Result<(), Error> {
        let mut guard = self.lock();
        let writing = self.writing(&mut guard)?;
        let markers = self.markers()?;
        let old: Vec<_> = markers.iter().filter(|marker| replaced.contains(&marker.hour)).collect();
        if let Err(error) = writing.commit(&self.inner.fields, &old, added) {
            if writing.is_spent() {
                *guard = None;
            }
            return Err(self.error(error));
        }
        folder::sync(&self.inner.folder)?;
        self.refresh()
    }

    /// Deletes the files of segments that nobody will make visible.
    pub(crate) fn collect_garbage(&self) {
        if let Some(writing) = self.lock().as_ref()
            && let Err(error) = writing.collect_garbage()
        {
            tracing::warn!(%error, "files of an unfinished hour stay until the next commit");
        }
    }

    /// Works on the writing side.
    pub(crate) fn with_writing<T>(&self, work: impl FnOnce(&mut Writing) -> tantivy::Result<T>) -> Result<T, Error> {
        let mut guard = self.lock();
        work(self.writing(&mut guard)?).map_err(|error| self.error(error))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Writing>> {
        self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writing side, which is begun when it is first asked for.
    fn writing<'g>(&self, slot: &'g mut Option<Writing>) -> Result<&'g mut Writing, Error> {
        match slot {
            Some(writing) => Ok(writing),
            none => {
                let writing = Writing::begin(&self.inner.folder, self.inner.settings)?;
                // Another process may have written until the lock was ours.
                self.refresh()?;
                Ok(none.insert(writing))
            }
        }
    }

    fn markers(&self) -> Result<Vec<Marker>, Error> {
        let searcher = self.searcher();
        let generation = searcher.generation().generation_id();
        let mut last = self.inner.markers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, markers)) = last.as_ref().filter(|(known, _)| *known == generation) {
            return Ok(markers.clone());
        }
        let markers = markers::read(&searcher, &self.inner.fields).map_err(|error| self.error(error))?;
        *last = Some((generation, markers.clone()));
        Ok(markers)
    }

    pub(crate) fn searcher(&self) -> Searcher {
        self.inner.reader.searcher()
    }

    /// The keys of all rows, segment by segment.
    pub(crate) fn keys(&self, searcher: &Searcher) -> tantivy::Result<Arc<Vec<Arc<Keys>>>> {
        Ok(self.known(searcher)?.keys)
    }

    /// Which rows may be copies, if that was found out of this state, and room for rows that are remembered.
    pub(crate) fn known_repeats(&self, searcher: &Searcher) -> tantivy::Result<(Option<Arc<Repeats>>, Arc<Room>)> {
        let Known { repeats, room, .. } = self.known(searcher)?;
        let room = if repeats.is_some() { Arc::new(Room::of_a_search()) } else { room };
        Ok((repeats, room))
    }

    /// Which rows may be copies. It is found out once for each state of the index.
    pub(crate) fn repeats(&self, searcher: &Searcher) -> tantivy::Result<Arc<Repeats>> {
        let known = self.known(searcher)?;
        if let Some(repeats) = known.repeats {
            return Ok(repeats);
        }
        let repeats = Arc::new(Repeats::of(searcher, &known.keys));
        *self.lock_known() = Some(Known { repeats: Some(Arc::clone(&repeats)), ..known });
        Ok(repeats)
    }

    fn known(&self, searcher: &Searcher) -> tantivy::Result<Known> {
        let generation = searcher.generation().generation_id();
        let mut known = self.lock_known();
        if let Some(known) = known.as_ref().filter(|known| known.generation == generation) {
            return Ok(known.clone());
        }
        let keys = Arc::new(Keys::of_all(searcher)?);
        let room = Arc::new(Room::of_rows(searcher.num_docs()));
        Ok(known.insert(Known { generation, keys, repeats: None, room }).clone())
    }

    fn lock_known(&self) -> MutexGuard<'_, Option<Known>> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fresh_stays_open() {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open(folder.path(), Settings::default()).unwrap();
        let generation = || catalogue.searcher().generation().generation_id();
        let first = generation();
        catalogue.refresh().unwrap();
        assert_eq!(generation(), first);
    }
}
