//! The last look at hours before a run ends.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use chat::{Entry, Hour, State};

use crate::attempt::Run;
use crate::error::Error;
use crate::plan::Why;
use crate::report::Report;
use crate::run::Outcome;

/// Why an hour is looked at once more before the run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It was called empty between two hours with messages.
    BetweenBusy,
    /// It was called empty, and may be believed.
    Empty { status: u16 },
    /// It failed, and will be gone before long.
    Failed,
    /// Its messages lie in the hour that another zone calls so.
    Zone,
}

/// The time from one nightly run to the next.
const NIGHT: Duration = Duration::from_secs(24 * 3600);

impl Run<'_> {
    /// Settles an hour that the service called empty, or that failed and may be gone before it is asked for again.
    pub(crate) async fn settle_at_last(&self, hour: Hour, doubt: Doubt) -> Outcome {
        let status = match doubt {
            Doubt::Failed | Doubt::BetweenBusy | Doubt::Zone => {
                return self.told(hour, Some(Why::Again), self.ask(hour, None)).await;
            }
            Doubt::Empty { status } => status,
        };
        let row = Entry { http_status: Some(status), ..self.entry(hour, State::Empty) };
        match self.note(row).await {
            Ok(()) => Outcome::unchanged(hour, State::Empty),
            Err(error) => Outcome { error: Some(error), ..Outcome::unchanged(hour, State::Pending) },
        }
    }

    /// What is to be looked at once more before the run ends: hours that were called empty, of which those between two hours
    /// with messages cannot be believed so soon; failures that a run of the next night would come too late for; and an hour
    /// that spoke of another zone, which is to be held against the others.
    pub(crate) async fn doubted(&self, report: &Report) -> Result<BTreeMap<Hour, Doubt>, Error> {
        let mut doubts = std::mem::take(&mut *self.doubts.lock().unwrap_or_else(PoisonError::into_inner));
        let (habits, now) = (&self.workshop.settings.habits, (self.workshop.clock)());
        let failed = report.failures.iter().map(|failure| failure.hour);
        doubts.extend(failed.filter(|hour| habits.is_at_risk(*hour, now, NIGHT)).map(|hour| (hour, Doubt::Failed)));
        if doubts.is_empty() {
            return Ok(doubts);
        }
        let entries = self.workshop.archive.entries().await?;
        let is_busy =
            |hour: Hour| entries.get(&hour).is_some_and(|entry| entry.state == State::Done && entry.tally.messages > 0);
        for (hour, doubt) in &mut doubts {
            if matches!(doubt, Doubt::Empty { .. }) && is_busy(hour.plus(-1)) && is_busy(hour.next()) {
                *doubt = Doubt::BetweenBusy;
            }
        }
        Ok(doubts)
    }
}
