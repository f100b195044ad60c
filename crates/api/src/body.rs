//! What a message says (section 6.3).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chat::Secret;
use serde_json::value::{RawValue, to_raw_value};

use crate::file::FileAt;
use crate::unfit::Unfit;
use crate::wire::{BodyFields, SECRETS, Size};

/// What a message says: one of the eight types of section 6.3.
#[derive(Clone)]
#[non_exhaustive]
pub enum Body {
    /// `txt`.
    Text(String),
    /// `img`.
    Image {
        /// The picture.
        file: FileAt,
        /// Width and height in pixels.
        size: Option<(u32, u32)>,
    },
    /// `audio`: a voice message.
    Voice {
        /// The sound.
        file: FileAt,
        /// How long it is.
        seconds: Option<u32>,
    },
    /// `video`.
    Video {
        /// The film.
        file: FileAt,
        /// How long it is.
        seconds: Option<u32>,
        /// How large it is, in bytes.
        bytes: Option<u64>,
        /// A still, uploaded as a file of its own.
        thumbnail: Option<FileAt>,
    },
    /// `file`; its name is required.
    File(FileAt),
    /// `loc`: a place on the globe.
    Location {
        /// Degrees north, -90 to 90, as a decimal number.
        latitude: String,
        /// Degrees east, -180 to 180, as a decimal number.
        longitude: String,
        /// In words.
        address: String,
    },
    /// `cmd`: for the app and not for a person.
    Command {
        /// What to do.
        action: String,
    },
    /// `custom`.
    Custom {
        /// The name of the event: 1 to 32 of letters, digits, `-`, `_`, `/` and `.`.
        event: String,
        /// At most 16.
        attributes: BTreeMap<String, String>,
    },
    /// Any of them as JSON, with all its fields as they were written.
    Json(JsonBody),
}

/// A body as JSON: a type of section 6.3 and its fields, of which the required ones are there.
#[derive(Clone)]
pub struct JsonBody {
    kind: String,
    fields: BTreeMap<String, Box<RawValue>>,
}

/// Attributes of a custom message (section 6.3).
const ATTRIBUTES: usize = 16;

/// The types, and what each requires.
const REQUIRED: [(&str, &[&str]); 8] = [
    ("txt", &["msg"]),
    ("img", &["url"]),
    ("audio", &["url"]),
    ("video", &["url"]),
    ("file", &["url", "filename"]),
    ("loc", &["lat", "lng", "addr"]),
    ("cmd", &["action"]),
    ("custom", &["customEvent"]),
];

impl Body {
    /// The word of the wire: `txt`, `img`, `audio`, `video`, `file`, `loc`, `cmd` or `custom`.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "txt",
            Self::Image { .. } => "img",
            Self::Voice { .. } => "audio",
            Self::Video { .. } => "video",
            Self::File(_) => "file",
            Self::Location { .. } => "loc",
            Self::Command { .. } => "cmd",
            Self::Custom { .. } => "custom",
            Self::Json(body) => &body.kind,
        }
    }

    /// Checks what section 6.3 says of the type.
    pub(crate) fn check(&self) -> Result<(), Unfit> {
        match self {
            Self::File(file) if file.name().is_none() => {
                Err(Unfit::MissingField { kind: self.kind().to_owned(), field: "filename" })
            }
            Self::Command { action } if action.is_empty() => {
                Err(Unfit::MissingField { kind: self.kind().to_owned(), field: "action" })
            }
            Self::Location { latitude, longitude, .. } => place(latitude, longitude),
            Self::Custom { event, attributes } => event_name(event).and_then(|()| few(attributes.len())),
            Self::Json(body) => body.check(),
            _ => Ok(()),
        }
    }

    /// The object of the wire.
    pub(crate) fn to_json(&self) -> Box<RawValue> {
        let raw = match self {
            Self::Json(body) => to_raw_value(&body.fields),
            other => to_raw_value(&other.fields()),
        };
        raw.expect("texts and numbers can always be written as JSON")
    }

    fn fields(&self) -> BodyFields<'_> {
        let none = BodyFields::default();
        match self {
            Self::Text(text) => BodyFields { msg: Some(text), ..none },
            Self::Image { file, size } => {
                let size = size.map(|(width, height)| Size { height, width });
                BodyFields { size, ..file_fields(file) }
            }
            Self::Voice { file, seconds } => BodyFields { length: *seconds, ..file_fields(file) },
            Self::Video { file, seconds, bytes, thumbnail } => BodyFields {
                length: *seconds,
                file_length: *bytes,
                thumb: thumbnail.as_ref().map(FileAt::url),
                thumb_secret: thumbnail.as_ref().and_then(FileAt::secret).map(Secret::reveal),
                ..file_fields(file)
            },
            Self::File(file) => file_fields(file),
            Self::Location { latitude, longitude, address } => {
                BodyFields { lat: Some(latitude), lng: Some(longitude), addr: Some(address), ..none }
            }
            Self::Command { action } => BodyFields { action: Some(action), ..none },
            Self::Custom { event, attributes } => {
                BodyFields { custom_event: Some(event), custom_exts: Some(attributes), ..none }
            }
            // Written as it is.
            Self::Json(_) => none,
        }
    }

    /// The share secrets in it.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        secrets_in(&fields_of(&self.to_json()))
    }

    /// The object of the wire with `…` in the place of secrets.
    pub(crate) fn to_shown_json(&self) -> Box<RawValue> {
        let mut fields = fields_of(&self.to_json());
        for name in SECRETS {
            if let Some(value) = fields.get_mut(name) {
                *value = to_raw_value("…").expect("a text can be written as JSON");
            }
        }
        to_raw_value(&fields).expect("what was read can be written")
    }

    /// The object of the wire with `type` among its fields, as broadcasts and records have it.
    pub(crate) fn to_typed_fields(&self, shown: bool) -> BTreeMap<String, Box<RawValue>> {
        let mut fields = fields_of(&if shown { self.to_shown_json() } else { self.to_json() });
        fields.insert("type".to_owned(), to_raw_value(self.kind()).expect("a text can be written as JSON"));
        fields
    }
}

