//! How the columns write themselves as JSON: the record that a message would come from if nothing were odd.
//!
//! Decoding subtracts this template from the record, which leaves `rest`; [`crate::rebuild`] adds the two. Both read the
//! one table below, so what the one takes out the other puts in.

use std::fmt::Write as _;

use chat::{BodyType, Message};

use crate::body::SIZE;
use crate::json::{Kind, Value};
use crate::members::Members;
use crate::record::{BODY, PAYLOAD, RECORD, first_body};
use crate::text;

/// One of the three objects that have columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Record,
    Payload,
    Body,
}

impl Level {
    /// Its key in `rest`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Payload => "payload",
            Self::Body => "body",
        }
    }

    /// The path of one of its members in `without`.
    pub(crate) fn path(self, name: &str) -> String {
        match self {
            Self::Record => name.to_owned(),
            Self::Payload => format!("payload.{name}"),
            Self::Body => format!("payload.bodies[0].{name}"),
        }
    }

    /// The names of its members, in the order in which the template has them.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Record => &RECORD,
            Self::Payload => &PAYLOAD,
            Self::Body => &BODY,
        }
    }
}

/// What the template has for a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Writing<'m> {
    /// The first body, in an array.
    Bodies,
    /// A number in the shortest form without exponent.
    Float(f64),
    Integer(i64),
    /// JSON as it stands in the column.
    Json(&'m str),
    /// The payload.
    Payload,
    /// An object of width and height, those that there are.
    Size([Option<f64>; 2]),
    Text(&'m str),
}

impl<'m> Writing<'m> {
    /// What the template of this message has for this member; `None` when it has none.
    pub(crate) fn of(message: &'m Message<'_>, level: Level, name: &str) -> Option<Self> {
        match level {
            Level::Record => Self::of_record(message, name),
            Level::Payload => Self::of_payload(message, name),
            Level::Body => Self::of_body(message, name),
        }
    }

    fn of_record(message: &'m Message<'_>, name: &str) -> Option<Self> {
        match name {
            "chat_type" => message.chat_type.as_deref().map(Self::Text),
            "payload" => Some(Self::Payload),
            "from" => message.sender.as_deref().map(Self::Text),
            "to" => message.recipient.as_deref().map(Self::Text),
            "msg_id" => message.msg_id.as_deref().map(Self::Text),
            "timestamp" => message.sent_at.map(|time| Self::Integer(time.timestamp_millis())),
            "direction" => message.direction.as_deref().map(Self::Text),
            _ => None,
        }
    }

    fn of_payload(message: &'m Message<'_>, name: &str) -> Option<Self> {
        match name {
            "ext" => message.ext.as_deref().map(Self::Json),
            "bodies" => message.body_type.map(|_| Self::Bodies),
            "from" => message.sender.as_deref().map(Self::Text),
            "to" => message.recipient.as_deref().map(Self::Text),
            _ => None,
        }
    }

    fn of_body(message: &'m Message<'_>, name: &str) -> Option<Self> {
        let body_type = message.body_type?;
        let is_combine = body_type == BodyType::Combine;
        match name {
            "type" => type_word(body_type).map(Self::Text),
            "subType" => is_combine.then_some(Self::Text("sub_combine")),
            "msg" => message.text.as_deref().filter(|_| !is_combine).map(Self::Text),
            "title" => message.text.as_deref().filter(|_| is_combine).map(title).map(Self::Text),
            "summary" => message.text.as_deref().filter(|_| is_combine).and_then(summary).map(Self::Text),
            "url" => message.url.as_deref().map(Self::Text),
            "secret" => message.secret.as_deref().map(Self::Text),
            "filename" => message.filename.as_deref().map(Self::Text),
            "file_length" => message.file_length.map(Self::Integer),
            "length" => message.duration_s.map(Self::Float),
            "size" => size(message).map(Self::Size),
            "thumb" => message.thumb_url.as_deref().map(Self::Text),
            "thumb_secret" => message.thumb_secret.as_deref().map(Self::Text),
            "lat" => message.lat.map(Self::Float),
            "lng" => message.lng.map(Self::Float),
            "addr" => message.addr.as_deref().map(Self::Text),
            "action" => message.action.as_deref().map(Self::Text),
            "customEvent" => message.custom_event.as_deref().map(Self::Text),
            "customExts" => message.custom_exts.as_deref().map(Self::Json),
            _ => None,
        }
    }

    /// Whether the value says just what would be written; spelling of strings and order of keys aside.
    pub(crate) fn is(self, value: Value<'_, '_>) -> bool {
        match self {
            Self::Bodies => first_body(value).is_some(),
            Self::Float(number) => value.kind() == Kind::Number && is_float(value.raw(), number),
            Self::Integer(number) => value.kind() == Kind::Number && is_integer(value.raw(), number),
            Self::Json(text) => value.raw() == text,
            Self::Payload => value.kind() == Kind::Object,
            Self::Size(size) => value.kind() == Kind::Object && is_size(value, size),
            Self::Text(text) => value.kind() == Kind::String && is_text(value.raw(), text),
        }
    }

    /// Appends the JSON of a value that has no members of its own in the template.
    pub(crate) fn write(self, out: &mut String) {
        // Writing to a string does not fail.
        let _infallible = match self {
            Self::Bodies | Self::Payload => Ok(()),
            Self::Float(number) => write!(out, "{number}"),
            Self::Integer(number) => write!(out, "{number}"),
            Self::Json(text) => out.write_str(text),
            Self::Size(size) => write_size(out, size),
            Self::Text(text) => {
                text::write(out, text);
                Ok(())
            }
        };
    }
}

/// The word that a body of this type has on the wire. Combined messages are text to old clients; an event's body may be
/// of any type, so that the template has none.
fn type_word(body_type: BodyType) -> Option<&'static str> {
    match body_type {
        BodyType::Combine => Some(BodyType::Txt.word()),
        BodyType::Event => None,
        other => Some(other.word()),
    }
}

