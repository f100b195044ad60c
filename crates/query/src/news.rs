//! What is new to a search that was put before: the hours that were published since, one at a time.

use std::collections::{BTreeMap, BTreeSet};

use archive::Projection;
use chat::{Entry, Hour, Message, State};
use index::{Catalogue, Order, Place, Query, Request};
use sha2::{Digest as _, Sha256};

use crate::coverage::Coverage;
use crate::library::{Error, Library};
use crate::question::Found;

/// The archived hours, by whether a search has looked through them as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The publications of the hours that are to be looked through, as the index holds them.
    pub hours: BTreeMap<Hour, String>,
    /// Hours that are to be looked through and that the index does not hold as they are now.
    pub not_indexed: Vec<Hour>,
    /// All hours, as this look found them: it takes a while with many, and would be the same for each hour.
    coverage: Coverage,
}

impl Library {
    /// The hours whose publication is another than the known one.
    ///
    /// # Errors
    ///
    /// When the index or the tables cannot be read.
    pub async fn due(&self, known: &BTreeMap<Hour, String>) -> Result<Due, Error> {
        // Both from one look at the ledger: an hour that is published anew in between would be taken for looked through.
        let entries = self.archive.entries().await?;
        let indexed = self.catalogue.as_ref().map(Catalogue::hours).transpose()?.unwrap_or_default();
        let mut hours = publications(&entries);
        hours.retain(|hour, publication| known.get(hour) != Some(publication));
        let coverage = Coverage::of(&entries, &indexed);
        let missing = coverage.missing.iter().copied();
        let not_indexed: Vec<Hour> = missing.filter(|hour| hours.remove(hour).is_some()).collect();
        Ok(Due { hours, not_indexed, coverage })
    }

    /// The publication of every archived hour.
    ///
    /// # Errors
    ///
    /// When the tables cannot be read.
    pub async fn publications(&self) -> Result<BTreeMap<Hour, String>, Error> {
        Ok(publications(&self.archive.entries().await?))
    }

    /// The hours in which something may match: those of the others need not be looked through.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn hours_with(&self, query: &Query) -> Result<BTreeSet<Hour>, Error> {
        let mut hours = BTreeSet::new();
        if let Some(catalogue) = &self.catalogue {
            catalogue.each_row(query, |row| {
                hours.insert(row.source_hour);
            })?;
        }
        Ok(hours)
    }

    /// What matches in one of the hours that are due, each message once, the earliest first: at most `limit` behind a place, and the place behind
    /// which there are more.
    ///
    /// # Errors
    ///
    /// As [`Library::ask`].
    pub async fn in_hour(
        &self,
        due: &Due,
        hour: Hour,
        query: &Query,
        after: Option<Place>,
        limit: usize,
    ) -> Result<(Vec<Found>, Option<Place>), Error> {
        match self.in_hour_once(&due.coverage, hour, query, after, limit).await {
            Err(error) if error.may_be_gone() => {
                self.refresh()?;
                self.in_hour_once(&self.coverage().await?, hour, query, after, limit).await
            }
            found => found,
        }
    }

    async fn in_hour_once(
        &self,
        coverage: &Coverage,
        hour: Hour,
        query: &Query,
        after: Option<Place>,
        limit: usize,
    ) -> Result<(Vec<Found>, Option<Place>), Error> {
        let Some(catalogue) = &self.catalogue else { return Ok((Vec::new(), None)) };
        // Published anew since it was found due: it will be due again.
        if !coverage.held.contains(&hour) {
            return Ok((Vec::new(), None));
        }
        let without = coverage.held.iter().chain(&coverage.stale).copied().filter(|other| *other != hour).collect();
        let order = Order::Oldest;
        let request = Request { without, after, limit: limit.saturating_add(1), order, ..Request::new(query.clone()) };
        let mut hits = catalogue.search(&request)?.hits;
        let are_more = hits.len() > limit;
        hits.truncate(limit);
        let next = hits.last().filter(|_| are_more).map(index::Hit::place);
        let rows = self.rows(&hits, Projection::All).await?;
        let found = hits.iter().zip(rows).map(|(hit, message)| {
            let changes = self.changes(&message, coverage)?;
            Ok(Found { message, score: hit.score, changes })
        });
        Ok((found.collect::<Result<_, Error>>()?, next))
    }
}

fn publications(entries: &BTreeMap<Hour, Entry>) -> BTreeMap<Hour, String> {
    let done = entries.values().filter(|entry| entry.state == State::Done);
    done.map(|entry| (entry.hour, entry.publication())).collect()
}

/// By what a message is known again, in another hour and in an hour that is published anew: its id, or all that was said
/// where it has none.
#[must_use]
pub fn mark(message: &Message<'_>) -> u64 {
    let digest = match &message.msg_id {
        Some(id) => Sha256::new().chain_update(b"id").chain_update(id.as_bytes()),
        None => {
            // What its record says, and what its row does where that is no whole record; not where it stands.
            let record = decode::rebuild(message).unwrap_or_default();
            let row = (&message.sent_at, &message.sender, &message.conversation, &message.text);
            Sha256::new().chain_update(b"record").chain_update(record).chain_update(format!("{row:?}"))
        }
    };
    let bytes: [u8; 32] = digest.finalize().into();
    bytes.iter().take(8).fold(0, |mark, byte| mark << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use chat::Position;

    use super::*;

    fn message(line: u64) -> Message<'static> {
        Message::at(Position { source_hour: Hour::from_number(500_000), part: 0, line })
    }

    #[test]
    fn a_message_is_known_by_its_id_wherever_it_stands() {
        let with = |id: &'static str, line| Message { msg_id: Some(id.into()), ..message(line) };
        assert_eq!(mark(&with("a", 1)), mark(&with("a", 2)));
        assert_ne!(mark(&with("a", 1)), mark(&with("b", 1)));
    }

    #[test]
    fn one_without_an_id_is_known_by_what_was_said() {
        let saying = |text: &'static str, line| Message { text: Some(text.into()), ..message(line) };
        assert_eq!(mark(&saying("tide", 1)), mark(&saying("tide", 2)));
        assert_ne!(mark(&saying("tide", 1)), mark(&saying("ebb", 1)));
    }
}
