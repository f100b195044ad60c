//! Records that are no message: a recall, an edit, an acknowledgement, a reaction, news of a group (protocol section 4.4).
//!
//! They are kept whole, like messages. An edit holds the new body, so that the body's columns are filled as a message's
//! are. What is particular is where an event happened, as its chat type names the event and not the place, and which
//! message it speaks of.

use std::borrow::Cow;

use chat::{App, Conversation, conversation_key};

use crate::json::{Kind, Value};
use crate::lenient::filled;
use crate::meaning::{bare, is_conversation, is_in_thread, normalised, thread};
use crate::members::Members;
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
    if let Some(id) = news_of_thread(record) {
        return Some(Conversation::Thread(&id).key());
    }
    conversation_key(&place(record), sender, recipient, is_in_thread(record))
}

/// The id of the thread that an event has news of.
fn news_of_thread<'a>(record: &Record<'_, 'a>) -> Option<Cow<'a, str>> {
    let is_news = filled(record.get(Field::PayloadType)).is_some_and(|name| name == "thread");
    let [id] = Members::of(record.get(Field::Data).filter(|_| is_news)?.only(Kind::Object)?, &["id"]).values;
    filled(id)
}

/// The chat type of the place: in the event's own words, else in the record's, else in those of the message that was edited,
/// else a group when a group is named. That `to` of a recall or an acknowledgement is a group, nothing tells.
fn place<'a>(record: &Record<'_, 'a>) -> Cow<'a, str> {
    let words = [Field::ChannelType, Field::PayloadType, Field::ChatType].into_iter();
    let said = words.filter_map(|field| filled(record.get(field)).map(normalised)).find(|word| is_conversation(word));
    let is_in_group = || [Field::GroupId, Field::AliasGroupId].iter().any(|field| filled(record.get(*field)).is_some());
    said.or_else(|| place_of_edited(record))
        .unwrap_or_else(|| Cow::Borrowed(if is_in_group() { "groupchat" } else { "chat" }))
}

/// The chat type of the message that an edit is of: `chat:user`, `chat:group` or `chat:room` in `payload.meta.edit_msg`.
fn place_of_edited<'a>(record: &Record<'_, 'a>) -> Option<Cow<'a, str>> {
    let [edited] = Members::of(record.get(Field::Meta)?.only(Kind::Object)?, &["edit_msg"]).values;
    let [chat_type] = Members::of(edited?.only(Kind::Object)?, &["chat_type"]).values;
    match &*filled(chat_type)? {
        "chat:user" => Some(Cow::Borrowed("chat")),
        "chat:group" => Some(Cow::Borrowed("groupchat")),
        "chat:room" => Some(Cow::Borrowed("chatroom")),
        _ => None,
    }
}

/// The id of the message that a record speaks of. Of reactions to several messages it is the first that is named.
pub(crate) fn about<'a>(record: &Record<'_, 'a>) -> Option<Cow<'a, str>> {
    [Field::AckMessageId, Field::RecallId, Field::EditMessageId]
        .into_iter()
        .find_map(|field| filled(record.get(field)))
        .or_else(|| spoken_of(record.get(Field::Data)?))
        .or_else(|| parent(thread(record)?))
}

/// Reactions come in a list, news of a thread as one object.
fn spoken_of<'a>(data: Value<'_, 'a>) -> Option<Cow<'a, str>> {
    match data.kind() {
        Kind::Array => data.children().find_map(|(_, reactions)| {
            let [message] = Members::of(reactions.only(Kind::Object)?, &["messageId"]).values;
            filled(message)
        }),
        Kind::Object => parent(data),
        _ => None,
    }
}

/// The message that a thread hangs on.
fn parent<'a>(thread: Value<'_, 'a>) -> Option<Cow<'a, str>> {
    let [parent] = Members::of(thread, &["msg_parent_id"]).values;
    filled(parent)
}
