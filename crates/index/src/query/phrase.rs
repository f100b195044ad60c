//! Tokens that follow one another.

use std::ops::Range;

use crate::tokens::{Kind, Tokens};

/// What a word or a quoted text of a query asks for: tokens at consecutive positions. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phrase {
    parts: Vec<Part>,
}

/// One token of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// This token.
    Exact(String),
    /// Any token that begins with this character of a dense script; the last part of a phrase only. In text the
    /// character may have a neighbour to pair with, which the query does not know.
    Starts(char),
}

impl Phrase {
    /// The phrase of a text, unless the text has nothing that could be looked for.
    ///
    /// A dense run at the end may go on in the text that is found, so its last character is not asked for alone. A run
    /// followed by something must end where it ends: its last character is.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let tokens = Tokens::of(text);
        let last = tokens.len().checked_sub(1)?;
        let parts = tokens.iter().enumerate().filter_map(|(position, (token, kind))| match kind {
            Kind::Last if position == last => None,
            Kind::Lone if position == last => token.chars().next().map(Part::Starts),
            _ => Some(Part::Exact(token.to_owned())),
        });
        Some(Self { parts: parts.collect() })
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
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
                .filter_map(move |(offset, part)| tokens.origin(start + offset, matches!(part, Part::Starts(_))))
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
            Self::Starts(first) => token.starts_with(*first),
        }
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
            ("潮", vec![Part::Starts('潮')]),
            ("第3号", vec![exact("第"), exact("3"), Part::Starts('号')]),
            ("潮汐 ok", vec![exact("潮汐"), exact("汐"), exact("ok")]),
            ("teo-77", vec![exact("teo"), exact("77")]),
        ] {
            assert_eq!(Phrase::of(text).unwrap().parts(), parts, "{text}");
        }
        assert_eq!(Phrase::of("—!"), None);
    }
}
