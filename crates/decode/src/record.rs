//! The three objects of a record that have columns: the record, its payload, its first body.

use crate::json::{Kind, Value};
use crate::text;

/// One of the three objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Record,
    Payload,
    Body,
}

/// A member that has a meaning, named after its key and, where two objects have the key, after the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    ChatType,
    Payload,
    From,
    To,
    MsgId,
    Timestamp,
    Direction,
    Ext,
    Bodies,
    PayloadFrom,
    PayloadTo,
    PayloadType,
    Meta,
    Type,
    Msg,
    Url,
    Secret,
    Filename,
    FileLength,
    Length,
    Size,
    Thumb,
    ThumbSecret,
    Lat,
    Lng,
    Addr,
    Action,
    CustomEvent,
    CustomExts,
    SubType,
    Title,
    Summary,
    // The same things under names that tables, misprints and re-exports have.
    AliasFilename,
    AliasLength,
    AliasLng,
    AliasThumb,
    /// The map form that current producers write beside the array.
    MapCustomExts,
}

const FIELDS: usize = Field::MapCustomExts as usize + 1;

const RECORD: [(Field, &str); 7] = [
    (Field::ChatType, "chat_type"),
    (Field::Payload, "payload"),
    (Field::From, "from"),
    (Field::To, "to"),
    (Field::MsgId, "msg_id"),
    (Field::Timestamp, "timestamp"),
    (Field::Direction, "direction"),
];

const PAYLOAD: [(Field, &str); 6] = [
    (Field::Ext, "ext"),
    (Field::Bodies, "bodies"),
    (Field::PayloadFrom, "from"),
    (Field::PayloadTo, "to"),
    (Field::PayloadType, "type"),
    (Field::Meta, "meta"),
];

const BODY: [(Field, &str); 24] = [
    (Field::Msg, "msg"),
    (Field::Type, "type"),
    (Field::Url, "url"),
    (Field::Secret, "secret"),
    (Field::Filename, "filename"),
    (Field::FileLength, "file_length"),
    (Field::Length, "length"),
    (Field::Size, "size"),
    (Field::Thumb, "thumb"),
    (Field::ThumbSecret, "thumb_secret"),
    (Field::Lat, "lat"),
    (Field::Lng, "lng"),
    (Field::Addr, "addr"),
    (Field::Action, "action"),
    (Field::CustomEvent, "customEvent"),
    (Field::CustomExts, "customExts"),
    (Field::SubType, "subType"),
    (Field::Title, "title"),
    (Field::Summary, "summary"),
    (Field::AliasFilename, "file_name"),
    (Field::AliasLength, "Length"),
    (Field::AliasLng, "log"),
    (Field::AliasThumb, "thumbnail"),
    (Field::MapCustomExts, "v2:customExts"),
];

impl Level {
    /// Its members that have a meaning, with their keys.
    pub(crate) fn fields(self) -> &'static [(Field, &'static str)] {
        match self {
            Self::Record => &RECORD,
            Self::Payload => &PAYLOAD,
            Self::Body => &BODY,
        }
    }

    /// The member that a key as written stands for.
    pub(crate) fn field(self, key: &str) -> Option<Field> {
        let name = text::read(key);
        self.fields().iter().find(|(_, known)| *known == name.value).map(|(field, _)| *field)
    }

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
}

/// A record by its members.
#[derive(Debug)]
pub(crate) struct Record<'t, 'a> {
    whole: Value<'t, 'a>,
    /// Where each field's value is on the tape; 0, where the whole is, for none.
    places: [u32; FIELDS],
    objects: [Option<Object<'t, 'a>>; 3],
    /// The array that the body is the first of; `None` when the body stands without one, or there is none.
    bodies: Option<Value<'t, 'a>>,
}

/// One of the three objects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object<'t, 'a> {
    pub(crate) value: Value<'t, 'a>,
    /// Whether it has members without a meaning.
    pub(crate) has_unknown: bool,
    /// Whether a key that has a meaning occurs twice; the last value counts.
    has_repeated: bool,
}

impl<'t, 'a> Record<'t, 'a> {
    pub(crate) fn of(whole: Value<'t, 'a>) -> Self {
        let mut record = Self { whole, places: [0; FIELDS], objects: [None; 3], bodies: None };
        record.read(Level::Record, whole);
        if let Some(payload) = record.get(Field::Payload).and_then(|payload| payload.only(Kind::Object)) {
            record.read(Level::Payload, payload);
        }
        if let Some(bodies) = record.get(Field::Bodies) {
            let listed = first_body(bodies);
            record.bodies = listed.map(|_| bodies);
            if let Some(body) = listed.or_else(|| bodies.only(Kind::Object)) {
                record.read(Level::Body, body);
            }
        }
        record
    }

    fn read(&mut self, level: Level, value: Value<'t, 'a>) {
        let mut object = Object { value, has_unknown: false, has_repeated: false };
        for (key, member) in value.children() {
            match level.field(key) {
                Some(field) => {
                    object.has_repeated |= self.places[field as usize] > 0;
                    self.places[field as usize] = member.place();
                }
                None => object.has_unknown = true,
            }
        }
        self.objects[level as usize] = Some(object);
    }

    /// The value of a field.
    pub(crate) fn get(&self, field: Field) -> Option<Value<'t, 'a>> {
        let place = self.places[field as usize];
        (place > 0).then(|| self.whole.at(place))
    }

    /// The object, when there is one. The body may stand without an array.
    pub(crate) fn object(&self, level: Level) -> Option<Object<'t, 'a>> {
        self.objects[level as usize]
    }

    /// The array that the body is the first of.
    pub(crate) fn bodies(&self) -> Option<Value<'t, 'a>> {
        self.bodies
    }

    /// The record as served.
    pub(crate) fn raw(&self) -> &'a str {
        self.whole.raw()
    }
}

impl Object<'_, '_> {
    /// Whether some key occurs twice.
    pub(crate) fn has_repeated_keys(self) -> bool {
        self.has_repeated || self.has_unknown && has_repeated_keys(self.value)
    }
}

/// Sorts, because an object may have a million keys, and they are chosen by whoever sent it.
pub(crate) fn has_repeated_keys(object: Value<'_, '_>) -> bool {
    let mut keys: Vec<_> = object.children().map(|(key, _)| text::exact_bytes(key)).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

/// The first body of an array, when it is an object.
pub(crate) fn first_body<'t, 'a>(bodies: Value<'t, 'a>) -> Option<Value<'t, 'a>> {
    let (_, first) = bodies.only(Kind::Array)?.children().next()?;
    first.only(Kind::Object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_in_one_list_once() {
        let all = [Level::Record, Level::Payload, Level::Body].map(Level::fields).concat();
        let mut fields: Vec<_> = all.iter().map(|(field, _)| *field as usize).collect();
        fields.sort_unstable();
        assert!(fields.into_iter().eq(0..FIELDS));
    }
}
