//! Every row that matches, in no order and with nothing but its key: for who compares and does not show.

use chat::{Hour, Part, Position};
use tantivy::SegmentReader;
use tantivy::query::{EnableScoring, Weight};

use crate::fields::column;
use crate::{Catalogue, Error, Query, engine_query};

impl Catalogue {
    /// Hands over the position of each row that matches, copies in later hours too.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn each_row(&self, query: &Query, mut each: impl FnMut(Position)) -> Result<(), Error> {
        let searcher = self.searcher();
        let query = engine_query::of_query(query, &self.fields());
        self.guarded(|| {
            let weight = query.weight(EnableScoring::disabled_from_searcher(&searcher));
            let weight = weight.map_err(|error| self.error(error))?;
            let mut segments = searcher.segment_readers().iter();
            segments.try_for_each(|segment| rows_of(segment, &*weight, &mut each)).map_err(|error| self.error(error))
        })
    }
}

fn rows_of(segment: &SegmentReader, weight: &dyn Weight, each: &mut dyn FnMut(Position)) -> tantivy::Result<()> {
    let columns = segment.fast_fields();
    let (hours, parts, lines) = (columns.i64(column::HOUR)?, columns.u64(column::PART)?, columns.u64(column::LINE)?);
    weight.for_each_no_score(segment, &mut |docs| {
        for &doc in docs.iter().filter(|doc| !segment.is_deleted(**doc)) {
            each(Position {
                source_hour: Hour::from_number(hours.first(doc).unwrap_or(0)),
                // A part is a u32 when it is written.
                part: Part::try_from(parts.first(doc).unwrap_or(0)).unwrap_or(Part::MAX),
                line: lines.first(doc).unwrap_or(0),
            });
        }
    })
}
