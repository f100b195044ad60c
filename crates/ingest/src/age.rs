//! The service's habits, by which an hour's age is read (protocol section 3.3), and when an hour is asked for.

use std::time::Duration;

use chat::{Hour, Timestamp};

/// When the service writes an hour, and when it forgets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habits {
    /// How long after its end an hour is first asked for.
    pub first_try: Duration,
    /// How long after its end "no file" and "not available" still mean "later"; `first_try <= readiness`.
    pub readiness: Duration,
    /// How long the service keeps an hour after its end.
    pub retention: Duration,
    /// When an hour that is archived or empty is asked for once more, in case its file grew.
    pub recheck: Vec<Recheck>,
}

/// When an hour that is archived or empty is asked for once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recheck {
    /// When it is this old.
    After(Duration),
    /// This long before the service deletes it.
    Before(Duration),
}

impl Default for Habits {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self {
            first_try: hours(1),
            readiness: hours(24),
            retention: hours(72),
            recheck: vec![Recheck::After(hours(24)), Recheck::Before(hours(24))],
        }
    }
}

impl Habits {
    /// Whether the hour is old enough to be asked for.
    #[must_use]
    pub fn may_be_asked(&self, hour: Hour, now: Timestamp) -> bool {
        is_as_old_as(hour, now, self.first_try)
    }

    /// Whether the hour's file no longer grows at this time.
    #[must_use]
    pub fn is_ready(&self, hour: Hour, at: Timestamp) -> bool {
        is_as_old_as(hour, at, self.readiness)
    }

    /// Whether the service should have deleted the hour.
    #[must_use]
    pub fn is_expired(&self, hour: Hour, now: Timestamp) -> bool {
        is_as_old_as(hour, now, self.retention)
    }

    /// Whether the service is asked for the hour no more, when it was last found archived or empty at this time: it has
    /// deleted the hour, or every age of [`Habits::recheck`] had come by then.
    #[must_use]
    pub fn is_closed(&self, hour: Hour, asked_at: Option<Timestamp>, now: Timestamp) -> bool {
        let mut ages = self.recheck.iter().map(|recheck| self.age_of(*recheck));
        let mut was_last = |at| self.is_ready(hour, at) && ages.all(|age| is_as_old_as(hour, at, age));
        self.is_expired(hour, now) || asked_at.is_some_and(|at| at <= now && was_last(at))
    }

    /// When the service deletes the hour.
    #[must_use]
    pub fn deleted_at(&self, hour: Hour) -> Timestamp {
        hour.end() + self.retention.min(FOR_EVER)
    }

    /// Whether the service will delete the hour within `warning`, if it is still there now.
    #[must_use]
    pub fn is_at_risk(&self, hour: Hour, now: Timestamp, warning: Duration) -> bool {
        let age = (now - hour.end()).to_std().unwrap_or_default();
        age < self.retention && self.retention - age <= warning
    }

    /// Whether one of the ages of [`Habits::recheck`] has come since the hour was last asked for, and the service still
    /// keeps it.
    #[must_use]
    pub fn is_to_be_rechecked(&self, hour: Hour, asked_at: Timestamp, now: Timestamp) -> bool {
        let mut ages = self.recheck.iter().map(|recheck| self.age_of(*recheck));
        let was_before = |age| is_yet_to_come(asked_at, now) || !is_as_old_as(hour, asked_at, age);
        !self.is_expired(hour, now) && ages.any(|age| was_before(age) && is_as_old_as(hour, now, age))
    }

    fn age_of(&self, recheck: Recheck) -> Duration {
        match recheck {
            Recheck::After(age) => age,
            Recheck::Before(left) => self.retention.saturating_sub(left),
        }
    }
}

/// How far ahead of this clock a row may be dated by one that is right, too: those of machines differ by so much, and rows of
/// an hour that are written in one moment are dated after each other.
const DRIFT: Duration = Duration::from_secs(300);

/// Whether a row of this date was written by a clock that was ahead: how old its hour was then nobody knows.
pub(crate) fn is_yet_to_come(at: Timestamp, now: Timestamp) -> bool {
    at > now + DRIFT
}

/// A hundred thousand years: longer ones would leave the calendar.
const FOR_EVER: Duration = Duration::from_secs(100_000 * 365 * 86_400);

/// Whether so much time has passed since the hour's end.
fn is_as_old_as(hour: Hour, now: Timestamp, age: Duration) -> bool {
    (now - hour.end()).to_std().is_ok_and(|passed| passed >= age)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour() -> Hour {
        Hour::from_key("2026031409").unwrap()
    }

    #[test]
    fn an_hour_is_first_asked_for_an_hour_after_its_end() {
        let habits = Habits::default();
        for (now, may) in [
            ("2026-03-14T09:30:00Z", false),
            ("2026-03-14T10:59:59Z", false),
            ("2026-03-14T11:00:00Z", true),
            ("2036-03-14T11:00:00Z", true),
        ] {
            assert_eq!(habits.may_be_asked(hour(), now.parse().unwrap()), may, "{now}");
        }
    }

    #[test]
    fn an_hour_is_at_risk_shortly_before_it_is_deleted() {
        let warning = Duration::from_secs(24 * 3600);
        for (now, is) in [
            ("2026-03-14T09:30:00Z", false),
            ("2026-03-16T09:59:59Z", false),
            ("2026-03-16T10:00:00Z", true),
            ("2026-03-17T09:59:59Z", true),
            ("2026-03-17T10:00:00Z", false),
        ] {
            assert_eq!(Habits::default().is_at_risk(hour(), now.parse().unwrap(), warning), is, "{now}");
        }
        assert_eq!(Habits::default().deleted_at(hour()), hour().plus(73).start());
        let for_ever = Habits { retention: Duration::MAX, ..Habits::default() };
        assert!(for_ever.deleted_at(hour()) > hour().plus(1 << 30).start());
    }

    #[test]
    fn an_archived_hour_is_asked_for_once_a_day_until_it_is_deleted() {
        let due = |asked: i64, now: i64| {
            let after_its_end = |hours: i64| hour().end() + Duration::from_secs(hours.unsigned_abs() * 3600);
            Habits::default().is_to_be_rechecked(hour(), after_its_end(asked), after_its_end(now))
        };
        assert!(!due(1, 23) && due(1, 24) && due(23, 24), "once it no longer grows");
        assert!(!due(24, 47) && due(24, 48) && due(1, 71), "once more before it is gone");
        assert!(!due(48, 71) && !due(1, 72), "never in vain");
        assert!(due(200, 30) && !due(200, 20), "the clock was ahead when it was asked for");
        assert!(due(31, 30), "by an hour, too");
        assert!(!is_yet_to_come(hour().end() + DRIFT, hour().end()), "a little ahead is no matter");
        let never = Habits { recheck: Vec::new(), ..Habits::default() };
        assert!(!never.is_to_be_rechecked(hour(), hour().end(), hour().plus(40).start()));
    }
}
