//! What was met first under each id.
//!
//! The service's ids grow with time, so that those of an hour come nearly in order. The newest lie in a small table; when
//! it is full, they become a run, sorted, in which only ids of its own stretch are ever looked for: most ids are beyond
//! every run, and cost a look at the bounds. A run has no slack, and old ones of a large hour lie in a temporary file. Ids
//! of another making make runs that interleave; these are merged, so that there are never many, and stay in memory.

mod shelf;

use std::hash::BuildHasher as _;
use std::io;

use rustc_hash::{FxBuildHasher, FxHashMap};

use shelf::Shelf;
pub(crate) use shelf::TemporaryFile;

/// Half a fingerprint by the number of an id.
pub(crate) struct Firsts {
    /// The newest, `recent.len() < RECENT`.
    recent: FxHashMap<u64, u64>,
    runs: Vec<Run>,
    /// The least and the greatest of what became a run: one odd id must not stretch its bounds.
    outermost: FxHashMap<u64, u64>,
    /// Runs that were put away.
    shelf: Shelf,
}

/// Ids and what was met under them, sorted, never empty.
struct Run {
    least: u64,
    greatest: u64,
    pairs: Vec<(u64, u64)>,
}

/// As many as a table of 32,768 places holds: half a megabyte, which stays in the processor's cache.
const RECENT: usize = 28_672;
/// Of so many ids one on each side is left out of a run.
const OUTERMOST: usize = 64;
/// Runs in memory, the oldest of which is put away when there are more: messages come again soon if they do.
const RUNS: usize = 4;

impl Firsts {
    /// `temporary_file` is asked for a file when there are many ids.
    pub(crate) fn new(temporary_file: TemporaryFile) -> Self {
        Self {
            recent: FxHashMap::default(),
            runs: Vec::new(),
            outermost: FxHashMap::default(),
            shelf: Shelf::new(temporary_file),
        }
    }

    /// With an id that could not be looked for.
    #[cfg(test)]
    pub(crate) fn illegible() -> Self {
        let file = tempfile::tempfile().unwrap();
        let cut = file.try_clone().unwrap();
        let mut files = vec![file];
        let mut firsts = Self::new(Box::new(move || files.pop().ok_or(io::ErrorKind::StorageFull.into())));
        (0..6 * RECENT as u64).for_each(|number| assert_eq!(firsts.meet(number, number), None));
        cut.set_len(7).unwrap();
        firsts.check().unwrap();
        assert_eq!(firsts.get(RECENT as u64 / 2), None);
        firsts
    }

    /// # Errors
    ///
    /// When an id could not be looked for: what was told of it may be wrong.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.shelf.check()
    }

    /// What was met first under an id; if nothing was, this is from now on.
    pub(crate) fn meet(&mut self, id: u64, half: u64) -> Option<u64> {
        if let Some(first) = self.get(id) {
            return Some(first);
        }
        self.recent.insert(id, half);
        if self.recent.len() == RECENT {
            self.end_run();
        }
        None
    }

    pub(crate) fn get(&self, id: u64) -> Option<u64> {
        let recent = self.recent.get(&id).or_else(|| self.outermost.get(&id)).copied();
        recent.or_else(|| self.runs.iter().find_map(|run| run.get(id))).or_else(|| self.shelf.get(id))
    }

    fn end_run(&mut self) {
        let mut pairs: Vec<_> = self.recent.drain().collect();
        pairs.sort_unstable();
        let outermost = RECENT / OUTERMOST;
        self.outermost.extend(pairs.drain(pairs.len() - outermost..));
        self.outermost.extend(pairs.drain(..outermost));
        pairs.shrink_to_fit();
        self.runs.push(Run::of(pairs));
        while let [.., before, last] = self.runs.as_slice()
            && last.interleaves(before)
        {
            let (last, before) = (self.runs.pop(), self.runs.pop());
            self.runs.extend(before.zip(last).map(|(before, last)| before.merge(last)));
        }
        self.put_away();
    }

    /// Only runs of a stretch of their own: in others ids are looked for again and again.
    fn put_away(&mut self) {
        while self.runs.len() > RUNS
            && let [oldest, others @ ..] = self.runs.as_slice()
            && !others.iter().any(|run| run.overlaps(oldest))
            && self.shelf.put(oldest).is_ok()
        {
            self.runs.remove(0);
        }
    }
}

impl Run {
    fn of(pairs: Vec<(u64, u64)>) -> Self {
        let (least, greatest) = (pairs[0].0, pairs[pairs.len() - 1].0);
        Self { least, greatest, pairs }
    }

