//! The columns that a query can name.

use chat::{BodyType, Conversation};

use crate::fold::fold_case;

/// A column that a query can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// The sender, ignoring case.
    From,
    /// The recipient, ignoring case.
    To,
    /// The conversation: its whole key, or the bare id of a group, room or thread.
    In,
    /// The type of the first body, in the wire's words.
    Type,
}

/// Other names that people try, and the field that they mean.
const ALIASES: [(&str, Field); 12] = [
    ("sender", Field::From),
    ("author", Field::From),
    ("recipient", Field::To),
    ("receiver", Field::To),
    ("conversation", Field::In),
    ("group", Field::In),
    ("room", Field::In),
    ("thread", Field::In),
    ("channel", Field::In),
    ("kind", Field::Type),
    ("msgtype", Field::Type),
    ("bodytype", Field::Type),
];

impl Field {
    pub(super) const ALL: [Self; 4] = [Self::From, Self::To, Self::In, Self::Type];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::To => "to",
            Self::In => "in",
            Self::Type => "type",
        }
    }

    /// The field of this name, in any case.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// The field that a mistaken name probably means. Names of one or two letters are left alone: they are words.
    pub(super) fn meant_by(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let alias = ALIASES.into_iter().find(|(alias, _)| *alias == lower).map(|(_, field)| field);
        alias.or_else(|| {
            let close =
                |field: &Self| lower.len() > 2 && field.name().len() > 2 && is_one_slip_away(&lower, field.name());
            Self::ALL.into_iter().find(close)
        })
    }

    /// A value as the index and the scan compare it; `None` when the field has no such value.
    pub(super) fn fold(self, value: &str) -> Option<String> {
        match self {
            Self::From | Self::To => Some(fold_case(value)),
            Self::In => Some(conversation_value(value)),
            Self::Type => body_type(value).map(|body| body.word().to_owned()),
        }
    }
}

/// The type of this name, in any case.
fn body_type(word: &str) -> Option<BodyType> {
    word.to_ascii_lowercase().parse().ok()
}

/// The type that a mistaken word probably means.
pub(super) fn body_type_meant_by(word: &str) -> Option<BodyType> {
    let lower = word.to_ascii_lowercase();
    let known = match lower.as_str() {
        "text" => Some(BodyType::Txt),
        "image" | "picture" | "photo" | "pic" => Some(BodyType::Img),
        "voice" => Some(BodyType::Audio),
        "location" | "place" => Some(BodyType::Loc),
        "command" => Some(BodyType::Cmd),
        "attachment" | "document" => Some(BodyType::File),
        "forward" | "forwarded" | "sub_combine" => Some(BodyType::Combine),
        _ => None,
    };
    known.or_else(|| BodyType::ALL.into_iter().find(|body| is_one_slip_away(&lower, body.word())))
}

/// What stands in the index for a conversation: its key without case, the users of a one-to-one key in order.
pub(crate) fn conversation_term(key: &str) -> String {
    let folded = fold_case(key);
    match folded.strip_prefix("chat:").and_then(|users| users.split_once(':')) {
        Some((one, other)) if other < one => format!("chat:{other}:{one}"),
        _ => folded,
    }
}

/// What stands in the index for the bare id of a group, room or thread.
pub(crate) fn bare_term(key: &str) -> Option<String> {
    chat::bare_key(key).map(fold_case)
}

/// A value of `in:` that begins like a key is one, all else is a bare id, written as in a key.
fn conversation_value(value: &str) -> String {
    let kind = value.split_once(':').map(|(kind, _)| kind.to_ascii_lowercase());
    match kind.as_deref() {
        Some("chat" | "groupchat" | "chatroom" | "thread") => conversation_term(value),
        _ => bare_term(&Conversation::GroupChat(value).key()).unwrap_or_default(),
    }
}

/// Whether one insertion, deletion, replacement or swap of neighbours makes one ASCII word of the other.
fn is_one_slip_away(one: &str, other: &str) -> bool {
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
    fn a_conversation_is_found_by_its_key_in_either_order_and_by_its_id() {
        let key = Conversation::Chat("Teo-77", "mara").key();
        for value in ["chat:Teo-77:mara", "chat:mara:teo-77", "CHAT:MARA:TEO-77"] {
            assert_eq!(Field::In.fold(value).unwrap(), conversation_term(&key), "{value}");
        }
        let group = Conversation::GroupChat("a:b").key();
        assert_eq!(Field::In.fold("a:b"), bare_term(&group));
        assert_eq!(Field::In.fold(&group).unwrap(), conversation_term(&group));
    }
}
