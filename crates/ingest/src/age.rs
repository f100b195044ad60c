//! The service's habits, by which an hour's age is read (protocol section 3.3).

use std::time::Duration;

use chat::{Hour, Timestamp};

/// When the service writes an hour, and when it forgets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// How long after its end an hour is first asked for.
    pub first_try: Duration,
    /// How long after its end "no file" and "not available" still mean "later"; `first_try <= readiness`.
    pub readiness: Duration,
    /// How long the service keeps an hour after its end.
    pub retention: Duration,
}

impl Default for Habits {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self { first_try: hours(1), readiness: hours(24), retention: hours(72) }
    }
}

impl Habits {
    /// Whether the hour is old enough to be asked for.
    #[must_use]
    pub fn may_be_asked(&self, hour: Hour, now: Timestamp) -> bool {
        (now - hour.end()).to_std().is_ok_and(|age| age >= self.first_try)
    }

    /// Whether the hour's file no longer grows at this time.
    #[must_use]
    pub fn is_ready(&self, hour: Hour, at: Timestamp) -> bool {
        (at - hour.end()).to_std().is_ok_and(|age| age >= self.readiness)
    }

    /// Whether the service should have deleted the hour.
    #[must_use]
    pub fn is_expired(&self, hour: Hour, now: Timestamp) -> bool {
        (now - hour.end()).to_std().is_ok_and(|age| age >= self.retention)
    }

    /// Whether the service will delete the hour within `warning`, if it is still there now.
    #[must_use]
    pub fn is_at_risk(&self, hour: Hour, now: Timestamp, warning: Duration) -> bool {
        let age = (now - hour.end()).to_std().unwrap_or_default();
        age < self.retention && self.retention - age <= warning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_first_asked_for_an_hour_after_its_end() {
        let hour = Hour::from_key("2026031409").unwrap();
        let habits = Habits::default();
        for (now, may) in [
            ("2026-03-14T09:30:00Z", false),
            ("2026-03-14T10:59:59Z", false),
            ("2026-03-14T11:00:00Z", true),
            ("2036-03-14T11:00:00Z", true),
        ] {
            assert_eq!(habits.may_be_asked(hour, now.parse().unwrap()), may, "{now}");
        }
    }

    #[test]
    fn an_hour_is_at_risk_shortly_before_it_is_deleted() {
        let hour = Hour::from_key("2026031409").unwrap();
        let warning = Duration::from_secs(24 * 3600);
        for (now, is) in [
            ("2026-03-14T09:30:00Z", false),
            ("2026-03-16T09:59:59Z", false),
            ("2026-03-16T10:00:00Z", true),
            ("2026-03-17T09:59:59Z", true),
            ("2026-03-17T10:00:00Z", false),
        ] {
            assert_eq!(Habits::default().is_at_risk(hour, now.parse().unwrap(), warning), is, "{now}");
        }
    }
}
