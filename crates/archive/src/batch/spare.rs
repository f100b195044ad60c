//! The memory of columns that nobody needs any more.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array as _, ArrayRef};

use crate::columns::columns;

/// Columns of messages that were encoded, in whose memory the next ones begin. Cheap to clone: all clones share them.
///
/// A row group has some 26 MiB of columns. To give them back to the system and ask for as much again took a tenth of loading an
/// hour: pages that are touched for the first time cost more than filling them.
#[derive(Clone)]
pub struct Spare(Arc<[Mutex<Vec<ArrayRef>>]>);

impl Spare {
    /// Columns of fewer rows are let go.
    const LEAST_ROWS: usize = 4_096;
    /// So are those with more bytes: a few long messages must not take memory for ever.
    const MOST_BYTES: usize = 4 << 20;

    /// So are those of a place beyond these, half of a row group: twice as many make two workers peak at 193 MiB in place of 185, for
    /// a fiftieth less CPU with one.
    const MOST_COLUMNS: usize = 4;

    /// One that keeps nothing.
    pub(crate) fn none() -> Self {
        Self(Arc::new([]))
    }

    /// Takes a column that is not needed any more.
    pub(crate) fn put(&self, place: usize, column: ArrayRef) {
        if column.len() >= Self::LEAST_ROWS
            && column.get_buffer_memory_size() <= Self::MOST_BYTES
            && let Some(columns) = self.0.get(place)
        {
            let mut columns = columns.lock().unwrap_or_else(PoisonError::into_inner);
            if columns.len() < Self::MOST_COLUMNS {
                columns.push(column);
            }
        }
    }

    /// A column of this place.
    pub(crate) fn take(&self, place: usize) -> Option<ArrayRef> {
        self.0.get(place)?.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

impl Default for Spare {
    fn default() -> Self {
        Self(columns().iter().map(|_| Mutex::default()).collect())
    }
}
