//! What there is to do for each hour of a range.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat::{Entry, Hour, Hours, State, Timestamp};

use crate::age::{Habits, is_yet_to_come};
use crate::coverage::first_asked;
use crate::error::Error;
use crate::workshop::Workshop;

/// The next step of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask the service.
    Ask(Why),
    /// Decode the bytes that an interrupted run left in `raw/`.
    Decode,
    /// Nothing: the newest row of the ledger stands.
    Settled(State),
    /// Nothing yet: the hour is not over, or too young to be asked for.
    Wait,
}

impl Step {
    /// Whether the hour has work to be done.
    #[must_use]
    pub fn is_work(self) -> bool {
        matches!(self, Self::Ask(_) | Self::Decode)
    }

    /// Why the service is asked, if it is.
    #[must_use]
    pub fn why(self) -> Option<Why> {
        if let Self::Ask(why) = self { Some(why) } else { None }
    }
}

/// Why the service is asked for an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Nobody has asked yet.
    First,
    /// It was not ready, or something went wrong.
    Again,
    /// It is settled, and somebody wants it anew.
    Wanted,
    /// It is settled, and may have grown since.
    Recheck,
    /// It is not settled, and the service should have deleted it. It deletes the oldest first: as soon as one such hour is
    /// gone, all older ones are lost without a call.
    Expired,
}

impl Why {
    /// The word in logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Again => "again",
            Self::Wanted => "wanted",
            Self::Recheck => "recheck",
            Self::Expired => "expired",
        }
    }
}

/// Whether hours that are settled are asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Settled {
    /// They are asked for again, and published anew if their bytes changed.
    Again,
    /// They are left as they are, but for those that may have grown, see [`Habits::recheck`].
    #[default]
    Keep,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The hours of the range in the order in which they have their turn: the most endangered first, then those that may
    /// have grown, and at last those that the service should have deleted, the youngest of them in front.
    pub steps: Vec<(Hour, Step)>,
    /// Served bytes that are to be expected, from the archived hours; `None` when there are none to tell from.
    pub bytes: Option<u64>,
}

impl Plan {
    /// How many calls of the history method it takes, if nothing has to be asked for twice and what should be deleted is.
    #[must_use]
    pub fn calls(&self) -> u64 {
        let asked = self.hours(|step| matches!(step, Step::Ask(why) if why != Why::Expired)).count() as u64;
        asked + self.expired().next().map_or(0, |_| 1)
    }

    /// The hours whose step is such, in the order of their turn.
    pub fn hours(&self, is_such: impl Fn(Step) -> bool) -> impl Iterator<Item = Hour> {
        self.steps.iter().filter(move |(_, step)| is_such(*step)).map(|(hour, _)| *hour)
    }

    /// The hours that are not settled and that the service should have deleted: lost, unless it keeps them longer.
    pub fn expired(&self) -> impl Iterator<Item = Hour> {
        self.hours(|step| step == Step::Ask(Why::Expired))
    }
}

impl Workshop {
    /// The hours that are due: from the first that the service was ever asked for, or for a new archive the oldest that it
    /// still keeps, up to the hour that is going on.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read, or the clock is behind what it says.
    pub async fn due(&self) -> Result<Hours, Error> {
        let (entries, now) = (self.archive.entries().await?, (self.clock)());
        check_clock(&entries, now)?;
        Ok(due(&entries, &self.settings.habits, now))
    }

    /// What [`Workshop::fetch`] would do now, before anything is spent.
    ///
    /// # Errors
    ///
    /// When the archive cannot be read.
    pub async fn plan(&self, range: Hours, settled: Settled) -> Result<Plan, Error> {
        let entries = self.archive.entries().await?;
        let steps = self.known(&entries, range).await?.plan(range, settled);
        let bytes = expected_bytes(&entries, &steps);
        Ok(Plan { steps, bytes })
    }
}

/// What a plan looks at.
pub(crate) struct Known<'a> {
    pub(crate) entries: &'a BTreeMap<Hour, Entry>,
    /// Hours of which `raw/` holds whole bytes that are not in the tables.
    pub(crate) unpublished: BTreeSet<Hour>,
    pub(crate) habits: &'a Habits,
    pub(crate) now: Timestamp,
}

