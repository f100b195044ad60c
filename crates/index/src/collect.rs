//! One pass over all that matches: the first rows in an order, how many there are, which of them are copies, and counts
//! by value.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use chat::{Hour, Part, Timestamp};
use rustc_hash::FxHashSet;
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::Column;
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use crate::fields::column;
use crate::repeats::{Bits, Repeats};
use crate::request::{By, Order, Place};
use crate::search::Hit;
use crate::tally::Tally;

/// Rows whose ids one search remembers to tell copies from messages: 24 bytes each.
const REMEMBERED: usize = 2_000_000;

/// Rows that are all remembered while it is not known which of them repeat. With more, finding that out costs less.
const FEW: usize = 200_000;

/// Goes over what matches.
pub(crate) struct Pass {
    /// How many of the first rows are kept.
    pub(crate) keep: usize,
    pub(crate) order: Order,
    pub(crate) scored: bool,
    /// Only rows behind this place are kept.
    pub(crate) after: Option<Place>,
    /// The rows that may be copies; else every row is taken for one.
    pub(crate) repeats: Option<Arc<Repeats>>,
    /// Markers of hours, for each segment in order: they are no messages, where the query does not say so.
    pub(crate) markers: Option<Arc<Vec<Vec<DocId>>>>,
    /// Hours whose rows are passed over.
    pub(crate) without: FxHashSet<i64>,
    pub(crate) counted_by: Vec<By>,
}

impl Pass {
    /// Keeps everything.
    pub(crate) fn over_all() -> Self {
        Self {
            keep: usize::MAX,
            order: Order::Oldest,
            scored: false,
            after: None,
            repeats: None,
            markers: None,
            without: FxHashSet::default(),
            counted_by: Vec::new(),
        }
    }

    pub(crate) fn needs_scores(&self) -> bool {
        self.keep > 0 && (self.scored || self.order == Order::Relevance)
    }
}

/// What was collected.
pub(crate) struct Collected {
    /// The first rows, in order.
    pub(crate) ranked: Vec<Ranked>,
    /// The ids of the rows that may be copies, unless they are too many.
    pub(crate) ids: Option<Ids>,
    /// The counts of each segment, for each of `counted_by`; without copies, where these are known.
    pub(crate) tallies: Vec<Vec<Tally>>,
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

/// Rows that may be copies, sorted.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    sorted: Vec<Id>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    message: u64,
    hour: i64,
    segment: SegmentOrdinal,
    doc: DocId,
}

impl Collected {
    /// The number of messages, each counted in its earliest hour only, as far as that is known.
    pub(crate) fn total(&self) -> u64 {
        self.rows - self.ids.as_ref().map_or(0, |ids| ids.copies().count() as u64)
    }
}

impl Ids {
    /// The earliest hour of a message; `None` for one that was not remembered.
    pub(crate) fn earliest(&self, message: u64) -> Option<Hour> {
        let first = self.sorted.partition_point(|id| id.message < message);
        self.sorted.get(first).filter(|id| id.message == message).map(|id| Hour::from_number(id.hour))
    }

    /// Rows that are of a later hour than the earliest of their message.
    fn copies(&self) -> impl Iterator<Item = &Id> {
        let groups = self.sorted.chunk_by(|one, other| one.message == other.message);
        groups.flat_map(|group| group.iter().filter(|id| group.first().is_some_and(|first| id.hour > first.hour)))
    }
}

impl Collector for Pass {
    type Fruit = Collected;
    type Child = OfSegment;

