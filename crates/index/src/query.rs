//! The query language: what a person types, as a tree; and the scan, which answers it without an index.
//!
//! ```text
//! query   = all { "OR" all }                      one of them must match
//! all     = clause { [ "AND" ] clause }           all of them must
//! clause  = ( "-" | "NOT" ) clause | "(" query ")" | field ":" values | text
//! values  = value | "(" query of values ")"
//! text    = value | value "~" [ "1" | "2" ] | "/" expression "/"
//! value   = '"' { any } '"' [ "*" ] | "“" { any } "”" [ "*" ] | word [ "*" ]
//! ```
//!
//! A word is what stands between white space. A word that gives several tokens is a phrase: `teo-77` is found where `teo`
//! and `77` follow one another. Within quotes `\"` and `\\` stand for `"` and `\`. A colon behind anything that is not
//! nearly a field belongs to the word: `http://x`, `10:30`. What can only be a word is one: `OR` at the end, `:)`. A parenthesis
//! behind a word belongs to it unless something of this grammar stands in it: `f(x)`, `a(b OR c)`. The page
//! `docs/query-language.md` tells it to those who search.

mod among;
mod conversation;
mod error;
mod expression;
mod field;
mod moment;
mod parser;
mod pattern;
mod phrase;
mod reading;
mod sieve;
mod signs;
mod spoken;
mod value;

use std::ops::Range;

use chat::{Message, Timestamp};

pub(crate) use conversation::{bare_term, conversation_term};
pub use error::QueryError;
pub(crate) use pattern::Pattern;
pub(crate) use phrase::{Part, Phrase};
use reading::Reading;
pub use sieve::Sieve;

use crate::columns::Column;
use crate::fields::name_term;
use crate::tokens::Tokens;

/// A question about words, who said them, where and when.
///
/// ```
/// # fn main() -> Result<(), index::QueryError> {
/// let query = index::Query::parse("潮汐 from:lin.qiao -type:img")?;
/// assert_eq!(query.highlight("码头的潮汐表"), [9..15]);
///
/// let error = index::Query::parse("frm:lin.qiao").unwrap_err();
/// assert_eq!(error.to_string(), "there is no field `frm:`, did you mean `from:`?");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    root: Node,
}

/// What must be true of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// All of these; of every message when there are none.
    All(Vec<Self>),
    /// At least one of these.
    Any(Vec<Self>),
    /// Not this.
    Not(Box<Self>),
    /// One of its texts has the phrase.
    Words(Place, Phrase),
    /// One of its texts has a word that looks like this.
    Like(Pattern),
    /// A column has a value, folded as the column is.
    Is(Column, Whole),
    /// It was sent in this time.
    Sent(Span),
}

/// Where words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In every searchable text.
    Text,
    /// In the name of the attached file.
    File,
}

/// What a whole value must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whole {
    /// This.
    Exact(String),
    /// Something that begins like this.
    Starts(String),
    /// Something that looks like this.
    Like(Pattern),
}

/// Microseconds since 1970: `since <= time < until`, as far as they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) since: Option<i64>,
    pub(crate) until: Option<i64>,
}

