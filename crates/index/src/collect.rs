//! One pass over all that matches: the first rows in an order, how many there are, and which of them are copies.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use chat::{Hour, Part, Timestamp};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use crate::Order;
use crate::fields::column;
use crate::search::Hit;

/// Rows whose ids one search remembers to tell copies from messages: 16 bytes each.
const REMEMBERED: usize = 2_000_000;

/// Collects the first `keep` rows in an order.
pub(crate) struct Everything {
    pub(crate) keep: usize,
    pub(crate) order: Order,
}

/// What was collected.
pub(crate) struct Collected {
    /// The first rows, in order.
    pub(crate) ranked: Vec<Ranked>,
    /// The ids of all rows, unless they are too many.
    pub(crate) ids: Option<Ids>,
    rows: u64,
}

/// A row and its place in the order; the greater one comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranked {
    rank: Rank,
    pub(crate) hit: Hit,
}

/// What the order compares before it looks at the key of the row: greater comes first. A BM25 score is not negative, so
/// that the order of its bits is its own.
type Rank = (u32, i64);

/// Fingerprints and hours of rows, sorted.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    sorted: Vec<(u64, i64)>,
}

impl Collected {
    /// The number of messages, each counted in its earliest hour only, as far as that is known.
    pub(crate) fn total(&self) -> u64 {
        self.rows - self.ids.as_ref().map_or(0, Ids::copies)
    }
}

impl Ids {
    /// The earliest hour of a message; `None` for a row without an id.
    pub(crate) fn earliest(&self, message: u64) -> Option<Hour> {
        let first = self.sorted.partition_point(|(id, _)| *id < message);
        self.sorted.get(first).filter(|(id, _)| *id == message).map(|(_, hour)| Hour::from_number(*hour))
    }

    /// Rows that are of a later hour than the earliest of their message.
    fn copies(&self) -> u64 {
        let groups = self.sorted.chunk_by(|one, other| one.0 == other.0);
        let later =
            groups.map(|group| group.iter().filter(|(_, hour)| group.first().is_some_and(|(_, first)| hour > first)));
        later.map(|rows| rows.count() as u64).sum()
    }
}

impl Collector for Everything {
    type Fruit = Collected;
    type Child = OfSegment;

    fn for_segment(&self, _ordinal: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<OfSegment> {
        let columns = Columns::of(segment)?;
        let (keep, order) = (self.keep, self.order);
        Ok(OfSegment { columns, keep, order, best: BinaryHeap::new(), ids: Some(Vec::new()), rows: 0 })
    }

    fn requires_scoring(&self) -> bool {
        self.order == Order::Relevance
    }

    fn merge_fruits(&self, segments: Vec<SegmentFruit>) -> tantivy::Result<Collected> {
        let rows = segments.iter().map(|segment| segment.rows).sum();
        let mut ranked = Vec::new();
        let mut all_ids = Some(Vec::new());
        for segment in segments {
            ranked.extend(segment.best);
            all_ids = all_ids.zip(segment.ids).and_then(|(all, more)| joined(all, more));
        }
        ranked.sort_unstable_by(|one, other| other.cmp(one));
        ranked.truncate(self.keep);
        let ids = all_ids.map(|mut sorted| {
            sorted.sort_unstable();
            Ids { sorted }
        });
        Ok(Collected { ranked, ids, rows })
    }
}

fn joined(mut all: Vec<(u64, i64)>, more: Vec<(u64, i64)>) -> Option<Vec<(u64, i64)>> {
    (all.len() + more.len() <= REMEMBERED).then(|| {
        all.extend(more);
        all
    })
}

pub(crate) struct OfSegment {
    columns: Columns,
    keep: usize,
    order: Order,
    /// The `keep` best so far, the worst of them on top.
    best: BinaryHeap<Reverse<Ranked>>,
    ids: Option<Vec<(u64, i64)>>,
    rows: u64,
}

pub(crate) struct SegmentFruit {
    best: Vec<Ranked>,
    ids: Option<Vec<(u64, i64)>>,
    rows: u64,
}

impl SegmentCollector for OfSegment {
    type Fruit = SegmentFruit;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.rows += 1;
        self.remember(doc);
        let rank = self.order.rank(score, self.columns.sent_at.first(doc));
        let is_worse = |worst: &Reverse<Ranked>| rank < worst.0.rank;
        if self.best.len() >= self.keep && self.best.peek().is_none_or(is_worse) {
            return;
        }
        self.best.push(Reverse(Ranked { rank, hit: self.columns.hit(doc, score) }));
        if self.best.len() > self.keep {
            self.best.pop();
        }
    }

    fn harvest(self) -> SegmentFruit {
        let best = self.best.into_iter().map(|Reverse(ranked)| ranked).collect();
        SegmentFruit { best, ids: self.ids, rows: self.rows }
    }
}

impl OfSegment {
    fn remember(&mut self, doc: DocId) {
        let full = self.ids.as_ref().is_some_and(|ids| ids.len() == REMEMBERED);
        if full {
            self.ids = None;
        }
        if let Some(ids) = &mut self.ids
            && let Some(message) = self.columns.message.first(doc)
        {
            ids.push((message, self.columns.hour.first(doc).unwrap_or(0)));
        }
    }
}

impl Order {
    fn rank(self, score: Score, sent_at: Option<i64>) -> Rank {
        let newest = sent_at.unwrap_or(i64::MIN);
        match self {
            Self::Relevance => (score.max(0.0).to_bits(), newest),
            Self::Newest => (0, newest),
            Self::Oldest => (0, sent_at.map_or(i64::MIN, |time| time.saturating_neg())),
        }
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |ranked: &Self| (ranked.hit.source_hour, ranked.hit.part, ranked.hit.line);
        self.rank.cmp(&other.rank).then_with(|| key(other).cmp(&key(self)))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

struct Columns {
    hour: Column<i64>,
    sent_at: Column<i64>,
    part: Column<u64>,
    line: Column<u64>,
    message: Column<u64>,
}

impl Columns {
    fn of(segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(Self {
            hour: columns.i64(column::HOUR)?,
            sent_at: columns.i64(column::SENT_AT)?,
            part: columns.u64(column::PART)?,
            line: columns.u64(column::LINE)?,
            message: columns.u64(column::MESSAGE)?,
        })
    }

    fn hit(&self, doc: DocId, score: Score) -> Hit {
        Hit {
            source_hour: Hour::from_number(self.hour.first(doc).unwrap_or(0)),
            sent_at: self.sent_at.first(doc).and_then(Timestamp::from_timestamp_micros),
            // A part is a u32 when it is written.
            part: Part::try_from(self.part.first(doc).unwrap_or(0)).unwrap_or(Part::MAX),
            line: self.line.first(doc).unwrap_or(0),
            score,
            message: self.message.first(doc).unwrap_or(0),
        }
    }
}
