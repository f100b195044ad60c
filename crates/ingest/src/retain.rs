//! What an earlier publication of an hour had and the newest served bytes have not: it is kept, and marked.

use chat::{Entry, Message, RETAINED_PARTS, Timestamp};

use crate::seen::Seen;

/// How a publication differs from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Change {
    /// Messages of the earlier publication that are served again.
    pub(crate) again: u64,
    /// Messages of the earlier publication that are not.
    pub(crate) retained: u64,
}

impl Change {
    /// Takes rows of the earlier publication, and leaves those that have to be retained, marked.
    pub(crate) fn sift(&mut self, rows: &mut Vec<Message<'static>>, seen: &Seen, now: Timestamp) {
        let before = rows.len();
        rows.retain(|row| !seen.holds(row));
        self.again += (before - rows.len()) as u64;
        self.retained += rows.len() as u64;
        rows.iter_mut().for_each(|row| mark(row, now));
    }

    /// Writes the change into the row of the ledger.
    pub(crate) fn note(self, entry: &mut Entry) {
        entry.tally.retained = self.retained;
        entry.added = entry.tally.messages.saturating_sub(self.again);
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

    fn row(part: u32, text: &'static str) -> Message<'static> {
        let position = Position { source_hour: Hour::from_number(0), part, line: 7 };
        Message { text: Some(Cow::Borrowed(text)), ..Message::at(position) }
    }

    #[test]
    fn what_is_not_served_any_more_is_marked_and_makes_room() {
        let (first, second): (Timestamp, Timestamp) =
            ("2026-03-14T10:00:00Z".parse().unwrap(), "2026-03-15T10:00:00Z".parse().unwrap());
        let mut seen = Seen::default();
        seen.meet(&row(0, "stays"));
        let mut rows = vec![row(0, "stays"), row(0, "vanished"), row(1, "so did this")];
        let mut change = Change::default();
        change.sift(&mut rows, &seen, first);
        assert_eq!(change, Change { again: 1, retained: 2 });
        assert_eq!(rows.iter().map(|row| row.position.part).collect::<Vec<_>>(), [1000, 1001]);

        // One comes back, one is still gone.
        seen.meet(&row(0, "so did this"));
        let mut change = Change::default();
        change.sift(&mut rows, &seen, second);
        assert_eq!((rows.len(), rows[0].position.part, rows[0].retained_at), (1, 2000, Some(first)));
        assert_eq!(change, Change { again: 1, retained: 1 });
    }

    #[test]
    fn the_ledger_says_how_much_an_hour_grew() {
        let hour = Hour::from_number(0);
        let tally = Tally { lines: 10, messages: 10, ..Tally::default() };
        let mut entry = Entry { tally, ..Entry::new(hour, hour.end(), State::Done) };
        Change { again: 7, retained: 2 }.note(&mut entry);
        assert_eq!((entry.added, entry.tally.retained, entry.tally.rows()), (3, 2, 12));
    }
}
