//! Our queries as the engine's.
//!
//! Words and phrases are scored by BM25; filters take part without a score.

use std::ops::Bound;

use tantivy::Term;
use tantivy::query::{AllQuery, BooleanQuery, ConstScoreQuery, Occur, PhrasePrefixQuery, Query, RangeQuery, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use crate::alike::Alike;
use crate::exactness::Exactness;
use crate::fields::{Fields, half};
use crate::filtered::Filtered;
use crate::markers;
use crate::one_of::OneOf;
use crate::phrases::Following;
use crate::query::{Node, Part, Pattern, Phrase, Place, Span, Whole};
use crate::request::Request;
use crate::settled::Settled;

/// The words that the last one of a phrase is tried with, in each segment, when it may go on: more than begin alike. The engine
/// makes room for all of them at once, two kilobytes each.
const EXPANSIONS: u32 = 1 << 16;

/// The engine's query for a request.
pub(crate) fn of(request: &Request, fields: &Fields) -> Box<dyn Query> {
    let (root, sent) = (request.query.root(), request.span().map(Node::Sent));
    all(&std::iter::once(root).chain(&sent).collect::<Vec<_>>(), fields)
}

/// The same apart: the span of time, and the engine's query for all else. Asking for the time of the few rows that may be among
/// the best takes less than looking for all that were sent in it. `None` where there is no span, or nothing else that has a score.
pub(crate) fn apart(request: &Request, fields: &Fields) -> Option<(Span, Box<dyn Query>)> {
    let (mut spans, mut others) = (Vec::from_iter(request.span()), Vec::new());
    request.query.root().each_of_all(&mut |node| match node {
        Node::Sent(span) => spans.push(*span),
        node => others.push(node),
    });
    let has_score = others.iter().any(|node| !matches!(node, Node::Not(_)) && !node.is_filter());
    let span = spans.into_iter().reduce(Span::common).filter(|_| has_score)?;
    Some((span, of_all(others.into_iter(), fields)))
}

/// The engine's query for a query alone.
pub(crate) fn of_query(query: &crate::Query, fields: &Fields) -> Box<dyn Query> {
    of_node(query.root(), fields)
}

fn sent(span: Span, fields: &Fields) -> Box<dyn Query> {
    let bound = |time| Term::from_field_i64(fields.sent_at, time);
    let since = span.since.map_or(Bound::Unbounded, |time| Bound::Included(bound(time)));
    let until = span.until.map_or(Bound::Unbounded, |time| Bound::Excluded(bound(time)));
    unscored(Box::new(RangeQuery::new(since, until)))
}

/// The documents of a message id, and such of others whose fingerprints have the upper half in common.
pub(crate) fn near(fingerprint: u64, fields: &Fields) -> TermQuery {
    TermQuery::new(Term::from_field_u64(fields.message_half, half(fingerprint)), IndexRecordOption::Basic)
}

/// The documents that recall a message.
pub(crate) fn recalls(fingerprint: u64, fields: &Fields) -> TermQuery {
    TermQuery::new(Term::from_field_u64(fields.recalls, fingerprint), IndexRecordOption::Basic)
}

/// The documents that edit a message.
pub(crate) fn edits(fingerprint: u64, fields: &Fields) -> TermQuery {
    TermQuery::new(Term::from_field_u64(fields.edits, fingerprint), IndexRecordOption::Basic)
}

pub(crate) fn both(one: Box<dyn Query>, other: Box<dyn Query>) -> BooleanQuery {
    BooleanQuery::intersection(vec![one, other])
}

fn of_node(node: &Node, fields: &Fields) -> Box<dyn Query> {
    match node {
        Node::All(nodes) => of_all(nodes.iter(), fields),
        Node::Any(nodes) => any(nodes, fields),
        Node::Not(node) => of_all(std::iter::once(&Node::Not(node.clone())), fields),
        Node::Words(Place::Text, phrase) => Exactness::of(phrase, of_phrase(phrase, fields.text), fields.spelled),
        Node::Words(Place::File, phrase) => of_phrase(phrase, fields.file),
        Node::Like(pattern) => of_pattern(pattern, fields.text),
        Node::Is(column, whole) => unscored(of_whole(whole, fields.of(*column))),
        Node::Sent(span) => sent(*span, fields),
    }
}

fn any(nodes: &[Node], fields: &Fields) -> Box<dyn Query> {
    let union = BooleanQuery::union(nodes.iter().map(|node| of_node(node, fields)).collect());
    let words = nodes.iter().map(|node| match node {
        Node::Words(Place::Text, phrase) => Some(phrase.clone()),
        _ => None,
    });
    let one_of = |words| OneOf::of(words, fields.text, fields.spelled, union.clone());
    match words.collect::<Option<_>>().and_then(one_of) {
        Some(one_of) => Box::new(one_of),
        None => Box::new(union),
    }
}

/// All that must match, less all that must not; less than every message when nothing must.
fn of_all<'n>(nodes: impl Iterator<Item = &'n Node>, fields: &Fields) -> Box<dyn Query> {
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    for node in nodes {
        match node {
            Node::Not(node) => unwanted.push((Occur::MustNot, settled(of_node(node, fields)))),
            node => wanted.push(node),
        }
    }
    let wanted = all(&wanted, fields);
    if unwanted.is_empty() {
        return wanted;
    }
    let clauses = std::iter::once((Occur::Must, wanted)).chain(unwanted);
    Box::new(BooleanQuery::new(clauses.collect()))
}

