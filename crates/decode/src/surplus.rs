//! What a message says beside what this program knows: the app's own attributes, members without a meaning, bodies of a
//! type that no document names.
//!
//! All of it is in the row, in `ext` and in `rest`; this finds the names, so that a person sees what is new in an app's
//! traffic.

use std::fmt;

use chat::{BodyType, Message};

use crate::json::{Kind, Scanner, Token, Value};
use crate::limits::Limits;
use crate::members::Members;
use crate::rebuild::RebuildError;
use crate::record::{Field, Level, Record};
use crate::rest::KEYS;
use crate::text;

/// Where a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The type of the first body; the name is that type, empty when the body has none.
    BodyType,
    /// The app's own attributes.
    Ext,
    /// The record.
    Record,
    /// Its payload.
    Payload,
    /// A body of it.
    Body,
}

impl Place {
    /// Every place, in order.
    pub const ALL: [Self; 5] = [Self::BodyType, Self::Ext, Self::Record, Self::Payload, Self::Body];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BodyType => "body_type",
            Self::Ext => "ext",
            Self::Record => "record",
            Self::Payload => "payload",
            Self::Body => "body",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The type of a value, in the words of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JsonType {
    /// `[…]`.
    Array,
    /// `true` or `false`.
    Boolean,
    /// `null`.
    Null,
    /// Any number.
    Number,
    /// `{…}`.
    Object,
    /// Any text.
    String,
}

impl JsonType {
    /// Every type, in order.
    pub const ALL: [Self; 6] = [Self::Array, Self::Boolean, Self::Null, Self::Number, Self::Object, Self::String];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Null => "null",
            Self::Number => "number",
            Self::Object => "object",
            Self::String => "string",
        }
    }

    fn of(value: Value<'_, '_>) -> Self {
        match value.kind() {
            Kind::Array => Self::Array,
            Kind::False | Kind::True => Self::Boolean,
            Kind::Null => Self::Null,
            Kind::Number => Self::Number,
            Kind::Object => Self::Object,
            Kind::String => Self::String,
        }
    }
}

impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Looks for such names, row by row. Keeps its memory from one row to the next.
#[derive(Debug)]
pub struct Surplus {
    scanner: Scanner,
    tape: Vec<Token>,
}

impl Default for Surplus {
    fn default() -> Self {
        // `rest` is a level or two deeper than the record.
        Self { scanner: Scanner::new(Limits::MAX_DEPTH + 4), tape: Vec::new() }
    }
}

impl Surplus {
    /// Tells `found` each name with its place and the type of its value, if it has one. Reads `body_type`, `ext` and
    /// `rest` alone.
    ///
    /// Members that have a meaning are not told of, even where `rest` keeps one because it was written in another way.
    ///
    /// # Errors
    ///
    /// [`RebuildError`] when `ext` is no JSON, or `rest` has not the layout of [`crate::REST_VERSION`].
    pub fn of(
        &mut self,
        message: &Message<'_>,
        mut found: impl FnMut(Place, &str, Option<JsonType>),
    ) -> Result<(), RebuildError> {
        if let Some(ext) = message.ext.as_deref() {
            let ext = self.scan(ext).ok_or(RebuildError { column: "ext" })?;
            members(ext, Place::Ext, |_| false, &mut found);
        }
        let is_unknown = message.body_type == Some(BodyType::Unknown);
        match message.rest.as_deref() {
            Some(rest) => {
                let rest = self.scan(rest).ok_or(RebuildError { column: "rest" })?;
                self::rest(rest, is_unknown, &mut found).ok_or(RebuildError { column: "rest" })
            }
            None => {
                if is_unknown {
                    found(Place::BodyType, BodyType::Unknown.word(), Some(JsonType::String));
                }
                Ok(())
            }
        }
    }

    /// The text as the one value that it is.
    fn scan<'t, 'a>(&'t mut self, text: &'a str) -> Option<Value<'t, 'a>> {
        self.scanner.whole(text, &mut self.tape)
    }
}

/// `None` when it has another layout.
fn rest(rest: Value<'_, '_>, is_unknown: bool, found: &mut impl FnMut(Place, &str, Option<JsonType>)) -> Option<()> {
    let [record, payload, body, bodies, without, line] = Members::of(rest.only(Kind::Object)?, &KEYS).values;
    if let Some(line) = line {
        return whole(&text::of(line.only(Kind::String)?).value, is_unknown, found);
    }
    for (level, object) in [(Level::Record, record), (Level::Payload, payload), (Level::Body, body)] {
        object.into_iter().for_each(|object| unknown_members(object, level, found));
    }
    further_bodies(bodies.into_iter().flat_map(Value::children), found);
    if is_unknown {
        let served = body.and_then(type_of);
        let lacks = |(_, path): (_, Value<'_, '_>)| text::of(path).value == Level::Body.path("type");
        let has_none = without.into_iter().flat_map(Value::children).any(lacks);
        match served {
            Some(word) => body_type(word, found),
            None if has_none => found(Place::BodyType, "", None),
            None => found(Place::BodyType, BodyType::Unknown.word(), Some(JsonType::String)),
        }
    }
    Some(())
}

/// The same of a record that is kept as it was served.
fn whole(line: &str, is_unknown: bool, found: &mut impl FnMut(Place, &str, Option<JsonType>)) -> Option<()> {
    let mut tape = Vec::new();
    Scanner::new(Limits::MAX_DEPTH).scan(line.as_bytes(), &mut tape).ok()?;
    let record = Record::of(Value::whole(line, &tape));
    for level in Level::ALL {
        record.object(level).into_iter().for_each(|object| unknown_members(object.value, level, found));
    }
    further_bodies(record.bodies().into_iter().flat_map(Value::children).skip(1), found);
    if is_unknown {
        match record.get(Field::Type) {
            Some(word) => body_type(word, found),
            None => found(Place::BodyType, "", None),
        }
    }
    Some(())
}

