//! Mistakes in a query.

use std::ops::Range;

/// A query that cannot be understood, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// The bytes of the query that are at fault: `start <= end <= length`, on character boundaries.
    pub at: Range<usize>,
    /// What is wrong, and what was probably meant.
    pub message: String,
    /// What to write in place of the bytes at fault, where that can be guessed.
    pub suggestion: Option<String>,
}

impl QueryError {
    pub(super) fn new(at: Range<usize>, message: String) -> Self {
        Self { at, message, suggestion: None }
    }

    pub(super) fn suggesting(self, suggestion: String) -> Self {
        Self { suggestion: Some(suggestion), ..self }
    }
}
