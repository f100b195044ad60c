//! The arithmetic of slots.

use std::time::Duration;

use chat::Timestamp;

use super::AHEAD;

/// What is known of the calls of the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Slots {
    /// The newest slot given out.
    pub(super) newest: Option<Timestamp>,
    /// No slot before this.
    pub(super) not_before: Option<Timestamp>,
}

/// An answer to who wants a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// The slot is yours: call at this time.
    At(Timestamp),
    /// Too many have slots before you: come back at this time.
    AskAgain(Timestamp),
}

impl Slots {
    /// Reserves the next slot, `now <= slot <= now + AHEAD`.
    pub(super) fn reserve(&mut self, now: Timestamp, interval: Duration) -> Slot {
        let newest = self.newest.map(|newest| believable(newest, now));
        let next = newest.map_or(now, |newest| newest + interval);
        let not_before = self.not_before.map_or(now, |time| believable(time, now));
        let slot = now.max(next).max(not_before);
        if slot > now + AHEAD && newest != Some(now) {
            return Slot::AskAgain(slot - AHEAD);
        }
        self.newest = Some(slot);
        Slot::At(slot)
    }

    /// Gives out no slot for a while; what was promised before stays.
    pub(super) fn hold_off(&mut self, now: Timestamp, pause: Duration) {
        let until = now + pause.min(AHEAD);
        let earlier = self.not_before.map_or(until, |time| believable(time, now));
        self.not_before = Some(earlier.max(until));
    }
}

/// A time that these rules can have written, or else now: the latest that a call can have been made.
fn believable(time: Timestamp, now: Timestamp) -> Timestamp {
    if time > now + AHEAD { now } else { time }
}
