//! From the columns back to the record.

use std::borrow::Cow;

use chat::Message;

use crate::json::{self, Kind, Scanner, Token, Value};
use crate::members::Members;
use crate::record::{Fields, Level};
use crate::rest::KEYS;
use crate::template::{Writing, written};
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
    let mut record = String::with_capacity(message.rest.as_deref().map_or(0, str::len) + 512);
    Rebuilder::default().append(message, &mut record)?;
    Ok(record)
}

/// Rebuilds records one after another, and keeps the space that it takes.
pub struct Rebuilder {
    scanner: Scanner,
    tape: Vec<Token>,
}

impl Default for Rebuilder {
    fn default() -> Self {
        Self { scanner: json::scanner(), tape: Vec::new() }
    }
}

impl Rebuilder {
    /// Appends what [`rebuild`] gives.
    ///
    /// # Errors
    ///
    /// As [`rebuild`]; then some of it may have been appended.
    pub fn append(&mut self, message: &Message<'_>, out: &mut String) -> Result<(), RebuildError> {
        for (column, json) in [("ext", &message.ext), ("custom_exts", &message.custom_exts)] {
            if json.as_deref().is_some_and(|json| self.read(json).is_none()) {
                return Err(RebuildError { column });
            }
        }
        let rest = message.rest.as_deref().unwrap_or("{}");
        self.append_record(message, rest, out).ok_or(RebuildError { column: "rest" })
    }

    /// The value that a text is; `None` when it is none.
    fn read<'t, 'a>(&'t mut self, json: &'a str) -> Option<Value<'t, 'a>> {
        self.scanner.whole(json, &mut self.tape)
    }

    fn append_record(&mut self, message: &Message<'_>, rest: &str, out: &mut String) -> Option<()> {
        let keys = Members::of(self.read(rest)?.only(Kind::Object)?, &KEYS);
        if !keys.are_plain() {
            return None;
        }
        let [.., line] = keys.values;
        if let Some(line) = line {
            let line = text::of(line.only(Kind::String)?);
            line.exact.then(|| out.push_str(&line.value))
        } else {
            Sum::of(message, keys.values)?.write(Level::Record, out);
            Some(())
        }
    }
}

/// The template plus `rest`.
struct Sum<'m, 't> {
    message: &'m Message<'m>,
    /// The members that the template has.
    written: Fields,
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
        is_known.then(|| Self { message, written: written(message), said, bodies, without })
    }

    /// Writes one of the three objects.
    fn write(&self, level: Level, out: &mut String) {
        let said = || self.said[level as usize].into_iter().flat_map(Value::children);
        let mut mark = '{';
        for (field, name) in level.those(self.written.but(fields(level, said()))) {
            if self.is_without(level, name) {
                continue;
            }
            out.push(mark);
            mark = ',';
            out.extend(["\"", name, "\":"]);
            match Writing::of(self.message, *field) {
                Some(Writing::Payload) => self.write(Level::Payload, out),
                Some(Writing::Bodies) => self.write_bodies(out),
                plain => plain.into_iter().for_each(|plain| plain.write(out)),
            }
        }
        for (key, value) in said() {
            out.push(mark);
            mark = ',';
            out.extend([key, ":", value.raw()]);
        }
        out.push_str(if mark == '{' { "{}" } else { "}" });
    }

    fn is_without(&self, level: Level, name: &str) -> bool {
        !self.without.is_empty() && self.without.contains(&level.path(name).into())
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

/// The members with a meaning among these.
fn fields<'a>(level: Level, members: impl Iterator<Item = (&'a str, Value<'a, 'a>)>) -> Fields {
    members.filter_map(|(key, _)| level.field(key)).fold(Fields::NONE, |fields, field| fields.with(&[field], true))
}
