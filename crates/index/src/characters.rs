//! What is known of each character, looked up instead of worked out.
//!
//! Folding and splitting ask about every character of every message. The answers are kept in pages of 256 characters,
//! each worked out when the first of its characters is met: a program that starts for one query pays for what it meets.

use std::iter::once;
use std::sync::OnceLock;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick, is_nfkc_quick};

use crate::fold::{ZERO_WIDTH_SPACE, belongs_to_the_one_before, compose, composed_spelling, is_nikhahit};
use crate::script::{Class, class_of};

const PAGE: usize = 256;

/// The pages up to U+3FFFF; beyond there is nothing but tags and private use.
const PAGES: usize = 0x400;

static TABLE: [OnceLock<Box<[Character; PAGE]>>; PAGES] = [const { OnceLock::new() }; PAGES];

/// What is known of a character.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Character {
    class: Class,
    joins: bool,
    /// What it folds to, alone in its cluster, where that is one character.
    folded: Option<char>,
    /// The same, where nothing else is to be done with it.
    plain: Option<char>,
    /// How it is spelled, where that is one character that no other joins with.
    spelled: Option<char>,
    inert: bool,
    accented: bool,
}

impl Character {
    pub(crate) fn of(c: char) -> Self {
        let code = c as usize;
        match TABLE.get(code / PAGE) {
            Some(page) => page.get_or_init(|| Box::new(page_of(code / PAGE)))[code % PAGE],
            None => Self::work_out(c),
        }
    }

    pub(crate) fn class(self) -> Class {
        self.class
    }

    /// Whether it belongs to the cluster of the character before.
    pub(crate) fn joins(self) -> bool {
        self.joins
    }

    /// What it folds to when it is alone in its cluster; `None` when that is not one character.
    pub(crate) fn folded(self) -> Option<char> {
        self.folded
    }

    /// What it folds to when it is alone in its cluster, if that is all there is to it.
    pub(crate) fn plain(self) -> Option<char> {
        self.plain
    }

    /// How it is spelled, in whatever word; `None` when that is not one character, or depends on the others.
    pub(crate) fn spelled(self) -> Option<char> {
        self.spelled
    }

    /// Whether a cluster of such characters is folded already, if it is in NFKC.
    pub(crate) fn is_inert(self) -> bool {
        self.inert
    }

    /// Whether folding takes an accent away, or makes a plain letter of it.
    pub(crate) fn is_accented(self) -> bool {
        self.accented
    }

    fn work_out(c: char) -> Self {
        let mut composed = String::new();
        compose(c.encode_utf8(&mut [0; 4]), &mut composed);
        let class = class_of(c);
        let folded = only(&composed);
        let plain = folded.filter(|_| class != Class::Symbol && c != ZERO_WIDTH_SPACE);
        let spelling = composed_spelling(c.encode_utf8(&mut [0; 4]));
        let stands_alone = |c: &char| canonical_combining_class(*c) == 0 && is_nfc_quick(once(*c)) == IsNormalized::Yes;
        // A part of a syllable is spelled as a letter only where it stands alone.
        let joins_none = is_nfc_quick(once(c)) != IsNormalized::Maybe;
        let spelled = only(&spelling).filter(|spelled| joins_none && stands_alone(spelled));
        let inert = folded == Some(c) && is_nfkc_quick(once(c)) == IsNormalized::Yes && !is_nikhahit(c);
        let accented = !c.is_ascii() && spelling != composed;
        Self { class, joins: belongs_to_the_one_before(c), folded, plain, spelled, inert, accented }
    }
}

/// The character of a text that has a single one.
fn only(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

fn page_of(number: usize) -> [Character; PAGE] {
    std::array::from_fn(|place| {
        let code = u32::try_from(number * PAGE + place).unwrap_or(u32::MAX);
        // A surrogate is no character and is never asked for.
        Character::work_out(char::from_u32(code).unwrap_or(' '))
    })
}

/// The part a folded character plays.
pub(crate) fn class(c: char) -> Class {
    Character::of(c).class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_up_is_what_would_be_worked_out() {
        for c in ('\0'..='\u{FFFF}').step_by(7).chain(['🚢', '\u{20000}', '\u{3FFFF}', '\u{E0020}', char::MAX]) {
            let (found, expected) = (Character::of(c), Character::work_out(c));
            assert_eq!((found.class, found.joins), (expected.class, expected.joins), "{c:?}");
            assert_eq!((found.folded, found.inert), (expected.folded, expected.inert), "{c:?}");
            assert_eq!((found.plain, found.spelled), (expected.plain, expected.spelled), "{c:?}");
            assert_eq!(found.accented, expected.accented, "{c:?}");
        }
    }
}
