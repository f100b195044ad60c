//! Merging sorted runs.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Run;
use super::chunk::{Chunk, gather};
use crate::error::Error;

/// The rows of several sorted runs, in order.
pub(crate) struct Merge<'a> {
    runs: Vec<Run<'a>>,
    /// The next row of every run that has one, the least on top.
    heads: BinaryHeap<Head>,
}

/// A row of a run.
struct Head {
    run: usize,
    chunk: Arc<Chunk>,
    /// `row < chunk.rows()`
    row: usize,
}

/// Rows chosen for one batch.
#[derive(Default)]
struct Chosen {
    chunks: Vec<Arc<Chunk>>,
    /// The index into `chunks` of the chunk that each run is at.
    current: Vec<Option<usize>>,
    places: Vec<(usize, usize)>,
    bytes: usize,
}

impl<'a> Merge<'a> {
    /// Rows of a batch.
    const BATCH_ROWS: usize = 4_096;
    /// Rows of a chunk that are handed out as they are instead of being copied, at the least.
    const WHOLE_ROWS: usize = 256;
    /// Bytes of texts of a batch, but for its last row.
    const BATCH_BYTES: usize = 4 << 20;

    pub(crate) fn new(runs: Vec<Run<'a>>) -> Result<Self, Error> {
        let mut merge = Self { heads: BinaryHeap::with_capacity(runs.len()), runs };
        for run in 0..merge.runs.len() {
            let head = merge.read(run)?;
            merge.heads.extend(head);
        }
        Ok(merge)
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let mut chosen = Chosen { current: vec![None; self.runs.len()], ..Chosen::default() };
        while chosen.places.len() < Self::BATCH_ROWS && chosen.bytes < Self::BATCH_BYTES {
            let Some(head) = self.heads.pop() else { break };
            if self.is_followed_by_its_chunk(&head) {
                if chosen.places.is_empty() {
                    let next = self.read(head.run)?;
                    self.heads.extend(next);
                    return Ok(Some(head.chunk.rest(head.row)));
                }
                self.heads.push(head);
                break;
            }
            chosen.add(&head);
            let next = self.after(head, &mut chosen)?;
            self.heads.extend(next);
        }
        if chosen.places.is_empty() {
            return Ok(None);
        }
        gather(chosen.chunks.iter().map(Arc::as_ref), &chosen.places).map(Some)
    }

    /// Whether all that is left of a head's chunk comes before the other runs, and is worth to be handed out as it is.
    fn is_followed_by_its_chunk(&self, head: &Head) -> bool {
        let last = head.chunk.rows() - 1;
        let is_worth_it = last - head.row >= Self::WHOLE_ROWS;
        is_worth_it && self.heads.peek().is_none_or(|next| head.chunk.key(last) < next.chunk.key(next.row))
    }

    /// The row of the same run after this one.
    fn after(&mut self, head: Head, chosen: &mut Chosen) -> Result<Option<Head>, Error> {
        let row = head.row + 1;
        if row < head.chunk.rows() {
            return Ok(Some(Head { row, ..head }));
        }
        chosen.current[head.run] = None;
        self.read(head.run)
    }

    /// The first row of the next batch of a run.
    fn read(&mut self, run: usize) -> Result<Option<Head>, Error> {
        for batch in self.runs[run].by_ref() {
            let chunk = Arc::new(Chunk::new(batch?)?);
            if chunk.rows() > 0 {
                return Ok(Some(Head { run, chunk, row: 0 }));
            }
        }
        Ok(None)
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batch().transpose()
    }
}

impl Chosen {
    fn add(&mut self, head: &Head) {
        let at = *self.current[head.run].get_or_insert_with(|| {
            self.chunks.push(Arc::clone(&head.chunk));
            self.chunks.len() - 1
        });
        self.places.push((at, head.row));
        self.bytes += head.chunk.size(head.row);
    }
}

/// Reversed, because a heap has its greatest on top.
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.chunk.key(other.row).cmp(&self.chunk.key(self.row))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}
