//! How conversations are named, in the index and in a query.

use chat::Conversation;

use crate::fold::fold_case;

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
pub(super) fn conversation_value(value: &str) -> String {
    let kind = value.split_once(':').map(|(kind, _)| kind.to_ascii_lowercase());
    match kind.as_deref() {
        Some("chat" | "groupchat" | "chatroom" | "thread") => conversation_term(value),
        _ => bare_term(&Conversation::GroupChat(value).key()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_found_by_its_key_in_either_order_and_by_its_id() {
        let key = Conversation::Chat("Teo-77", "mara").key();
        for value in ["chat:Teo-77:mara", "chat:mara:teo-77", "CHAT:MARA:TEO-77"] {
            assert_eq!(conversation_value(value), conversation_term(&key), "{value}");
        }
        let group = Conversation::GroupChat("a:b").key();
        assert_eq!(Some(conversation_value("a:b")), bare_term(&group));
        assert_eq!(conversation_value(&group), conversation_term(&group));
    }
}