impl Known<'_> {
    /// The hours of a range with their next step, in the order of their turn.
    ///
    /// Hours out of the range that earlier runs could not get, and that the service should have deleted meanwhile, are asked
    /// for too: nobody else will, and somebody has to say that they are lost.
    pub(crate) fn plan(&self, range: Hours, settled: Settled) -> Vec<(Hour, Step)> {
        let mut plan: Vec<_> = range.map(|hour| (hour, self.step(hour, settled))).collect();
        let open = self.entries.values().filter(|entry| matches!(entry.state, State::Pending | State::Failed));
        let gone = open.map(|entry| entry.hour).filter(|hour| self.habits.is_expired(*hour, self.now));
        plan.extend(gone.filter(|hour| !range.contains(*hour)).map(|hour| (hour, Step::Ask(Why::Expired))));
        plan.sort_by_key(|(hour, step)| match step {
            Step::Decode | Step::Ask(Why::First | Why::Again | Why::Wanted) => (0, hour.number()),
            Step::Ask(Why::Recheck) => (1, hour.number()),
            Step::Ask(Why::Expired) => (2, -hour.number()),
            Step::Settled(_) | Step::Wait => (3, hour.number()),
        });
        plan
    }

    fn step(&self, hour: Hour, settled: Settled) -> Step {
        let entry = self.entries.get(&hour);
        let state = entry.map(|entry| entry.state);
        match state {
            Some(State::Done | State::Empty | State::Lost) if settled == Settled::Again => Step::Ask(Why::Wanted),
            _ if self.unpublished.contains(&hour) => Step::Decode,
            Some(State::Empty) if entry.is_some_and(|entry| self.was_called_empty_too_early(entry)) => {
                Step::Ask(Why::Again)
            }
            Some(State::Done | State::Empty) if entry.is_some_and(|entry| self.may_have_grown(entry)) => {
                Step::Ask(Why::Recheck)
            }
            Some(state @ (State::Done | State::Empty)) => Step::Settled(state),
            Some(State::Lost) if self.habits.is_expired(hour, self.now) => Step::Settled(State::Lost),
            _ if self.habits.is_expired(hour, self.now) => Step::Ask(Why::Expired),
            _ if !self.habits.may_be_asked(hour, self.now) => Step::Wait,
            // One that is called lost too early: a clock was ahead, or the retention is longer than was thought.
            Some(State::Pending | State::Failed | State::Lost) => Step::Ask(Why::Again),
            None => Step::Ask(Why::First),
        }
    }

    /// Whether an hour was called empty by a clock that was ahead, and can still be asked for: it was younger than was
    /// thought, and its file may have been to come.
    fn was_called_empty_too_early(&self, entry: &Entry) -> bool {
        let can_be_asked =
            self.habits.may_be_asked(entry.hour, self.now) && !self.habits.is_expired(entry.hour, self.now);
        entry.source != "load" && is_yet_to_come(entry.at, self.now) && can_be_asked
    }

    /// Whether an hour is to be asked for once more, because it was not asked for since it could have grown, or because the
    /// attempt failed. What was loaded from a file is not the service's to change.
    fn may_have_grown(&self, entry: &Entry) -> bool {
        let has_failed = entry.error.is_some() && !self.habits.is_expired(entry.hour, self.now);
        entry.source != "load" && (has_failed || self.habits.is_to_be_rechecked(entry.hour, entry.at, self.now))
    }
}

/// Refuses a clock by which an hour is not over that the service has served: a run would find nothing to do, and look well.
pub(crate) fn check_clock(entries: &BTreeMap<Hour, Entry>, now: Timestamp) -> Result<(), Error> {
    let served = entries.values().rev().find(|entry| entry.state == State::Done && entry.source == "fetch");
    match served {
        Some(entry) if entry.hour.end() > now => Err(Error::ClockBehind { hour: entry.hour, now }),
        _ => Ok(()),
    }
}

/// See [`Workshop::due`].
#[must_use]
pub fn due(entries: &BTreeMap<Hour, Entry>, habits: &Habits, now: Timestamp) -> Hours {
    let going_on = Hour::containing(now);
    let kept = i64::try_from(habits.retention.as_secs() / 3600).unwrap_or(i64::MAX);
    let since = first_asked(entries, habits).unwrap_or_else(|| going_on.plus(kept.saturating_neg()));
    Hours::between(since, going_on)
}

