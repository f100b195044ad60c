//! What is asked of the index.

use std::collections::BTreeSet;
use std::time::Duration;

use chat::{Hour, Position, Timestamp, start_of_month};

use crate::Query;
use crate::query::Span;

/// In what order hits come. Hits that are equal in it come in the order of their rows: source hour, part, line.
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
    /// Hours whose messages are left out, although the index holds them.
    pub without: BTreeSet<Hour>,
    /// Only hits that come behind this place in the order. They are counted all the same.
    pub after: Option<Place>,
    /// The greatest number of hits.
    pub limit: usize,
    /// The order of hits.
    pub order: Order,
    /// Whether hits have scores also where the order needs none.
    pub scored: bool,
    /// Whether all that matches is counted. If not, and no values are counted either, rows are not looked at whose score
    /// cannot be among the best.
    pub counted: bool,
    /// What all that matches is counted by.
    pub counted_by: Vec<By>,
}

/// Where a hit stands in an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The score, which counts in the order of relevance only.
    pub score: f32,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// The number of its id; 0 without one.
    pub message: u64,
    /// The key of its row.
    pub position: Position,
}

/// What messages are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// The values of a column.
    Value(Facet),
    /// The stretches of time in which they were sent.
    Time(Unit),
}

/// A column whose values are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Facet {
    /// The sender, without case.
    From,
    /// The recipient, without case.
    To,
    /// The key of the conversation, without case.
    In,
    /// The type of the first body.
    Type,
}

/// The stretches of time in UTC that a histogram counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// From one whole hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From Monday to Monday.
    Week,
    /// From the first of a month to the next.
    Month,
}

impl Request {
    /// All that matches a query, the best twenty hits first.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self {
            query,
            since: None,
            until: None,
            without: BTreeSet::new(),
            after: None,
            limit: 20,
            order: Order::Relevance,
            scored: false,
            counted: true,
            counted_by: Vec::new(),
        }
    }

    /// Whether rows may be passed over that cannot be among the first.
    pub(crate) fn may_skip(&self) -> bool {
        !self.counted && self.counted_by.is_empty()
    }

    /// The span of time that is asked for besides the query.
    pub(crate) fn span(&self) -> Option<Span> {
        let span = Span { since: self.since.map(microseconds_up), until: self.until.map(microseconds_up) };
        (self.since.is_some() || self.until.is_some()).then_some(span)
    }

    /// Whether every message matches.
    pub(crate) fn is_everything(&self) -> bool {
        self.query.is_everything() && self.since.is_none() && self.until.is_none()
    }
}

/// The first whole microsecond that is not before a time. Both bounds are of the kind "before this": a message, which has
/// whole microseconds, is before the one when it is before the other.
fn microseconds_up(time: Timestamp) -> i64 {
    time.timestamp_micros() + i64::from(!time.timestamp_subsec_nanos().is_multiple_of(1000))
}

/// The longest stretch that is put together of shorter ones.
const LONGEST_MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

impl Unit {
    /// When the stretch begins that has this time in it.
    #[must_use]
    pub fn begin(self, time: Timestamp) -> Timestamp {
        let hour = Hour::containing(time);
        let midnight = hour.plus(-i64::from(hour.of_day()));
        match self {
            Self::Hour => hour.start(),
            Self::Day => midnight.start(),
            Self::Week => midnight.plus(-24 * days_since_monday(midnight)).start(),
            Self::Month => start_of_month(time),
        }
    }

    /// When the next stretch begins.
    #[must_use]
    pub fn next(self, begin: Timestamp) -> Timestamp {
        let hours = |hours: u64| begin + Duration::from_secs(3600 * hours);
        match self {
            Self::Hour => hours(1),
            Self::Day => hours(24),
            Self::Week => hours(7 * 24),
            Self::Month => self.begin(begin + LONGEST_MONTH),
        }
    }
}

/// The first day of 1970 was a Thursday.
fn days_since_monday(midnight: Hour) -> i64 {
    (midnight.number().div_euclid(24) + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use chat::parse_time;

    use super::*;

    #[test]
    fn a_stretch_begins_in_utc_and_ends_where_the_next_begins() {
        for (unit, time, begin, next) in [
            (Unit::Hour, "2026-03-14T09:59:59.999Z", "2026-03-14T09", "2026-03-14T10"),
            (Unit::Day, "2026-03-14T09:59:59Z", "2026-03-14", "2026-03-15"),
            (Unit::Week, "2026-03-14T09:59:59Z", "2026-03-09", "2026-03-16"),
            (Unit::Week, "2026-03-16T00:00:00Z", "2026-03-16", "2026-03-23"),
            (Unit::Week, "1969-12-31T23:59:59Z", "1969-12-29", "1970-01-05"),
            (Unit::Month, "2024-02-29T12:00:00Z", "2024-02-01", "2024-03-01"),
            (Unit::Month, "2025-12-31T23:59:59Z", "2025-12-01", "2026-01-01"),
        ] {
            let at = |text| parse_time(text).unwrap();
            assert_eq!((unit.begin(at(time)), unit.next(at(begin))), (at(begin), at(next)), "{unit:?} {time}");
        }
    }
}
