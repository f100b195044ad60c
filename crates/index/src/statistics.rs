//! What an index holds, and what it takes on disk.

use std::collections::BTreeMap;

use tantivy::space_usage::{FieldUsage, SegmentSpaceUsage};

use crate::{Catalogue, Error};

/// The size of an index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Bytes of all segments.
    pub bytes: u64,
    /// Messages.
    pub documents: u64,
    /// Documents that are no longer found and not yet removed.
    pub deleted: u64,
    /// Hours held.
    pub hours: u64,
    /// Segments; each is asked in a search.
    pub segments: u64,
    /// What each field takes, in the order of their names.
    pub fields: BTreeMap<String, FieldBytes>,
}

/// Bytes of one field in all segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldBytes {
    /// Its terms.
    pub terms: u64,
    /// Which documents have them.
    pub postings: u64,
    /// Where in a document they are.
    pub positions: u64,
    /// Its column.
    pub column: u64,
}

impl FieldBytes {
    /// All of it.
    #[must_use]
    pub fn total(self) -> u64 {
        self.terms + self.postings + self.positions + self.column
    }
}

impl Catalogue {
    /// What the index holds and takes.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn statistics(&self) -> Result<Statistics, Error> {
        let searcher = self.searcher();
        let usage = self.guarded(|| searcher.space_usage().map_err(|error| self.error(error.into())))?;
        let mut statistics = Statistics {
            bytes: usage.total().get_bytes(),
            documents: self.documents()?,
            deleted: searcher.segment_readers().iter().map(|segment| u64::from(segment.num_deleted_docs())).sum(),
            hours: self.hours()?.len() as u64,
            segments: searcher.segment_readers().len() as u64,
            fields: BTreeMap::new(),
        };
        usage.segments().iter().for_each(|segment| statistics.add(segment));
        Ok(statistics)
    }
}

impl Statistics {
    fn add(&mut self, segment: &SegmentSpaceUsage) {
        segment.termdict().fields().for_each(|field| self.of(field).terms += bytes(field));
        segment.postings().fields().for_each(|field| self.of(field).postings += bytes(field));
        segment.positions().fields().for_each(|field| self.of(field).positions += bytes(field));
        segment.fast_fields().fields().for_each(|field| self.of(field).column += bytes(field));
    }

    fn of(&mut self, field: &FieldUsage) -> &mut FieldBytes {
        self.fields.entry(field.field_name().to_owned()).or_default()
    }
}

fn bytes(field: &FieldUsage) -> u64 {
    field.total().get_bytes()
}
