//! What a row has to say for a promoted column.

use std::fmt;
use std::str::FromStr;

use chat::{Timestamp, is_secret_name};
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::place::{MemberPlace, Root};
use super::{PromotedType, Promotion};

/// Milliseconds of the years 1 to 9999, which every engine has.
const MILLISECONDS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000;

/// How `rest` begins when it holds the whole record as served.
const WHOLE: &str = r#"{"line":"#;

/// What a row has for a promoted column.
#[derive(Debug, Clone, PartialEq)]
pub enum Fit {
    /// There is no such member, or it is null.
    Absent,
    /// It is of another type.
    Unfit,
    /// This.
    Value(PromotedValue),
}

/// A value of a promoted column.
#[derive(Debug, Clone, PartialEq)]
pub enum PromotedValue {
    /// A whole number.
    Int(i64),
    /// A number.
    Real(f64),
    /// A text, or JSON as text.
    Text(String),
    /// An instant.
    Time(Timestamp),
    /// `true` or `false`.
    Truth(bool),
}

impl Promotion {
    /// What a row says, by its columns `ext` and `rest`. Of members with the same name the last one counts.
    #[must_use]
    pub fn fit(&self, ext: Option<&str>, rest: Option<&str>) -> Fit {
        let text = if self.place.root == Root::Ext { ext } else { rest };
        let Some(text) = text.filter(|text| self.place.may_be_in(text)) else { return Fit::Absent };
        let found = match self.place.root {
            Root::Ext => Some(self.within(text)),
            _ if text.starts_with(WHOLE) => self.within_record(text),
            Root::Body => {
                member(text, "body").or_else(|| first_body(member(text, "payload")?)).map(|body| self.within(body))
            }
            root => member(text, root.word()).map(|object| self.within(object)),
        };
        found.unwrap_or(Fit::Absent)
    }

    /// The same of a record that is kept as it was served.
    fn within_record(&self, rest: &str) -> Option<Fit> {
        let record = string(member(rest, "line")?)?;
        let payload = || member(&record, "payload");
        match self.place.root {
            Root::Ext => None,
            Root::Record => Some(self.within(&record)),
            Root::Payload => Some(self.within(payload()?)),
            Root::Body => Some(self.within(first_body(payload()?)?)),
        }
    }

    fn within(&self, object: &str) -> Fit {
        let value = self.place.names.iter().try_fold(object, |object, name| member(object, name));
        match value {
            None | Some("null") => Fit::Absent,
            Some(value) => self.value(value).map_or(Fit::Unfit, Fit::Value),
        }
    }

    fn value(&self, json: &str) -> Option<PromotedValue> {
        match self.kind {
            PromotedType::Bool => serde_json::from_str(json).ok().map(PromotedValue::Truth),
            PromotedType::Float64 => number(json).filter(|number: &f64| number.is_finite()).map(PromotedValue::Real),
            PromotedType::Int64 => number(json).map(PromotedValue::Int),
            // Share secrets stay in the columns that are theirs, and `rest` may quote one.
            PromotedType::Json if self.place.root != Root::Ext && has_secret(json) => None,
            PromotedType::Json => Some(PromotedValue::Text(json.to_owned())),
            // No text of the tables has a U+0000, which PostgreSQL does not take.
            PromotedType::String => string(json).filter(|text| !text.contains('\0')).map(PromotedValue::Text),
            PromotedType::Timestamp => time(json).map(PromotedValue::Time),
        }
    }
}

impl MemberPlace {
    /// Whether all names are in the text, or may be because it has escapes: looking costs less than reading.
    fn may_be_in(&self, text: &str) -> bool {
        text.contains('\\') || self.names.iter().all(|name| text.contains(name.as_str()))
    }
}

fn string(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// Also of a text that is a number: ids are often written so. Both are read alike, to the nearest there is, and `-0` is 0.
fn number<T: FromStr>(json: &str) -> Option<T> {
    json.parse().ok().or_else(|| string(json)?.parse().ok())
}

/// What is finer than a microsecond is left to `ext`.
fn time(json: &str) -> Option<Timestamp> {
    let time = match string(json) {
        Some(text) => text.parse::<Timestamp>().ok()?,
        None => Timestamp::from_timestamp_millis(json.parse().ok()?)?,
    };
    MILLISECONDS.contains(&time.timestamp_millis()).then_some(time)
}

/// Whether some name in a JSON value ends as those of share secrets do. The names are looked for in the text, because reading
/// it fails at what the service lets apps write: halves of characters, numbers beyond all, depth.
fn has_secret(json: &str) -> bool {
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (_, string) = rest.split_at(start);
        let (string, behind) = string.split_at(string_length(string));
        if behind.trim_start().starts_with(':') && is_secret(string) {
            return true;
        }
        rest = behind;
    }
    false
}

