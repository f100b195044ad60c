//! How words with accents were written: what lets the exact spelling come first.
//!
//! Folding makes `résumé` and `resume` one word, so that either finds both. A message that writes a word with accents has
//! besides a term of the folded word and its spelling, `resume␁résumé`; one that writes the word both ways has `resume␁resume`
//! too. Few messages have any, and a search in a script without accents never asks.

use std::ops::Range;

use crate::characters::{Character, class};
use crate::fold::spelling;
use crate::script::Class;
use crate::tokens::{Kind, Tokens};

/// Stands between a word and its spelling; folding leaves no such character in a token.
const BETWEEN: char = '\u{1}';
const BEHIND: char = '\u{2}';

/// The term of a word that is written in this way.
pub(crate) fn term(word: &str, written: &str) -> String {
    format!("{word}{BETWEEN}{written}")
}

/// All terms of a word: `start <= term < end`.
pub(crate) fn terms(word: &str) -> Range<String> {
    format!("{word}{BETWEEN}")..format!("{word}{BEHIND}")
}

/// Hands over the terms of a text.
pub(crate) fn each_term(text: &str, each: &mut dyn FnMut(String)) {
    if !is_accented(text) {
        return;
    }
    let tokens = Tokens::with_origins(text);
    let written: Vec<Option<String>> = (0..tokens.len()).map(|position| as_written(text, &tokens, position)).collect();
    for (position, spelled) in written.iter().enumerate() {
        let Some((word, Kind::Whole)) = tokens.get(position) else { continue };
        let has_accented_twin = || {
            let twin = |(other, spelled): (usize, &Option<String>)| {
                spelled.is_some() && tokens.get(other).is_some_and(|(token, _)| token == word)
            };
            written.iter().enumerate().any(twin)
        };
        match spelled {
            Some(spelled) => each(term(word, spelled)),
            None if has_accented_twin() => each(term(word, word)),
            None => {}
        }
    }
}

/// How the word at a position is written, when that is not how it is folded.
pub(crate) fn as_written(text: &str, tokens: &Tokens, position: usize) -> Option<String> {
    let (word, kind) = tokens.get(position)?;
    let written = text.get(tokens.origin(position, false)?)?;
    if kind != Kind::Whole || !is_accented(written) {
        return None;
    }
    Some(spelling(written)).filter(|spelled| spelled != word)
}

/// Whether a word could have been written with accents: digits and pictures could not.
pub(crate) fn may_be_accented(word: &str) -> bool {
    word.chars().all(|c| class(c) == Class::Word) && word.chars().any(|c| !c.is_ascii_digit())
}

fn is_accented(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|c| Character::of(c).is_accented())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms_of(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        each_term(text, &mut |term| all.push(term.replace(BETWEEN, "|")));
        all
    }

    #[test]
    fn only_words_with_accents_have_spellings() {
        for (text, expected) in [
            ("plain words 潮汐 ガギ हिन्दी", vec![]),
            ("Café au lait", vec!["cafe|café"]),
            ("cafe and CAFÉ", vec!["cafe|cafe", "cafe|café"]),
            ("Łódź", vec!["lodz|łódź"]),
            ("don't l'été", vec!["ete|été"]),
            ("Straße", vec![]),
        ] {
            assert_eq!(terms_of(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_is_told_from_numbers_and_pictures() {
        for (word, expected) in [("cafe", true), ("77", false), ("a7", true), ("⛵", false), ("@", false)] {
            assert_eq!(may_be_accented(word), expected, "{word}");
        }
    }
}
