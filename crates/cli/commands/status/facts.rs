//! What the ledger and the clock say, gathered once for text, JSON and page.

use std::collections::BTreeMap;

use chat::{App, Entry, Hour, Hours, State, Timestamp};
use ingest::{Coverage, Lag, MediaStanding};

use crate::commands::spans::{Span, spans};
use crate::commands::status::calendar::{Day, Mark, days};
use crate::context::Context;

/// What is archived of a range, and what is missing.
pub(super) struct Facts {
    /// The app, once the archive knows it.
    pub(super) app: Option<App>,
    /// The state of every hour.
    pub(super) coverage: Coverage,
    /// The same as days of 24 hours, oldest first.
    pub(super) days: Vec<Day>,
    /// The hours that should be archived and are not: what is lost first, then what failed, then what nobody has got; each
    /// oldest first.
    pub(super) gaps: Vec<Gap>,
    /// What went wrong at the last try of an hour of the range, oldest hour first.
    pub(super) failures: Vec<Failure>,
    /// Hours of the range that became more than they were, and by how many messages.
    pub(super) grown: Vec<(Hour, u64)>,
    /// Hours of the range of which rows are kept that the newest hour file no longer has, and how many.
    pub(super) retained: Vec<(Hour, u64)>,
    /// Hours that the tables hold and the index does not, or not as they are.
    pub(super) not_indexed: u64,
    /// How the attachments of the messages of the range stand; `None` as long as the archive keeps none.
    pub(super) attachments: Option<MediaStanding>,
    /// The newest archived hour, be it in the range or not.
    pub(super) newest_done: Option<Hour>,
    /// When a run last recorded anything.
    pub(super) last_run: Option<Timestamp>,
    /// Whether nothing was fetched for longer than the service keeps an hour, and hours are being lost.
    pub(super) is_silent: bool,
}

/// Hours that follow each other and should be archived, and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    /// The hours.
    pub(super) span: Span,
    /// Their state: lost, failed or pending.
    pub(super) state: State,
}

/// A try that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// The hour.
    pub(super) hour: Hour,
    /// How the hour stands: archived, in spite of it, or failed, or lost since.
    pub(super) state: State,
    /// When it was tried.
    pub(super) at: Timestamp,
    /// What went wrong.
    pub(super) error: String,
}

impl Facts {
    pub(super) fn of(
        context: &Context,
        app: Option<App>,
        entries: &BTreeMap<Hour, Entry>,
        attachments: Option<MediaStanding>,
        range: Hours,
    ) -> Self {
        let (habits, now) = (context.habits(), context.clock.now());
        let coverage = Coverage::of(entries, range, &habits, now, context.settings.hours.warning);
        let days = days(&coverage, entries, &habits);
        let in_range = || entries.values().filter(|entry| coverage.states.get(&entry.hour) == Some(&State::Done));
        let counted = |count: fn(&Entry) -> u64| {
            in_range().map(|entry| (entry.hour, count(entry))).filter(|(_, count)| *count > 0).collect()
        };
        let last_run = entries.values().map(|entry| entry.at).max();
        let is_silent = last_run.is_some_and(|at| (now - at).to_std().is_ok_and(|age| age > habits.retention));
        Self {
            app,
            gaps: gaps(&days),
            failures: failures(&coverage, entries),
            grown: counted(|entry| entry.added),
            retained: counted(|entry| entry.tally.retained),
            not_indexed: not_indexed(context, entries),
            attachments,
            newest_done: entries.values().rev().find(|entry| entry.state == State::Done).map(|entry| entry.hour),
            last_run,
            is_silent: is_silent && !coverage.newly_lost.is_empty(),
            days,
            coverage,
        }
    }

    /// How many hours of the range stand like this.
    #[must_use]
    pub(super) fn count(&self, mark: Mark) -> u64 {
        self.days.iter().flat_map(|day| &day.cells).filter(|cell| cell.mark == mark).count() as u64
    }

    /// How many hours should be archived and are not.
    #[must_use]
    pub(super) fn missing(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.span.hours()).sum()
    }

    /// The first and the last hour of the range, unless it has none.
    #[must_use]
    pub(super) fn bounds(&self) -> Option<Span> {
        self.coverage.bounds().map(|(first, last)| Span { first, last })
    }

    /// Whether nothing that the archive is to have is missing, and it is to have any hour of the range at all.
    #[must_use]
    pub(super) fn is_complete(&self) -> bool {
        self.missing() == 0 && !self.is_unpromised()
    }

    /// Whether the range has hours, and the archive is to have none of them.
    #[must_use]
    pub(super) fn is_unpromised(&self) -> bool {
        self.coverage.states.is_empty() && !self.coverage.unpromised.is_empty()
    }

    /// The hour before which every hour that the archive is to have is done, empty or lost, so that no run has anything more
    /// to get there.
    #[must_use]
    pub(super) fn settled_until(&self) -> Option<Hour> {
        let states = &self.coverage.states;
        let open = |state: &State| matches!(state, State::Pending | State::Failed);
        let first_open = states.iter().find(|(_, state)| open(state)).map(|(hour, _)| *hour);
        first_open.or_else(|| states.keys().next_back().map(|last| last.next()))
    }

    /// How many whole hours ago the newest archived hour ended.
    #[must_use]
    pub(super) fn newest_done_age(&self) -> Option<i64> {
        self.newest_done.map(|hour| (self.coverage.now - hour.end()).num_hours().max(0))
    }
}

fn gaps(days: &[Day]) -> Vec<Gap> {
    let of = |wanted: State| {
        let hours = days.iter().flat_map(move |day| {
            let hours = (0..).map(|at| day.midnight.plus(at));
            let missing =
                hours.zip(&day.cells).filter(move |(_, cell)| cell.mark.is_gap() && cell.state == Some(wanted));
            missing.map(|(hour, _)| hour)
        });
        spans(hours).into_iter().map(move |span| Gap { span, state: wanted })
    };
    [State::Lost, State::Failed, State::Pending].into_iter().flat_map(of).collect()
}

fn failures(coverage: &Coverage, entries: &BTreeMap<Hour, Entry>) -> Vec<Failure> {
    let failure = |(hour, state): (&Hour, &State)| {
        let entry = entries.get(hour)?;
        Some(Failure { hour: *hour, state: *state, at: entry.at, error: entry.error.clone()? })
    };
    coverage.states.iter().filter_map(failure).collect()
}

fn not_indexed(context: &Context, entries: &BTreeMap<Hour, Entry>) -> u64 {
    let indexed = context.indexed_hours().unwrap_or_else(|error| {
        context.warn_of_index(error);
        BTreeMap::new()
    });
    Lag::between(entries, &indexed).behind.len() as u64
}
