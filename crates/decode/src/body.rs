//! What a body says (protocol section 5).

use std::borrow::Cow;

use chat::{BodyType, Message};

use crate::json::{Kind, Value};
use crate::lenient::{filled, float, integer, text};
use crate::members::Members;
use crate::record::{Field, Level, Record};
use crate::text;

/// The type of the body, inferred from its members when it does not say; `None` when there is no body.
pub(crate) fn body_type(record: &Record<'_, '_>) -> Option<BodyType> {
    record.object(Level::Body)?;
    Some(type_of(|field| record.get(field)))
}

/// The type of a body that has these members.
pub(crate) fn type_of<'t, 'a: 't>(member: impl Fn(Field) -> Option<Value<'t, 'a>>) -> BodyType {
    if text(member(Field::SubType)).as_deref() == Some("sub_combine") {
        return BodyType::Combine;
    }
    match member(Field::Type) {
        Some(word) if !is_missing(word) => word_type(word),
        _ => inferred_type(|field| member(field).is_some()),
    }
}

/// Whether a body that has this in the place of its type says none.
pub(crate) fn is_missing(word: Value<'_, '_>) -> bool {
    matches!(word.raw(), "null" | "\"\"")
}

fn word_type(word: Value<'_, '_>) -> BodyType {
    match text(Some(word)).as_deref() {
        Some("audio" | "voice") => BodyType::Audio,
        Some("cmd") => BodyType::Cmd,
        Some("custom") => BodyType::Custom,
        Some("file") => BodyType::File,
        Some("img") => BodyType::Img,
        Some("loc") => BodyType::Loc,
        Some("txt") => BodyType::Txt,
        Some("video") => BodyType::Video,
        _ => BodyType::Unknown,
    }
}

fn inferred_type(has: impl Fn(Field) -> bool) -> BodyType {
    let signs = [
        (Field::CustomEvent, BodyType::Custom),
        (Field::Action, BodyType::Cmd),
        (Field::Lat, BodyType::Loc),
        (Field::Msg, BodyType::Txt),
    ];
    let sign = signs.into_iter().find(|(field, _)| has(*field));
    sign.map_or(BodyType::Unknown, |(_, body_type)| body_type)
}

/// Fills the columns that a body of this type has.
pub(crate) fn fill<'a>(message: &mut Message<'a>, record: &Record<'_, 'a>, body_type: BodyType) {
    match body_type {
        BodyType::Audio => {
            fill_file(message, record);
            fill_duration(message, record);
        }
        BodyType::Cmd => message.action = text(record.get(Field::Action)).or_else(|| text(record.get(Field::Msg))),
        BodyType::Combine => {
            fill_file(message, record);
            message.text = digest(record);
        }
        BodyType::Custom => {
            message.custom_event = text(record.get(Field::CustomEvent));
            message.custom_exts = attributes(record);
        }
        BodyType::File => fill_file(message, record),
        BodyType::Img => {
            fill_file(message, record);
            fill_thumb(message, record);
        }
        BodyType::Loc => {
            message.lat = float(record.get(Field::Lat));
            message.lng = float(record.get(Field::Lng)).or_else(|| float(record.get(Field::AliasLng)));
            message.addr = text(record.get(Field::Addr));
        }
        BodyType::Event | BodyType::Txt | BodyType::Unknown => message.text = text(record.get(Field::Msg)),
        BodyType::Video => {
            fill_file(message, record);
            fill_duration(message, record);
            fill_thumb(message, record);
        }
    }
}

fn fill_file<'a>(message: &mut Message<'a>, record: &Record<'_, 'a>) {
    message.url = text(record.get(Field::Url));
    message.secret = filled(record.get(Field::Secret));
    message.filename = text(record.get(Field::Filename)).or_else(|| text(record.get(Field::AliasFilename)));
    message.file_length = integer(record.get(Field::FileLength));
}

fn fill_duration(message: &mut Message<'_>, record: &Record<'_, '_>) {
    message.duration_s = float(record.get(Field::Length)).or_else(|| float(record.get(Field::AliasLength)));
}

fn fill_thumb<'a>(message: &mut Message<'a>, record: &Record<'_, 'a>) {
    message.thumb_url = text(record.get(Field::Thumb)).or_else(|| text(record.get(Field::AliasThumb)));
    message.thumb_secret = filled(record.get(Field::ThumbSecret));
    if let Some(size) = record.get(Field::Size).and_then(|size| size.only(Kind::Object)) {
        [message.width, message.height] = Members::of(size, &SIZE).values.map(float);
    }
}

/// The members of a picture's size.
pub(crate) const SIZE: [&str; 2] = ["width", "height"];

/// The title and the summary of forwarded messages, a line end between them.
fn digest<'a>(record: &Record<'_, 'a>) -> Option<Cow<'a, str>> {
    match (text(record.get(Field::Title)), text(record.get(Field::Summary))) {
        (Some(title), Some(summary)) => Some(Cow::Owned(format!("{title}\n{summary}"))),
        (title, summary) => title.or(summary),
    }
}

/// The attributes of a custom event as one object: the newer map, else the map, else the array's objects in order, of
/// which later members replace earlier ones of the same name.
fn attributes<'a>(record: &Record<'_, 'a>) -> Option<Cow<'a, str>> {
    let exts = record.get(Field::CustomExts);
    let map = [record.get(Field::MapCustomExts), exts].into_iter().flatten().find(|exts| exts.kind() == Kind::Object);
    if let Some(map) = map {
        return Some(Cow::Borrowed(map.raw()));
    }
    let list = exts?.only(Kind::Array)?;
    let members: Vec<_> = list.children().flat_map(|(_, object)| object.children()).collect();
    Some(Cow::Owned(merged(members.into_iter().filter(|(key, _)| !key.is_empty()))))
}

fn merged<'t, 'a: 't>(members: impl Iterator<Item = (&'a str, Value<'t, 'a>)>) -> String {
    let mut last = std::collections::BTreeMap::new();
    let mut order = Vec::new();
    for (key, value) in members {
        let name = text::exact_bytes(key);
        if last.insert(name.clone(), (key, value)).is_none() {
            order.push(name);
        }
    }
    let mut object = String::from("{");
    for (index, name) in order.iter().enumerate() {
        let (key, value) = last[name];
        object.push_str(if index > 0 { "," } else { "" });
        object.push_str(key);
        object.push(':');
        object.push_str(value.raw());
    }
    object.push('}');
    object
}
