//! The object of `--json`: `docs/status.md` says what each key means, `docs/status.schema.json` what shape it has.

use chat::{AttachmentState, Hour, State, Timestamp};
use ingest::MediaStanding;
use serde_json::{Map, Value, json};

use crate::commands::status::calendar::{Day, Mark};
use crate::commands::status::facts::{Facts, Failure, Gap};
use crate::commands::status::words::{moment, verdict};
use crate::commands::summary::{counts, hours_by_state};

/// The version of the object. Keys may be added to it; none changes its meaning.
const VERSION: u64 = 1;

/// Everything, as one object.
pub(super) fn object(facts: &Facts) -> Value {
    let coverage = &facts.coverage;
    let keys = |state| Value::from(coverage.hours(state).map(Hour::key).collect::<Vec<_>>());
    let bounds = facts.bounds();
    let mut object = counts(&coverage.tally);
    extend(
        &mut object,
        [
            ("version", VERSION.into()),
            ("as_of", moment(coverage.now).into()),
            ("app", facts.app.as_ref().map(ToString::to_string).into()),
            ("verdict", verdict(facts).into()),
            ("complete", facts.is_complete().into()),
            ("first_hour", bounds.map(|bounds| bounds.first.key()).into()),
            ("last_hour", bounds.map(|bounds| bounds.last.key()).into()),
            ("settled_until", facts.settled_until().map(Hour::key).into()),
            ("newest_done", facts.newest_done.map(Hour::key).into()),
            ("newest_done_age_hours", facts.newest_done_age().into()),
            ("last_run", facts.last_run.map(moment).into()),
        ],
    );
    extend(
        &mut object,
        [
            ("hours", hours_by_state(&coverage.states)),
            ("missing", facts.missing().into()),
            ("unpromised", coverage.unpromised.len().into()),
            ("to_come", facts.count(Mark::ToCome).into()),
            ("newly_lost", coverage.newly_lost.len().into()),
            ("bytes", coverage.bytes.into()),
            ("not_indexed", facts.not_indexed.into()),
            ("attachments", facts.attachments.as_ref().map(attachments).into()),
            ("pending", keys(State::Pending)),
            ("failed", keys(State::Failed)),
            ("lost", keys(State::Lost)),
            ("at_risk", coverage.at_risk().map(|(hour, _)| hour.key()).collect()),
            ("gaps", facts.gaps.iter().map(gap).collect()),
            ("next_loss", coverage.next_loss().map(|next| deadline(next, coverage.now)).into()),
            ("deadlines", coverage.deadlines.iter().map(|next| deadline(*next, coverage.now)).collect()),
            ("failures", facts.failures.iter().map(failure).collect()),
            ("grown", counted(&facts.grown)),
            ("retained_in", counted(&facts.retained)),
            ("days", facts.days.iter().map(day).collect()),
        ],
    );
    object.into()
}

fn extend<const N: usize>(object: &mut Map<String, Value>, pairs: [(&str, Value); N]) {
    object.extend(pairs.map(|(key, value)| (key.to_owned(), value)));
}

fn attachments(standing: &MediaStanding) -> Value {
    let states = AttachmentState::ALL.map(|state| (state.word().to_owned(), standing.count(state).count.into()));
    let mut object = Map::from_iter(states);
    extend(
        &mut object,
        [
            ("bytes", standing.all.bytes.into()),
            ("in_danger", standing.in_danger.into()),
            ("next_deadline", standing.next.first().map(|row| moment(row.deadline)).into()),
            ("unlisted", standing.unlisted.into()),
        ],
    );
    object.into()
}

fn gap(gap: &Gap) -> Value {
    json!({
        "first": gap.span.first.key(),
        "last": gap.span.last.key(),
        "hours": gap.span.hours(),
        "state": gap.state.word(),
    })
}

fn failure(failure: &Failure) -> Value {
    json!({
        "hour": failure.hour.key(),
        "state": failure.state.word(),
        "at": moment(failure.at),
        "error": failure.error,
    })
}

fn deadline((hour, lost_at): (Hour, Timestamp), now: Timestamp) -> Value {
    let seconds_left = (lost_at - now).num_seconds().max(0);
    json!({ "hour": hour.key(), "lost_at": moment(lost_at), "seconds_left": seconds_left })
}

fn counted(hours: &[(Hour, u64)]) -> Value {
    hours.iter().map(|(hour, messages)| json!({ "hour": hour.key(), "messages": messages })).collect()
}

fn day(day: &Day) -> Value {
    json!({
        "date": day.date(),
        "calendar": day.letters(),
        "done": day.count(State::Done),
        "empty": day.count(State::Empty),
        "pending": day.count(State::Pending),
        "failed": day.count(State::Failed),
        "lost": day.count(State::Lost),
        "messages": day.messages(),
        "bytes": day.bytes(),
    })
}
