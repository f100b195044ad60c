//! The time, as every part of the program is told it.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use chat::{TimeError, Timestamp, parse_time};

/// Tells the time. Libraries read no clock of their own: they are handed this.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub(crate) fn of_the_machine() -> Self {
        Self(Arc::new(|| SystemTime::now().into()))
    }

    /// A clock that shows this time now and runs on from there, whatever happens to the clock of the machine.
    ///
    /// It runs because the client paces its calls by it.
    #[must_use]
    pub(crate) fn running_from(time: Timestamp) -> Self {
        let start = Instant::now();
        Self(Arc::new(move || time + start.elapsed()))
    }

    /// The clock that `ANNALS_CLOCK` asks for: the machine's, or one that starts at the given time.
    ///
    /// # Errors
    ///
    /// [`TimeError`] when the text is no time.
    pub(crate) fn asked_for(text: Option<&str>) -> Result<Self, TimeError> {
        Ok(match text {
            Some(text) => Self::running_from(parse_time(text)?),
            None => Self::of_the_machine(),
        })
    }

    /// What time it is.
    #[must_use]
    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }

    /// The clock in the form in which libraries take it.
    #[must_use]
    pub(crate) fn handed_over(&self) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_runs_from_where_it_is_set() {
        let clock = Clock::asked_for(Some("2026-03-14T09")).unwrap();
        let (set, first) = (parse_time("2026031409").unwrap(), clock.now());
        assert!(first >= set && first < set + std::time::Duration::from_secs(3600), "{first}");
        assert!(clock.handed_over()() >= first);
        assert!(Clock::asked_for(Some("soon")).is_err());
    }
}
