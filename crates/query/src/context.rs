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
    /// Hours between the message above and this one that are not archived: there may be messages missing.
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
        let mut above = None;
        let mut lines = Vec::new();
        for message in self.rows(&hits, projection).await? {
            let hour = message.position.source_hour;
            lines.push(Line {
                is_hit: window.hits.contains(&message.position),
                changes: self.changes(&message, coverage)?,
                missing_before: above.map_or_else(Vec::new, |above: Hour| missing(above, hour, entries)),
                message,
            });
            above = Some(hour);
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

/// The hours between two that hold no answer of the service.
fn missing(above: Hour, below: Hour, entries: &BTreeMap<Hour, Entry>) -> Vec<Hour> {
    let is_known =
        |hour: &Hour| entries.get(hour).is_some_and(|entry| matches!(entry.state, State::Done | State::Empty));
    Hours::between(above.next(), below).filter(|hour| !is_known(hour)).collect()
}

fn key(hit: &Hit) -> Key {
    (hit.sent_at, hit.position())
}

/// A row as the index would name it.
fn hit_of(message: &Message<'_>) -> Hit {
    let Position { source_hour, part, line } = message.position;
    Hit { source_hour, sent_at: message.sent_at, part, line, score: 0.0, message: 0 }
}
