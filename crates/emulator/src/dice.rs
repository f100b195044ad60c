//! Chance that is the same on every machine and in every version.

use chat::Hour;

/// SplitMix64: small, fast, and written down here, because the bytes of a generated hour must never change with a
/// dependency.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    /// Dice for one purpose within one hour; other hours and other salts throw independently.
    pub(crate) fn new(seed: u64, hour: Hour, salt: u64) -> Self {
        let mut dice = Self { state: seed };
        for number in [hour.number().cast_unsigned(), salt] {
            dice.state = dice.number() ^ number;
        }
        dice
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product: no division, and a bias below bound / 2^64.
        let product = u128::from(self.number()) * u128::from(bound);
        u64::try_from(product >> 64).expect("the high half of a u128 fits into a u64")
    }

    /// A place in a list of this length; 0 when it is empty.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("it is below a usize")
    }

    /// One of a list that is not empty.
    pub(crate) fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.place(list.len())]
    }

    /// One of some words; the empty one when there are none.
    pub(crate) fn word(&mut self, words: &[&'static str]) -> &'static str {
        words.get(self.place(words.len())).copied().unwrap_or_default()
    }

    /// Whether something of this probability happens.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        // 53 bits, exactly what an f64 holds.
        let unit = (self.number() >> 11) as f64 / (1u64 << 53) as f64;
        unit < probability
    }

    /// Whether something happens that happens so often in a million.
    pub(crate) fn per_million(&mut self, rate: u32) -> bool {
        self.below(1_000_000) < u64::from(rate)
    }

    /// A rank in `0..count` after Zipf's law: each doubling of the rank is as likely as the one before.
    pub(crate) fn rank(&mut self, count: u64) -> u64 {
        let doublings = u64::from(u64::BITS - count.leading_zeros());
        let low = 1u64 << self.below(doublings.max(1)).min(62);
        (low - 1 + self.below(low)).min(count.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice(salt: u64) -> Dice {
        Dice::new(1, "2026031409".parse().unwrap(), salt)
    }

    #[test]
    fn the_numbers_never_change() {
        let mut dice = Dice { state: 1_234_567 };
        // The published test vector of SplitMix64.
        assert_eq!(dice.number(), 6_457_827_717_110_365_317);
        assert_eq!(dice.number(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn numbers_stay_in_bounds() {
        let mut dice = dice(0);
        for count in [1, 2, 3, 10, 1000, u64::MAX] {
            for _ in 0..1000 {
                assert!(dice.rank(count) < count);
                assert!(dice.below(count) < count);
            }
        }
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.rank(0), 0);
    }

    #[test]
    fn low_ranks_are_the_common_ones() {
        let mut dice = dice(1);
        let mut first_ten = 0;
        for _ in 0..10_000 {
            first_ten += u32::from(dice.rank(1000) < 10);
        }
        // Zipf gives the first ten of a thousand about 39 %.
        assert!((3000..5000).contains(&first_ten), "{first_ten}");
    }

    #[test]
    fn purposes_are_independent() {
        assert_ne!(dice(0).number(), dice(1).number());
        let next = Dice::new(1, "2026031410".parse().unwrap(), 0).number();
        assert_ne!(dice(0).number(), next);
    }
}
