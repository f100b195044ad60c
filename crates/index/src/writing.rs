//! The writing side of an index: the engine's writer with the lock that keeps other processes out.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tantivy::index::SegmentMeta;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{Index, IndexWriter, SegmentReader, Term};

use crate::directory::Reading;
use crate::fields::Fields;
use crate::markers::Marker;
use crate::{Error, Settings, folder};

/// The least memory that the engine lets a builder have; below it its baseline alone would fill the memory.
pub(crate) const SMALLEST_HEAP: usize = 15_000_000;

/// The part of a segment that may be deleted documents (of hours that were taken in anew) before it is rewritten.
const DELETED_SHARE: f32 = 0.3;

/// The engine's list of all files that it has made, from which it tells what may be deleted.
const LIST_OF_FILES: &str = ".managed.json";

/// Holds the lock as long as it lives.
pub(crate) struct Writing {
    /// Shared with the hours on their way: it knows their files, and so does not take them for garbage.
    index: Arc<Index>,
    engine: IndexWriter,
    settings: Settings,
    spent: bool,
}

impl Writing {
    /// Takes the lock, and deletes what killed processes left behind.
    pub(crate) fn begin(folder: &Path, settings: Settings) -> Result<Self, Error> {
        let writing = Self::locked(folder, settings)?;
        writing.set_merge_policy();
        writing.collect_garbage().map_err(|error| Error::of_engine(folder, error))?;
        folder::sweep(folder)?;
        Ok(writing)
    }

    /// The engine reads its list of files when the index is opened, which has to be before the lock is taken. Where
    /// another process has written in between, the list is old, and writing it would forget that process's files.
    fn locked(folder: &Path, settings: Settings) -> Result<Self, Error> {
        loop {
            let before = fs::read(folder.join(LIST_OF_FILES)).ok();
            let index = folder::open_index(folder, Reading::Merge)?;
            let engine = engine(&index, settings).map_err(|error| Error::of_engine(folder, error))?;
            if fs::read(folder.join(LIST_OF_FILES)).ok() == before {
                return Ok(Self { index: Arc::new(index), engine, settings, spent: false });
            }
        }
    }

    /// The index to build segments of.
    pub(crate) fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index)
    }

    /// Whether hours are on their way.
    pub(crate) fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.index) > 1
    }

    /// Deletes the documents of old hours and adds new segments, in one commit. After an error nothing of it is pending.
    pub(crate) fn commit(&mut self, fields: &Fields, old: &[&Marker], added: &[SegmentMeta]) -> tantivy::Result<()> {
        self.change(fields, old, added).inspect_err(|_| self.roll_back())
    }

    /// Whether even going back failed: it has to be dropped, and what was on its way is lost.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent
    }

    pub(crate) fn collect_garbage(&self) -> tantivy::Result<()> {
        self.engine.garbage_collect_files().wait().map(|_| ())
    }

    /// Puts all segments together into one; returns how many there were.
    pub(crate) fn merge(&mut self) -> tantivy::Result<usize> {
        let segments = self.index.searchable_segment_ids()?;
        if segments.len() > 1 {
            self.engine.merge(&segments).wait()?;
            self.collect_garbage()?;
        }
        Ok(segments.len())
    }

    /// Waits for merges and gives the lock back.
    pub(crate) fn end(self) -> tantivy::Result<()> {
        self.engine.wait_merging_threads()
    }

    fn change(&mut self, fields: &Fields, old: &[&Marker], added: &[SegmentMeta]) -> tantivy::Result<()> {
        // What cannot be read must not be published. Here it would be, had another process been given the lock meanwhile.
        for segment in added {
            SegmentReader::open(&self.index.segment(segment.clone()))?;
        }
        for marker in old {
            self.engine.delete_term(Term::from_field_u64(fields.build, marker.build));
        }
        for segment in added {
            self.engine.add_segment(segment.clone())?;
        }
        self.engine.commit()?;
        Ok(())
    }

    /// What is half done must not become visible with the next hour.
    fn roll_back(&mut self) {
        self.spent = self.engine.rollback().is_err();
        self.set_merge_policy();
    }

    fn set_merge_policy(&self) {
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(self.settings.merge_at.max(2));
        policy.set_del_docs_ratio_before_merge(DELETED_SHARE);
        self.engine.set_merge_policy(Box::new(policy));
    }
}

fn engine(index: &Index, settings: Settings) -> tantivy::Result<IndexWriter> {
    // The engine's own thread builds nothing here, so it gets the least.
    let options = IndexWriterOptions::builder()
        .num_worker_threads(1)
        .memory_budget_per_thread(SMALLEST_HEAP)
        .num_merge_threads(settings.merge_threads.max(1))
        .build();
    index.writer_with_options(options)
}
