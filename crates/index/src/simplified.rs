//! Traditional Chinese characters as Simplified ones.
//!
//! One character stands for one; which words a character belongs to is not looked at. That is enough for a search: text
//! and query go through the same table, so that every spelling of a character meets every other.

use std::sync::LazyLock;

/// Pairs of Traditional and Simplified, from OpenCC (Apache-2.0); lines that begin with `#` say more.
const PAIRS: &str = include_str!("simplified.txt");

/// The characters that a plain array covers: Han and its extension A.
const FIRST: u32 = 0x3400;
const LAST: u32 = 0x9FFF;

static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

struct Table {
    /// What each of `FIRST..=LAST` is folded to, nearly always itself.
    dense: Vec<char>,
    /// The others, sorted by the Traditional form.
    sparse: Vec<(char, char)>,
}

/// The Simplified form of a character, or the character itself.
pub(crate) fn simplified(c: char) -> char {
    let code = u32::from(c);
    if code < FIRST {
        return c;
    }
    if code <= LAST {
        return TABLE.dense[(code - FIRST) as usize];
    }
    TABLE.sparse.binary_search_by_key(&c, |pair| pair.0).map_or(c, |found| TABLE.sparse[found].1)
}

impl Table {
    fn new() -> Self {
        let mut dense: Vec<char> = (FIRST..=LAST).filter_map(char::from_u32).collect();
        let mut sparse = Vec::new();
        for (from, to) in pairs() {
            match dense.get_mut((u32::from(from) - FIRST) as usize) {
                Some(slot) => *slot = to,
                None => sparse.push((from, to)),
            }
        }
        Self { dense, sparse }
    }
}

fn pairs() -> impl Iterator<Item = (char, char)> {
    PAIRS.lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        let mut characters = line.chars();
        std::iter::from_fn(move || Some((characters.next()?, characters.next()?)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traditional_meets_simplified() {
        for (traditional, expected) in
            [('體', '体'), ('灣', '湾'), ('漢', '汉'), ('龍', '龙'), ('臺', '台'), ('東', '东')]
        {
            assert_eq!(simplified(traditional), expected);
            assert_eq!(simplified(expected), expected);
        }
        for other in ['a', 'あ', '한', '🚢', '\u{10FFFF}', '中'] {
            assert_eq!(simplified(other), other);
        }
    }

    #[test]
    fn the_table_is_sorted_whole_and_leads_nowhere_twice() {
        let all: Vec<_> = pairs().collect();
        assert_eq!(all.len(), 3222);
        assert!(all.is_sorted_by(|one, other| one.0 < other.0));
        for (from, to) in all {
            assert_eq!(simplified(from), to);
            assert_eq!(simplified(to), to, "{from} {to}");
            assert!(u32::from(from) >= FIRST);
        }
    }
}