fn further_bodies<'t, 'a: 't>(
    bodies: impl Iterator<Item = (&'a str, Value<'t, 'a>)>,
    found: &mut impl FnMut(Place, &str, Option<JsonType>),
) {
    bodies.for_each(|(_, body)| unknown_members(body, Level::Body, found));
}

fn unknown_members(object: Value<'_, '_>, level: Level, found: &mut impl FnMut(Place, &str, Option<JsonType>)) {
    let place = match level {
        Level::Record => Place::Record,
        Level::Payload => Place::Payload,
        Level::Body => Place::Body,
    };
    members(object, place, |key| level.field(key).is_some(), found);
}

/// The members of an object but those that are known; nothing of other values.
fn members(
    object: Value<'_, '_>,
    place: Place,
    is_known: impl Fn(&str) -> bool,
    found: &mut impl FnMut(Place, &str, Option<JsonType>),
) {
    let members = object.only(Kind::Object).into_iter().flat_map(Value::children);
    for (key, value) in members.filter(|(key, _)| !is_known(key)) {
        found(place, &text::read(key).value, Some(JsonType::of(value)));
    }
}

/// The last type that a body says.
fn type_of<'t, 'a>(body: Value<'t, 'a>) -> Option<Value<'t, 'a>> {
    let types = body.children().filter(|(key, _)| Level::Body.field(key) == Some(Field::Type));
    types.last().map(|(_, word)| word)
}

fn body_type(word: Value<'_, '_>, found: &mut impl FnMut(Place, &str, Option<JsonType>)) {
    let of_type = Some(JsonType::of(word));
    match word.kind() {
        Kind::String => found(Place::BodyType, &text::of(word).value, of_type),
        _ => found(Place::BodyType, word.raw(), of_type),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Decoder, Limits, Origin};

    use super::*;

    fn names(line: &str) -> Vec<String> {
        let origin = Origin { hour: "2026031409".parse().unwrap(), part: 0, app: None };
        let mut decoder = Decoder::new(line.as_bytes(), origin, Limits::default());
        let batch = decoder.next_batch().unwrap().unwrap();
        let mut names = Vec::new();
        let found = |place: Place, name: &str, json: Option<JsonType>| {
            names.push(format!("{place}.{name}:{}", json.map_or("", JsonType::word)));
        };
        Surplus::default().of(&batch.messages[0], found).unwrap();
        names
    }

    #[test]
    fn what_has_no_meaning_is_named() {
        for (line, expected) in [
            // What is only written otherwise is known.
            (r#"{"timestamp":"17","payload":{"ext":{},"bodies":[{"type":"voice","Length":2}]}}"#, &[][..]),
            (r#"{"trace":{"a":1},"payload":{"bodies":[{"type":"txt","msg":"x"}]}}"#, &["record.trace:object"]),
            (
                r#"{"payload":{"ext":{"order_id":7,"a\u0062":null,"\ud800":[]},"lang":"zh"}}"#,
                &["ext.order_id:number", "ext.ab:null", "ext.\u{fffd}:array", "payload.lang:string"],
            ),
            (r#"{"payload":{"ext":"plain"}}"#, &[]),
            (
                r#"{"payload":{"bodies":[{"type":"sticker","pack":true},{"msg":"x","n":1e999}]}}"#,
                &["body.pack:boolean", "body.n:number", "body_type.sticker:string"],
            ),
        ] {
            assert_eq!(names(line), expected, "{line}");
        }
    }

    #[test]
    fn a_record_that_is_kept_whole_is_looked_through() {
        let line =
            r#"{"new":1,"new":2,"payload":{"fresh":true,"bodies":[{"type":"poll","msg":"x","vote":null},{"n":""}]}}"#;
        let expected = [
            "record.new:number",
            "record.new:number",
            "payload.fresh:boolean",
            "body.vote:null",
            "body.n:string",
            "body_type.poll:string",
        ];
        assert_eq!(names(line), expected);
    }

    #[test]
    fn a_body_of_an_unknown_type_has_a_name() {
        for (body, expected) in [
            (r#"{"type":"sticker"}"#, "body_type.sticker:string"),
            (r#"{"type":"unknown"}"#, "body_type.unknown:string"),
            (r#"{"type":"unknown","x":1}"#, "body_type.unknown:string"),
            (r#"{"type":7}"#, "body_type.7:number"),
            (r#"{"type":null}"#, "body_type.null:null"),
            ("{}", "body_type.:"),
        ] {
            let names = names(&format!(r#"{{"payload":{{"bodies":[{body}]}}}}"#));
            assert_eq!(names.last().map(String::as_str), Some(expected), "{body}");
        }
    }

    #[test]
    fn a_row_of_another_making_is_refused() {
        let of = |ext: Option<&'static str>, rest: Option<&'static str>| {
            let position = chat::Position { source_hour: "2026031409".parse().unwrap(), part: 0, line: 1 };
            let message = Message { ext: ext.map(Into::into), rest: rest.map(Into::into), ..Message::at(position) };
            Surplus::default().of(&message, |_, _, _| ()).map_err(|error| error.column)
        };
        assert_eq!(of(Some("{"), None), Err("ext"));
        assert_eq!(of(Some("{} {}"), None), Err("ext"));
        assert_eq!(of(None, Some("[]")), Err("rest"));
        assert_eq!(of(None, Some(r#"{"line":"no record"}"#)), Err("rest"));
        assert_eq!(of(None, None), Ok(()));
    }
}
