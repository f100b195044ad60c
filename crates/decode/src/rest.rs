//! The column `rest`: what the other columns do not say exactly. Layout, version [`REST_VERSION`].
//!
//! The columns of a message write themselves as a record, the template (module `template`). `rest` is the difference
//! between the record as served and that: null when there is none, else one JSON object with these keys, each only
//! when it holds something, in this order:
//!
//! | key | holds |
//! | --- | --- |
//! | `record` | object: members of the record that the template lacks or writes otherwise, as served |
//! | `payload` | object: such members of its payload |
//! | `body` | object: such members of the first body |
//! | `bodies` | array: the bodies after the first |
//! | `without` | array of paths that the template has and the record lacks: `from`, `payload.to`, `payload.bodies[0].type` |
//! | `line` | string: the whole record as served. It stands alone, when a key of the three objects occurs twice; only then |
//!
//! A member under `record`, `payload` or `body` wins over the template. So what matters to exactness is said there: the
//! time that was a string, the name with its decoration, the null, the number with more digits than the column has, the
//! text with U+0000. Values stand there as they were written, byte for byte.
//!
//! Two values are the same for `rest` when they are the same JSON value: strings by their characters, however escaped,
//! objects whatever their order, numbers by their digits (`10` and `10.0` differ).
//!
//! `payload` as a member of `record` means that it was no object, `bodies` as a member of `payload` that it was no array
//! that begins with an object; `payload` and `body` are then missing.

use chat::Message;

use crate::json::Value;
use crate::record::{Fields, Level, Object, Record};
use crate::template::{self, Writing};
use crate::text;

/// The version of the layout of `rest`. A reader that finds a newer one in the metadata of a file must refuse it.
pub const REST_VERSION: u32 = 1;

/// The keys of `rest`.
pub(crate) const KEYS: [&str; 6] = ["record", "payload", "body", "bodies", "without", "line"];

/// Whether the record of a row is kept as it was written, because its value cannot be kept in columns: a key of the record,
/// of its payload or of its first body occurs twice.
#[must_use]
pub fn is_kept_as_written(message: &Message<'_>) -> bool {
    // Nothing else stands beside it, and it is written without spaces.
    message.rest.as_deref().is_some_and(|rest| rest.starts_with(r#"{"line":"#))
}

/// What the message read from this record does not say.
pub(crate) fn rest(record: &Record<'_, '_>, message: &Message<'_>) -> Option<String> {
    let body = record.object(Level::Body).filter(|_| record.bodies().is_some());
    let levels = [
        (Level::Record, record.object(Level::Record)),
        (Level::Payload, record.object(Level::Payload)),
        (Level::Body, body),
    ];
    let mut rest = Rest::default();
    if levels.iter().any(|(_, object)| object.is_some_and(Object::has_repeated_keys)) {
        text::write(rest.value("line"), record.raw());
        return rest.finish();
    }
    let written = template::written(message);
    let mut without = Vec::new();
    for (level, object) in levels {
        if let Some(object) = object {
            rest.subtract(record, level, object, message, written, &mut without);
        }
    }
    let mut further = record.bodies().into_iter().flat_map(|bodies| bodies.children().skip(1)).peekable();
    if further.peek().is_some() {
        list(rest.value("bodies"), further, |out, (_, body)| out.push_str(body.raw()));
    }
    if !without.is_empty() {
        list(rest.value("without"), without.iter(), |out, path| text::write(out, path));
    }
    rest.finish()
}

/// The object that is being written; empty while there is nothing to say.
#[derive(Default)]
struct Rest {
    text: String,
}

impl Rest {
    /// Begins a member; its value is to be appended.
    fn value(&mut self, key: &str) -> &mut String {
        self.text.push(if self.text.is_empty() { '{' } else { ',' });
        text::write(&mut self.text, key);
        self.text.push(':');
        &mut self.text
    }

    /// Writes the members of an object that the template does not have like this, and notes those that only it has.
    fn subtract(
        &mut self,
        record: &Record<'_, '_>,
        level: Level,
        object: Object<'_, '_>,
        message: &Message<'_>,
        written: Fields,
        without: &mut Vec<String>,
    ) {
        let (written, present) = (written.and(level.set()), record.present().and(level.set()));
        let mut said = Fields::NONE;
        for (field, _) in level.those(written.and(present)) {
            let both = record.get(*field).zip(Writing::of(message, *field));
            said = said.with(&[*field], both.is_some_and(|(value, writing)| writing.is(value)));
        }
        without.extend(level.those(written.but(present)).map(|(_, name)| level.path(name)));
        if object.has_unknown || said != present {
            let is_left = |(key, _): &(&str, Value<'_, '_>)| level.field(key).is_none_or(|field| !said.has(field));
            write_members(self.value(level.key()), object.value.children().filter(is_left));
        }
    }

    fn finish(mut self) -> Option<String> {
        if self.text.is_empty() {
            return None;
        }
        self.text.push('}');
        Some(self.text)
    }
}

fn write_members<'t, 'a: 't>(out: &mut String, members: impl Iterator<Item = (&'a str, Value<'t, 'a>)>) {
    let mut mark = '{';
    for (key, value) in members {
        out.push(mark);
        out.push_str(key);
        out.push(':');
        out.push_str(value.raw());
        mark = ',';
    }
    out.push('}');
}

fn list<T>(out: &mut String, items: impl Iterator<Item = T>, write: impl Fn(&mut String, T)) {
    let mut mark = '[';
    for item in items {
        out.push(mark);
        write(out, item);
        mark = ',';
    }
    out.push(']');
}
