//! Questions to the index, and its answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use chat::{Hour, Part, Position, Timestamp};
use tantivy::query::AllQuery;

use crate::best::Ranked;
use crate::collect::{Collected, Pass};
use crate::fields::fingerprint;
use crate::repeats::Repeats;
use crate::room::Room;
use crate::tally::{Counts, summed};
use crate::{Catalogue, Error, Place, Request, engine_query, markers};

/// An answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    /// The first `limit` hits, in order. Of the copies of a message in several hours, only those of the earliest hour.
    pub hits: Vec<Hit>,
    /// Messages that match, copies in later hours not counted. Of no meaning where nobody asked for it, see
    /// [`Request::counted`].
    ///
    /// Where more than two million rows match that may be copies, copies are counted too, because telling them apart would
    /// take memory without bound; see [`Found::counts_copies`].
    pub total: u64,
    /// Whether `total` and `counts` count copies of messages in later hours too.
    pub counts_copies: bool,
    /// The same messages counted by value, for each of [`Request::counted_by`] in order.
    pub counts: Vec<Counts>,
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
    /// How well it matches; 0 where nothing but filters was asked for, and in orders other than relevance unless scores are
    /// asked for.
    pub score: f32,
    /// The fingerprint of the message's id; 0 for a message without one. Two messages of one id have the same; two
    /// that are no numbers may have the same by accident.
    pub message: u64,
}

/// What became of a message after it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changes {
    /// Somebody recalled it.
    pub is_recalled: bool,
    /// Somebody edited it.
    pub is_edited: bool,
}

impl Hit {
    /// The key of its row.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { source_hour: self.source_hour, part: self.part, line: self.line }
    }

    /// Where it stands among others.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { score: self.score, sent_at: self.sent_at, message: self.message, position: self.position() }
    }
}

impl Catalogue {
    /// Answers a question. Messages without an id are never taken for copies.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn search(&self, request: &Request) -> Result<Found, Error> {
        let searcher = self.searcher();
        let search = Search { catalogue: self, searcher: &searcher, request };
        self.guarded(|| search.found().map_err(|error| self.error(error)))
    }

    /// The rows of a message id, earliest hour first. Ids that are no numbers may share a fingerprint: the caller
    /// compares the ids of the rows.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn find_id(&self, msg_id: &str) -> Result<Vec<Hit>, Error> {
        self.copies(fingerprint(msg_id))
    }

    /// Whether a message was recalled or edited since, as far as hours say that are not among `without`. Of ids that are no
    /// numbers two may share a fingerprint, see [`Hit::message`].
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] or [`Error::Io`] when the index cannot be read.
    pub fn changes_of(&self, msg_id: &str, without: &BTreeSet<Hour>) -> Result<Changes, Error> {
        let (id, fields) = (fingerprint(msg_id), self.fields());
        let is_told = |hits: Vec<Hit>| hits.iter().any(|hit| !without.contains(&hit.source_hour));
        Ok(Changes {
            is_recalled: is_told(self.rows_of(&engine_query::recalls(id, &fields))?),
            is_edited: is_told(self.rows_of(&engine_query::edits(id, &fields))?),
        })
    }

    /// The rows of messages with a fingerprint.
    fn copies(&self, message: u64) -> Result<Vec<Hit>, Error> {
        let mut hits = self.rows_of(&engine_query::near(message, &self.fields()))?;
        hits.retain(|hit| hit.message == message);
        Ok(hits)
    }

    fn rows_of(&self, query: &dyn tantivy::query::Query) -> Result<Vec<Hit>, Error> {
        let searcher = self.searcher();
        let all = || Pass::over_all().run(query, &searcher, &self.keys(&searcher)?);
        let found = self.guarded(|| all().map_err(|error| self.error(error)))?;
        let mut hits: Vec<_> = found.ranked.into_iter().map(|ranked| ranked.hit).collect();
        hits.sort_by_key(Hit::position);
        Ok(hits)
    }
}

struct Search<'s> {
    catalogue: &'s Catalogue,
    searcher: &'s tantivy::Searcher,
    request: &'s Request,
}

/// Rows that are kept beyond the limit, in case there are copies among the first: copies are rare.
const SPARE: usize = 64;
/// The same where rows are passed over that cannot be among those kept: each that is kept keeps others from being passed over.
const SPARE_OF_FEW: usize = 4;

