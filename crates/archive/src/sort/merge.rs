//! Merging sorted runs.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::RecordBatch;

use super::Run;
use super::chunk::{Chunk, Span, gather};
use crate::error::Error;

/// The rows of several sorted runs, in order.
pub(crate) struct Merge {
    runs: Vec<Run>,
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
    spans: Vec<Span>,
    rows: usize,
    bytes: usize,
}

impl Merge {
    /// Rows of a batch.
    const BATCH_ROWS: usize = 4_096;
    /// Bytes of texts of a batch, but for its last span, which is no longer than what a run hands out at once.
    const BATCH_BYTES: usize = 4 << 20;

    pub(crate) fn new(runs: Vec<Run>) -> Result<Self, Error> {
        let mut merge = Self { heads: BinaryHeap::with_capacity(runs.len()), runs };
        for run in 0..merge.runs.len() {
            let head = merge.read(run)?;
            merge.heads.extend(head);
        }
        Ok(merge)
    }

    fn batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let mut chosen = Chosen { current: vec![None; self.runs.len()], ..Chosen::default() };
        while chosen.rows < Self::BATCH_ROWS && chosen.bytes < Self::BATCH_BYTES {
            let Some(head) = self.heads.pop() else { break };
            let rows = head.rows_before(self.heads.peek(), Self::BATCH_ROWS - chosen.rows);
            chosen.add(&head, rows);
            let next = self.after(head, rows, &mut chosen)?;
            self.heads.extend(next);
        }
        if chosen.rows == 0 {
            return Ok(None);
        }
        let chunks: Vec<_> = chosen.chunks.iter().map(Arc::as_ref).collect();
        gather(&chunks, &chosen.spans).map(Some)
    }

    /// The row of the same run so many rows after this one.
    fn after(&mut self, head: Head, rows: usize, chosen: &mut Chosen) -> Result<Option<Head>, Error> {
        let row = head.row + rows;
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

impl Iterator for Merge {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batch().transpose()
    }
}

impl Chosen {
    fn add(&mut self, head: &Head, rows: usize) {
        let chunk = *self.current[head.run].get_or_insert_with(|| {
            self.chunks.push(Arc::clone(&head.chunk));
            self.chunks.len() - 1
        });
        self.spans.push(Span { chunk, start: head.row, rows });
        self.rows += rows;
        self.bytes += head.chunk.bytes(head.row, rows);
    }
}

impl Head {
    /// How many rows of its chunk, this one first, come before the head that is next; at most so many.
    ///
    /// Runs of a file that is nearly in order hardly overlap, so steps double until one goes too far.
    fn rows_before(&self, next: Option<&Self>, most: usize) -> usize {
        let there = (self.chunk.rows() - self.row).min(most);
        let Some(next) = next else { return there };
        let limit = next.chunk.key(next.row);
        let is_before = |rows: usize| self.chunk.key(self.row + rows) < limit;
        let mut step = 1;
        while step < there && is_before(step) {
            step *= 2;
        }
        // `low <= answer <= high`
        let (mut low, mut high) = (step / 2 + 1, step.min(there));
        while low < high {
            let middle = low.midpoint(high);
            if is_before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
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
