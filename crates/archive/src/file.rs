//! A Parquet file of a table, row group after row group.

use std::io::Write;
use std::marker::PhantomData;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use crate::copy::{Chunks, StoredGroup};
use crate::error::Error;
use crate::layout::properties;
use crate::settings::Settings;
use crate::sort::text_bytes;
use crate::statistics::Statistics;
use crate::table::Table;
use crate::write::Written;

/// A file that is being written.
pub(crate) struct TableFile<W: Write + Send, T> {
    parquet: SerializedFileWriter<W>,
    columns: ArrowRowGroupWriterFactory,
    /// The row group that is being written.
    group: Option<RowGroup>,
    group_rows: usize,
    group_bytes: usize,
    table: PhantomData<T>,
}

/// A row group of which nothing is in the file yet.
struct RowGroup {
    schema: SchemaRef,
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
    /// Bytes of its texts.
    bytes: usize,
}

impl<W: Write + Send, T: Table> TableFile<W, T> {
    pub(crate) fn new(out: W, settings: &Settings) -> Result<Self, Error> {
        // The Arrow schema is told by the Parquet schema alone; embedded as well, it could only differ.
        let options = ArrowWriterOptions::new()
            .with_properties(properties::<T>(settings)?)
            .with_skip_arrow_metadata(true)
            .with_schema_root("schema".to_owned());
        let (parquet, columns) =
            ArrowWriter::try_new_with_options(out, T::schema(), options)?.into_serialized_writer()?;
        Ok(Self {
            parquet,
            columns,
            group: None,
            group_rows: settings.row_group_rows.max(1),
            group_bytes: settings.row_group_bytes.min(Settings::MOST_ROW_GROUP_BYTES),
            table: PhantomData,
        })
    }

    /// Adds rows to the row group that is being written, and ends it when it is full.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let (rows, bytes) = (batch.num_rows(), text_bytes(batch));
        if rows == 0 {
            return Ok(());
        }
        // A row group ends behind a batch: one of long texts is halved, lest it fill several.
        let room = self.group_rows - self.group.as_ref().map_or(0, |group| group.rows);
        let is_long = rows > 1 && bytes > self.group_bytes / 8;
        let fitting = if is_long { room.min(rows / 2) } else { room };
        if rows > fitting {
            self.write(&batch.slice(0, fitting))?;
            return self.write(&batch.slice(fitting, rows - fitting));
        }
        let group = match &mut self.group {
            Some(group) => group,
            none => none.insert(RowGroup::new(&self.parquet, &self.columns, T::schema())?),
        };
        group.write(batch, bytes)?;
        if group.rows >= self.group_rows || group.bytes >= self.group_bytes {
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
        let is_large = group.rows() >= self.group_rows / 8 || group.bytes() >= self.group_bytes / 8;
        is_large && group.is_laid_out_as(self.parquet.schema_descr(), self.parquet.properties())
    }

    pub(crate) fn finish(mut self) -> Result<Written<W>, Error> {
        self.end_group()?;
        let statistics = Statistics::of::<T>(self.parquet.flushed_row_groups());
        let mut out = self.parquet.into_inner()?;
        out.flush().map_err(ParquetError::from)?;
        let (min_sent_at, max_sent_at) = statistics.times("sent_at");
        Ok(Written { out, rows: statistics.rows, min_sent_at, max_sent_at, statistics })
    }

    fn end_group(&mut self) -> Result<(), Error> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let mut written = self.parquet.next_row_group()?;
        for column in group.columns {
            column.close()?.append_to_row_group(&mut written)?;
        }
        written.close()?;
        Ok(())
    }
}

impl RowGroup {
    fn new<W: Write + Send>(
        parquet: &SerializedFileWriter<W>,
        columns: &ArrowRowGroupWriterFactory,
        schema: SchemaRef,
    ) -> Result<Self, Error> {
        let columns = columns.create_column_writers(parquet.flushed_row_groups().len())?;
        Ok(Self { schema, columns, rows: 0, bytes: 0 })
    }

    fn write(&mut self, batch: &RecordBatch, bytes: usize) -> Result<(), Error> {
        self.rows += batch.num_rows();
        self.bytes += bytes;
        for ((field, array), column) in self.schema.fields().iter().zip(batch.columns()).zip(&mut self.columns) {
            // No column is nested: each has one leaf.
            for leaf in compute_leaves(field, array)? {
                column.write(&leaf)?;
            }
        }
        Ok(())
    }
}
