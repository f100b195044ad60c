//! Tokens that follow one another.

use std::ops::Range;

use crate::characters::class;
use crate::script::{Class, is_symbol};
use crate::spellings::{as_written, may_be_accented};
use crate::tokens::{Kind, Tokens};

/// What a word or a quoted text of a query asks for: tokens at consecutive positions. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase {
    parts: Vec<Part>,
    /// Of each part, how it was written, when that is not how it is folded.
    written: Vec<Option<String>>,
}

/// One token of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// This token.
    Exact(String),
    /// Any token that begins like this; the last part of a phrase only.
    Starts(String),
}

impl Phrase {
    /// The phrase of a text, unless the text has nothing that could be looked for.
    ///
    /// A dense run at the end may go on in the text that is found, so its last character is not asked for alone; where it is
    /// the only one, it may have a neighbour to pair with. A run followed by something must end where it ends: its last
    /// character is asked for. A picture at the end may be tied to others.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::read(text, false)
    }

    /// The same, where the last word may go on too.
    pub(crate) fn starting(text: &str) -> Option<Self> {
        Self::read(text, true)
    }

    fn read(text: &str, goes_on: bool) -> Option<Self> {
        let tokens = Tokens::with_origins(text);
        let last = tokens.len().checked_sub(1)?;
        let goes_on = goes_on && tokens.reach_the_end();
        let (mut parts, mut written) = (Vec::new(), Vec::new());
        for (position, (token, kind)) in tokens.iter().enumerate() {
            let is_open = kind == Kind::Lone || goes_on || token.chars().next().is_some_and(is_symbol);
            match kind {
                Kind::Last if position == last => continue,
                Kind::Lone | Kind::Whole if position == last && is_open => parts.push(Part::Starts(token.to_owned())),
                _ => parts.push(Part::Exact(token.to_owned())),
            }
            written.push(as_written(text, &tokens, position));
        }
        Some(Self { parts, written })
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The words that could be written with accents, each with how this phrase writes it.
    pub(crate) fn spellings(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.parts.iter().zip(&self.written).filter_map(|(part, written)| match part {
            Part::Exact(token) if may_be_accented(token) => Some((token.as_str(), written.as_deref())),
            _ => None,
        })
    }

    pub(super) fn occurs(&self, tokens: &Tokens) -> bool {
        self.starts(tokens).next().is_some()
    }

    /// The bytes of the original of every token of every occurrence.
    pub(super) fn origins<'a>(&'a self, tokens: &'a Tokens) -> impl Iterator<Item = Range<usize>> + 'a {
        self.starts(tokens).flat_map(move |start| {
            self.parts
                .iter()
                .enumerate()
                .filter_map(move |(offset, part)| tokens.origin(start + offset, part.is_of_a_pair()))
        })
    }

    /// The positions at which the phrase begins.
    fn starts<'a>(&'a self, tokens: &'a Tokens) -> impl Iterator<Item = usize> + 'a {
        let room = (tokens.len() + 1).saturating_sub(self.parts.len());
        (0..room).filter(move |start| {
            self.parts
                .iter()
                .enumerate()
                .all(|(offset, part)| tokens.get(start + offset).is_some_and(|(token, _)| part.is(token)))
        })
    }
}

impl Part {
    fn is(&self, token: &str) -> bool {
        match self {
            Self::Exact(exact) => token == exact,
            Self::Starts(first) => token.starts_with(first),
        }
    }

    /// Whether it is one character of a dense script, and the token that is found may have another.
    fn is_of_a_pair(&self) -> bool {
        matches!(self, Self::Starts(first) if first.chars().next().is_some_and(|c| class(c) == Class::Dense))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_dense_run_is_open_and_its_middle_is_not() {
        let exact = |text: &str| Part::Exact(text.to_owned());
        for (text, parts) in [
            ("潮汐表", vec![exact("潮汐"), exact("汐表")]),
            ("潮", vec![Part::Starts("潮".to_owned())]),
            ("第3号", vec![exact("第"), exact("3"), Part::Starts("号".to_owned())]),
            ("潮汐 ok", vec![exact("潮汐"), exact("汐"), exact("ok")]),
            ("teo-77", vec![exact("teo"), exact("77")]),
            ("ok 👩", vec![exact("ok"), Part::Starts("👩".to_owned())]),
            ("👩 ok", vec![exact("👩"), exact("ok")]),
        ] {
            assert_eq!(Phrase::of(text).unwrap().parts(), parts, "{text}");
        }
        assert_eq!(Phrase::of("—!"), None);
    }

    #[test]
    fn a_beginning_is_of_the_last_word_only() {
        let exact = |text: &str| Part::Exact(text.to_owned());
        let starts = |text: &str| Part::Starts(text.to_owned());
        for (text, parts) in [
            ("har", vec![starts("har")]),
            ("tide ga", vec![exact("tide"), starts("ga")]),
            ("teo-", vec![exact("teo")]),
            ("潮汐", vec![exact("潮汐")]),
            ("潮", vec![starts("潮")]),
        ] {
            assert_eq!(Phrase::starting(text).unwrap().parts(), parts, "{text}");
        }
    }
}
