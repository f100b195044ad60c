//! Marker documents: they alone say which hours are held.

use chat::Hour;
use tantivy::collector::Count;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, Term};

use crate::document::MARKER;
use crate::fields::{Fields, column};

/// What the marker of an hour says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) hour: Hour,
    pub(crate) build: u64,
    pub(crate) version: String,
}

/// Every marker, in no order.
pub(crate) fn read(searcher: &Searcher, fields: &Fields) -> tantivy::Result<Vec<Marker>> {
    let mut markers = Vec::new();
    for segment in searcher.segment_readers() {
        read_segment(segment, fields, &mut markers)?;
    }
    Ok(markers)
}

/// For each segment the markers in it, deleted ones too, in order.
pub(crate) fn rows(searcher: &Searcher, fields: &Fields) -> tantivy::Result<Vec<Vec<DocId>>> {
    searcher.segment_readers().iter().map(|segment| rows_of(segment, fields)).collect()
}

fn rows_of(segment: &SegmentReader, fields: &Fields) -> tantivy::Result<Vec<DocId>> {
    let terms = segment.inverted_index(fields.marker)?;
    let Some(mut postings) = terms.read_postings(&term(fields), IndexRecordOption::Basic)? else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    while postings.doc() != TERMINATED {
        rows.push(postings.doc());
        postings.advance();
    }
    Ok(rows)
}

/// The number of messages that were taken in together.
pub(crate) fn documents_of(searcher: &Searcher, fields: &Fields, build: u64) -> tantivy::Result<u64> {
    let query = TermQuery::new(Term::from_field_u64(fields.build, build), IndexRecordOption::Basic);
    let with_marker = searcher.search(&query, &Count)?;
    Ok((with_marker as u64).saturating_sub(1))
}

pub(crate) fn term(fields: &Fields) -> Term {
    Term::from_field_u64(fields.marker, MARKER)
}

fn read_segment(segment: &SegmentReader, fields: &Fields, into: &mut Vec<Marker>) -> tantivy::Result<()> {
    let terms = segment.inverted_index(fields.marker)?;
    let Some(mut postings) = terms.read_postings(&term(fields), IndexRecordOption::Basic)? else { return Ok(()) };
    let columns = segment.fast_fields();
    let (hours, builds) = (columns.i64(column::HOUR)?, columns.u64(column::BUILD)?);
    let versions = columns.str(column::VERSION)?;
    while postings.doc() != TERMINATED {
        let doc = postings.doc();
        postings.advance();
        let (Some(hour), Some(build)) = (hours.first(doc), builds.first(doc)) else { continue };
        if segment.is_deleted(doc) {
            continue;
        }
        let mut version = String::new();
        if let Some(versions) = &versions
            && let Some(ordinal) = versions.term_ords(doc).next()
        {
            versions.ord_to_str(ordinal, &mut version)?;
        }
        into.push(Marker { hour: Hour::from_number(hour), build, version });
    }
    Ok(())
}
