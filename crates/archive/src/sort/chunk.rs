//! A batch whose rows can be compared and measured.

use arrow::array::{Array, AsArray, BinaryArray, Int32Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::buffer::OffsetBuffer;
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};

use crate::batch::bytes;
use crate::error::Error;

/// A batch of messages.
pub(crate) struct Chunk {
    batch: RecordBatch,
    source_hour: BinaryArray,
    sent_at: TimestampMicrosecondArray,
    msg_id: BinaryArray,
    part: Int32Array,
    line: Int64Array,
    /// The ends of the texts in each column of texts.
    ends: Vec<OffsetBuffer<i32>>,
}

/// What rows are sorted by, in this order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SortKey<'a> {
    pub(crate) source_hour: &'a [u8],
    pub(crate) sent_at: NullsLast<i64>,
    pub(crate) msg_id: NullsLast<&'a [u8]>,
    pub(crate) part: i32,
    pub(crate) line: i64,
}

/// The first two columns of a [`SortKey`], the hour as a number.
pub(crate) type Lead = (u64, NullsLast<i64>);

/// Orders null after every value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NullsLast<T> {
    Value(T),
    Null,
}

impl<T> From<Option<T>> for NullsLast<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Value)
    }
}

impl Chunk {
    pub(crate) fn new(batch: RecordBatch) -> Result<Self, Error> {
        Ok(Self {
            source_hour: bytes(column(&batch, "source_hour")?),
            sent_at: column(&batch, "sent_at")?.as_primitive::<TimestampMicrosecondType>().clone(),
            msg_id: bytes(column(&batch, "msg_id")?),
            part: column(&batch, "part")?.as_primitive::<Int32Type>().clone(),
            line: column(&batch, "line")?.as_primitive::<Int64Type>().clone(),
            ends: ends(&batch).collect(),
            batch,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// The bytes of the texts of a row.
    pub(crate) fn size(&self, row: usize) -> usize {
        self.ends.iter().map(|ends| length(ends[row], ends[row + 1])).sum()
    }

    /// A copy of a row, which holds nothing of the others.
    pub(crate) fn row(&self, row: usize) -> Result<Self, Error> {
        Self::new(gather([self], &[(0, row)])?)
    }

    /// How many rows do not come after this key, in a chunk that is sorted.
    pub(crate) fn rows_up_to(&self, key: &SortKey<'_>) -> usize {
        let (mut start, mut end) = (0, self.rows());
        while start < end {
            let middle = usize::midpoint(start, end);
            if self.key(middle) <= *key { start = middle + 1 } else { end = middle }
        }
        start
    }

    /// The rows from this one on.
    pub(crate) fn rest(&self, row: usize) -> RecordBatch {
        self.batch.slice(row, self.rows() - row)
    }

    pub(crate) fn key(&self, row: usize) -> SortKey<'_> {
        SortKey {
            source_hour: self.source_hour.value(row),
            sent_at: self.sent_at(row),
            msg_id: self.msg_id.is_valid(row).then(|| self.msg_id.value(row)).into(),
            part: self.part.value(row),
            line: self.line.value(row),
        }
    }

    /// Orders rows as their keys do, unless both have the same hour and time.
    pub(crate) fn lead(&self, row: usize) -> Lead {
        let digits = self.source_hour.value(row).iter();
        (digits.fold(0, |number, digit| number * 10 + u64::from(digit & 15)), self.sent_at(row))
    }

    fn sent_at(&self, row: usize) -> NullsLast<i64> {
        self.sent_at.is_valid(row).then(|| self.sent_at.value(row)).into()
    }
}

/// The rows at these places, `(chunk, row)` each, as one batch.
pub(crate) fn gather<'a>(
    chunks: impl IntoIterator<Item = &'a Chunk>,
    places: &[(usize, usize)],
) -> Result<RecordBatch, Error> {
    let batches: Vec<_> = chunks.into_iter().map(|chunk| &chunk.batch).collect();
    Ok(interleave_record_batch(&batches, places)?)
}

/// The bytes of all texts of a batch.
pub(crate) fn text_bytes(batch: &RecordBatch) -> usize {
    let bounds = |ends: OffsetBuffer<i32>| Some(length(*ends.first()?, *ends.last()?));
    ends(batch).filter_map(bounds).sum()
}

fn ends(batch: &RecordBatch) -> impl Iterator<Item = OffsetBuffer<i32>> {
    batch.columns().iter().filter_map(|array| match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().offsets().clone()),
        DataType::Utf8 => Some(array.as_string::<i32>().offsets().clone()),
        _ => None,
    })
}

/// Offsets never go back.
fn length(start: i32, end: i32) -> usize {
    usize::try_from(end - start).unwrap_or(0)
}

fn column<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a dyn Array, Error> {
    batch.column_by_name(name).map(AsRef::as_ref).ok_or(Error::MissingColumn(name))
}
