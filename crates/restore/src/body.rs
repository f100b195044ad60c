//! From the body of a record to the body that the import method takes (protocol sections 5 and 6.3).
//!
//! Fields are carried as they were written. What differs between the two is put right: degrees are texts, lengths whole numbers,
//! attributes of a custom message one object of texts.

use std::collections::BTreeMap;

use chat::{BodyType, Message};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::reason::{Objection, Reason};

/// The fields of a body.
pub(crate) type Fields = BTreeMap<String, Box<RawValue>>;

/// The parts of a record that matter here.
#[derive(Deserialize)]
struct Record {
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct Payload {
    bodies: Option<Box<RawValue>>,
}

/// The one body of a message.
pub(crate) fn of(message: &Message<'_>, record: &str) -> Result<Fields, Objection> {
    let payload = serde_json::from_str::<Record>(record).ok().and_then(|record| record.payload);
    let bodies = payload.and_then(|payload| payload.bodies).ok_or(Reason::NoBody)?;
    let mut fields = only(&bodies)?;
    fields.remove("type");
    // Null is as good as absent in a record, and not in a request.
    fields.retain(|_, value| value.get() != "null");
    match message.body_type {
        Some(BodyType::Loc) => write_degrees(&mut fields, message),
        Some(BodyType::Custom) => write_attributes(&mut fields, message.custom_exts.as_deref()),
        Some(_) => ["length", "file_length"].iter().for_each(|name| make_whole(&mut fields, name)),
        None => {}
    }
    Ok(fields)
}

/// One body stands in a list, and in old records alone.
fn only(bodies: &RawValue) -> Result<Fields, Objection> {
    let list: Vec<Fields> = match serde_json::from_str(bodies.get()) {
        Ok(list) => list,
        Err(_) => vec![serde_json::from_str(bodies.get()).map_err(|_| Reason::NoBody)?],
    };
    match <[Fields; 1]>::try_from(list) {
        Ok([fields]) => Ok(fields),
        Err(list) if list.is_empty() => Err(Reason::NoBody.into()),
        Err(list) => Err(Objection::because(Reason::SeveralBodies, format_args!("it has {}", list.len()))),
    }
}

/// The method wants degrees as texts; a number keeps its digits. Where the field is called otherwise, the column knows it.
fn write_degrees(fields: &mut Fields, message: &Message<'_>) {
    for (name, degrees) in [("lat", message.lat), ("lng", message.lng)] {
        let written = fields.get(name).map(|value| value.get().trim_matches('"').to_owned());
        if let Some(degrees) = written.or_else(|| degrees.map(|degrees| degrees.to_string())) {
            fields.insert(name.to_owned(), text(&degrees));
        }
    }
}

/// The method wants whole numbers; old records have `2.0` and `"2"`. What is none is left out: it is not required.
fn make_whole(fields: &mut Fields, name: &str) {
    let Some(value) = fields.get(name) else { return };
    if value.get().bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    match whole(value.get().trim_matches('"')) {
        Some(number) => drop(fields.insert(name.to_owned(), to_raw_value(&number).expect("a number is JSON"))),
        None => drop(fields.remove(name)),
    }
}

fn whole(text: &str) -> Option<u64> {
    let number: f64 = text.trim().parse().ok()?;
    // Larger ones are lengths of nothing, and not exact.
    (0.0..=9e15).contains(&number).then_some(())?;
    format!("{number:.0}").parse().ok()
}

/// The attributes in whichever of their three forms, as the one that the method takes.
fn write_attributes(fields: &mut Fields, attributes: Option<&str>) {
    let had = [fields.remove("customExts"), fields.remove("v2:customExts")];
    let map: Option<BTreeMap<String, Value>> = attributes.and_then(|text| serde_json::from_str(text).ok());
    let Some(map) = map.filter(|_| had.iter().any(Option::is_some)) else { return };
    let text_of = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let map: BTreeMap<String, String> = map.into_iter().map(|(name, value)| (name, text_of(value))).collect();
    fields.insert("customExts".to_owned(), to_raw_value(&map).expect("texts are JSON"));
}

/// A text as JSON.
pub(crate) fn text(text: &str) -> Box<RawValue> {
    to_raw_value(text).expect("a text can be written as JSON")
}

/// The text of a field; `None` when it is missing, empty or no text.
pub(crate) fn text_of(fields: &Fields, name: &str) -> Option<String> {
    let text: Option<String> = fields.get(name).and_then(|value| serde_json::from_str(value.get()).ok());
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use chat::{Hour, Position};

    use super::*;

    fn check(body_type: BodyType, attributes: Option<&str>, bodies: &str) -> Result<String, Reason> {
        let mut message = Message::at(Position { source_hour: Hour::from_number(0), part: 0, line: 1 });
        message.lng = Some(121.5);
        message.body_type = Some(body_type);
        message.custom_exts = attributes.map(|text| text.to_owned().into());
        let record = format!(r#"{{"msg_id":"1","payload":{{"from":"a","bodies":{bodies}}}}}"#);
        let fields = of(&message, &record).map_err(|objection| objection.reason)?;
        Ok(serde_json::to_string(&fields).unwrap())
    }

    #[test]
    fn a_body_becomes_what_the_method_takes() {
        use BodyType::{Audio, Custom, File, Loc, Txt};
        for (body_type, attributes, bodies, expected) in [
            (Txt, None, r#"[{"type":"txt","msg":"潮 \"汐\"\n","x":1.50}]"#, r#"{"msg":"潮 \"汐\"\n","x":1.50}"#),
            (Txt, None, r#"{"type":"txt","msg":"alone"}"#, r#"{"msg":"alone"}"#),
            (Loc, None, r#"[{"lat":31.20,"lng":"-0.5","addr":null}]"#, r#"{"lat":"31.20","lng":"-0.5"}"#),
            (Loc, None, r#"[{"lat":1,"log":121.50,"addr":""}]"#, r#"{"addr":"","lat":"1","lng":"121.5","log":121.50}"#),
            (Audio, None, r#"[{"length":"2","file_length":10.0}]"#, r#"{"file_length":10,"length":2}"#),
            (File, None, r#"[{"length":-1,"file_length":"1.94KB"}]"#, "{}"),
            (File, None, r#"[{"file_length":12345678901234567890}]"#, r#"{"file_length":12345678901234567890}"#),
            (
                Custom,
                Some(r#"{"a":"x","b":{"c":1.50}}"#),
                r#"[{"customEvent":"e","customExts":[{"a":"x"}],"v2:customExts":{"a":"x"}}]"#,
                r#"{"customEvent":"e","customExts":{"a":"x","b":"{\"c\":1.5}"}}"#,
            ),
            (Custom, None, r#"[{"customEvent":"e"}]"#, r#"{"customEvent":"e"}"#),
        ] {
            assert_eq!(check(body_type, attributes, bodies).as_deref(), Ok(expected), "{bodies}");
        }
    }

    #[test]
    fn one_body_is_wanted() {
        for (bodies, reason) in [
            ("[]", Reason::NoBody),
            ("null", Reason::NoBody),
            ("7", Reason::NoBody),
            (r#"[{"msg":"a"},{"msg":"b"}]"#, Reason::SeveralBodies),
        ] {
            assert_eq!(check(BodyType::Txt, None, bodies), Err(reason), "{bodies}");
        }
    }
}
