//! What was said around a message, in the same conversation and across hours.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use archive::Projection;
use chat::{Entry, Hour, Hours, Message, Position, State, Timestamp};
use index::{Catalogue, Changes, Hit, Order, Place, Query, Request};

use crate::coverage::Coverage;
use crate::library::{Error, Library};

/// Messages that follow one another in a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The messages, by the time when they were sent.
    pub lines: Vec<Line>,
}

/// A message among others.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The row, in the columns that were asked for.
    pub message: Message<'static>,
    /// Whether it is one of those that were asked about.
    pub is_hit: bool,
    /// What became of it.
    pub changes: Changes,
    /// Hours that are not archived and lie between the message above and this one, by the times when they were sent, or begin
    /// there: there may be messages missing. An hour is missing once in a group.
    pub missing_before: Vec<Hour>,
}

/// Where a message stands in its conversation.
type Key = (Option<Timestamp>, Position);

/// The surroundings of one hit, or of several that are close.
struct Window {
    /// Keys of rows; `rows` is not empty.
    rows: BTreeMap<Key, Hit>,
    hits: BTreeSet<Position>,
    /// The place of its first hit among all.
    rank: usize,
}

impl Library {
    /// The messages before and after each of these, as many as `around` on either side; windows that overlap are joined. Groups
    /// come in the order of the first of their messages among `messages`, which have a conversation and a time if their rows do.
    ///
    /// # Errors
    ///
    /// As [`Library::ask`].
    pub async fn around(
        &self,
        messages: &[Message<'static>],
        around: usize,
        projection: Projection,
    ) -> Result<Vec<Group>, Error> {
        match self.around_once(messages, around, projection).await {
            Err(error) if error.may_be_gone() => {
                self.refresh()?;
                self.around_once(messages, around, projection).await
            }
            groups => groups,
        }
    }

    async fn around_once(
        &self,
        messages: &[Message<'static>],
        around: usize,
        projection: Projection,
    ) -> Result<Vec<Group>, Error> {
        let coverage = self.coverage().await?;
        let entries = self.archive.entries().await?;
        let mut groups = Vec::new();
        for window in self.windows(messages, around, &coverage)? {
            groups.push(self.group(window, projection, &entries, &coverage).await?);
        }
        Ok(groups)
    }

    fn windows(&self, messages: &[Message<'static>], around: usize, coverage: &Coverage) -> Result<Vec<Window>, Error> {
        let mut by_conversation: HashMap<String, Vec<Window>> = HashMap::new();
        for (rank, message) in messages.iter().enumerate() {
            let window = self.window(rank, message, around, coverage)?;
            // Without a conversation it has no neighbours.
            let of = message.conversation.as_deref().map_or_else(|| rank.to_string(), str::to_lowercase);
            by_conversation.entry(of).or_default().push(window);
        }
        let mut windows: Vec<_> = by_conversation.into_values().flat_map(joined).collect();
        windows.sort_by_key(|window| window.rank);
        Ok(windows)
    }

    fn window(
        &self,
        rank: usize,
        message: &Message<'static>,
        around: usize,
        coverage: &Coverage,
    ) -> Result<Window, Error> {
        let hit = hit_of(message);
        let mut rows = BTreeMap::from([(key(&hit), hit)]);
        if let (Some(catalogue), Some(conversation), Some(_)) =
            (&self.catalogue, &message.conversation, message.sent_at)
        {
            let side = Side { catalogue, conversation, coverage, around };
            let (before, after) = (side.beside(&hit, Order::Newest)?, side.beside(&hit, Order::Oldest)?);
            rows.extend(before.into_iter().chain(after).map(|hit| (key(&hit), hit)));
        }
        Ok(Window { rows, hits: [message.position].into(), rank })
    }

    async fn group(
        &self,
        window: Window,
        projection: Projection,
        entries: &BTreeMap<Hour, Entry>,
        coverage: &Coverage,
    ) -> Result<Group, Error> {
        let hits: Vec<Hit> = window.rows.into_values().collect();
        let mut gaps = Gaps { entries, next: None };
        let mut lines = Vec::new();
        for message in self.rows(&hits, projection).await? {
            lines.push(Line {
                is_hit: window.hits.contains(&message.position),
                changes: self.changes(&message, coverage)?,
                missing_before: message.sent_at.map_or_else(Vec::new, |time| gaps.before(time)),
                message,
            });
        }
        Ok(Group { lines })
    }
}

/// One conversation, as the index has it.
struct Side<'a> {
    catalogue: &'a Catalogue,
    conversation: &'a str,
    coverage: &'a Coverage,
    around: usize,
}

/// Messages of the very same instant that are asked for in addition.
const SPARE: usize = 32;

impl Side<'_> {
    /// The messages next to one: those before it when the newest come first, else those after it. Those without a time have no
    /// place in a conversation.
    ///
    /// Within an instant they are told in the order of their ids, and stand in a conversation in that of their lines. So all of the
    /// instants at both ends are asked for.
    fn beside(&self, hit: &Hit, order: Order) -> Result<Vec<Hit>, Error> {
        let mut limit = self.around.saturating_add(SPARE);
        loop {
            let asked = self.search(order, instant_of(hit, order), limit)?;
            let is_all = asked.len() < limit;
            let farthest = asked.last().and_then(|hit| hit.sent_at);
            let is_beside = |other: &Hit| match order {
                Order::Newest => key(other) < key(hit),
                _ => key(other) > key(hit),
            };
            let mut beside: Vec<Hit> =
                asked.into_iter().filter(|other| other.sent_at.is_some() && is_beside(other)).collect();
            beside.sort_by_key(key);
            if order == Order::Newest {
                beside.reverse();
            }
            beside.truncate(self.around);
            let is_whole = beside.len() == self.around && beside.last().is_some_and(|last| last.sent_at != farthest);
            if is_all || is_whole || self.around == 0 {
                return Ok(beside);
            }
            limit = limit.saturating_mul(2);
        }
    }

    fn search(&self, order: Order, after: Place, limit: usize) -> Result<Vec<Hit>, Error> {
        let request = Request {
            without: self.coverage.stale.clone(),
            after: Some(after),
            limit,
            order,
            ..Request::new(Query::in_conversation(self.conversation))
        };
        Ok(self.catalogue.search(&request)?.hits)
    }
}

/// The place before all messages of the instant of one, in an order of time.
fn instant_of(hit: &Hit, order: Order) -> Place {
    let step = if order == Order::Newest { 1 } else { -1 };
    let beyond = |time: Timestamp| Timestamp::from_timestamp_micros(time.timestamp_micros().saturating_add(step));
    Place { sent_at: hit.sent_at.and_then(beyond).or(hit.sent_at), ..hit.place() }
}

/// The same windows, those that have a row in common joined.
fn joined(mut windows: Vec<Window>) -> Vec<Window> {
    windows.sort_by_key(|window| window.rows.keys().next().copied());
    let mut joined: Vec<Window> = Vec::new();
    for window in windows {
        match joined.last_mut() {
            Some(last) if last.rows.keys().next_back() >= window.rows.keys().next() => last.take_in(window),
            _ => joined.push(window),
        }
    }
    joined
}

impl Window {
    fn take_in(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.hits.extend(other.hits);
        self.rank = self.rank.min(other.rank);
    }
}

/// The hours without an answer of the service, on a walk through messages by the times when they were sent.
///
/// A message may be served in an hour long after that in which it was sent: where it stands among others says nothing of the
/// hours that it was served in.
struct Gaps<'a> {
    entries: &'a BTreeMap<Hour, Entry>,
    /// The first hour that was not looked at; `None` before the first message.
    next: Option<Hour>,
}

