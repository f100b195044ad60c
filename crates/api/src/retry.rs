//! When to try again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::advice::Advice;
use crate::config::Retries;
use crate::error::Error;

/// The patience that is left for one call.
pub(crate) struct Patience {
    pauses: <ExponentialBuilder as BackoffBuilder>::Backoff,
    /// Further attempts at a host that cannot be reached.
    connects: u32,
    longest_wait: Duration,
    /// Whether the next attempt asks for a new link by itself.
    with_links: bool,
}

impl Patience {
    pub(crate) fn new(retries: &Retries) -> Self {
        let further = retries.attempts.saturating_sub(1);
        let pauses = ExponentialBuilder::new()
            .with_min_delay(retries.first_pause)
            .with_max_delay(retries.longest_pause.max(retries.first_pause))
            .with_max_times(usize::try_from(further).unwrap_or(usize::MAX))
            .with_jitter()
            .build();
        let (connects, longest_wait) = (retries.connects.saturating_sub(1), retries.longest_wait);
        Self { pauses, connects, longest_wait, with_links: false }
    }

    /// For calls whose every attempt begins at the service, which leads to a store by a link that may have expired.
    pub(crate) fn with_links(retries: &Retries) -> Self {
        Self { with_links: true, ..Self::new(retries) }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, when another one would not help or patience is at its end.
    pub(crate) async fn rest(&mut self, error: Error) -> Result<(), Error> {
        let Some(pause) = self.pause(&error) else { return Err(error) };
        tracing::debug!(%error, pause_ms = pause.as_millis(), "trying again");
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn pause(&mut self, error: &Error) -> Option<Duration> {
        let asked_for = match error.advice() {
            Advice::Retry(asked_for) => asked_for,
            Advice::AskForANewLink if self.with_links => None,
            _ => return None,
        };
        if matches!(error, Error::Unreachable { .. }) {
            self.connects = self.connects.checked_sub(1)?;
        }
        let pause = self.pauses.next()?;
        asked_for.map_or(Some(pause), |wait| (wait <= self.longest_wait).then_some(wait))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::error::Obstacle;

    fn fault(retry_after: Option<u64>) -> Error {
        let retry_after = retry_after.map(Duration::from_secs);
        Error::ServiceFault { host: "h".to_owned(), status: 503, retry_after, said: None }
    }

    fn unreachable() -> Error {
        let source = Arc::new(std::io::Error::other("refused"));
        Error::Unreachable { host: "h".to_owned(), obstacle: Obstacle::Connection, source }
    }

    #[test]
    fn pauses_double_and_are_lengthened_at_random() {
        let mut patience = Patience::new(&Retries { attempts: 5, ..Retries::default() });
        for seconds in [1, 2, 4, 8] {
            let pause = patience.pause(&fault(None)).unwrap();
            let shortest = Duration::from_secs(seconds);
            assert!((shortest..=2 * shortest).contains(&pause), "{pause:?}");
        }
        assert_eq!(patience.pause(&fault(None)), None);
    }

    #[test]
    fn what_the_service_asks_for_is_honoured_or_left_to_the_caller() {
        let mut patience = Patience::new(&Retries::default());
        assert_eq!(patience.pause(&fault(Some(0))), Some(Duration::ZERO));
        assert_eq!(patience.pause(&fault(Some(120))), Some(Duration::from_secs(120)));
        assert_eq!(patience.pause(&fault(Some(121))), None);
    }

    #[test]
    fn an_unreachable_host_is_tried_a_few_times_only() {
        let mut patience = Patience::new(&Retries::default());
        assert!(patience.pause(&unreachable()).is_some());
        assert!(patience.pause(&unreachable()).is_some());
        assert_eq!(patience.pause(&unreachable()), None);
        assert!(patience.pause(&fault(None)).is_some());
    }

    #[test]
    fn what_will_not_change_is_not_tried_again() {
        let mut patience = Patience::new(&Retries::default());
        let expired = Error::LinkExpired { status: 403, code: None };
        assert_eq!(patience.pause(&expired), None);
        assert!(Patience::with_links(&Retries::default()).pause(&expired).is_some());
        assert_eq!(patience.pause(&Error::Unexpected { status: 405, said: None }), None);
    }
}
