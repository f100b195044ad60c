//! The stretch of unpacked text that is in memory.

use std::io::Read;

use crate::error::FileError;
use crate::unpack::Unpacked;

/// A buffer that moves along the unpacked text.
///
/// ```text
///   used     unused      free
/// ├────────┼──────────┼────────┤
/// 0      start       end     bytes.len()
/// ```
#[derive(Debug)]
pub(crate) struct Window<R> {
    source: Unpacked<R>,
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
    pub(crate) fn new(source: Unpacked<R>, size: usize) -> Self {
        Self { source, bytes: Vec::new(), start: 0, end: 0, offset: 0, last: false, size }
    }

    /// Moves on to what is unused and reads more behind it: at least as much again, so that whoever looks at it anew
    /// each time looks at each byte twice, not once for each filling. Ranges of [`Window::slice`] are void after it.
    pub(crate) fn fill(&mut self) -> Result<(), FileError> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.offset += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        let target = self.end + self.size.max(self.end);
        self.bytes.resize(target, 0);
        self.bytes.shrink_to(target.saturating_mul(2));
        while !self.last && self.end < target {
            match self.source.read(&mut self.bytes[self.end..])? {
                0 => self.last = true,
                count => self.end += count,
            }
        }
        Ok(())
    }
}

impl<R> Window<R> {
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
