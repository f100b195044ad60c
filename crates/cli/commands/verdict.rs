//! The last line of a run: what it means for the person who is responsible.

use chat::{Hour, State};
use ingest::{Coverage, CutShort, Report};

use crate::commands::spans::in_words;
use crate::output::duration;

/// One sentence that a person can act on: what is lost, what failed and until when it can still be had, and what is complete.
/// `coverage` is that of the hours of the run.
pub(super) fn verdict(report: &Report, coverage: &Coverage) -> String {
    let parts = [
        losses(report),
        cut_short(report),
        failures(report, coverage),
        rechecks(report, coverage),
        complete(coverage),
        all_losses(coverage),
        not_ready(report, coverage),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn losses(report: &Report) -> Option<String> {
    let lost = report.newly_lost;
    (lost > 0).then(|| {
        let hours = count(lost, "hour is lost", "hours are lost");
        format!("{hours} since the last run: the service deleted what no run could fetch in time")
    })
}

fn cut_short(report: &Report) -> Option<String> {
    report.cut_short.map(|why| match why {
        CutShort::Interrupted => "stopped: run it again, it goes on where it was".to_owned(),
        CutShort::Hopeless => "given up: put right what the error says, and run it again".to_owned(),
    })
}

/// What will be tried again, and until when it can be: of hours that had no turn, too, when the run was given up, and of hours
/// that are still not ready when their end is near.
fn failures(report: &Report, coverage: &Coverage) -> Option<String> {
    let failed: Vec<Hour> = coverage.hours(State::Failed).collect();
    let at_risk: Vec<Hour> = coverage.at_risk().map(|(hour, _)| hour).collect();
    let is_open = |hour: &Hour| report.cut_short.is_some() || failed.contains(hour) || at_risk.contains(hour);
    let first = coverage.deadlines.iter().find(|(hour, _)| is_open(hour));
    let left = first.map(|(hour, gone)| {
        let left = duration((*gone - coverage.now).to_std().unwrap_or_default());
        format!("{hour} is the first to be lost, in {left}")
    });
    let again = (!failed.is_empty()).then(|| {
        let hours = count(failed.len() as u64, "hour", "hours");
        format!("{hours} failed and will be tried again by the next run")
    });
    match (again, left) {
        (Some(again), Some(left)) => Some(format!("{again}, {left}")),
        (again, left) => again.or(left),
    }
}

/// Hours that are settled, and could not be asked for once more.
fn rechecks(report: &Report, coverage: &Coverage) -> Option<String> {
    let is_settled = |hour| matches!(coverage.states.get(hour), Some(State::Done | State::Empty));
    let failed = report.failures.iter().filter(|failure| is_settled(&failure.hour)).count() as u64;
    (failed > 0).then(|| {
        let hours = count(failed, "archived hour", "archived hours");
        format!("{hours} could not be looked at once more; the next run tries again")
    })
}

/// From the first hour that is archived or empty to the last one before which nothing is open. Hours in between may be lost.
fn complete(coverage: &Coverage) -> Option<String> {
    let is_settled = |state: &State| !matches!(state, State::Pending | State::Failed);
    let settled = coverage.states.iter().take_while(|(_, state)| is_settled(state));
    let mut complete = settled.filter(|(_, state)| **state != State::Lost).map(|(hour, _)| *hour);
    let nothing = coverage.hours(State::Done).chain(coverage.hours(State::Empty)).next().is_none();
    match (complete.next(), complete.last()) {
        (Some(first), None) => Some(format!("{first} is complete")),
        (Some(first), Some(last)) if coverage.hours(State::Lost).any(|lost| first < lost && lost < last) => {
            Some(format!("complete from {first} to {last} but for what is lost"))
        }
        (Some(first), Some(last)) => Some(format!("complete from {first} to {last}")),
        _ if nothing && coverage.hours(State::Failed).next().is_none() => Some("nothing is archived".to_owned()),
        _ => None,
    }
}

/// All losses, those of earlier runs, too.
fn all_losses(coverage: &Coverage) -> Option<String> {
    let lost: Vec<Hour> = coverage.hours(State::Lost).collect();
    (!lost.is_empty()).then(|| format!("lost for good: {}", in_words(lost)))
}

fn not_ready(report: &Report, coverage: &Coverage) -> Option<String> {
    let waiting = coverage.hours(State::Pending).count() as u64;
    (waiting > 0 && report.cut_short.is_none())
        .then(|| format!("{} not ready yet", count(waiting, "hour is", "hours are")))
}

/// A number of things, in words that fit it.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use chat::{Entry, Hours};
    use ingest::Habits;

    use super::*;

    fn report(change: impl FnOnce(&mut Report)) -> Report {
        let mut report = Report::default();
        change(&mut report);
        report
    }

    /// The verdict on hours in these states, the first of them 2026-03-14T00Z, so many hours after the first began.
    fn told(states: &[State], age: i64, report: Report) -> String {
        let first = Hour::from_key("2026031400").unwrap();
        let entries: BTreeMap<_, _> = (0..)
            .zip(states)
            .filter(|(_, state)| **state != State::Pending)
            .map(|(at, state)| {
                let entry = Entry::new(first.plus(at), first.plus(at + 2).start(), *state);
                (entry.hour, Entry { source: "fetch".to_owned(), ..entry })
            })
            .collect();
        let hours = Hours::between(first, first.plus(i64::try_from(states.len()).unwrap()));
        let day = Duration::from_secs(24 * 3600);
        let coverage = Coverage::of(&entries, hours, &Habits::default(), first.plus(age).start(), day);
        verdict(&report, &coverage)
    }

    #[test]
    fn what_is_complete_is_said_with_its_bounds() {
        let all = [State::Done, State::Empty, State::Done];
        assert_eq!(told(&all, 5, Report::default()), "complete from 2026-03-14T00Z to 2026-03-14T02Z");
        assert_eq!(told(&all[..1], 5, Report::default()), "2026-03-14T00Z is complete");
        let young = [State::Done, State::Done, State::Pending, State::Pending];
        assert_eq!(
            told(&young, 4, Report::default()),
            "complete from 2026-03-14T00Z to 2026-03-14T01Z; 2 hours are not ready yet"
        );
        assert_eq!(told(&[State::Pending], 1, Report::default()), "nothing is archived; 1 hour is not ready yet");
    }

    #[test]
    fn what_failed_is_said_with_the_time_that_is_left() {
        let states = [State::Done, State::Failed, State::Done, State::Failed, State::Pending];
        assert_eq!(
            told(&states, 43, Report::default()),
            "2 hours failed and will be tried again by the next run, 2026-03-14T01Z is the first to be lost, in 31 h; \
             2026-03-14T00Z is complete; 1 hour is not ready yet"
        );
    }

    #[test]
    fn an_hour_whose_end_is_near_is_named_even_if_it_is_only_not_ready() {
        assert_eq!(
            told(&[State::Pending], 71, Report::default()),
            "2026-03-14T00Z is the first to be lost, in 2 h; nothing is archived; 1 hour is not ready yet"
        );
    }

    #[test]
    fn an_archived_hour_that_could_not_be_looked_at_again_is_no_gap() {
        let hour = Hour::from_key("2026031400").unwrap();
        let error = ingest::Error::Gap { hour, status: 404 };
        let report = report(|report| report.failures.push(ingest::Failure { hour, error }));
        assert_eq!(
            told(&[State::Done], 30, report),
            "1 archived hour could not be looked at once more; the next run tries again; 2026-03-14T00Z is complete"
        );
    }

    #[test]
    fn what_is_lost_comes_first() {
        let news = report(|report| report.newly_lost = 2);
        assert_eq!(
            told(&[State::Lost, State::Lost, State::Done], 100, news),
            "2 hours are lost since the last run: the service deleted what no run could fetch in time; 2026-03-14T02Z \
             is complete; lost for good: 2026-03-14T00Z to 2026-03-14T01Z"
        );
        assert_eq!(
            told(&[State::Lost, State::Done], 100, Report::default()),
            "2026-03-14T01Z is complete; lost for good: 2026-03-14T00Z"
        );
        assert_eq!(
            told(&[State::Done, State::Lost, State::Empty, State::Lost], 100, Report::default()),
            "complete from 2026-03-14T00Z to 2026-03-14T02Z but for what is lost; lost for good: 2026-03-14T01Z, \
             2026-03-14T03Z"
        );
        assert_eq!(
            told(&[State::Lost, State::Lost], 100, Report::default()),
            "nothing is archived; lost for good: 2026-03-14T00Z to 2026-03-14T01Z"
        );
    }

    #[test]
    fn what_lies_behind_an_open_hour_is_no_longer_complete() {
        assert_eq!(
            told(&[State::Done, State::Pending, State::Done], 4, Report::default()),
            "2026-03-14T00Z is complete; 1 hour is not ready yet"
        );
    }

    #[test]
    fn a_run_that_did_not_end_says_what_is_at_stake() {
        let stopped = |why| report(|report| report.cut_short = Some(why));
        assert_eq!(
            told(&[State::Done, State::Pending], 3, stopped(CutShort::Interrupted)),
            "stopped: run it again, it goes on where it was; 2026-03-14T01Z is the first to be lost, in 2 d 23 h; \
             2026-03-14T00Z is complete"
        );
        let hopeless = told(&[State::Failed], 3, stopped(CutShort::Hopeless));
        assert!(hopeless.starts_with("given up: put right what the error says"), "{hopeless}");
        assert!(hopeless.contains("2026-03-14T00Z is the first to be lost"), "{hopeless}");
    }
}
