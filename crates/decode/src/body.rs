//! What a body says (protocol section 5).

use std::borrow::Cow;

use chat::{BodyType, Message};

use crate::json::{Kind, Value};
use crate::lenient::{filled, float, integer, text};
use crate::members::Members;
use crate::record::BODY;
use crate::text;

type Body<'t, 'a> = Members<'t, 'a, { BODY.len() }>;

/// The type of a body, inferred from its members when it does not say; `None` when there is no body.
pub(crate) fn body_type(body: &Body<'_, '_>) -> Option<BodyType> {
    body.object()?;
    if body.string("subType").is_some_and(|sub_type| sub_type.value == "sub_combine") {
        return Some(BodyType::Combine);
    }
    let is_missing = |value: Value<'_, '_>| matches!(value.raw(), "null" | "\"\"");
    Some(match body.get("type") {
        Some(word) if !is_missing(word) => word_type(word),
        _ => inferred_type(body),
    })
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

fn inferred_type(body: &Body<'_, '_>) -> BodyType {
    let signs =
        [("customEvent", BodyType::Custom), ("action", BodyType::Cmd), ("lat", BodyType::Loc), ("msg", BodyType::Txt)];
    let sign = signs.into_iter().find(|(name, _)| body.get(name).is_some());
    sign.map_or(BodyType::Unknown, |(_, body_type)| body_type)
}

/// Fills the columns that the message's body type has.
pub(crate) fn fill<'a>(message: &mut Message<'a>, body: &Body<'_, 'a>) {
    let Some(body_type) = message.body_type else { return };
    match body_type {
        BodyType::Audio => {
            fill_file(message, body);
            fill_duration(message, body);
        }
        BodyType::Cmd => message.action = text(body.get("action")).or_else(|| text(body.get("msg"))),
        BodyType::Combine => {
            fill_file(message, body);
            message.text = digest(body);
        }
        BodyType::Custom => fill_custom(message, body),
        // An edit holds the new body, which is text or custom.
        BodyType::Event => {
            message.text = text(body.get("msg"));
            fill_custom(message, body);
        }
        BodyType::File => fill_file(message, body),
        BodyType::Img => {
            fill_file(message, body);
            fill_thumb(message, body);
        }
        BodyType::Loc => {
            message.lat = float(body.get("lat"));
            message.lng = float(body.get("lng")).or_else(|| float(body.get("log")));
            message.addr = text(body.get("addr"));
        }
        BodyType::Txt | BodyType::Unknown => message.text = text(body.get("msg")),
        BodyType::Video => {
            fill_file(message, body);
            fill_duration(message, body);
            fill_thumb(message, body);
        }
    }
}

fn fill_file<'a>(message: &mut Message<'a>, body: &Body<'_, 'a>) {
    message.url = text(body.get("url"));
    message.secret = filled(body.get("secret"));
    message.filename = text(body.get("filename")).or_else(|| text(body.get("file_name")));
    message.file_length = integer(body.get("file_length"));
}

fn fill_duration(message: &mut Message<'_>, body: &Body<'_, '_>) {
    message.duration_s = float(body.get("length")).or_else(|| float(body.get("Length")));
}

fn fill_thumb<'a>(message: &mut Message<'a>, body: &Body<'_, 'a>) {
    message.thumb_url = text(body.get("thumb")).or_else(|| text(body.get("thumbnail")));
    message.thumb_secret = filled(body.get("thumb_secret"));
    let size = Members::of(body.get("size").and_then(|size| size.only(Kind::Object)), &SIZE);
    message.width = float(size.get("width"));
    message.height = float(size.get("height"));
}

/// The members of a picture's size.
pub(crate) const SIZE: [&str; 2] = ["width", "height"];

fn fill_custom<'a>(message: &mut Message<'a>, body: &Body<'_, 'a>) {
    message.custom_event = text(body.get("customEvent"));
    message.custom_exts = attributes(body);
}

/// The title and the summary of forwarded messages, a line end between them.
fn digest<'a>(body: &Body<'_, 'a>) -> Option<Cow<'a, str>> {
    match (text(body.get("title")), text(body.get("summary"))) {
        (Some(title), Some(summary)) => Some(Cow::Owned(format!("{title}\n{summary}"))),
        (title, summary) => title.or(summary),
    }
}

/// The attributes of a custom event as one object: the newer map, else the map, else the array's objects in order, of
/// which later members replace earlier ones of the same name.
fn attributes<'a>(body: &Body<'_, 'a>) -> Option<Cow<'a, str>> {
    let exts = body.get("customExts");
    let map = [body.get("v2:customExts"), exts].into_iter().flatten().find(|exts| exts.kind() == Kind::Object);
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
