//! What is asked, and what comes back.

use std::collections::BTreeSet;

use archive::Projection;
use chat::{Hour, Message, Timestamp};
use index::{By, Changes, Counts, Order, Place, Query, Request};

/// A search over the archive.
#[derive(Debug, Clone)]
pub struct Question {
    /// The words, phrases and filters.
    pub query: Query,
    /// Only messages sent at or after this instant.
    pub since: Option<Timestamp>,
    /// Only messages sent before this instant.
    pub until: Option<Timestamp>,
    /// Only hits behind this place, see [`Answer::next`].
    pub after: Option<Place>,
    /// How many hits to bring back at the most.
    pub limit: usize,
    /// In which order.
    pub order: Order,
    /// Whether hits have scores in every order.
    pub scored: bool,
    /// What all that matches is counted by.
    pub counted_by: Vec<By>,
    /// Which columns of the hits are read: each costs some pages.
    pub projection: Projection,
}

impl Question {
    /// A question with no bounds in time, the best twenty hits first, whole.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self {
            query,
            since: None,
            until: None,
            after: None,
            limit: 20,
            order: Order::Relevance,
            scored: false,
            counted_by: Vec::new(),
            projection: Projection::All,
        }
    }

    /// The question as it is put to the index, for one hit more: then there are others behind.
    pub(crate) fn request(&self, without: &BTreeSet<Hour>) -> Request {
        Request {
            query: self.query.clone(),
            since: self.since,
            until: self.until,
            without: without.clone(),
            after: self.after,
            limit: if self.limit == 0 { 0 } else { self.limit.saturating_add(1) },
            order: self.order,
            scored: self.scored,
            counted: true,
            counted_by: self.counted_by.clone(),
        }
    }
}

/// A message that answers a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The row, in the columns that were asked for.
    pub message: Message<'static>,
    /// How well it matches; comparable within one answer only.
    pub score: f32,
    /// What became of it.
    pub changes: Changes,
}

/// What the archive says to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The hits, in the order asked for; at most `limit`.
    pub hits: Vec<Found>,
    /// How many messages match in all, each counted once.
    pub total: u64,
    /// Whether copies of messages in later hours are counted too, because there are millions of them.
    pub counts_copies: bool,
    /// The same messages counted by value, for each of [`Question::counted_by`].
    pub counts: Vec<Counts>,
    /// Where the next page begins, when there are more hits.
    ///
    /// In an order of time, pages neither overlap nor skip, whatever is archived in between; what is archived behind the place
    /// is on a later page. By relevance this holds while the index stays as it is, for scores depend on all of it.
    pub next: Option<Place>,
    /// Hours with messages that the index does not hold, or not as they are now: the question was not put to them.
    pub not_indexed: Vec<Hour>,
}