fn title(digest: &str) -> &str {
    digest.split_once('\n').map_or(digest, |(title, _)| title)
}

fn summary(digest: &str) -> Option<&str> {
    digest.split_once('\n').map(|(_, summary)| summary)
}

fn size(message: &Message<'_>) -> Option<[Option<f64>; 2]> {
    let size = [message.width, message.height];
    size.iter().any(Option::is_some).then_some(size)
}

fn is_text(raw: &str, text: &str) -> bool {
    let read = text::read(raw);
    read.exact && read.value == text
}

fn is_integer(raw: &str, number: i64) -> bool {
    raw.parse() == Ok(number) && raw != "-0"
}

fn is_float(raw: &str, number: f64) -> bool {
    // An integer, which most are, is compared without being written.
    let is_small_integer =
        raw.len() < 16 && raw != "-0" && raw.parse::<i64>().is_ok_and(|integer| integer as f64 == number);
    is_small_integer || number.to_string() == raw
}

fn is_size(value: Value<'_, '_>, size: [Option<f64>; 2]) -> bool {
    let members = Members::of(Some(value), &SIZE);
    let is_same = |(value, number): (Option<Value<'_, '_>>, Option<f64>)| match (value, number) {
        (Some(value), Some(number)) => Writing::Float(number).is(value),
        (value, number) => value.is_none() && number.is_none(),
    };
    members.are_known()
        && !members.has_repeated_keys()
        && members.named().map(|(_, value)| value).zip(size).all(is_same)
}

fn write_size(out: &mut String, size: [Option<f64>; 2]) -> std::fmt::Result {
    let mut mark = '{';
    for (name, number) in SIZE.iter().zip(size) {
        if let Some(number) = number {
            write!(out, "{mark}\"{name}\":{number}")?;
            mark = ',';
        }
    }
    out.write_char('}')
}
