//! Letters of Hangul.
//!
//! Unicode has them twice: as parts of syllables (U+1100–11FF), which composition puts together, and as letters that stand
//! alone (U+3131–318E, half-width U+FFA1–FFDC), which people type by themselves: `ㅋㅋ`, `ㅠㅠ`. NFKC makes the former of the
//! latter, and so syllables that nobody wrote: `사ㄳ` would hold no `사`, and `ㅋㅠ` would be `큐`. Here they stay alone; and parts
//! that make no syllable, as a text in NFKC has them, become such letters.

use std::option;

use unicode_normalization::{Decompositions, UnicodeNormalization};

/// The letters that are the parts from U+1100, from U+1161 and from U+11A8 on, in their order.
const INITIALS: &str = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
const VOWELS: &str = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ";
const FINALS: &str = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ";

/// The parts of a character by NFKD; a letter of Hangul that stands alone is itself, in full width.
pub(crate) fn decomposed(c: char) -> Decompositions<option::IntoIter<char>> {
    match c {
        '\u{3131}'..='\u{318E}' => c.nfd(),
        '\u{FFA1}'..='\u{FFDC}' => widened(c).nfd(),
        _ => c.nfkd(),
    }
}

/// A part of a syllable as a letter that stands alone; any other character is itself. Parts of old syllables have no such
/// letters, or are left apart.
pub(crate) fn apart(c: char) -> char {
    let (letters, first) = match c {
        '\u{1100}'..='\u{1112}' => (INITIALS, '\u{1100}'),
        '\u{1161}'..='\u{1175}' => (VOWELS, '\u{1161}'),
        '\u{11A8}'..='\u{11C2}' => (FINALS, '\u{11A8}'),
        // NFKC takes these two for old initials.
        '\u{111A}' => return 'ㅀ',
        '\u{1121}' => return 'ㅄ',
        _ => return c,
    };
    let place = u32::from(c) - u32::from(first);
    letters.chars().nth(place as usize).unwrap_or(c)
}

/// A half-width letter in full width: the blocks have one order, with gaps between the vowels of half width.
fn widened(c: char) -> char {
    let code = u32::from(c);
    let full = match code {
        0xFFA1..=0xFFBE => code - 0xFFA1 + 0x3131,
        0xFFC2..=0xFFC7 => code - 0xFFC2 + 0x314F,
        0xFFCA..=0xFFCF => code - 0xFFCA + 0x3155,
        0xFFD2..=0xFFD7 => code - 0xFFD2 + 0x315B,
        0xFFDA..=0xFFDC => code - 0xFFDA + 0x3161,
        other => other,
    };
    char::from_u32(full).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use unicode_normalization::char::decompose_compatible;

    use super::*;

    fn part(c: char) -> char {
        let mut part = c;
        decompose_compatible(c, |only| part = only);
        part
    }

    #[test]
    fn a_half_width_letter_is_the_full_width_one_of_the_same_part() {
        for c in ('\u{FFA1}'..='\u{FFDC}').filter(|c| part(*c) != *c) {
            assert_eq!(part(widened(c)), part(c), "{c:?}");
            assert!(('\u{3131}'..='\u{3163}').contains(&widened(c)), "{c:?}");
        }
    }

    #[test]
    fn every_modern_letter_is_made_of_its_part() {
        for c in '\u{3131}'..='\u{3163}' {
            assert_eq!(apart(part(c)), c, "{c:?}");
        }
        assert_eq!((apart('\u{11A8}'), apart('\u{11C2}'), apart('가')), ('ㄱ', 'ㅎ', '가'));
    }

    #[test]
    fn letters_that_stand_alone_are_left_alone() {
        let decomposed = |text: &str| text.chars().flat_map(decomposed).collect::<String>();
        assert_eq!(decomposed("ㄳㅋㅠㆎﾡￂ"), "ㄳㅋㅠㆎㄱㅏ");
        assert_eq!(decomposed("각ﾊ"), "\u{1100}\u{1161}\u{11A8}ハ");
    }
}
