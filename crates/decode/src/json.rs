//! JSON as an index of where its values lie.
//!
//! A [`Scanner`] reads one value once, strictly after RFC 8259 and without recursion, and writes a tape: a token for
//! each value in the order in which they begin. A token knows where its value lies and which token follows it, so that
//! walking a record touches no byte twice and skipping a value costs nothing.
//!
//! ```text
//! {"a":[1,2],"b":{}}      0 Object next 5 · 1 "a" Array next 4 · 2 Number next 3 · 3 Number next 4 · 4 "b" Object next 5
//! ```
//!
//! serde_json is not used here because a record's end must be found before its type is known (glued and spread
//! objects), its depth is to be bounded also in what is skipped, its numbers keep their digits, and its strings may
//! hold lone surrogates, which no `str` can. A property test holds the scanner against serde_json.

mod scan;
mod value;

pub(crate) use scan::{Fault, Scanner, after_space, number, plain_end, string};
pub(crate) use value::{Kind, Span, Token, Value};

use crate::limits::Limits;

/// The value that a text is, scanned onto this tape; `None` when it is not one JSON value.
pub(crate) fn whole<'t, 'a>(text: &'a str, tape: &'t mut Vec<Token>) -> Option<Value<'t, 'a>> {
    scanner().whole(text, tape)
}

/// A scanner of texts of our own, which are a level or two deeper than records.
pub(crate) fn scanner() -> Scanner {
    Scanner::new(Limits::MAX_DEPTH + 4)
}
