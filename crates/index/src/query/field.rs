//! The fields that a query can name.

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

/// How many of the names are taken for meant when any one slip leads to them. Short ones behind are near to words that people
/// put before a colon (`what:`, `line:`), and are meant only where two letters have changed places.
const NEAR: usize = 4;

/// A name of so many letters is meant when any one slip leads to it, unless the slip is one of [`WORDS`].
const LONG: usize = 5;

/// Words that are one slip away from a long name.
const WORDS: [&str; 8] = ["even", "evens", "events", "evert", "alter", "aster", "rafter", "customs"];

/// Other names that people try, and the field that they mean.
const ALIASES: [(&str, &str); 15] = [
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
}

/// The name of the field that a mistaken name probably means. Names of one or two letters are left alone: they are words.
pub(super) fn meant_by(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let alias = ALIASES.into_iter().find(|(alias, _)| *alias == lower).map(|(_, name)| name);
    alias.or_else(|| {
        let mut names = NAMES.iter().map(|(name, _)| *name).enumerate();
        names.find(|(at, name)| is_meant(&lower, name, *at)).map(|(_, name)| name)
    })
}

/// Whether a mistaken name is near enough to that of the field at a place of [`NAMES`].
fn is_meant(lower: &str, name: &str, at: usize) -> bool {
    let is_near = at < NEAR || (name.len() >= LONG && !WORDS.contains(&lower));
    let is_slip = if is_near { is_one_slip_away } else { is_a_swap };
    lower.len() > 2 && name.len() > 2 && is_slip(lower, name)
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
        ] {
            assert_eq!(meant_by(name), meant, "{name}");
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
