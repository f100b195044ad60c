//! What a message says beside what this program knows: the app's own attributes, members without a meaning, bodies of a
//! type that no document names.
//!
//! All of it is in the row, in `ext` and in `rest`; this finds the names, so that a person sees what is new in an app's
//! traffic.

use std::fmt;

use chat::{BodyType, Message};

use crate::body;
use crate::json::{Kind, Scanner, Token, Value};
use crate::limits::Limits;
use crate::members::Members;
use crate::rebuild::RebuildError;
use crate::record::{Field, Level};
use crate::rest::KEYS;
use crate::text;

/// Where a name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The type of a body that no document names; the name is that type, empty when the body has none.
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
        let rest = self.scan(message.rest.as_deref().unwrap_or("{}")).ok_or(RebuildError { column: "rest" })?;
        self::rest(rest, message.body_type, &mut found).ok_or(RebuildError { column: "rest" })
    }

    /// The text as the one value that it is.
    fn scan<'t, 'a>(&'t mut self, text: &'a str) -> Option<Value<'t, 'a>> {
        self.scanner.whole(text, &mut self.tape)
    }
}

/// `of`: the type of the row. `None` when it has another layout.
fn rest(
    rest: Value<'_, '_>,
    of: Option<BodyType>,
    found: &mut impl FnMut(Place, &str, Option<JsonType>),
) -> Option<()> {
    let [record, payload, body, further, without, line] = Members::of(rest.only(Kind::Object)?, &KEYS).values;
    if let Some(line) = line {
        return whole(&text::of(line.only(Kind::String)?).value, found);
    }
    for (level, object) in [(Level::Record, record), (Level::Payload, payload), (Level::Body, body)] {
        object.into_iter().for_each(|object| unknown_members(object, level, found));
    }
    // Bodies that are no array that begins with one are a member of the payload, whose members these were among.
    if payload.and_then(|payload| member(payload, Level::Payload, Field::Bodies)).is_none() {
        let lacks = |(_, path): (_, Value<'_, '_>)| text::of(path).value == Level::Body.path("type");
        let has_none = without.into_iter().flat_map(Value::children).any(lacks);
        first_type(of, body, has_none, found);
    }
    further.into_iter().for_each(|further| bodies(further, found));
    Some(())
}

/// The same of a record that is kept as it was served.
fn whole(line: &str, found: &mut impl FnMut(Place, &str, Option<JsonType>)) -> Option<()> {
    let mut tape = Vec::new();
    Scanner::new(Limits::MAX_DEPTH).scan(line.as_bytes(), &mut tape).ok()?;
    unknown_members(Value::whole(line, &tape), Level::Record, found);
    Some(())
}

/// The type of a first body, of which `body` has what the columns do not say.
fn first_type(
    of: Option<BodyType>,
    body: Option<Value<'_, '_>>,
    has_none: bool,
    found: &mut impl FnMut(Place, &str, Option<JsonType>),
) {
    let word = body.and_then(|body| member(body, Level::Body, Field::Type));
    match (of, word) {
        (Some(BodyType::Unknown), Some(word)) => body_type(word, found),
        (Some(BodyType::Unknown), None) if has_none => found(Place::BodyType, "", None),
        (Some(BodyType::Unknown), None) => found(Place::BodyType, BodyType::Unknown.word(), Some(JsonType::String)),
        // That it is an event is all that the row says: the type is left to `rest`.
        (Some(BodyType::Event), Some(word)) if body.is_some_and(is_unknown) && !body::is_missing(word) => {
            body_type(word, found);
        }
        _ => {}
    }
}

/// The members of an object that have no meaning, and those of the objects within it that are levels of a record. A key
/// that occurs twice is looked at twice.
fn unknown_members(object: Value<'_, '_>, level: Level, found: &mut impl FnMut(Place, &str, Option<JsonType>)) {
    let place = match level {
        Level::Record => Place::Record,
        Level::Payload => Place::Payload,
        Level::Body => Place::Body,
    };
    members(object, place, |key| level.field(key).is_some(), found);
    for (key, value) in object.only(Kind::Object).into_iter().flat_map(Value::children) {
        match level.field(key) {
            Some(Field::Payload) => unknown_members(value, Level::Payload, found),
            Some(Field::Bodies) => bodies(value, found),
            _ => {}
        }
    }
}

