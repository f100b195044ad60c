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
    /// The group that webhooks and re-exports name beside the addresses.
    GroupId,
    AliasGroupId,
    RecallId,
    Ext,
    Bodies,
    PayloadFrom,
    PayloadTo,
    PayloadType,
    Meta,
    /// Where an event happened, in its own words.
    ChannelType,
    MucId,
    IsChatroom,
    /// What an event speaks of.
    AckMessageId,
    EditMessageId,
    Data,
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

/// Makes of a list of members the table by which they are walked and the function by which their keys are known.
macro_rules! members {
    ($table:ident, $set:ident, $find:ident, $($field:ident = $key:literal,)+) => {
        const $table: &[(Field, &str)] = &[$((Field::$field, $key),)+];
        const $set: Fields = Fields::NONE.with(&[$(Field::$field,)+], true);

        /// The member of a key as written, unless it is written with escapes.
        fn $find(key: &str) -> Option<Field> {
            match key {
                $(concat!("\"", $key, "\"") => Some(Field::$field),)+
                _ => None,
            }
        }
    };
}

members! { RECORD, OF_RECORD, of_record,
    ChatType = "chat_type",
    Payload = "payload",
    From = "from",
    To = "to",
    MsgId = "msg_id",
    Timestamp = "timestamp",
    Direction = "direction",
    GroupId = "group_id",
    AliasGroupId = "groupId",
    RecallId = "recall_id",
}

members! { PAYLOAD, OF_PAYLOAD, of_payload,
    Ext = "ext",
    Bodies = "bodies",
    PayloadFrom = "from",
    PayloadTo = "to",
    PayloadType = "type",
    Meta = "meta",
    ChannelType = "channel_type",
    MucId = "muc_id",
    IsChatroom = "is_chatroom",
    AckMessageId = "ack_message_id",
    EditMessageId = "edit_message_id",
    Data = "data",
}

members! { BODY, OF_BODY, of_body,
    Msg = "msg",
    Type = "type",
    Url = "url",
    Secret = "secret",
    Filename = "filename",
    FileLength = "file_length",
    Length = "length",
    Size = "size",
    Thumb = "thumb",
    ThumbSecret = "thumb_secret",
    Lat = "lat",
    Lng = "lng",
    Addr = "addr",
    Action = "action",
    CustomEvent = "customEvent",
    CustomExts = "customExts",
    SubType = "subType",
    Title = "title",
    Summary = "summary",
    AliasFilename = "file_name",
    AliasLength = "Length",
    AliasLng = "log",
    AliasThumb = "thumbnail",
    MapCustomExts = "v2:customExts",
}

impl Level {
    /// From the outside in.
    pub(crate) const ALL: [Self; 3] = [Self::Record, Self::Payload, Self::Body];

    /// Its members that have a meaning, with their keys.
    pub(crate) fn fields(self) -> &'static [(Field, &'static str)] {
        match self {
            Self::Record => RECORD,
            Self::Payload => PAYLOAD,
            Self::Body => BODY,
        }
    }

    /// Those of its members that are in a set.
    pub(crate) fn those(self, set: Fields) -> impl Iterator<Item = &'static (Field, &'static str)> {
        self.fields().iter().filter(move |(field, _)| set.has(*field))
    }

    /// The same members as a set.
    pub(crate) fn set(self) -> Fields {
        match self {
            Self::Record => OF_RECORD,
            Self::Payload => OF_PAYLOAD,
            Self::Body => OF_BODY,
        }
    }

    /// The member that a key as written stands for.
    pub(crate) fn field(self, key: &str) -> Option<Field> {
        let find = match self {
            Self::Record => of_record,
            Self::Payload => of_payload,
            Self::Body => of_body,
        };
        find(key).or_else(|| find(&text::without_escapes(key)?))
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

/// A set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fields(u64);

const _: () = assert!(FIELDS <= u64::BITS as usize);

impl Fields {
    pub(crate) const NONE: Self = Self(0);

    /// The set with these fields too when the condition holds.
    pub(crate) const fn with(self, fields: &[Field], condition: bool) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < fields.len() {
            bits |= 1 << fields[index] as u64;
            index += 1;
        }
        Self(self.0 | if condition { bits } else { 0 })
    }

    pub(crate) fn has(self, field: Field) -> bool {
        self.0 & 1 << field as u64 != 0
    }

    /// Those that both have.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that the other does not have.
    pub(crate) fn but(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// A record by its members.
#[derive(Debug)]
pub(crate) struct Record<'t, 'a> {
    whole: Value<'t, 'a>,
    /// Where each field's value is on the tape; 0, where the whole is, for none.
    places: [u32; FIELDS],
    /// The fields that have a place.
    present: Fields,
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
        let mut record = Self { whole, places: [0; FIELDS], present: Fields::NONE, objects: [None; 3], bodies: None };
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
                    object.has_repeated |= self.present.has(field);
                    self.places[field as usize] = member.place();
                    self.present = self.present.with(&[field], true);
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

    /// The fields that have a value.
    pub(crate) fn present(&self) -> Fields {
        self.present
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
        let all = Level::ALL.map(Level::fields).concat();
        let mut fields: Vec<_> = all.iter().map(|(field, _)| *field as usize).collect();
        fields.sort_unstable();
        assert!(fields.into_iter().eq(0..FIELDS));
    }
}
