//! One hour on its way in.

use chat::{Message, Sink};

use crate::Error;

/// One hour on its way into the index.
#[derive(Debug)]
pub struct Writer {
    documents: u64,
}

impl Sink for Writer {
    type Done = u64;
    type Error = Error;

    fn write(&mut self, batch: &[Message<'_>]) -> Result<(), Error> {
        self.documents += batch.len() as u64;
        Ok(())
    }

    fn finish(self) -> Result<u64, Error> {
        Ok(self.documents)
    }
}
