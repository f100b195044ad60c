//! The rows that may be copies: those whose message stands in several hours.
//!
//! Copies are rare, and nothing in a row says that it is one. So the ids of all rows are gone through once for each state
//! of the index. A row sets the bit of its id in a field of bits; an id whose bit was set already may repeat, and only of
//! such ids are the hours compared.

use std::sync::Arc;

use tantivy::{DocId, Searcher};

use crate::keys::Keys;

/// Bits for each row: of the rows that do not repeat, one in so many is compared for nothing.
const BITS_A_ROW: u64 = 32;

/// The bits of a field at the most: 32 MB, of which there are two. An index with more rows is gone through in turns.
const MOST_BITS: u64 = 1 << 28;

/// Ids that are read of a column at once.
const AT_ONCE: usize = 1 << 10;

/// For each segment a bit for each row.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    segments: Vec<Arc<Bits>>,
}

/// A set of small numbers; none where it is empty.
#[derive(Debug, Default)]
pub(crate) struct Bits(Vec<u64>);

/// A row that may repeat another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Suspect {
    message: u64,
    hour: i64,
    segment: usize,
    doc: DocId,
}

impl Repeats {
    /// Goes through the ids of all rows.
    pub(crate) fn of(searcher: &Searcher, keys: &[Arc<Keys>]) -> Self {
        let rows: u64 = searcher.segment_readers().iter().map(|segment| u64::from(segment.max_doc())).sum();
        let bits = (rows * BITS_A_ROW).next_power_of_two().clamp(64, MOST_BITS);
        let turns = (rows * BITS_A_ROW).div_ceil(MOST_BITS).max(1);
        let mut found: Vec<Bits> = searcher.segment_readers().iter().map(|_| Bits::default()).collect();
        for turn in 0..turns {
            let suspects = Turn { bits, turn, turns }.suspects(searcher, keys);
            mark(suspects, searcher, &mut found);
        }
        Self { segments: found.into_iter().map(Arc::new).collect() }
    }

    /// The rows of a segment that may be copies or have some.
    pub(crate) fn of_segment(&self, segment: usize) -> Arc<Bits> {
        self.segments.get(segment).cloned().unwrap_or_default()
    }
}

impl Bits {
    pub(crate) fn with(capacity: u64) -> Self {
        Self(vec![0; usize::try_from(capacity.div_ceil(64)).unwrap_or(usize::MAX)])
    }

    /// Whether no number can be in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        self.0.get((number / 64) as usize).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Puts a number in; whether it was in before.
    pub(crate) fn put(&mut self, number: u64) -> bool {
        let Some(word) = self.0.get_mut((number / 64) as usize) else { return false };
        let bit = 1 << (number % 64);
        let was_in = *word & bit != 0;
        *word |= bit;
        was_in
    }
}

/// The ids that are looked at together.
struct Turn {
    bits: u64,
    turn: u64,
    turns: u64,
}

impl Turn {
    /// The rows whose bit another row has too. Deleted rows may set bits, but are not among them.
    fn suspects(&self, searcher: &Searcher, keys: &[Arc<Keys>]) -> Vec<Suspect> {
        let (mut met, mut twice) = (Bits::with(self.bits), Bits::with(self.bits));
        for keys in keys {
            self.each(keys, |_, bit| {
                if met.put(bit) {
                    twice.put(bit);
                }
            });
        }
        let mut suspects = Vec::new();
        for (segment, (keys, reader)) in keys.iter().zip(searcher.segment_readers()).enumerate() {
            let mut values = Vec::new();
            self.each(keys, |value, bit| {
                if twice.has(bit) {
                    values.push(value);
                }
            });
            keys.message.index.select_batch_in_place(0, &mut values);
            let alive = reader.alive_bitset();
            let docs = values.into_iter().filter(|doc| alive.is_none_or(|alive| alive.is_alive(*doc)));
            suspects.extend(docs.filter_map(|doc| {
                let (message, hour) = (keys.message.first(doc)?, keys.hour.first(doc).unwrap_or(0));
                Some(Suspect { message, hour, segment, doc })
            }));
        }
        suspects
    }

    /// Calls with the number of the value in its column and the bit of each id of this turn.
    fn each(&self, keys: &Keys, mut call: impl FnMut(u32, u64)) {
        let values = &keys.message.values;
        let (count, mut some) = (values.num_vals(), [0; AT_ONCE]);
        for start in (0..count).step_by(AT_ONCE) {
            let some = &mut some[..AT_ONCE.min((count - start) as usize)];
            values.get_range(u64::from(start), some);
            for (value, message) in (start..).zip(some) {
                if self.turns == 1 || (spread(*message) >> 48) % self.turns == self.turn {
                    call(value, bit_in(self.bits, *message));
                }
            }
        }
    }
}

/// The bit of an id in a field of so many, a power of two.
pub(crate) fn bit_in(bits: u64, message: u64) -> u64 {
    (spread(message) >> 12) & (bits - 1)
}

/// Ids that are like each other lie far apart: the service's have the time in their upper half, and of two hours many have
/// the same lower half. The last step of SplitMix64, of whose bits each depends on all of the id.
fn spread(message: u64) -> u64 {
    let message = (message ^ message >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let message = (message ^ message >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    message ^ message >> 31
}

/// Marks the rows of messages that stand in several hours.
fn mark(mut suspects: Vec<Suspect>, searcher: &Searcher, into: &mut [Bits]) {
    suspects.sort_unstable();
    for group in suspects.chunk_by(|one, other| one.message == other.message) {
        let first = group.first().map(|suspect| suspect.hour);
        if group.last().map(|suspect| suspect.hour) == first {
            continue;
        }
        for suspect in group {
            let Some(bits) = into.get_mut(suspect.segment) else { continue };
            if bits.is_empty() {
                let rows = searcher.segment_readers().get(suspect.segment).map_or(0, tantivy::SegmentReader::max_doc);
                *bits = Bits::with(u64::from(rows));
            }
            bits.put(u64::from(suspect.doc));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The service's ids have seconds in their upper half, then milliseconds and a number that begins anew, see section 1.5 of
    /// the protocol.
    #[test]
    fn ids_that_differ_in_their_time_alone_have_bits_of_their_own() {
        for (step, count) in [(1u64, 100_000u64), (1 << 22, 100_000), (1 << 32, 100_000), (3_600_000 << 22, 20_000)] {
            let bits = (count * BITS_A_ROW).next_power_of_two();
            let ids = (0..count).map(|number| 0x1537_87e0_0000_0001u64.wrapping_add(number.wrapping_mul(step)));
            let met: BTreeSet<_> = ids.map(|id| bit_in(bits, id)).collect();
            assert!(met.len() as u64 > count * 24 / 25, "step {step}: {} bits of {count} ids", met.len());
        }
    }
}
