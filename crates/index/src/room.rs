//! Room for rows that are remembered to tell copies from messages, and when it is time to find out which rows have copies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows that one search remembers at the most: 24 bytes each, with their ids.
const REMEMBERED: usize = 2_000_000;

/// Of the rows of an index so many are remembered, by one search or by several, before it is found out which repeat: by then
/// that has cost as much.
const OF_ROWS: u64 = 2;

/// So many are remembered in any case.
const FEW: usize = 200_000;

/// How many rows may still be remembered.
pub(crate) struct Room(AtomicUsize);

impl Room {
    /// For rows that are remembered because they may be copies.
    pub(crate) fn of_a_search() -> Self {
        Self(AtomicUsize::new(REMEMBERED))
    }

    /// For all searches of an index of so many rows, as long as nothing is known of its copies.
    pub(crate) fn of_rows(rows: u64) -> Self {
        let rows = usize::try_from(rows / OF_ROWS).unwrap_or(REMEMBERED);
        Self(AtomicUsize::new(rows.clamp(FEW, REMEMBERED)))
    }

    fn take(&self, rows: usize) -> bool {
        let take = |left: usize| left.checked_sub(rows);
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if !taken {
            // What others remember is of no use any more.
            self.0.store(0, Ordering::Relaxed);
        }
        taken
    }

    fn give_back(&self, rows: usize) {
        self.0.fetch_add(rows, Ordering::Relaxed);
    }
}

/// Room that one core has taken for the rows of a segment.
pub(crate) struct Share {
    of: Arc<Room>,
    taken: usize,
    used: usize,
}

/// Rows for which room is taken at once.
const AT_ONCE: usize = 1_024;

impl Share {
    pub(crate) fn of(room: &Arc<Room>) -> Self {
        Self { of: Arc::clone(room), taken: 0, used: 0 }
    }

    /// Whether there is room for so many rows.
    pub(crate) fn holds(&mut self, rows: usize) -> bool {
        self.used = rows;
        let more = (rows.saturating_sub(self.taken)).next_multiple_of(AT_ONCE);
        let holds = more == 0 || self.of.take(more);
        self.taken += if holds { more } else { 0 };
        holds
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.give_back(self.taken.saturating_sub(self.used));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(room: &Room) -> usize {
        room.0.load(Ordering::Relaxed)
    }

    #[test]
    fn what_a_share_does_not_use_is_for_others() {
        let room = Arc::new(Room::of_rows(0));
        let mut share = Share::of(&room);
        assert!((1..=AT_ONCE + 1).all(|rows| share.holds(rows)));
        assert_eq!(left(&room), FEW - 2 * AT_ONCE);
        drop(share);
        assert_eq!(left(&room), FEW - AT_ONCE - 1, "rows that were remembered have cost what they did");
    }

    #[test]
    fn once_there_is_too_little_nobody_gets_any() {
        let room = Arc::new(Room::of_rows(0));
        let (mut one, mut other) = (Share::of(&room), Share::of(&room));
        assert!(one.holds(FEW - 10 * AT_ONCE) && !other.holds(11 * AT_ONCE));
        assert!(!other.holds(12 * AT_ONCE) && !one.holds(FEW));
    }

    #[test]
    fn a_large_index_has_room_for_half_of_its_rows_up_to_a_bound() {
        assert_eq!([10, 1_000_000, u64::MAX].map(|rows| left(&Room::of_rows(rows))), [FEW, 500_000, REMEMBERED]);
    }
}
