//! What a message says: its type, body and ext (protocol sections 5, 6.2 and 6.3).

use serde_json::{Map, Number, Value};

use crate::answer::Failure;
use crate::method::Fields;

/// What a message says, read and found right.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) kind: &'static str,
    body: Map<String, Value>,
    pub(super) ext: Option<Value>,
}

/// A field of a body.
struct Field {
    name: &'static str,
    required: bool,
    is_right: fn(&Value) -> bool,
}

const fn required(name: &'static str) -> Field {
    Field { name, required: true, is_right: is_text }
}

const fn optional(name: &'static str, is_right: fn(&Value) -> bool) -> Field {
    Field { name, required: false, is_right }
}

/// The types of messages and the fields of their bodies. Other fields are taken as they come.
const KINDS: &[(&str, &[Field])] = &[
    ("txt", &[required("msg")]),
    ("img", &[required("url"), optional("filename", is_text), optional("secret", is_text), optional("size", is_size)]),
    (
        "audio",
        &[required("url"), optional("filename", is_text), optional("secret", is_text), optional("length", is_count)],
    ),
    (
        "video",
        &[
            required("url"),
            optional("filename", is_text),
            optional("thumb", is_text),
            optional("thumb_secret", is_text),
            optional("length", is_count),
            optional("secret", is_text),
            optional("file_length", is_count),
        ],
    ),
    ("file", &[required("url"), required("filename"), optional("secret", is_text)]),
    (
        "loc",
        &[
            Field { name: "lat", required: true, is_right: is_degree },
            Field { name: "lng", required: true, is_right: is_degree },
            required("addr"),
        ],
    ),
    ("cmd", &[required("action")]),
    ("custom", &[optional("customEvent", is_event), optional("customExts", is_attributes)]),
];

/// The most that body and ext together may have, in bytes.
const CONTENT_BYTES: usize = 5 << 10;
/// The most attributes of a custom message.
const ATTRIBUTES: usize = 16;
/// The longest name of a custom event.
const EVENT_LENGTH: usize = 32;

impl Content {
    /// Reads `type`, `body` and `ext` of a request. `missing` is the failure when a field is not there.
    pub(super) fn read(fields: &Fields, missing: fn(&str) -> Failure) -> Result<Self, Failure> {
        let kind = fields.required("type", || missing("type"))?;
        let body = fields.value("body").filter(|body| **body != Value::Null).ok_or_else(|| missing("body"))?;
        let body = body.as_object().ok_or_else(Failure::invalid_body)?;
        if body.is_empty() && kind != "custom" {
            return Err(missing("body"));
        }
        Self::of(kind, body.clone(), ext(fields)?, missing)
    }

    pub(super) fn of(
        kind: &str,
        body: Map<String, Value>,
        ext: Option<Value>,
        missing: fn(&str) -> Failure,
    ) -> Result<Self, Failure> {
        let (kind, fields) = KINDS.iter().find(|(name, _)| *name == kind).ok_or_else(Failure::invalid_body)?;
        for field in *fields {
            match body.get(field.name) {
                None if field.required => return Err(missing(field.name)),
                Some(value) if !(field.is_right)(value) => return Err(Failure::invalid_body()),
                _ => {}
            }
        }
        Self { kind, body, ext }.fitting()
    }

    fn fitting(self) -> Result<Self, Failure> {
        let body = Value::Object(self.body.clone()).to_string().len();
        let ext = self.ext.as_ref().map_or(0, |ext| ext.to_string().len());
        if body + ext > CONTENT_BYTES { Err(send_error("message is too large")) } else { Ok(self) }
    }

    /// The bodies of the record, as JSON: with the type, and with degrees as numbers.
    pub(super) fn bodies(&self) -> String {
        let mut body = self.body.clone();
        body.insert("type".to_owned(), self.kind.into());
        if self.kind == "loc" {
            for key in ["lat", "lng"] {
                let degree = body.get(key).and_then(Value::as_str).and_then(|text| text.parse().ok());
                if let Some(number) = degree.and_then(Number::from_f64) {
                    body.insert(key.to_owned(), number.into());
                }
            }
        }
        Value::Array(vec![Value::Object(body)]).to_string()
    }

    /// The uuid of the file that the message brings, which is the end of its address.
    pub(super) fn file(&self) -> Option<String> {
        let url = self.body.get("url")?.as_str()?;
        let (_, uuid) = url.rsplit_once("/chatfiles/")?;
        Some(uuid.split('?').next().unwrap_or(uuid).to_owned())
    }
}

/// `ext` of a request, which is an object when it is there.
pub(super) fn ext(fields: &Fields) -> Result<Option<Value>, Failure> {
    match fields.value("ext") {
        Some(ext) if !ext.is_object() => Err(send_error("param ext must be JSONObject")),
        ext => Ok(ext.cloned()),
    }
}

/// An error of sending.
pub(super) fn send_error(description: impl Into<String>) -> Failure {
    Failure::new(axum::http::StatusCode::BAD_REQUEST, "message_send_error", description)
}

/// What a request to send lacks.
pub(super) fn cannot_be_empty(field: &str) -> Failure {
    send_error(format!("param {field} can't be empty"))
}

fn is_text(value: &Value) -> bool {
    value.is_string()
}

fn is_count(value: &Value) -> bool {
    value.as_i64().is_some_and(|count| count >= 0)
}

fn is_size(value: &Value) -> bool {
    value.is_object() && ["height", "width"].iter().all(|side| value.get(side).is_none_or(Value::is_number))
}

fn is_degree(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<f64>().is_ok_and(f64::is_finite))
}

fn is_event(value: &Value) -> bool {
    value.as_str().is_some_and(|event| {
        (1..=EVENT_LENGTH).contains(&event.len())
            && event.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.".contains(&byte))
    })
}

fn is_attributes(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.len() <= ATTRIBUTES && map.values().all(Value::is_string))
}