fn settled(query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(Settled(unscored(query)))
}

/// All that match; every message when nothing must.
fn all(nodes: &[&Node], fields: &Fields) -> Box<dyn Query> {
    let (filters, scored): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(|node| node.is_filter());
    let queries = |nodes: &[&Node]| nodes.iter().map(|node| of_node(node, fields)).collect::<Vec<_>>();
    match (scored.is_empty(), filters.is_empty()) {
        (true, true) => messages(fields),
        (true, false) => intersection(queries(&filters)),
        (false, true) => intersection(queries(&scored)),
        (false, false) => Box::new(Filtered { scored: intersection(queries(&scored)), filters: queries(&filters) }),
    }
}

fn intersection(mut queries: Vec<Box<dyn Query>>) -> Box<dyn Query> {
    if queries.len() == 1 { queries.remove(0) } else { Box::new(BooleanQuery::intersection(queries)) }
}

/// Everything but the markers.
fn messages(fields: &Fields) -> Box<dyn Query> {
    let markers: Box<dyn Query> = Box::new(TermQuery::new(markers::term(fields), IndexRecordOption::Basic));
    unscored(Box::new(BooleanQuery::new(vec![(Occur::Must, Box::new(AllQuery)), (Occur::MustNot, markers)])))
}

fn of_phrase(phrase: &Phrase, field: Field) -> Box<dyn Query> {
    match phrase.parts() {
        [Part::Exact(token)] => {
            Box::new(TermQuery::new(Term::from_field_text(field, token), IndexRecordOption::WithFreqs))
        }
        [Part::Starts(start)] => starting_with(start, field),
        [.., Part::Starts(_)] => {
            let mut query = PhrasePrefixQuery::new_with_offset(terms(phrase, field));
            query.set_max_expansions(EXPANSIONS);
            Box::new(query)
        }
        _ => Box::new(Following::new(terms(phrase, field), field)),
    }
}

fn terms(phrase: &Phrase, field: Field) -> Vec<(usize, Term)> {
    let term = |part: &Part| match part {
        Part::Exact(token) | Part::Starts(token) => Term::from_field_text(field, token),
    };
    phrase.parts().iter().map(term).enumerate().collect()
}

/// The terms that begin in a way lie between it and the next that do not.
fn starting_with(start: &str, field: Field) -> Box<dyn Query> {
    let term = |text: &str| Term::from_field_text(field, text);
    let end = behind(start).map_or(Bound::Unbounded, |end| Bound::Excluded(term(&end)));
    Box::new(RangeQuery::new(Bound::Included(term(start)), end))
}

/// The first text behind all that begin in a way; `None` when there is none.
fn behind(start: &str) -> Option<String> {
    let mut kept = start.to_owned();
    while let Some(last) = kept.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            kept.push(next);
            return Some(kept);
        }
    }
    None
}

/// Words that look alike. Of those that are near one, the one itself counts for more.
fn of_pattern(pattern: &Pattern, field: Field) -> Box<dyn Query> {
    let alike: Box<dyn Query> = Box::new(Alike { pattern: pattern.clone(), field });
    match pattern {
        Pattern::Regex { .. } => alike,
        Pattern::Fuzzy { word, .. } => {
            let term = Term::from_field_text(field, word);
            Box::new(BooleanQuery::union(vec![alike, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))]))
        }
    }
}

fn of_whole(whole: &Whole, field: Field) -> Box<dyn Query> {
    match whole {
        Whole::Exact(value) => Box::new(TermQuery::new(Term::from_field_text(field, value), IndexRecordOption::Basic)),
        Whole::Starts(start) => starting_with(start, field),
        Whole::Like(pattern) => of_pattern(pattern, field),
    }
}

fn unscored(query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_all_that_begin_alike_is_the_next() {
        for (start, end) in
            [("ab", Some("ac")), ("潮", Some("潯")), ("", None), ("a\u{10FFFF}", Some("b")), ("\u{10FFFF}", None)]
        {
            assert_eq!(behind(start).as_deref(), end, "{start:?}");
        }
    }
}
