//! Words that have a score, and filters that have none.
//!
//! Of words alone the engine passes over what cannot be among the best; with a filter beside them it scores whatever matches
//! both. So where the best are sought the words lead, and the filters are asked about the few rows that come of them. A filter
//! that lets little through leads faster itself: then the engine does as it would.

use std::fmt;
use std::sync::Arc;

use tantivy::query::{
    BooleanQuery, BooleanWeight, EnableScoring, Explanation, Occur, Query, Scorer, SumCombiner, Weight,
};
use tantivy::{DocId, Score, SeekDangerResult, SegmentReader, Term};

use crate::seeking::has;

/// A filter that lets less than one row of so many through leads itself.
const SPARSE: u32 = 16;

/// Wraps a query that has a score.
pub(crate) struct Filtered {
    pub(crate) scored: Box<dyn Query>,
    /// What must match besides; none of it has a score.
    pub(crate) filters: Vec<Box<dyn Query>>,
}

impl Clone for Filtered {
    fn clone(&self) -> Self {
        Self {
            scored: self.scored.box_clone(),
            filters: self.filters.iter().map(|filter| filter.box_clone()).collect(),
        }
    }
}

impl fmt::Debug for Filtered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filtered").field("scored", &self.scored).field("filters", &self.filters).finish()
    }
}

impl Query for Filtered {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        if !scoring.is_scoring_enabled() {
            let all = std::iter::once(&self.scored).chain(&self.filters).map(|query| query.box_clone());
            return BooleanQuery::intersection(all.collect()).weight(scoring);
        }
        let scored = Shared::of(self.scored.as_ref(), scoring)?;
        let filters = self.filters.iter().map(|filter| Shared::of(filter.as_ref(), scoring));
        let filters = filters.collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(Filtering { all: intersection(std::iter::once(&scored).chain(&filters)), scored, filters }))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.scored.query_terms(visitor);
        self.filters.iter().for_each(|filter| filter.query_terms(visitor));
    }
}

struct Filtering {
    scored: Shared,
    filters: Vec<Shared>,
    all: BooleanWeight<SumCombiner>,
}

impl Weight for Filtering {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        self.all.scorer(segment, boost)
    }

    fn for_each_pruning(
        &self,
        threshold: Score,
        segment: &SegmentReader,
        callback: &mut dyn FnMut(DocId, Score) -> Score,
    ) -> tantivy::Result<()> {
        let passing = self.filters.iter().map(|filter| filter.scorer(segment, 1.0));
        let (mut passing, mut least) = (passing.collect::<Result<Vec<_>, _>>()?, threshold);
        if passing.iter().any(|passing| passing.size_hint() < segment.max_doc() / SPARSE) {
            return self.all.for_each(segment, &mut |doc, score| {
                if score > least {
                    least = callback(doc, score);
                }
            });
        }
        self.scored.0.for_each_pruning(threshold, segment, &mut |doc, score| {
            if passing.iter_mut().all(|passing| has(passing.as_mut(), doc)) {
                least = callback(doc, score);
            }
            least
        })
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.all.explain(segment, doc)
    }
}

fn intersection<'w>(weights: impl Iterator<Item = &'w Shared>) -> BooleanWeight<SumCombiner> {
    let weights = weights.map(|weight| (Occur::Must, Box::new(weight.clone()) as Box<dyn Weight>));
    BooleanWeight::with_minimum_number_should_match(weights.collect(), 0, true, Box::new(SumCombiner::default))
}

/// One that several use.
#[derive(Clone)]
struct Shared(Arc<dyn Weight>);

impl Shared {
    fn of(query: &dyn Query, scoring: EnableScoring<'_>) -> tantivy::Result<Self> {
        Ok(Self(Arc::from(query.weight(scoring)?)))
    }
}

impl Weight for Shared {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        self.0.scorer(segment, boost)
    }

    fn scorer_danger(
        &self,
        segment: &SegmentReader,
        target: DocId,
        boost: Score,
    ) -> tantivy::Result<(SeekDangerResult, Box<dyn Scorer>)> {
        self.0.scorer_danger(segment, target, boost)
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.0.explain(segment, doc)
    }
}
