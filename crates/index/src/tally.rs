//! Counts by value, of what matches in one segment.

use std::collections::BTreeMap;
use std::sync::Arc;

use chat::Timestamp;
use rustc_hash::FxHashMap;
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, SegmentReader};

use crate::fields::column;
use crate::request::{By, Facet, Unit};

/// Rows that are counted at once.
const BLOCK: usize = 64;

/// Stretches that are counted in an array; where times are farther apart, in a map.
const MOST_STRETCHES: i64 = 1 << 20;

const MICROSECONDS_AN_HOUR: i64 = 3_600_000_000;
const MICROSECONDS_A_DAY: i64 = 24 * MICROSECONDS_AN_HOUR;

/// All that matches, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counts {
    /// By the values of a column.
    Values {
        /// The most frequent first, those as frequent in the order of the alphabet.
        counts: Vec<(Arc<str>, u64)>,
        /// Messages that have no value.
        without: u64,
    },
    /// By the stretches in which they were sent.
    Times {
        /// The beginning of each stretch that has messages.
        counts: BTreeMap<Timestamp, u64>,
        /// Messages that have no time.
        without: u64,
    },
}

/// The counts of one segment.
pub(crate) enum Tally {
    Names(Names),
    Times(Times),
}

/// How many messages have each name, and how many have none.
pub(crate) struct Names {
    column: Option<StrColumn>,
    counts: Vec<u64>,
    without: u64,
}

/// How many messages were sent in each stretch, and how many have no time.
pub(crate) struct Times {
    column: Column<i64>,
    width: i64,
    /// The number of the stretch that `counts` begins with.
    first: i64,
    counts: Vec<u64>,
    /// Where the stretch of the row before begins, and its place in `counts`: neighbours were sent about the same time.
    last: (i64, usize),
    /// The stretches that `counts` does not reach.
    others: FxHashMap<i64, u64>,
    without: u64,
}

/// The counts of all segments together.
#[derive(Debug, Default)]
pub(crate) struct Sum<K> {
    counts: FxHashMap<K, u64>,
    without: u64,
}

impl Facet {
    fn column(self) -> &'static str {
        match self {
            Self::From => column::FROM,
            Self::To => column::TO,
            Self::In => column::CONVERSATION,
            Self::Type => column::TYPE,
        }
    }
}

impl Unit {
    /// The stretches that are counted; longer ones are put together of them.
    fn width(self) -> i64 {
        match self {
            Self::Hour => MICROSECONDS_AN_HOUR,
            Self::Day | Self::Week | Self::Month => MICROSECONDS_A_DAY,
        }
    }
}

impl Tally {
    pub(crate) fn of(by: By, segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(match by {
            By::Value(facet) => Self::Names(Names::new(columns.str(facet.column())?)),
            By::Time(unit) => Self::Times(Times::new(columns.i64(column::SENT_AT)?, unit.width())),
        })
    }

    /// Counts rows, at most [`BLOCK`] at once being best.
    pub(crate) fn add(&mut self, docs: &[DocId]) {
        for docs in docs.chunks(BLOCK) {
            match self {
                Self::Names(names) => names.add(docs),
                Self::Times(times) => times.add(docs),
            }
        }
    }

    /// Takes a row back that was counted.
    pub(crate) fn take_back(&mut self, doc: DocId) {
        match self {
            Self::Names(names) => names.take_back(doc),
            Self::Times(times) => times.take_back(doc),
        }
    }
}

impl Names {
    fn new(column: Option<StrColumn>) -> Self {
        let terms = column.as_ref().map_or(0, |column| column.num_terms());
        Self { column, counts: vec![0; terms], without: 0 }
    }

    fn add(&mut self, docs: &[DocId]) {
        let mut values = [None; BLOCK];
        if let (Some(column), Some(values)) = (&self.column, values.get_mut(..docs.len())) {
            column.ords().first_vals(docs, values);
        }
        for ordinal in values.iter().take(docs.len()) {
            *self.slot(*ordinal) += 1;
        }
    }

    fn take_back(&mut self, doc: DocId) {
        let ordinal = self.column.as_ref().and_then(|column| column.ords().first(doc));
        let slot = self.slot(ordinal);
        *slot = slot.saturating_sub(1);
    }

    fn slot(&mut self, ordinal: Option<u64>) -> &mut u64 {
        match ordinal.and_then(|ordinal| self.counts.get_mut(ordinal as usize)) {
            Some(slot) => slot,
            None => &mut self.without,
        }
    }

