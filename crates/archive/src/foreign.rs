//! A file for other programs, batch after batch, in one of three forms.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::FileWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::csv::{Csv, append_lines};
use crate::error::Error;
use crate::extract::Form;
use crate::row_groups::{self, Hands, Most, RowGroups, bytes_of};
use crate::settings::Settings;

/// A file that is being written. Little more is held than two row groups.
pub(crate) struct File<W: Write + Send> {
    body: Body<W>,
    few: Few,
}

enum Body<W: Write + Send> {
    Arrow(Box<FileWriter<W>>),
    Csv(Csv<W>),
    Parquet(Box<RowGroups<W>>),
}

/// Rows of a row group, which warehouses read one at a time: some 26 MiB of ordinary messages. Two are held, of which one is
/// encoded.
const ROW_GROUP_ROWS: usize = 65_536;

/// Bytes of a row group before encoding.
const ROW_GROUP_BYTES: usize = 64 << 20;

impl<W: Write + Send> File<W> {
    pub(crate) fn new(out: W, form: Form, schema: &SchemaRef, properties: WriterProperties) -> Result<Self, Error> {
        let body = match form {
            Form::Arrow => Body::Arrow(Box::new(FileWriter::try_new(out, schema)?)),
            Form::Csv => Body::Csv(Csv::new(out, schema)?),
            Form::Parquet => {
                let properties = properties.into_builder().set_max_row_group_row_count(None).build();
                let most = Most { rows: ROW_GROUP_ROWS, bytes: ROW_GROUP_BYTES, count: bytes_of };
                Body::Parquet(Box::new(RowGroups::new(out, SchemaRef::clone(schema), properties, most)?))
            }
        };
        Ok(Self { body, few: Few::default() })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        match &mut self.body {
            Body::Csv(file) => {
                let mut lines = Vec::new();
                append_lines(&mut lines, batch)?;
                file.write(&lines)
            }
            body => self.few.add(batch, |batch| body.write(batch)),
        }
    }

    /// Adds lines that were put together elsewhere, to a file of lines.
    pub(crate) fn write_lines(&mut self, lines: &[u8]) -> Result<(), Error> {
        match &mut self.body {
            Body::Csv(file) => file.write(lines),
            Body::Arrow(_) | Body::Parquet(_) => Ok(()),
        }
    }

    pub(crate) fn finish(mut self) -> Result<W, Error> {
        self.few.end(|batch| self.body.write(batch))?;
        match self.body {
            Body::Arrow(file) => Ok(file.into_inner()?),
            Body::Csv(file) => file.finish(),
            Body::Parquet(file) => row_groups::finish(file.into_inner(Hands::All)?),
        }
    }
}

impl<W: Write + Send> Body<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        match self {
            Self::Arrow(file) => Ok(file.write(batch)?),
            Self::Parquet(file) => file.write(batch, Hands::All),
            Self::Csv(_) => Ok(()),
        }
    }
}

/// Batches of few rows, which are put together: each costs what one of many does.
#[derive(Default)]
struct Few {
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Few {
    /// Rows from which a batch is written as it is.
    const MANY_ROWS: usize = 4_096;
    /// Bytes from which it is, too.
    const MANY_BYTES: usize = 4 << 20;

    /// Adds a batch, and hands on what is enough, in order.
    fn add(
        &mut self,
        batch: &RecordBatch,
        mut write: impl FnMut(&RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (rows, bytes) = (batch.num_rows(), bytes_of(batch));
        if rows >= Self::MANY_ROWS || bytes >= Self::MANY_BYTES {
            self.end(&mut write)?;
            return write(batch);
        }
        if rows > 0 {
            self.batches.push(batch.clone());
        }
        (self.rows, self.bytes) = (self.rows + rows, self.bytes + bytes);
        if self.rows >= Self::MANY_ROWS || self.bytes >= Self::MANY_BYTES { self.end(write) } else { Ok(()) }
    }

    /// Hands on what is left.
    fn end(&mut self, mut write: impl FnMut(&RecordBatch) -> Result<(), Error>) -> Result<(), Error> {
        let Self { batches, .. } = std::mem::take(self);
        match batches.first() {
            Some(first) => write(&concat_batches(&first.schema(), &batches)?),
            None => Ok(()),
        }
    }
}

/// For rows of whatever shape.
pub(crate) fn properties_of_any() -> Result<WriterProperties, Error> {
    let level = ZstdLevel::try_new(Settings::default().compression)?;
    Ok(WriterProperties::builder().set_compression(Compression::ZSTD(level)).build())
}
