//! The pages of a column in a row group that hold some rows, put together as if there were no others.

use std::cell::Cell;
use std::collections::VecDeque;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{RowGroups, RowSelection};
use parquet::basic::Compression;
use parquet::column::page::{PageIterator, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

use super::beginning::Beginning;
use super::unpack::{Unpacked, Unpacker};

/// What is to be read of a column for some rows of a row group.
pub(super) struct Pages {
    group: usize,
    leaf: usize,
    /// Where the dictionary lies in the file, if there is one.
    dictionary: Option<Range<u64>>,
    /// Where the pages lie, and their first rows, counted through these pages alone.
    pages: Vec<(Range<u64>, usize)>,
    /// The rows that are wanted, counted likewise.
    wanted: Vec<Range<usize>>,
    /// How many rows these pages have.
    rows: usize,
    /// Whether the file says where its pages lie. If not, the only one here is the whole column, dictionary and all.
    is_indexed: bool,
}

impl Pages {
    /// `wanted` is in order and apart from each other.
    pub(super) fn holding(
        metadata: &ParquetMetaData,
        group: usize,
        leaf: usize,
        wanted: &[Range<usize>],
    ) -> Result<Self> {
        let index = metadata.offset_index().and_then(|index| index.get(group)?.get(leaf));
        let row_group = metadata.row_group(group);
        match index.map(|index| index.page_locations().as_slice()) {
            None | Some([]) => {
                let (start, length) = row_group.column(leaf).byte_range();
                let pages = vec![(start..start + length, 0)];
                let rows = usize::try_from(row_group.num_rows())?;
                Ok(Self { group, leaf, dictionary: None, pages, wanted: wanted.to_vec(), rows, is_indexed: false })
            }
            Some(all) => {
                let (start, first) = (row_group.column(leaf).byte_range().0, place(&all[0])?.start);
                let dictionary = (start < first).then_some(start..first);
                let none = Self { group, leaf, dictionary, pages: vec![], wanted: vec![], rows: 0, is_indexed: true };
                let ends = all.iter().skip(1).map(|next| next.first_row_index).chain([row_group.num_rows()]);
                all.iter().zip(ends).try_fold(none, |pages, (page, end)| {
                    let rows = usize::try_from(page.first_row_index)?..usize::try_from(end)?;
                    let disorder = || ParquetError::General("the pages of a column are in no order".to_owned());
                    (rows.start <= rows.end).then_some(()).ok_or_else(disorder)?;
                    Ok(pages.with(place(page)?, &rows, wanted))
                })
            }
        }
    }

    /// With one more page, if it holds a wanted row.
    fn with(mut self, place: Range<u64>, rows: &Range<usize>, wanted: &[Range<usize>]) -> Self {
        let from = wanted.partition_point(|range| range.end <= rows.start);
        let held = wanted[from..].iter().take_while(|range| range.start < rows.end);
        let shift = |row: usize| row.clamp(rows.start, rows.end) - rows.start + self.rows;
        let held: Vec<_> = held.map(|range| shift(range.start)..shift(range.end)).collect();
        if !held.is_empty() {
            self.pages.push((place, self.rows));
            self.wanted.extend(held);
            self.rows += rows.len();
        }
        self
    }

    /// The bytes of the file that are needed.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.dictionary.iter().chain(self.pages.iter().map(|(place, _)| place)).cloned()
    }

    /// Which column it is.
    pub(super) fn leaf(&self) -> usize {
        self.leaf
    }

    /// How many rows are wanted.
    pub(super) fn count(&self) -> usize {
        self.wanted.iter().map(Range::len).sum()
    }

    /// The wanted rows among those of the pages.
    pub(super) fn selection(&self) -> RowSelection {
        RowSelection::from_consecutive_ranges(self.wanted.iter().cloned(), self.rows)
    }

    /// The rows of each page up to the last one that is wanted; of none where it is not known which rows are where.
    fn needed(&self, column: &ColumnDescriptor) -> VecDeque<Beginning> {
        let is_flat = column.max_rep_level() == 0 && column.max_def_level() <= 1;
        let is_nullable = column.max_def_level() == 1;
        let ends = self.pages.iter().skip(1).map(|(_, first_row)| *first_row).chain([self.rows]);
        let beginning = |((_, start), end): (&(_, usize), usize)| {
            let wanted = &self.wanted[..self.wanted.partition_point(|rows| rows.end <= end)];
            Beginning { rows: wanted.last().map_or(0, |rows| rows.end - start), is_nullable }
        };
        self.pages.iter().zip(ends).filter(|_| self.is_indexed && is_flat).map(beginning).collect()
    }

    /// The column that has these pages alone, out of the bytes of its ranges.
    pub(super) fn into_column<'m>(
        self,
        metadata: &'m ParquetMetaData,
        bytes: Vec<Bytes>,
        unpacker: &Arc<Unpacker>,
    ) -> Result<Column<'m>> {
        let row_group = metadata.row_group(self.group);
        let chunk = row_group.column(self.leaf);
        let dictionary = self.dictionary.as_ref().map_or(0, |range| range.end - range.start);
        let mut offset = i64::try_from(dictionary)?;
        let has_dictionary = if self.is_indexed { dictionary > 0 } else { chunk.dictionary_page_offset().is_some() };
        let is_zstd = matches!(chunk.compression(), Compression::ZSTD(_));
        let bytes = joined(bytes);
        let described = chunk.clone().into_builder();
        let described = described
            .set_data_page_offset(offset)
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_total_compressed_size(i64::try_from(bytes.len())?)
            // Pages are then handed out as they are.
            .set_compression(if is_zstd { Compression::UNCOMPRESSED } else { chunk.compression() })
            .build()?;
        let mut locations = Vec::with_capacity(self.pages.len());
        for (place, first_row) in &self.pages {
            let length = place.end - place.start;
            let first_row_index = i64::try_from(*first_row)?;
            locations.push(PageLocation { offset, compressed_page_size: i32::try_from(length)?, first_row_index });
            offset += i64::try_from(length)?;
        }
        let needed = self.needed(chunk.column_descr());
        let locations = self.is_indexed.then_some(locations);
        let pages = SerializedPageReader::new(Arc::new(bytes), &described, self.rows, locations)?;
        let pages: Box<dyn PageReader> = if is_zstd {
            Box::new(Unpacked { pages, unpacker: Arc::clone(unpacker), needed })
        } else {
            Box::new(pages)
        };
        Ok(Column { metadata, row_group, rows: self.rows, pages: Cell::new(Some(pages)) })
    }
}

/// Where a page lies in the file.
fn place(page: &PageLocation) -> Result<Range<u64>> {
    let start = u64::try_from(page.offset)?;
    Ok(start..start + u64::try_from(page.compressed_page_size)?)
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        1 => pieces.remove(0),
        _ => pieces.concat().into(),
    }
}

/// One column of one row group, as the library reads it. Its pages can be asked for once.
pub(super) struct Column<'a> {
    metadata: &'a ParquetMetaData,
    row_group: &'a RowGroupMetaData,
    rows: usize,
    pages: Cell<Option<Box<dyn PageReader>>>,
}

impl RowGroups for Column<'_> {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, _: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(Once(self.pages.take())))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(iter::once(self.row_group))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata
    }
}

/// The pages of one row group.
struct Once(Option<Box<dyn PageReader>>);

impl Iterator for Once {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for Once {}
