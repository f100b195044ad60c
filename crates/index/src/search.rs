//! Questions to the index, and its answers.

use chat::{Hour, Part, Timestamp};

use crate::collect::{Collected, Everything, Ranked};
use crate::fields::fingerprint;
use crate::{Catalogue, Error, Query, engine_query};

/// In what order hits come. Hits that are equal in it come in the order of their rows: source hour, part, line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Best match first (BM25); equal ones newest first.
    #[default]
    Relevance,
    /// Newest first, messages without a time last.
    Newest,
    /// Oldest first, messages without a time last.
    Oldest,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Request {
    /// What the messages must match.
    pub query: Query,
    /// Only messages sent at this time or later; leaves out those without a time.
    pub since: Option<Timestamp>,
    /// Only messages sent before this time; leaves out those without a time.
    pub until: Option<Timestamp>,
    /// The greatest number of hits.
    pub limit: usize,
    /// The order of hits.
    pub order: Order,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The first `limit` hits, in order. Of the copies of a message in several hours, only those of the earliest hour.
    pub hits: Vec<Hit>,
    /// Messages that match, copies in later hours not counted.
    ///
    /// Where more than two million rows match, copies are counted too, because telling them apart would take memory
    /// without bound; see [`Found::counts_copies`].
    pub total: u64,
    /// Whether `total` counts copies of messages in later hours too.
    pub counts_copies: bool,
}

/// The key of a message's row in the tables, and how well it matches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The hour that the message was served in.
    pub source_hour: Hour,
    /// When it was sent, to the microsecond.
    pub sent_at: Option<Timestamp>,
    /// The part of the hour.
    pub part: Part,
    /// The line within the part.
    pub line: u64,
    /// How well it matches; 0 where nothing but filters was asked for, and in orders other than relevance.
    pub score: f32,
    /// The fingerprint of the message's id; 0 for a message without one. Two messages of one id have the same; two
    /// that are no numbers may have the same by accident.
    pub message: u64,
}

impl Catalogue {
    /// Answers a question. Messages without an id are never taken for copies.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn search(&self, request: &Request) -> Result<Found, Error> {
        let searcher = self.searcher();
        let query = engine_query::of(request, &self.fields());
        let search = Search { catalogue: self, searcher: &searcher, query };
        self.guarded(|| search.first(request.limit, request.order).map_err(|error| self.error(error)))
    }

    /// The rows of a message id, earliest hour first. Ids that are no numbers may share a fingerprint: the caller
    /// compares the ids of the rows.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn find_id(&self, msg_id: &str) -> Result<Vec<Hit>, Error> {
        let query = engine_query::copies(fingerprint(msg_id), &self.fields());
        let everything = Everything { keep: usize::MAX, order: Order::Oldest };
        let found = self.guarded(|| self.searcher().search(&query, &everything).map_err(|error| self.error(error)))?;
        let mut hits: Vec<_> = found.ranked.into_iter().map(|ranked| ranked.hit).collect();
        hits.sort_by_key(|hit| (hit.source_hour, hit.part, hit.line));
        Ok(hits)
    }
}

struct Search<'s> {
    catalogue: &'s Catalogue,
    searcher: &'s tantivy::Searcher,
    query: Box<dyn tantivy::query::Query>,
}

/// Rows that are looked at beyond the limit, in case there are copies among the first: copies are rare.
const SPARE: usize = 64;

impl Search<'_> {
    fn first(&self, limit: usize, order: Order) -> tantivy::Result<Found> {
        let mut keep = limit.saturating_add(SPARE);
        loop {
            let found = self.searcher.search(&self.query, &Everything { keep, order })?;
            let all_were_kept = found.ranked.len() < keep;
            let (total, counts_copies) = (found.total(), found.ids.is_none());
            let hits = self.without_copies(found, limit)?;
            if hits.len() == limit || all_were_kept {
                return Ok(Found { hits, total, counts_copies });
            }
            keep = keep.saturating_mul(2);
        }
    }

    /// The first hits that are no copy of a matching message in an earlier hour.
    fn without_copies(&self, found: Collected, limit: usize) -> tantivy::Result<Vec<Hit>> {
        let mut hits = Vec::new();
        for Ranked { hit, .. } in found.ranked {
            if hits.len() == limit {
                break;
            }
            let earliest = match &found.ids {
                Some(ids) => ids.earliest(hit.message),
                None => self.earliest(hit.message)?,
            };
            if earliest.is_none_or(|hour| hit.source_hour <= hour) {
                hits.push(hit);
            }
        }
        Ok(hits)
    }

    /// The earliest hour in which a message with this fingerprint matches; only looked up when there are several.
    fn earliest(&self, message: u64) -> tantivy::Result<Option<Hour>> {
        let fields = self.catalogue.fields();
        if message == 0 || self.searcher.doc_freq(&engine_query::id_term(message, &fields))? < 2 {
            return Ok(None);
        }
        let both = engine_query::both(self.query.box_clone(), Box::new(engine_query::copies(message, &fields)));
        let found = self.searcher.search(&both, &Everything { keep: usize::MAX, order: Order::Oldest })?;
        Ok(found.ranked.into_iter().map(|ranked| ranked.hit.source_hour).min())
    }
}
