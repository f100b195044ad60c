//! What the index keeps of the key of each row.

use std::sync::Arc;

use chat::{Hour, Part, Timestamp};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, Searcher, SegmentReader};

use crate::fields::column;
use crate::lots::{cores, on_each};
use crate::search::Hit;

/// Segments whose columns are opened in less time than a thread takes to begin.
const FEW: usize = 4;

/// The columns of a segment that make a hit. Opening them takes as long as some thousands of rows.
pub(crate) struct Keys {
    pub(crate) hour: Column<i64>,
    pub(crate) sent_at: Column<i64>,
    part: Column<u64>,
    line: Column<u64>,
    pub(crate) message: Column<u64>,
}

impl Keys {
    /// The keys of every segment, in order.
    pub(crate) fn of_all(searcher: &Searcher) -> tantivy::Result<Vec<Arc<Self>>> {
        let segments = searcher.segment_readers();
        let lots: Vec<_> = segments.chunks(segments.len().div_ceil(cores()).max(FEW)).collect();
        let of_lot =
            |lot: &[SegmentReader]| lot.iter().map(|segment| Self::of(segment).map(Arc::new)).collect::<Vec<_>>();
        on_each(lots, of_lot).into_iter().flatten().collect()
    }

    fn of(segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(Self {
            hour: columns.i64(column::HOUR)?,
            sent_at: columns.i64(column::SENT_AT)?,
            part: columns.u64(column::PART)?,
            line: columns.u64(column::LINE)?,
            message: columns.u64(column::MESSAGE)?,
        })
    }

    /// When the newest and the oldest message of the segment were sent, of those that have a time.
    pub(crate) fn times(&self) -> Option<(i64, i64)> {
        (self.sent_at.values.num_vals() > 0).then(|| (self.sent_at.max_value(), self.sent_at.min_value()))
    }

    pub(crate) fn hit(&self, doc: DocId, score: Score) -> Hit {
        Hit {
            source_hour: Hour::from_number(self.hour.first(doc).unwrap_or(0)),
            sent_at: self.sent_at.first(doc).and_then(Timestamp::from_timestamp_micros),
            // A part is a u32 when it is written.
            part: Part::try_from(self.part.first(doc).unwrap_or(0)).unwrap_or(Part::MAX),
            line: self.line.first(doc).unwrap_or(0),
            score,
            message: self.message.first(doc).unwrap_or(0),
        }
    }
}
