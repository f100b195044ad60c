//! The decoder: unpack, frame, read.

use std::borrow::Cow;
use std::io::Read;

use chat::{App, DeadLetter, Hour, Message, Part, Position, Reason};

use crate::ahead::Ahead;
use crate::batch::{Batch, Records};
use crate::error::FileError;
use crate::frame::{Content, Frame, Framer};
use crate::json::Value;
use crate::layers::Layers;
use crate::limits::Limits;
use crate::meaning;
use crate::unpack::Unpacked;
use crate::window::Window;

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
    framer: Framer<R>,
    origin: Origin,
}

impl<R: Read> Decoder<R> {
    /// A decoder of the part that this reader yields. Nothing is read yet; the reader needs no buffer of its own.
    pub fn new(reader: R, origin: Origin, limits: Limits) -> Self {
        let limits = limits.effective();
        let layers = Layers::new(Unpacked::new(reader, limits.unpacked));
        let window = Window::new(Ahead::new(layers, limits.batch_bytes), limits.batch_bytes);
        Self { framer: Framer::new(window, limits), origin }
    }

    /// The next lines; `Ok(None)` when the part is whole and all of it has been handed out. A batch is never empty.
    ///
    /// # Errors
    ///
    /// [`FileError`] when the part is damaged, cut, too large, or no hour file. Every further call fails as well, and
    /// what earlier calls handed out must not be published.
    pub fn next_batch(&mut self) -> Result<Option<Batch<'_>>, FileError> {
        Ok(self.framer.advance()?.then(|| self.batch()))
    }

    /// Hands the next lines to `work`, with the text behind them, which another thread may [unpack](Ahead::unpack)
    /// meanwhile. Else as [`Decoder::next_batch`].
    ///
    /// # Errors
    ///
    /// As [`Decoder::next_batch`].
    pub fn with_next_batch<T>(
        &mut self,
        work: impl FnOnce(Batch<'_>, &mut Ahead<R>) -> T,
    ) -> Result<Option<T>, FileError> {
        if !self.framer.advance()? {
            return Ok(None);
        }
        let mut ahead = self.framer.window_mut().lend_source();
        let done = work(self.batch(), &mut ahead);
        self.framer.window_mut().put_back(ahead);
        Ok(Some(done))
    }

    /// The same lines, unread: what is a record here is a message of [`Decoder::next_batch`].
    ///
    /// # Errors
    ///
    /// As [`Decoder::next_batch`].
    pub fn next_records(&mut self) -> Result<Option<Records<'_>>, FileError> {
        Ok(self.framer.advance()?.then(|| self.records()))
    }

    fn records(&self) -> Records<'_> {
        let blank_lines = self.framer.blank_lines();
        let mut records = Records { records: Vec::new(), dead_letters: Vec::new(), blank_lines };
        for frame in self.framer.frames() {
            match self.text(frame) {
                Ok(text) => records.records.push((self.position(frame), text)),
                Err(reason) => records.dead_letters.push(self.dead_letter(frame, reason)),
            }
        }
        records
    }

    fn batch(&self) -> Batch<'_> {
        let frames = self.framer.frames();
        let mut batch = Batch {
            messages: Vec::with_capacity(frames.len()),
            dead_letters: Vec::new(),
            blank_lines: self.framer.blank_lines(),
        };
        for frame in frames {
            let text = match self.text(frame) {
                Ok(text) => text,
                Err(reason) => {
                    batch.dead_letters.push(self.dead_letter(frame, reason));
                    continue;
                }
            };
            batch.messages.push(Message::at(self.position(frame)));
            let message = batch.messages.last_mut().expect("one was pushed");
            match &frame.content {
                Content::DeadLetter(_) => {}
                Content::Plain(place) => self.framer.plains()[*place].fill(text, message),
                Content::Record(tokens) => {
                    let record = Value::whole(text, &self.framer.tape()[tokens.clone()]);
                    meaning::read(record, self.origin.app.as_ref(), message);
                }
            }
        }
        batch
    }

    /// The text of a record; of another line why it is none.
    fn text(&self, frame: &Frame) -> Result<&str, Reason> {
        match frame.content {
            Content::DeadLetter(reason) => Err(reason),
            Content::Plain(_) | Content::Record(_) => {
                simdutf8::basic::from_utf8(self.bytes(frame)).map_err(|_| Reason::InvalidUtf8)
            }
        }
    }

    fn dead_letter(&self, frame: &Frame, reason: Reason) -> DeadLetter<'_> {
        DeadLetter {
            position: self.position(frame),
            offset: self.framer.window().offset(frame.bytes.start),
            reason,
            bytes: Cow::Borrowed(self.bytes(frame)),
        }
    }

    fn position(&self, frame: &Frame) -> Position {
        Position { source_hour: self.origin.hour, part: self.origin.part, line: frame.line }
    }

    fn bytes(&self, frame: &Frame) -> &[u8] {
        self.framer.window().slice(frame.bytes.clone())
    }
}

impl<R> Decoder<R> {
    /// How many lines have been handed out so far: messages, dead letters and blank lines of all batches together.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.framer.lines()
    }
}