fn file_fields(file: &FileAt) -> BodyFields<'_> {
    BodyFields {
        url: Some(file.url()),
        filename: file.name(),
        secret: file.secret().map(Secret::reveal),
        ..BodyFields::default()
    }
}

fn fields_of(json: &RawValue) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(json.get()).unwrap_or_default()
}

fn secrets_in(fields: &BTreeMap<String, Box<RawValue>>) -> Vec<Secret> {
    let texts = SECRETS.iter().filter_map(|name| serde_json::from_str::<String>(fields.get(*name)?.get()).ok());
    texts.filter(|text| !text.is_empty()).map(Secret::new).collect()
}

fn place(latitude: &str, longitude: &str) -> Result<(), Unfit> {
    let within = |text: &str, most: f64| text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
    if within(latitude, 90.0) && within(longitude, 180.0) {
        return Ok(());
    }
    Err(Unfit::Coordinates { latitude: latitude.to_owned(), longitude: longitude.to_owned() })
}

fn event_name(name: &str) -> Result<(), Unfit> {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/.".contains(&byte);
    let is_name = (1..=32).contains(&name.len()) && name.bytes().all(is_fit);
    is_name.then_some(()).ok_or_else(|| Unfit::EventName { name: name.to_owned() })
}

fn few(count: usize) -> Result<(), Unfit> {
    if count > ATTRIBUTES { Err(Unfit::TooManyAttributes { count, most: ATTRIBUTES }) } else { Ok(()) }
}

impl JsonBody {
    /// A body of this type with the fields of a JSON object.
    ///
    /// # Errors
    ///
    /// When the type is none of section 6.3, the text is no JSON object, or a field that the type requires is missing.
    pub fn new(kind: impl Into<String>, fields: &str) -> Result<Self, Unfit> {
        let fields = serde_json::from_str(fields).map_err(|_| Unfit::NoObject { what: "the body" })?;
        let body = Self { kind: kind.into(), fields };
        body.check()?;
        Ok(body)
    }

    fn check(&self) -> Result<(), Unfit> {
        let Some((_, required)) = REQUIRED.iter().find(|(kind, _)| *kind == self.kind) else {
            return Err(Unfit::Kind { kind: self.kind.clone() });
        };
        let missing = required.iter().find(|field| self.fields.get(**field).is_none_or(|raw| raw.get() == "null"));
        if let Some(field) = missing {
            return Err(Unfit::MissingField { kind: self.kind.clone(), field });
        }
        if self.kind == "custom" { self.check_custom() } else { Ok(()) }
    }

    fn check_custom(&self) -> Result<(), Unfit> {
        let text = |name: &str| self.fields.get(name).map_or("null", |raw| raw.get());
        let event: String = serde_json::from_str(text("customEvent")).unwrap_or_default();
        event_name(&event)?;
        let attributes: Option<BTreeMap<String, Box<RawValue>>> =
            serde_json::from_str(text("customExts")).map_err(|_| Unfit::NoObject { what: "`customExts`" })?;
        few(attributes.map_or(0, |attributes| attributes.len()))
    }
}

