//! What the service says of an hour, and what that means at a given time.

use std::time::Duration;

use chat::{Hour, Timestamp};

use crate::link::Link;

/// What the service answered when asked for an hour (section 3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// The parts of the hour, in order; at least one.
    Ready(Vec<Link>),
    /// The service has no messages of the hour, or none yet: 404 `storage_object_not_found`, or a 200 without parts.
    Empty {
        /// The status of the answer.
        status: u16,
    },
    /// The service has no file of the hour: it is running, or not written yet, or no longer kept. The 400 "expired or
    /// unstored" says the same for all three.
    Unavailable {
        /// The status of the answer.
        status: u16,
    },
}

impl Availability {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Ready(_) => 200,
            Self::Empty { status } | Self::Unavailable { status } => *status,
        }
    }
}

/// Where an hour stands at a given time; see [`read_by_age`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The parts of the hour, in order; at least one. A young hour may still grow.
    Ready(Vec<Link>),
    /// There are no messages, and none are to be expected.
    Empty,
    /// The file may still come: ask again.
    NotYet,
    /// The file should be there and is not. Ask again, as long as it is kept, and report it; it is not empty.
    Gap,
    /// The service no longer keeps the hour.
    Expired,
}

/// Reads an answer by the age of the hour (section 3.4, "How to decide").
///
/// `readiness` is how long after its end an hour may still turn up (section 3.3 advises 24 hours), `retention` how long
/// after its end it is kept (3 days by default). An hour within `readiness` is never given up, even where `retention`
/// is shorter by mistake: calling an hour lost cannot be undone, asking once more can.
#[must_use]
pub fn read_by_age(
    availability: Availability,
    hour: Hour,
    now: Timestamp,
    readiness: Duration,
    retention: Duration,
) -> Standing {
    let age = (now - hour.end()).to_std().unwrap_or_default();
    match availability {
        Availability::Ready(links) => Standing::Ready(links),
        Availability::Empty { .. } | Availability::Unavailable { .. } if age < readiness => Standing::NotYet,
        Availability::Empty { .. } => Standing::Empty,
        Availability::Unavailable { .. } if age < retention => Standing::Gap,
        Availability::Unavailable { .. } => Standing::Expired,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: Availability = Availability::Empty { status: 404 };
    const UNAVAILABLE: Availability = Availability::Unavailable { status: 400 };
    const HOUR: Duration = Duration::from_secs(60 * 60);

    #[track_caller]
    fn check(availability: Availability, now: &str, expected: Standing) {
        let hour = "2026-03-14T09".parse().unwrap();
        let now = chat::parse_time(now).unwrap();
        assert_eq!(read_by_age(availability, hour, now, 24 * HOUR, 72 * HOUR), expected, "{now}");
    }

    #[test]
    fn the_same_answer_means_something_else_later() {
        for now in ["2026-03-14T08", "2026-03-14T09:30", "2026-03-15T09:59:59Z"] {
            check(EMPTY, now, Standing::NotYet);
            check(UNAVAILABLE, now, Standing::NotYet);
        }
        for now in ["2026-03-15T10", "2026-03-17T09:59:59Z"] {
            check(EMPTY, now, Standing::Empty);
            check(UNAVAILABLE, now, Standing::Gap);
        }
        check(EMPTY, "2026-03-17T10", Standing::Empty);
        check(UNAVAILABLE, "2026-03-17T10", Standing::Expired);
        check(UNAVAILABLE, "2036-03-17T10", Standing::Expired);
    }

    #[test]
    fn a_file_that_is_there_is_ready_at_any_age() {
        for now in ["2026-03-14T09:30", "2036-03-14"] {
            check(Availability::Ready(vec![]), now, Standing::Ready(vec![]));
        }
    }

    #[test]
    fn a_short_retention_loses_no_hour_that_may_still_come() {
        let hour: Hour = "2026-03-14T09".parse().unwrap();
        let now = hour.end() + 2 * HOUR;
        assert_eq!(read_by_age(UNAVAILABLE, hour, now, 24 * HOUR, HOUR), Standing::NotYet);
    }
}
