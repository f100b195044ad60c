//! The query language: what a person types, as a tree; and the scan, which answers it without an index.
//!
//! ```text
//! query   = { clause }                            all of them must match
//! clause  = field ":" value | value
//! value   = '"' { any } '"' | "“" { any } "”" | word
//! field   = "from" | "to" | "in" | "type"         in any case, right before its colon
//! ```
//!
//! A word is what stands between white space. A word that gives several tokens is a phrase: `teo-77` is found where `teo`
//! and `77` follow one another. Within quotes `\"` and `\\` stand for `"` and `\`. A colon behind anything that is not
//! nearly a field belongs to the word: `http://x`, `10:30`.

mod error;
mod field;
mod parser;
mod phrase;

use std::ops::Range;

use chat::Message;

pub use error::QueryError;
pub(crate) use field::{Field, bare_term, conversation_term};
pub(crate) use phrase::{Part, Phrase};

use crate::fold::fold_case;
use crate::tokens::Tokens;

/// A question about words and who said them.
///
/// ```
/// # fn main() -> Result<(), index::QueryError> {
/// let query = index::Query::parse("潮汐 from:lin.qiao")?;
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
    /// One of its texts has the phrase.
    Phrase(Phrase),
    /// A column has the value, which is folded as [`Field::fold`] says.
    Is(Field, String),
}

impl Query {
    /// Reads a query. An empty one matches every message.
    ///
    /// # Errors
    ///
    /// [`QueryError`] with the place of the mistake and, where possible, what was meant.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parser::parse(text).map(|root| Self { root })
    }

    /// The bytes of a text that match words or phrases of the query: on character boundaries, sorted, those that touch or
    /// overlap joined.
    ///
    /// Every occurrence counts, also in a message that does not match as a whole.
    #[must_use]
    pub fn highlight(&self, text: &str) -> Vec<Range<usize>> {
        let mut phrases = Vec::new();
        self.root.phrases(&mut phrases);
        let tokens = Tokens::with_origins(text);
        let ranges = phrases.iter().flat_map(|phrase| phrase.origins(&tokens)).collect();
        merged(ranges)
    }

    /// Whether a message matches: the scan. It gives the same answer as the index does, from the same tokens.
    #[must_use]
    pub fn matches(&self, message: &Message<'_>) -> bool {
        let texts: Vec<_> = message.searchable().map(Tokens::of).collect();
        self.root.matches(message, &texts)
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }
}

impl Node {
    fn phrases<'n>(&'n self, into: &mut Vec<&'n Phrase>) {
        match self {
            Self::All(nodes) => nodes.iter().for_each(|node| node.phrases(into)),
            Self::Phrase(phrase) => into.push(phrase),
            Self::Is(..) => {}
        }
    }

    fn matches(&self, message: &Message<'_>, texts: &[Tokens]) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(message, texts)),
            Self::Phrase(phrase) => texts.iter().any(|tokens| phrase.occurs(tokens)),
            Self::Is(field, value) => field.is(message, value),
        }
    }
}

impl Field {
    /// Whether the column of a message has a folded value.
    fn is(self, message: &Message<'_>, value: &str) -> bool {
        let same = |name: &str| fold_case(name) == value;
        match self {
            Self::From => message.sender.as_deref().is_some_and(same),
            Self::To => message.recipient.as_deref().is_some_and(same),
            Self::Type => message.body_type.is_some_and(|body| body.word() == value),
            Self::In => message
                .conversation
                .as_deref()
                .is_some_and(|key| conversation_term(key) == value || bare_term(key).is_some_and(|bare| bare == value)),
        }
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
