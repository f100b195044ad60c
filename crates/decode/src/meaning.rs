//! What a record says: from its members to columns (protocol sections 4 and 5).

use std::borrow::Cow;

use chat::{App, BodyType, Message, Position, conversation_key};

use crate::body;
use crate::event;
use crate::json::{self, Kind, Value};
use crate::lenient;
use crate::members::Members;
use crate::record::{Field, Record};
use crate::rest;

/// The message that the text of one record is, as [`crate::Decoder`] reads it; `None` when it is not one JSON object.
///
/// A decoder reads lines by the thousand in less time. This is for who has a line at hand, such as one of [`crate::Records`].
#[must_use]
pub fn message_of<'a>(record: &'a str, position: Position, app: Option<&App>) -> Option<Message<'a>> {
    let mut tape = Vec::new();
    let object = json::whole(record, &mut tape).filter(|value| value.kind() == Kind::Object)?;
    let mut message = Message::at(position);
    read(object, app, &mut message);
    Some(message)
}

/// Reads an object into a message of which nothing but the position is known. Every object is a message, if need be one
/// of which nothing more is known.
pub(crate) fn read<'a>(object: Value<'_, 'a>, app: Option<&App>, message: &mut Message<'a>) {
    let record = Record::of(object);
    message.msg_id = lenient::filled(record.get(Field::MsgId));
    message.sent_at = lenient::time(record.get(Field::Timestamp));
    message.direction = lenient::text(record.get(Field::Direction));
    message.chat_type = chat_type(&record);
    message.sender = address(&record, [Field::PayloadFrom, Field::From], app);
    message.recipient = address(&record, [Field::PayloadTo, Field::To], app);
    let is_event = event::is_event(message.chat_type.as_deref(), &record);
    message.conversation = conversation(message, &record, app, is_event).map(Cow::Owned);
    message.ext = record.get(Field::Ext).filter(|ext| ext.kind() != Kind::Null).map(|ext| Cow::Borrowed(ext.raw()));
    let body_type = body::body_type(&record);
    message.body_type = if is_event { Some(BodyType::Event) } else { body_type };
    if let Some(body_type) = body_type {
        body::fill(message, &record, body_type);
    }
    message.about = event::about(&record);
    message.rest = rest::rest(&record, message).map(Cow::Owned);
}

/// The chat type of the record, else of the payload. A room that is reported as a group is a room.
fn chat_type<'a>(record: &Record<'_, 'a>) -> Option<Cow<'a, str>> {
    let outer = lenient::filled(record.get(Field::ChatType)).map(normalised);
    let inner = lenient::filled(record.get(Field::PayloadType)).map(normalised);
    match (outer, inner) {
        (Some(outer), Some(inner)) if outer == "groupchat" && inner == "chatroom" => Some(inner),
        (outer, inner) => outer.or(inner),
    }
}

/// One spelling of each conversation type; of event names only the case is changed.
pub(crate) fn normalised(chat_type: Cow<'_, str>) -> Cow<'_, str> {
    if is_conversation(&chat_type) {
        return chat_type;
    }
    let lower = chat_type.to_ascii_lowercase();
    match lower.replace('_', "").as_str() {
        "chat" => Cow::Borrowed("chat"),
        "group" | "groupchat" => Cow::Borrowed("groupchat"),
        "room" | "chatroom" => Cow::Borrowed("chatroom"),
        _ => Cow::Owned(lower),
    }
}

/// Whether a normalised chat type is a place where people talk; all others are events.
pub(crate) fn is_conversation(chat_type: &str) -> bool {
    matches!(chat_type, "chat" | "groupchat" | "chatroom")
}

/// The payload's address, else the record's, without decoration.
fn address<'a>(record: &Record<'_, 'a>, [inner, outer]: [Field; 2], app: Option<&App>) -> Option<Cow<'a, str>> {
    let address = lenient::filled(record.get(inner)).or_else(|| lenient::filled(record.get(outer)))?;
    Some(match address {
        Cow::Borrowed(text) => Cow::Borrowed(bare(text, app)),
        Cow::Owned(text) => Cow::Owned(bare(&text, app).to_owned()),
    })
}

/// A name without its decoration.
pub(crate) fn bare<'a>(address: &'a str, app: Option<&App>) -> &'a str {
    app.map_or_else(|| chat::without_domain(address), |app| app.undecorated(address))
}

fn conversation(message: &Message<'_>, record: &Record<'_, '_>, app: Option<&App>, is_event: bool) -> Option<String> {
    let (sender, recipient) = (message.sender.as_deref(), message.recipient.as_deref());
    if is_event {
        return event::conversation(record, app, sender, recipient);
    }
    conversation_key(message.chat_type.as_deref()?, sender, recipient, is_in_thread(record))
}

/// Whether the record says which thread it belongs to.
pub(crate) fn is_in_thread(record: &Record<'_, '_>) -> bool {
    thread(record).is_some()
}

/// `payload.meta.thread`, when it is an object.
pub(crate) fn thread<'t, 'a>(record: &Record<'t, 'a>) -> Option<Value<'t, 'a>> {
    let [thread] = Members::of(record.get(Field::Meta)?.only(Kind::Object)?, &["thread"]).values;
    thread?.only(Kind::Object)
}
