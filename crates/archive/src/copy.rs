//! Row groups that go from one file into another as they are, without a value being looked at.
//!
//! What a footer says of a row group goes along: bounds, counts and the index of its pages; only offsets become those of
//! the new file.

use std::io::{Read, Write};
use std::ops::Range;

use bytes::{Buf as _, Bytes};
use futures::executor::block_on;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::SchemaDescriptor;

use crate::bounds::{Bound, Stretch};

/// Bytes that are read at a time, unless one column has more: to ask costs more than to read a small column.
const COPIED: u64 = 4 << 20;

/// A row group of a file whose footer is read.
#[derive(Clone, Copy)]
pub(crate) struct StoredGroup<'a> {
    metadata: &'a ParquetMetaData,
    index: usize,
}

/// Gives the bytes of a file.
pub(crate) trait Chunks {
    fn bytes(&mut self, range: Range<u64>) -> Result<Bytes>;
}

impl<R: AsyncFileReader> Chunks for R {
    fn bytes(&mut self, range: Range<u64>) -> Result<Bytes> {
        block_on(self.get_bytes(range))
    }
}

impl<'a> StoredGroup<'a> {
    /// The row groups of a file, in order.
    pub(crate) fn all(metadata: &'a ParquetMetaData) -> impl Iterator<Item = Self> {
        (0..metadata.num_row_groups()).map(move |index| Self { metadata, index })
    }

    /// Its number in the file.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn rows(&self) -> usize {
        usize::try_from(self.group().num_rows()).unwrap_or(0)
    }

    /// Bytes of its pages before compression.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.group().total_byte_size()).unwrap_or(0)
    }

    /// The key of the hour that all of its rows are of; `None` when they are of several, or the footer does not say.
    pub(crate) fn hour(&self) -> Option<String> {
        let hours = Stretch::of_group(self.group(), "source_hour")?;
        match (hours.nulls, hours.min, hours.max) {
            (Some(0), Some(Bound::Bytes(min)), Some(Bound::Bytes(max))) if min == max => String::from_utf8(min).ok(),
            _ => None,
        }
    }

    /// Whether a writer with this schema and these properties would have made one that is read in the same way.
    pub(crate) fn is_laid_out_as(&self, schema: &SchemaDescriptor, properties: &WriterProperties) -> bool {
        let columns = self.group().columns();
        columns.iter().map(ColumnChunkMetaData::column_descr).eq(schema.columns().iter().map(AsRef::as_ref))
            && self.group().sorting_columns() == properties.sorting_columns()
            && (0..columns.len()).all(|column| self.has_pages_of(column))
    }

    /// Adds the columns to a row group of another file, as many at a time as are read at once.
    pub(crate) fn append_to<W: Write + Send>(
        &self,
        out: &mut SerializedRowGroupWriter<'_, W>,
        chunks: &mut dyn Chunks,
    ) -> Result<()> {
        let ranges: Vec<_> = self.group().columns().iter().map(range).collect();
        let mut column = 0;
        for columns in joined(&ranges) {
            let (first, last) = (&ranges[column], &ranges[column + columns - 1]);
            let read = Columns { start: first.start, bytes: chunks.bytes(first.start..last.end)? };
            for column in column..column + columns {
                out.append_column(&read, self.closed(column))?;
            }
            column += columns;
        }
        Ok(())
    }

    fn group(&self) -> &'a RowGroupMetaData {
        self.metadata.row_group(self.index)
    }

    fn has_pages_of(&self, column: usize) -> bool {
        self.metadata.offset_index().and_then(|groups| groups.get(self.index)?.get(column)).is_some()
    }

    /// What the writer of a column said when it was done.
    fn closed(&self, column: usize) -> ColumnCloseResult {
        let metadata = self.group().column(column).clone();
        let bounds = self.metadata.column_index().and_then(|groups| groups.get(self.index)?.get(column));
        let pages = self.metadata.offset_index().and_then(|groups| groups.get(self.index)?.get(column));
        ColumnCloseResult {
            bytes_written: metadata.byte_range().1,
            rows_written: self.rows() as u64,
            bloom_filter: None,
            column_index: bounds.filter(|bounds| !matches!(bounds, ColumnIndexMetaData::NONE)).cloned(),
            offset_index: pages.cloned(),
            metadata,
        }
    }
}

/// Where a column of a row group lies in its file.
fn range(column: &ColumnChunkMetaData) -> Range<u64> {
    let (start, length) = column.byte_range();
    start..start + length
}

/// How many columns are read together, one number for each time something is read.
fn joined(ranges: &[Range<u64>]) -> Vec<usize> {
    let mut joined: Vec<(Range<u64>, usize)> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some((read, columns)) if read.end == range.start && range.end - read.start <= COPIED => {
                read.end = range.end;
                *columns += 1;
            }
            _ => joined.push((range.clone(), 1)),
        }
    }
    joined.into_iter().map(|(_, columns)| columns).collect()
}

/// Bytes of one or more columns of a row group, found where they lie in the whole file.
#[derive(Debug)]
struct Columns {
    start: u64,
    bytes: Bytes,
}

impl Length for Columns {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Columns {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let length = usize::try_from(self.len().saturating_sub(start)).unwrap_or(usize::MAX);
        Ok(Box::new(self.get_bytes(start, length)?.reader()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let first = start.checked_sub(self.start).and_then(|first| usize::try_from(first).ok());
        let range = first.and_then(|first| Some(first..first.checked_add(length)?));
        let range = range.filter(|range| range.end <= self.bytes.len());
        range
            .map(|range| self.bytes.slice(range))
            .ok_or_else(|| ParquetError::EOF(format!("{length} bytes at {start} are not of these columns")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_next_to_each_other_are_read_together_up_to_a_size() {
        const MOST: u64 = COPIED;
        let check = |ranges: &[Range<u64>], expected: &[usize]| assert_eq!(joined(ranges), expected, "{ranges:?}");
        check(&[], &[]);
        check(std::slice::from_ref(&(4..9)), &[1]);
        check(&[4..9, 9..12, 12..12, 12..20], &[4]);
        check(&[4..9, 10..12, 12..20], &[1, 2]);
        check(&[10..20, 4..10], &[1, 1]);
        check(&[4..4 + MOST, 4 + MOST..5 + MOST], &[1, 1]);
        check(&[4..5, 5..4 + MOST, 4 + MOST..5 + MOST], &[2, 1]);
        check(&[0..9 * MOST, 9 * MOST..9 * MOST + 1], &[1, 1]);
    }
}
