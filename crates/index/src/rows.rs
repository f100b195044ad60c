//! Every row that matches, in no order and with nothing but its key: for who compares and does not show.

use tantivy::SegmentReader;
use tantivy::query::{EnableScoring, Weight};

use crate::keys::Keys;
use crate::search::Hit;
use crate::{Catalogue, Error, Query, engine_query};

impl Catalogue {
    /// Hands over each row that matches, without a score, copies in later hours too.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn each_row(&self, query: &Query, mut each: impl FnMut(Hit)) -> Result<(), Error> {
        let searcher = self.searcher();
        let query = engine_query::of_query(query, &self.fields());
        self.guarded(|| {
            let weight = query.weight(EnableScoring::disabled_from_searcher(&searcher));
            let weight = weight.map_err(|error| self.error(error))?;
            let keys = self.keys(&searcher).map_err(|error| self.error(error))?;
            let mut segments = searcher.segment_readers().iter().zip(&*keys);
            let rows = segments.try_for_each(|(segment, keys)| rows_of(segment, keys, &*weight, &mut each));
            rows.map_err(|error| self.error(error))
        })
    }
}

fn rows_of(
    segment: &SegmentReader,
    keys: &Keys,
    weight: &dyn Weight,
    each: &mut dyn FnMut(Hit),
) -> tantivy::Result<()> {
    weight.for_each_no_score(segment, &mut |docs| {
        docs.iter().filter(|doc| !segment.is_deleted(**doc)).for_each(|doc| each(keys.hit(*doc, 0.0)));
    })
}
