//! A run over many hours: what fetch and load have in common.

use std::collections::BTreeMap;
use std::time::Duration;

use chat::{Entry, Hour, State, Tally};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use store::Published;

use crate::error::Error;
use crate::report::{CutShort, Failure, Report};
use crate::workshop::Workshop;

/// Hours that fail one after the other, for want of the service, until the rest counts as hopeless. Fewer may be what the
/// service has against those hours; none of the others is to wait for that.
const IN_A_ROW: u32 = 8;

/// What became of one hour in this run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) hour: Hour,
    pub(crate) state: State,
    /// The row that was written or noted, if there was an attempt.
    pub(crate) row: Option<Entry>,
    /// Whether this run published the hour.
    pub(crate) is_published: bool,
    /// Whether it was archived before, from other bytes.
    pub(crate) has_grown: bool,
    /// Messages with addresses that name an app, while none is known.
    pub(crate) decorated: u64,
    /// Whether the service said where the hour is, or that it has none.
    pub(crate) is_heard: bool,
    /// Bytes downloaded or read.
    pub(crate) bytes: u64,
    pub(crate) error: Option<Error>,
}

impl Outcome {
    pub(crate) fn unchanged(hour: Hour, state: State) -> Self {
        let (is_published, has_grown, is_heard) = (false, false, false);
        Self { hour, state, row: None, is_published, has_grown, decorated: 0, is_heard, bytes: 0, error: None }
    }

    /// What became of an hour that was put forward to be published, decoded from so many bytes.
    pub(crate) fn of(published: Published, hour: Hour, bytes: u64) -> Self {
        let (is_published, row) = match published {
            Published::AlreadyThere(row) => (false, row),
            Published::Done(row) => (true, row),
        };
        Self { is_published, bytes, ..Self::unchanged(hour, row.state) }.with(row)
    }

    fn with(self, row: Entry) -> Self {
        Self { row: Some(row), ..self }
    }

    /// One event for each hour that had an attempt: what log files and dashboards read.
    pub(crate) fn tell(&self, why: &'static str, took: Duration) {
        let nothing = Tally::default();
        let tally = self.row.as_ref().map_or(&nothing, |row| &row.tally);
        tracing::info!(
            target: "annals::hour",
            hour = %self.hour,
            state = self.state.word(),
            why,
            http_status = self.row.as_ref().and_then(|row| row.http_status),
            published = self.is_published,
            bytes = self.bytes,
            lines = tally.lines,
            messages = tally.messages,
            duplicates = tally.duplicates,
            dead_letters = tally.dead_letters,
            retained = tally.retained,
            added = self.row.as_ref().map_or(0, |row| row.added),
            seconds = took.as_secs_f64(),
            error = self.error.as_ref().map(Error::in_one_line),
            "hour"
        );
    }
}

/// Hears of every hour that has had its turn, in the order in which they end.
pub type Progress<'a> = &'a (dyn Fn(Hour, State) + Sync);

impl Workshop {
    /// Works on hours, `at_once` at a time, and gathers what becomes of them, until all had their turn, the rest is
    /// hopeless, or the run is told to stop.
    ///
    /// Told to stop, the hours in hand are given up where they are: whatever they had written, the next run finds it
    /// whole or not at all. When the rest is hopeless they are seen to their end.
    pub(crate) async fn gather<W: Future<Output = Outcome>>(
        &self,
        report: &mut Report,
        mut work: impl Iterator<Item = W>,
        at_once: usize,
        progress: Progress<'_>,
    ) {
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
        report.failures.sort_by_key(|failure| failure.hour);
    }
}

impl Report {
    /// Takes an outcome in, and notes when it shows that the rest of the run is hopeless.
    fn take(&mut self, outcome: Outcome) {
        self.states.insert(outcome.hour, outcome.state);
        // What failed before was tried once more.
        self.failures.retain(|failure| failure.hour != outcome.hour);
        self.bytes += outcome.bytes;
        self.grown += u64::from(outcome.has_grown);
        self.listen(&outcome);
        if let Some(row) = outcome.row.filter(|_| outcome.is_published) {
            self.published += 1;
            self.new += row.tally;
            self.decorated += outcome.decorated;
        }
        if let Some(error) = outcome.error {
            if error.is_hopeless() || self.in_a_row >= IN_A_ROW {
                self.cut_short = Some(CutShort::Hopeless);
            }
            self.failures.push(Failure { hour: outcome.hour, error });
        }
    }

