//! The time, as every part of the program is told it.

use std::sync::Arc;
use std::time::SystemTime;

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

    /// A clock that stands still.
    #[must_use]
    pub(crate) fn standing_at(time: Timestamp) -> Self {
        Self(Arc::new(move || time))
    }

    /// The clock that `ANNALS_CLOCK` asks for: the machine's, or one that stands at the given time.
    ///
    /// # Errors
    ///
    /// [`TimeError`] when the text is no time.
    pub(crate) fn asked_for(text: Option<&str>) -> Result<Self, TimeError> {
        Ok(match text {
            Some(text) => Self::standing_at(parse_time(text)?),
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
    fn a_clock_stands_where_it_is_told_to() {
        let clock = Clock::asked_for(Some("2026-03-14T09")).unwrap();
        assert_eq!(clock.now(), parse_time("2026031409").unwrap());
        assert_eq!(clock.handed_over()(), clock.now());
        assert!(Clock::asked_for(Some("soon")).is_err());
    }
}
