//! The fields that a query can name.

use super::signs::{CLOSINGS, COLONS, OPENINGS};
use crate::facts::path;

/// What a value stands behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    /// The sender, ignoring case.
    From,
    /// The recipient, ignoring case.
    To,
    /// Either of them.
    With,
    /// The conversation: its whole key, or the bare id of a group, room or thread.
    In,
    /// The type of the first body.
    Type,
    /// The kind of the conversation.
    Chat,
    /// What the message has.
    Has,
    /// The name of the attached file.
    File,
    /// The name of an event.
    Event,
    /// The name of a custom event.
    Custom,
    /// A value of the attributes of a custom event or of the app's own, by the names that lead to it.
    Attribute(String),
    /// The time from which on a message was sent.
    After,
    /// The time before which it was.
    Before,
    /// The time in which it was.
    On,
}

const NAMES: [(&str, Field); 13] = [
    ("from", Field::From),
    ("to", Field::To),
    ("in", Field::In),
    ("type", Field::Type),
    ("with", Field::With),
    ("chat", Field::Chat),
    ("has", Field::Has),
    ("file", Field::File),
    ("event", Field::Event),
    ("custom", Field::Custom),
    ("after", Field::After),
    ("before", Field::Before),
    ("on", Field::On),
];

/// How many of the names are taken for meant even by one of [`WORDS`]: what follows them is asked for most.
const NEAR: usize = 4;

/// Words that are one slip away from a name, and that people put before a colon. `wit` and `too` are words, too, but none that
/// stand there. Those of `with` and `has`, `chat`, `file`, `ext` and of longer names, in this order.
const WORDS: [&str; 54] = [
    "wish", "width", "pith", "kith", "hash", "haas", "what", "that", "coat", "chit", "chap", "char", "chad", "chai",
    "cha", "cat", "hat", "chart", "chant", "cheat", "chats", "bile", "mile", "nile", "pile", "tile", "vile", "wile",
    "fire", "fine", "five", "fill", "film", "fils", "fila", "filo", "fie", "fle", "ile", "fille", "filed", "filer",
    "files", "filet", "next", "text", "even", "evens", "events", "evert", "alter", "aster", "rafter", "customs",
];

/// Other names that people try, and the field that they mean.
const ALIASES: [(&str, &str); 16] = [
    ("sender", "from"),
    ("author", "from"),
    ("recipient", "to"),
    ("receiver", "to"),
    ("conversation", "in"),
    ("group", "in"),
    ("room", "in"),
    ("thread", "in"),
    ("channel", "in"),
    ("kind", "type"),
    ("msgtype", "type"),
    ("bodytype", "type"),
    ("chattype", "chat"),
    ("filename", "file"),
    ("since", "after"),
    ("until", "before"),
];

/// What the names of attributes begin with.
const ATTRIBUTES: [&str; 2] = ["ext.", "custom."];

impl Field {
    /// The field of this name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        let known = NAMES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| field);
        known.or_else(|| {
            let begins = |start: &&str| {
                name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
                    && name.len() > start.len()
            };
            ATTRIBUTES.iter().any(begins).then(|| Self::Attribute(path(name)))
        })
    }

    /// An attribute that a text begins with whose names, some of them or all, stand in quotes, and what stands behind its
    /// colon: `ext."order id":7`. Quotes are left out, so that a point within them leads further, too, as `--promote` has it; `\\"` is one within them.
    pub(super) fn quoted(text: &str) -> Option<(Self, &str)> {
        let begins = |start: &&str| text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
        let start = ATTRIBUTES.into_iter().find(begins)?;
        let (mut name, mut is_open, mut has_quotes) = (String::new(), false, false);
        let mut characters = text.char_indices().peekable();
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' if is_open => {
                    let escaped = characters.next_if(|(_, next)| matches!(next, '\\' | '"'));
                    name.push(escaped.map_or(c, |(_, next)| next));
                }
                '"' => (is_open, has_quotes) = (!is_open, true),
                c if !is_open && COLONS.contains(&c) => {
                    let value = text.get(at + c.len_utf8()..)?;
                    return (has_quotes && name.len() > start.len()).then(|| (Self::Attribute(path(&name)), value));
                }
                c if !is_open && is_of_no_name(c) => return None,
                c => name.push(c),
            }
        }
        None
    }
}

/// Whether no name of an attribute has a character, but in quotes.
fn is_of_no_name(c: char) -> bool {
    c.is_whitespace() || OPENINGS.contains(&c) || CLOSINGS.contains(&c) || c == '/'
}

