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
//! | `line` | string: the whole record as served. It stands alone, when a key of the three objects occurs twice |
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
use crate::members::Members;
use crate::record::Record;
use crate::template::{Level, Writing};
use crate::text;

/// The version of the layout of `rest`. A reader that finds a newer one in the metadata of a file must refuse it.
pub const REST_VERSION: u32 = 1;

/// The keys of `rest`.
pub(crate) const KEYS: [&str; 6] = ["record", "payload", "body", "bodies", "without", "line"];

/// What the message read from this record does not say; `raw` is the record as served.
pub(crate) fn rest(record: &Record<'_, '_>, message: &Message<'_>, raw: &str) -> Option<String> {
    let is_ambiguous = record.outer.has_repeated_keys()
        || record.payload.has_repeated_keys()
        || record.bodies.is_some() && record.body.has_repeated_keys();
    let mut rest = Rest::default();
    if is_ambiguous {
        text::write(rest.value("line"), raw);
        return rest.finish();
    }
    let mut without = Vec::new();
    rest.subtract(&record.outer, Level::Record, message, &mut without);
    rest.subtract(&record.payload, Level::Payload, message, &mut without);
    if let Some(bodies) = record.bodies {
        rest.subtract(&record.body, Level::Body, message, &mut without);
        let mut further = bodies.children().skip(1).map(|(_, body)| body.raw()).peekable();
        if further.peek().is_some() {
            list(rest.value("bodies"), further, |out, body| out.push_str(body));
        }
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
    fn subtract<const N: usize>(
        &mut self,
        members: &Members<'_, '_, N>,
        level: Level,
        message: &Message<'_>,
        without: &mut Vec<String>,
    ) {
        let Some(object) = members.object() else { return };
        let mut is_same = [false; N];
        let mut odd = !members.are_known();
        for (same, (name, value)) in is_same.iter_mut().zip(members.named()) {
            match (value, Writing::of(message, level, name)) {
                (Some(value), Some(writing)) if writing.is(value) => *same = true,
                (Some(_), _) => odd = true,
                (None, Some(_)) => without.push(level.path(name)),
                (None, None) => {}
            }
        }
        if odd {
            let is_left = |key: &str| !members.place(key).is_some_and(|place| is_same[place]);
            let left = object.children().filter(|(key, _)| is_left(key));
            write_members(self.value(level.key()), left);
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