/// The length of the string that JSON begins with, quotes included.
fn string_length(json: &str) -> usize {
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(json.len(), |end| end + 2)
}

/// As in what an export leaves out. A name that cannot be read may be one.
fn is_secret(name: &str) -> bool {
    serde_json::Deserializer::from_str(name).deserialize_bytes(Is(is_secret_name)).unwrap_or(true)
}

/// The text of a member of an object, the last one of that name.
fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut json = serde_json::Deserializer::from_str(object);
    json.deserialize_map(Members { name }).ok()?.map(RawValue::get)
}

/// The first body of a payload, which may stand without an array (protocol section 4.2).
fn first_body(payload: &str) -> Option<&str> {
    let bodies = member(payload, "bodies")?;
    if bodies.starts_with('{') {
        return Some(bodies);
    }
    let bodies: Vec<&RawValue> = serde_json::from_str(bodies).ok()?;
    bodies.first().map(|body| body.get())
}

struct Members<'n> {
    name: &'n str,
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let is_name = |key: &[u8]| key == self.name.as_bytes();
        while let Some(is_it) = members.next_key_seed(Is(is_name))? {
            if is_it {
                found = Some(members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is one. Of its bytes, because a key may have halves of characters, which no text has.
struct Is<F>(F);

impl<'de, F: Fn(&[u8]) -> bool> DeserializeSeed<'de> for Is<F> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, key: D) -> Result<bool, D::Error> {
        key.deserialize_bytes(self)
    }
}

impl<F: Fn(&[u8]) -> bool> Visitor<'_> for Is<F> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<bool, E> {
        Ok(self.0(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(self.0(key.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(what: &str, json: &str) -> Fit {
        let promotion = Promotion::new(what, Some("x")).unwrap();
        if promotion.place.root == Root::Ext {
            promotion.fit(Some(json), None)
        } else {
            promotion.fit(None, Some(json))
        }
    }

    #[test]
    fn a_value_fits_its_type_or_is_counted() {
        use PromotedValue::{Int, Real, Text, Time, Truth};
        let text = |text: &str| Some(Text(text.to_owned()));
        let at = |time: &str| Some(Time(time.parse().unwrap()));
        for (kind, json, expected) in [
            ("string", r#""a\u00e9""#, text("aé")),
            ("string", r#""""#, text("")),
            ("string", "7", None),
            ("string", r#""\u0000""#, None),
            ("string", r#""\ud800""#, None),
            ("int64", "-7", Some(Int(-7))),
            ("int64", r#""9223372036854775807""#, Some(Int(i64::MAX))),
            ("int64", "9223372036854775808", None),
            ("int64", "7.0", None),
            ("int64", "7e0", None),
            ("int64", "-0", Some(Int(0))),
            ("int64", r#""-0""#, Some(Int(0))),
            ("int64", "[7]", None),
            ("int64", r#""seven""#, None),
            ("float64", "7", Some(Real(7.0))),
            ("float64", r#""2.5""#, Some(Real(2.5))),
            ("float64", "-0", Some(Real(-0.0))),
            ("float64", r#""-0""#, Some(Real(-0.0))),
            // The nearest there is, which serde_json without `float_roundtrip` misses.
            ("float64", "0.9887893528155755", Some(Real(0.9887893528155755))),
            ("float64", "true", None),
            ("float64", r#""inf""#, None),
            ("float64", "1e999", None),
            ("bool", "true", Some(Truth(true))),
            ("bool", "1", None),
            ("bool", r#""true""#, None),
            ("timestamp", r#""2026-03-14T09:00:00+08:00""#, at("2026-03-14T01:00:00Z")),
            ("timestamp", "1773478800001", at("2026-03-14T09:00:00.001Z")),
            ("timestamp", "-0", at("1970-01-01T00:00:00Z")),
            ("timestamp", "1773478800001.0", None),
            ("timestamp", r#""2026-03-14""#, None),
            ("timestamp", "999999999999999", None),
            ("json", r#"[1, {"a":"b"}]"#, text(r#"[1, {"a":"b"}]"#)),
            ("json", "1.50", text("1.50")),
            ("json", r#""x""#, text(r#""x""#)),
        ] {
            let found = fit(&format!("ext.v:{kind}"), &format!(r#"{{"u":[{{}}],"v": {json} }}"#));
            assert_eq!(found, expected.map_or(Fit::Unfit, Fit::Value), "{json} as {kind}");
        }
        for kind in ["string", "int64", "float64", "bool", "timestamp", "json"] {
            for ext in [r#"{"v":null}"#, r#"{"u":1}"#, "{}", "[]", r#""v""#, "{", ""] {
                assert_eq!(fit(&format!("ext.v:{kind}"), ext), Fit::Absent, "{ext} as {kind}");
            }
        }
    }

    #[test]
    fn a_member_is_found_where_it_stands() {
        let whole = r#"{"line":"{\"a\":1,\"a\":2,\"payload\":{\"p\":3,\"bodies\":[{\"b\":4},{\"b\":5}]}}"}"#;
        let whole_body = r#"{"line":"{\"a\":1,\"a\":2,\"payload\":{\"bodies\":{\"b\":4}}}"}"#;
        let rest = r#"{"record":{"a":1},"payload":{"p":3},"body":{"b":4},"bodies":[{"b":5}]}"#;
        let rest_body = r#"{"payload":{"bodies":{"b":4,"c":{"d":5}}}}"#;
        for (place, json, expected) in [
            ("ext.a.b", r#"{"a":{"b":1},"b":2}"#, Some(1)),
            ("ext.a", r#"{"a":1,"a":2}"#, Some(2)),
            ("ext.a", r#"{"\u0061":3,"\ud800":1}"#, Some(3)),
            ("ext.\"a.b\"", r#"{"a":{"b":1},"a.b":4}"#, Some(4)),
            ("ext.a.b", r#"{"a":"b"}"#, None),
            ("record.a", rest, Some(1)),
            ("payload.p", rest, Some(3)),
            ("body.b", rest, Some(4)),
            ("payload.a", rest, None),
            ("record.a", whole, Some(2)),
            ("payload.p", whole, Some(3)),
            ("body.b", whole, Some(4)),
            // A body without an array.
            ("body.b", rest_body, Some(4)),
            ("body.c.d", rest_body, Some(5)),
            ("body.b", whole_body, Some(4)),
            // The first of these is no body.
            ("body.b", r#"{"payload":{"bodies":[null,{"b":4}]}}"#, None),
            ("body.b", r#"{"payload":{"bodies":"b"}}"#, None),
        ] {
            let expected = expected.map_or(Fit::Absent, |number| Fit::Value(PromotedValue::Int(number)));
            assert_eq!(fit(&format!("{place}:int64"), json), expected, "{place} in {json}");
        }
    }

    #[test]
    fn share_secrets_are_not_promoted_with_what_holds_them() {
        let rest = |thumb: &str| format!(r#"{{"body":{{"x":{{"t":[{{"{thumb}":"s"}}]}}}}}}"#);
        assert!(matches!(fit("body.x:json", &rest("thumb")), Fit::Value(_)));
        let quoted = r#"\"secret"#;
        for name in [r"thumb_secre\u0074", "secret", "Share-Secret", r"\ud800secret", r"\\secret", quoted] {
            assert_eq!(fit("body.x:json", &rest(name)), Fit::Unfit, "{name}");
        }
    }

    #[test]
    fn json_is_taken_whatever_its_texts_numbers_and_depth_are() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        for json in [
            r#""\ud800""#,
            r#"{"a\udc00":"\ud800","n":-0}"#,
            "1E400",
            "[1e-999, 123456789012345678901234567890]",
            &deep,
            // Neither text is a name.
            r#"{"a":"\"secret\":1","b":["secret"]}"#,
            r#"["\\","secret"]"#,
            r#"{"secrets":1,"secret.x":2,"":3}"#,
        ] {
            let taken = Fit::Value(PromotedValue::Text(json.to_owned()));
            for root in ["record", "payload", "body"] {
                let rest = format!(r#"{{"{root}":{{"x":{json}}}}}"#);
                assert_eq!(fit(&format!("{root}.x:json"), &rest), taken, "{root}: {json}");
            }
            assert_eq!(fit("ext.x:json", &format!(r#"{{"x":{json}}}"#)), taken, "ext: {json}");
            // A secret beside it is found all the same.
            for beside in [format!(r#"[{json},{{"secret" : 1}}]"#), format!(r#"[{{"a":{{"secret":"s"}}}},{json}]"#)] {
                assert_eq!(fit("body.x:json", &format!(r#"{{"body":{{"x":{beside}}}}}"#)), Fit::Unfit, "{beside}");
            }
        }
    }
}
