//! The ids of what matches: which rows are of the same message.
//!
//! Nearly no message stands in two hours. So of rows that may be copies the ids are read first, many at once, and only those of
//! which another row has the same are told apart by their hours.

use std::sync::Arc;

use chat::Hour;
use tantivy::{DocId, SegmentOrdinal};

use crate::keys::Keys;
use crate::repeats::Met;

/// Ids that are read of a column at once.
const AT_ONCE: usize = 64;

/// A row, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    message: u64,
    segment: SegmentOrdinal,
    doc: DocId,
}

/// The rows of messages that have several, sorted.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    sorted: Vec<Id>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    message: u64,
    hour: i64,
    pub(crate) segment: SegmentOrdinal,
    pub(crate) doc: DocId,
}

/// The rows of a segment with their ids; without those that have none.
pub(crate) fn rows(docs: &[DocId], segment: SegmentOrdinal, keys: &Keys) -> Vec<Row> {
    let mut rows = Vec::with_capacity(docs.len());
    for docs in docs.chunks(AT_ONCE) {
        let mut ids = [None; AT_ONCE];
        keys.message.first_vals(docs, &mut ids[..docs.len()]);
        let with_id = docs.iter().zip(ids).filter_map(|(doc, message)| Some((*doc, message?)));
        rows.extend(with_id.map(|(doc, message)| Row { message, segment, doc }));
    }
    rows
}

impl Ids {
    /// Tells the rows of each message apart, of those that have several. `rows` may come in several lots, and `keys` are those
    /// of every segment.
    pub(crate) fn of(rows: &[Vec<Row>], keys: &[Arc<Keys>]) -> Self {
        let mut rows = suspects(rows);
        rows.sort_unstable();
        let several = rows.chunk_by(|one, other| one.message == other.message).filter(|group| group.len() > 1);
        let mut sorted: Vec<_> = several.flatten().map(|row| row.with_hour(keys)).collect();
        sorted.sort_unstable();
        Self { sorted }
    }

    /// The earliest hour of a message; `None` for one that has a single row, or whose rows cannot be copies.
    pub(crate) fn earliest(&self, message: u64) -> Option<Hour> {
        let first = self.sorted.partition_point(|id| id.message < message);
        self.sorted.get(first).filter(|id| id.message == message).map(|id| Hour::from_number(id.hour))
    }

    /// Rows that are of a later hour than the earliest of their message.
    pub(crate) fn copies(&self) -> impl Iterator<Item = &Id> {
        let groups = self.sorted.chunk_by(|one, other| one.message == other.message);
        groups.flat_map(|group| group.iter().filter(|id| group.first().is_some_and(|first| id.hour > first.hour)))
    }
}

/// The rows whose bit another row has too.
fn suspects(rows: &[Vec<Row>]) -> Vec<Row> {
    let mut met = Met::for_rows(rows.iter().map(|rows| rows.len() as u64).sum());
    rows.iter().flatten().for_each(|row| met.put(row.message));
    rows.iter().flatten().filter(|row| met.may_be_twice(row.message)).copied().collect()
}

impl Row {
    fn with_hour(self, keys: &[Arc<Keys>]) -> Id {
        let hour = keys.get(self.segment as usize).and_then(|keys| keys.hour.first(self.doc));
        Id { message: self.message, hour: hour.unwrap_or(0), segment: self.segment, doc: self.doc }
    }
}
