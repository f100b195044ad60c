//! Which rows are the first of their message: those of the earliest hour that has its id.
//!
//! Hours have few copies of others' messages, so that only ids are held that may be of two hours. A first pass over the ids
//! of all hours finds these, with a table of bits in which some ids share a bit and are held in vain; a second pass learns
//! the earliest hour of each.

use std::hash::{BuildHasher as _, BuildHasherDefault};

use chat::{Hour, Message};
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use super::choice::Choice;
use super::error::ExportError;
use super::tables::Tables;

/// The number of bits is two to this: 32 MiB. Of ten million ids about 190,000 are held in vain.
const BITS: u32 = 28;

/// The earliest hour of each id that may be in several.
pub(super) struct Firsts {
    earliest: FxHashMap<String, Hour>,
}

impl Firsts {
    /// Reads the ids of these hours, which are in order.
    pub(super) async fn of(tables: &mut Tables, hours: &[Hour]) -> Result<Self, ExportError> {
        let (mut seen, mut several) = (Seen::new(), FxHashSet::default());
        each_id(tables, hours, |id, _| {
            if seen.is_again(id) {
                several.insert(id.to_owned());
            }
        })
        .await?;
        drop(seen);
        let mut earliest = FxHashMap::default();
        each_id(tables, hours, |id, hour| {
            if several.contains(id) {
                earliest.entry(id.to_owned()).or_insert(hour);
            }
        })
        .await?;
        Ok(Self { earliest })
    }

    /// Whether no earlier hour has the message. One without an id is the first of its own.
    pub(super) fn is_first(&self, message: &Message<'_>) -> bool {
        let earliest = message.msg_id.as_deref().and_then(|id| self.earliest.get(id));
        earliest.is_none_or(|hour| *hour >= message.position.source_hour)
    }
}

async fn each_id(tables: &mut Tables, hours: &[Hour], mut take: impl FnMut(&str, Hour)) -> Result<(), ExportError> {
    for hour in hours {
        let mut rows = tables.read(*hour, Some(&["msg_id", "source_hour"]), Choice::default()).await?;
        while let Some(batch) = rows.next().await? {
            for messages in batch.messages() {
                let messages = messages.map_err(|source| rows.unreadable(source))?;
                messages.iter().filter_map(|message| message.msg_id.as_deref()).for_each(|id| take(id, *hour));
            }
        }
    }
    Ok(())
}

/// A bit for each of many hashes.
struct Seen {
    words: Vec<u64>,
}

impl Seen {
    fn new() -> Self {
        Self { words: vec![0; 1 << (BITS - 6)] }
    }

    /// Notes an id, and says whether one of the same bit was noted before.
    fn is_again(&mut self, id: &str) -> bool {
        // The hasher's upper bits are its best.
        let hash = BuildHasherDefault::<FxHasher>::default().hash_one(id) >> (u64::BITS - BITS);
        let (word, bit) = (&mut self.words[(hash / 64) as usize], 1 << (hash % 64));
        let again = *word & bit != 0;
        *word |= bit;
        again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ids_are_taken_for_seen() {
        let mut seen = Seen::new();
        let ids = || (0..200_000_u64).map(|number| (874_788_964_261_693_432 + number * 4_194_304).to_string());
        let in_vain = ids().filter(|id| seen.is_again(id)).count();
        // A fair hash takes some 75 of them for others.
        assert!(in_vain < 400, "{in_vain}");
        assert!(ids().all(|id| seen.is_again(&id)));
    }
}
