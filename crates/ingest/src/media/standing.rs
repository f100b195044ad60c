//! How the attachments stand that are known.

use std::collections::BTreeMap;
use std::ops::Range;

use chat::{Attachment, AttachmentKind, AttachmentState, Hour, State, Timestamp};
use store::Archive;

use super::is_in_danger;
use crate::error::Error;

/// Attachments that are named among those which the service deletes next.
const NEXT: usize = 10;

/// How the attachments of the messages of some hours stand.
#[derive(Debug, Clone)]
pub struct MediaStanding {
    /// All of them, and their bytes.
    pub all: MediaCount,
    /// By the word of the state. Every state is there.
    pub states: BTreeMap<&'static str, MediaCount>,
    /// By the word of the kind. Every kind is there.
    pub kinds: BTreeMap<&'static str, MediaCount>,
    /// Those that are stored, by what the service said that they are; `unknown` where it said nothing.
    pub types: BTreeMap<String, MediaCount>,
    /// Those that are still to be had, and will not be any more by the time of the next run.
    pub in_danger: u64,
    /// Of those that are still to be had the ten that the service deletes next, in that order.
    pub next: Vec<Attachment>,
    /// Archived hours of which nobody has looked yet what files their messages speak of.
    pub unlisted: u64,
}

/// A number of attachments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MediaCount {
    /// How many.
    pub count: u64,
    /// Bytes of those that are stored.
    pub bytes: u64,
}

impl MediaStanding {
    /// How the attachments of the messages of these hours stand; `None` as long as the archive has no table of
    /// attachments.
    ///
    /// # Errors
    ///
    /// When the tables cannot be read.
    pub async fn of(archive: &Archive, hours: &Range<Hour>, now: Timestamp) -> Result<Option<Self>, Error> {
        Self::while_looking(archive, hours, now, |_| ()).await
    }

    /// The same, while `look` is shown each attachment.
    pub(crate) async fn while_looking(
        archive: &Archive,
        hours: &Range<Hour>,
        now: Timestamp,
        mut look: impl FnMut(&Attachment),
    ) -> Result<Option<Self>, Error> {
        if !archive.has_attachments().await? {
            return Ok(None);
        }
        let mut standing = Self::new();
        let take = |row: Attachment| {
            look(&row);
            standing.take(row, now);
        };
        archive.each_attachment(hours, take).await?;
        let (entries, listed) = (archive.entries().await?, archive.listed().await?);
        let done = entries.values().filter(|entry| entry.state == State::Done && hours.contains(&entry.hour));
        standing.unlisted = done.filter(|entry| listed.get(&entry.hour) != Some(&entry.publication())).count() as u64;
        Ok(Some(standing))
    }

    fn new() -> Self {
        Self {
            all: MediaCount::default(),
            states: AttachmentState::ALL.map(|state| (state.word(), MediaCount::default())).into(),
            kinds: AttachmentKind::ALL.map(|kind| (kind.word(), MediaCount::default())).into(),
            types: BTreeMap::new(),
            in_danger: 0,
            next: Vec::new(),
            unlisted: 0,
        }
    }

    /// How many are in a state.
    #[must_use]
    pub fn count(&self, state: AttachmentState) -> MediaCount {
        self.states.get(state.word()).copied().unwrap_or_default()
    }

    fn take(&mut self, row: Attachment, now: Timestamp) {
        self.all.add(&row);
        self.states.entry(row.state.word()).or_default().add(&row);
        self.kinds.entry(row.kind.word()).or_default().add(&row);
        if row.state == AttachmentState::Stored {
            let media_type = row.media_type.clone().unwrap_or_else(|| "unknown".to_owned());
            self.types.entry(media_type).or_default().add(&row);
        }
        self.in_danger += u64::from(is_in_danger(&row, now));
        if row.state == AttachmentState::Pending {
            let place = self.next.partition_point(|other| other.deadline <= row.deadline);
            self.next.insert(place, row);
            self.next.truncate(NEXT);
        }
    }
}

impl MediaCount {
    fn add(&mut self, row: &Attachment) {
        self.count += 1;
        self.bytes += row.length.unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use chat::Position;

    use super::*;

    #[test]
    fn those_that_are_deleted_next_are_named_in_that_order() {
        let hour = Hour::from_key("2026031409").unwrap();
        let row = |line: u64, state| {
            let position = Position { source_hour: hour, part: 0, line };
            // Neither in the order of their lines nor all at different times.
            let deadline = hour.plus(i64::try_from(line * 7 % 12).unwrap()).start();
            Attachment { state, ..Attachment::new(position, AttachmentKind::File, String::new(), deadline) }
        };
        let mut standing = MediaStanding::new();
        (0..24).for_each(|line| standing.take(row(line, AttachmentState::Pending), hour.start()));
        (24..40).for_each(|line| standing.take(row(line, AttachmentState::Gone), hour.start()));
        let named: Vec<_> = standing.next.iter().map(|row| row.position.line).collect();
        assert_eq!(named, [0, 12, 7, 19, 2, 14, 9, 21, 4, 16]);
        assert_eq!((standing.all.count, standing.in_danger), (40, 24));
        assert_eq!(standing.count(AttachmentState::Gone), MediaCount { count: 16, bytes: 0 });
    }
}
