//! A phrase, of which the best are sought.
//!
//! Where the words of a message stand is read last and takes longest. What a message can score at the most is known before: from
//! its length, and from how often it has the rarest of the words. One that cannot be among the best is passed over without a look
//! at where its words stand, which the engine does not do.

use std::fmt;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings as _, SegmentPostings};
use tantivy::query::{Bm25Weight, EnableScoring, Explanation, PhraseQuery, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet as _, Score, SeekDangerResult, SegmentReader, TERMINATED, Term};

use crate::seeking::at_or_after;

/// Words that follow one another.
pub(crate) struct Following {
    field: Field,
    terms: Vec<(usize, Term)>,
    phrase: PhraseQuery,
}

impl Following {
    /// `terms` are at least two, each with its place in the phrase.
    pub(crate) fn new(terms: Vec<(usize, Term)>, field: Field) -> Self {
        Self { field, phrase: PhraseQuery::new_with_offset(terms.clone()), terms }
    }
}

impl Clone for Following {
    fn clone(&self) -> Self {
        Self::new(self.terms.clone(), self.field)
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.phrase.fmt(f)
    }
}

impl Query for Following {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let phrase = self.phrase.weight(scoring)?;
        let EnableScoring::Enabled { statistics_provider, .. } = scoring else { return Ok(phrase) };
        let terms: Vec<_> = self.terms.iter().map(|(_, term)| term.clone()).collect();
        let score = Bm25Weight::for_terms(statistics_provider, &terms)?;
        Ok(Box::new(Weighing { phrase, terms: self.terms.clone(), field: self.field, score }))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.phrase.query_terms(visitor);
    }
}

struct Weighing {
    phrase: Box<dyn Weight>,
    terms: Vec<(usize, Term)>,
    field: Field,
    score: Bm25Weight,
}

impl Weight for Weighing {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        self.phrase.scorer(segment, boost)
    }

    fn for_each_pruning(
        &self,
        threshold: Score,
        segment: &SegmentReader,
        callback: &mut dyn FnMut(DocId, Score) -> Score,
    ) -> tantivy::Result<()> {
        let Some(mut words) = self.words(segment)? else { return Ok(()) };
        let lengths = segment.get_fieldnorms_reader(self.field)?;
        let mut least = threshold;
        while let Some(doc) = words.next_with(|doc, most| self.best(&lengths, doc, most) > least) {
            let times = words.times();
            let score = self.score.score(lengths.fieldnorm_id(doc), times);
            if times > 0 && score > least {
                least = callback(doc, score);
            }
        }
        Ok(())
    }

    fn scorer_danger(
        &self,
        segment: &SegmentReader,
        target: DocId,
        boost: Score,
    ) -> tantivy::Result<(SeekDangerResult, Box<dyn Scorer>)> {
        self.phrase.scorer_danger(segment, target, boost)
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.phrase.explain(segment, doc)
    }
}

impl Weighing {
    /// `None` where one of the words is missing.
    fn words(&self, segment: &SegmentReader) -> tantivy::Result<Option<Words>> {
        let index = segment.inverted_index(self.field)?;
        let last = self.terms.iter().map(|(place, _)| *place).max().unwrap_or(0);
        let mut words = Vec::with_capacity(self.terms.len());
        for (place, term) in &self.terms {
            let Some(postings) = index.read_postings(term, IndexRecordOption::WithFreqsAndPositions)? else {
                return Ok(None);
            };
            let before_last = u32::try_from(last - place).unwrap_or(u32::MAX);
            words.push(Word { postings, before_last });
        }
        words.sort_by_key(|word| word.postings.doc_freq());
        Ok(Some(Words { words, ends: Vec::new(), others: Vec::new(), is_begun: false }))
    }

    /// The score of a message that has the phrase so often, or a little more: rounding must not make it less than the score of one
    /// that has it less often.
    fn best(&self, lengths: &FieldNormReader, doc: DocId, times: u32) -> Score {
        self.score.score(lengths.fieldnorm_id(doc), times) * (1.0 + 4.0 * Score::EPSILON)
    }
}

struct Word {
    postings: SegmentPostings,
    /// How far it stands before the last word.
    before_last: u32,
}

/// The words of a phrase in one segment, the rarest first.
struct Words {
    words: Vec<Word>,
    is_begun: bool,
    /// Where phrases can end, as far as the words say that were looked at.
    ends: Vec<u32>,
    others: Vec<u32>,
}

impl Words {
    /// The next document that has all words and is worth a look, as is told by it and how often it can have the phrase at the most.
    fn next_with(&mut self, is_worth: impl Fn(DocId, u32) -> bool) -> Option<DocId> {
        let (rarest, others) = self.words.split_first_mut()?;
        let rarest = &mut rarest.postings;
        let mut doc = if std::mem::replace(&mut self.is_begun, true) { rarest.advance() } else { rarest.doc() };
        while doc != TERMINATED {
            let at = if is_worth(doc, rarest.term_freq()) { first_with_all(others, doc) } else { doc + 1 };
            if at == doc {
                let most = others.iter().map(|word| word.postings.term_freq()).fold(rarest.term_freq(), u32::min);
                if is_worth(doc, most) {
                    return Some(doc);
                }
            }
            doc = if at <= doc + 1 { rarest.advance() } else { rarest.seek(at) };
        }
        None
    }

    /// How often the document has the phrase.
    fn times(&mut self) -> u32 {
        let Some((rarest, others)) = self.words.split_first_mut() else { return 0 };
        rarest.postings.positions_with_offset(rarest.before_last, &mut self.ends);
        for word in others {
            word.postings.positions_with_offset(word.before_last, &mut self.others);
            retain_common(&mut self.ends, &self.others);
        }
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }
}

/// The document itself if all have it; else a later one, before which none is that all have.
fn first_with_all(words: &mut [Word], doc: DocId) -> DocId {
    for word in words {
        let at = at_or_after(&mut word.postings, doc);
        if at > doc {
            return at;
        }
    }
    doc
}

/// Keeps of a sorted list what is in another.
fn retain_common(kept: &mut Vec<u32>, others: &[u32]) {
    let mut others = others.iter().peekable();
    kept.retain(|position| {
        while others.next_if(|other| *other < position).is_some() {}
        others.peek() == Some(&position)
    });
}