    fn for_segment(&self, segment: SegmentOrdinal, reader: &SegmentReader) -> tantivy::Result<OfSegment> {
        let tallies = self.counted_by.iter().map(|by| Tally::of(*by, reader)).collect::<Result<_, _>>()?;
        let markers = self.markers.as_ref().and_then(|markers| markers.get(segment as usize)).cloned();
        Ok(OfSegment {
            segment,
            columns: Columns::of(reader)?,
            keep: self.keep,
            order: self.order,
            after: self.after.map(|place| Ranked::at(place, self.order)),
            best: BinaryHeap::new(),
            watched: self.repeats.as_ref().map(|repeats| repeats.of_segment(segment as usize)),
            ids: Some(Vec::new()),
            markers: markers.unwrap_or_default().into_iter().peekable(),
            without: self.without.clone(),
            tallies,
            rows: 0,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.needs_scores()
    }

    fn merge_fruits(&self, segments: Vec<SegmentFruit>) -> tantivy::Result<Collected> {
        let rows = segments.iter().map(|segment| segment.rows).sum();
        let most = if self.repeats.is_some() { REMEMBERED } else { FEW };
        let (mut ranked, mut all_ids, mut tallies) = (Vec::new(), Some(Vec::new()), Vec::new());
        for segment in segments {
            ranked.extend(segment.best);
            all_ids = all_ids.zip(segment.ids).and_then(|(all, more)| joined(all, more, most));
            tallies.push(segment.tallies);
        }
        ranked.sort_unstable_by(|one, other| other.cmp(one));
        ranked.truncate(self.keep);
        let ids = all_ids.map(|mut sorted| {
            sorted.sort_unstable();
            Ids { sorted }
        });
        for copy in ids.iter().flat_map(Ids::copies) {
            let of_segment = tallies.get_mut(copy.segment as usize).into_iter().flatten();
            of_segment.for_each(|tally: &mut Tally| tally.take_back(copy.doc));
        }
        Ok(Collected { ranked, ids, tallies, rows })
    }
}

fn joined(mut all: Vec<Id>, more: Vec<Id>, most: usize) -> Option<Vec<Id>> {
    (all.len() + more.len() <= most).then(|| {
        all.extend(more);
        all
    })
}

pub(crate) struct OfSegment {
    segment: SegmentOrdinal,
    columns: Columns,
    keep: usize,
    order: Order,
    after: Option<Ranked>,
    /// The `keep` best so far, the worst of them on top.
    best: BinaryHeap<Reverse<Ranked>>,
    /// The rows that may be copies; `None` when every row may be one.
    watched: Option<Arc<Bits>>,
    ids: Option<Vec<Id>>,
    markers: std::iter::Peekable<std::vec::IntoIter<DocId>>,
    without: FxHashSet<i64>,
    tallies: Vec<Tally>,
    rows: u64,
}

pub(crate) struct SegmentFruit {
    best: Vec<Ranked>,
    ids: Option<Vec<Id>>,
    tallies: Vec<Tally>,
    rows: u64,
}

impl SegmentCollector for OfSegment {
    type Fruit = SegmentFruit;

    fn collect(&mut self, doc: DocId, score: Score) {
        if self.is_marker(doc) || self.is_passed_over(doc) {
            return;
        }
        self.count(&[doc]);
        if self.keep > 0 {
            self.rank(doc, score);
        }
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        let (Some(first), Some(last)) = (docs.first(), docs.last()) else { return };
        self.skip_markers_before(*first);
        if !self.without.is_empty() || self.markers.peek().is_some_and(|marker| marker <= last) {
            return docs.iter().for_each(|doc| self.collect(*doc, 0.0));
        }
        self.count(docs);
        if self.keep > 0 {
            docs.iter().for_each(|doc| self.rank(*doc, 0.0));
        }
    }

    fn harvest(self) -> SegmentFruit {
        let best = self.best.into_iter().map(|Reverse(ranked)| ranked).collect();
        SegmentFruit { best, ids: self.ids, tallies: self.tallies, rows: self.rows }
    }
}

impl OfSegment {
    /// Rows come in order.
    fn is_marker(&mut self, doc: DocId) -> bool {
        self.skip_markers_before(doc);
        self.markers.peek() == Some(&doc)
    }

    fn skip_markers_before(&mut self, doc: DocId) {
        while self.markers.next_if(|marker| *marker < doc).is_some() {}
    }

    fn is_passed_over(&self, doc: DocId) -> bool {
        !self.without.is_empty() && self.columns.hour.first(doc).is_some_and(|hour| self.without.contains(&hour))
    }

    fn count(&mut self, docs: &[DocId]) {
        self.rows += docs.len() as u64;
        self.remember(docs);
        self.tallies.iter_mut().for_each(|tally| tally.add(docs));
    }

    fn remember(&mut self, docs: &[DocId]) {
        match self.watched.clone() {
            Some(watched) if watched.is_empty() => {}
            Some(watched) => {
                let repeating = docs.iter().filter(|doc| watched.has(u64::from(**doc)));
                repeating.for_each(|doc| self.remember_one(*doc, REMEMBERED));
            }
            None => docs.iter().for_each(|doc| self.remember_one(*doc, FEW)),
        }
    }

    fn remember_one(&mut self, doc: DocId, most: usize) {
        if self.ids.as_ref().is_some_and(|ids| ids.len() == most) {
            self.ids = None;
        }
        if let Some(ids) = &mut self.ids
            && let Some(message) = self.columns.message.first(doc)
        {
            ids.push(Id { message, hour: self.columns.hour.first(doc).unwrap_or(0), segment: self.segment, doc });
        }
    }

    fn rank(&mut self, doc: DocId, score: Score) {
        let rank = self.order.rank(score, self.columns.sent_at.first(doc));
        let is_worse = |worst: &Reverse<Ranked>| rank < worst.0.rank;
        let is_before = |after: Ranked| rank > after.rank;
        if self.after.is_some_and(is_before) || self.best.len() >= self.keep && self.best.peek().is_none_or(is_worse) {
            return;
        }
        let ranked = Ranked { rank, hit: self.columns.hit(doc, score) };
        if self.after.is_some_and(|after| ranked >= after) {
            return;
        }
        self.best.push(Reverse(ranked));
        if self.best.len() > self.keep {
            self.best.pop();
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

impl Ranked {
    /// Where a hit would stand that has this place.
    fn at(place: Place, order: Order) -> Self {
        let Place { score, sent_at, position } = place;
        let rank = order.rank(score, sent_at.map(|time| time.timestamp_micros()));
        let hit = Hit {
            source_hour: position.source_hour,
            sent_at,
            part: position.part,
            line: position.line,
            score,
            message: 0,
        };
        Self { rank, hit }
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
