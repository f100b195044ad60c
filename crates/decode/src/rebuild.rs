//! From the columns back to the record.

use chat::Message;

use crate::json::{Kind, Scanner, Token, Value};
use crate::limits::Limits;
use crate::members::Members;
use crate::rest::KEYS;
use crate::template::{Level, Writing};
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
        if json.as_deref().is_some_and(|json| scan(json).is_none()) {
            return Err(RebuildError { column });
        }
    }
    let rest = message.rest.as_deref().unwrap_or("{}");
    record(message, rest).ok_or(RebuildError { column: "rest" })
}

fn record(message: &Message<'_>, rest: &str) -> Option<String> {
    let tape = scan(rest)?;
    let keys = Members::of(Value::whole(rest, &tape).only(Kind::Object), &KEYS);
    if keys.object().is_none() || !keys.are_known() || keys.has_repeated_keys() {
        return None;
    }
    if keys.get("line").is_some() {
        return keys.string("line").filter(|line| line.exact).map(|line| line.value.into_owned());
    }
    let mut out = String::with_capacity(rest.len() + 512);
    Sum { message, rest: keys }.write(Level::Record, &mut out)?;
    Some(out)
}

/// The tokens of a text that is one JSON value.
fn scan(text: &str) -> Option<Vec<Token>> {
    let mut tape = Vec::new();
    // `rest` is a level or two deeper than the record.
    let end = Scanner::new(Limits::MAX_DEPTH + 4).scan(text.as_bytes(), &mut tape).ok()?;
    text.get(end..)?.trim().is_empty().then_some(tape)
}

/// The template plus `rest`.
struct Sum<'m, 't> {
    message: &'m Message<'m>,
    rest: Members<'t, 'm, { KEYS.len() }>,
}

impl Sum<'_, '_> {
    /// Writes one of the three objects; `None` when `rest` has another layout.
    fn write(&self, level: Level, out: &mut String) -> Option<()> {
        let served = self.only(level.key(), Kind::Object)?;
        let served: Vec<_> = served.into_iter().flat_map(Value::children).collect();
        let is_served = |name: &str| served.iter().any(|(key, _)| text::read(key).value == name);
        let mut mark = '{';
        for name in level.names() {
            let Some(writing) = Writing::of(self.message, level, name) else { continue };
            if is_served(name) || self.lacks(level, name)? {
                continue;
            }
            out.push(mark);
            mark = ',';
            text::write(out, name);
            out.push(':');
            match writing {
                Writing::Payload => self.write(Level::Payload, out)?,
                Writing::Bodies => self.write_bodies(out)?,
                plain => plain.write(out),
            }
        }
        for (key, value) in &served {
            out.push(mark);
            mark = ',';
            out.push_str(key);
            out.push(':');
            out.push_str(value.raw());
        }
        out.push_str(if mark == '{' { "{}" } else { "}" });
        Some(())
    }

    fn write_bodies(&self, out: &mut String) -> Option<()> {
        out.push('[');
        self.write(Level::Body, out)?;
        for (_, body) in self.only("bodies", Kind::Array)?.into_iter().flat_map(Value::children) {
            out.push(',');
            out.push_str(body.raw());
        }
        out.push(']');
        Some(())
    }

    /// Whether the record lacks a member that the template has.
    fn lacks(&self, level: Level, name: &str) -> Option<bool> {
        let path = level.path(name);
        let mut paths = self.only("without", Kind::Array)?.into_iter().flat_map(Value::children);
        Some(paths.any(|(_, lacking)| text::read(lacking.raw()).value == path))
    }

    /// What `rest` holds under a key: nothing, or a value of this kind; `None` when it is of another.
    fn only(&self, key: &str, kind: Kind) -> Option<Option<Value<'_, '_>>> {
        self.rest.get(key).map_or(Some(None), |value| value.only(kind).map(Some))
    }
}
