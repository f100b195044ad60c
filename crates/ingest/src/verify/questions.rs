//! Queries made of what messages say.

use std::collections::BTreeMap;

use chat::{Message, Position};
use index::Query;
use rustc_hash::FxHashSet;

use super::search::Searches;

/// Messages that queries are made of; each gives several.
const SAMPLED: usize = 10_000;

/// How often a query is made for each that is wanted, until it is given up: a small archive does not say so much.
const TRIES: usize = 4;

/// Queries that every word of every message is held against, such as near words, are few: they cost the most.
const COSTLY: usize = 20;

/// Queries and how they are written, none twice.
#[derive(Debug, Default)]
pub(super) struct Questions {
    texts: Vec<String>,
    queries: Vec<Query>,
    known: FxHashSet<String>,
}

impl Questions {
    pub(super) fn into_parts(self) -> (Vec<String>, Vec<Query>) {
        (self.texts, self.queries)
    }

    fn add(&mut self, text: String, query: Query) {
        if self.known.insert(text.clone()) {
            self.texts.push(text);
            self.queries.push(query);
        }
    }
}

/// Messages drawn from all that are offered, the same for the same seed whatever their order.
#[derive(Debug)]
pub(super) struct Sample {
    /// The messages with the smallest numbers, by their numbers.
    drawn: BTreeMap<(u64, Position), Message<'static>>,
    size: usize,
    seed: u64,
}

impl Sample {
    pub(super) fn of(wanted: usize, seed: u64) -> Self {
        Self { drawn: BTreeMap::new(), size: wanted.min(SAMPLED), seed }
    }

    pub(super) fn offer(&mut self, message: &Message<'static>) {
        let key = (mixed(message.position, self.seed), message.position);
        let is_among_the_first =
            self.drawn.len() < self.size || self.drawn.last_key_value().is_some_and(|(last, _)| key < *last);
        if !is_among_the_first {
            return;
        }
        self.drawn.insert(key, message.clone());
        if self.drawn.len() > self.size {
            self.drawn.pop_last();
        }
    }

    /// The given queries, and those that the messages make.
    pub(super) fn questions(self, searches: &Searches) -> Questions {
        let mut questions = Questions::default();
        for (text, query) in &searches.given {
            questions.add(text.clone(), query.clone());
        }
        let wanted = questions.queries.len() + searches.made;
        let messages: Vec<_> = self.drawn.into_values().collect();
        let mut dice = Dice(mixed_number(self.seed));
        let mut costly = 0;
        for message in messages.iter().cycle().take(searches.made.saturating_mul(TRIES)) {
            if questions.queries.len() >= wanted {
                break;
            }
            let made = made_of(message, &messages, &mut dice, costly < COSTLY);
            if let Some((text, kind)) = made
                && let Ok(query) = Query::parse(&text)
            {
                costly += usize::from(kind == Kind::Costly);
                questions.add(text, query);
            }
        }
        questions
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cheap,
    Costly,
}

/// A query of the message's own words and columns; `None` when it has not what the dice ask for.
fn made_of(message: &Message<'_>, others: &[Message<'_>], dice: &mut Dice, may_cost: bool) -> Option<(String, Kind)> {
    let cheap = |text: String| Some((text, Kind::Cheap));
    match dice.below(20) {
        0..=3 => cheap(quoted(word(message, dice)?)),
        4..=6 => cheap(quoted(&piece(message, dice)?)),
        7 => cheap(quoted(&phrase(message, dice)?)),
        8 | 9 => cheap(format!("{}*", beginning(message, dice)?)),
        10 => cheap(filter(message, dice)?),
        11 => cheap(format!("{} {}", filter(message, dice)?, filter(message, dice)?)),
        12 | 13 => cheap(format!("{} {}", quoted(word(message, dice)?), filter(message, dice)?)),
        14 => cheap(format!("{} -{}", quoted(word(message, dice)?), filter(message, dice)?)),
        15 => {
            let other = others.get(dice.below(others.len()))?;
            cheap(format!("{} OR {}", quoted(word(message, dice)?), quoted(word(other, dice)?)))
        }
        16 => {
            let other = others.get(dice.below(others.len()))?;
            cheap(format!("{} -{}", quoted(word(message, dice)?), quoted(word(other, dice)?)))
        }
        17 => cheap(format!("{} {}", quoted(word(message, dice)?), quoted(word(message, dice)?))),
        18 => cheap(format!("file:{}", quoted(message.filename.as_deref()?))),
        _ if may_cost => Some((format!("{}~{}", letters(message, dice)?, 1 + dice.below(2)), Kind::Costly)),
        _ => None,
    }
}

