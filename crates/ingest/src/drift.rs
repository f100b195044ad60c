//! What is new in an app's traffic: names that no column has, since when, and how often.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chat::{Hour, Message};
use decode::{JsonType, Place, Surplus};
use futures::TryStreamExt as _;
use store::{DataFile, Snapshot};

use crate::error::Error;
use crate::promote::{Fitted, Fitting};
use crate::workshop::Workshop;

/// Names that are told apart. Those that are met first stay; an app that puts ids in the place of names has any number.
const NAMES: usize = 10_000;
/// What is kept of a name, in characters.
const LONGEST_NAME: usize = 256;
/// How often the tables are looked at again while others replace their files.
const LOOKS: usize = 3;
/// The columns that are read.
const COLUMNS: [&str; 4] = ["source_hour", "body_type", "ext", "rest"];

/// What the rows of an archive say beside what its columns hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drift {
    /// Messages that were read.
    pub messages: u64,
    /// What was found, by the first hour, then the name, then the place.
    pub facts: Vec<Fact>,
    /// Times that names were met for which there was no room any more: see `facts` of a shorter range.
    pub left_out: u64,
    /// Messages whose `ext` or `rest` is not what this program writes, which say nothing here.
    pub unreadable: u64,
    /// What they have for the promoted columns.
    pub promoted: Vec<Fitted>,
}

/// A name that no column has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Where it stands.
    pub place: Place,
    /// The name; one of more than 256 characters is cut, with `…` at its end.
    pub name: String,
    /// The types of its values.
    pub types: BTreeSet<JsonType>,
    /// The first hour of the range in which it was met.
    pub first_hour: Hour,
    /// How often it was met.
    pub count: u64,
}

impl Workshop {
    /// Reads the messages of these hours for names that no column has. Reads four columns, a batch at a time.
    ///
    /// # Errors
    ///
    /// When the log or a file cannot be read.
    pub async fn drift(&self, range: Range<Hour>) -> Result<Drift, Error> {
        for _look in 1..LOOKS {
            match self.drift_once(&range).await {
                // Another writer has replaced a file meanwhile.
                Err(error) if store::is_gone(&error) => {}
                other => return other,
            }
        }
        self.drift_once(&range).await
    }

    async fn drift_once(&self, range: &Range<Hour>) -> Result<Drift, Error> {
        let snapshot = self.archive.snapshot().await?;
        let fitting = Fitting::of(&self.archive.promotions().await?);
        let mut met = Met { fitting, ..Met::default() };
        for file in snapshot.files() {
            let hours: BTreeSet<Hour> = file.hours.iter().copied().filter(|hour| range.contains(hour)).collect();
            if let Some(hour) = hours.first().copied() {
                let read = met.read(&snapshot, file, &hours).await;
                read.map_err(|source| Error::Rows { hour, source })?;
            }
        }
        Ok(met.drift())
    }
}

/// What was met so far; `facts.len() <= NAMES`.
#[derive(Default)]
struct Met {
    fitting: Fitting,
    facts: BTreeMap<(Place, String), Seen>,
    left_out: u64,
    unreadable: u64,
    surplus: Surplus,
}

struct Seen {
    types: BTreeSet<JsonType>,
    first_hour: Hour,
    count: u64,
}

impl Met {
    async fn read(
        &mut self,
        snapshot: &Snapshot,
        file: &DataFile,
        hours: &BTreeSet<Hour>,
    ) -> Result<(), archive::Error> {
        let mut batches = archive::read_columns(snapshot.reader(file), &COLUMNS, hours).await?;
        while let Some(batch) = batches.try_next().await? {
            batch.iter().for_each(|message| self.take(message));
        }
        Ok(())
    }