/// A body as records hold it: a JSON object with its type under `type`.
impl FromStr for JsonBody {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        let mut fields: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(text).map_err(|_| Unfit::NoObject { what: "the body" })?;
        let kind = fields.remove("type").and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let body = Self { kind, fields };
        body.check()?;
        Ok(body)
    }
}

/// The type alone: what people write, and the secrets of their files, belong into no log.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({})", self.kind())
    }
}

/// The type alone.
impl fmt::Debug for JsonBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonBody({})", self.kind)
    }
}

/// What an app says beside a message: a JSON object, kept to the letter.
#[derive(Clone)]
pub struct Ext(Box<RawValue>);

impl Ext {
    pub(crate) fn raw(&self) -> &RawValue {
        &self.0
    }
}

impl FromStr for Ext {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        let no_object = || Unfit::NoObject { what: "ext" };
        serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text).map_err(|_| no_object())?;
        serde_json::from_str(text).map(Self).map_err(|_| no_object())
    }
}

/// How long it is: what it says belongs into no log.
impl fmt::Debug for Ext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ext({} bytes)", self.0.get().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<JsonBody, Unfit> {
        text.parse()
    }

    #[test]
    fn each_type_wants_its_fields() {
        for (kind, fields) in REQUIRED {
            let all: Vec<_> = fields.iter().map(|field| format!(r#""{field}":"x""#)).collect();
            let whole = format!(r#"{{"type":"{kind}","more":1.50,{}}}"#, all.join(","));
            let body = Body::Json(json(&whole).unwrap());
            assert_eq!(body.kind(), kind);
            assert!(body.to_json().get().contains(r#""more":1.50"#), "as it was written");
            for (place, field) in fields.iter().enumerate() {
                let mut some = all.clone();
                some[place] = format!(r#""{field}":null"#);
                let text = format!(r#"{{"type":"{kind}",{}}}"#, some.join(","));
                assert_eq!(json(&text).unwrap_err(), Unfit::MissingField { kind: kind.to_owned(), field });
            }
        }
        assert!(matches!(json(r#"{"type":"poke"}"#), Err(Unfit::Kind { .. })));
        for text in ["", "[]", "null", "{", r#""txt""#] {
            assert!(matches!(json(text), Err(Unfit::NoObject { .. })), "{text}");
        }
    }

    #[test]
    fn a_custom_message_has_limits() {
        let attributes = |count: usize| (0..count).map(|n| (n.to_string(), String::new())).collect::<BTreeMap<_, _>>();
        let custom = |event: &str, count| Body::Custom { event: event.to_owned(), attributes: attributes(count) };
        assert_eq!(custom("a/b.c-d_E9", 16).check(), Ok(()));
        assert_eq!(custom("x", 17).check(), Err(Unfit::TooManyAttributes { count: 17, most: 16 }));
        for name in ["", "a b", "ö", &"x".repeat(33)] {
            assert!(matches!(custom(name, 0).check(), Err(Unfit::EventName { .. })), "{name}");
        }
        let many = custom("x", 17).to_typed_fields(false);
        let text = serde_json::to_string(&many).unwrap();
        assert_eq!(json(&text).unwrap_err(), Unfit::TooManyAttributes { count: 17, most: 16 });
    }

    #[test]
    fn a_place_is_on_the_globe() {
        let at = |latitude: &str, longitude: &str| {
            let (latitude, longitude) = (latitude.to_owned(), longitude.to_owned());
            Body::Location { latitude, longitude, address: String::new() }.check()
        };
        assert_eq!(at("-90", "180.0"), Ok(()));
        for (latitude, longitude) in [("90.1", "0"), ("0", "-181"), ("", "0"), ("0", "east"), ("NaN", "0")] {
            assert!(matches!(at(latitude, longitude), Err(Unfit::Coordinates { .. })), "{latitude},{longitude}");
        }
    }

    #[test]
    fn ext_is_an_object_and_keeps_its_digits() {
        let ext: Ext = r#"{"n":12345678901234567890.50}"#.parse().unwrap();
        assert_eq!(ext.raw().get(), r#"{"n":12345678901234567890.50}"#);
        for text in ["null", "[]", "1", "", "{}x"] {
            assert!(text.parse::<Ext>().is_err(), "{text}");
        }
    }
}
