//! One pass over all that matches: the first rows in an order, how many there are, which of them are copies, and counts
//! by value.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustc_hash::FxHashSet;
use tantivy::query::{EnableScoring, Query, Weight};
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader};

use crate::best::{Best, Ranked};
use crate::ids::{self, Ids};
use crate::keys::Keys;
use crate::lots::{cores, on_each};
use crate::query::Span;
use crate::repeats::{Bits, Repeats};
use crate::request::{By, Order, Place};
use crate::room::{Room, Share};
use crate::tally::Tally;

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
    /// For rows that are remembered to tell copies from messages.
    pub(crate) room: Arc<Room>,
    /// Markers of hours, for each segment in order: they are no messages, where the query does not say so.
    pub(crate) markers: Option<Arc<Vec<Vec<DocId>>>>,
    /// Hours whose rows are passed over.
    pub(crate) without: FxHashSet<i64>,
    /// Only rows that were sent in this span are kept, where the query does not ask for it.
    pub(crate) span: Option<Span>,
    /// Whether to look for what matches takes so long that all cores do a part.
    pub(crate) is_long: bool,
    /// Whether all that matches is looked at, to be counted.
    pub(crate) counted: bool,
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
            room: Arc::new(Room::of_a_search()),
            markers: None,
            without: FxHashSet::default(),
            span: None,
            is_long: false,
            counted: true,
            counted_by: Vec::new(),
        }
    }

    pub(crate) fn needs_scores(&self) -> bool {
        self.keep > 0 && (self.scored || self.order == Order::Relevance)
    }

    /// Whether rows may be passed over that cannot be among the best.
    fn may_skip(&self) -> bool {
        self.keep > 0 && !self.counted && self.counted_by.is_empty()
    }
}

/// What was collected.
pub(crate) struct Collected {
    /// The first rows, in order.
    pub(crate) ranked: Vec<Ranked>,
    /// The ids of the rows that may be copies, unless these are too many.
    pub(crate) ids: Option<Ids>,
    /// The counts of each segment, for each of `counted_by`; without copies, where these are known.
    pub(crate) tallies: Vec<Vec<Tally>>,
    rows: u64,
}

impl Collected {
    /// The number of messages, each counted in its earliest hour only, as far as that is known.
    pub(crate) fn total(&self) -> u64 {
        self.rows - self.ids.as_ref().map_or(0, |ids| ids.copies().count() as u64)
    }
}

impl Pass {
    /// Whether all cores do a part: where everything is looked at or to look takes long, and it is not a matter of a few rows.
    fn is_shared(&self) -> bool {
        self.keep < usize::MAX && (self.is_long || !self.may_skip())
    }

    /// Goes over what matches a query, segment by segment: those that may have the first rows first, because the others
    /// then have little that comes before what was found.
    pub(crate) fn run(&self, query: &dyn Query, searcher: &Searcher, keys: &[Arc<Keys>]) -> tantivy::Result<Collected> {
        let scoring = if self.needs_scores() {
            EnableScoring::enabled_from_searcher(searcher)
        } else {
            EnableScoring::disabled_from_searcher(searcher)
        };
        let weight = query.weight(scoring)?;
        let segments = (0..).zip(searcher.segment_readers()).zip(keys);
        let segments: Vec<_> = segments.map(|((segment, reader), keys)| Segment { segment, reader, keys }).collect();
        let mut lanes = if self.is_shared() { dealt(segments, cores()) } else { vec![segments] };
        let best_time = |keys: &Keys| keys.times().map(|(newest, oldest)| self.order.best_time(newest, oldest));
        for lane in &mut lanes {
            lane.sort_by_key(|segment| Reverse(best_time(segment.keys)));
        }
        let (mut best, mut gone_over) = (Best::new(self), Vec::new());
        let floor = Arc::new(Floor::default());
        for gone in on_each(lanes, |segments| self.go_over(segments, weight.as_ref(), &floor)) {
            let (found, segments) = gone?;
            best = best.with(found);
            gone_over.extend(segments);
        }
        Ok(self.summed(best, gone_over, keys))
    }

