//! Sorted runs: in memory, and in a temporary file.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _};

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::Run;
use super::chunk::{Chunk, Lead, SortKey, gather};
use crate::batch::held;
use crate::columns::message_schema;
use crate::error::Error;

/// The rows of some chunks, sorted, of which those of a span can be taken out.
#[derive(Default)]
pub(crate) struct MemoryRun {
    chunks: Vec<Chunk>,
    /// The rows that are there, in order.
    order: Vec<Place>,
    /// Bytes of the chunks.
    held: usize,
}

/// A row of a run.
#[derive(Clone, Copy)]
struct Place {
    /// Decides most comparisons without a look into the chunk.
    lead: Lead,
    chunk: u32,
    row: u32,
}

impl MemoryRun {
    /// Bytes of all chunks with a row that is there.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Adds rows in any order.
    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<(), Error> {
        self.held += batch.get_array_memory_size();
        let chunk = Chunk::new(batch)?;
        let index = u32::try_from(self.chunks.len()).expect("as many chunks do not fit into memory");
        self.order.extend(places(index, &chunk));
        self.chunks.push(chunk);
        let chunks = &self.chunks;
        // Stable: it finds the rows that were there as a run.
        self.order
            .sort_by(|one, other| one.lead.cmp(&other.lead).then_with(|| key(chunks, *one).cmp(&key(chunks, *other))));
        Ok(())
    }

    /// Takes the rows out that come after one key and not after another.
    pub(crate) fn take(&mut self, after: &SortKey<'_>, up_to: &SortKey<'_>) -> Places<'_> {
        let rows_to = |bound: &SortKey<'_>| self.order.partition_point(|place| key(&self.chunks, *place) <= *bound);
        let span = rows_to(after)..rows_to(up_to);
        let order = self.order.drain(span).collect();
        Places { chunks: &self.chunks, order, next: 0 }
    }

    /// Lets go of the chunks, unless rows of them are there; of few rows it keeps copies.
    pub(crate) fn tidy(&mut self) -> Result<(), Error> {
        let rows: usize = self.chunks.iter().map(Chunk::rows).sum();
        if self.order.len() < rows.div_ceil(2) {
            for batch in std::mem::take(self).into_run() {
                self.push(batch?)?;
            }
        }
        Ok(())
    }

    /// All rows that are there.
    pub(crate) fn into_run(self) -> Run<'static> {
        let Self { chunks, order, .. } = self;
        let mut next = 0;
        Box::new(std::iter::from_fn(move || batch(&chunks, &order, &mut next)))
    }
}

/// Rows that were taken out of a run.
pub(crate) struct Places<'a> {
    chunks: &'a [Chunk],
    order: Vec<Place>,
    /// `next <= order.len()`
    next: usize,
}

impl Places<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

impl Iterator for Places<'_> {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        batch(self.chunks, &self.order, &mut self.next)
    }
}

/// Rows of a batch that is handed out.
const BATCH_ROWS: usize = 1_024;
/// Bytes of texts of a batch that is handed out, but for its last row. A merge holds a batch of every run.
const BATCH_BYTES: usize = 1 << 20;

/// The rows at the next places, as many as make a batch.
fn batch(chunks: &[Chunk], order: &[Place], next: &mut usize) -> Option<Result<RecordBatch, Error>> {
    let mut bytes = 0;
    let fitting = order[*next..].iter().take(BATCH_ROWS).take_while(|place| {
        let fits = bytes < BATCH_BYTES;
        bytes += chunks[place.chunk as usize].size(place.row as usize);
        fits
    });
    let places: Vec<_> = fitting.map(|place| (place.chunk as usize, place.row as usize)).collect();
    *next += places.len();
    (!places.is_empty()).then(|| gather(chunks, &places))
}

/// A run in a temporary file.
pub(crate) struct Spill {
    writer: StreamWriter<BufWriter<File>>,
}

impl Spill {
    pub(crate) fn new(file: File) -> Result<Self, Error> {
        Ok(Self { writer: StreamWriter::try_new(BufWriter::new(file), &held(&message_schema()))? })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        Ok(self.writer.write(batch)?)
    }

    /// What was written, from the start.
    pub(crate) fn read(self) -> Result<Run<'static>, Error> {
        let mut file = self.writer.into_inner()?.into_inner().map_err(|error| Error::Spill(error.into_error()))?;
        file.rewind().map_err(Error::Spill)?;
        let reader = StreamReader::try_new(BufReader::new(file), None)?;
        Ok(Box::new(reader.map(|batch| batch.map_err(Error::from))))
    }
}

fn places(index: u32, chunk: &Chunk) -> impl Iterator<Item = Place> {
    (0u32..).zip(0..chunk.rows()).map(move |(row, at)| Place { lead: chunk.lead(at), chunk: index, row })
}

fn key(chunks: &[Chunk], place: Place) -> SortKey<'_> {
    chunks[place.chunk as usize].key(place.row as usize)
}
