//! The rate of calls for a link.

use std::collections::VecDeque;
use std::time::Duration;

use chat::Timestamp;

/// The calls of the last 60 seconds. A refused call does not count.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// In order of time, unless the clock was set back. `admitted.len() <= rate`.
    admitted: VecDeque<Timestamp>,
}

impl Window {
    /// Whether a call at this moment is within the rate; if it is, it counts.
    pub(crate) fn admits(&mut self, now: Timestamp, rate: u32) -> bool {
        // A clock that was set back must not close the window for longer than a minute: calls from the future go too.
        self.admitted.retain(|at| *at <= now && *at + MINUTE > now);
        let within = self.admitted.len() < usize::try_from(rate).unwrap_or(usize::MAX);
        if within {
            self.admitted.push_back(now);
        }
        within
    }
}

const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_call_in_a_sliding_minute_is_refused() {
        let start: Timestamp = "2026-03-14T09:00:00Z".parse().unwrap();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut window = Window::default();
        assert!((0..10).all(|second| window.admits(at(second), 10)));
        assert!(!window.admits(at(59), 10));
        assert!(window.admits(at(60), 10), "the first call is a minute old");
        assert!(!window.admits(at(60), 10));
        assert!(window.admits(at(61), 10));
    }

    #[test]
    fn a_clock_set_back_opens_the_window() {
        let start: Timestamp = "2026-03-14T09:00:00Z".parse().unwrap();
        let mut window = Window::default();
        assert!(window.admits(start, 1));
        assert!(window.admits(start - Duration::from_secs(3600), 1));
    }
}
