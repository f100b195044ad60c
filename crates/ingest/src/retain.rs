//! What an earlier publication of an hour had and the newest served bytes have not: it is kept, and marked.
//!
//! Of the same bytes an earlier publication had nothing else: only what it had kept itself, of bytes before, is kept. Any other
//! row that they do not give is one that an older version read otherwise, or that another program made.

use chat::{Entry, Message, RETAINED_PARTS, Timestamp};
use decode::{Decoder, Origin};
use futures::TryStreamExt as _;

use crate::error::Error;
use crate::hour::Bench;
use crate::raw::are;
use crate::seen::{Meeting, Seen};

impl Bench<'_> {
    /// Keeps the rows of the earlier publication that are not among those decoded: from the tables, or if these cannot be
    /// read from the bytes that it was decoded from.
    ///
    /// # Errors
    ///
    /// [`Error::Rows`] when neither can be read, [`store::Error::Changed`] when the tables are not what was written and the bytes
    /// do not have all of it: replacing the publication would lose what only it has.
    pub(crate) fn retain(&mut self, earlier: &Entry, newest: &Entry) -> Result<Change, Error> {
        let basis = if earlier.sha256 == newest.sha256 { Basis::SameBytes } else { Basis::OtherBytes };
        let mut change = Change::new(newest.at, basis, Seen::new(self.workshop.temporary_files()));
        // This is a thread for work that blocks.
        let runtime = tokio::runtime::Handle::current();
        let Err(error) = runtime.block_on(self.retain_rows(&mut change)) else { return Ok(change) };
        if change.basis == Basis::SameBytes && earlier.tally.retained == 0 {
            // It had nothing that these bytes do not give.
            return Ok(change);
        }
        let (hour, source) = match error {
            Error::Rows { hour, source } => (hour, source),
            // What it had of publications before is nowhere else, and would be lost without a word.
            Error::Store(error @ store::Error::Changed { .. })
                if earlier.tally.retained == 0 && self.retain_bytes(earlier, &mut change)? =>
            {
                tracing::warn!(hour = %self.hour, %error, "what was archived of the hour is read from its kept bytes");
                return Ok(change);
            }
            error => return Err(irreplaceable(error)),
        };
        let trouble: &dyn std::error::Error = &source;
        if self.retain_bytes(earlier, &mut change)? {
            tracing::warn!(%hour, error = trouble, "what was archived of the hour cannot be read; its kept bytes can");
            return Ok(change);
        }
        // Of a file that is gone there is nothing to keep. If another run has replaced it, this publication will find that.
        if store::is_gone(&source) { Ok(change) } else { Err(Error::Rows { hour, source }) }
    }

    async fn retain_rows(&mut self, change: &mut Change) -> Result<(), Error> {
        let hour = self.hour;
        let failed = |source| Error::Rows { hour, source };
        self.workshop.archive.prove_messages(hour).await.map_err(|error| match error {
            store::Error::Rows { source, .. } => failed(source),
            error => error.into(),
        })?;
        let snapshot = self.workshop.archive.snapshot().await?;
        let Some(file) = snapshot.file_of(hour) else { return Ok(()) };
        let mut batches = archive::read_all(snapshot.reader(file)).await.map_err(failed)?;
        while let Some(mut rows) = batches.try_next().await.map_err(failed)? {
            rows.retain(|row| row.position.source_hour == hour && change.is_to_be_kept(row, &self.seen));
            rows.iter_mut().for_each(|row| mark(row, change.now));
            self.put(&rows)?;
        }
        Ok(())
    }

    /// The same from the bytes in `raw/`, if they are those of the earlier publication. Whether they are.
    fn retain_bytes(&mut self, earlier: &Entry, change: &mut Change) -> Result<bool, Error> {
        if change.basis == Basis::SameBytes {
            // They are decoded already, and what is to be kept besides is not in them.
            return Ok(false);
        }
        let hour = self.hour;
        let Some(parts) = self.workshop.archive.raw_parts(hour)? else { return Ok(false) };
        if !are(&parts, &earlier.sha256) {
            return Ok(false);
        }
        for raw in parts {
            let origin = Origin { hour, part: raw.part, app: self.workshop.app.clone() };
            let file = raw.open_proved()?;
            let mut decoder = Decoder::new(file, origin, self.workshop.settings.decode);
            let damage = |source| Error::Decode { hour, part: raw.part, source };
            while let Some(batch) = decoder.next_batch().map_err(damage)? {
                let kept = batch.messages.into_iter().filter(|row| change.is_to_be_kept(row, &self.seen));
                let mut rows: Vec<_> = kept.map(Message::into_owned).collect();
                rows.iter_mut().for_each(|row| mark(row, change.now));
                self.put(&rows)?;
            }
        }
        Ok(true)
    }
}

