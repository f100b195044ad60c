//! The files of an export: begun when there is a row for one, hashed while they are written, and ended when they are large.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use archive::{Extract, Form, Promotion};
use chat::{Message, Sink as _};
use sha2::{Digest as _, Sha256};

use super::error::ExportError;
use super::manifest::FileFacts;
use super::{Format, Secrets};

/// Where the bytes of a file go.
pub(super) enum Out {
    File(BufWriter<File>),
    Stream(Box<dyn Write + Send>),
}

/// Makes the next file, with its name.
pub(super) type NextFile<'a> = Box<dyn FnMut(usize) -> Result<(String, Out), ExportError> + 'a>;

/// The files, in their order.
pub(super) struct Parts<'a> {
    pub(super) format: Format,
    pub(super) columns: Vec<&'a str>,
    pub(super) promotions: &'a [Promotion],
    pub(super) secrets: Secrets,
    pub(super) next: NextFile<'a>,
    /// Bytes at which a file ends and another begins.
    pub(super) most_bytes: u64,
    pub(super) open: Option<Part>,
    pub(super) done: Vec<FileFacts>,
}

/// A file that is being written.
pub(super) struct Part {
    name: String,
    rows: u64,
    bytes: Arc<AtomicU64>,
    sink: Sink,
}

enum Sink {
    Lines(Hashed),
    Table(Box<Extract<Hashed>>),
}

impl Parts<'_> {
    /// Writes rows, which are not none.
    pub(super) fn write(&mut self, rows: &[Message<'static>]) -> Result<(), ExportError> {
        let mut part = match self.open.take() {
            Some(part) => part,
            None => {
                let (name, out) = (self.next)(self.done.len() + 1)?;
                Part::new(name, out, self.format, &self.columns, self.promotions)?
            }
        };
        part.write(rows, self.secrets)?;
        if part.bytes.load(Ordering::Relaxed) >= self.most_bytes {
            self.done.push(part.finish()?);
        } else {
            self.open = Some(part);
        }
        Ok(())
    }

    /// The files, all whole.
    pub(super) fn finish(mut self) -> Result<Vec<FileFacts>, ExportError> {
        if let Some(part) = self.open.take() {
            self.done.push(part.finish()?);
        }
        Ok(self.done)
    }
}

impl Part {
    fn new(
        name: String,
        out: Out,
        format: Format,
        columns: &[&str],
        promotions: &[Promotion],
    ) -> Result<Self, ExportError> {
        let bytes = Arc::new(AtomicU64::new(0));
        let out = Hashed { out, hasher: Sha256::new(), bytes: Arc::clone(&bytes) };
        let table =
            |out, form| Extract::promoting(out, form, columns, promotions).map(|table| Sink::Table(Box::new(table)));
        let sink = match format {
            Format::Arrow => table(out, Form::Arrow),
            Format::Csv => table(out, Form::Csv),
            Format::Ndjson => Ok(Sink::Lines(out)),
            Format::Parquet => table(out, Form::Parquet),
        };
        let sink = sink.map_err(|source| ExportError::Write { name: name.clone(), source })?;
        Ok(Self { name, rows: 0, bytes, sink })
    }

    fn write(&mut self, rows: &[Message<'static>], secrets: Secrets) -> Result<(), ExportError> {
        self.rows += rows.len() as u64;
        match &mut self.sink {
            Sink::Table(table) => {
                table.write(rows).map_err(|source| ExportError::Write { name: self.name.clone(), source })
            }
            Sink::Lines(out) => {
                let mut write = |row| -> Result<(), LineError> { Ok(out.write_all(line(row, secrets)?.as_bytes())?) };
                rows.iter().try_for_each(&mut write).map_err(|error| error.of(&self.name))
            }
        }
    }

    /// The file is on the disk for good afterwards, under the name that it was made with.
    fn finish(self) -> Result<FileFacts, ExportError> {
        let Self { name, rows, bytes, sink } = self;
        let out = match sink {
            Sink::Lines(out) => Ok(out),
            Sink::Table(table) => table.finish(),
        };
        let out = out.map_err(|source| ExportError::Write { name: name.clone(), source })?;
        let sha256 = out.finish().map_err(|source| LineError::Io(source).of(&name))?;
        Ok(FileFacts { name, rows, bytes: bytes.load(Ordering::Relaxed), sha256 })
    }
}

/// The record of a row with its line end.
fn line(row: &Message<'_>, secrets: Secrets) -> Result<String, LineError> {
    let rebuilt = decode::rebuild(row).and_then(|record| match secrets {
        Secrets::Kept => Ok(record),
        Secrets::LeftOut => decode::record_without_secrets(&record).map(std::borrow::Cow::into_owned),
    });
    let failed = |source| ExportError::Rebuild { hour: row.position.source_hour, line: row.position.line, source };
    let mut line = rebuilt.map_err(|error| LineError::Record(Box::new(failed(error))))?;
    // A record that was kept as it was served may stand on several lines; between its tokens any white space is the same.
    if line.contains(['\n', '\r']) {
        line = line.replace(['\n', '\r'], " ");
    }
    line.push('\n');
    Ok(line)
}

enum LineError {
    Io(io::Error),
    Record(Box<ExportError>),
}

impl From<io::Error> for LineError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl LineError {
    fn of(self, name: &str) -> ExportError {
        match self {
            Self::Io(source) => ExportError::Target { action: "write", path: name.into(), source },
            Self::Record(error) => *error,
        }
    }
}

/// Counts and hashes what goes through.
struct Hashed {
    out: Out,
    hasher: Sha256,
    bytes: Arc<AtomicU64>,
}

impl Hashed {
    fn finish(mut self) -> io::Result<String> {
        self.flush()?;
        if let Out::File(file) = self.out {
            file.into_inner()?.sync_all()?;
        }
        Ok(self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.out {
            Out::File(file) => file.write(bytes)?,
            Out::Stream(stream) => stream.write(bytes)?,
        };
        self.hasher.update(&bytes[..written]);
        self.bytes.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::File(file) => file.flush(),
            Out::Stream(stream) => stream.flush(),
        }
    }
}
