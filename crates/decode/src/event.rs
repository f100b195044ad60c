//! Records that are no message: a recall, an edit, an acknowledgement, a reaction, news of a group (protocol section 4.4).
//!
//! They are kept whole, like messages. An edit holds the new body, so that the body's columns are filled as a message's
//! are. What is particular is where an event happened: its chat type names the event and not the place.

use std::borrow::Cow;

use chat::{App, Conversation, conversation_key};

use crate::json::Kind;
use crate::lenient::filled;
use crate::meaning::{bare, is_conversation, is_in_thread, normalised};
use crate::record::{Field, Record};

/// Whether a record is an event: its chat type is no conversation, or its payload names an event.
pub(crate) fn is_event(chat_type: Option<&str>, record: &Record<'_, '_>) -> bool {
    let named = || filled(record.get(Field::PayloadType));
    chat_type.is_some_and(|chat_type| !is_conversation(chat_type))
        || named().is_some_and(|name| matches!(&*name, "edit" | "reaction" | "thread" | "channel_ack"))
}

/// The key of the conversation in which an event happened. It is one-to-one unless the record says otherwise.
pub(crate) fn conversation(
    record: &Record<'_, '_>,
    app: Option<&App>,
    sender: Option<&str>,
    recipient: Option<&str>,
) -> Option<String> {
    if let Some(room) = filled(record.get(Field::MucId)) {
        let is_chatroom = record.get(Field::IsChatroom).is_some_and(|value| value.kind() == Kind::True);
        let id = bare(&room, app);
        return Some(if is_chatroom { Conversation::ChatRoom(id) } else { Conversation::GroupChat(id) }.key());
    }
    conversation_key(&place(record), sender, recipient, is_in_thread(record))
}

/// The chat type of the place: in the event's own words, else in the record's, else a group when a group is named.
fn place<'a>(record: &Record<'_, 'a>) -> Cow<'a, str> {
    let words = [Field::ChannelType, Field::PayloadType, Field::ChatType].into_iter();
    let said = words.filter_map(|field| filled(record.get(field)).map(normalised)).find(|word| is_conversation(word));
    let is_in_group = || [Field::GroupId, Field::AliasGroupId].iter().any(|field| filled(record.get(*field)).is_some());
    said.unwrap_or_else(|| Cow::Borrowed(if is_in_group() { "groupchat" } else { "chat" }))
}
