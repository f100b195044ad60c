//! Rows to files.

use std::fs::File;
use std::io::{self, Write};

use arrow::array::RecordBatch;
use chat::{Attachment, DeadLetter, Entry, Message, Sink, Timestamp};

use crate::batch::{Builder, Spare, typed};
use crate::columns::{Attachments, DeadLetters, Entries, Messages};
use crate::encoding::Unencoded;
use crate::error::Error;
use crate::file::TableFile;
use crate::layout::{properties, unpacked};
use crate::promotion::Promotion;
use crate::settings::Settings;
use crate::sort::{Sorter, Split, Splitter};
use crate::statistics::Statistics;
use crate::table::Table;

/// A finished file.
#[derive(Debug)]
pub struct Written<W> {
    /// The output, after its last byte was written and flushed.
    pub out: W,
    /// Rows of the file.
    pub rows: u64,
    /// The earliest time among its messages.
    pub min_sent_at: Option<Timestamp>,
    /// The latest time among its messages.
    pub max_sent_at: Option<Timestamp>,
    /// What the table's log keeps of it.
    pub statistics: Statistics,
}

/// Writes the messages of one file, in any order; `finish` sorts them by (`source_hour`, `sent_at`, `msg_id`, `part`,
/// `line`), nulls last.
///
/// Nothing but Parquet's first four bytes reaches the output before `finish`; what is done before lies in a temporary file.
pub struct Writer<W: Write + Send> {
    file: TableFile<W, Messages>,
    /// Splits the rows between the two builders.
    splitter: Splitter,
    ordered: Builder<Messages>,
    others: Builder<Messages>,
    sorter: Sorter,
}

impl<W: Write + Send> Writer<W> {
    /// A writer into `out`. `spill` gives an empty temporary file, open to read and write, that goes when it is closed;
    /// it is asked for one whenever the rows exceed [`Settings::memory`].
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn new(
        out: W,
        spill: impl FnMut() -> io::Result<File> + Send + 'static,
        settings: Settings,
    ) -> Result<Self, Error> {
        Self::promoting(out, spill, settings, &[])
    }

    /// The same, with promoted columns behind those of the table.
    ///
    /// # Errors
    ///
    /// As [`Writer::new`].
    pub fn promoting(
        out: W,
        spill: impl FnMut() -> io::Result<File> + Send + 'static,
        settings: Settings,
        promotions: &[Promotion],
    ) -> Result<Self, Error> {
        Ok(Self {
            file: TableFile::new(out, &settings, promotions)?,
            splitter: Splitter::default(),
            ordered: Builder::new(),
            others: Builder::new(),
            sorter: Sorter::new(settings, promotions, Box::new(spill)),
        })
    }

    /// The same, which takes the memory of its columns from what others gave back, and gives it back. Nothing was written yet.
    #[must_use]
    pub fn in_memory_of(mut self, spare: &Spare) -> Self {
        self.ordered = Builder::in_memory_of(spare.clone());
        self.sorter = self.sorter.giving_back_to(spare);
        self.file = self.file.giving_back_to(spare);
        self
    }

    /// Columns that were not encoded yet when this was asked, for threads that have nothing else to do. Nobody need help: the
    /// writer encodes what is left.
    #[must_use]
    pub fn unencoded(&self) -> Unencoded {
        self.sorter.unencoded()
    }
}

impl<W: Write + Send> Sink for Writer<W> {
    type Done = Written<W>;
    type Error = Error;