impl Query {
    /// Reads a query in which no time is told from now. An empty one matches every message.
    ///
    /// # Errors
    ///
    /// [`QueryError`] with the place of the mistake and, where possible, what was meant.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parser::parse(text, None).map(|root| Self { root })
    }

    /// Reads a query; `after:7d` and `on:yesterday` are counted from `now`.
    ///
    /// # Errors
    ///
    /// As [`Query::parse`].
    pub fn parse_at(text: &str, now: Timestamp) -> Result<Self, QueryError> {
        parser::parse(text, Some(now)).map(|root| Self { root })
    }

    /// The bytes of a text that match words or phrases of the query: on character boundaries, sorted, those that touch or
    /// overlap joined.
    ///
    /// Every occurrence counts, also in a message that does not match as a whole. What must not be there is not shown.
    #[must_use]
    pub fn highlight(&self, text: &str) -> Vec<Range<usize>> {
        let tokens = Tokens::with_origins(text);
        let mut ranges = Vec::new();
        self.root.origins(&tokens, &mut ranges);
        merged(ranges)
    }

    /// Whether a message matches: the scan. It gives the same answer as the index does, from the same tokens.
    #[must_use]
    pub fn matches(&self, message: &Message<'_>) -> bool {
        self.root.matches(&Reading::of(message))
    }

    /// What matches both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { root: Node::All(vec![self.root, other.root]) }
    }

    /// What is in this conversation, by its key or its bare id; case and the order of two users do not matter.
    #[must_use]
    pub fn in_conversation(key: &str) -> Self {
        Self { root: Node::Is(Column::In, Whole::Exact(name_term(&conversation_term(key)).into_owned())) }
    }

    /// Whether every message matches, because nothing is asked.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.root.is_everything()
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }
}

impl Node {
    fn is_everything(&self) -> bool {
        matches!(self, Self::All(nodes) if nodes.iter().all(Self::is_everything))
    }

    /// Each of the parts that all must match, of parts within parts too.
    pub(crate) fn each_of_all<'n>(&'n self, each: &mut dyn FnMut(&'n Self)) {
        match self {
            Self::All(nodes) => nodes.iter().for_each(|node| node.each_of_all(each)),
            node => each(node),
        }
    }

    /// Whether rows are looked at for it that do not match, or several lists gone through.
    pub(crate) fn is_long(&self) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().any(Self::is_long),
            Self::Any(_) | Self::Like(_) => true,
            Self::Words(_, phrase) => phrase.parts().len() > 1,
            Self::Is(..) | Self::Sent(_) | Self::Not(_) => false,
        }
    }

    /// Whether nothing in it has a score.
    pub(crate) fn is_filter(&self) -> bool {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().all(Self::is_filter),
            Self::Is(..) | Self::Sent(_) => true,
            Self::Not(_) | Self::Words(..) | Self::Like(_) => false,
        }
    }

    fn origins(&self, tokens: &Tokens, into: &mut Vec<Range<usize>>) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.origins(tokens, into)),
            Self::Words(_, phrase) => into.extend(phrase.origins(tokens)),
            Self::Like(pattern) => {
                let like = tokens.iter().enumerate().filter(|(_, (token, _))| pattern.is(token));
                into.extend(like.filter_map(|(position, _)| tokens.origin(position, false)));
            }
            Self::Not(_) | Self::Is(..) | Self::Sent(_) => {}
        }
    }

    fn matches(&self, reading: &Reading<'_>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(reading)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(reading)),
            Self::Not(node) => !node.matches(reading),
            Self::Words(place, phrase) => reading.texts(*place).iter().any(|tokens| phrase.occurs(tokens)),
            Self::Like(pattern) => {
                reading.texts(Place::Text).iter().any(|tokens| tokens.iter().any(|(token, _)| pattern.is(token)))
            }
            Self::Is(column, whole) => reading.terms(*column).iter().any(|term| whole.is(term)),
            Self::Sent(span) => reading.sent_at().is_some_and(|time| span.holds(time)),
        }
    }
}

impl Whole {
    fn is(&self, term: &str) -> bool {
        match self {
            Self::Exact(exact) => term == exact,
            Self::Starts(start) => term.starts_with(start),
            Self::Like(pattern) => pattern.is(term),
        }
    }
}

impl Span {
    pub(crate) fn holds(self, time: i64) -> bool {
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time < until)
    }

    /// The times that are in both.
    pub(crate) fn common(self, other: Self) -> Self {
        let until = self.until.into_iter().chain(other.until).min();
        Self { since: self.since.max(other.since), until }
    }

    /// Whether it holds a time from the one to the other.
    pub(crate) fn overlaps(self, first: i64, last: i64) -> bool {
        self.since.is_none_or(|since| since <= last) && self.until.is_none_or(|until| first < until)
    }
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
