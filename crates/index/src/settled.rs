//! A query that is answered for a whole segment before it is asked about a document.
//!
//! What must not be there is asked about documents in order, also before its first one. The engine's scorer of a phrase takes
//! that for a mistake of its caller, and may answer wrongly (tantivy 0.27); a set of documents takes any question.

use std::fmt;

use tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{BitSet, DocId, Score, SegmentReader, Term};

/// Wraps a query; what it finds has no score.
pub(crate) struct Settled(pub(crate) Box<dyn Query>);

impl Clone for Settled {
    fn clone(&self) -> Self {
        Self(self.0.box_clone())
    }
}

impl fmt::Debug for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settled").field(&self.0).finish()
    }
}

impl Query for Settled {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(Settling(self.0.weight(scoring)?)))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.0.query_terms(visitor);
    }
}

struct Settling(Box<dyn Weight>);

impl Weight for Settling {
    fn scorer(&self, segment: &SegmentReader, _boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut found = BitSet::with_max_value(segment.max_doc());
        self.0.for_each_no_score(segment, &mut |docs| {
            for &doc in docs {
                found.insert(doc);
            }
        })?;
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(found), 0.0)))
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.0.explain(segment, doc)
    }
}