/// The name of the field that a mistaken name probably means. Names of one or two letters are left alone: they are words.
pub(super) fn meant_by(name: &str) -> Option<String> {
    let (head, path) = name.split_once('.').map_or((name, None), |(head, path)| (head, Some(path)));
    if !head.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
        return None;
    }
    let lower = head.replace('_', "").to_ascii_lowercase();
    if let Some(path) = path {
        let is_meant = !path.is_empty() && !WORDS.contains(&lower.as_str());
        let begin = ATTRIBUTES.into_iter().find(|begin| is_slip(&lower, begin.trim_end_matches('.')));
        return begin.filter(|_| is_meant).map(|begin| format!("{begin}{path}"));
    }
    let alias = ALIASES.into_iter().find(|(alias, _)| *alias == lower).map(|(_, name)| name);
    let near = || {
        let mut names = NAMES.iter().map(|(name, _)| *name).enumerate();
        names.find(|(at, name)| is_meant(&lower, name, *at)).map(|(_, name)| name)
    };
    alias.or_else(near).map(str::to_owned)
}

/// Whether a mistaken name is near enough to that of the field at a place of [`NAMES`].
fn is_meant(lower: &str, name: &str, at: usize) -> bool {
    is_slip(lower, name) && (at < NEAR || !WORDS.contains(&lower))
}

/// Whether a slip that leaves a name to be guessed leads to it. The shorter it is, the more words and abbreviations are near:
/// of three letters one may be more or two swapped, of two one may be doubled.
fn is_slip(lower: &str, name: &str) -> bool {
    let is_one_slip = || lower.len() > 2 && is_one_slip_away(lower, name);
    match name.len() {
        0..=2 => lower.len() > 2 && undoubled(lower) == name.as_bytes(),
        3 => is_one_slip() && (lower.len() > name.len() || is_a_swap(lower, name)),
        _ => is_one_slip(),
    }
}

fn undoubled(word: &str) -> Vec<u8> {
    let mut bytes = word.as_bytes().to_vec();
    bytes.dedup();
    bytes
}

/// Whether one insertion, deletion, replacement or swap of neighbours makes one ASCII word of the other.
pub(super) fn is_one_slip_away(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let (short, long) = (short.as_bytes(), long.as_bytes());
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short_rest, long_rest) = (short.get(same..).unwrap_or(&[]), long.get(same..).unwrap_or(&[]));
    match (short_rest, long_rest) {
        ([_, short_after @ ..], [_, long_after @ ..]) if short_after == long_after => true,
        ([a, b, short_after @ ..], [c, d, long_after @ ..]) if short_after == long_after => a == d && b == c,
        (rest, [_, long_after @ ..]) => rest == long_after,
        _ => false,
    }
}

fn is_a_swap(one: &str, other: &str) -> bool {
    let differing = one.bytes().zip(other.bytes()).filter(|(a, b)| a != b).count();
    one.len() == other.len() && differing == 2 && is_one_slip_away(one, other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_forgiven_and_two_are_not() {
        for slip in ["frm", "form", "frrom", "fron", "rom", "fromm"] {
            assert!(is_one_slip_away(slip, "from"), "{slip}");
        }
        for other in ["from", "fr", "morf", "frmo1", "http", ""] {
            assert!(!is_one_slip_away(other, "from"), "{other}");
        }
    }

    #[test]
    fn words_are_not_taken_for_slips() {
        for (name, meant) in [
            ("form", Some("from")),
            ("Sender", Some("from")),
            ("wiht", Some("with")),
            ("evnet", Some("event")),
            ("evnt", Some("event")),
            ("befor", Some("before")),
            ("Afer", Some("after")),
            ("costom", Some("custom")),
            ("since", Some("after")),
            ("until", Some("before")),
            ("filename", Some("file")),
            ("alter", None),
            ("events", None),
            ("what", None),
            ("that", None),
            ("line", None),
            ("even", None),
            ("no", None),
            ("note", None),
            ("wth", Some("with")),
            ("wit", Some("with")),
            ("cht", Some("chat")),
            ("chatt", Some("chat")),
            ("fil", Some("file")),
            ("filee", Some("file")),
            ("hass", Some("has")),
            ("hsa", Some("has")),
            ("onn", Some("on")),
            ("too", Some("to")),
            ("chat_type", Some("chat")),
            ("body_type", Some("type")),
            ("exts.seq", Some("ext.seq")),
            ("etx.Order.用户", Some("ext.Order.用户")),
            ("cutom.name", Some("custom.name")),
            ("cha", None),
            ("hs", None),
            ("fle", None),
            ("had", None),
            ("his", None),
            ("one", None),
            ("ton", None),
            ("width", None),
            ("files", None),
            ("text.a", None),
            ("next.js", None),
            ("customs.gov", None),
            ("example.com", None),
            ("exts.", None),
            ("custm.", None),
            ("77", None),
        ] {
            assert_eq!(meant_by(name).as_deref(), meant, "{name}");
        }
    }

    #[test]
    fn attributes_are_named_by_their_path() {
        assert_eq!(Field::named("EXT.Order.State"), Some(Field::Attribute("ext.order.state".to_owned())));
        assert_eq!(Field::named("ext.用户"), Some(Field::Attribute("ext.用户".to_owned())));
        assert_eq!(Field::named("custom.size"), Some(Field::Attribute("custom.size".to_owned())));
        assert_eq!((Field::named("ext."), Field::named("extra")), (None, None));
    }
}