    /// Adds the counts to those of other segments, by name.
    fn sum_up(self, into: &mut Sum<Arc<str>>) -> tantivy::Result<()> {
        into.without += self.without;
        let Some(column) = self.column else { return Ok(()) };
        let ordinals: Vec<u64> = (0..).zip(&self.counts).filter(|(_, count)| **count > 0).map(|(at, _)| at).collect();
        let mut counts = self.counts.iter().copied().filter(|count| *count > 0);
        column.dictionary().sorted_ords_to_term_cb(&ordinals, |name| {
            let (name, count) = (String::from_utf8_lossy(name), counts.next().unwrap_or(0));
            match into.counts.get_mut(name.as_ref()) {
                Some(sum) => *sum += count,
                None => drop(into.counts.insert(Arc::from(name), count)),
            }
        })?;
        Ok(())
    }
}

impl Times {
    fn new(column: Column<i64>, width: i64) -> Self {
        let has_values = column.values.num_vals() > 0;
        let bound = |time: i64| if has_values { time.div_euclid(width) } else { 0 };
        let (first, last) = (bound(column.min_value()), bound(column.max_value()));
        let stretches = last.saturating_sub(first).saturating_add(1);
        let counted = if (1..=MOST_STRETCHES).contains(&stretches) { stretches as usize } else { 0 };
        let last = (first.saturating_mul(width), 0);
        Self { column, width, first, counts: vec![0; counted], last, others: FxHashMap::default(), without: 0 }
    }

    fn add(&mut self, docs: &[DocId]) {
        let mut times = [None; BLOCK];
        if let Some(times) = times.get_mut(..docs.len()) {
            self.column.first_vals(docs, times);
        }
        for time in times.iter().take(docs.len()) {
            *self.slot(*time) += 1;
        }
    }

    fn take_back(&mut self, doc: DocId) {
        let slot = self.slot(self.column.first(doc));
        *slot = slot.saturating_sub(1);
    }

    fn slot(&mut self, time: Option<i64>) -> &mut u64 {
        let Some(time) = time else { return &mut self.without };
        if !(0..self.width).contains(&time.wrapping_sub(self.last.0)) {
            let stretch = time.div_euclid(self.width);
            self.last = (stretch.saturating_mul(self.width), stretch.wrapping_sub(self.first) as usize);
        }
        match self.counts.get_mut(self.last.1) {
            Some(slot) => slot,
            None => self.others.entry(time.div_euclid(self.width)).or_default(),
        }
    }

    /// Adds the counts to those of other segments, by the microsecond that a stretch begins with.
    fn sum_up(self, into: &mut Sum<i64>) {
        into.without += self.without;
        let counted = (self.first..).zip(self.counts).chain(self.others);
        for (stretch, count) in counted.filter(|(_, count)| *count > 0) {
            *into.counts.entry(stretch.saturating_mul(self.width)).or_default() += count;
        }
    }
}

/// The counts of all segments, for each of what was counted by.
pub(crate) fn summed(segments: Vec<Vec<Tally>>, counted_by: &[By]) -> tantivy::Result<Vec<Counts>> {
    let mut by_segment: Vec<_> = segments.into_iter().map(Vec::into_iter).collect();
    let of_all = |by: &By| Counts::of(*by, by_segment.iter_mut().filter_map(Iterator::next));
    counted_by.iter().map(of_all).collect()
}

impl Counts {
    fn of(by: By, tallies: impl Iterator<Item = Tally>) -> tantivy::Result<Self> {
        let (mut names, mut times) = (Sum::default(), Sum::default());
        for tally in tallies {
            match tally {
                Tally::Names(tally) => tally.sum_up(&mut names)?,
                Tally::Times(tally) => tally.sum_up(&mut times),
            }
        }
        Ok(match by {
            By::Value(_) => Self::Values { without: names.without, counts: ranked(names) },
            By::Time(unit) => Self::Times { without: times.without, counts: in_order(&times, unit) },
        })
    }
}

fn ranked(sum: Sum<Arc<str>>) -> Vec<(Arc<str>, u64)> {
    let mut counts: Vec<_> = sum.counts.into_iter().collect();
    counts.sort_unstable_by(|(one, ones), (other, others)| others.cmp(ones).then_with(|| one.cmp(other)));
    counts
}

fn in_order(sum: &Sum<i64>, unit: Unit) -> BTreeMap<Timestamp, u64> {
    let mut stretches = BTreeMap::new();
    for (begin, count) in &sum.counts {
        let time = Timestamp::from_timestamp_micros(*begin).unwrap_or_default();
        *stretches.entry(unit.begin(time)).or_default() += count;
    }
    stretches
}
