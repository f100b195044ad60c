//! The stretch of unpacked text that is in memory.

use std::io::Read;
use std::sync::Arc;

use crate::error::FileError;
use crate::layers::Layers;

/// A buffer that moves along the unpacked text. While others still read what is in it, it goes on in another one.
///
/// ```text
///   used     unused      free
/// ├────────┼──────────┼────────┤
/// 0      start       end     bytes.len()
/// ```
#[derive(Debug)]
pub(crate) struct Window<R> {
    source: Layers<R>,
    bytes: Arc<Vec<u8>>,
    /// A buffer that others were done with.
    spare: Option<Vec<u8>>,
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
    pub(crate) fn new(source: Layers<R>, size: usize) -> Self {
        Self { source, bytes: Arc::default(), spare: None, start: 0, end: 0, offset: 0, last: false, size }
    }

    /// Moves on to what is unused and reads more behind it: at least as much again, so that whoever looks at it anew
    /// each time looks at each byte twice, not once for each filling. What [`Window::text`] gave before stays as it is.
    ///
    /// After an error nothing is left, and every further call fails.
    pub(crate) fn fill(&mut self) -> Result<(), FileError> {
        let target = self.make_room();
        let bytes = Arc::get_mut(&mut self.bytes).expect("nobody reads yet where there was room to be made");
        while !self.last && self.end < target {
            match self.source.read(&mut bytes[self.end..target]) {
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
        let fits = |bytes: &Vec<u8>| (target..=target.saturating_mul(4)).contains(&bytes.len());
        match Arc::get_mut(&mut self.bytes) {
            Some(bytes) if fits(bytes) => bytes.copy_within(unused.clone(), 0),
            _ => {
                let mut bytes = self.spare.take().filter(fits).unwrap_or_else(|| vec![0; target]);
                bytes[..unused.len()].copy_from_slice(&self.bytes[unused.clone()]);
                self.bytes = Arc::new(bytes);
            }
        }
        self.offset += self.start as u64;
        self.start = 0;
        self.end = unused.len();
        target
    }
}

impl<R> Window<R> {
    /// All that is in the buffer, for others to read in, and where its first byte stands in the unpacked text.
    pub(crate) fn text(&self) -> (Arc<Vec<u8>>, u64) {
        (Arc::clone(&self.bytes), self.offset)
    }

    /// Takes back what [`Window::text`] gave, when it is not read any more.
    pub(crate) fn give_back(&mut self, text: Arc<Vec<u8>>) {
        self.spare = Arc::into_inner(text).or(self.spare.take());
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
}
