//! The verdict in a sentence, and times in words.

use std::time::Duration;

use chat::{AttachmentState, Hour, Timestamp, show_time};
use ingest::MediaCount;

use crate::commands::status::calendar::Mark;
use crate::commands::status::facts::Facts;
use crate::output::{bytes, duration};

/// How the archive stands, worst first: `2 hours lost; 3 hours at risk, the next one lost in 5 h 12 m; 4 hours missing`.
#[must_use]
pub(super) fn verdict(facts: &Facts) -> String {
    if facts.bounds().is_none() {
        return "nothing is archived yet".to_owned();
    }
    if facts.is_unpromised() {
        return "nothing of this range is archived, and nothing of it was to be".to_owned();
    }
    let (lost, at_risk) = (facts.count(Mark::Lost), facts.count(Mark::AtRisk));
    let missing = facts.count(Mark::Missing) + facts.count(Mark::Failed);
    if at_risk + missing == 0 && facts.coverage.newly_lost.is_empty() {
        return well(lost, facts.count(Mark::ToCome));
    }
    let next = facts.coverage.next_loss().map(|(_, at)| time_left(at, facts.coverage.now));
    let next = next.map_or_else(String::new, |left| format!(", the next one lost in {left}"));
    let of_missing = if at_risk == 0 { next.as_str() } else { "" };
    let parts = [
        (lost, format!("{} lost{}", hours(lost), unrecorded(lost, facts.coverage.newly_lost.len() as u64))),
        (at_risk, format!("{} at risk{next}", hours(at_risk))),
        (missing, format!("{} missing{of_missing}", hours(missing))),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words);
    parts.collect::<Vec<_>>().join("; ")
}

/// How many of the lost hours are news.
fn unrecorded(lost: u64, newly: u64) -> String {
    match newly {
        0 => String::new(),
        newly if newly == lost => " and recorded by no run yet".to_owned(),
        newly => format!(", {newly} of them recorded by no run yet"),
    }
}

/// The verdict when nobody has to do anything.
fn well(lost: u64, to_come: u64) -> String {
    let but_for = if lost > 0 { format!("complete but for {} lost", hours(lost)) } else { "complete".to_owned() };
    if to_come > 0 { format!("{but_for}; {} to come", hours(to_come)) } else { but_for }
}

/// `1 hour`, `2 hours`.
#[must_use]
pub(super) fn hours(count: u64) -> String {
    counted(count, "hour")
}

/// `1 message`, `2 messages`.
#[must_use]
pub(super) fn counted(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// How long until a moment, in whole minutes: `5 h 12 min`; nothing is left of one that has passed.
#[must_use]
pub(super) fn time_left(until: Timestamp, now: Timestamp) -> String {
    let seconds = (until - now).to_std().unwrap_or_default().as_secs();
    if seconds < 60 { "less than a minute".to_owned() } else { duration(Duration::from_secs(seconds / 60 * 60)) }
}

/// A moment to the second, RFC 3339 in UTC.
#[must_use]
pub(super) fn moment(time: Timestamp) -> String {
    show_time(Timestamp::from_timestamp(time.timestamp(), 0).unwrap_or(time))
}

/// `12 attachments: 9 stored (3.4 MB), 1 gone, 2 pending; 1 of them in danger, the next one lost in 5 h 12 min`, or nothing when
/// the archive keeps none.
#[must_use]
pub(super) fn attachments(facts: &Facts) -> Option<String> {
    let standing = facts.attachments.as_ref()?;
    let states = AttachmentState::ALL.into_iter().filter(|state| standing.count(*state).count > 0);
    let states: Vec<_> = states.map(|state| in_state(state, standing.count(state))).collect();
    let colon = if states.is_empty() { "" } else { ": " };
    let all = counted(standing.all.count, "attachment");
    let next = standing.next.first().map(|row| time_left(row.deadline, facts.coverage.now));
    let next = next.map_or_else(String::new, |left| format!(", the next one lost in {left}"));
    let danger = match standing.in_danger {
        0 => String::new(),
        count => format!("; {count} of them in danger{next}: run `annals media fetch`"),
    };
    let unlisted = match standing.unlisted {
        0 => String::new(),
        count => format!("; {} still to be looked through", hours(count)),
    };
    Some(format!("{all}{colon}{}{danger}{unlisted}", states.join(", ")))
}

fn in_state(state: AttachmentState, count: MediaCount) -> String {
    let size = if state == AttachmentState::Stored { format!(" ({})", bytes(count.bytes)) } else { String::new() };
    format!("{} {state}{size}", count.count)
}

/// How the newest archived hour and the last run stand, or nothing when nothing is archived.
#[must_use]
pub(super) fn freshness(facts: &Facts) -> Option<String> {
    let age = |since: Timestamp| time_left(facts.coverage.now, since);
    let newest =
        facts.newest_done.map(|hour: Hour| format!("the newest archived hour is {hour}, {} old", age(hour.end())));
    let last_run = facts.last_run.map(|at| format!("a run last recorded something {} ago, at {}", age(at), moment(at)));
    let parts: Vec<String> = newest.into_iter().chain(last_run).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What an operator may do about an archive that nobody fetches any more.
#[must_use]
pub(super) fn advice(facts: &Facts) -> Option<String> {
    let end = facts.newest_done?.next().to_string();
    let end = end.trim_end_matches('Z');
    facts.is_silent.then(|| {
        format!("nothing was fetched for longer than the service keeps an hour: see that `annals fetch` runs, or say that this archive is closed with --until {end}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_to_do_anything() {
        assert_eq!(well(0, 0), "complete");
        assert_eq!(well(0, 1), "complete; 1 hour to come");
        assert_eq!(well(4, 2), "complete but for 4 hours lost; 2 hours to come");
    }

    #[test]
    fn what_is_left_is_never_told_longer_than_it_is() {
        let now: Timestamp = "2026-03-14T09:00:00.5Z".parse().unwrap();
        for (until, expected) in [
            ("2026-03-14T08:00:00Z", "less than a minute"),
            ("2026-03-14T09:01:00Z", "less than a minute"),
            ("2026-03-14T10:00:00Z", "59 min"),
            ("2026-03-14T14:12:59Z", "5 h 12 min"),
        ] {
            assert_eq!(time_left(until.parse().unwrap(), now), expected);
        }
    }

    #[test]
    fn a_moment_has_no_fractions() {
        assert_eq!(moment("2026-03-14T09:00:00.123456Z".parse().unwrap()), "2026-03-14T09:00:00Z");
    }
}
