//! How the columns write themselves as JSON: the record that a message would come from if nothing were odd.
//!
//! Decoding subtracts this template from the record, which leaves `rest`; [`crate::rebuild`] adds the two. Both read the
//! one table below, so what the one takes out the other puts in.

use std::borrow::Cow;
use std::fmt::Write as _;

use chat::{BodyType, Message};

use crate::body::SIZE;
use crate::json::{Kind, Value};
use crate::members::Members;
use crate::record::{Field, Fields, Level, first_body};
use crate::text;

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
    pub(crate) fn of(message: &'m Message<'_>, field: Field) -> Option<Self> {
        let text = |text: &'m Option<Cow<'_, str>>| text.as_deref().map(Self::Text);
        let json = |json: &'m Option<Cow<'_, str>>| json.as_deref().map(Self::Json);
        match field {
            Field::ChatType => text(&message.chat_type),
            Field::Payload => Some(Self::Payload),
            Field::From | Field::PayloadFrom => text(&message.sender),
            Field::To | Field::PayloadTo => text(&message.recipient),
            Field::MsgId => text(&message.msg_id),
            Field::Timestamp => message.sent_at.map(|time| Self::Integer(time.timestamp_millis())),
            Field::Direction => text(&message.direction),
            Field::Ext => json(&message.ext),
            Field::Bodies => message.body_type.map(|_| Self::Bodies),
            Field::Type => message.body_type.and_then(type_word).map(Self::Text),
            Field::SubType => is_combine(message).then_some(Self::Text("sub_combine")),
            Field::Msg => message.text.as_deref().filter(|_| !is_combine(message)).map(Self::Text),
            Field::Title => digest(message).map(title).map(Self::Text),
            Field::Summary => digest(message).and_then(summary).map(Self::Text),
            Field::Url => text(&message.url),
            Field::Secret => text(&message.secret),
            Field::Filename => text(&message.filename),
            Field::FileLength => message.file_length.map(Self::Integer),
            Field::Length => message.duration_s.map(Self::Float),
            Field::Size => size(message).map(Self::Size),
            Field::Thumb => text(&message.thumb_url),
            Field::ThumbSecret => text(&message.thumb_secret),
            Field::Lat => message.lat.map(Self::Float),
            Field::Lng => message.lng.map(Self::Float),
            Field::Addr => text(&message.addr),
            Field::Action => text(&message.action),
            Field::CustomEvent => text(&message.custom_event),
            Field::CustomExts => json(&message.custom_exts),
            Field::GroupId
            | Field::AliasGroupId
            | Field::RecallId
            | Field::PayloadType
            | Field::Meta
            | Field::ChannelType
            | Field::MucId
            | Field::IsChatroom
            | Field::AckMessageId
            | Field::EditMessageId
            | Field::Data
            | Field::AliasFilename
            | Field::AliasLength
            | Field::AliasLng
            | Field::AliasThumb
            | Field::MapCustomExts => None,
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
            Self::Text(text) => value.kind() == Kind::String && text::is(value, text),
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

/// The members that the template of this message has: those of which [`Writing::of`] gives something, without asking for
/// each.
pub(crate) fn written(message: &Message<'_>) -> Fields {
    let (digest, has_type) = (digest(message), message.body_type.is_some_and(|body_type| body_type != BodyType::Event));
    let written = Fields::NONE
        .with(&[Field::Payload], true)
        .with(&[Field::ChatType], message.chat_type.is_some())
        .with(&[Field::From, Field::PayloadFrom], message.sender.is_some())
        .with(&[Field::To, Field::PayloadTo], message.recipient.is_some())
        .with(&[Field::MsgId], message.msg_id.is_some())
        .with(&[Field::Timestamp], message.sent_at.is_some())
        .with(&[Field::Direction], message.direction.is_some())
        .with(&[Field::Ext], message.ext.is_some())
        .with(&[Field::Bodies], message.body_type.is_some())
        .with(&[Field::Type], has_type)
        .with(&[Field::SubType], is_combine(message))
        .with(&[Field::Msg], message.text.is_some() && !is_combine(message))
        .with(&[Field::Title], digest.is_some())
        .with(&[Field::Summary], digest.is_some_and(|digest| summary(digest).is_some()))
        .with(&[Field::Url], message.url.is_some())
        .with(&[Field::Secret], message.secret.is_some())
        .with(&[Field::Filename], message.filename.is_some())
        .with(&[Field::FileLength], message.file_length.is_some())
        .with(&[Field::Length], message.duration_s.is_some())
        .with(&[Field::Size], message.width.is_some() || message.height.is_some())
        .with(&[Field::Thumb], message.thumb_url.is_some())
        .with(&[Field::ThumbSecret], message.thumb_secret.is_some())
        .with(&[Field::Lat], message.lat.is_some())
        .with(&[Field::Lng], message.lng.is_some())
        .with(&[Field::Addr], message.addr.is_some())
        .with(&[Field::Action], message.action.is_some())
        .with(&[Field::CustomEvent], message.custom_event.is_some())
        .with(&[Field::CustomExts], message.custom_exts.is_some());
    debug_assert!(
        Level::ALL
            .iter()
            .flat_map(|level| level.fields())
            .all(|(field, _)| { written.has(*field) == Writing::of(message, *field).is_some() }),
        "the set and the table say the same"
    );
    written
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

fn is_combine(message: &Message<'_>) -> bool {
    message.body_type == Some(BodyType::Combine)
}

/// The title and summary of forwarded messages.
fn digest<'m>(message: &'m Message<'_>) -> Option<&'m str> {
    message.text.as_deref().filter(|_| is_combine(message))
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

fn is_integer(raw: &str, number: i64) -> bool {
    raw.parse() == Ok(number) && raw != "-0"
}

/// Whether the column writes this number just like this.
pub(crate) fn is_float(raw: &str, number: f64) -> bool {
    // An integer, which most are, is compared without being written.
    let is_small_integer =
        raw.len() < 16 && raw != "-0" && raw.parse::<i64>().is_ok_and(|integer| integer as f64 == number);
    is_small_integer || number.to_string() == raw
}

fn is_size(value: Value<'_, '_>, size: [Option<f64>; 2]) -> bool {
    let members = Members::of(value, &SIZE);
    let is_same = |(value, number): (Option<Value<'_, '_>>, Option<f64>)| match (value, number) {
        (Some(value), Some(number)) => Writing::Float(number).is(value),
        (value, number) => value.is_none() && number.is_none(),
    };
    members.are_plain() && members.values.into_iter().zip(size).all(is_same)
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
