//! Lines that are no message.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::message::Position;

/// A line that is no JSON object, set aside with all that is needed to find and mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter<'a> {
    /// Where the line stood.
    pub position: Position,
    /// Its first byte in the unpacked part, from 0.
    pub offset: u64,
    /// Why it is no message.
    pub reason: Reason,
    /// The line without its line end, as served; of an over-long line only the start (see `decode`'s limits).
    pub bytes: Cow<'a, [u8]>,
}

impl DeadLetter<'_> {
    /// The same letter with its own copy of the bytes.
    #[must_use]
    pub fn into_owned(self) -> DeadLetter<'static> {
        DeadLetter {
            position: self.position,
            offset: self.offset,
            reason: self.reason,
            bytes: Cow::Owned(self.bytes.into_owned()),
        }
    }
}

/// Why a line is no message: a closed list, also the words of the column `reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The value ends before it is complete.
    Incomplete,
    /// The bytes are no UTF-8.
    InvalidUtf8,
    /// JSON, but an array, a string or another value that is no object.
    NotAnObject,
    /// Not JSON.
    Syntax,
    /// Nested deeper than the limit.
    TooDeep,
    /// Longer than the limit.
    TooLong,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Incomplete, Self::InvalidUtf8, Self::NotAnObject, Self::Syntax, Self::TooDeep, Self::TooLong];

    /// The word in the column `reason`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::NotAnObject => "not_an_object",
            Self::Syntax => "syntax",
            Self::TooDeep => "too_deep",
            Self::TooLong => "too_long",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Reason {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|reason| reason.word() == word).ok_or(())
    }
}