    fn take(&mut self, message: &Message<'_>) {
        let Self { facts, left_out, surplus, .. } = self;
        let found = |place: Place, name: &str, json: Option<JsonType>| {
            let key = (place, shortened(name));
            let is_full = facts.len() >= NAMES && !facts.contains_key(&key);
            if is_full {
                *left_out += 1;
                return;
            }
            let hour = message.position.source_hour;
            let seen = facts.entry(key).or_insert(Seen { types: BTreeSet::new(), first_hour: hour, count: 0 });
            seen.types.extend(json);
            seen.first_hour = seen.first_hour.min(hour);
            seen.count += 1;
        };
        let is_unreadable = surplus.of(message, found).is_err();
        self.fitting.take(message);
        self.unreadable += u64::from(is_unreadable);
    }

    fn drift(self) -> Drift {
        let fact = |((place, name), seen): ((Place, String), Seen)| {
            let Seen { types, first_hour, count } = seen;
            Fact { place, name, types, first_hour, count }
        };
        let mut facts: Vec<_> = self.facts.into_iter().map(fact).collect();
        // Stable, so that of two with the same name the place decides.
        facts.sort_by(|one, other| (one.first_hour, &one.name).cmp(&(other.first_hour, &other.name)));
        let Fitting { messages, columns: promoted } = self.fitting;
        Drift { messages, facts, left_out: self.left_out, unreadable: self.unreadable, promoted }
    }
}

fn shortened(name: &str) -> String {
    let mut characters = name.chars();
    let mut kept: String = characters.by_ref().take(LONGEST_NAME).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use chat::Position;

    use super::*;

    fn message(hour: i64, ext: String) -> Message<'static> {
        let hour = Hour::from_key("2026031409").unwrap().plus(hour);
        Message { ext: Some(ext.into()), ..Message::at(Position { source_hour: hour, part: 0, line: 1 }) }
    }

    fn drift_of(messages: &[Message<'_>]) -> Drift {
        let mut met = Met::default();
        messages.iter().for_each(|message| met.take(message));
        met.drift()
    }

    #[test]
    fn a_name_has_its_types_its_first_hour_and_its_count() {
        let drift = drift_of(&[
            message(1, r#"{"b":1}"#.to_owned()),
            message(0, r#"{"a":true,"b":"x"}"#.to_owned()),
            message(2, r#"{"A":[]}"#.to_owned()),
            message(2, "{".to_owned()),
        ]);
        let told: Vec<_> =
            drift.facts.iter().map(|fact| (fact.name.as_str(), fact.first_hour.of_day(), fact.count)).collect();
        assert_eq!(told, [("a", 9, 1), ("b", 9, 2), ("A", 11, 1)]);
        assert_eq!(drift.facts[1].types, BTreeSet::from([JsonType::Number, JsonType::String]));
        assert_eq!((drift.messages, drift.unreadable, drift.left_out), (4, 1, 0));
    }

    #[test]
    fn names_beyond_the_bound_are_counted() {
        let object = |first: usize, last: usize| {
            let members: Vec<_> = (first..last).map(|number| format!("\"id-{number}\":0")).collect();
            message(0, format!("{{{}}}", members.join(",")))
        };
        let drift = drift_of(&[object(0, NAMES - 1), object(0, NAMES + 5), object(NAMES - 2, NAMES + 1)]);
        assert_eq!((drift.facts.len(), drift.left_out), (NAMES, 6));
        let of =
            |number: usize| drift.facts.iter().find(|fact| fact.name == format!("id-{number}")).map(|fact| fact.count);
        assert_eq!((of(NAMES - 1), of(NAMES)), (Some(2), None), "one that is known is counted on");
    }

    #[test]
    fn a_long_name_is_cut() {
        let name = |length| "港".repeat(length);
        let drift = drift_of(&[message(0, format!("{{\"{}\":0,\"{}\":0}}", name(256), name(257)))]);
        let names: Vec<_> = drift.facts.into_iter().map(|fact| fact.name).collect();
        assert_eq!(names, [name(256), format!("{}…", name(256))]);
    }
}
