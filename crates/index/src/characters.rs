//! What is known of each character, looked up instead of worked out.
//!
//! Folding and splitting ask about every character of every message. The answers are kept in pages of 256 characters,
//! each worked out when the first of its characters is met: a program that starts for one query pays for what it meets.

use std::sync::OnceLock;

use unicode_normalization::{IsNormalized, is_nfkc_quick};

use crate::fold::{belongs_to_the_one_before, compose, spelling};
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
        let mut characters = composed.chars();
        let folded = characters.next().filter(|_| characters.next().is_none());
        let inert = folded == Some(c) && is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes;
        let accented = !c.is_ascii() && spelling(c.encode_utf8(&mut [0; 4])) != composed;
        Self { class: class_of(c), joins: belongs_to_the_one_before(c), folded, inert, accented }
    }
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
            assert_eq!(found.accented, expected.accented, "{c:?}");
        }
    }
}
