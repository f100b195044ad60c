//! Many queries, put to each message at once.
//!
//! A query that needs a word is only tried on messages that have it. So the work on a message is that of its own words, and
//! of the queries that may match it, not of all that there are.

use chat::Message;
use rustc_hash::{FxHashMap, FxHashSet};

use super::reading::Reading;
use super::{Node, Part, Phrase, Place, Query, Whole};
use crate::columns::Column;

/// Queries that are put to each message at once.
#[derive(Debug)]
pub struct Sieve {
    queries: Vec<Query>,
    by_word: FxHashMap<String, Vec<usize>>,
    by_beginning: FxHashMap<String, Vec<usize>>,
    /// The lengths in bytes of the beginnings.
    lengths: Vec<usize>,
    by_value: [FxHashMap<String, Vec<usize>>; Column::ALL.len()],
    /// Those that need nothing.
    always: Vec<usize>,
}

/// What a message has that a query matches; one of several is enough.
enum Anchor<'q> {
    Word(&'q str),
    Beginning(&'q str),
    Value(Column, &'q str),
}

impl Sieve {
    /// A sieve of these queries.
    #[must_use]
    pub fn new(queries: Vec<Query>) -> Self {
        let mut sieve = Self {
            queries: Vec::new(),
            by_word: FxHashMap::default(),
            by_beginning: FxHashMap::default(),
            lengths: Vec::new(),
            by_value: Default::default(),
            always: Vec::new(),
        };
        for (number, query) in queries.iter().enumerate() {
            sieve.add(number, query);
        }
        let lengths: FxHashSet<usize> = sieve.by_beginning.keys().map(String::len).collect();
        sieve.lengths = lengths.into_iter().collect();
        Self { queries, ..sieve }
    }

    /// The queries, in the order in which they were given.
    #[must_use]
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    /// Hands over the number of each query that matches a message, in no order.
    pub fn each_match(&self, message: &Message<'_>, mut each: impl FnMut(usize)) {
        let reading = Reading::of(message);
        for number in self.candidates(&reading) {
            if self.queries.get(number).is_some_and(|query| query.root().matches(&reading)) {
                each(number);
            }
        }
    }

    fn add(&mut self, number: usize, query: &Query) {
        let Some(anchors) = query.root().anchors() else {
            self.always.push(number);
            return;
        };
        for anchor in anchors {
            let (map, key) = match anchor {
                Anchor::Word(word) => (&mut self.by_word, word),
                Anchor::Beginning(start) => (&mut self.by_beginning, start),
                Anchor::Value(column, value) => (&mut self.by_value[column as usize], value),
            };
            map.entry(key.to_owned()).or_default().push(number);
        }
    }

    fn candidates(&self, reading: &Reading<'_>) -> FxHashSet<usize> {
        let mut numbers: FxHashSet<usize> = self.always.iter().copied().collect();
        for (word, _) in reading.texts(Place::Text).iter().flat_map(|tokens| tokens.iter()) {
            numbers.extend(self.by_word.get(word).into_iter().flatten());
            let beginnings = self.lengths.iter().filter_map(|length| self.by_beginning.get(word.get(..*length)?));
            numbers.extend(beginnings.flatten());
        }
        for column in Column::ALL {
            let map = &self.by_value[column as usize];
            let terms = if map.is_empty() { &[] } else { reading.terms(column) };
            numbers.extend(terms.iter().filter_map(|term| map.get(term)).flatten());
        }
        numbers
    }
}

impl Node {
    /// Of what a message that matches has at least one; `None` when it may have anything.
    fn anchors(&self) -> Option<Vec<Anchor<'_>>> {
        match self {
            Self::All(nodes) => nodes.iter().filter_map(Self::anchors).min_by_key(|anchors| cost(anchors)),
            Self::Any(nodes) => {
                let all: Option<Vec<_>> = nodes.iter().map(Self::anchors).collect();
                all.map(|anchors| anchors.into_iter().flatten().collect())
            }
            // The name of a file is one of the searchable texts.
            Self::Words(_, phrase) => phrase.anchor().map(|anchor| vec![anchor]),
            Self::Is(column, Whole::Exact(value)) => Some(vec![Anchor::Value(*column, value)]),
            Self::Not(_) | Self::Like(_) | Self::Is(..) | Self::Sent(_) => None,
        }
    }
}

impl Phrase {
    /// Its longest part, which is likely to be the rarest.
    fn anchor(&self) -> Option<Anchor<'_>> {
        let anchors = self.parts().iter().map(|part| match part {
            Part::Exact(word) => Anchor::Word(word),
            Part::Starts(start) => Anchor::Beginning(start),
        });
        anchors.min_by_key(Anchor::cost)
    }
}

fn cost(anchors: &[Anchor<'_>]) -> usize {
    anchors.iter().map(Anchor::cost).sum()
}

impl Anchor<'_> {
    /// The greater, the more messages are likely to have it.
    fn cost(&self) -> usize {
        match self {
            Self::Word(word) => 1_000 / word.len().max(1),
            Self::Beginning(start) => 3_000 / start.len().max(1),
            Self::Value(Column::From | Column::To | Column::In, _) => 300,
            Self::Value(Column::Type | Column::Facts, _) => 5_000,
        }
    }
}
