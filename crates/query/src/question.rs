//! What is asked, and what comes back.

use chat::{Hour, Message, Timestamp};
use index::{Order, Query, Request};

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

    /// The question as it is put to the index, for so many hits.
    pub(crate) fn request(&self, limit: usize) -> Request {
        Request { query: self.query.clone(), since: self.since, until: self.until, limit, order: self.order }
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
    /// How many messages match in all. Where the index is behind, rows that were replaced may still be counted.
    pub total: u64,
    /// Hours with messages that the index does not hold, or not as they are now: the question was not put to them.
    pub not_indexed: Vec<Hour>,
}
