//! Where messages go.

use crate::message::Message;

/// One destination of the messages of one hour: write, write, write, finish.
///
/// A sink that is dropped before `finish` leaves nothing visible behind.
pub trait Sink {
    /// What the destination knows when all is written.
    type Done;
    /// Why it could not be written.
    type Error;

    /// Takes a batch; the messages may borrow a buffer that the next batch will overwrite.
    ///
    /// # Errors
    ///
    /// When the destination cannot take the batch; the sink is then of no further use.
    fn write(&mut self, batch: &[Message<'_>]) -> Result<(), Self::Error>;

    /// Completes the destination.
    ///
    /// # Errors
    ///
    /// When what was written cannot be completed; nothing of it is visible then.
    fn finish(self) -> Result<Self::Done, Self::Error>;
}
