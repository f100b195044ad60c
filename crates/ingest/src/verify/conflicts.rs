//! How many rows of an hour have an id that another one has.

use std::collections::BTreeMap;

use chat::{Hour, Message};
use rustc_hash::FxHashSet;

use crate::firsts::number;

/// Counts conflicts, file by file. Rows of an hour lie together, so that no more than the ids of one are held.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    /// `None` where rows of an hour do not lie together: somebody else has written the file.
    of_hours: BTreeMap<Hour, Option<u64>>,
    hour: Option<Hour>,
    ids: FxHashSet<u64>,
    count: u64,
}

impl Conflicts {
    /// Takes the next row of a file. One that is no longer served is in no conflict: the ledger does not count it either.
    pub(super) fn add(&mut self, row: &Message<'_>) {
        let hour = row.position.source_hour;
        if self.hour != Some(hour) {
            self.end_file();
            self.hour = Some(hour);
        }
        let id = row.msg_id.as_deref().filter(|_| row.retained_at.is_none());
        self.count += u64::from(id.is_some_and(|id| !self.ids.insert(number(id))));
    }

    /// No row of the last hour follows.
    pub(super) fn end_file(&mut self) {
        self.ids.clear();
        let Some(hour) = self.hour.take() else { return };
        let count = std::mem::take(&mut self.count);
        self.of_hours.entry(hour).and_modify(|known| *known = None).or_insert(Some(count));
    }

    /// The conflicts of an hour; `None` when they are not known.
    pub(super) fn of(&self, hour: Hour) -> Option<u64> {
        self.of_hours.get(&hour).map_or(Some(0), |count| *count)
    }
}

#[cfg(test)]
mod tests {
    use chat::{Position, RETAINED_PARTS, Timestamp};

    use super::*;

    fn row(hour: i64, line: u64, id: Option<&'static str>) -> Message<'static> {
        let position = Position { source_hour: Hour::from_number(hour), part: 0, line };
        Message { msg_id: id.map(Into::into), ..Message::at(position) }
    }

    fn count(rows: &[Message<'_>]) -> [Option<u64>; 2] {
        let mut conflicts = Conflicts::default();
        rows.iter().for_each(|row| conflicts.add(row));
        conflicts.end_file();
        [0, 1].map(|hour| conflicts.of(Hour::from_number(hour)))
    }

    #[test]
    fn the_second_row_of_an_id_is_a_conflict_within_its_hour() {
        let rows = [row(0, 1, Some("7")), row(0, 2, Some("7")), row(0, 3, Some("7")), row(0, 4, None), row(0, 5, None)];
        assert_eq!(count(&rows), [Some(2), Some(0)]);
        assert_eq!(count(&[row(0, 1, Some("7")), row(1, 1, Some("7"))]), [Some(0), Some(0)]);
    }

    #[test]
    fn what_is_served_no_more_is_in_no_conflict() {
        let mut gone = row(0, 1, Some("7"));
        gone.position.part = RETAINED_PARTS;
        gone.retained_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(count(&[gone.clone(), row(0, 2, Some("7")), gone]), [Some(0), Some(0)]);
    }

    #[test]
    fn hours_that_lie_apart_are_not_counted() {
        assert_eq!(count(&[row(0, 1, Some("7")), row(1, 1, None), row(0, 2, Some("8"))]), [None, Some(0)]);
    }
}
