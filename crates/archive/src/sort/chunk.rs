//! A batch whose rows can be compared and measured.

use arrow::array::{Array, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};

use crate::error::Error;

/// A batch of messages.
pub(crate) struct Chunk {
    batch: RecordBatch,
    source_hour: StringArray,
    sent_at: TimestampMicrosecondArray,
    msg_id: StringArray,
    part: Int32Array,
    line: Int64Array,
    /// The bytes of the texts of each row.
    sizes: Vec<usize>,
}

/// Rows that follow each other in a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The index of the chunk among those at hand.
    pub(crate) chunk: usize,
    pub(crate) start: usize,
    /// `start + rows <= chunk.rows()`
    pub(crate) rows: usize,
}

/// What rows are sorted by, in this order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SortKey<'a> {
    pub(crate) source_hour: &'a str,
    pub(crate) sent_at: NullsLast<i64>,
    pub(crate) msg_id: NullsLast<&'a str>,
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
            source_hour: column(&batch, "source_hour")?.as_string().clone(),
            sent_at: column(&batch, "sent_at")?.as_primitive::<TimestampMicrosecondType>().clone(),
            msg_id: column(&batch, "msg_id")?.as_string().clone(),
            part: column(&batch, "part")?.as_primitive::<Int32Type>().clone(),
            line: column(&batch, "line")?.as_primitive::<Int64Type>().clone(),
            sizes: sizes(&batch),
            batch,
        })
    }

    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    pub(crate) fn memory(&self) -> usize {
        self.batch.get_array_memory_size() + size_of_val(self.sizes.as_slice())
    }

    /// The bytes of the texts of a row.
    pub(crate) fn size(&self, row: usize) -> usize {
        self.sizes[row]
    }

    /// The bytes of the texts of some rows.
    pub(crate) fn bytes(&self, start: usize, rows: usize) -> usize {
        self.sizes[start..start + rows].iter().sum()
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
        let digits = self.source_hour.value(row).bytes();
        (digits.fold(0, |number, digit| number * 10 + u64::from(digit & 15)), self.sent_at(row))
    }

    fn sent_at(&self, row: usize) -> NullsLast<i64> {
        self.sent_at.is_valid(row).then(|| self.sent_at.value(row)).into()
    }
}

/// The rows of these spans, of which there is at least one, as one batch.
///
/// Served files are nearly in order, so spans are long, and copying them whole costs a fraction of picking rows.
pub(crate) fn gather(chunks: &[&Chunk], spans: &[Span]) -> Result<RecordBatch, Error> {
    let rows: usize = spans.iter().map(|span| span.rows).sum();
    if rows < LONG * spans.len() {
        let batches: Vec<_> = chunks.iter().map(|chunk| &chunk.batch).collect();
        let places: Vec<_> = spans.iter().flat_map(|span| span.places()).collect();
        return Ok(interleave_record_batch(&batches, &places)?);
    }
    let slices: Vec<_> = spans.iter().map(|span| chunks[span.chunk].batch.slice(span.start, span.rows)).collect();
    match slices.as_slice() {
        [only] => Ok(only.clone()),
        _ => Ok(concat_batches(slices[0].schema_ref(), &slices)?),
    }
}

/// The rows of a span, on the average, from which on spans are copied whole.
const LONG: usize = 8;

impl Span {
    fn places(self) -> impl Iterator<Item = (usize, usize)> {
        (self.start..self.start + self.rows).map(move |row| (self.chunk, row))
    }
}

/// The bytes of all texts of a batch.
pub(crate) fn text_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().filter_map(|array| text_offsets(array)).map(span_of).sum()
}

fn sizes(batch: &RecordBatch) -> Vec<usize> {
    let mut sizes = vec![0; batch.num_rows()];
    for offsets in batch.columns().iter().filter_map(|array| text_offsets(array)) {
        for (size, ends) in sizes.iter_mut().zip(offsets.windows(2)) {
            *size += span_of(ends);
        }
    }
    sizes
}

/// Where the texts of a column begin and end; nothing for a column of another type.
fn text_offsets(array: &dyn Array) -> Option<&[i32]> {
    match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value_offsets()),
        DataType::Utf8 => Some(array.as_string::<i32>().value_offsets()),
        _ => None,
    }
}

/// From the first offset to the last.
fn span_of(offsets: &[i32]) -> usize {
    let [first, .., last] = offsets else { return 0 };
    usize::try_from(last - first).unwrap_or(0)
}

fn column<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a dyn Array, Error> {
    batch.column_by_name(name).map(AsRef::as_ref).ok_or(Error::MissingColumn(name))
}