impl Search<'_> {
    fn found(&self) -> tantivy::Result<Found> {
        let limit = self.request.limit;
        let mut keep = if limit == 0 { 0 } else { limit.saturating_add(self.spare()) };
        loop {
            let mut found = self.collected(keep)?;
            let all_were_kept = found.ranked.len() < keep || keep == 0;
            let (total, counts_copies) = (found.total(), found.ids.is_none());
            let tallies = std::mem::take(&mut found.tallies);
            let hits = self.without_copies(found)?;
            if hits.len() == limit || all_were_kept {
                let counts = summed(tallies, &self.request.counted_by)?;
                return Ok(Found { hits, total, counts_copies, counts });
            }
            keep = keep.saturating_mul(2).max(limit.saturating_add(SPARE));
        }
    }

    fn spare(&self) -> usize {
        if self.request.may_skip() { SPARE_OF_FEW } else { SPARE }
    }

    /// Few rows are all compared with one another. For many it is found out first which rows of the index have copies.
    fn collected(&self, keep: usize) -> tantivy::Result<Collected> {
        let (known, room) = self.catalogue.known_repeats(self.searcher)?;
        let is_few = !self.request.counted || !self.request.is_everything();
        if known.is_some() || is_few {
            let found = self.pass(keep, known.clone(), room)?;
            if found.ids.is_some() || known.is_some() || !self.request.counted {
                return Ok(found);
            }
        }
        self.pass(keep, Some(self.catalogue.repeats(self.searcher)?), Arc::new(Room::of_a_search()))
    }

    fn pass(&self, keep: usize, repeats: Option<Arc<Repeats>>, room: Arc<Room>) -> tantivy::Result<Collected> {
        let request = self.request;
        let mut pass = Pass {
            keep,
            order: request.order,
            scored: request.scored,
            after: request.after,
            repeats,
            room,
            markers: None,
            without: request.without.iter().map(|hour| hour.number()).collect(),
            span: None,
            is_long: request.query.root().is_long(),
            counted: request.counted,
            counted_by: request.counted_by.clone(),
        };
        // Markers that are skipped one by one cost less than asking for every row whether it is one.
        if request.is_everything() && !pass.needs_scores() {
            pass.markers = Some(Arc::new(markers::rows(self.searcher, &self.catalogue.fields())?));
            return self.run(&pass, &AllQuery);
        }
        if request.may_skip()
            && pass.needs_scores()
            && let Some((span, query)) = engine_query::apart(request, &self.catalogue.fields())
        {
            pass.span = Some(span);
            return self.run(&pass, query.as_ref());
        }
        self.run(&pass, self.query().as_ref())
    }

    fn run(&self, pass: &Pass, query: &dyn tantivy::query::Query) -> tantivy::Result<Collected> {
        pass.run(query, self.searcher, &self.catalogue.keys(self.searcher)?)
    }

    fn query(&self) -> Box<dyn tantivy::query::Query> {
        engine_query::of(self.request, &self.catalogue.fields())
    }

    /// The first hits that are no copy of a matching message in an earlier hour.
    fn without_copies(&self, found: Collected) -> tantivy::Result<Vec<Hit>> {
        let mut hits = Vec::new();
        for Ranked { hit, may_repeat, .. } in found.ranked {
            if hits.len() == self.request.limit {
                break;
            }
            let earliest = match &found.ids {
                Some(ids) => ids.earliest(hit.message),
                None if may_repeat => self.earliest(hit.message)?,
                None => None,
            };
            if earliest.is_none_or(|hour| hit.source_hour <= hour) {
                hits.push(hit);
            }
        }
        Ok(hits)
    }

    /// The earliest hour in which a message with this fingerprint matches; only looked up when there are several.
    fn earliest(&self, message: u64) -> tantivy::Result<Option<Hour>> {
        let near = || Box::new(engine_query::near(message, &self.catalogue.fields()));
        if message == 0 || self.hours_of(message, near().as_ref())?.len() < 2 {
            return Ok(None);
        }
        let hours = self.hours_of(message, &engine_query::both(self.query(), near()))?;
        Ok(hours.into_iter().find(|hour| !self.request.without.contains(hour)))
    }

    /// The hours of a message's rows, of those that a query gives.
    fn hours_of(&self, message: u64, query: &dyn tantivy::query::Query) -> tantivy::Result<BTreeSet<Hour>> {
        let found = self.run(&Pass::over_all(), query)?;
        let hits = found.ranked.into_iter().map(|ranked| ranked.hit).filter(|hit| hit.message == message);
        Ok(hits.map(|hit| hit.source_hour).collect())
    }
}
