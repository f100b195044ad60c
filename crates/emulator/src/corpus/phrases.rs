//! Sentences in many languages: templates and words of our own, put together by chance.

mod cjk;
mod european;
mod others;

use std::fmt::Write as _;

use crate::dice::Dice;

/// How one language makes sentences.
///
/// In a template `#` and a letter stand for a word of a list: `#n` a thing, `#p` a place, `#w` a person, `#v` a deed, `#q`
/// a state, `#m` a time; `#d` is a number and `#t` a time of the day.
#[derive(Debug)]
pub(super) struct Language {
    /// As `ext` names it.
    pub(super) locale: &'static str,
    templates: &'static [&'static str],
    things: &'static [&'static str],
    places: &'static [&'static str],
    people: &'static [&'static str],
    deeds: &'static [&'static str],
    states: &'static [&'static str],
    times: &'static [&'static str],
    /// What people say most: very little.
    short: &'static [&'static str],
    /// What stands between two sentences.
    joint: &'static str,
}

/// Every language, with its weight among users.
static LANGUAGES: [(u64, &Language); 13] = [
    (32, &european::ENGLISH),
    (26, &cjk::CHINESE),
    (6, &cjk::TAIWANESE),
    (8, &cjk::JAPANESE),
    (6, &cjk::KOREAN),
    (6, &others::ARABIC),
    (4, &others::THAI),
    (3, &european::SPANISH),
    (2, &european::RUSSIAN),
    (2, &european::GERMAN),
    (2, &others::HINDI),
    (2, &others::VIETNAMESE),
    (1, &others::HEBREW),
];

const EMOJI: [&str; 20] = [
    "😀",
    "😂",
    "🥲",
    "👍",
    "👍🏽",
    "🙏",
    "🎉",
    "🔥",
    "❤️",
    "🚢",
    "⛵️",
    "🌊",
    "👩🏽‍🔧",
    "👨‍👩‍👧‍👦",
    "🇳🇴",
    "🇯🇵",
    "✨",
    "☕️",
    "🐟",
    "🌧️",
];

/// The language of a user or group.
pub(super) fn language_of(dice: &mut Dice) -> &'static Language {
    let total: u64 = LANGUAGES.iter().map(|(weight, _)| weight).sum();
    let mut thrown = dice.below(total);
    for (weight, language) in &LANGUAGES {
        match thrown.checked_sub(*weight) {
            None => return language,
            Some(rest) => thrown = rest,
        }
    }
    &european::ENGLISH
}

impl Language {
    /// Appends what somebody says: mostly a sentence or two, sometimes a word, seldom a page.
    pub(super) fn say(&self, dice: &mut Dice, into: &mut String) {
        match dice.below(1000) {
            0..20 => emoji(dice, into),
            20..130 => into.push_str(dice.word(self.short)),
            130..134 => self.sentences(dice, 20, into),
            _ => {
                let count = 1 + dice.rank(4);
                self.sentences(dice, count, into);
                if dice.below(12) == 0 {
                    into.push(' ');
                    emoji(dice, into);
                }
            }
        }
    }

    fn sentences(&self, dice: &mut Dice, count: u64, into: &mut String) {
        for nth in 0..count {
            if nth > 0 {
                into.push_str(self.joint);
            }
            self.sentence(dice, into);
        }
    }

    fn sentence(&self, dice: &mut Dice, into: &mut String) {
        let mut pieces = dice.word(self.templates).split('#');
        into.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let mut letters = piece.chars();
            match letters.next() {
                Some('d') => number(dice, into),
                Some('t') => time_of_day(dice, into),
                Some(slot) => into.push_str(self.word(slot, dice)),
                None => {}
            }
            into.push_str(letters.as_str());
        }
    }

    /// A word for a template's letter.
    fn word(&self, slot: char, dice: &mut Dice) -> &'static str {
        let list = match slot {
            'n' => self.things,
            'p' => self.places,
            'w' => self.people,
            'v' => self.deeds,
            'q' => self.states,
            'm' => self.times,
            _ => &[],
        };
        dice.word(list)
    }

    /// The name of a thing, for titles and file names.
    pub(super) fn thing(&self, dice: &mut Dice) -> &'static str {
        dice.word(self.things)
    }

    /// The name of a place.
    pub(super) fn place(&self, dice: &mut Dice) -> &'static str {
        dice.word(self.places)
    }
}

pub(super) fn emoji(dice: &mut Dice, into: &mut String) {
    for _ in 0..=dice.rank(3) {
        into.push_str(dice.word(&EMOJI));
    }
}

fn number(dice: &mut Dice, into: &mut String) {
    let bound = *dice.one_of(&[10, 100, 1000, 10_000]);
    let _infallible = write!(into, "{}", 1 + dice.below(bound));
}

fn time_of_day(dice: &mut Dice, into: &mut String) {
    let _infallible = write!(into, "{:02}:{:02}", dice.below(24), dice.below(12) * 5);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn dice() -> Dice {
        Dice::new(1, "2026031409".parse().unwrap(), 9)
    }

    #[test]
    fn every_template_uses_known_letters_and_every_list_has_words() {
        for (_, language) in &LANGUAGES {
            for template in language.templates {
                for piece in template.split('#').skip(1) {
                    let slot = piece.chars().next().unwrap();
                    assert!("npwvqmdt".contains(slot), "{template}");
                }
            }
            let lists =
                [language.things, language.places, language.people, language.deeds, language.states, language.times];
            for list in lists {
                assert!(list.len() >= 6, "{}: {list:?}", language.locale);
                assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len(), "{}: {list:?}", language.locale);
            }
            assert!(language.templates.len() >= 8 && language.short.len() >= 6, "{}", language.locale);
        }
    }

    #[test]
    fn few_sentences_are_said_twice() {
        for (_, language) in &LANGUAGES {
            let mut dice = dice();
            let said: HashSet<String> = (0..1000)
                .map(|_| {
                    let mut text = String::new();
                    language.sentence(&mut dice, &mut text);
                    text
                })
                .collect();
            assert!(said.len() > 800, "{}: {}", language.locale, said.len());
        }
    }

    #[test]
    fn every_language_is_somebodys() {
        let mut dice = dice();
        let spoken: HashSet<_> = (0..2000).map(|_| language_of(&mut dice).locale).collect();
        assert_eq!(spoken.len(), LANGUAGES.len());
    }
}
