//! A run over many hours: what fetch and load have in common.

use std::collections::BTreeMap;

use chat::{Entry, Hour, State, Tally};
use futures::{Stream, StreamExt as _};

use crate::error::Error;
use crate::report::{CutShort, Failure, Report};
use crate::workshop::Workshop;

/// What became of one hour in this run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) hour: Hour,
    pub(crate) state: State,
    /// The lines, if this run published the hour.
    pub(crate) published: Option<Tally>,
    /// Bytes downloaded or read.
    pub(crate) bytes: u64,
    pub(crate) error: Option<Error>,
    /// Whether this run learned that the service no longer has the hour.
    pub(crate) newly_lost: bool,
}

impl Outcome {
    pub(crate) fn unchanged(hour: Hour, state: State) -> Self {
        Self { hour, state, published: None, bytes: 0, error: None, newly_lost: false }
    }
}

/// Hears of every hour that has had its turn, in the order in which they end.
pub type Progress<'a> = &'a (dyn Fn(Hour, State) + Sync);

impl Workshop {
    /// Gathers the outcomes of a run as they come, until all hours had their turn, the rest is hopeless, or the run is
    /// told to stop. Hours that had no turn keep the state that the ledger has for them.
    pub(crate) async fn gather(
        &self,
        hours: Vec<Hour>,
        outcomes: impl Stream<Item = Outcome>,
        progress: Progress<'_>,
    ) -> Result<Report, Error> {
        let mut report = Report::default();
        let mut outcomes = std::pin::pin!(outcomes);
        loop {
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    report.cut_short = Some(CutShort::Interrupted);
                    break;
                }
                next = outcomes.next() => next,
            };
            let Some(outcome) = next else { break };
            progress(outcome.hour, outcome.state);
            if report.take(outcome) {
                report.cut_short = Some(CutShort::Hopeless);
                break;
            }
        }
        report.failures.sort_by_key(|failure| failure.hour);
        let entries = self.archive.entries().await?;
        report.look_up(hours, &entries);
        Ok(report)
    }
}

impl Report {
    /// Takes an outcome in; `true` when the rest of the run is hopeless.
    fn take(&mut self, outcome: Outcome) -> bool {
        self.states.insert(outcome.hour, outcome.state);
        self.bytes += outcome.bytes;
        self.newly_lost += u64::from(outcome.newly_lost);
        if let Some(tally) = outcome.published {
            self.published += 1;
            self.new += tally;
        }
        let Some(error) = outcome.error else { return false };
        let hopeless = error.is_hopeless();
        self.failures.push(Failure { hour: outcome.hour, error });
        hopeless
    }

    fn look_up(&mut self, hours: Vec<Hour>, entries: &BTreeMap<Hour, Entry>) {
        for hour in hours {
            let entry = entries.get(&hour);
            self.states.entry(hour).or_insert_with(|| entry.map_or(State::Pending, |entry| entry.state));
            if let Some(entry) = entry.filter(|entry| entry.state == State::Done) {
                self.tally += entry.tally;
            }
        }
    }
}
