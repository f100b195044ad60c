//! The decoder.

use std::io::Read;

use chat::{App, Hour, Part};

use crate::batch::Batch;
use crate::error::FileError;
use crate::limits::Limits;

/// Where a part comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The hour it was served as.
    pub hour: Hour,
    /// Which part of the hour it is.
    pub part: Part,
    /// The app whose prefix is stripped from decorated addresses; with `None` only the service's own `@domain` and
    /// `/resource` come off (protocol section 4.2).
    pub app: Option<App>,
}

/// Decodes one part of an hour. The caller pulls: [`Decoder::next_batch`] reads as much as one batch needs.
#[derive(Debug)]
pub struct Decoder<R> {
    _reader: R,
    lines: u64,
}

impl<R: Read> Decoder<R> {
    /// A decoder of the part that this reader yields. Nothing is read yet.
    pub fn new(reader: R, _origin: Origin, _limits: Limits) -> Self {
        Self { _reader: reader, lines: 0 }
    }

    /// The next lines; `Ok(None)` when the part is whole and all of it has been handed out.
    ///
    /// # Errors
    ///
    /// [`FileError`] when the part is damaged, cut, too large, or no hour file. Every further call fails as well, and
    /// what earlier calls handed out must not be published.
    pub fn next_batch(&mut self) -> Result<Option<Batch<'_>>, FileError> {
        Err(FileError::NotGzip)
    }

    /// How many lines have been handed out so far: messages, dead letters and blank lines of all batches together.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }
}