/// The hour from which on the archive is to have every hour once these steps begin, if it is to have fewer as yet: the oldest
/// that nobody has asked for, and the service should have.
pub(crate) fn newly_promised(steps: &[(Hour, Step)], entries: &BTreeMap<Hour, Entry>, habits: &Habits) -> Option<Hour> {
    let asked = steps.iter().filter(|(_, step)| *step == Step::Ask(Why::First)).map(|(hour, _)| *hour);
    let promised = first_asked(entries, habits);
    asked.min().filter(|oldest| promised.is_none_or(|promised| *oldest < promised))
}

/// Served bytes to be expected of the hours to ask for: of each as many as the same hours of the day had, or as many as all
/// had.
fn expected_bytes(entries: &BTreeMap<Hour, Entry>, steps: &[(Hour, Step)]) -> Option<u64> {
    let known: Vec<&Entry> =
        entries.values().filter(|entry| matches!(entry.state, State::Done | State::Empty)).collect();
    let mean = |of_day: Option<u32>| {
        let alike = known.iter().filter(|entry| of_day.is_none_or(|of_day| entry.hour.of_day() == of_day));
        let (sum, count) = alike.fold((0_u64, 0_u64), |(sum, count), entry| (sum + entry.bytes, count + 1));
        (count > 0).then(|| sum / count)
    };
    let overall = mean(None)?;
    let of_day: Vec<u64> = (0..24).map(|of_day| mean(Some(of_day)).unwrap_or(overall)).collect();
    let asked = steps.iter().filter(|(_, step)| matches!(step, Step::Ask(why) if *why != Why::Expired));
    Some(asked.filter_map(|(hour, _)| of_day.get(hour.of_day() as usize)).sum())
}

