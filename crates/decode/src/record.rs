//! The three objects of a record that have columns: the record, its payload, its first body.

use crate::json::{Kind, Value};
use crate::members::Members;

/// The members of a record that have a meaning.
pub(crate) const RECORD: [&str; 7] = ["chat_type", "payload", "from", "to", "msg_id", "timestamp", "direction"];
/// Those of its payload.
pub(crate) const PAYLOAD: [&str; 6] = ["ext", "bodies", "from", "to", "type", "meta"];
/// Those of a body of any type, and the other names under which they were seen (protocol section 5).
pub(crate) const BODY: [&str; 24] = [
    "type",
    "msg",
    "url",
    "secret",
    "filename",
    "file_length",
    "length",
    "size",
    "thumb",
    "thumb_secret",
    "lat",
    "lng",
    "addr",
    "action",
    "customEvent",
    "customExts",
    "subType",
    "title",
    "summary",
    "Length",
    "file_name",
    "log",
    "thumbnail",
    "v2:customExts",
];

/// A record by its members.
#[derive(Debug)]
pub(crate) struct Record<'t, 'a> {
    pub(crate) outer: Members<'t, 'a, { RECORD.len() }>,
    pub(crate) payload: Members<'t, 'a, { PAYLOAD.len() }>,
    /// The first body, or the only one when it stands without an array.
    pub(crate) body: Members<'t, 'a, { BODY.len() }>,
    /// The array that the body is the first of.
    pub(crate) bodies: Option<Value<'t, 'a>>,
}

impl<'t, 'a> Record<'t, 'a> {
    pub(crate) fn of(object: Value<'t, 'a>) -> Self {
        let outer = Members::of(Some(object), &RECORD);
        let payload = Members::of(outer.get("payload").and_then(|payload| payload.only(Kind::Object)), &PAYLOAD);
        let bodies = payload.get("bodies");
        let listed = bodies.and_then(first_body);
        let alone = bodies.and_then(|body| body.only(Kind::Object));
        Self { outer, payload, body: Members::of(listed.or(alone), &BODY), bodies: bodies.filter(|_| listed.is_some()) }
    }
}

/// The first body of an array, when it is an object.
pub(crate) fn first_body<'t, 'a>(bodies: Value<'t, 'a>) -> Option<Value<'t, 'a>> {
    let (_, first) = bodies.only(Kind::Array)?.children().next()?;
    first.only(Kind::Object)
}
