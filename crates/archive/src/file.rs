//! A Parquet file of a table, row group after row group.

use std::io::Write;
use std::marker::PhantomData;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;

use crate::copy::{Chunks, StoredGroup};
use crate::error::Error;
use crate::layout::properties;
use crate::promotion::{Promoted, Promotion};
use crate::settings::Settings;
use crate::sort::text_bytes;
use crate::statistics::Statistics;
use crate::table::Table;
use crate::write::Written;

/// A file that is being written.
pub(crate) struct TableFile<W: Write + Send, T> {
    parquet: SerializedFileWriter<W>,
    columns: ArrowRowGroupWriterFactory,
    /// The rows of the row group to come.
    group: RowGroup,
    group_rows: usize,
    group_bytes: usize,
    promoted: Promoted,
    table: PhantomData<T>,
}

/// A row group of which nothing is encoded yet.
#[derive(Default)]
struct RowGroup {
    batches: Vec<RecordBatch>,
    rows: usize,
    /// Bytes of its texts.
    bytes: usize,
}

impl<W: Write + Send, T: Table> TableFile<W, T> {
    /// A file with these columns behind those of the table.
    pub(crate) fn new(out: W, settings: &Settings, promotions: &[Promotion]) -> Result<Self, Error> {
        Self::laid_out(out, settings, properties::<T>(settings, promotions)?, promotions)
    }

    /// The same in a layout of its own.
    pub(crate) fn laid_out(
        out: W,
        settings: &Settings,
        properties: WriterProperties,
        promotions: &[Promotion],
    ) -> Result<Self, Error> {
        let promoted = Promoted::new(promotions);
        // The Arrow schema is told by the Parquet schema alone; embedded as well, it could only differ.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true)
            .with_schema_root("schema".to_owned());
        let (parquet, columns) =
            ArrowWriter::try_new_with_options(out, promoted.schema(T::schema()), options)?.into_serialized_writer()?;
        Ok(Self {
            parquet,
            columns,
            group: RowGroup::default(),
            group_rows: settings.row_group_rows.max(1),
            group_bytes: settings.row_group_bytes.min(Settings::MOST_ROW_GROUP_BYTES),
            promoted,
            table: PhantomData,
        })
    }

    /// Adds rows with the columns of the table to the row group that is being written, and ends it when it is full.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let batch = self.promoted.of(batch)?;
        self.put(&batch)
    }

    fn put(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let (rows, bytes) = (batch.num_rows(), text_bytes(batch));
        if rows == 0 {
            return Ok(());
        }
        // A row group ends behind a batch: one of long texts is halved, lest it fill several.
        let room = self.group_rows - self.group.rows;
        let is_long = rows > 1 && bytes > self.group_bytes / 8;
        let fitting = if is_long { room.min(rows / 2) } else { room };
        if rows > fitting {
            self.put(&batch.slice(0, fitting))?;
            return self.put(&batch.slice(fitting, rows - fitting));
        }
        self.group.add(batch.clone(), bytes);
        if self.group.rows >= self.group_rows || self.group.bytes >= self.group_bytes {
            self.end_group()?;
        }
        Ok(())
    }

    /// Adds a row group of another file as it is there.
    pub(crate) fn copy(&mut self, group: &StoredGroup<'_>, chunks: &mut dyn Chunks) -> Result<(), Error> {
        self.end_group()?;
        let mut written = self.parquet.next_row_group()?;
        group.append_to(&mut written, chunks)?;
        written.close()?;
        Ok(())
    }

    /// Whether a row group can be added as it is: it is laid out as this program does it today, and large enough that
    /// joined with others it would not be read much faster.
    pub(crate) fn can_copy(&self, group: &StoredGroup<'_>) -> bool {
        let is_large = group.rows() >= self.group_rows / 4 || group.bytes() >= self.group_bytes / 4;
        is_large && group.is_laid_out_as(self.parquet.schema_descr(), self.parquet.properties())
    }

    pub(crate) fn finish(mut self) -> Result<Written<W>, Error> {
        self.end_group()?;
        let statistics = Statistics::of::<T>(self.parquet.schema_descr(), self.parquet.flushed_row_groups());
        let mut out = self.parquet.into_inner()?;
        out.flush().map_err(ParquetError::from)?;
        let (min_sent_at, max_sent_at) = statistics.times("sent_at");
        Ok(Written { out, rows: statistics.rows, min_sent_at, max_sent_at, statistics })
    }

    fn end_group(&mut self) -> Result<(), Error> {
        let group = std::mem::take(&mut self.group);
        if group.rows == 0 {
            return Ok(());
        }
        let columns = self.columns.create_column_writers(self.parquet.flushed_row_groups().len())?;
        let chunks = group.encode(&self.promoted.schema(T::schema()), columns)?;
        let mut written = self.parquet.next_row_group()?;
        chunks.into_iter().try_for_each(|chunk| chunk.append_to_row_group(&mut written))?;
        written.close()?;
        Ok(())
    }
}

impl RowGroup {
    fn add(&mut self, batch: RecordBatch, bytes: usize) {
        self.rows += batch.num_rows();
        self.bytes += bytes;
        self.batches.push(batch);
    }

    /// Encodes column after column: what the compressor knows of one stays in the processor's cache, and one compressor is
    /// there at a time. On a thread of a pool, others of it that are idle take columns too.
    fn encode(&self, schema: &Schema, columns: Vec<ArrowColumnWriter>) -> Result<Vec<ArrowColumnChunk>, Error> {
        let encode = |(index, column)| self.encode_column(index, schema.field(index), column);
        if rayon::current_thread_index().is_none() {
            return columns.into_iter().enumerate().map(encode).collect();
        }
        columns.into_par_iter().enumerate().with_max_len(1).map(encode).collect()
    }

    fn encode_column(
        &self,
        index: usize,
        field: &Field,
        mut column: ArrowColumnWriter,
    ) -> Result<ArrowColumnChunk, Error> {
        for batch in &self.batches {
            // No column is nested: each has one leaf.
            for leaf in compute_leaves(field, batch.column(index))? {
                column.write(&leaf)?;
            }
        }
        Ok(column.close()?)
    }
}
