//! Which messages are meant.

use std::time::Duration;

use archive::Sent;
use chat::{Message, Timestamp};
use index::Query;
use store::DataFile;

/// Messages by the time at which they were sent, and by what a query says of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choice<'a> {
    /// Only messages sent at or after this instant.
    pub since: Option<Timestamp>,
    /// Only messages sent before this instant.
    pub until: Option<Timestamp>,
    /// Only messages that match.
    pub query: Option<&'a Query>,
}

impl Choice<'_> {
    /// Whether a file may have rows of the range. The bounds that its log has may be cut to the millisecond.
    pub(super) fn may_be_in(&self, file: &DataFile) -> bool {
        let millisecond = Duration::from_millis(1);
        let is_before = self.since.zip(file.max_sent_at).is_some_and(|(since, last)| last + millisecond < since);
        let is_after = self.until.zip(file.min_sent_at).is_some_and(|(until, first)| first - millisecond >= until);
        !is_before && !is_after
    }

    /// The span of the messages that are meant.
    pub(super) fn sent(&self) -> Sent {
        Sent { since: self.since, until: self.until }
    }

    /// Whether a message is meant.
    pub(super) fn has(&self, message: &Message<'_>) -> bool {
        let is_in = |time: Timestamp| {
            self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
        };
        let has_bounds = self.since.is_some() || self.until.is_some();
        (!has_bounds || message.sent_at.is_some_and(is_in)) && self.query.is_none_or(|query| query.matches(message))
    }
}
