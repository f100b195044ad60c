//! The rows that may be copies: those whose message stands in several hours.
//!
//! Copies are rare, and nothing in a row says that it is one. So the ids of all rows are gone through once for each state
//! of the index. A row sets the bit of its id in a field of bits; an id whose bit was set already may repeat, and only of
//! such ids are the hours compared.

use std::sync::Arc;

use tantivy::{DocId, Searcher};

use crate::keys::Keys;
use crate::lots::{cores, on_each};

/// Bits for each row: of the rows that do not repeat, one in a dozen is compared for nothing. More bits would be farther away in
/// memory, which takes longer.
const BITS_A_ROW: u64 = 8;

/// The bits of all fields that are filled at a time at the most: 8 MB, of which there are two. An index with more rows is gone
/// through in turns.
const MOST_BITS: u64 = 1 << 26;

/// Cores that do a part at the most: each reads all ids anew, to find its own.
const MOST_SHARES: usize = 4;

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
        let mut found: Vec<Bits> = searcher.segment_readers().iter().map(|_| Bits::default()).collect();
        let shares = cores().min(MOST_SHARES);
        let turns = Turn::all(rows, shares as u64);
        let lots: Vec<_> = turns.chunks(turns.len().div_ceil(shares)).collect();
        let repeating = |lot: &[Turn]| lot.iter().flat_map(|turn| turn.repeating(searcher, keys)).collect::<Vec<_>>();
        for row in on_each(lots, repeating).into_iter().flatten() {
            mark(row, searcher, &mut found);
        }
        Self { segments: found.into_iter().map(Arc::new).collect() }
    }

    /// The rows of a segment that may be copies or have some.
    pub(crate) fn of_segment(&self, segment: usize) -> Arc<Bits> {
        self.segments.get(segment).cloned().unwrap_or_default()
    }
}

impl Bits {
    fn with(capacity: u64) -> Self {
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
    fn put(&mut self, number: u64) -> bool {
        let Some(word) = self.0.get_mut((number / 64) as usize) else { return false };
        let bit = 1 << (number % 64);
        let was_in = *word & bit != 0;
        *word |= bit;
        was_in
    }
}

/// Which ids were met, and which of them may have been met twice: those whose bit another has, too.
pub(crate) struct Met {
    bits: u64,
    once: Bits,
    twice: Bits,
}

impl Met {
    /// With a field for the ids of so many rows.
    pub(crate) fn for_rows(rows: u64) -> Self {
        Self::with((rows * BITS_A_ROW).next_power_of_two().max(64))
    }

    /// With a field of so many bits, a power of two.
    fn with(bits: u64) -> Self {
        Self { bits, once: Bits::with(bits), twice: Bits::with(bits) }
    }

    pub(crate) fn put(&mut self, message: u64) {
        let bit = bit_in(self.bits, message);
        if self.once.put(bit) {
            self.twice.put(bit);
        }
    }

    pub(crate) fn may_be_twice(&self, message: u64) -> bool {
        self.twice.has(bit_in(self.bits, message))
    }
}

/// The ids that are looked at together.
struct Turn {
    bits: u64,
    turn: u64,
    turns: u64,
}

impl Turn {
    /// As many for each core, of all ids of so many rows.
    fn all(rows: u64, cores: u64) -> Vec<Self> {
        let (bits, most) = (rows * BITS_A_ROW, (MOST_BITS / cores.next_power_of_two()).max(64));
        let turns = bits.div_ceil(most * cores).max(1) * cores;
        let bits = bits.div_ceil(turns).next_power_of_two().clamp(64, most);
        (0..turns).map(|turn| Self { bits, turn, turns }).collect()
    }

    /// The rows of messages that stand in several hours.
    fn repeating(&self, searcher: &Searcher, keys: &[Arc<Keys>]) -> Vec<Suspect> {
        let mut suspects = self.suspects(searcher, keys);
        suspects.sort_unstable();
        let groups = suspects.chunk_by(|one, other| one.message == other.message);
        let hour = |suspect: Option<&Suspect>| suspect.map(|suspect| suspect.hour);
        groups.filter(|group| hour(group.first()) != hour(group.last())).flatten().copied().collect()
    }

