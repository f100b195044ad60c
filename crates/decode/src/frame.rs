//! Where a record ends.
//!
//! A record is one JSON object. Nearly always it is a line; the framer also takes objects that are glued together on a
//! line and one that is spread over several lines:
//!
//! ```text
//! {…}⏎            one record
//! {…} {…}{…}⏎     three records
//! {…⏎ …⏎ …}⏎      one record
//! {…⏎{…}⏎         a dead letter (the first line), a record
//! {…}junk⏎        a record, a dead letter (to the end of the line)
//! ␠⏎              a blank line
//! ```
//!
//! So a record is scanned from its brace, across line ends. When the scan fails, or the text or the limit ends first, the
//! rest of the line on which the record began is one dead letter, and framing starts afresh on the next line. A line
//! that could begin a record leaves a bracket open, so at most `Limits::depth` such lines can be scanned together before
//! they fail: each byte is looked at no more often than that, however hostile the file.
//!
//! Most records are ordinary messages; `plain` frames and reads them in one pass, and says nothing of all others.
//!
//! What is framed depends on the text alone, never on how it was cut into reads. Each frame and each blank line has its
//! ordinal; `lines` counts them all.

use std::io::Read;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use chat::Reason;

use crate::error::FileError;
use crate::json::{Fault, Scanner, Token};
use crate::limits::Limits;
use crate::plain::{self, Plain};
use crate::unpack::MARK;
use crate::window::Window;

/// One record or dead letter.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Its bytes in the text; of a dead letter without the line end.
    pub(crate) bytes: Range<usize>,
    /// Its ordinal, from 1.
    pub(crate) line: u64,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    DeadLetter(Reason),
    /// A plain message, by its place in [`Framed::plains`].
    Plain(usize),
    /// An object, and its tokens on the tape.
    Record(Range<usize>),
}

/// The lines that a batch is made of, in the text that they were framed in.
#[derive(Debug, Default)]
pub(crate) struct Framed {
    text: Arc<Vec<u8>>,
    /// Where `text[0]` stands in the unpacked text of the part.
    offset: u64,
    pub(crate) frames: Vec<Frame>,
    /// The plain messages.
    pub(crate) plains: Vec<Plain>,
    /// The tokens of the other records, one record after the other.
    pub(crate) tape: Vec<Token>,
    pub(crate) blank_lines: u64,
}

impl Framed {
    pub(crate) fn bytes(&self, frame: &Frame) -> &[u8] {
        &self.text[frame.bytes.clone()]
    }

    /// Where a frame begins in the unpacked text of the part.
    pub(crate) fn offset(&self, frame: &Frame) -> u64 {
        self.offset + frame.bytes.start as u64
    }

    pub(crate) fn lines(&self) -> u64 {
        self.frames.len() as u64 + self.blank_lines
    }

    fn is_empty(&self) -> bool {
        self.lines() == 0
    }
}

/// Frames a window's text, as many lines at a time as make a batch.
#[derive(Debug)]
pub(crate) struct Framer<R> {
    window: Window<R>,
    limits: Limits,
    scanner: Scanner,
    /// What is being framed.
    framed: Framed,
    /// The lines so far.
    lines: u64,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start of a line.
    LineStart,
    /// Behind a record, on the same line.
    BehindRecord,
    /// Within a line that is too long.
    TooLong,
}

/// Whether a step of framing found what it looked for in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Done,
    NeedMore,
}

impl<R: Read> Framer<R> {
    pub(crate) fn new(window: Window<R>, limits: Limits) -> Self {
        Self {
            window,
            limits,
            scanner: Scanner::new(limits.depth),
            framed: Framed::default(),
            lines: 0,
            place: Place::LineStart,
        }
    }

    /// Frames the next lines, in the memory of some that are not needed any more; `None` when the text has ended.
    pub(crate) fn advance(&mut self, used: Framed) -> Result<Option<Framed>, FileError> {
        self.use_again(used);
        loop {
            self.frame_window();
            if !self.framed.is_empty() {
                (self.framed.text, self.framed.offset) = self.window.text();
                return Ok(Some(mem::take(&mut self.framed)));
            }
            if self.window.is_last() && self.window.unused().is_empty() {
                return Ok(None);
            }
            self.window.fill()?;
        }
    }
}

impl<R> Framer<R> {
    fn use_again(&mut self, used: Framed) {
        let Framed { text, mut frames, mut plains, mut tape, .. } = used;
        self.window.give_back(text);
        frames.clear();
        plains.clear();
        tape.clear();
        // An odd record must not make the tape big for ever; a plain one has a token for every twenty bytes.
        tape.shrink_to(self.limits.batch_bytes / 8);
        self.framed = Framed { frames, plains, tape, ..Framed::default() };
    }

    fn frame_window(&mut self) {
        while self.framed.frames.len() < self.limits.batch_messages && !self.window.unused().is_empty() {
            let step = match self.place {
                Place::LineStart => self.line_start(),
                Place::BehindRecord => self.behind_record(),
                Place::TooLong => self.skip_line(),
            };
            if step == Step::NeedMore {
                break;
            }
        }
    }

    fn line_start(&mut self) -> Step {
        let text = self.window.unused();
        if text.starts_with(MARK) {
            self.window.take(MARK.len());
            return Step::Done;
        }
        if MARK.starts_with(text) && !self.window.is_last() {
            return Step::NeedMore;
        }
        let space = leading_space(text);
        match text.get(space) {
            Some(b'{') => self.record(space),
            Some(b'\n') | None => self.blank_line(),
            Some(_) => self.no_object(),
        }
    }

