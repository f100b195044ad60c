//! Conversations, and the one key that names each.

use std::borrow::Cow;

/// Where a message was said (protocol section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conversation<'a> {
    /// Two users; their order does not matter.
    Chat(&'a str, &'a str),
    /// A room, by id.
    ChatRoom(&'a str),
    /// A group, by id.
    GroupChat(&'a str),
    /// A thread, by its own id.
    Thread(&'a str),
}

impl Conversation<'_> {
    /// The value of the column `conversation`: `chat:{user}:{user}` with the users in byte order, `groupchat:{id}`,
    /// `chatroom:{id}` or `thread:{id}`. `%` and `:` within a name are written `%25` and `%3A`, so that equal keys mean
    /// equal conversations.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = String::with_capacity(40);
        let (kind, first, second) = match *self {
            Self::Chat(one, other) => ("chat", one.min(other), Some(one.max(other))),
            Self::ChatRoom(id) => ("chatroom", id, None),
            Self::GroupChat(id) => ("groupchat", id, None),
            Self::Thread(id) => ("thread", id, None),
        };
        key.push_str(kind);
        for name in [Some(first), second].into_iter().flatten() {
            key.push(':');
            key.push_str(&escaped(name));
        }
        key
    }
}

/// The key of the conversation that a message with these columns belongs to; `None` when the recipient is not known.
///
/// `chat_type` is the normalised one. Types that are no conversation (events) are read as one-to-one.
#[must_use]
pub fn conversation_key(
    chat_type: &str,
    sender: Option<&str>,
    recipient: Option<&str>,
    thread: bool,
) -> Option<String> {
    let recipient = recipient?;
    let conversation = match (chat_type, thread) {
        (_, true) => Conversation::Thread(recipient),
        ("groupchat", false) => Conversation::GroupChat(recipient),
        ("chatroom", false) => Conversation::ChatRoom(recipient),
        _ => Conversation::Chat(sender?, recipient),
    };
    Some(conversation.key())
}

/// The id of the group, room or thread that a key names, `None` for a one-to-one key.
#[must_use]
pub fn bare_key(key: &str) -> Option<&str> {
    let (kind, id) = key.split_once(':')?;
    matches!(kind, "groupchat" | "chatroom" | "thread").then_some(id)
}

fn escaped(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| matches!(byte, b'%' | b':')) {
        Cow::Owned(name.replace('%', "%25").replace(':', "%3A"))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_one_conversation() {
        assert_eq!(Conversation::Chat("teo-77", "mara").key(), "chat:mara:teo-77");
        assert_eq!(Conversation::Chat("mara", "teo-77").key(), "chat:mara:teo-77");
    }

    #[test]
    fn odd_names_do_not_collide() {
        assert_ne!(Conversation::Chat("a:b", "c").key(), Conversation::Chat("a", "b:c").key());
        assert_eq!(Conversation::Chat("a:b", "50%").key(), "chat:50%25:a%3Ab");
    }

    #[test]
    fn the_key_follows_the_chat_type() {
        assert_eq!(conversation_key("groupchat", Some("a"), Some("7"), false).as_deref(), Some("groupchat:7"));
        assert_eq!(conversation_key("chatroom", None, Some("7"), false).as_deref(), Some("chatroom:7"));
        assert_eq!(conversation_key("groupchat", Some("a"), Some("7"), true).as_deref(), Some("thread:7"));
        assert_eq!(conversation_key("recall", Some("a"), Some("b"), false).as_deref(), Some("chat:a:b"));
        assert_eq!(conversation_key("chat", None, Some("b"), false), None);
        assert_eq!(bare_key("groupchat:7"), Some("7"));
        assert_eq!(bare_key("chat:a:b"), None);
    }
}
