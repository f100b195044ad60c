//! Rows that are known by their place, read column by column, with the pages that hold them and no others.
//!
//! The library's own reader makes what unpacks zstd anew for each column of each row group, holds a page of every column at
//! a time, in memory that goes back to the system after each, and uses one core. Here all that is kept from page to page, and
//! columns are unpacked on all cores.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use rayon::prelude::*;

use crate::error::Error;
use crate::guard::guarded;

use pages::Pages;
use unpack::Unpacker;

mod beginning;
mod pages;
mod unpack;

/// A file of which some rows are read.
pub(crate) struct Picker<R> {
    reader: R,
    metadata: Arc<ParquetMetaData>,
}

/// Some rows of a row group, counted from its first, in order and apart from each other.
pub(crate) struct Picked {
    pub(crate) group: usize,
    pub(crate) rows: Vec<Range<usize>>,
}

impl Picked {
    fn count(&self) -> usize {
        self.rows.iter().map(Range::len).sum()
    }
}

impl<R: AsyncFileReader> Picker<R> {
    /// A file with this footer.
    pub(crate) fn new(reader: R, metadata: Arc<ParquetMetaData>) -> Self {
        Self { reader, metadata }
    }

    /// These columns of some rows, a batch for each row group, with one request.
    pub(crate) async fn read(
        &mut self,
        picked: &[Picked],
        columns: &[&'static str],
    ) -> Result<Vec<RecordBatch>, Error> {
        if picked.is_empty() {
            return Ok(Vec::new());
        }
        let leaves = columns.iter().map(|name| self.leaf(name)).collect::<Result<Vec<_>, _>>()?;
        let places = picked.iter().flat_map(|picked| leaves.iter().map(move |leaf| (picked, *leaf)));
        let pages = places.map(|(picked, leaf)| Pages::holding(&self.metadata, picked.group, leaf, &picked.rows));
        let pages = pages.collect::<Result<Vec<_>, _>>()?;
        let ranges = pages.iter().flat_map(Pages::ranges).collect();
        let mut bytes = self.reader.get_byte_ranges(ranges).await?.into_iter();
        let with_bytes = |pages: Pages| {
            let bytes: Vec<_> = bytes.by_ref().take(pages.ranges().count()).collect();
            (pages, bytes)
        };
        let packed: Vec<_> = pages.into_iter().map(with_bytes).collect();
        let cells = packed.into_par_iter().map(|(pages, bytes)| guarded(|| cells(&self.metadata, pages, bytes)));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        let mut cells = cells.into_iter();
        let batch = |picked: &Picked| batch(&cells.by_ref().take(leaves.len()).collect::<Vec<_>>(), picked.count());
        Ok(picked.iter().map(batch).collect::<Result<Vec<_>, _>>()?)
    }

    /// Which of the file's columns has this name.
    fn leaf(&self, name: &'static str) -> Result<usize, Error> {
        let columns = self.metadata.file_metadata().schema_descr().columns();
        let leaf = columns.iter().position(|column| column.path().parts() == [name]);
        leaf.ok_or(Error::MissingColumn(name))
    }
}

/// The wanted rows of a column, out of the bytes of its pages.
fn cells(metadata: &ParquetMetaData, pages: Pages, bytes: Vec<Bytes>) -> Result<RecordBatch, ParquetError> {
    let schema = metadata.file_metadata().schema_descr();
    let levels = parquet_to_arrow_field_levels(schema, ProjectionMask::leaves(schema, [pages.leaf()]), None)?;
    let (selection, count, leaf) = (pages.selection(), pages.count(), pages.leaf());
    let unpacker = Unpacker::lend();
    let column = pages.into_column(metadata, bytes, &unpacker)?;
    let mut batches = ParquetRecordBatchReader::try_new_with_row_groups(&levels, &column, count, Some(selection))?;
    let batch = batches.next().transpose()?.filter(|batch| batch.num_rows() == count);
    batch.ok_or_else(|| ParquetError::EOF(format!("a page of column {leaf} has fewer rows than the index says")))
}

/// Columns of so many rows beside each other.
fn batch(columns: &[RecordBatch], count: usize) -> Result<RecordBatch, ArrowError> {
    let fields: Vec<_> = columns.iter().flat_map(|column| column.schema_ref().fields().iter().cloned()).collect();
    let arrays = columns.iter().flat_map(|column| column.columns().iter().cloned()).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}
