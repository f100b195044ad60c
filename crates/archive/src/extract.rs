//! Messages to files for other programs: some columns, in the order given, as Parquet, Arrow or CSV.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chat::{Message, Sink};
use parquet::file::properties::WriterProperties;

use crate::batch::{Builder, typed};
use crate::columns::Messages;
use crate::csv::append_lines;
use crate::error::Error;
use crate::foreign::File;
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

/// Writes some columns of messages, in the order in which the messages come. Little more is held than two row groups.
///
/// Rows can be put together by an [`Extractor`] on other threads, several at once.
pub struct Extract<W: Write + Send> {
    extractor: Arc<Extractor>,
    file: File<W>,
}

/// Puts together what messages are in an [`Extract`].
pub struct Extractor {
    form: Form,
    promoted: Promoted,
    /// The places of the columns among those of the table, in the order asked for.
    places: Vec<usize>,
    schema: SchemaRef,
}

/// Rows of an extract that are being put together.
pub struct Extracting<'a> {
    extractor: &'a Extractor,
    builder: Builder<Messages>,
    extracted: Extracted,
}

/// Rows of an extract, ready to be written.
#[derive(Default)]
pub struct Extracted {
    batches: Vec<RecordBatch>,
    /// Of CSV these instead.
    lines: Vec<u8>,
    rows: u64,
}

impl Extractor {
    /// What extracts of these columns in this form are made by. Columns are those of [`crate::columns`], and promoted ones.
    ///
    /// # Errors
    ///
    /// [`Error::NoColumn`] when there is no such column.
    pub fn new(form: Form, columns: &[&str], promotions: &[Promotion]) -> Result<Self, Error> {
        // Those that nobody asks for are not worked out.
        let asked: Vec<_> =
            promotions.iter().filter(|promotion| columns.contains(&promotion.column.as_str())).cloned().collect();
        let promoted = Promoted::new(&asked);
        let schema = promoted.schema(Messages::schema());
        let place = |name: &&str| schema.index_of(name).map_err(|_| Error::NoColumn((*name).to_owned()));
        let places: Vec<usize> = columns.iter().map(place).collect::<Result<_, _>>()?;
        let schema = SchemaRef::new(schema.project(&places)?);
        Ok(Self { form, promoted, places, schema })
    }

    /// Begins to put rows together.
    #[must_use]
    pub fn begin(&self) -> Extracting<'_> {
        Extracting { extractor: self, builder: Builder::new(), extracted: Extracted::default() }
    }

    fn add(&self, chunk: &RecordBatch, extracted: &mut Extracted) -> Result<(), Error> {
        if chunk.num_rows() == 0 {
            return Ok(());
        }
        let rows = self.promoted.of(chunk)?.project(&self.places)?;
        let rows = typed(&rows, SchemaRef::clone(&self.schema))?;
        match self.form {
            Form::Csv => append_lines(&mut extracted.lines, &rows)?,
            Form::Arrow | Form::Parquet => extracted.batches.push(rows),
        }
        extracted.rows += chunk.num_rows() as u64;
        Ok(())
    }
}

impl Extracting<'_> {
    /// Adds messages.
    ///
    /// # Errors
    ///
    /// When a value does not fit into its column.
    pub fn append(&mut self, messages: &[Message<'_>]) -> Result<(), Error> {
        let Self { extractor, builder, extracted } = self;
        let rows: Vec<_> = messages.iter().collect();
        builder.append(&rows, |chunk| extractor.add(&chunk, extracted))
    }

    /// The rows of all messages, in their order.
    ///
    /// # Errors
    ///
    /// As [`Extracting::append`].
    pub fn finish(mut self) -> Result<Extracted, Error> {
        let rest = self.builder.finish()?;
        self.extractor.add(&rest, &mut self.extracted)?;
        Ok(self.extracted)
    }
}

impl Extracted {
    /// How many rows these are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

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
        Self::of(Arc::new(Extractor::new(form, columns, promotions)?), out)
    }

    /// A writer into `out` of what an extractor puts together.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn of(extractor: Arc<Extractor>, out: W) -> Result<Self, Error> {
        let properties = properties_of_messages(extractor.promoted.promotions())?;
        let file = File::new(out, extractor.form, &extractor.schema, properties)?;
        Ok(Self { extractor, file })
    }

    /// Adds rows of its extractor.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn add(&mut self, rows: &Extracted) -> Result<(), Error> {
        self.file.write_lines(&rows.lines)?;
        rows.batches.iter().try_for_each(|batch| self.file.write(batch))
    }
}

impl<W: Write + Send> Sink for Extract<W> {
    type Done = W;
    type Error = Error;

    fn write(&mut self, batch: &[Message<'_>]) -> Result<(), Error> {
        let mut rows = self.extractor.begin();
        rows.append(batch)?;
        let rows = rows.finish()?;
        self.add(&rows)
    }

    fn finish(self) -> Result<W, Error> {
        self.file.finish()
    }
}

fn properties_of_messages(promotions: &[Promotion]) -> Result<WriterProperties, Error> {
    Ok(properties::<Messages>(&Settings::default(), promotions)?
        .into_builder()
        // Columns are counted otherwise here, rows may come in any order, and it is no file of the archive.
        .set_sorting_columns(None)
        .set_key_value_metadata(None)
        .build())
}
