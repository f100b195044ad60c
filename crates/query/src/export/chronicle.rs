//! Rows in the order in which they were sent, each message once.
//!
//! Hours are in order, and the rows of an hour too; but imported and late messages stand in hours of other times. So it takes two
//! passes: one over the rows, hour by hour, of which the caller keeps the [`Placed`]s of those that it wants; and, these
//! sorted, one that looks the rows up again, some hundreds at a time.

use std::collections::BTreeMap;

use archive::Key;
use chat::{Hour, Message, Position, Timestamp};
use rustc_hash::FxHashSet;
use store::Archive;

use super::choice::Choice;
use super::error::ExportError;
use super::firsts::Firsts;
use super::tables::Tables;

/// When a message was sent and where it stands, in 24 bytes; in the order in which messages were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placed {
    /// Microseconds since 1970.
    sent_at: i64,
    /// Since 1970.
    hour: i32,
    part: u32,
    line: u64,
}

impl Placed {
    /// The place of a message; `None` for one without a time.
    #[must_use]
    pub fn of(message: &Message<'_>) -> Option<Self> {
        let Position { source_hour, part, line } = message.position;
        let hour = i32::try_from(source_hour.number()).ok()?;
        Some(Self { sent_at: message.sent_at?.timestamp_micros(), hour, part, line })
    }

    fn source_hour(self) -> Hour {
        Hour::from_number(self.hour.into())
    }

    fn position(self) -> Position {
        Position { source_hour: self.source_hour(), part: self.part, line: self.line }
    }

    fn key(self) -> Key {
        let Position { source_hour, part, line } = self.position();
        Key { source_hour, sent_at: Timestamp::from_timestamp_micros(self.sent_at), part, line }
    }
}

/// The messages of an archive, at the publications that its hours had when it was opened.
pub struct Chronicle {
    tables: Tables,
    publications: BTreeMap<Hour, String>,
    firsts: Firsts,
    recalled: FxHashSet<String>,
}

impl Chronicle {
    /// Reads which hours there are, which messages are in several of them, and which were called back.
    ///
    /// # Errors
    ///
    /// [`ExportError`], [`ExportError::Stopped`] among them.
    pub async fn open(archive: &Archive, is_stopped: super::IsStopped<'_>) -> Result<Self, ExportError> {
        let mut tables = Tables::open(archive).await?;
        let publications = tables.publications();
        let hours: Vec<Hour> = publications.keys().copied().collect();
        let recalled = recalled(&mut tables, &hours, is_stopped).await?;
        let firsts = Firsts::of(&mut tables, &hours).await?;
        Ok(Self { tables, publications, firsts, recalled })
    }

    /// The archived hours, in order.
    #[must_use]
    pub fn hours(&self) -> Vec<Hour> {
        self.publications.keys().copied().collect()
    }

    /// Hands out the chosen messages of an hour, those aside that an earlier hour has; of each also whether it was called back: a
    /// recall of it is archived, in whatever hour.
    ///
    /// # Errors
    ///
    /// [`ExportError`], and what `take` answers.
    pub async fn read(
        &mut self,
        hour: Hour,
        choice: Choice<'_>,
        mut take: impl FnMut(&Message<'_>, bool) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let (firsts, recalled) = (&self.firsts, &self.recalled);
        let is_recalled = |message: &Message<'_>| message.msg_id.as_deref().is_some_and(|id| recalled.contains(id));
        let mut rows = self.tables.read(hour, None, choice).await?;
        while let Some(batch) = rows.next().await? {
            for messages in batch.messages() {
                let messages = messages.map_err(|source| rows.unreadable(source))?;
                let mut meant = messages.iter().filter(|message| choice.has(message) && firsts.is_first(message));
                meant.try_for_each(|message| take(message, is_recalled(message)))?;
            }
        }
        self.publications.insert(hour, rows.publication().to_owned());
        Ok(())
    }

    /// The rows at these places, in their order. Those of hours that were published anew since they were read are not among
    /// them: what stands there now may be another message.
    ///
    /// # Errors
    ///
    /// When the tables cannot be read.
    pub async fn rows(&mut self, places: &[Placed]) -> Result<Vec<Message<'static>>, ExportError> {
        let mut of_hours: BTreeMap<Hour, Vec<Key>> = BTreeMap::new();
        for place in places {
            of_hours.entry(place.source_hour()).or_default().push(place.key());
        }
        let mut rows = BTreeMap::new();
        for (hour, mut keys) in of_hours {
            keys.sort_unstable();
            let (publication, found) = self.tables.rows(hour, &keys).await?;
            if self.publications.get(&hour) == Some(&publication) {
                rows.extend(found.into_iter().map(|row| (row.position, row)));
            }
        }
        Ok(places.iter().filter_map(|place| rows.remove(&place.position())).collect())
    }
}

/// The ids of the messages that a recall speaks of.
async fn recalled(
    tables: &mut Tables,
    hours: &[Hour],
    is_stopped: super::IsStopped<'_>,
) -> Result<FxHashSet<String>, ExportError> {
    let mut recalled = FxHashSet::default();
    for hour in hours {
        let mut rows = tables.read(*hour, Some(&["chat_type", "about", "source_hour"]), Choice::default()).await?;
        while let Some(batch) = rows.next().await? {
            if is_stopped() {
                return Err(ExportError::Stopped);
            }
            for messages in batch.messages() {
                let messages = messages.map_err(|source| rows.unreadable(source))?;
                let recalls = messages.into_iter().filter(|message| message.chat_type.as_deref() == Some("recall"));
                recalled.extend(recalls.filter_map(|message| Some(message.about?.into_owned())));
            }
        }
    }
    Ok(recalled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_time_then_of_the_lines() {
        let place = |millis: i64, key: &str, part, line| {
            let position = Position { source_hour: Hour::from_key(key).unwrap(), part, line };
            let mut message = Message::at(position);
            message.sent_at = Timestamp::from_timestamp_millis(millis);
            let place = Placed::of(&message).unwrap();
            assert_eq!((place.position(), place.key().sent_at), (position, message.sent_at));
            place
        };
        let sorted = [
            place(1_773_478_890_009, "2026031410", 0, 9),
            place(1_773_478_890_010, "2026031409", 0, 2),
            place(1_773_478_890_010, "2026031409", 0, 10),
            place(1_773_478_890_010, "2026031409", 1, 1),
            place(1_773_478_890_010, "2026031410", 0, 1),
        ];
        assert!(sorted.is_sorted());
        assert_eq!(size_of::<Placed>(), 24);
        assert_eq!(Placed::of(&Message::at(sorted[0].position())), None);
    }
}
