//! The clock that decides what is ready, what is expired and what is over the rate.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use chat::Timestamp;

/// The service's clock. Clones share one time: who holds a clone sets the clock of the running service.
///
/// The rate is counted on this clock too, so a fixed clock never frees the window by itself.
#[derive(Debug, Clone)]
pub struct Clock {
    pace: Arc<Mutex<Pace>>,
}

#[derive(Debug, Clone, Copy)]
enum Pace {
    /// Stands still until it is set.
    Fixed(Timestamp),
    /// Goes at the speed of real time; the sum of both is now.
    Running { ahead: Duration, behind: Duration },
}

impl Clock {
    /// Real time.
    #[must_use]
    pub fn real() -> Self {
        Self::of(Pace::Running { ahead: Duration::ZERO, behind: Duration::ZERO })
    }

    /// A clock that stands still at `now` until it is set or advanced.
    #[must_use]
    pub fn fixed(now: Timestamp) -> Self {
        Self::of(Pace::Fixed(now))
    }

    /// A clock that shows `now` at this moment and goes on at the speed of real time.
    #[must_use]
    pub fn running_from(now: Timestamp) -> Self {
        Self::of(running(now))
    }

    /// The time of the service.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match *self.pace() {
            Pace::Fixed(now) => now,
            Pace::Running { ahead, behind } => real_time() + ahead - behind,
        }
    }

    /// Sets the time. A fixed clock stands still there, a running one goes on from there.
    pub fn set(&self, now: Timestamp) {
        let mut pace = self.pace();
        *pace = match *pace {
            Pace::Fixed(_) => Pace::Fixed(now),
            Pace::Running { .. } => running(now),
        };
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        let mut pace = self.pace();
        match &mut *pace {
            Pace::Fixed(now) => *now += by,
            Pace::Running { ahead, .. } => *ahead += by,
        }
    }

    fn of(pace: Pace) -> Self {
        Self { pace: Arc::new(Mutex::new(pace)) }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // A time is whole after every statement, so a panic elsewhere leaves it usable.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Clock {
    /// Real time.
    fn default() -> Self {
        Self::real()
    }
}

fn running(now: Timestamp) -> Pace {
    let real = real_time();
    let zero = Duration::ZERO;
    Pace::Running { ahead: (now - real).to_std().unwrap_or(zero), behind: (real - now).to_std().unwrap_or(zero) }
}

fn real_time() -> Timestamp {
    SystemTime::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nine() -> Timestamp {
        "2026-03-14T09:00:00Z".parse().unwrap()
    }

    #[test]
    fn clones_share_one_time() {
        let clock = Clock::fixed(nine());
        let other = clock.clone();
        other.advance(Duration::from_secs(60));
        assert_eq!(clock.now(), nine() + Duration::from_secs(60));
        clock.set(nine());
        assert_eq!(other.now(), nine());
    }

    #[test]
    fn a_running_clock_goes_on_from_where_it_was_set() {
        let clock = Clock::running_from(nine());
        let minute = Duration::from_secs(60);
        assert!(clock.now() >= nine() && clock.now() < nine() + minute);
        clock.advance(minute);
        assert!(clock.now() >= nine() + minute && clock.now() < nine() + 2 * minute);
        clock.set(nine() + 10 * minute);
        assert!(clock.now() >= nine() + 10 * minute && clock.now() < nine() + 11 * minute);
    }
}
