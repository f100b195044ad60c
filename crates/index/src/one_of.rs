//! Words of which one is enough, of which the best are sought.
//!
//! The engine chooses at each document which list of documents to go on in, and with several long lists that is most of its
//! work. Here the lists are gone through a window of documents at a time, adding up what each word counts, and what can be
//! among the best is looked at then. A word that is far more common than the others, and counts so little that it makes none of
//! the best by itself, is only asked about those.

use std::fmt;
use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::BlockSegmentPostings;
use tantivy::query::{Bm25Weight, BooleanQuery, EnableScoring, Explanation, Query, Scorer, TermQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, Score, Searcher, SeekDangerResult, SegmentReader, Term};

use crate::exactness;
use crate::query::{Part, Phrase};

/// One of several words, at least two of them.
#[derive(Clone)]
pub(crate) struct OneOf {
    words: Vec<Phrase>,
    field: Field,
    /// Where other spellings of the words are told.
    spelled: Field,
    /// The same as the engine does it.
    union: BooleanQuery,
}

impl OneOf {
    /// `union` is the query for these phrases; `None` unless each is a word.
    pub(crate) fn of(words: Vec<Phrase>, field: Field, spelled: Field, union: BooleanQuery) -> Option<Self> {
        let is_word = |phrase: &Phrase| matches!(phrase.parts(), [Part::Exact(_)]);
        (words.len() > 1 && words.iter().all(is_word)).then_some(Self { words, field, spelled, union })
    }

    fn is_written_otherwise(&self, searcher: &Searcher) -> tantivy::Result<bool> {
        for word in &self.words {
            if exactness::is_written_otherwise(word, searcher, self.spelled)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn terms(&self) -> impl Iterator<Item = Term> {
        let parts = self.words.iter().flat_map(Phrase::parts);
        parts.map(|part| match part {
            Part::Exact(token) | Part::Starts(token) => Term::from_field_text(self.field, token),
        })
    }
}

impl fmt::Debug for OneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.union.fmt(f)
    }
}

impl Query for OneOf {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let EnableScoring::Enabled { searcher, statistics_provider, .. } = scoring else {
            return self.union.weight(scoring);
        };
        if self.is_written_otherwise(searcher)? {
            return self.union.weight(scoring);
        }
        let word = |term: Term| {
            let score = Bm25Weight::for_terms(statistics_provider, std::slice::from_ref(&term))?;
            Ok(Word { scores: Scores::new(score), term })
        };
        let mut words = self.terms().map(word).collect::<tantivy::Result<Vec<_>>>()?;
        words.sort_by(|one, other| other.scores.most.total_cmp(&one.scores.most));
        // In this order, too, what words count is added up: scores are the same to the bit, whichever way they come.
        let query = |word: &Word| -> Box<dyn Query> {
            Box::new(TermQuery::new(word.term.clone(), IndexRecordOption::WithFreqs))
        };
        let union = BooleanQuery::union(words.iter().map(query).collect()).weight(scoring)?;
        Ok(Box::new(Weighing { words, field: self.field, union }))
    }

    fn query_terms<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term, bool)) {
        self.union.query_terms(visitor);
    }
}

struct Word {
    term: Term,
    scores: Arc<Scores>,
}

/// What a word counts.
struct Scores {
    weight: Bm25Weight,
    /// No document gets more.
    most: Score,
    /// By how often a document has it, from once on, and its length.
    few: [[Score; 256]; 2],
}

impl Scores {
    fn new(weight: Bm25Weight) -> Arc<Self> {
        let most = weight.max_score();
        let mut few = [[0.0; 256]; 2];
        for (scores, times) in few.iter_mut().zip(1..) {
            scores.iter_mut().zip(0..=u8::MAX).for_each(|(score, length)| *score = weight.score(length, times));
        }
        Arc::new(Self { weight, most, few })
    }

    fn of(&self, length: u8, times: u32) -> Score {
        match self.few.get(times.wrapping_sub(1) as usize) {
            Some(scores) => scores[usize::from(length)],
            None => self.weight.score(length, times),
        }
    }
}

struct Weighing {
    /// What counts for most is first.
    words: Vec<Word>,
    field: Field,
    union: Box<dyn Weight>,
}

impl Weight for Weighing {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        self.union.scorer(segment, boost)
    }

    fn scorer_danger(
        &self,
        segment: &SegmentReader,
        target: DocId,
        boost: Score,
    ) -> tantivy::Result<(SeekDangerResult, Box<dyn Scorer>)> {
        self.union.scorer_danger(segment, target, boost)
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        self.union.explain(segment, doc)
    }

    fn count(&self, segment: &SegmentReader) -> tantivy::Result<u32> {
        self.union.count(segment)
    }

    fn for_each(&self, segment: &SegmentReader, callback: &mut dyn FnMut(DocId, Score)) -> tantivy::Result<()> {
        self.union.for_each(segment, callback)
    }

    fn for_each_pruning(
        &self,
        threshold: Score,
        segment: &SegmentReader,
        callback: &mut dyn FnMut(DocId, Score) -> Score,
    ) -> tantivy::Result<()> {
        let mut lists = self.lists(segment)?;
        if lists.len() < 2 {
            return self.union.for_each_pruning(threshold, segment, callback);
        }
        let lengths = segment.get_fieldnorms_reader(self.field)?;
        let (mut window, mut least) = (Window::new(), threshold);
        loop {
            let leading = leading(&lists, least);
            let (leaders, others) = lists.split_at_mut(leading);
            let Some(begin) = leaders.iter().filter_map(|list| list.doc()).min() else { return Ok(()) };
            let from_others = others.iter().map(|list| list.scores.most).sum();
            window.begin(begin, least_sum(least, from_others));
            leaders.iter_mut().for_each(|list| list.add_to(&mut window, &lengths));
            for (doc, sum) in window.candidates() {
                if sum <= least_sum(least, from_others) {
                    continue;
                }
                let score = others.iter_mut().fold(sum, |score, list| score + list.score_of(doc, &lengths));
                if score > least {
                    least = callback(doc, score);
                }
            }
        }
    }
}

