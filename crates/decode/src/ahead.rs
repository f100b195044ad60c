//! Lines that are framed before they are asked for.

use std::io::Read;
use std::mem;

use crate::error::FileError;
use crate::frame::{Framed, Framer};

/// What a decoder comes to next. While a batch is worked on, another thread may prepare the one behind it; if none does, the
/// decoder will.
#[derive(Debug)]
pub struct Ahead<R> {
    framer: Framer<R>,
    /// What was framed and is still to be handed out: lines, the end, or what went wrong.
    next: Option<Result<Option<Framed>, FileError>>,
    /// Lines that were worked on, for their memory.
    used: Framed,
}

impl<R: Read> Ahead<R> {
    pub(crate) fn new(framer: Framer<R>) -> Self {
        Self { framer, next: None, used: Framed::default() }
    }

    /// Unpacks and frames what the next batch will be made of. What goes wrong is said when the decoder comes to it.
    pub fn prepare(&mut self) {
        if self.next.is_none() {
            self.next = Some(self.framer.advance(mem::take(&mut self.used)));
        }
    }

    /// The next lines in place of the last ones; false when the part has ended.
    pub(crate) fn advance(&mut self, framed: &mut Framed) -> Result<bool, FileError> {
        self.used = mem::take(framed);
        self.prepare();
        let Some(next) = self.next.take().transpose()?.flatten() else { return Ok(false) };
        *framed = next;
        Ok(true)
    }
}
