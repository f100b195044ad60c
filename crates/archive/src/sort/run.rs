//! Sorted runs: in memory, and in a temporary file.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _};

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::chunk::{Chunk, Lead, SortKey, gather};
use crate::columns::message_schema;
use crate::error::Error;

/// The sorted rows of some chunks.
pub(crate) struct MemoryRun {
    chunks: Vec<Chunk>,
    order: Vec<Place>,
    /// `next <= order.len()`
    next: usize,
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
    /// Rows of a batch that is handed out.
    const BATCH_ROWS: usize = 1_024;
    /// Bytes of texts of a batch that is handed out, but for its last row. A merge holds a batch of every run.
    const BATCH_BYTES: usize = 1 << 20;

    pub(crate) fn new(chunks: Vec<Chunk>) -> Self {
        let mut order: Vec<_> = (0u32..).zip(&chunks).flat_map(|(index, chunk)| places(index, chunk)).collect();
        order.sort_by(|one, other| {
            one.lead.cmp(&other.lead).then_with(|| key(&chunks, *one).cmp(&key(&chunks, *other)))
        });
        Self { chunks, order, next: 0 }
    }

    fn batch(&self, places: &[Place]) -> Result<RecordBatch, Error> {
        let places: Vec<_> = places.iter().map(|place| (place.chunk as usize, place.row as usize)).collect();
        gather(&self.chunks, &places)
    }

    /// How many rows from `next` on make a batch.
    fn batch_rows(&self) -> usize {
        let mut bytes = 0;
        let fitting = self.order[self.next..].iter().take(Self::BATCH_ROWS).take_while(|place| {
            let fits = bytes < Self::BATCH_BYTES;
            bytes += self.chunks[place.chunk as usize].size(place.row as usize);
            fits
        });
        fitting.count()
    }
}

impl Iterator for MemoryRun {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.batch_rows();
        if rows == 0 {
            return None;
        }
        let places = &self.order[self.next..self.next + rows];
        let batch = self.batch(places);
        self.next += rows;
        Some(batch)
    }
}

/// A run in a temporary file.
pub(crate) struct Spill {
    writer: StreamWriter<BufWriter<File>>,
}

impl Spill {
    pub(crate) fn new(file: File) -> Result<Self, Error> {
        Ok(Self { writer: StreamWriter::try_new(BufWriter::new(file), &message_schema())? })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        Ok(self.writer.write(batch)?)
    }

    /// What was written, from the start.
    pub(crate) fn read(self) -> Result<impl Iterator<Item = Result<RecordBatch, Error>> + Send + use<>, Error> {
        let mut file = self.writer.into_inner()?.into_inner().map_err(|error| Error::Spill(error.into_error()))?;
        file.rewind().map_err(Error::Spill)?;
        let reader = StreamReader::try_new(BufReader::new(file), None)?;
        Ok(reader.map(|batch| batch.map_err(Error::from)))
    }
}

fn places(index: u32, chunk: &Chunk) -> impl Iterator<Item = Place> {
    (0u32..).zip(0..chunk.rows()).map(move |(row, at)| Place { lead: chunk.lead(at), chunk: index, row })
}

fn key(chunks: &[Chunk], place: Place) -> SortKey<'_> {
    chunks[place.chunk as usize].key(place.row as usize)
}