    /// The rows whose bit another row has too. Deleted rows may set bits, but are not among them.
    fn suspects(&self, searcher: &Searcher, keys: &[Arc<Keys>]) -> Vec<Suspect> {
        let mut met = Met::with(self.bits);
        for keys in keys {
            self.each(keys, |_, message| met.put(message));
        }
        let mut suspects = Vec::new();
        for (segment, (keys, reader)) in keys.iter().zip(searcher.segment_readers()).enumerate() {
            let mut values = Vec::new();
            self.each(keys, |value, message| {
                if met.may_be_twice(message) {
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

    /// Whether an id is looked at in this turn.
    fn has(&self, message: u64) -> bool {
        ((spread(message) >> 40) * self.turns) >> 24 == self.turn
    }

    /// Calls with the number of the value in its column and each id of this turn.
    fn each(&self, keys: &Keys, mut call: impl FnMut(u32, u64)) {
        let values = &keys.message.values;
        let (count, mut some) = (values.num_vals(), [0; AT_ONCE]);
        for start in (0..count).step_by(AT_ONCE) {
            let some = &mut some[..AT_ONCE.min((count - start) as usize)];
            values.get_range(u64::from(start), some);
            for (value, message) in (start..).zip(some) {
                if self.has(*message) {
                    call(value, *message);
                }
            }
        }
    }
}

/// The bit of an id in a field of so many, a power of two.
fn bit_in(bits: u64, message: u64) -> u64 {
    spread(message) & (bits - 1)
}

/// Ids that are like each other lie far apart: the service's have the time in their upper half, and of two hours many have
/// the same lower half. The last step of SplitMix64, of whose bits each depends on all of the id.
fn spread(message: u64) -> u64 {
    let message = (message ^ message >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let message = (message ^ message >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    message ^ message >> 31
}

/// Marks a row.
fn mark(row: Suspect, searcher: &Searcher, into: &mut [Bits]) {
    let Some(bits) = into.get_mut(row.segment) else { return };
    if bits.is_empty() {
        let rows = searcher.segment_readers().get(row.segment).map_or(0, tantivy::SegmentReader::max_doc);
        *bits = Bits::with(u64::from(rows));
    }
    bits.put(u64::from(row.doc));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_id_has_one_turn() {
        for (rows, cores) in [(0, 1), (1, 1), (1_000, 3), (4_000_000, 2), (100_000_000, 5), (3_000_000_000, 16)] {
            let turns = Turn::all(rows, cores);
            assert_eq!(turns.len() as u64 % cores, 0, "{rows} rows, {cores} cores");
            let bits = turns.iter().map(|turn| turn.bits).sum::<u64>();
            assert!(bits >= rows * BITS_A_ROW && cores * turns[0].bits <= MOST_BITS, "{rows} rows, {cores} cores");
            for id in (0..2_000).map(|number: u64| number.wrapping_mul(0x1537_87e0_0040_0001)).chain([0, u64::MAX]) {
                assert_eq!(turns.iter().filter(|turn| turn.has(id)).count(), 1, "id {id:x} of {} turns", turns.len());
            }
        }
    }

    /// The service's ids have seconds in their upper half, then milliseconds and a number that begins anew, see section 1.5 of
    /// the protocol.
    #[test]
    fn ids_that_differ_in_their_time_alone_have_bits_of_their_own() {
        for (step, count) in [(1u64, 100_000u64), (1 << 22, 100_000), (1 << 32, 100_000), (3_600_000 << 22, 20_000)] {
            let bits = (count * BITS_A_ROW).next_power_of_two();
            let ids = (0..count).map(|number| 0x1537_87e0_0000_0001u64.wrapping_add(number.wrapping_mul(step)));
            let met: BTreeSet<_> = ids.map(|id| bit_in(bits, id)).collect();
            assert!(met.len() as u64 > count * 9 / 10, "step {step}: {} bits of {count} ids", met.len());
        }
    }
}
