//! A Parquet file, row group after row group.
//!
//! The rows of a row group are held until there are enough, and then encoded column by column, on cores that are idle, and
//! while the rows of the next come.

use std::io::{BufWriter, IntoInnerError, Write};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::batch::Spare;
use crate::encoding::{Chunks, Encoding, Unencoded};
use crate::error::Error;

/// Bytes that are written at a time, where what is written comes in less: row groups that are copied come in 8 KB, and for
/// a file to grow by so little costs more than the bytes.
const WRITTEN: usize = 128 << 10;

/// A file that is being written.
pub(crate) struct RowGroups<W: Write + Send> {
    pub(crate) parquet: SerializedFileWriter<BufWriter<W>>,
    columns: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    /// The rows of the row group to come.
    group: RowGroup,
    /// The row group before it.
    encoding: Option<Arc<Encoding>>,
    /// The rows of each row group that was ended here.
    ended: Vec<usize>,
    most: Most,
    /// Takes columns that are encoded.
    pub(crate) spare: Spare,
}

/// What a row group has at the most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    pub(crate) rows: usize,
    /// Bytes before encoding, as they are counted by `count`.
    pub(crate) bytes: usize,
    pub(crate) count: fn(&RecordBatch) -> usize,
}

/// Who encodes a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hands {
    /// Every core, beside whoever writes.
    All,
    /// On a thread of a pool, those who help with [`RowGroups::unencoded`], and others that are idle; else the thread alone.
    OfThePool,
}

/// The threads of a pool that have something else to do beside a row group: one writes, another prepares what comes next.
const BUSY: usize = 2;

/// A row group of which nothing is encoded yet.
#[derive(Default)]
struct RowGroup {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

/// Writes the footer of a file whose row groups are all there, and gives back what was written into.
pub(crate) fn finish<W: Write + Send>(file: SerializedFileWriter<BufWriter<W>>) -> Result<W, Error> {
    let out = file.into_inner()?.into_inner().map_err(IntoInnerError::into_error);
    let mut out = out.map_err(ParquetError::from)?;
    out.flush().map_err(ParquetError::from)?;
    Ok(out)
}

impl<W: Write + Send> RowGroups<W> {
    pub(crate) fn new(out: W, schema: SchemaRef, properties: WriterProperties, most: Most) -> Result<Self, Error> {
        // The Arrow schema is told by the Parquet schema alone; embedded as well, it could only differ.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true)
            .with_schema_root("schema".to_owned());
        let writer = ArrowWriter::try_new_with_options(
            BufWriter::with_capacity(WRITTEN, out),
            SchemaRef::clone(&schema),
            options,
        )?;
        let (parquet, columns) = writer.into_serialized_writer()?;
        let (group, spare) = (RowGroup::default(), Spare::none());
        Ok(Self { parquet, columns, schema, group, encoding: None, ended: Vec::new(), most, spare })
    }

    /// Adds rows to the row group that is being written, and ends it when it is full.
    pub(crate) fn write(&mut self, batch: &RecordBatch, hands: Hands) -> Result<(), Error> {
        let (rows, bytes) = (batch.num_rows(), (self.most.count)(batch));
        if rows == 0 {
            return Ok(());
        }
        // A row group ends behind a batch: one of long texts is halved, lest it fill several.
        let room = self.most.rows - self.group.rows;
        let is_long = rows > 1 && bytes > self.most.bytes / 8;
        let fitting = if is_long { room.min(rows / 2) } else { room };
        if rows > fitting {
            self.write(&batch.slice(0, fitting), hands)?;
            return self.write(&batch.slice(fitting, rows - fitting), hands);
        }
        self.group.add(batch.clone(), bytes);
        if self.group.rows >= self.most.rows || self.group.bytes >= self.most.bytes {
            self.end_group(hands)?;
        }
        Ok(())
    }

    /// Ends the row group, if it has rows.
    pub(crate) fn end_group(&mut self, hands: Hands) -> Result<(), Error> {
        self.settle()?;
        let group = std::mem::take(&mut self.group);
        let Some(first) = group.batches.first() else { return Ok(()) };
        self.ended.push(group.rows);
        let leaves = self.columns.create_column_writers(self.parquet.flushed_row_groups().len())?;
        let roots = (0..leaves.len()).map(|leaf| self.parquet.schema_descr().get_column_root_idx(leaf));
        let mut columns: Vec<_> = self.schema.fields().iter().map(|_| Vec::new()).collect();
        roots.zip(leaves).for_each(|(root, leaf)| columns[root].push(leaf));
        // In the schema of the rows, of which texts may be held as bytes.
        let encoding = Arc::new(Encoding::new(&group.batches, first.schema(), columns, &self.spare));
        drop(group);
        match hands {
            Hands::All => encoding.call(rayon::current_num_threads()),
            Hands::OfThePool if is_of_a_pool() => encoding.call(rayon::current_num_threads().saturating_sub(BUSY)),
            Hands::OfThePool => return self.append(encoding.finish()?),
        }
        self.encoding = Some(encoding);
        Ok(())
    }

    /// What others may help with.
    pub(crate) fn unencoded(&self) -> Unencoded {
        self.encoding.as_ref().map(Encoding::unencoded).unwrap_or_default()
    }

    /// Takes the rows back of the row group that is being written.
    pub(crate) fn take_group(&mut self) -> Vec<RecordBatch> {
        std::mem::take(&mut self.group).batches
    }

    /// The file, with all that was written.
    pub(crate) fn into_inner(mut self, hands: Hands) -> Result<SerializedFileWriter<BufWriter<W>>, Error> {
        self.end_group(hands)?;
        self.settle()?;
        Ok(self.parquet)
    }

    /// The rows of each row group that was ended here.
    pub(crate) fn ended(&self) -> &[usize] {
        &self.ended
    }

    /// Has the row group encoded that has not been yet.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        let Some(encoding) = self.encoding.take() else { return Ok(()) };
        if is_of_a_pool() {
            encoding.call(rayon::current_num_threads() - 1);
        }
        let chunks = encoding.finish()?;
        self.append(chunks)
    }

    fn append(&mut self, chunks: Chunks) -> Result<(), Error> {
        let mut written = self.parquet.next_row_group()?;
        chunks.into_iter().flatten().try_for_each(|chunk| chunk.append_to_row_group(&mut written))?;
        written.close()?;
        Ok(())
    }
}

fn is_of_a_pool() -> bool {
    rayon::current_thread_index().is_some()
}

impl RowGroup {
    fn add(&mut self, batch: RecordBatch, bytes: usize) {
        self.rows += batch.num_rows();
        self.bytes += bytes;
        self.batches.push(batch);
    }
}

/// Bytes of rows of whatever shape: not of all that they are slices of.
pub(crate) fn bytes_of(batch: &RecordBatch) -> usize {
    let bytes = |column: &ArrayRef| {
        let data = column.to_data();
        data.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
    };
    batch.columns().iter().map(bytes).sum()
}