    fn write(&mut self, batch: &[Message<'_>]) -> Result<(), Error> {
        let Split { ordered, others } = self.splitter.split(batch);
        self.others.append(&others, |chunk| self.sorter.push(chunk))?;
        self.ordered.append(&ordered, |chunk| {
            // They belong before the end of the chunk, most of them, and must be known before it goes.
            self.sorter.push(self.others.finish()?)?;
            self.sorter.push_ordered(chunk)
        })
    }

    fn finish(mut self) -> Result<Written<W>, Error> {
        self.sorter.push(self.others.finish()?)?;
        drop(self.others);
        self.sorter.push_ordered(self.ordered.finish()?)?;
        drop(self.ordered);
        self.sorter.finish()?.write_into(&mut self.file)?;
        self.file.finish()
    }
}

/// Writes the dead letters of one file, in the order given.
pub struct DeadLetterWriter<W: Write + Send> {
    file: TableFile<W, DeadLetters>,
    builder: Builder<DeadLetters>,
}

impl<W: Write + Send> DeadLetterWriter<W> {
    /// A writer into `out`.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn new(out: W, settings: Settings) -> Result<Self, Error> {
        Ok(Self { file: TableFile::new(out, &settings, &[])?, builder: Builder::new() })
    }

    /// Takes a batch.
    ///
    /// # Errors
    ///
    /// When the output fails, or a value does not fit into its column.
    pub fn write(&mut self, batch: &[DeadLetter<'_>]) -> Result<(), Error> {
        let letters: Vec<_> = batch.iter().collect();
        self.builder.append(&letters, |chunk| self.file.write(&chunk))
    }

    /// Completes the file.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn finish(mut self) -> Result<Written<W>, Error> {
        self.file.write(&self.builder.finish()?)?;
        self.file.finish()
    }
}

/// Writes a file of dead letters, in the order given.
///
/// # Errors
///
/// When the output fails, or a value does not fit into its column.
pub fn write_dead_letters<W: Write + Send>(out: W, letters: &[DeadLetter<'_>]) -> Result<Written<W>, Error> {
    let mut writer = DeadLetterWriter::new(out, Settings::default())?;
    writer.write(letters)?;
    writer.finish()
}

/// Ledger entries below which their file is not packed. A night of hours has a file for each.
const FEW_ENTRIES: usize = 64;

/// Writes a file of ledger entries, in the order given.
///
/// # Errors
///
/// When the output fails, or a value does not fit into its column; the names of files and the digests must have no
/// comma.
pub fn write_entries<W: Write + Send>(out: W, entries: &[Entry]) -> Result<Written<W>, Error> {
    let settings = Settings::default();
    let layout = if entries.len() < FEW_ENTRIES { unpacked::<Entries> } else { properties::<Entries> };
    let mut file = TableFile::<W, Entries>::laid_out(out, &settings, layout(&settings, &[])?, &[])?;
    let mut builder = Builder::<Entries>::new();
    entries.iter().try_for_each(Entries::check)?;
    let rows: Vec<_> = entries.iter().collect();
    builder.append(&rows, |chunk| file.write(&chunk))?;
    file.write(&builder.finish()?)?;
    file.finish()
}

/// Ledger entries in the columns of [`crate::entry_schema`].
///
/// # Errors
///
/// When a value does not fit into its column.
pub fn entry_batches(entries: &[Entry]) -> Result<Vec<RecordBatch>, Error> {
    let mut builder = Builder::<Entries>::new();
    let mut batches = Vec::new();
    let rows: Vec<_> = entries.iter().collect();
    builder.append(&rows, |chunk| {
        batches.push(chunk);
        Ok(())
    })?;
    batches.push(builder.finish()?);
    batches.iter().map(|batch| typed(batch, Entries::schema())).collect()
}

/// Writes a file of attachments, in the order given.
///
/// # Errors
///
/// When the output fails, or a value does not fit into its column.
pub fn write_attachments<W: Write + Send>(out: W, attachments: &[Attachment]) -> Result<Written<W>, Error> {
    let mut file = TableFile::<W, Attachments>::new(out, &Settings::default(), &[])?;
    let mut builder = Builder::<Attachments>::new();
    let rows: Vec<_> = attachments.iter().collect();
    builder.append(&rows, |chunk| file.write(&chunk))?;
    file.write(&builder.finish()?)?;
    file.finish()
}