    fn get(&self, id: u64) -> Option<u64> {
        if !(self.least..=self.greatest).contains(&id) {
            return None;
        }
        let place = self.pairs.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(self.pairs[place].1)
    }

    /// Whether ids are looked for in both, and to merge them is not to copy much for little.
    fn interleaves(&self, before: &Self) -> bool {
        let middle = before.pairs[before.pairs.len() / 2].0;
        self.least < middle && before.least < self.greatest && self.pairs.len() >= before.pairs.len() / 2
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.least <= other.greatest && other.least <= self.greatest
    }

    fn merge(mut self, other: Self) -> Self {
        self.pairs.extend(other.pairs);
        // Stable: it finds the two runs and merges them.
        self.pairs.sort();
        Self::of(self.pairs)
    }
}

/// The number of an id: that which its digits say, or a hash of other ids. A collision could only miscount a conflict.
pub(crate) fn number(id: &str) -> u64 {
    let is_number =
        (1..20).contains(&id.len()) && !id.starts_with('0') && id.bytes().all(|digit| digit.is_ascii_digit());
    if !is_number {
        return FxBuildHasher.hash_one(id);
    }
    id.bytes().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spreads numbers over all that there are.
    fn scattered(number: u64) -> u64 {
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xD1B5_4A32_D192_ED03)
    }

    /// Nearly in order, with odd ones among them.
    fn served(number: u64) -> u64 {
        if number % 1_000 == 999 { scattered(number) } else { (1 << 60) + (number ^ 5) * 4_194_304 }
    }

    fn firsts() -> Firsts {
        Firsts::new(Box::new(tempfile::tempfile))
    }

    fn check(id: fn(u64) -> u64, put_away: usize) {
        let count = 10 * RECENT as u64 + 77;
        let mut firsts = firsts();
        for number in 0..count {
            assert_eq!(firsts.meet(id(number), number), None, "{number}");
            assert_eq!(firsts.meet(id(number), count), Some(number), "at once");
            let earlier = number / 3;
            assert_eq!(firsts.meet(id(earlier), count), Some(earlier), "{earlier} at {number}");
        }
        assert!((0..count).all(|number| firsts.get(id(number)) == Some(number)));
        assert!((count..2 * count).all(|number| firsts.get(id(number)).is_none()));
        firsts.check().unwrap();
        assert!(firsts.runs.len() <= RUNS, "{} runs", firsts.runs.len());
        assert_eq!(firsts.shelf.len(), put_away);
    }

    #[test]
    fn ids_in_order_and_in_none_are_met_once() {
        check(served, 6);
        check(|number| number, 6);
        check(|number| u64::MAX - number, 6);
        check(scattered, 0);
    }

    #[test]
    fn runs_of_ids_in_order_keep_to_themselves() {
        let mut firsts = firsts();
        (0..4 * RECENT as u64).for_each(|number| assert_eq!(firsts.meet(served(number), number), None));
        assert_eq!(firsts.runs.len(), 4);
        assert!(firsts.runs.is_sorted_by(|run, next| run.greatest < next.least));
        let held: usize = firsts.runs.iter().map(|run| run.pairs.capacity()).sum();
        assert!(held <= 4 * RECENT, "no slack");
    }

    #[test]
    fn without_a_file_all_stays_in_memory() {
        let mut firsts = Firsts::new(Box::new(|| Err(io::ErrorKind::StorageFull.into())));
        let count = 7 * RECENT as u64;
        (0..count).for_each(|number| assert_eq!(firsts.meet(number, number), None));
        assert_eq!((firsts.runs.len(), firsts.shelf.len()), (7, 0));
        assert!((0..count).all(|number| firsts.get(number) == Some(number)));
        firsts.check().unwrap();
    }

    #[test]
    fn an_id_that_cannot_be_looked_for_is_told() {
        let firsts = Firsts::illegible();
        assert_eq!(firsts.check().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn digits_are_a_number_if_they_are_the_only_spelling_of_it() {
        assert_eq!(number("1234567890123456789"), 1_234_567_890_123_456_789);
        assert_eq!(number("7"), 7);
        let others = ["", "0", "07", "007", "7a", "+7", "12345678901234567890", "٣"];
        let numbers: std::collections::BTreeSet<u64> = others.iter().map(|id| number(id)).collect();
        assert_eq!(numbers.len(), others.len());
        assert!(!numbers.contains(&7));
    }
}
