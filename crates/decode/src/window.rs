//! The stretch of unpacked text that is in memory.

use std::io::Read;

use crate::ahead::Ahead;
use crate::error::FileError;

/// A buffer that moves along the unpacked text.
///
/// ```text
///   used     unused      free
/// ├────────┼──────────┼────────┤
/// 0      start       end     bytes.len()
/// ```
#[derive(Debug)]
pub(crate) struct Window<R> {
    source: Ahead<R>,
    bytes: Vec<u8>,
    /// `start <= end <= bytes.len()`.
    start: usize,
    end: usize,
    /// Where `bytes[0]` stands in the unpacked text.
    offset: u64,
    /// Whether the text ends at `end`.
    last: bool,
    /// How much is read at least at a time.
    size: usize,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(source: Ahead<R>, size: usize) -> Self {
        Self { source, bytes: Vec::new(), start: 0, end: 0, offset: 0, last: false, size }
    }

    /// Moves on to what is unused and reads more behind it: at least as much again, so that whoever looks at it anew
    /// each time looks at each byte twice, not once for each filling. Ranges of [`Window::slice`] are void after it.
    ///
    /// After an error nothing is left, and every further call fails.
    pub(crate) fn fill(&mut self) -> Result<(), FileError> {
        let target = self.make_room();
        while !self.last && self.end < target {
            match self.source.read(&mut self.bytes[self.end..target]) {
                Ok(0) => self.last = true,
                Ok(count) => self.end += count,
                Err(error) => {
                    self.end = self.start;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Moves what is unused to the front and returns up to where there is room. A record of unusual length makes the
    /// buffer larger, its end makes it small again.
    fn make_room(&mut self) -> usize {
        let unused = self.start..self.end;
        let target = unused.len() + self.size.max(unused.len());
        if (target..=target.saturating_mul(4)).contains(&self.bytes.len()) {
            self.bytes.copy_within(unused.clone(), 0);
        } else {
            let mut bytes = vec![0; target];
            bytes[..unused.len()].copy_from_slice(&self.bytes[unused.clone()]);
            self.bytes = bytes;
        }
        self.offset += self.start as u64;
        self.start = 0;
        self.end = unused.len();
        target
    }
}

impl<R> Window<R> {
    /// The text behind the window, until it is put back.
    pub(crate) fn lend_source(&mut self) -> Ahead<R> {
        std::mem::replace(&mut self.source, Ahead::lent())
    }

    pub(crate) fn put_back(&mut self, source: Ahead<R>) {
        self.source = source;
    }

    /// What is unused.
    pub(crate) fn unused(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Uses up some bytes; they stay in place until the next filling.
    pub(crate) fn take(&mut self, count: usize) {
        debug_assert!(self.start + count <= self.end, "no more is used than there is");
        self.start += count;
    }

    /// Whether there is nothing behind what is unused.
    pub(crate) fn is_last(&self) -> bool {
        self.last
    }

    /// Where the unused bytes begin within the buffer.
    pub(crate) fn position(&self) -> usize {
        self.start
    }

    /// Bytes of the buffer.
    pub(crate) fn slice(&self, range: std::ops::Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Where a byte of the buffer stands in the unpacked text.
    pub(crate) fn offset(&self, position: usize) -> u64 {
        self.offset + position as u64
    }
}