impl Weighing {
    /// The lists of the words that the segment has.
    fn lists(&self, segment: &SegmentReader) -> tantivy::Result<Vec<List<'_>>> {
        let index = segment.inverted_index(self.field)?;
        let mut lists = Vec::with_capacity(self.words.len());
        for Word { term, scores } in &self.words {
            if let Some(postings) = index.read_block_postings(term, IndexRecordOption::WithFreqs)? {
                lists.push(List { postings, at: 0, scores });
            }
        }
        Ok(lists)
    }
}

/// A list that has so many times as many documents as those before it is not gone through if that can be spared: finding a
/// document in it takes as long as going through as many.
const FAR_MORE: u64 = 8;

/// How many of the lists have to be gone through: what is only in the others is not among the best.
fn leading(lists: &[List<'_>], least: Score) -> usize {
    let mut documents: u64 = lists.iter().map(List::documents).sum();
    let (mut leading, mut from_others) = (lists.len(), 0.0);
    while let Some(last) = lists[..leading].last() {
        documents -= last.documents();
        from_others += last.scores.most;
        if from_others >= least_sum(least, 0.0) || last.documents() < FAR_MORE * documents {
            break;
        }
        leading -= 1;
    }
    leading
}

/// The sum that a document must exceed if it is to exceed `least` with so much more; a little less, because sums are rounded.
fn least_sum(least: Score, more: Score) -> Score {
    (least - more - 8.0 * Score::EPSILON * least.abs()).max(0.0)
}

/// The documents that have a word.
struct List<'w> {
    postings: BlockSegmentPostings,
    /// The next one in the block.
    at: usize,
    scores: &'w Scores,
}

impl List<'_> {
    fn documents(&self) -> u64 {
        u64::from(self.postings.doc_freq())
    }

    /// The next document; `None` at the end.
    fn doc(&self) -> Option<DocId> {
        self.postings.docs().get(self.at).copied()
    }

    /// Adds the documents that are in the window, and goes behind them.
    fn add_to(&mut self, window: &mut Window, lengths: &FieldNormReader) {
        loop {
            let (docs, times) = (&self.postings.docs()[self.at..], &self.postings.freqs()[self.at..]);
            let Some(last) = docs.last() else { return };
            let end = window.end();
            let inside = if *last < end { docs.len() } else { docs.partition_point(|doc| *doc < end) };
            for (doc, times) in docs[..inside].iter().zip(times) {
                window.add(*doc, self.scores.of(lengths.fieldnorm_id(*doc), *times));
            }
            if inside < docs.len() {
                self.at += inside;
                return;
            }
            self.postings.advance();
            self.at = 0;
        }
    }

    /// What the word counts for a document. Documents are asked for in order.
    fn score_of(&mut self, doc: DocId, lengths: &FieldNormReader) -> Score {
        if self.doc().is_some_and(|at| at < doc) {
            self.at = self.postings.seek(doc);
        }
        if self.doc() != Some(doc) {
            return 0.0;
        }
        self.scores.of(lengths.fieldnorm_id(doc), self.postings.freq(self.at))
    }
}

/// Documents whose sums fit into the processor's nearest cache.
const WINDOW: usize = 4096;

/// Documents that are summed up together.
struct Window {
    begin: DocId,
    /// By document, from `begin` on.
    sums: Box<[Score; WINDOW]>,
    /// Documents with a greater sum are candidates.
    floor: Score,
    candidates: Vec<DocId>,
}

impl Window {
    fn new() -> Self {
        Self { begin: 0, sums: Box::new([0.0; WINDOW]), floor: 0.0, candidates: Vec::new() }
    }

    fn begin(&mut self, begin: DocId, floor: Score) {
        self.sums.fill(0.0);
        self.candidates.clear();
        (self.begin, self.floor) = (begin, floor);
    }

    /// The first document behind it.
    fn end(&self) -> DocId {
        self.begin + WINDOW as DocId
    }

    fn add(&mut self, doc: DocId, score: Score) {
        let sum = &mut self.sums[(doc - self.begin) as usize % WINDOW];
        let before = *sum;
        *sum += score;
        if *sum > self.floor && before <= self.floor {
            self.candidates.push(doc);
        }
    }

    /// The candidates in order, each with its sum.
    fn candidates(&mut self) -> impl Iterator<Item = (DocId, Score)> {
        self.candidates.sort_unstable();
        let sum = |doc: DocId| self.sums[(doc - self.begin) as usize % WINDOW];
        self.candidates.iter().map(move |doc| (*doc, sum(*doc)))
    }
}
