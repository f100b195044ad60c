//! The files of an export: begun when there is a row for one, hashed while they are written, and ended when they are large.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use store::{SealedUpload, Upload};

use super::error::ExportError;
use super::manifest::FileFacts;
use super::settling::Settling;

/// Where the bytes of a file go.
pub(super) enum Out {
    File(Settling),
    /// An object of a bucket, put with the others when all of it was sent.
    Object(Box<Upload>, Sealed),
    Stream(Box<dyn Write + Send>),
}

/// The objects of an export that were sent and are to appear, in their order.
pub(super) type Sealed = Arc<Mutex<Vec<SealedUpload>>>;

/// Makes the next file, with its name.
pub(super) type NextFile<'a> = Box<dyn FnMut(usize) -> Result<(String, Out), ExportError> + 'a>;

/// What is in the files, and in which form: messages, or what a query answers.
pub(super) trait Form {
    /// Some rows.
    type Rows: ?Sized;
    /// A file that takes them.
    type File;

    /// Begins a file.
    fn begin(&self, out: Hashed) -> Result<Self::File, PartError>;
    /// Writes rows, and says how many.
    fn write(&self, file: &mut Self::File, rows: &Self::Rows) -> Result<u64, PartError>;
    /// Ends a file.
    fn end(&self, file: Self::File) -> Result<Hashed, PartError>;
}

/// Why rows could not be written.
pub(super) enum PartError {
    Io(io::Error),
    Rows(archive::Error),
    Other(Box<ExportError>),
}

/// The files, in their order.
pub(super) struct Parts<'a, F: Form> {
    form: F,
    next: NextFile<'a>,
    /// Bytes at which a file ends and another begins.
    most_bytes: u64,
    open: Option<Part<F::File>>,
    done: Vec<FileFacts>,
}

/// A file that is being written.
struct Part<F> {
    name: String,
    rows: u64,
    bytes: Arc<AtomicU64>,
    file: F,
}

impl<'a, F: Form> Parts<'a, F> {
    pub(super) fn new(form: F, next: NextFile<'a>, most_bytes: u64) -> Self {
        Self { form, next, most_bytes, open: None, done: Vec::new() }
    }

    /// Writes rows, which are not none.
    pub(super) fn write(&mut self, rows: &F::Rows) -> Result<(), ExportError> {
        let mut part = match self.open.take() {
            Some(part) => part,
            None => {
                let (name, out) = (self.next)(self.done.len() + 1)?;
                Part::begin(&self.form, name, out)?
            }
        };
        part.write(&self.form, rows)?;
        if part.bytes.load(Ordering::Relaxed) >= self.most_bytes {
            self.done.push(part.finish(&self.form)?);
        } else {
            self.open = Some(part);
        }
        Ok(())
    }

    /// The files, all whole.
    pub(super) fn finish(mut self) -> Result<Vec<FileFacts>, ExportError> {
        if let Some(part) = self.open.take() {
            self.done.push(part.finish(&self.form)?);
        }
        Ok(self.done)
    }
}

impl<T> Part<T> {
    fn begin<F: Form<File = T>>(form: &F, name: String, out: Out) -> Result<Self, ExportError> {
        let bytes = Arc::new(AtomicU64::new(0));
        let out = Hashed { out, hasher: Sha256::new(), bytes: Arc::clone(&bytes) };
        let file = form.begin(out).map_err(|error| error.of(&name))?;
        Ok(Self { name, rows: 0, bytes, file })
    }

    fn write<F: Form<File = T>>(&mut self, form: &F, rows: &F::Rows) -> Result<(), ExportError> {
        self.rows += form.write(&mut self.file, rows).map_err(|error| error.of(&self.name))?;
        Ok(())
    }

    /// The file is on the disk or with the store for good afterwards, under the name that it was made with.
    fn finish<F: Form<File = T>>(self, form: &F) -> Result<FileFacts, ExportError> {
        let Self { name, rows, bytes, file } = self;
        let out = form.end(file).map_err(|error| error.of(&name))?;
        let sha256 = out.finish().map_err(|source| PartError::Io(source).of(&name))?;
        Ok(FileFacts { name, rows, bytes: bytes.load(Ordering::Relaxed), sha256 })
    }
}

impl From<io::Error> for PartError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<archive::Error> for PartError {
    fn from(error: archive::Error) -> Self {
        Self::Rows(error)
    }
}

impl From<ExportError> for PartError {
    fn from(error: ExportError) -> Self {
        Self::Other(Box::new(error))
    }
}

impl PartError {
    fn of(self, name: &str) -> ExportError {
        match self {
            Self::Io(source) => ExportError::Target { action: "write", path: name.into(), source },
            Self::Rows(source) => ExportError::Write { name: name.to_owned(), source },
            Self::Other(error) => *error,
        }
    }
}

/// Counts and hashes what goes through.
pub(super) struct Hashed {
    out: Out,
    hasher: Sha256,
    bytes: Arc<AtomicU64>,
}

impl Hashed {
    fn finish(mut self) -> io::Result<String> {
        self.flush()?;
        match self.out {
            Out::File(file) => file.settle()?,
            Out::Object(upload, sealed) => {
                let upload = upload.seal()?;
                sealed.lock().unwrap_or_else(PoisonError::into_inner).push(upload);
            }
            Out::Stream(_) => {}
        }
        Ok(self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.out {
            Out::File(file) => file.write(bytes)?,
            Out::Object(upload, _) => upload.write(bytes)?,
            Out::Stream(stream) => stream.write(bytes)?,
        };
        self.hasher.update(&bytes[..written]);
        self.bytes.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.out {
            Out::File(file) => file.flush(),
            Out::Object(upload, _) => upload.flush(),
            Out::Stream(stream) => stream.flush(),
        }
    }
}
