//! The arithmetic of slots.

use std::time::Duration;

use chat::Timestamp;

use super::file::{Noted, milliseconds};
use super::{AHEAD, BELIEVABLE};

/// The first words of the file.
const FORMAT: &str = "annals-quota 1";

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
    /// Reserves the next `count` slots, of which the first is given back: `now <= slot <= now + AHEAD`.
    pub(super) fn reserve(&mut self, now: Timestamp, interval: Duration, count: u32) -> Slot {
        self.forget(now);
        let next = self.newest.map_or(now, |newest| newest + interval);
        let slot = now.max(next).max(self.not_before.unwrap_or(now));
        if slot > now + AHEAD {
            return Slot::AskAgain(slot - AHEAD);
        }
        self.newest = Some(slot + interval * count.saturating_sub(1));
        Slot::At(slot)
    }

    /// Gives out no slot for a while; what was promised before stays.
    pub(super) fn hold_off(&mut self, now: Timestamp, pause: Duration) {
        self.forget(now);
        self.not_before = self.not_before.max(Some(now + pause.min(AHEAD)));
    }

    /// Forgets what these rules cannot have written. The newest slot is then now: no call was made later.
    fn forget(&mut self, now: Timestamp) {
        let is_believable = |time: &Timestamp| *time <= now + BELIEVABLE;
        self.newest = self.newest.map(|time| if is_believable(&time) { time } else { now });
        self.not_before = self.not_before.filter(is_believable);
    }
}

impl Noted for Slots {
    /// A valid file has a third of it.
    const LONGEST: u64 = 256;

    fn parse(text: &str) -> Option<Self> {
        let numbers = text.strip_prefix(FORMAT)?.strip_prefix(' ')?.strip_suffix('\n')?;
        let (newest, not_before) = numbers.split_once(' ')?;
        Some(Self { newest: time(newest)?, not_before: time(not_before)? })
    }

    /// A call at this moment.
    fn unbelieved(now: Timestamp) -> Self {
        Self { newest: Some(now), not_before: None }
    }

    fn print(&self) -> String {
        format!("{FORMAT} {} {}\n", milliseconds(self.newest), milliseconds(self.not_before))
    }
}

/// A time in milliseconds; 0 stands for none.
fn time(digits: &str) -> Option<Option<Timestamp>> {
    match digits.parse().ok()? {
        0 => Some(None),
        milliseconds => Timestamp::from_timestamp_millis(milliseconds).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(6);

    fn now() -> Timestamp {
        "2026-03-14T09:00:00Z".parse().unwrap()
    }

    #[track_caller]
    fn check(slots: Slots, expected: Slot) {
        let mut changed = slots;
        assert_eq!(changed.reserve(now(), INTERVAL, 1), expected);
        let newest = if let Slot::At(time) = expected { Some(time) } else { slots.newest };
        assert_eq!(changed.newest, newest);
    }

    fn ahead(seconds: u64) -> Timestamp {
        now() + Duration::from_secs(seconds)
    }

    fn any_time() -> impl Strategy<Value = Option<Timestamp>> {
        let near = -200_000_i64..200_000;
        let milliseconds = prop_oneof![any::<i64>(), near.prop_map(|offset| now().timestamp_millis() + offset)];
        milliseconds.prop_map(Timestamp::from_timestamp_millis)
    }

    proptest! {
        #[test]
        fn no_file_makes_anyone_wait_for_long(newest in any_time(), not_before in any_time()) {
            let mut slots = Slots { newest, not_before };
            let (mut time, mut last) = (now(), None);
            for _ in 0..20 {
                match slots.reserve(time, INTERVAL, 1) {
                    Slot::At(slot) => {
                        prop_assert!(time <= slot && slot <= time + BELIEVABLE + INTERVAL);
                        prop_assert!(last.is_none_or(|last| slot >= last + INTERVAL));
                        last = Some(slot);
                        time = slot;
                    }
                    Slot::AskAgain(later) => {
                        prop_assert!(time < later && later <= time + BELIEVABLE + INTERVAL - AHEAD);
                        time = later;
                    }
                }
            }
        }
    }

    #[test]
    fn the_next_slot_is_one_interval_after_the_newest() {
        let at = |newest| Slots { newest: Some(newest), not_before: None };
        check(Slots::default(), Slot::At(now()));
        check(at(now() - Duration::from_secs(60)), Slot::At(now()));
        check(at(now() - Duration::from_secs(2)), Slot::At(ahead(4)));
        check(at(now()), Slot::At(ahead(6)));
        check(at(ahead(84)), Slot::At(ahead(90)));
        check(at(ahead(85)), Slot::AskAgain(ahead(1)));
        check(at(ahead(100)), Slot::AskAgain(ahead(16)));
        check(at(ahead(101)), Slot::At(ahead(6)));
        check(at(Timestamp::MAX_UTC), Slot::At(ahead(6)));
    }

    #[test]
    fn a_call_of_many_messages_takes_as_many_slots() {
        let mut slots = Slots::default();
        assert_eq!(slots.reserve(now(), INTERVAL, 3), Slot::At(now()));
        assert_eq!(slots.reserve(now(), INTERVAL, 1), Slot::At(ahead(18)));
        assert_eq!(slots.reserve(now(), INTERVAL, 0), Slot::At(ahead(24)));
    }

    #[test]
    fn who_is_to_be_left_alone_is() {
        let mut slots = Slots { newest: Some(now()), not_before: None };
        slots.hold_off(now(), Duration::from_secs(30));
        check(slots, Slot::At(ahead(30)));
        slots.hold_off(now(), Duration::from_secs(5));
        check(slots, Slot::At(ahead(30)));
        slots.hold_off(now(), Duration::from_secs(u64::MAX));
        check(slots, Slot::At(now() + AHEAD));
        check(Slots { newest: Some(now()), not_before: Some(Timestamp::MAX_UTC) }, Slot::At(ahead(6)));
    }
}
