//! How often something may be done (protocol section 13.1).

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chat::Timestamp;

/// So many in any such period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Limit {
    pub(crate) most: u32,
    pub(crate) period: Duration,
}

impl Limit {
    pub(crate) const fn a_second(most: u32) -> Self {
        Self { most, period: Duration::from_secs(1) }
    }

    pub(crate) const fn a_minute(most: u32) -> Self {
        Self { most, period: Duration::from_secs(60) }
    }

    pub(crate) const fn a_day(most: u32) -> Self {
        Self { most, period: Duration::from_secs(24 * 3600) }
    }
}

/// What was done lately. What is refused does not count.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// When, and how much, in order of time unless the clock was set back. The sum is within the limit.
    admitted: VecDeque<(Timestamp, u32)>,
}

impl Window {
    /// Whether this much is within the limit at this moment; if it is, it counts.
    pub(crate) fn admits(&mut self, now: Timestamp, limit: Limit, weight: u32) -> bool {
        let fits = self.fits(now, limit, weight);
        if fits {
            self.admitted.push_back((now, weight));
        }
        fits
    }

    fn fits(&mut self, now: Timestamp, limit: Limit, weight: u32) -> bool {
        self.forget(now, limit.period);
        let sum: u32 = self.admitted.iter().map(|(_, weight)| weight).sum();
        sum.saturating_add(weight) <= limit.most
    }

    fn forget(&mut self, now: Timestamp, period: Duration) {
        // A clock that was set back must not close the window for longer than its period: what is ahead goes too.
        self.admitted.retain(|(at, _)| *at <= now && *at + period > now);
    }
}

/// What is counted by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    /// Calls of a method.
    Calls(&'static str),
    /// Messages sent by a method.
    Messages(&'static str),
    /// Conversations of a user that were deleted.
    Conversations(String),
}

/// All windows.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    windows: HashMap<(Counted, Limit), Window>,
}

impl Rates {
    /// Whether this much is within all of the limits; if it is, it counts.
    pub(crate) fn admit(&mut self, now: Timestamp, counted: &Counted, limits: &[Limit], weight: u32) -> bool {
        self.forget(now);
        let fits = limits.iter().all(|limit| self.window(counted, *limit).fits(now, *limit, weight));
        fits && limits.iter().all(|limit| self.window(counted, *limit).admits(now, *limit, weight))
    }

    fn window(&mut self, counted: &Counted, limit: Limit) -> &mut Window {
        self.windows.entry((counted.clone(), limit)).or_default()
    }

    /// Users come and go; the windows of those who have gone are empty.
    fn forget(&mut self, now: Timestamp) {
        self.windows.retain(|(_, limit), window| {
            window.forget(now, limit.period);
            !window.admitted.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-03-14T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_eleventh_call_in_a_sliding_minute_is_refused() {
        let at = |seconds| start() + Duration::from_secs(seconds);
        let ten = Limit::a_minute(10);
        let mut window = Window::default();
        assert!((0..10).all(|second| window.admits(at(second), ten, 1)));
        assert!(!window.admits(at(59), ten, 1));
        assert!(window.admits(at(60), ten, 1), "the first call is a minute old");
        assert!(!window.admits(at(60), ten, 1));
        assert!(window.admits(at(61), ten, 1));
    }

    #[test]
    fn a_clock_set_back_opens_the_window() {
        let one = Limit::a_minute(1);
        let mut window = Window::default();
        assert!(window.admits(start(), one, 1));
        assert!(window.admits(start() - Duration::from_secs(3600), one, 1));
    }

    #[test]
    fn what_one_limit_refuses_counts_for_none() {
        let mut rates = Rates::default();
        let limits = [Limit::a_minute(2), Limit::a_day(3)];
        let calls = Counted::Calls("x");
        let mut admit = |seconds| rates.admit(start() + Duration::from_secs(seconds), &calls, &limits, 1);
        assert!(admit(0) && admit(0) && !admit(1));
        assert!(admit(60));
        assert!(!admit(120), "the day has had its three");
        assert!(admit(24 * 3600));
    }
}
