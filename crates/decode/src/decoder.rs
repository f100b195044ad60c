//! The decoder: unpack, frame, read.

use std::borrow::Cow;
use std::io::Read;
use std::mem;

use chat::{App, DeadLetter, Hour, Message, Part, Position, Reason};

use crate::ahead::Ahead;
use crate::batch::{Batch, Records};
use crate::error::FileError;
use crate::frame::{Content, Frame, Framed, Framer};
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
    ahead: Ahead<R>,
    /// The lines that were handed out last.
    framed: Framed,
    /// The lines that were handed out so far.
    lines: u64,
    /// Empty: the memory of messages that were handed out.
    messages: Vec<Message<'static>>,
    origin: Origin,
}

impl<R: Read> Decoder<R> {
    /// A decoder of the part that this reader yields. Nothing is read yet; the reader needs no buffer of its own.
    pub fn new(reader: R, origin: Origin, limits: Limits) -> Self {
        let limits = limits.effective();
        let layers = Layers::new(Unpacked::new(reader, limits.unpacked));
        let framer = Framer::new(Window::new(layers, limits.batch_bytes), limits);
        Self { ahead: Ahead::new(framer), framed: Framed::default(), lines: 0, messages: Vec::new(), origin }
    }

    /// The next lines; `Ok(None)` when the part is whole and all of it has been handed out. A batch is never empty.
    ///
    /// # Errors
    ///
    /// [`FileError`] when the part is damaged, cut, too large, or no hour file. Every further call fails as well, and
    /// what earlier calls handed out must not be published.
    pub fn next_batch(&mut self) -> Result<Option<Batch<'_>>, FileError> {
        Ok(self.advance()?.then(|| self.framed.batch(&self.origin, Vec::new())))
    }

    /// Hands the next lines to `work`, with what is behind them, which another thread may [prepare](Ahead::prepare)
    /// meanwhile. Else as [`Decoder::next_batch`].
    ///
    /// # Errors
    ///
    /// As [`Decoder::next_batch`].
    pub fn with_next_batch<T>(
        &mut self,
        work: impl FnOnce(&mut Batch<'_>, &mut Ahead<R>) -> T,
    ) -> Result<Option<T>, FileError> {
        if !self.advance()? {
            return Ok(None);
        }
        let mut batch = self.framed.batch(&self.origin, mem::take(&mut self.messages));
        let done = work(&mut batch, &mut self.ahead);
        self.messages = emptied(batch.messages);
        Ok(Some(done))
    }

    /// The same lines, unread: what is a record here is a message of [`Decoder::next_batch`].
    ///
    /// # Errors
    ///
    /// As [`Decoder::next_batch`].
    pub fn next_records(&mut self) -> Result<Option<Records<'_>>, FileError> {
        Ok(self.advance()?.then(|| self.framed.records(&self.origin)))
    }

    fn advance(&mut self) -> Result<bool, FileError> {
        let is_more = self.ahead.advance(&mut self.framed)?;
        self.lines += self.framed.lines();
        Ok(is_more)
    }
}

impl<R> Decoder<R> {
    /// How many lines have been handed out so far: messages, dead letters and blank lines of all batches together.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }
}

/// The memory of messages, a megabyte or two, for others: new for each batch it would be a thirtieth of the work.
fn emptied(mut messages: Vec<Message<'_>>) -> Vec<Message<'static>> {
    messages.clear();
    // The standard library collects what comes from a vector where it was.
    messages.into_iter().map(Message::into_owned).collect()
}

impl Framed {
    fn batch<'a>(&'a self, origin: &Origin, messages: Vec<Message<'a>>) -> Batch<'a> {
        let mut batch = Batch { messages, dead_letters: Vec::new(), blank_lines: self.blank_lines };
        batch.messages.reserve(self.frames.len());
        for frame in &self.frames {
            let text = match self.text(frame) {
                Ok(text) => text,
                Err(reason) => {
                    batch.dead_letters.push(self.dead_letter(frame, origin, reason));
                    continue;
                }
            };
            let position = position(frame, origin);
            match &frame.content {
                Content::DeadLetter(_) => {}
                Content::Plain(place) => batch.messages.push(self.plains[*place].message(text, position)),
                Content::Record(tokens) => {
                    let record = Value::whole(text, &self.tape[tokens.clone()]);
                    let mut message = Message::at(position);
                    meaning::read(record, origin.app.as_ref(), &mut message);
                    batch.messages.push(message);
                }
            }
        }
        batch
    }

    fn records(&self, origin: &Origin) -> Records<'_> {
        let mut records = Records { records: Vec::new(), dead_letters: Vec::new(), blank_lines: self.blank_lines };
        for frame in &self.frames {
            match self.text(frame) {
                Ok(text) => records.records.push((position(frame, origin), text)),
                Err(reason) => records.dead_letters.push(self.dead_letter(frame, origin, reason)),
            }
        }
        records
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

    fn dead_letter(&self, frame: &Frame, origin: &Origin, reason: Reason) -> DeadLetter<'_> {
        DeadLetter {
            position: position(frame, origin),
            offset: self.offset(frame),
            reason,
            bytes: Cow::Borrowed(self.bytes(frame)),
        }
    }
}

fn position(frame: &Frame, origin: &Origin) -> Position {
    Position { source_hour: origin.hour, part: origin.part, line: frame.line }
}
