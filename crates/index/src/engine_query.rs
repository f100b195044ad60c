//! Our queries as the engine's.
//!
//! Words and phrases are scored by BM25; filters take part without a score.

use std::ops::Bound;

use chat::Timestamp;
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query, RangeQuery, TermQuery,
};
use tantivy::schema::IndexRecordOption;

use crate::fields::{Fields, name_term};
use crate::markers;
use crate::query::{Field, Node, Part, Phrase};
use crate::search::Request;

/// The tokens that a single character at the end of a phrase is tried with, in each segment: more than there are
/// characters that could follow one.
const EXPANSIONS: u32 = 1 << 14;

/// The engine's query for a request.
pub(crate) fn of(request: &Request, fields: &Fields) -> Box<dyn Query> {
    let mut queries = vec![of_node(request.query.root(), fields)];
    if request.since.is_some() || request.until.is_some() {
        let bound = |time| Term::from_field_i64(fields.sent_at, microseconds_up(time));
        let since = request.since.map_or(Bound::Unbounded, |time| Bound::Included(bound(time)));
        let until = request.until.map_or(Bound::Unbounded, |time| Bound::Excluded(bound(time)));
        queries.push(unscored(Box::new(RangeQuery::new(since, until))));
    }
    all(queries, fields)
}

/// The first whole microsecond that is not before a time. Both bounds are of the kind "before this": a message, which has
/// whole microseconds, is before the one when it is before the other.
fn microseconds_up(time: Timestamp) -> i64 {
    time.timestamp_micros() + i64::from(!time.timestamp_subsec_nanos().is_multiple_of(1000))
}

/// The documents of a message id.
pub(crate) fn copies(fingerprint: u64, fields: &Fields) -> TermQuery {
    TermQuery::new(id_term(fingerprint, fields), IndexRecordOption::Basic)
}

pub(crate) fn id_term(fingerprint: u64, fields: &Fields) -> Term {
    Term::from_field_u64(fields.message, fingerprint)
}

pub(crate) fn both(one: Box<dyn Query>, other: Box<dyn Query>) -> BooleanQuery {
    BooleanQuery::intersection(vec![one, other])
}

fn of_node(node: &Node, fields: &Fields) -> Box<dyn Query> {
    match node {
        Node::All(nodes) => all(nodes.iter().map(|node| of_node(node, fields)).collect(), fields),
        Node::Phrase(phrase) => of_phrase(phrase, fields),
        Node::Is(field, value) => unscored(Box::new(of_filter(*field, value, fields))),
    }
}

/// All of the queries; every message when there are none.
fn all(mut queries: Vec<Box<dyn Query>>, fields: &Fields) -> Box<dyn Query> {
    match queries.len() {
        0 => messages(fields),
        1 => queries.remove(0),
        _ => Box::new(BooleanQuery::intersection(queries)),
    }
}

/// Everything but the markers.
fn messages(fields: &Fields) -> Box<dyn Query> {
    let markers: Box<dyn Query> = Box::new(TermQuery::new(markers::term(fields), IndexRecordOption::Basic));
    unscored(Box::new(BooleanQuery::new(vec![(Occur::Must, Box::new(AllQuery)), (Occur::MustNot, markers)])))
}

fn of_phrase(phrase: &Phrase, fields: &Fields) -> Box<dyn Query> {
    match phrase.parts() {
        [Part::Exact(token)] => {
            let term = Term::from_field_text(fields.text, token);
            Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
        }
        [Part::Starts(first)] => Box::new(starting_with(*first, fields)),
        [.., Part::Starts(_)] => {
            let mut query = PhrasePrefixQuery::new_with_offset(terms(phrase, fields));
            query.set_max_expansions(EXPANSIONS);
            Box::new(query)
        }
        _ => Box::new(PhraseQuery::new_with_offset(terms(phrase, fields))),
    }
}

fn terms(phrase: &Phrase, fields: &Fields) -> Vec<(usize, Term)> {
    let term = |part: &Part| match part {
        Part::Exact(token) => Term::from_field_text(fields.text, token),
        Part::Starts(first) => Term::from_field_text(fields.text, first.encode_utf8(&mut [0; 4])),
    };
    phrase.parts().iter().map(term).enumerate().collect()
}

/// The tokens that begin with a character lie between it and the next code point.
fn starting_with(first: char, fields: &Fields) -> RangeQuery {
    let term = |c: char| Term::from_field_text(fields.text, c.encode_utf8(&mut [0; 4]));
    let next = (first..=char::MAX).nth(1);
    RangeQuery::new(Bound::Included(term(first)), next.map_or(Bound::Unbounded, |next| Bound::Excluded(term(next))))
}

fn of_filter(field: Field, value: &str, fields: &Fields) -> TermQuery {
    let field = match field {
        Field::From => fields.from,
        Field::To => fields.to,
        Field::In => fields.conversation,
        Field::Type => fields.body_type,
    };
    TermQuery::new(Term::from_field_text(field, &name_term(value.to_owned())), IndexRecordOption::Basic)
}

fn unscored(query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, 0.0))
}
