//! Messages to files for other programs: some columns, in the order given, as Parquet, Arrow or CSV.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::ipc::writer::FileWriter;
use chat::{Message, Sink};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::batch::Builder;
use crate::columns::Messages;
use crate::csv::Csv;
use crate::error::Error;
use crate::layout::properties;
use crate::promotion::{Promoted, Promotion};
use crate::settings::Settings;
use crate::table::Table;

/// What an [`Extract`] is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An Arrow IPC file, uncompressed, which readers may map.
    Arrow,
    /// RFC 4180 with a header, UTF-8. Null is nothing between two commas, an empty text is `""`; times are RFC 3339 in UTC,
    /// `2026-03-14T09:00:00.001Z`; truth is `true` or `false`.
    Csv,
    /// Parquet, laid out as the files of the archive are, but for their order and number.
    Parquet,
}

/// Writes some columns of messages, in the order in which the messages come. Little more is held than a row group.
pub struct Extract<W: Write + Send> {
    builder: Builder<Messages>,
    promoted: Promoted,
    /// The places of the columns among those of the table, in the order asked for.
    places: Vec<usize>,
    file: File<W>,
}

pub(crate) enum File<W: Write + Send> {
    Arrow(Box<FileWriter<W>>),
    Csv(Csv<W>),
    Parquet(Box<ArrowWriter<W>>),
}

/// Bytes of a row group of an extract as encoded, by the estimate of the writer, which holds so many.
const ROW_GROUP_BYTES: usize = 64 << 20;

impl<W: Write + Send> Extract<W> {
    /// A writer into `out`. Columns are those of [`crate::columns`].
    ///
    /// # Errors
    ///
    /// [`Error::NoColumn`] when there is no such column; else when the output fails.
    pub fn new(out: W, form: Form, columns: &[&str]) -> Result<Self, Error> {
        Self::promoting(out, form, columns, &[])
    }

    /// The same, where columns may be promoted ones too.
    ///
    /// # Errors
    ///
    /// As [`Extract::new`].
    pub fn promoting(out: W, form: Form, columns: &[&str], promotions: &[Promotion]) -> Result<Self, Error> {
        // Those that nobody asks for are not worked out.
        let asked: Vec<_> =
            promotions.iter().filter(|promotion| columns.contains(&promotion.column.as_str())).cloned().collect();
        let promoted = Promoted::new(&asked);
        let schema = promoted.schema(Messages::schema());
        let place = |name: &&str| schema.index_of(name).map_err(|_| Error::NoColumn((*name).to_owned()));
        let places: Vec<usize> = columns.iter().map(place).collect::<Result<_, _>>()?;
        let properties = properties_of_messages(promoted.promotions())?;
        let file = File::new(out, form, &schema.project(&places)?, properties)?;
        Ok(Self { builder: Builder::new(Messages::schema()), promoted, places, file })
    }
}

impl<W: Write + Send> Sink for Extract<W> {
    type Done = W;
    type Error = Error;

    fn write(&mut self, batch: &[Message<'_>]) -> Result<(), Error> {
        let rows: Vec<_> = batch.iter().collect();
        self.builder.append(&rows, |chunk| self.file.write(&self.promoted.of(&chunk)?.project(&self.places)?))
    }

    fn finish(mut self) -> Result<W, Error> {
        let rest = self.builder.finish()?;
        self.file.write(&self.promoted.of(&rest)?.project(&self.places)?)?;
        self.file.finish()
    }
}

impl<W: Write + Send> File<W> {
    pub(crate) fn new(out: W, form: Form, schema: &Schema, properties: WriterProperties) -> Result<Self, Error> {
        Ok(match form {
            Form::Arrow => Self::Arrow(Box::new(FileWriter::try_new(out, schema)?)),
            Form::Csv => Self::Csv(Csv::new(out, schema)?),
            Form::Parquet => Self::Parquet(Box::new(parquet(out, schema, properties)?)),
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        match self {
            _ if batch.num_rows() == 0 => Ok(()),
            Self::Arrow(file) => Ok(file.write(batch)?),
            Self::Csv(file) => file.write(batch),
            Self::Parquet(file) => Ok(file.write(batch)?),
        }
    }

    pub(crate) fn finish(self) -> Result<W, Error> {
        Ok(match self {
            Self::Arrow(file) => file.into_inner()?,
            Self::Csv(file) => file.finish()?,
            Self::Parquet(file) => {
                let mut out = file.into_inner()?;
                out.flush().map_err(ParquetError::from)?;
                out
            }
        })
    }
}

fn properties_of_messages(promotions: &[Promotion]) -> Result<WriterProperties, Error> {
    Ok(properties::<Messages>(&Settings::default(), promotions)?
        .into_builder()
        // Columns are counted otherwise here, rows may come in any order, and it is no file of the archive.
        .set_sorting_columns(None)
        .set_key_value_metadata(None)
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .build())
}

/// For rows of whatever shape.
pub(crate) fn properties_of_any() -> Result<WriterProperties, Error> {
    let level = ZstdLevel::try_new(Settings::default().compression)?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level));
    Ok(properties.set_max_row_group_bytes(Some(ROW_GROUP_BYTES)).build())
}

fn parquet<W: Write + Send>(out: W, schema: &Schema, properties: WriterProperties) -> Result<ArrowWriter<W>, Error> {
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true)
        .with_schema_root("schema".to_owned());
    Ok(ArrowWriter::try_new_with_options(out, schema.clone().into(), options)?)
}