impl Gaps<'_> {
    /// Those that were not told yet and begin before this time, of the hours from the first in the ledger to the last.
    fn before(&mut self, time: Timestamp) -> Vec<Hour> {
        let hour = Hour::containing(time);
        let end = if hour.start() == time { hour } else { hour.next() };
        let Some(next) = self.next.replace(end) else {
            self.next = Some(hour);
            return Vec::new();
        };
        let (Some((&first, _)), Some((&last, _))) = (self.entries.first_key_value(), self.entries.last_key_value())
        else {
            return Vec::new();
        };
        Hours::between(next.max(first), end.min(last)).filter(|hour| !self.is_known(*hour)).collect()
    }

    fn is_known(&self, hour: Hour) -> bool {
        self.entries.get(&hour).is_some_and(|entry| matches!(entry.state, State::Done | State::Empty))
    }
}

fn key(hit: &Hit) -> Key {
    (hit.sent_at, hit.position())
}

/// A row as the index would name it.
fn hit_of(message: &Message<'_>) -> Hit {
    let Position { source_hour, part, line } = message.position;
    Hit { source_hour, sent_at: message.sent_at, part, line, score: 0.0, message: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is missing before each of these times, in hours of a day of which 09Z, 10Z and 14Z are archived.
    fn missing(times: &[&str]) -> Vec<Vec<u32>> {
        let hour = |hour: &str| format!("2026-03-14T{hour}").parse::<Hour>().unwrap();
        let entry = |(key, state)| (hour(key), Entry::new(hour(key), hour(key).end(), state));
        let ledger = [("09", State::Done), ("10", State::Empty), ("12", State::Failed), ("14", State::Done)];
        let entries = ledger.into_iter().map(entry).collect();
        let mut gaps = Gaps { entries: &entries, next: None };
        let times = times.iter().map(|time| time.parse().unwrap());
        times.map(|time| gaps.before(time).into_iter().map(Hour::of_day).collect()).collect()
    }

    #[test]
    fn hours_are_missing_between_messages_by_when_they_were_sent() {
        let cases: [([&str; 3], [Vec<u32>; 3]); 4] = [
            (["09:57:00", "10:00:00", "14:10:00"], [vec![], vec![], vec![11, 12, 13]]),
            (["09:57:00", "13:00:00", "14:10:00"], [vec![], vec![11, 12], vec![13]]),
            (["11:10:00", "11:20:00", "14:00:00"], [vec![], vec![11], vec![12, 13]]),
            (["11:00:00", "13:30:00", "13:40:00"], [vec![], vec![11, 12, 13], vec![]]),
        ];
        for (times, expected) in cases {
            assert_eq!(
                missing(&times.map(|time| format!("2026-03-14T{time}Z")).each_ref().map(|time| &**time)),
                expected
            );
        }
        // The archive knows of nothing before its first hour and behind its last one.
        assert_eq!(missing(&["1970-01-01T00:00:00Z", "9999-03-14T09:30:00Z"]), [vec![], vec![11, 12, 13]]);
    }
}
