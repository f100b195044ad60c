//! The rows that answer a query.

use std::io::Write;

use datafusion::arrow::array::{Array as _, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::writer::{LineDelimited, Writer, WriterBuilder};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;

use super::error::SqlError;

/// The answer to a query, which comes as it is asked for.
pub struct Answer {
    stream: SendableRecordBatchStream,
    tables: Vec<String>,
}

/// Some rows of an answer.
pub struct Batch {
    pub(crate) rows: RecordBatch,
}

/// A value as it is shown to a person.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Null.
    Nothing,
    /// A text, or whatever else as text.
    Text(String),
}

/// What an answer is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An Arrow IPC file.
    Arrow,
    /// RFC 4180 with a header.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// Parquet.
    Parquet,
}

impl Answer {
    pub(super) fn new(stream: SendableRecordBatchStream, tables: Vec<String>) -> Self {
        Self { stream, tables }
    }

    /// The names of its columns, in order; several may have the same.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        self.stream.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Its columns with their types.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.stream.schema()
    }

    /// The next rows; `None` when there are no more.
    ///
    /// # Errors
    ///
    /// As [`super::Database::ask`].
    pub async fn next(&mut self) -> Result<Option<Batch>, SqlError> {
        let rows = self.stream.next().await.transpose().map_err(|error| SqlError::of(error, &self.tables))?;
        Ok(rows.map(|rows| Batch { rows }))
    }

    /// Writes all rows, and says how many there were. Nothing is written before the first are there.
    ///
    /// # Errors
    ///
    /// As [`super::Database::ask`]; and when the output fails, which may have taken some bytes.
    pub async fn write<W: Write + Send>(mut self, form: Form, out: W) -> Result<u64, SqlError> {
        let mut batch = self.next().await?;
        let mut file = File::new(out, form, &self.stream.schema())?;
        let mut count = 0;
        while let Some(Batch { rows }) = batch {
            count += rows.num_rows() as u64;
            file.write(&rows)?;
            batch = self.next().await.map_err(SqlError::after_beginning)?;
        }
        file.finish()?.flush()?;
        Ok(count)
    }
}

impl Batch {
    /// The rows as texts, one value for each column.
    ///
    /// # Errors
    ///
    /// When a value has no form as text.
    pub fn values(&self) -> Result<Vec<Vec<Value>>, SqlError> {
        let format = FormatOptions::new();
        let columns = self.rows.columns().iter().map(|column| ArrayFormatter::try_new(column, &format));
        let columns: Vec<_> = columns.collect::<Result<_, _>>().map_err(unwritable)?;
        let value = |column: usize, row: usize| {
            if self.rows.column(column).is_null(row) {
                return Ok(Value::Nothing);
            }
            columns[column].value(row).try_to_string().map(Value::Text).map_err(unwritable)
        };
        (0..self.rows.num_rows()).map(|row| (0..columns.len()).map(|column| value(column, row)).collect()).collect()
    }
}

/// A file that answers are written into.
pub(crate) enum File<W: Write + Send> {
    Jsonl(Box<Writer<W, LineDelimited>>),
    Sheet(archive::Sheet<W>),
}

impl<W: Write + Send> File<W> {
    pub(crate) fn new(out: W, form: Form, schema: &SchemaRef) -> Result<Self, archive::Error> {
        let form = match form {
            Form::Jsonl => return Ok(Self::Jsonl(Box::new(WriterBuilder::new().with_explicit_nulls(true).build(out)))),
            Form::Arrow => archive::Form::Arrow,
            Form::Csv => archive::Form::Csv,
            Form::Parquet => archive::Form::Parquet,
        };
        Ok(Self::Sheet(archive::Sheet::new(out, form, schema)?))
    }

    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), archive::Error> {
        match self {
            Self::Jsonl(file) => Ok(file.write(rows)?),
            Self::Sheet(file) => file.write(rows),
        }
    }

    pub(crate) fn finish(self) -> Result<W, archive::Error> {
        match self {
            Self::Jsonl(mut file) => {
                file.finish()?;
                Ok(file.into_inner())
            }
            Self::Sheet(file) => file.finish(),
        }
    }
}

fn unwritable(error: ArrowError) -> SqlError {
    archive::Error::from(error).into()
}