    fn go_over(
        &self,
        segments: Vec<Segment<'_>>,
        weight: &dyn Weight,
        floor: &Arc<Floor>,
    ) -> tantivy::Result<(Best, Vec<GoneOver>)> {
        let (mut best, mut gone_over) = (Best::new(self), Vec::new());
        for Segment { segment, reader, keys } in segments {
            let mut collected = OfSegment::new(self, segment, reader, keys, best, floor)?;
            collected.go_over(weight, reader, self)?;
            let OfSegment { best: so_far, seen, tallies, rows, .. } = collected;
            best = so_far;
            let seen = seen.map(|docs| ids::rows(&docs, segment, keys));
            gone_over.push(GoneOver { segment, seen, tallies, rows });
        }
        Ok((best, gone_over))
    }

    fn summed(&self, best: Best, segments: Vec<GoneOver>, keys: &[Arc<Keys>]) -> Collected {
        let rows = segments.iter().map(|segment| segment.rows).sum();
        let (seen, mut tallies): (Vec<_>, BTreeMap<_, _>) =
            segments.into_iter().map(|segment| (segment.seen, (segment.segment, segment.tallies))).unzip();
        let seen: Option<Vec<_>> = seen.into_iter().collect();
        let ids = seen.map(|lots| Ids::of(&lots, keys));
        for copy in ids.iter().flat_map(Ids::copies) {
            let of_segment = tallies.get_mut(&copy.segment).into_iter().flatten();
            of_segment.for_each(|tally: &mut Tally| tally.take_back(copy.doc));
        }
        Collected { ranked: best.into_sorted(), ids, tallies: tallies.into_values().collect(), rows }
    }
}

/// What is gone over.
struct Segment<'s> {
    segment: SegmentOrdinal,
    reader: &'s SegmentReader,
    keys: &'s Arc<Keys>,
}

