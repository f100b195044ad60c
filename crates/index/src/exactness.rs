//! A query that counts another spelling of its words for less.
//!
//! `résumé` finds `resume` too, but behind: what a message gets by BM25 for words that it writes in another way than the
//! query is next to nothing. Who wrote a word with accents is told by the field `spelled`. Where nobody wrote a word in
//! another way, the query is that of its words alone: the engine knows how to pass over what cannot be among the best.

use std::fmt;

use tantivy::postings::SegmentPostings;
use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, Score, Searcher, SeekDangerResult, SegmentReader, TERMINATED, Term};

use crate::query::Phrase;
use crate::seeking::{at_or_after, has};
use crate::spellings;

/// What a word in another spelling counts: the rarest of words in the shortest of messages then counts for less than a
/// common one in a long message.
const OTHERWISE: Score = 1.0 / 1024.0;

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
    /// The query of a phrase, with less for other spellings if it has words that could be written in two ways.
    pub(crate) fn of(phrase: &Phrase, query: Box<dyn Query>, field: Field) -> Box<dyn Query> {
        let spellings: Vec<_> = spellings_of(phrase).collect();
        if spellings.is_empty() { query } else { Box::new(Self { query, spellings, field }) }
    }
}

/// Whether somebody may have written a word of the phrase in another way than it does.
pub(crate) fn is_written_otherwise(phrase: &Phrase, searcher: &Searcher, field: Field) -> tantivy::Result<bool> {
    for spelling in spellings_of(phrase) {
        if spelling.is_one_of_several(searcher, field)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn spellings_of(phrase: &Phrase) -> impl Iterator<Item = Spelling> {
    let own =
        |(word, written): (&str, Option<&str>)| Spelling { word: word.to_owned(), written: written.map(str::to_owned) };
    phrase.spellings().map(own)
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
        let EnableScoring::Enabled { searcher, .. } = scoring else { return Ok(weight) };
        let mut spellings = Vec::new();
        for spelling in &self.spellings {
            if spelling.is_one_of_several(searcher, self.field)? {
                spellings.push(spelling.clone());
            }
        }
        if spellings.is_empty() {
            return Ok(weight);
        }
        Ok(Box::new(Weighing { weight, spellings, field: self.field }))
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
        Ok(Box::new(Favouring { scorer, favours: self.favours(segment)? }))
    }

    /// No row scores more than it does without regard to spelling.
    fn for_each_pruning(
        &self,
        threshold: Score,
        segment: &SegmentReader,
        callback: &mut dyn FnMut(DocId, Score) -> Score,
    ) -> tantivy::Result<()> {
        let mut favours = self.favours(segment)?;
        let mut least = threshold;
        self.weight.for_each_pruning(threshold, segment, &mut |doc, score| {
            let score = score * share(&mut favours, doc);
            if score > least {
                least = callback(doc, score);
            }
            least
        })
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let inner = self.weight.explain(segment, doc)?;
        let mut scorer = self.scorer(segment, 1.0)?;
        at_or_after(scorer.as_mut(), doc);
        let mut explanation = Explanation::new("Exact spelling", scorer.score());
        explanation.add_detail(inner);
        Ok(explanation)
    }

    fn count(&self, segment: &SegmentReader) -> tantivy::Result<u32> {
        self.weight.count(segment)
    }
}

impl Weighing {
    fn favours(&self, segment: &SegmentReader) -> tantivy::Result<Vec<Favour>> {
        self.spellings.iter().map(|spelling| spelling.in_segment(segment, self.field)).collect()
    }
}

impl Spelling {
    /// Whether somebody may have written the word in another way than the query.
    fn is_one_of_several(&self, searcher: &Searcher, field: Field) -> tantivy::Result<bool> {
        if self.written.is_some() {
            return Ok(true);
        }
        let range = spellings::terms(&self.word);
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            if index.terms().range().ge(&range.start).lt(&range.end).into_stream()?.advance() {
                return Ok(true);
            }
        }
        Ok(false)
    }

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
            Self::Having(Some(postings)) => has(postings.as_mut(), doc),
            Self::Lacking(others) => !others.contains(doc),
        }
    }
}

/// What a document's score is multiplied by.
fn share(favours: &mut [Favour], doc: DocId) -> Score {
    favours.iter_mut().map(|favour| if favour.is_for(doc) { 1.0 } else { OTHERWISE }).product()
}

struct Favouring {
    scorer: Box<dyn Scorer>,
    favours: Vec<Favour>,
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
        self.scorer.score() * share(&mut self.favours, doc)
    }
}
