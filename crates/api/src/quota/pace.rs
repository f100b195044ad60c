//! How far apart the calls of each method are (section 13.1).

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::Rate;

/// The spacing of one method.
///
/// The service counts in windows: so many messages a minute, so many calls a second. Slots are evenly apart, and a call
/// of `n` messages takes `n` of them from its own time on. A window may then begin with the tail of nothing and end with
/// the head of one whole call, so it holds at most `window / interval` messages and those of one more call. The
/// interval leaves room for that call: `window / interval + most_in_a_call <= allowed`, for windows that are
/// [`LATE`](Pace::LATE) longer than the service's own, because calls do not all take equally long to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    interval: Duration,
    /// The slots of a call of one message; `1 <= least`.
    least: u32,
}

/// What the service allows of one kind of send.
struct Allowed {
    calls_per_second: u32,
    messages: u32,
    /// What `messages` are counted in.
    window: Duration,
    most_in_a_call: u32,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

impl Pace {
    /// By how much of a second one call may be later than another on its way.
    const LATE: Duration = Duration::from_millis(100);

    /// The history method: the minute has its margin in [`Rate`].
    pub(crate) fn of_history(rate: Rate) -> Self {
        Self { interval: rate.interval(), least: 1 }
    }

    /// Broadcasts: ten calls a minute.
    pub(crate) fn of_broadcasts() -> Self {
        Self::of_history(Rate::default())
    }

    /// A method of which calls alone are counted.
    pub(crate) fn of_calls(per_second: NonZeroU32) -> Self {
        Self { interval: (SECOND + Self::LATE) / per_second.get(), least: 1 }
    }

    /// Sends to users: 100 calls a second, 6,000 messages a minute, 600 in a call.
    pub(crate) fn to_users(plan: NonZeroU32) -> Self {
        Self::of_messages(
            plan,
            &Allowed { calls_per_second: 100, messages: 6_000, window: MINUTE, most_in_a_call: 600 },
        )
    }

    /// Sends to groups: 20 calls and 20 messages a second, 3 in a call.
    pub(crate) fn to_groups(plan: NonZeroU32) -> Self {
        Self::of_messages(plan, &Allowed { calls_per_second: 20, messages: 20, window: SECOND, most_in_a_call: 3 })
    }

    /// Sends to rooms: 20 calls and 100 messages a second, 10 in a call.
    pub(crate) fn to_rooms(plan: NonZeroU32) -> Self {
        Self::of_messages(plan, &Allowed { calls_per_second: 20, messages: 100, window: SECOND, most_in_a_call: 10 })
    }

    fn of_messages(plan: NonZeroU32, allowed: &Allowed) -> Self {
        let interval = (allowed.window + Self::LATE) / (allowed.messages - allowed.most_in_a_call);
        let between_calls = (SECOND + Self::LATE) / plan.get().min(allowed.calls_per_second);
        let least = between_calls.as_nanos().div_ceil(interval.as_nanos().max(1));
        Self { interval, least: u32::try_from(least).unwrap_or(u32::MAX) }
    }

    /// The time between two slots.
    pub(crate) fn interval(self) -> Duration {
        self.interval
    }

    /// The slots of a call with so many messages.
    pub(crate) fn slots(self, messages: u32) -> u32 {
        messages.max(self.least)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(per_second: u32) -> NonZeroU32 {
        NonZeroU32::new(per_second).unwrap()
    }

    /// The times at which calls of these sizes go out, as early as they may.
    fn times(pace: Pace, sizes: &[u32]) -> Vec<(Duration, u32)> {
        let mut at = Duration::ZERO;
        let mut times = Vec::new();
        for &size in sizes {
            times.push((at, size));
            at += pace.interval() * pace.slots(size);
        }
        times
    }

    /// The most of anything that a window of this length holds, wherever it begins.
    fn busiest(times: &[(Duration, u32)], window: Duration, count: impl Fn(u32) -> u32) -> u32 {
        let within = |start: Duration| move |(at, _): &&(Duration, u32)| *at >= start && *at < start + window;
        let of = |&(start, _): &(Duration, u32)| times.iter().filter(within(start)).map(|(_, n)| count(*n)).sum();
        times.iter().map(of).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_burst_is_more_than_the_service_allows(
            users in proptest::collection::vec(prop_oneof![1_u32..=600, Just(1), 550_u32..=600], 1..80),
            groups in proptest::collection::vec(1_u32..=3, 1..80),
            rooms in proptest::collection::vec(1_u32..=10, 1..80),
        ) {
            let late = Pace::LATE;
            for (pace, sizes, window, messages, calls) in [
                (Pace::to_users(plan(100)), &users, MINUTE, 6_000, 100),
                (Pace::to_groups(plan(100)), &groups, SECOND, 20, 20),
                (Pace::to_rooms(plan(100)), &rooms, SECOND, 100, 20),
                (Pace::to_rooms(plan(10)), &rooms, SECOND, 100, 10),
            ] {
                let times = times(pace, sizes);
                prop_assert!(busiest(&times, window + late, |messages| messages) <= messages);
                prop_assert!(busiest(&times, SECOND + late, |_| 1) <= calls);
            }
        }
    }

    #[test]
    fn a_call_is_not_slower_than_it_has_to_be() {
        assert_eq!(Pace::of_calls(plan(100)).interval(), Duration::from_millis(11));
        let users = Pace::to_users(plan(100));
        assert_eq!((users.slots(1), users.slots(600)), (1, 600));
        assert!(users.interval() < Duration::from_millis(12));
        let rooms = Pace::to_rooms(plan(100));
        assert_eq!((rooms.slots(1), rooms.slots(10)), (5, 10));
    }
}