/// The segments in so many lots of about as many rows.
fn dealt(mut segments: Vec<Segment<'_>>, lots: usize) -> Vec<Vec<Segment<'_>>> {
    segments.sort_by_key(|segment| Reverse(segment.reader.max_doc()));
    let mut dealt: Vec<(u64, Vec<Segment<'_>>)> = (0..lots.max(1)).map(|_| (0, Vec::new())).collect();
    for segment in segments {
        if let Some((rows, lot)) = dealt.iter_mut().min_by_key(|(rows, _)| *rows) {
            *rows += u64::from(segment.reader.max_doc());
            lot.push(segment);
        }
    }
    dealt.into_iter().map(|(_, lot)| lot).filter(|lot| !lot.is_empty()).collect()
}

/// What one segment gave, besides its best rows.
struct GoneOver {
    segment: SegmentOrdinal,
    seen: Option<Vec<ids::Row>>,
    tallies: Vec<Tally>,
    rows: u64,
}

/// The score that is sure to be among the best, as all cores together know.
#[derive(Default)]
struct Floor(AtomicU32);

impl Floor {
    /// Takes note of a score that as many rows have as are sought, and gives what a row must exceed. Rows of the same score may
    /// come before those.
    fn raised(&self, score: Option<Score>) -> Score {
        let bits = score.map_or(0, Score::to_bits);
        // The bits of scores, which are not negative, are in the order of the scores.
        let highest = self.0.fetch_max(bits, Ordering::Relaxed).max(bits);
        if highest == 0 { Score::MIN } else { Score::from_bits(highest).next_down() }
    }
}

struct OfSegment {
    keys: Arc<Keys>,
    best: Best,
    floor: Arc<Floor>,
    /// The rows that may be copies; `None` when every row may be one.
    watched: Option<Arc<Bits>>,
    /// Those that were met, unless they are too many.
    seen: Option<Vec<DocId>>,
    share: Share,
    markers: std::iter::Peekable<std::vec::IntoIter<DocId>>,
    without: FxHashSet<i64>,
    span: Option<Span>,
    tallies: Vec<Tally>,
    rows: u64,
}

impl OfSegment {
    fn new(
        pass: &Pass,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
        keys: &Arc<Keys>,
        best: Best,
        floor: &Arc<Floor>,
    ) -> tantivy::Result<Self> {
        let tallies = pass.counted_by.iter().map(|by| Tally::of(*by, reader)).collect::<Result<_, _>>()?;
        let markers = pass.markers.as_ref().and_then(|markers| markers.get(segment as usize)).cloned();
        Ok(Self {
            keys: Arc::clone(keys),
            best: best.of_segment(keys),
            floor: Arc::clone(floor),
            watched: pass.repeats.as_ref().map(|repeats| repeats.of_segment(segment as usize)),
            // Which rows are copies is told by those that were looked at: by all, or not at all.
            seen: (!pass.may_skip()).then(Vec::new),
            share: Share::of(&pass.room),
            markers: markers.unwrap_or_default().into_iter().peekable(),
            without: pass.without.clone(),
            span: pass.span,
            tallies,
            rows: 0,
        })
    }

    fn go_over(&mut self, weight: &dyn Weight, reader: &SegmentReader, pass: &Pass) -> tantivy::Result<()> {
        let deleted = reader.alive_bitset();
        let is_alive = |doc: DocId| deleted.is_none_or(|alive| alive.is_alive(doc));
        if pass.may_skip() && (self.best.is_settled() || self.is_outside()) {
            return Ok(());
        }
        if pass.may_skip() && pass.needs_scores() {
            return weight.for_each_pruning(self.threshold(), reader, &mut |doc, score| {
                if is_alive(doc) && !self.is_marker(doc) && !self.is_passed_over(doc) {
                    self.rank(doc, score);
                }
                self.threshold()
            });
        }
        if pass.needs_scores() {
            return weight.for_each(reader, &mut |doc, score| {
                if is_alive(doc) {
                    self.collect(doc, score);
                }
            });
        }
        weight.for_each_no_score(reader, &mut |docs| match deleted {
            None => self.collect_block(docs),
            Some(_) => docs.iter().filter(|doc| is_alive(**doc)).for_each(|doc| self.collect(*doc, 0.0)),
        })
    }

    /// The score that a row must exceed, as far as this core and the others know.
    fn threshold(&self) -> Score {
        self.floor.raised(self.best.least_score()).max(self.best.threshold())
    }

    fn collect(&mut self, doc: DocId, score: Score) {
        if self.is_marker(doc) || self.is_passed_over(doc) {
            return;
        }
        self.count(&[doc]);
        self.rank(doc, score);
    }

    fn collect_block(&mut self, docs: &[DocId]) {
        let (Some(first), Some(last)) = (docs.first(), docs.last()) else { return };
        self.skip_markers_before(*first);
        if !self.without.is_empty() || self.markers.peek().is_some_and(|marker| marker <= last) {
            return docs.iter().for_each(|doc| self.collect(*doc, 0.0));
        }
        self.count(docs);
        if !self.best.is_settled() {
            docs.iter().for_each(|doc| self.rank(*doc, 0.0));
        }
    }

    /// Whether no row was sent in the span that is asked for.
    fn is_outside(&self) -> bool {
        let overlaps = |span: Span| self.keys.times().is_some_and(|(newest, oldest)| span.overlaps(oldest, newest));
        self.span.is_some_and(|span| !overlaps(span))
    }

    /// Rows come in order.
    fn is_marker(&mut self, doc: DocId) -> bool {
        self.skip_markers_before(doc);
        self.markers.peek() == Some(&doc)
    }

    fn skip_markers_before(&mut self, doc: DocId) {
        while self.markers.next_if(|marker| *marker < doc).is_some() {}
    }

    fn is_passed_over(&self, doc: DocId) -> bool {
        !self.without.is_empty() && self.keys.hour.first(doc).is_some_and(|hour| self.without.contains(&hour))
    }

    fn count(&mut self, docs: &[DocId]) {
        self.rows += docs.len() as u64;
        if self.watched.as_ref().is_none_or(|watched| !watched.is_empty()) {
            self.remember(docs);
        }
        self.tallies.iter_mut().for_each(|tally| tally.add(docs));
    }

    fn remember(&mut self, docs: &[DocId]) {
        let Some(seen) = &mut self.seen else { return };
        match &self.watched {
            Some(watched) => seen.extend(docs.iter().filter(|doc| watched.has(u64::from(**doc)))),
            None => seen.extend_from_slice(docs),
        }
        if !self.share.holds(seen.len()) {
            self.seen = None;
        }
    }

    fn rank(&mut self, doc: DocId, score: Score) {
        if !self.best.may_take(score) {
            return;
        }
        let sent_at = self.keys.sent_at.first(doc);
        if self.span.is_none_or(|span| sent_at.is_some_and(|time| span.holds(time))) {
            let may_repeat = || self.watched.as_ref().is_none_or(|watched| watched.has(u64::from(doc)));
            self.best.take(sent_at, score, || (self.keys.hit(doc, score), may_repeat()));
        }
    }
}
