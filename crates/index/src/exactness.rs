//! A query that counts the exact spelling of its words for more.
//!
//! `résumé` finds `resume` too, but behind: a message that writes a word as the query does gets [`EXACT`] for it, which is
//! more than any word gets by BM25. Who wrote a word with accents is told by the field `spelled`.

use std::fmt;

use tantivy::postings::SegmentPostings;
use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, Score, SeekDangerResult, SegmentReader, TERMINATED, Term};

use crate::query::Phrase;
use crate::spellings;

/// More than BM25 gives a word: at most 2.2 times the logarithm of the number of documents, which is 48 for 2^31 of them.
const EXACT: Score = 64.0;

/// Wraps the query of a phrase.
pub(crate) struct Exactness {
    query: Box<dyn Query>,
    spellings: Vec<Spelling>,
    field: Field,
}

/// A word, and how the query writes it when that is not how it is folded.
#[derive(Debug, Clone)]
struct Spelling {
    word: String,
    written: Option<String>,
}

impl Exactness {
    /// The query of a phrase, with more for its exact spelling if it has words that could be written in two ways.
    pub(crate) fn of(phrase: &Phrase, query: Box<dyn Query>, field: Field) -> Box<dyn Query> {
        let own = |(word, written): (&str, Option<&str>)| Spelling {
            word: word.to_owned(),
            written: written.map(str::to_owned),
        };
        let spellings: Vec<_> = phrase.spellings().map(own).collect();
        if spellings.is_empty() { query } else { Box::new(Self { query, spellings, field }) }
    }
}

impl Clone for Exactness {
    fn clone(&self) -> Self {
        Self { query: self.query.box_clone(), spellings: self.spellings.clone(), field: self.field }
    }
}

impl fmt::Debug for Exactness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exactness").field("query", &self.query).field("spellings", &self.spellings).finish()
    }
}

impl Query for Exactness {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let weight = self.query.weight(scoring)?;
        if !scoring.is_scoring_enabled() {
            return Ok(weight);
        }
        Ok(Box::new(Weighing { weight, spellings: self.spellings.clone(), field: self.field }))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.query.query_terms(visitor);
    }
}

struct Weighing {
    weight: Box<dyn Weight>,
    spellings: Vec<Spelling>,
    field: Field,
}

impl Weight for Weighing {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let scorer = self.weight.scorer(segment, boost)?;
        let favours = self.spellings.iter().map(|spelling| spelling.in_segment(segment, self.field));
        Ok(Box::new(Favouring { scorer, favours: favours.collect::<tantivy::Result<_>>()?, boost }))
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let inner = self.weight.explain(segment, doc)?;
        let mut scorer = self.scorer(segment, 1.0)?;
        if scorer.doc() < doc {
            scorer.seek(doc);
        }
        let mut explanation = Explanation::new("Exact spelling", scorer.score());
        explanation.add_detail(inner);
        Ok(explanation)
    }

    fn count(&self, segment: &SegmentReader) -> tantivy::Result<u32> {
        self.weight.count(segment)
    }
}

impl Spelling {
    fn in_segment(&self, segment: &SegmentReader, field: Field) -> tantivy::Result<Favour> {
        let index = segment.inverted_index(field)?;
        let postings = |written: &str| {
            let term = Term::from_field_text(field, &spellings::term(&self.word, written));
            index.read_postings(&term, IndexRecordOption::Basic)
        };
        if let Some(written) = &self.written {
            return Ok(Favour::Having(postings(written)?.map(Box::new)));
        }
        let range = spellings::terms(&self.word);
        let mut others = BitSet::with_max_value(segment.max_doc());
        let mut terms = index.terms().range().ge(&range.start).lt(&range.end).into_stream()?;
        while terms.advance() {
            let mut docs = index.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
            while docs.doc() != TERMINATED {
                others.insert(docs.doc());
                docs.advance();
            }
        }
        // Who writes the word both ways writes it like the query too.
        if let Some(mut both) = postings(&self.word)? {
            while both.doc() != TERMINATED {
                others.remove(both.doc());
                both.advance();
            }
        }
        Ok(Favour::Lacking(others))
    }
}

/// The documents of a segment that write a word as the query does.
enum Favour {
    /// Those that have the spelling; `None` when nobody has.
    Having(Option<Box<SegmentPostings>>),
    /// All but those that have another.
    Lacking(BitSet),
}

impl Favour {
    /// Documents are asked for in order.
    fn is_for(&mut self, doc: DocId) -> bool {
        match self {
            Self::Having(None) => false,
            Self::Having(Some(postings)) => {
                if postings.doc() < doc {
                    postings.seek(doc);
                }
                postings.doc() == doc
            }
            Self::Lacking(others) => !others.contains(doc),
        }
    }
}

struct Favouring {
    scorer: Box<dyn Scorer>,
    favours: Vec<Favour>,
    boost: Score,
}

impl DocSet for Favouring {
    fn advance(&mut self) -> DocId {
        self.scorer.advance()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.scorer.seek(target)
    }

    fn seek_danger(&mut self, target: DocId) -> SeekDangerResult {
        self.scorer.seek_danger(target)
    }

    fn doc(&self) -> DocId {
        self.scorer.doc()
    }

    fn size_hint(&self) -> u32 {
        self.scorer.size_hint()
    }

    fn cost(&self) -> u64 {
        self.scorer.cost()
    }
}

impl Scorer for Favouring {
    fn score(&mut self) -> Score {
        let doc = self.doc();
        let exact = self.favours.iter_mut().filter_map(|favour| favour.is_for(doc).then_some(EXACT)).sum::<Score>();
        self.scorer.score() + exact * self.boost
    }
}
