//! From the columns back to the record.

use std::borrow::Cow;

use chat::Message;

use crate::json::{self, Kind, Value};
use crate::members::Members;
use crate::record::Level;
use crate::rest::KEYS;
use crate::template::Writing;
use crate::text;

/// A row from which no record can be rebuilt: it does not come from the decoder of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the column `{column}` does not hold what the decoder writes")]
pub struct RebuildError {
    /// The column: `rest`, `ext` or `custom_exts`.
    pub column: &'static str,
}

/// The JSON text of a record whose value equals the original's: keys, types, digits, what is absent, null and empty.
///
/// The order of keys and the spelling of strings may differ from what was served.
///
/// # Errors
///
/// [`RebuildError`] when `rest` has not the layout of [`crate::REST_VERSION`], or a column of JSON holds something else.
pub fn rebuild(message: &Message<'_>) -> Result<String, RebuildError> {
    for (column, json) in [("ext", &message.ext), ("custom_exts", &message.custom_exts)] {
        if json.as_deref().is_some_and(|json| json::whole(json, &mut Vec::new()).is_none()) {
            return Err(RebuildError { column });
        }
    }
    let rest = message.rest.as_deref().unwrap_or("{}");
    record(message, rest).ok_or(RebuildError { column: "rest" })
}

fn record(message: &Message<'_>, rest: &str) -> Option<String> {
    let mut tape = Vec::new();
    let keys = Members::of(json::whole(rest, &mut tape)?.only(Kind::Object)?, &KEYS);
    if !keys.are_plain() {
        return None;
    }
    let [.., line] = keys.values;
    if let Some(line) = line {
        let line = text::of(line.only(Kind::String)?);
        return line.exact.then(|| line.value.into_owned());
    }
    let mut out = String::with_capacity(rest.len() + 512);
    Sum::of(message, keys.values)?.write(Level::Record, &mut out);
    Some(out)
}

/// The template plus `rest`.
struct Sum<'m, 't> {
    message: &'m Message<'m>,
    /// What is said of each of the three objects.
    said: [Option<Value<'t, 'm>>; 3],
    /// The bodies after the first.
    bodies: Option<Value<'t, 'm>>,
    without: Vec<Cow<'m, str>>,
}

impl<'m, 't> Sum<'m, 't> {
    /// `None` when `rest` has another layout.
    fn of(message: &'m Message<'m>, rest: [Option<Value<'t, 'm>>; KEYS.len()]) -> Option<Self> {
        let [record, payload, body, bodies, without, _] = rest;
        let is = |kind: Kind| move |value: &Option<Value<'_, '_>>| value.is_none_or(|value| value.kind() == kind);
        let said = [record, payload, body];
        let is_known = said.iter().all(is(Kind::Object)) && [bodies, without].iter().all(is(Kind::Array));
        let paths = without.into_iter().flat_map(Value::children);
        let without = paths.map(|(_, path)| text::read(path.raw()).value).collect();
        is_known.then_some(Self { message, said, bodies, without })
    }

    /// Writes one of the three objects.
    fn write(&self, level: Level, out: &mut String) {
        let said: Vec<_> = self.said[level as usize].into_iter().flat_map(Value::children).collect();
        let mut mark = '{';
        for (field, name) in level.fields() {
            let Some(writing) = Writing::of(self.message, *field) else { continue };
            let is_said = said.iter().any(|(key, _)| level.field(key) == Some(*field));
            if is_said || self.without.contains(&level.path(name).into()) {
                continue;
            }
            out.push(mark);
            mark = ',';
            text::write(out, name);
            out.push(':');
            match writing {
                Writing::Payload => self.write(Level::Payload, out),
                Writing::Bodies => self.write_bodies(out),
                plain => plain.write(out),
            }
        }
        for (key, value) in said {
            out.push(mark);
            mark = ',';
            out.push_str(key);
            out.push(':');
            out.push_str(value.raw());
        }
        out.push_str(if mark == '{' { "{}" } else { "}" });
    }

    fn write_bodies(&self, out: &mut String) {
        out.push('[');
        self.write(Level::Body, out);
        for (_, body) in self.bodies.into_iter().flat_map(Value::children) {
            out.push(',');
            out.push_str(body.raw());
        }
        out.push(']');
    }
}
