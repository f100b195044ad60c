//! Sorting the messages of one file in bounded memory.
//!
//! Chunks of rows gather until they exceed the memory allowed; then they are sorted and spilled as one run to a
//! temporary file. In the end the runs are merged. The order is that of [`SortKey`], which no two rows of a file share,
//! so that the same messages give the same rows in the same order, whatever the memory and the order they came in.

mod chunk;
mod merge;
mod run;

use std::fs::File;
use std::io;

use arrow::array::RecordBatch;

use crate::error::Error;

use chunk::Chunk;
pub(crate) use chunk::text_bytes;
pub(crate) use merge::Merge;
use run::{MemoryRun, spill};

/// Batches of sorted rows, each after the one before.
pub(crate) type Run = Box<dyn Iterator<Item = Result<RecordBatch, Error>> + Send>;

/// Gives an empty temporary file.
pub(crate) type TemporaryFile = Box<dyn FnMut() -> io::Result<File> + Send>;

/// Takes chunks in any order and gives them back sorted.
pub(crate) struct Sorter {
    memory: usize,
    temporary_file: TemporaryFile,
    /// `held <= memory`, but for the chunk that came last.
    held: usize,
    chunks: Vec<Chunk>,
    spilled: Vec<Run>,
}

impl Sorter {
    pub(crate) fn new(memory: usize, temporary_file: TemporaryFile) -> Self {
        Self { memory, temporary_file, held: 0, chunks: Vec::new(), spilled: Vec::new() }
    }

    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<(), Error> {
        let chunk = Chunk::new(batch)?;
        self.held += chunk.memory();
        self.chunks.push(chunk);
        if self.held > self.memory {
            let file = (self.temporary_file)().map_err(Error::Spill)?;
            let run = self.take_held();
            self.spilled.push(Box::new(spill(run, file)?));
        }
        Ok(())
    }

    /// All rows in order.
    pub(crate) fn finish(mut self) -> Result<Run, Error> {
        let last = Box::new(self.take_held());
        if self.spilled.is_empty() {
            return Ok(last);
        }
        self.spilled.push(last);
        Ok(Box::new(Merge::new(self.spilled)?))
    }

    fn take_held(&mut self) -> MemoryRun {
        self.held = 0;
        MemoryRun::new(std::mem::take(&mut self.chunks))
    }
}
