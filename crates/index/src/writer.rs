//! One hour on its way in.
//!
//! The documents of an hour are built aside, on the caller's thread, into segments that nobody knows; the last one holds
//! the hour's marker. [`Sink::finish`] makes them all visible, and the hour's old documents invisible, in one commit.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use chat::{Hour, Message, Sink};
use tantivy::Index;
use tantivy::index::{Segment, SegmentMeta};
use tantivy::indexer::{AddOperation, SegmentWriter};

use crate::document::{Lent, Row};
use crate::{Catalogue, Error};

/// One hour on its way into the index, from [`Catalogue::take_in`].
///
/// Finishing it gives the number of documents. Dropped before, it leaves nothing behind. A message of another hour than
/// the writer's is filed under the writer's hour.
pub struct Writer {
    catalogue: Catalogue,
    index: Arc<Index>,
    hour: Hour,
    version: String,
    /// Distinguishes these documents from those that the hour had before.
    build: u64,
    row: Arc<Row>,
    open: Option<Builder>,
    /// Segments that are written out.
    cut: Vec<SegmentMeta>,
    documents: u64,
}

/// A segment that is being built.
struct Builder {
    segment: Segment,
    writer: SegmentWriter,
}

impl Writer {
    pub(crate) fn new(catalogue: Catalogue, index: Arc<Index>, hour: Hour, version: &str) -> Self {
        let row = Arc::new(Row::new(catalogue.fields()));
        let build = RandomState::new().build_hasher().finish();
        let version = version.to_owned();
        Self { catalogue, index, hour, version, build, row, open: None, cut: Vec::new(), documents: 0 }
    }

    /// Names the version anew, for a caller who learns it only when the hour is published.
    pub fn name_version(&mut self, version: &str) {
        version.clone_into(&mut self.version);
    }

    fn add(&mut self, message: &Message<'_>) -> Result<(), Error> {
        Arc::make_mut(&mut self.row).read(message, self.hour, self.build);
        self.add_row()?;
        self.documents += 1;
        let full = self.open.as_ref().is_some_and(|open| open.is_full(self.catalogue.heap()));
        if full { self.cut() } else { Ok(()) }
    }

    fn add_row(&mut self) -> Result<(), Error> {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Builder::new(&self.index, &self.catalogue)?),
        };
        let document = Lent(Arc::clone(&self.row));
        // The stamp is of no use to a segment that is added whole.
        open.writer.add_document(AddOperation { opstamp: 0, document }).map_err(|error| self.catalogue.error(error))
    }

    fn cut(&mut self) -> Result<(), Error> {
        if let Some(open) = self.open.take() {
            let meta = open.finish().map_err(|error| self.catalogue.error(error))?;
            self.cut.push(meta);
        }
        Ok(())
    }

    fn mark(&mut self) -> Result<(), Error> {
        Arc::make_mut(&mut self.row).mark(self.hour, self.build, &self.version);
        self.add_row()
    }
}

impl Sink for Writer {
    type Done = u64;
    type Error = Error;

    fn write(&mut self, batch: &[Message<'_>]) -> Result<(), Error> {
        batch.iter().try_for_each(|message| self.add(message))
    }

    fn finish(mut self) -> Result<u64, Error> {
        self.mark()?;
        self.cut()?;
        self.catalogue.publish(self.hour, &self.cut)?;
        self.cut.clear();
        Ok(self.documents)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.open.take().is_some() || !self.cut.is_empty() {
            self.cut.clear();
            self.catalogue.collect_garbage();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("hour", &self.hour).field("documents", &self.documents).finish_non_exhaustive()
    }
}

impl Builder {
    fn new(index: &Index, catalogue: &Catalogue) -> Result<Self, Error> {
        let segment = index.new_segment();
        let writer =
            SegmentWriter::for_segment(catalogue.heap(), segment.clone()).map_err(|error| catalogue.error(error))?;
        Ok(Self { segment, writer })
    }

    fn is_full(&self, heap: usize) -> bool {
        self.writer.mem_usage() >= heap
    }

    /// Writes the segment out. Its files live as long as what comes back.
    fn finish(self) -> tantivy::Result<SegmentMeta> {
        let documents = self.writer.max_doc();
        self.writer.finalize()?;
        let meta = self.segment.with_max_doc(documents).meta().clone();
        meta.untrack_temp_docstore();
        Ok(meta)
    }
}