/// Bodies as they were served: in an array, or one without (protocol section 4.2).
fn bodies(bodies: Value<'_, '_>, found: &mut impl FnMut(Place, &str, Option<JsonType>)) {
    let listed = bodies.only(Kind::Array).into_iter().flat_map(Value::children).map(|(_, body)| body);
    for body in bodies.only(Kind::Object).into_iter().chain(listed.filter_map(|body| body.only(Kind::Object))) {
        unknown_members(body, Level::Body, found);
        if is_unknown(body) {
            match member(body, Level::Body, Field::Type) {
                Some(word) => body_type(word, found),
                None => found(Place::BodyType, "", None),
            }
        }
    }
}

/// Whether no document names the type of a body.
fn is_unknown(body: Value<'_, '_>) -> bool {
    body::type_of(|field| member(body, Level::Body, field)) == BodyType::Unknown
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

/// The member of an object that has this meaning, the last one.
fn member<'t, 'a: 't>(object: Value<'t, 'a>, level: Level, field: Field) -> Option<Value<'t, 'a>> {
    let members = object.only(Kind::Object)?.children().filter(|(key, _)| level.field(key) == Some(field));
    members.last().map(|(_, value)| value)
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
                &["body.pack:boolean", "body_type.sticker:string", "body.n:number"],
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
            "body_type.poll:string",
            "body.n:string",
            "body_type.:",
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
    fn a_body_is_looked_at_wherever_it_was_served() {
        for (bodies, expected) in [
            // Without an array it is the first body all the same.
            (r#"{"type":"sticker","pack":"p1"}"#, &["body.pack:string", "body_type.sticker:string"][..]),
            (r#"{"type":"txt","msg":"x","pack":1}"#, &["body.pack:number"]),
            (r#"{"newkey":1}"#, &["body.newkey:number", "body_type.:"]),
            ("{}", &["body_type.:"]),
            // Behind one that is no object, or that has a type.
            (r#"[null,{"type":"sticker","pack":"p1"}]"#, &["body.pack:string", "body_type.sticker:string"]),
            (r#"[[],7,{"msg":"x"},{"vote":1}]"#, &["body.vote:number", "body_type.:"]),
            (r#"[{"type":"txt"},{"type":"sticker"},{"subType":"sub_combine"}]"#, &["body_type.sticker:string"]),
            (r#""plain""#, &[]),
            ("[]", &[]),
        ] {
            assert_eq!(names(&format!(r#"{{"payload":{{"bodies":{bodies}}}}}"#)), expected, "{bodies}");
            // The same of a record that is kept whole.
            let whole = names(&format!(r#"{{"payload":{{"ext":1,"ext":2,"bodies":{bodies}}}}}"#));
            assert_eq!(whole, expected, "{bodies}, kept whole");
        }
        let twice = names(r#"{"payload":{"bodies":{"type":"a","m":1},"bodies":{"type":"b","n":1}}}"#);
        assert_eq!(twice, ["body.m:number", "body_type.a:string", "body.n:number", "body_type.b:string"]);
    }

    #[test]
    fn the_body_of_an_event_has_a_type_too() {
        let of = |body: &str| names(&format!(r#"{{"chat_type":"edit","payload":{{"bodies":[{body}]}}}}"#));
        assert_eq!(of(r#"{"type":"sticker","pack":1}"#), ["body.pack:number", "body_type.sticker:string"]);
        for known in [r#"{"type":"txt","msg":"x"}"#, r#"{"type":null,"msg":"x"}"#, "{}"] {
            assert_eq!(of(known), [""; 0], "{known}");
        }
        let combined = r#"{"type":"txt","subType":"sub_combine","title":"x"}"#;
        assert_eq!(of(combined), [""; 0]);
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
