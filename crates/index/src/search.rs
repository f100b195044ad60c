//! Questions to the index, and its answers.

use chat::{Hour, Part, Timestamp};

use crate::Query;

/// In what order hits come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Best match first (BM25); equal ones newest first.
    #[default]
    Relevance,
    /// Newest first, messages without a time last.
    Newest,
    /// Oldest first, messages without a time last.
    Oldest,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Request {
    /// What the messages must match.
    pub query: Query,
    /// Only messages sent at this time or later; leaves out those without a time.
    pub since: Option<Timestamp>,
    /// Only messages sent before this time; leaves out those without a time.
    pub until: Option<Timestamp>,
    /// The greatest number of hits.
    pub limit: usize,
    /// The order of hits.
    pub order: Order,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The first `limit` hits, in order.
    pub hits: Vec<Hit>,
    /// Messages that match; copies of a message in several hours are counted once.
    pub total: u64,
}

/// The key of a message's row in the tables, and how well it matches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The hour that the message was served in.
    pub source_hour: Hour,
    /// When it was sent, to the microsecond.
    pub sent_at: Option<Timestamp>,
    /// The part of the hour.
    pub part: Part,
    /// The line within the part.
    pub line: u64,
    /// How well it matches; 0 where nothing but filters was asked for.
    pub score: f32,
    /// The fingerprint of the message's id; 0 for a message without one.
    pub message: u64,
}
