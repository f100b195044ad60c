//! What is asked, and what comes back.

use chat::{Hour, Message, Timestamp};
use index::{Order, Query};

/// A search over the archive.
#[derive(Debug, Clone)]
pub struct Question {
    /// The words, phrases and filters.
    pub query: Query,
    /// Only messages sent at or after this instant.
    pub since: Option<Timestamp>,
    /// Only messages sent before this instant.
    pub until: Option<Timestamp>,
    /// How many hits to bring back at the most.
    pub limit: usize,
    /// In which order.
    pub order: Order,
}

impl Question {
    /// A question with no bounds in time, the best twenty hits first.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self { query, since: None, until: None, limit: 20, order: Order::Relevance }
    }
}

/// A message that answers a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The row, whole.
    pub message: Message<'static>,
    /// How well it matches; comparable within one answer only.
    pub score: f32,
}

/// What the archive says to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The hits, in the order asked for; at most `limit`.
    pub hits: Vec<Found>,
    /// How many messages match in all.
    pub total: u64,
    /// Hours that are in the tables and not in the index: the question was not put to them.
    pub not_indexed: Vec<Hour>,
}