/// Says of a damaged file what helps: to publish the hour once more, as is advised elsewhere, is what failed.
fn irreplaceable(error: Error) -> Error {
    match error {
        Error::Store(store::Error::Changed { table, file, found, expected, .. }) => {
            let remedy =
                "put it back from a backup: it has rows that are nowhere else; or remove it, and they are lost";
            store::Error::Changed { table, file, found, expected, remedy: remedy.to_owned() }.into()
        }
        error => error,
    }
}

/// The bytes of an earlier publication, against those of the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basis {
    SameBytes,
    OtherBytes,
}

/// How a publication differs from the one before it.
pub(crate) struct Change {
    now: Timestamp,
    basis: Basis,
    /// The messages of the earlier publication that were met.
    pub(crate) met: Seen,
    /// Messages of the earlier publication that are served again.
    again: u64,
    /// Messages of the earlier publication that are not.
    retained: u64,
}

impl Change {
    fn new(now: Timestamp, basis: Basis, met: Seen) -> Self {
        Self { now, basis, met, again: 0, retained: 0 }
    }

    /// Takes a message of the earlier publication, and says whether it has to be kept: it is not among those `served`, and
    /// was not met before. Of the same bytes only one that is marked has to be.
    fn is_to_be_kept(&mut self, row: &Message<'_>, served: &Seen) -> bool {
        if self.met.meet(row) == Meeting::Duplicate {
            return false;
        }
        let is_served = served.holds(row);
        let is_kept = !is_served && (self.basis == Basis::OtherBytes || row.retained_at.is_some());
        self.again += u64::from(is_served);
        self.retained += u64::from(is_kept);
        is_kept
    }

    /// Writes the change into the row of the ledger.
    pub(crate) fn note(&self, entry: &mut Entry, earlier: &Entry) {
        let messages = entry.tally.messages;
        entry.tally.retained = self.retained;
        entry.added = match self.basis {
            // They grew as much as they had grown; a better decoder may read more of them.
            Basis::SameBytes => earlier.added + messages.saturating_sub(earlier.tally.messages),
            Basis::OtherBytes => messages.saturating_sub(self.again),
        };
    }
}

/// Gives a row that is no longer served a place of its own: the lines that are served now begin at part 0 too.
fn mark(row: &mut Message<'static>, now: Timestamp) {
    row.position.part = row.position.part.saturating_add(RETAINED_PARTS);
    row.retained_at.get_or_insert(now);
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use chat::{Hour, Position, State, Tally};

    use super::*;

    fn seen() -> Seen {
        Seen::new(tempfile::tempfile)
    }

    fn row(part: u32, text: &'static str) -> Message<'static> {
        let position = Position { source_hour: Hour::from_number(0), part, line: 7 };
        Message { text: Some(Cow::Borrowed(text)), ..Message::at(position) }
    }

    #[test]
    fn what_is_not_served_any_more_is_kept_once() {
        let mut served = seen();
        served.meet(&row(0, "stays"));
        let now = "2026-03-14T10:00:00Z".parse().unwrap();
        let check = |basis, rows: &[Message<'_>], expected: &[bool], (again, retained)| {
            let mut change = Change::new(now, basis, seen());
            let kept: Vec<bool> = rows.iter().map(|row| change.is_to_be_kept(row, &served)).collect();
            assert_eq!(kept, expected);
            assert_eq!((change.again, change.retained), (again, retained));
        };
        let rows = [row(0, "stays"), row(0, "vanished"), row(1, "so did this"), row(0, "vanished")];
        check(Basis::OtherBytes, &rows, &[false, true, true, false], (1, 2));
        // The same bytes have lost nothing but what they lacked before.
        let marked = Message { retained_at: Some(now), ..row(1000, "vanished before") };
        check(Basis::SameBytes, &[row(0, "stays"), row(0, "forged"), marked], &[false, false, true], (1, 1));
    }

    #[test]
    fn what_is_kept_is_marked_and_makes_room() {
        let (first, second): (Timestamp, Timestamp) =
            ("2026-03-14T10:00:00Z".parse().unwrap(), "2026-03-15T10:00:00Z".parse().unwrap());
        let mut vanished = row(1, "vanished");
        mark(&mut vanished, first);
        assert_eq!((vanished.position.part, vanished.retained_at), (1001, Some(first)));
        mark(&mut vanished, second);
        assert_eq!((vanished.position.part, vanished.retained_at), (2001, Some(first)), "since when, not until when");
    }

    #[test]
    fn the_ledger_says_how_much_an_hour_grew() {
        let hour = Hour::from_number(0);
        let tally = Tally { lines: 10, messages: 10, ..Tally::default() };
        let entry = Entry { tally, ..Entry::new(hour, hour.end(), State::Done) };
        let earlier = Entry { added: 4, tally: Tally { messages: 9, ..tally }, ..entry.clone() };
        for (basis, added) in [(Basis::OtherBytes, 3), (Basis::SameBytes, 5)] {
            let mut entry = entry.clone();
            Change { again: 7, retained: 2, ..Change::new(hour.end(), basis, seen()) }.note(&mut entry, &earlier);
            assert_eq!((entry.added, entry.tally.retained, entry.tally.rows()), (added, 2, 12));
        }
    }
}
