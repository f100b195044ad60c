//! The query language.

use std::ops::Range;

use chat::Message;

/// A question about words and who said them.
#[derive(Debug, Clone)]
pub struct Query;

/// A query that cannot be understood, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// The bytes of the query that are at fault.
    pub at: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What was probably meant: a replacement for the bytes at fault.
    pub suggestion: Option<String>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    ///
    /// [`QueryError`] with the place of the mistake and, where possible, what was meant.
    pub fn parse(_text: &str) -> Result<Self, QueryError> {
        Ok(Self)
    }

    /// The bytes of a text that match, sorted, merged and on character boundaries.
    #[must_use]
    pub fn highlight(&self, _text: &str) -> Vec<Range<usize>> {
        Vec::new()
    }

    /// Whether a message matches: the same answer as the index gives.
    #[must_use]
    pub fn matches(&self, _message: &Message<'_>) -> bool {
        false
    }
}