    /// The line goes on behind a record: with its end, with another record or with junk.
    fn behind_record(&mut self) -> Step {
        let text = self.window.unused();
        let space = leading_space(text);
        let next = text.get(space).copied();
        self.window.take(space);
        match next {
            Some(b'{') => self.record(0),
            Some(b'\n') => {
                self.window.take(1);
                self.place = Place::LineStart;
                Step::Done
            }
            Some(_) => self.no_object(),
            None => Step::NeedMore,
        }
    }

    fn skip_line(&mut self) -> Step {
        let text = self.window.unused();
        let end = memchr::memchr(b'\n', text);
        self.window.take(end.map_or(text.len(), |end| end + 1));
        if end.is_some() {
            self.place = Place::LineStart;
        }
        Step::Done
    }

    fn blank_line(&mut self) -> Step {
        let Line::Whole { length, taken, .. } = self.line() else { return self.unfinished_line() };
        debug_assert!(length <= self.limits.line, "a whole line is within the limit");
        self.window.take(taken);
        self.framed.blank_lines += 1;
        self.lines += 1;
        Step::Done
    }

    /// Frames the object that begins after `space` bytes of white space.
    fn record(&mut self, space: usize) -> Step {
        let text = &self.window.unused()[space..];
        let within = &text[..text.len().min(self.limits.line)];
        if let Some((plain, length)) = plain::scan(within, &mut self.scanner) {
            self.framed.plains.push(plain);
            return self.record_ends(space, length, Content::Plain(self.framed.plains.len() - 1));
        }
        let base = self.framed.tape.len();
        match self.scanner.scan(within, &mut self.framed.tape) {
            Ok(length) => self.record_ends(space, length, Content::Record(base..self.framed.tape.len())),
            Err(Fault::End) if text.len() <= self.limits.line && !self.window.is_last() => Step::NeedMore,
            Err(Fault::End) => self.dead_line(Reason::Incomplete, usize::MAX),
            Err(Fault::Syntax(at)) => self.dead_line(Reason::Syntax, space + at),
            Err(Fault::TooDeep(at)) => self.dead_line(Reason::TooDeep, space + at),
        }
    }

    fn record_ends(&mut self, space: usize, length: usize, content: Content) -> Step {
        let start = self.window.position() + space;
        self.frame(start..start + length, content);
        self.window.take(space + length);
        self.place = Place::BehindRecord;
        Step::Done
    }

    /// Sets aside the rest of a line that begins with no object.
    fn no_object(&mut self) -> Step {
        let Line::Whole { length, .. } = self.line() else { return self.unfinished_line() };
        let text = &self.window.unused()[..length];
        let base = self.framed.tape.len();
        let scanned = self.scanner.scan(text, &mut self.framed.tape);
        self.framed.tape.truncate(base);
        match scanned {
            Ok(end) if leading_space(&text[end..]) == length - end => self.dead_line(Reason::NotAnObject, 0),
            Ok(_) | Err(Fault::Syntax(_)) => self.dead_line(Reason::Syntax, 0),
            Err(Fault::TooDeep(_)) => self.dead_line(Reason::TooDeep, 0),
            Err(Fault::End) => self.dead_line(Reason::Incomplete, 0),
        }
    }

    /// Sets aside the rest of the line, in which a scan failed at byte `at` or, when that is behind the line, later.
    fn dead_line(&mut self, reason: Reason, at: usize) -> Step {
        let Line::Whole { length, taken } = self.line() else { return self.unfinished_line() };
        let start = self.window.position();
        let bytes = &self.window.unused()[..length];
        let reason = if at >= length { Reason::Incomplete } else { reason };
        let reason = match std::str::from_utf8(bytes) {
            // A character that the end of an incomplete line cuts is part of its being incomplete.
            Err(error) if error.error_len().is_some() || reason != Reason::Incomplete => Reason::InvalidUtf8,
            _ => reason,
        };
        self.frame(start..start + length, Content::DeadLetter(reason));
        self.window.take(taken);
        self.place = Place::LineStart;
        Step::Done
    }

    /// Waits for the end of the line, or gives up on it.
    fn unfinished_line(&mut self) -> Step {
        let text = self.window.unused();
        if text.len() <= self.limits.line {
            return Step::NeedMore;
        }
        let start = self.window.position();
        let kept = self.limits.line.min(Limits::KEPT_OF_LONG_LINE);
        self.frame(start..start + kept, Content::DeadLetter(Reason::TooLong));
        self.window.take(kept);
        self.place = Place::TooLong;
        Step::Done
    }

    fn frame(&mut self, bytes: Range<usize>, content: Content) {
        self.lines += 1;
        self.framed.frames.push(Frame { bytes, line: self.lines, content });
    }

    /// The line that the unused text begins with.
    fn line(&self) -> Line {
        let text = self.window.unused();
        let within = &text[..text.len().min(self.limits.line + 1)];
        match memchr::memchr(b'\n', within) {
            Some(end) => {
                let length = if within[..end].ends_with(b"\r") { end - 1 } else { end };
                Line::Whole { length, taken: end + 1 }
            }
            None if self.window.is_last() && text.len() <= self.limits.line => {
                Line::Whole { length: text.len(), taken: text.len() }
            }
            None => Line::Unfinished,
        }
    }
}

/// A line as far as it can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Its end is not in the window, or not within the limit.
    Unfinished,
    /// It ends within the limit.
    Whole {
        /// Its bytes without the line end.
        length: usize,
        /// Its bytes with the line end.
        taken: usize,
    },
}

fn leading_space(text: &[u8]) -> usize {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c);
    text.iter().position(|byte| !space(byte)).unwrap_or(text.len())
}
