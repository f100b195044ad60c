//! Sorting the messages of one file in bounded memory.
//!
//! An hour is served nearly in order. Rows that come after all before them are one run already: their chunks are never
//! sorted, nor copied when they are written. All other rows gather apart; when they exceed the memory allowed, they are
//! sorted and spilled as one run to a temporary file. In the end the runs are merged. The order is that of [`SortKey`],
//! which no two rows of a file share, so that the same messages give the same rows in the same order, whatever the memory
//! and the order they came in.

mod chunk;
mod merge;
mod order;
mod run;

use std::collections::VecDeque;
use std::fs::File;
use std::io;

use arrow::array::RecordBatch;

use crate::error::Error;

use chunk::Chunk;
pub(crate) use chunk::text_bytes;
pub(crate) use merge::Merge;
pub(crate) use order::{Split, Splitter};
use run::{MemoryRun, Spill};

/// Batches of sorted rows, each after the one before.
pub(crate) type Run = Box<dyn Iterator<Item = Result<RecordBatch, Error>> + Send>;

/// Gives an empty temporary file.
pub(crate) type TemporaryFile = Box<dyn FnMut() -> io::Result<File> + Send>;

/// Takes chunks in any order and gives their rows back sorted.
pub(crate) struct Sorter {
    memory: usize,
    temporary_file: TemporaryFile,
    /// Chunks that are one run: first those that were spilled, then these.
    ordered: VecDeque<RecordBatch>,
    ordered_spill: Option<Spill>,
    /// Chunks of all other rows, and runs of them that were spilled.
    chunks: Vec<Chunk>,
    spilled: Vec<Run>,
    /// Bytes of the chunks in memory, of both kinds. `held() <= memory`, but for the chunk that came last.
    held_ordered: usize,
    held_chunks: usize,
}

impl Sorter {
    pub(crate) fn new(memory: usize, temporary_file: TemporaryFile) -> Self {
        Self {
            memory,
            temporary_file,
            ordered: VecDeque::new(),
            ordered_spill: None,
            chunks: Vec::new(),
            spilled: Vec::new(),
            held_ordered: 0,
            held_chunks: 0,
        }
    }

    /// Takes rows that are in order, and come after all that were pushed so before.
    pub(crate) fn push_ordered(&mut self, batch: RecordBatch) -> Result<(), Error> {
        self.held_ordered += batch.get_array_memory_size();
        self.ordered.push_back(batch);
        self.make_room()
    }

    /// Takes rows in any order.
    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<(), Error> {
        self.held_chunks += batch.get_array_memory_size();
        self.chunks.push(Chunk::new(batch)?);
        self.make_room()
    }

    /// All rows in order.
    pub(crate) fn finish(mut self) -> Result<Run, Error> {
        let mut runs = std::mem::take(&mut self.spilled);
        if !self.chunks.is_empty() {
            runs.push(Box::new(self.take_chunks()));
        }
        let spilled = self.ordered_spill.map(Spill::read).transpose()?;
        let ordered = Box::new(spilled.into_iter().flatten().chain(self.ordered.into_iter().map(Ok)));
        if runs.is_empty() {
            return Ok(ordered);
        }
        runs.push(ordered);
        Ok(Box::new(Merge::new(runs)?))
    }

    /// Spills the oldest chunks in order one by one, as no others can join them, and then the others as one run.
    fn make_room(&mut self) -> Result<(), Error> {
        while self.held_ordered + self.held_chunks > self.memory {
            let Some(batch) = self.ordered.pop_front() else { return self.spill_chunks() };
            self.held_ordered -= batch.get_array_memory_size();
            let spill = match &mut self.ordered_spill {
                Some(spill) => spill,
                none => none.insert(Spill::new((self.temporary_file)().map_err(Error::Spill)?)?),
            };
            spill.write(&batch)?;
        }
        Ok(())
    }

    fn spill_chunks(&mut self) -> Result<(), Error> {
        let mut spill = Spill::new((self.temporary_file)().map_err(Error::Spill)?)?;
        for batch in self.take_chunks() {
            spill.write(&batch?)?;
        }
        self.spilled.push(Box::new(spill.read()?));
        Ok(())
    }

    fn take_chunks(&mut self) -> MemoryRun {
        self.held_chunks = 0;
        MemoryRun::new(std::mem::take(&mut self.chunks))
    }
}
