//! A run over many hours: what fetch and load have in common.

use std::collections::BTreeMap;

use chat::{Entry, Hour, State, Tally};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use store::Published;

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

    /// What became of an hour that was put forward to be published, decoded from so many bytes.
    pub(crate) fn of(published: Published, hour: Hour, bytes: u64) -> Self {
        let (state, published) = match published {
            Published::AlreadyThere(entry) => (entry.state, None),
            Published::Done(entry) => (entry.state, Some(entry.tally)),
        };
        Self { published, bytes, ..Self::unchanged(hour, state) }
    }
}

/// Hears of every hour that has had its turn, in the order in which they end.
pub type Progress<'a> = &'a (dyn Fn(Hour, State) + Sync);

impl Workshop {
    /// Works on hours, `at_once` at a time, and gathers what becomes of them, until all had their turn, the rest is
    /// hopeless, or the run is told to stop. Hours that had no turn keep the state that the ledger has for them.
    ///
    /// Told to stop, the hours in hand are given up where they are: whatever they had written, the next run finds it
    /// whole or not at all. When the rest is hopeless they are seen to their end.
    pub(crate) async fn gather<W: Future<Output = Outcome>>(
        &self,
        hours: Vec<Hour>,
        mut work: impl Iterator<Item = W>,
        at_once: usize,
        progress: Progress<'_>,
    ) -> Result<Report, Error> {
        let mut report = Report::default();
        let mut in_hand = FuturesUnordered::new();
        loop {
            let free = if report.cut_short.is_none() { at_once.saturating_sub(in_hand.len()) } else { 0 };
            in_hand.extend(work.by_ref().take(free));
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    report.cut_short = Some(CutShort::Interrupted);
                    break;
                }
                next = in_hand.next() => next,
            };
            let Some(outcome) = next else { break };
            progress(outcome.hour, outcome.state);
            report.take(outcome);
        }
        // What was given up may hold the ledger, which is asked next.
        drop(in_hand);
        report.failures.sort_by_key(|failure| failure.hour);
        report.look_up(hours, &self.archive.entries().await?);
        Ok(report)
    }
}

impl Report {
    /// Takes an outcome in, and notes when it shows that the rest of the run is hopeless.
    fn take(&mut self, outcome: Outcome) {
        self.states.insert(outcome.hour, outcome.state);
        self.bytes += outcome.bytes;
        self.newly_lost += u64::from(outcome.newly_lost);
        if let Some(tally) = outcome.published {
            self.published += 1;
            self.new += tally;
        }
        if let Some(error) = outcome.error {
            if error.is_hopeless() {
                self.cut_short = Some(CutShort::Hopeless);
            }
            self.failures.push(Failure { hour: outcome.hour, error });
        }
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
