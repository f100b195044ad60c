//! What stands behind a field, as what must be true of a message.

use std::ops::Range;

use chat::{BodyType, Timestamp};

use super::conversation::conversation_value;
use super::field::{Field, is_one_slip_away};
use super::moment::{day_of, moment};
use super::signs::TILDES;
use super::{Node, Pattern, Phrase, Place, QueryError, Span, Whole};
use crate::columns::Column;
use crate::facts::{ATTACHMENT, LOCATION, THUMBNAIL, fact};
use crate::fields::name_term;
use crate::fold::{fold_case, folded};

/// A text of the query: what it says, and where it stands, quotes included.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) at: Range<usize>,
    pub(super) style: Style,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Between white space, where some signs mean something.
    Bare,
    /// In quotes.
    Quoted,
    /// In quotes, with a `*` behind them.
    QuotedStart,
}

/// Body types by the words that people try, besides those of the wire.
const TYPES: [(&str, BodyType); 14] = [
    ("text", BodyType::Txt),
    ("image", BodyType::Img),
    ("picture", BodyType::Img),
    ("photo", BodyType::Img),
    ("pic", BodyType::Img),
    ("voice", BodyType::Audio),
    ("location", BodyType::Loc),
    ("place", BodyType::Loc),
    ("command", BodyType::Cmd),
    ("attachment", BodyType::File),
    ("document", BodyType::File),
    ("forward", BodyType::Combine),
    ("forwarded", BodyType::Combine),
    ("sub_combine", BodyType::Combine),
];

/// Kinds of conversations by the words that people try. Those that are shown to who made a mistake come first.
const CHATS: [(&str, &str); 13] = [
    ("chat", "chat"),
    ("group", "groupchat"),
    ("room", "chatroom"),
    ("thread", "thread"),
    ("groupchat", "groupchat"),
    ("chatroom", "chatroom"),
    ("single", "chat"),
    ("direct", "chat"),
    ("private", "chat"),
    ("one", "chat"),
    ("groups", "groupchat"),
    ("rooms", "chatroom"),
    ("threads", "thread"),
];

/// What a message can have. Those that are shown come first.
const HAVINGS: [(&str, &str); 8] = [
    ("attachment", ATTACHMENT),
    ("location", LOCATION),
    ("thumbnail", THUMBNAIL),
    ("attachments", ATTACHMENT),
    ("file", ATTACHMENT),
    ("place", LOCATION),
    ("thumb", THUMBNAIL),
    ("preview", THUMBNAIL),
];

impl Value {
    /// What must be true of a message that has this value in a field.
    pub(super) fn of_field(&self, field: &Field, now: Option<Timestamp>) -> Result<Node, QueryError> {
        if matches!(field, Field::From | Field::To | Field::With | Field::In | Field::File) {
            self.refuse_signs_of_words()?;
        }
        match field {
            Field::From => self.name(Column::From),
            Field::To => self.name(Column::To),
            Field::With => Ok(Node::Any(vec![self.name(Column::From)?, self.name(Column::To)?])),
            Field::In => self.conversation(),
            Field::Type => self.body_type(),
            Field::Chat => self.chosen("chat", fact::CHAT, &CHATS, 4),
            Field::Has => self.chosen("has", fact::HAS, &HAVINGS, 3),
            Field::File => self.file(),
            Field::Event => self.whole(Column::Facts, fact::EVENT, fold_case),
            Field::Custom => self.whole(Column::Facts, fact::CUSTOM, folded),
            Field::Attribute(path) => self.whole(Column::Facts, &format!("{path}="), folded),
            Field::After => self.time(now).map(|time| sent(Some(time.start), None)),
            Field::Before => self.time(now).map(|time| sent(None, Some(time.start))),
            Field::On => {
                let time = self.time(now)?;
                let span = if time.is_empty() { day_of(time.start) } else { time };
                Ok(sent(Some(span.start), Some(span.end)))
            }
        }
    }

    /// Slips and regular expressions are of words. No name has such signs, so that nothing would be found.
    fn refuse_signs_of_words(&self) -> Result<(), QueryError> {
        let text = self.text.as_str();
        let is_expression = text.len() > 2 && text.starts_with('/') && text.ends_with('/');
        let slips = text.rsplit_once(TILDES).map(|(_, slips)| slips);
        let has_slips = slips.is_some_and(|slips| !slips.is_empty() && slips.bytes().all(|byte| byte.is_ascii_digit()));
        if self.style != Style::Bare || !(is_expression || has_slips) {
            return Ok(());
        }
        let what = if is_expression { "a regular expression" } else { "`~`" };
        let message =
            format!("`{text}`: {what} is for words, not for the value of a field, where `*` stands for anything");
        Err(QueryError::new(self.at.clone(), message))
    }

    /// The words of a text, `None` when there is nothing in it to look for, like a dash between two words.
    pub(super) fn words(&self) -> Option<Phrase> {
        match self.style {
            Style::Quoted => Phrase::of(&self.text),
            Style::QuotedStart => Phrase::starting(&self.text),
            Style::Bare => match self.text.strip_suffix('*') {
                Some(start) => Phrase::starting(start),
                None => Phrase::of(&self.text),
            },
        }
    }

    fn name(&self, column: Column) -> Result<Node, QueryError> {
        self.whole(column, "", fold_case)
    }

