//! What a decoder hands out at a time.

use chat::{DeadLetter, Message, Position};

/// Some consecutive lines of a part, in the order in which they stood within each list.
///
/// Everything in it borrows the decoder's buffer and is gone with the next batch.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    /// The records that are JSON objects.
    pub messages: Vec<Message<'a>>,
    /// The lines that are not.
    pub dead_letters: Vec<DeadLetter<'a>>,
    /// How many lines of white space there were.
    pub blank_lines: u64,
}

impl Batch<'_> {
    /// How many lines the batch accounts for: each is a message, a dead letter or blank.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.messages.len() as u64 + self.dead_letters.len() as u64 + self.blank_lines
    }
}

/// The lines of a [`Batch`], as they were served.
///
/// Everything in it borrows the decoder's buffer and is gone with the next call.
#[derive(Debug, Default)]
pub struct Records<'a> {
    /// The texts of the JSON objects, in order.
    pub records: Vec<(Position, &'a str)>,
    /// The lines that are none, in order.
    pub dead_letters: Vec<DeadLetter<'a>>,
    /// How many lines of white space there were.
    pub blank_lines: u64,
}

impl Records<'_> {
    /// How many lines these are.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.records.len() as u64 + self.dead_letters.len() as u64 + self.blank_lines
    }
}