/// How long so many calls take at so many a minute, spread evenly.
#[must_use]
pub fn time_under_quota(calls: u64, per_minute: u32) -> Duration {
    Duration::from_secs_f64(calls as f64 * 60.0 / f64::from(per_minute.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour() -> Hour {
        Hour::from_key("2026031409").unwrap()
    }

    /// The step of an hour, 30 hours after it began.
    fn step(entry: Option<Entry>, unpublished: bool, settled: Settled, hours_later: i64) -> Step {
        let entries = entry.map(|entry| (entry.hour, entry)).into_iter().collect();
        let unpublished = unpublished.then_some(hour()).into_iter().collect();
        let now = hour().plus(hours_later).start();
        let known = Known { entries: &entries, unpublished, habits: &Habits::default(), now };
        known.step(hour(), settled)
    }

    fn entry(state: State) -> Option<Entry> {
        Some(Entry::new(hour(), hour().plus(26).start(), state))
    }

    #[test]
    fn an_hour_is_asked_for_until_it_is_settled() {
        for (state, why) in [(None, Why::First), (Some(State::Pending), Why::Again), (Some(State::Failed), Why::Again)]
        {
            assert_eq!(step(state.and_then(entry), false, Settled::Keep, 30), Step::Ask(why), "{state:?}");
            assert_eq!(step(state.and_then(entry), false, Settled::Keep, 80), Step::Ask(Why::Expired), "{state:?}");
        }
        for state in [State::Done, State::Empty, State::Lost] {
            assert_eq!(step(entry(state), false, Settled::Keep, 80), Step::Settled(state));
            assert_eq!(step(entry(state), false, Settled::Again, 30), Step::Ask(Why::Wanted));
        }
        assert_eq!(step(entry(State::Lost), false, Settled::Keep, 30), Step::Ask(Why::Again), "it is not lost yet");
    }

    #[test]
    fn bytes_that_are_here_are_not_asked_for() {
        for state in [State::Failed, State::Done] {
            assert_eq!(step(entry(state), true, Settled::Keep, 30), Step::Decode);
        }
        assert_eq!(step(None, true, Settled::Keep, 30), Step::Decode);
        assert_eq!(step(entry(State::Done), true, Settled::Again, 30), Step::Ask(Why::Wanted));
    }

    #[test]
    fn an_hour_that_is_not_over_waits() {
        assert_eq!(step(None, false, Settled::Keep, 0), Step::Wait);
        assert_eq!(step(None, false, Settled::Keep, 1), Step::Wait);
        assert_eq!(step(None, false, Settled::Keep, 2), Step::Ask(Why::First));
    }

    #[test]
    fn a_settled_hour_is_asked_for_once_more_when_it_may_have_grown() {
        let fetched = |at: i64, source: &str, state: State| {
            Some(Entry { source: source.to_owned(), ..Entry::new(hour(), hour().plus(at).start(), state) })
        };
        for state in [State::Done, State::Empty] {
            assert_eq!(step(fetched(2, "fetch", state), false, Settled::Keep, 25), Step::Ask(Why::Recheck));
            assert_eq!(step(fetched(25, "fetch", state), false, Settled::Keep, 48), Step::Settled(state));
            assert_eq!(step(fetched(25, "fetch", state), false, Settled::Keep, 49), Step::Ask(Why::Recheck));
            assert_eq!(step(fetched(2, "fetch", state), false, Settled::Keep, 73), Step::Settled(state));
            assert_eq!(step(fetched(2, "load", state), false, Settled::Keep, 25), Step::Settled(state));
        }
    }

    #[test]
    fn what_a_clock_that_was_ahead_called_empty_is_not_settled() {
        let empty = |at: i64, source: &str| {
            Some(Entry { source: source.to_owned(), ..Entry::new(hour(), hour().plus(at).start(), State::Empty) })
        };
        for ahead in [12, 30, 70, 100] {
            assert_eq!(step(empty(5 + ahead, "fetch"), false, Settled::Keep, 5), Step::Ask(Why::Again), "{ahead}");
            assert_eq!(step(empty(70 + ahead, "fetch"), false, Settled::Keep, 70), Step::Ask(Why::Again), "{ahead}");
            assert_eq!(step(empty(1 + ahead, "fetch"), false, Settled::Keep, 1), Step::Settled(State::Empty));
            assert_eq!(step(empty(73 + ahead, "fetch"), false, Settled::Keep, 73), Step::Settled(State::Empty));
            assert_eq!(step(empty(5 + ahead, "load"), false, Settled::Keep, 5), Step::Settled(State::Empty));
        }
        assert_eq!(step(empty(30, "fetch"), false, Settled::Keep, 30), Step::Settled(State::Empty));
    }

    #[test]
    fn a_recheck_that_failed_is_tried_again() {
        let failed = Entry { error: Some("gone fishing".to_owned()), ..entry(State::Done).unwrap() };
        assert_eq!(step(Some(failed.clone()), false, Settled::Keep, 30), Step::Ask(Why::Recheck));
        assert_eq!(
            step(Some(failed), false, Settled::Keep, 73),
            Step::Settled(State::Done),
            "the service has deleted it"
        );
    }

    #[test]
    fn the_most_endangered_hour_comes_first_and_what_is_gone_last() {
        let newest = hour();
        let rechecked = newest.plus(-40);
        let entries = BTreeMap::from([(rechecked, Entry::new(rechecked, rechecked.plus(2).start(), State::Done))]);
        let unpublished = BTreeSet::new();
        let now = newest.plus(2).start();
        let known = Known { entries: &entries, unpublished, habits: &Habits::default(), now };
        let steps = known.plan(Hours::between(newest.plus(-80), newest), Settled::Keep);
        let ages: Vec<i64> = steps.iter().map(|(hour, _)| newest.number() - hour.number()).collect();
        assert_eq!(ages[..3], [70, 69, 68]);
        assert_eq!(ages[69..73], [40, 71, 72, 73]);
        let plan = Plan { steps, bytes: None };
        assert_eq!((plan.calls(), plan.expired().count()), (69 + 1 + 1, 10));
    }

    #[test]
    fn what_earlier_ranges_left_open_is_asked_for_when_it_should_be_gone() {
        let open = |at: i64, state: State| (hour().plus(at), Entry::new(hour().plus(at), hour().end(), state));
        let entries = BTreeMap::from([open(-99, State::Failed), open(-98, State::Lost), open(-20, State::Pending)]);
        let (habits, now) = (Habits::default(), hour().plus(2).start());
        let known = Known { entries: &entries, unpublished: BTreeSet::new(), habits: &habits, now };
        let steps = known.plan(Hours::between(hour(), hour().next()), Settled::Keep);
        assert_eq!(steps, [(hour(), Step::Ask(Why::First)), (hour().plus(-99), Step::Ask(Why::Expired))]);
    }

    #[test]
    fn bytes_are_expected_by_the_hour_of_the_day() {
        let past = |days: i64, hours: i64, bytes: u64| {
            let hour = hour().plus(-24 * days + hours);
            (hour, Entry { bytes, ..Entry::new(hour, hour.end(), State::Done) })
        };
        let entries = BTreeMap::from([past(1, 0, 100), past(2, 0, 300), past(1, 1, 5)]);
        let ask = |hours: i64| (hour().plus(hours), Step::Ask(Why::First));
        assert_eq!(expected_bytes(&entries, &[ask(0), ask(1), ask(2)]), Some(200 + 5 + 135));
        assert_eq!(expected_bytes(&entries, &[(hour(), Step::Wait)]), Some(0));
        assert_eq!(expected_bytes(&BTreeMap::new(), &[ask(0)]), None);
    }

    #[test]
    fn what_is_due_begins_where_the_service_was_first_asked() {
        let habits = Habits::default();
        let since = |entries: &[(i64, &str)]| {
            let entries = entries.iter().map(|(at, source)| {
                let state = if *at == -8000 { State::Lost } else { State::Done };
                let entry = Entry::new(hour().plus(*at), hour().end(), state);
                (entry.hour, Entry { source: (*source).to_owned(), ..entry })
            });
            let mut hours = due(&entries.collect(), &habits, hour().start());
            hours.next().map(|first| first.number() - hour().number())
        };
        assert_eq!(since(&[]), Some(-72), "all that the service still keeps");
        assert_eq!(since(&[(-9000, "load")]), Some(-72));
        assert_eq!(since(&[(-9000, "load"), (-500, "fetch"), (-400, "fetch")]), Some(-500));
        assert_eq!(since(&[(-8000, "fetch"), (-500, "fetch")]), Some(-500), "a year that was mistyped");
    }

    #[test]
    fn the_oldest_hour_that_is_first_asked_for_is_promised() {
        let promised = |steps: &[(i64, Step)], asked: &[i64]| {
            let steps: Vec<_> = steps.iter().map(|(at, step)| (hour().plus(*at), *step)).collect();
            let entry = |at: &i64| Entry::new(hour().plus(*at), hour().plus(at + 2).start(), State::Done);
            let entries = asked.iter().map(|at| Entry { source: "fetch".to_owned(), ..entry(at) });
            let entries = entries.map(|entry| (entry.hour, entry)).collect();
            newly_promised(&steps, &entries, &Habits::default()).map(|oldest| oldest.number() - hour().number())
        };
        let first = Step::Ask(Why::First);
        assert_eq!(promised(&[(0, first), (-70, first), (-60, first)], &[]), Some(-70));
        assert_eq!(promised(&[(-70, first)], &[-60]), Some(-70));
        assert_eq!(promised(&[(-70, first)], &[-80]), None, "it is promised already");
        let others = [Step::Ask(Why::Expired), Step::Ask(Why::Wanted), Step::Decode, Step::Wait];
        assert_eq!(promised(&others.map(|step| (-70, step)), &[]), None);
    }

    #[test]
    fn a_clock_that_is_behind_is_refused() {
        let entry = |source: &str| {
            let entry = Entry { source: source.to_owned(), ..Entry::new(hour(), hour().end(), State::Done) };
            BTreeMap::from([(hour(), entry)])
        };
        assert!(check_clock(&entry("fetch"), hour().end()).is_ok());
        let error = check_clock(&entry("fetch"), hour().start()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the archive holds 2026-03-14T09Z, which is not over yet by the clock of this machine: it says \
             2026-03-14T09:00:00Z"
        );
        assert!(check_clock(&entry("load"), hour().start()).is_ok(), "a file may be called anything");
    }

    #[test]
    fn calls_are_spread_over_minutes() {
        assert_eq!(time_under_quota(72, 10), Duration::from_secs(432));
        assert_eq!(time_under_quota(1, 0), Duration::from_secs(60));
    }
}