    /// A value that is compared as a whole, or by its beginning, or by wildcards.
    fn whole(&self, column: Column, prefix: &str, fold: fn(&str) -> String) -> Result<Node, QueryError> {
        let exact = |text: &str| Whole::Exact(name_term(&format!("{prefix}{}", fold(text))).into_owned());
        let starts = |text: &str| Whole::Starts(format!("{prefix}{}", fold(text)));
        let text = self.text.as_str();
        let wild = (self.style == Style::Bare).then(|| text.find('*')).flatten();
        let value = match (self.style, wild) {
            (Style::QuotedStart, _) => starts(text),
            (_, None) => exact(text),
            (_, Some(at)) if at + 1 == text.len() => starts(text.get(..at).unwrap_or("")),
            (_, Some(_)) => self.wildcards(prefix, &fold(text))?,
        };
        Ok(Node::Is(column, value))
    }

    fn wildcards(&self, prefix: &str, glob: &str) -> Result<Whole, QueryError> {
        let pattern = Pattern::wildcards(prefix, glob);
        pattern
            .map(Whole::Like)
            .map_err(|reason| QueryError::new(self.at.clone(), format!("`{}`: {reason}", self.text)))
    }

    fn conversation(&self) -> Result<Node, QueryError> {
        let is_wild = self.style == Style::QuotedStart || (self.style == Style::Bare && self.text.contains('*'));
        self.whole(Column::In, "", if is_wild { fold_case } else { conversation_value })
    }

    fn body_type(&self) -> Result<Node, QueryError> {
        let lower = self.text.to_ascii_lowercase();
        let alias = TYPES.into_iter().find(|(alias, _)| *alias == lower).map(|(_, body)| body);
        match alias.or_else(|| lower.parse().ok()) {
            Some(body) => Ok(Node::Is(Column::Type, Whole::Exact(body.word().to_owned()))),
            None => {
                let words: Vec<_> = BodyType::ALL.into_iter().map(BodyType::word).collect();
                let aliases = TYPES.into_iter().map(|(alias, _)| alias);
                Err(self.no_such("type", &words, words.iter().copied().chain(aliases)))
            }
        }
    }

    /// One of a few words; the first `shown` are told to who wrote another.
    fn chosen(&self, field: &str, prefix: &str, choices: &[(&str, &str)], shown: usize) -> Result<Node, QueryError> {
        let lower = self.text.to_ascii_lowercase();
        match choices.iter().find(|(word, _)| *word == lower) {
            Some((_, meant)) => Ok(Node::Is(Column::Facts, Whole::Exact(format!("{prefix}{meant}")))),
            None => {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                Err(self.no_such(field, words.get(..shown).unwrap_or(&words), words.iter().copied()))
            }
        }
    }

    fn no_such<'w>(&self, field: &str, list: &[&str], words: impl Iterator<Item = &'w str>) -> QueryError {
        let word = &self.text;
        let lower = word.to_ascii_lowercase();
        let list = list.join(", ");
        let things = match field {
            "type" => "types",
            "chat" => "kinds",
            _ => "words",
        };
        let missing = match field {
            "type" => format!("there is no type `{word}`"),
            _ => format!("there is no `{field}:{word}`"),
        };
        let words: Vec<_> = words.collect();
        let near = words.iter().find(|known| is_one_slip_away(&lower, known));
        match near.or_else(|| words.iter().find(|known| is_short_for(&lower, known))) {
            Some(meant) => {
                QueryError::new(self.at.clone(), format!("{missing}, did you mean `{meant}`? The {things} are {list}"))
                    .suggesting((*meant).to_owned())
            }
            None => QueryError::new(self.at.clone(), format!("{missing}; the {things} are {list}")),
        }
    }

    fn file(&self) -> Result<Node, QueryError> {
        let wild = self.style == Style::Bare && self.text.contains(['*', '?']);
        if wild && self.text.contains('?') {
            return Ok(Node::Is(Column::Facts, self.wildcards(fact::FILE, &folded(&self.text))?));
        }
        if wild {
            return self.whole(Column::Facts, fact::FILE, folded);
        }
        self.words().map(|phrase| Node::Words(Place::File, phrase)).ok_or_else(|| nothing_to_look_for(self))
    }

    fn time(&self, now: Option<Timestamp>) -> Result<Range<i64>, QueryError> {
        moment(&self.text, now).map_err(|(message, suggestion)| {
            let error = QueryError::new(self.at.clone(), message);
            match suggestion {
                Some(suggestion) => error.suggesting(suggestion),
                None => error,
            }
        })
    }
}

/// The fewest letters that a word is shortened to.
const SHORTEST: usize = 3;

/// Whether a word is a longer one with letters left out: `grp` of `group`.
fn is_short_for(short: &str, long: &str) -> bool {
    let mut left = long.chars();
    let begins_alike = short.chars().next() == long.chars().next();
    short.len() >= SHORTEST && begins_alike && short.chars().all(|c| left.any(|other| other == c))
}

pub(super) fn nothing_to_look_for(value: &Value) -> QueryError {
    let shown = if value.style == Style::Bare { value.text.clone() } else { format!("\"{}\"", value.text) };
    QueryError::new(value.at.clone(), format!("`{shown}` has no letter, digit or picture to look for"))
}

fn sent(since: Option<i64>, until: Option<i64>) -> Node {
    Node::Sent(Span { since, until })
}