    /// Counts how long nothing was heard from the service.
    fn listen(&mut self, outcome: &Outcome) {
        match &outcome.error {
            Some(error) if error.is_of_the_service() => self.in_a_row += 1,
            None if !outcome.is_heard => {}
            _ => (self.in_a_row, self.is_heard) = (0, true),
        }
    }

    /// Notes that nothing that was asked could succeed, when all hours have had their turn: there were too few to say so
    /// before.
    pub(crate) fn judge(&mut self) {
        let is_refused = || self.failures.iter().any(|failure| failure.error.is_refusal());
        if self.cut_short.is_none() && !self.is_heard && is_refused() {
            self.cut_short = Some(CutShort::Hopeless);
        }
    }

    /// Completes the report by the ledger, which has the last word on the state of an hour that it knows. Hours that had
    /// no turn keep the state that it has for them.
    pub(crate) fn look_up(
        &mut self,
        hours: impl Iterator<Item = Hour>,
        entries: &BTreeMap<Hour, Entry>,
        workshop: &Workshop,
    ) {
        let (habits, now) = (&workshop.settings.habits, (workshop.clock)());
        let found = std::mem::take(&mut self.states);
        for hour in hours {
            let Some(entry) = entries.get(&hour) else {
                self.states.insert(hour, found.get(&hour).copied().unwrap_or(State::Pending));
                continue;
            };
            // A failure that could not be noted leaves no row.
            let is_failure = found.get(&hour) == Some(&State::Failed) && entry.state != State::Done;
            let is_lost_too_early = entry.state == State::Lost && !habits.is_expired(hour, now);
            let state = match entry.state {
                _ if is_failure => State::Failed,
                _ if is_lost_too_early => State::Pending,
                state => state,
            };
            self.states.insert(hour, state);
            if entry.state == State::Done {
                self.tally += entry.tally;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour() -> Hour {
        Hour::from_key("2026031409").unwrap()
    }

    /// What became of an hour, by a letter: `r`efused, `u`navailable, its `f`iles not to be had, `h`eard, `s`ettled before.
    fn outcome(number: usize, word: char) -> Outcome {
        let hour = hour().plus(i64::try_from(number).unwrap());
        let refused = || api::Error::Refused { status: 402, refusal: api::Refusal::Permission, said: None };
        let fault = || api::Error::ServiceFault { host: "h".to_owned(), status: 503, retry_after: None, said: None };
        let error = match word {
            'r' => Some(Error::Api { hour, source: refused() }),
            'u' => Some(Error::Api { hour, source: fault() }),
            'f' => Some(Error::Files { hour, source: fault() }),
            _ => None,
        };
        let state = if error.is_some() { State::Failed } else { State::Done };
        Outcome { is_heard: word == 'h', error, ..Outcome::unchanged(hour, state) }
    }

    /// Whether a run to whose hours this happened was given up: by which hour, or at its end.
    fn given_up(words: &str) -> (Option<usize>, bool) {
        let mut report = Report::default();
        let mut at = None;
        for (number, word) in words.chars().enumerate() {
            report.take(outcome(number, word));
            at = at.or(report.cut_short.map(|_| number));
        }
        report.judge();
        (at, report.cut_short.is_some())
    }

    #[test]
    fn a_run_is_given_up_when_nothing_is_heard_from_the_service() {
        for (words, expected) in [
            ("rh", (None, false)),
            ("rrrrrrrhrrrrrrr", (None, false)),
            ("rrrrrrrr", (Some(7), true)),
            ("hrururuhuuuurrrr", (Some(15), true)),
            ("uuuusssssuuuu", (Some(12), true)),
            // Files that are not to be had say that the service is there.
            ("ffffffffffffffff", (None, false)),
            ("rrrrrrrfr", (None, false)),
            // Too few to say so before the end.
            ("r", (None, true)),
            ("rsss", (None, true)),
            ("rrfs", (None, false)),
            // It may do its part later.
            ("uuu", (None, false)),
            ("sss", (None, false)),
        ] {
            assert_eq!(given_up(words), expected, "{words}");
        }
    }
}