/// A text as a phrase. What a query makes of the text's own signs is left to the query.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn text<'m>(message: &'m Message<'_>, dice: &mut Dice) -> Option<&'m str> {
    let texts: Vec<&str> = message.searchable().filter(|text| !text.is_empty()).collect();
    texts.get(dice.below(texts.len())).copied()
}

fn word<'m>(message: &'m Message<'_>, dice: &mut Dice) -> Option<&'m str> {
    let words: Vec<&str> = text(message, dice)?.split_whitespace().collect();
    words.get(dice.below(words.len())).copied()
}

/// One to four characters next to each other, of a script without spaces where there is one.
fn piece(message: &Message<'_>, dice: &mut Dice) -> Option<String> {
    let characters: Vec<char> = text(message, dice)?.chars().collect();
    let dense: Vec<usize> = (0..characters.len()).filter(|at| characters[*at] >= '\u{0E00}').collect();
    let at = *dense.get(dice.below(dense.len()))?;
    Some(characters.into_iter().skip(at).take(1 + dice.below(4)).collect())
}

/// Two or three words next to each other.
fn phrase(message: &Message<'_>, dice: &mut Dice) -> Option<String> {
    let words: Vec<&str> = text(message, dice)?.split_whitespace().collect();
    let at = dice.below(words.len().checked_sub(1)?);
    Some(words.into_iter().skip(at).take(2 + dice.below(2)).collect::<Vec<_>>().join(" "))
}

fn beginning(message: &Message<'_>, dice: &mut Dice) -> Option<String> {
    let letters = letters(message, dice)?;
    let count = letters.chars().count();
    Some(letters.chars().take(2 + dice.below(count - 1)).collect())
}

/// A word of letters and digits alone, of three at least.
fn letters(message: &Message<'_>, dice: &mut Dice) -> Option<String> {
    let letters: String = word(message, dice)?.chars().filter(|c| c.is_alphanumeric()).collect();
    (letters.chars().count() >= 3).then_some(letters)
}

fn filter(message: &Message<'_>, dice: &mut Dice) -> Option<String> {
    let value = |name: &str, value: &str| format!("{name}:{}", quoted(value));
    match dice.below(9) {
        0 => message.sender.as_deref().map(|sender| value("from", sender)),
        1 => message.recipient.as_deref().map(|recipient| value("to", recipient)),
        2 => message.conversation.as_deref().map(|conversation| value("in", conversation)),
        3 => message.body_type.map(|body| value("type", body.word())),
        4 => message.sender.as_deref().map(|sender| value("with", sender)),
        5 => message.custom_event.as_deref().map(|event| value("custom", event)),
        6 => message.sent_at.map(|time| format!("on:{}", time.format("%Y-%m-%dT%H"))),
        7 => message.sent_at.map(|time| format!("after:{}", time.format("%Y-%m-%d"))),
        _ => message.url.as_ref().map(|_| "has:attachment".to_owned()),
    }
}

/// Numbers that a seed decides.
struct Dice(u64);

impl Dice {
    /// A number below this one; 0 when there is none.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = mixed_number(self.0);
        usize::try_from(self.0 >> 1).unwrap_or(usize::MAX).checked_rem(bound).unwrap_or(0)
    }
}

/// A number of a place and a seed.
pub(super) fn mixed(position: Position, seed: u64) -> u64 {
    let hour = position.source_hour.number().cast_unsigned();
    let place = mixed_number(hour ^ (u64::from(position.part) << 40));
    mixed_number(place ^ mixed_number(position.line ^ mixed_number(seed)))
}

/// The step of SplitMix64.
fn mixed_number(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use chat::Hour;

    use super::*;

    fn sample(seed: u64, backwards: bool) -> Vec<String> {
        let message = |line: u64| Message {
            text: Some(format!("tide gauge {line} 潮汐表已经更新").into()),
            sender: Some("mara".into()),
            ..Message::at(Position { source_hour: Hour::from_number(500_000), part: 0, line })
        };
        let mut messages: Vec<_> = (1..200).map(message).collect();
        if backwards {
            messages.reverse();
        }
        let mut sample = Sample::of(50, seed);
        messages.iter().for_each(|message| sample.offer(message));
        let searches = Searches { made: 50, seed, given: vec![("x".to_owned(), Query::parse("x").unwrap())] };
        sample.questions(&searches).into_parts().0
    }

    #[test]
    fn a_seed_makes_the_same_queries_whatever_the_order_of_the_rows() {
        let first = sample(7, false);
        assert_eq!(first, sample(7, true));
        assert_ne!(first, sample(8, false));
        assert_eq!(first.first().map(String::as_str), Some("x"));
        assert!(first.len() > 40, "{first:?}");
        assert!(first.iter().any(|text| text.contains('*')) && first.iter().any(|text| text.contains("from:")));
    }
}
