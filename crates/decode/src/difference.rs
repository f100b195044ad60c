//! Where two records part.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use crate::json::{self, Kind, Value};
use crate::text;

/// The first place where a record is not what was served. It names the place and not the values, which may be secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The place, as in `payload.bodies[0].msg`; empty for the whole.
    pub path: String,
    /// What is the matter there.
    pub what: Mismatch,
}

/// What is the matter at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// It was served and is not kept.
    Missing,
    /// It is kept and was not served.
    Added,
    /// The type is another.
    Kind {
        /// The type that was served: `array`, `boolean`, `null`, `number`, `object` or `string`.
        served: &'static str,
        /// The type that is kept.
        kept: &'static str,
    },
    /// The type is the same, the value is not.
    Value,
    /// It is no JSON value.
    NoJson,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path.is_empty() { "the record" } else { &self.path };
        match self.what {
            Mismatch::Missing => write!(f, "{place} was served and is missing"),
            Mismatch::Added => write!(f, "{place} was not served"),
            Mismatch::Kind { served, kept } => write!(f, "{place} was served as {served} and is kept as {kept}"),
            Mismatch::Value => write!(f, "{place} has another value than was served"),
            Mismatch::NoJson => write!(f, "{place} is no JSON"),
        }
    }
}

/// The first place, in the order of the keys, where the kept record is not the JSON value that was served; `None` when both
/// are the same as [`crate::record_fingerprint`] sees it.
#[must_use]
pub fn first_difference(served: &str, kept: &str) -> Option<Difference> {
    let (mut served_tape, mut kept_tape) = (Vec::new(), Vec::new());
    let values = json::whole(served, &mut served_tape).zip(json::whole(kept, &mut kept_tape));
    let Some((served, kept)) = values else {
        return Some(Difference { path: String::new(), what: Mismatch::NoJson });
    };
    let mut path = Vec::new();
    let what = between(served, kept, &mut path)?;
    Some(Difference { path: shown(&path), what })
}

/// A step into a value.
enum Step {
    /// The key of a member, as written.
    Key(String),
    Index(usize),
}

/// Recursion goes no deeper than the scanner does. Where there is a difference, the path leads to it.
fn between(served: Value<'_, '_>, kept: Value<'_, '_>, path: &mut Vec<Step>) -> Option<Mismatch> {
    if word(served.kind()) != word(kept.kind()) {
        return Some(Mismatch::Kind { served: word(served.kind()), kept: word(kept.kind()) });
    }
    match served.kind() {
        Kind::Object => between_members(&members(served), &members(kept), path),
        Kind::Array => between_elements(served, kept, path),
        Kind::String => {
            let is_same = text::exact_bytes(served.raw()) == text::exact_bytes(kept.raw());
            (!is_same).then_some(Mismatch::Value)
        }
        Kind::False | Kind::Null | Kind::Number | Kind::True => (served.raw() != kept.raw()).then_some(Mismatch::Value),
    }
}

type Member<'t, 'a> = (Cow<'a, [u8]>, &'a str, Value<'t, 'a>);

/// The members in the order of their keys; those of one key in the order in which they stand.
fn members<'t, 'a>(object: Value<'t, 'a>) -> Vec<Member<'t, 'a>> {
    let mut members: Vec<_> = object.children().map(|(key, value)| (text::exact_bytes(key), key, value)).collect();
    members.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    members
}

fn between_members(served: &[Member<'_, '_>], kept: &[Member<'_, '_>], path: &mut Vec<Step>) -> Option<Mismatch> {
    let (mut served, mut kept) = (served.iter().peekable(), kept.iter().peekable());
    loop {
        let order = match (served.peek(), kept.peek()) {
            (None, None) => return None,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((one, ..)), Some((other, ..))) => one.cmp(other),
        };
        let one = served.next_if(|_| order.is_le());
        let other = kept.next_if(|_| order.is_ge());
        let key = one.or(other).map(|(_, key, _)| text::read(key).value.into_owned()).unwrap_or_default();
        path.push(Step::Key(key));
        let what = match (one, other) {
            (Some((.., one)), Some((.., other))) => between(*one, *other, path),
            (Some(_), None) => Some(Mismatch::Missing),
            _ => Some(Mismatch::Added),
        };
        if what.is_some() {
            return what;
        }
        path.pop();
    }
}

fn between_elements(served: Value<'_, '_>, kept: Value<'_, '_>, path: &mut Vec<Step>) -> Option<Mismatch> {
    let (mut ones, mut others) = (served.children(), kept.children());
    for index in 0.. {
        path.push(Step::Index(index));
        let what = match (ones.next(), others.next()) {
            (Some((_, one)), Some((_, other))) => between(one, other, path),
            (Some(_), None) => Some(Mismatch::Missing),
            (None, Some(_)) => Some(Mismatch::Added),
            (None, None) => break,
        };
        if what.is_some() {
            return what;
        }
        path.pop();
    }
    path.pop();
    None
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Array => "array",
        Kind::False | Kind::True => "boolean",
        Kind::Null => "null",
        Kind::Number => "number",
        Kind::Object => "object",
        Kind::String => "string",
    }
}

/// Characters of a key that are shown.
const LONGEST_KEY: usize = 60;

fn shown(path: &[Step]) -> String {
    let mut shown = String::new();
    for step in path {
        match step {
            Step::Index(index) => shown.extend(["[", &index.to_string(), "]"]),
            Step::Key(key) => {
                let dot = if shown.is_empty() { "" } else { "." };
                shown.push_str(dot);
                shown.extend(key.chars().take(LONGEST_KEY));
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record_fingerprint;

    #[track_caller]
    fn check(served: &str, kept: &str, expected: Option<&str>) {
        let difference = first_difference(served, kept).map(|difference| difference.to_string());
        assert_eq!(difference.as_deref(), expected);
        let is_same = record_fingerprint(served) == record_fingerprint(kept);
        assert_eq!(is_same, expected.is_none(), "the fingerprints are of another opinion");
    }

    #[test]
    fn the_first_place_is_named() {
        for (served, kept, expected) in [
            (r#"{"a":1}"#, r#"{"a":1.0}"#, "a has another value than was served"),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, "a was served as number and is kept as string"),
            (r#"{"a":null}"#, "{}", "a was served and is missing"),
            ("{}", r#"{"a":""}"#, "a was not served"),
            (r#"{"a":null}"#, r#"{"a":""}"#, "a was served as null and is kept as string"),
            (r#"{"a":true}"#, r#"{"a":false}"#, "a has another value than was served"),
            (r#"{"p":{"b":[{"m":"x"}]}}"#, r#"{"p":{"b":[{"m":"y"}]}}"#, "p.b[0].m has another value than was served"),
            (r#"{"p":{"b":[1,2]}}"#, r#"{"p":{"b":[1]}}"#, "p.b[1] was served and is missing"),
            (r#"{"p":[]}"#, r#"{"p":[1]}"#, "p[0] was not served"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#, "a has another value than was served"),
            (r#"{"a":1,"a":2}"#, r#"{"a":1}"#, "a was served and is missing"),
            (r#"{"a":"\ud800"}"#, r#"{"a":"\ud801"}"#, "a has another value than was served"),
            (r#"{"b":1,"c":1}"#, r#"{"c":2,"b":2}"#, "b has another value than was served"),
            ("[]", "{}", "the record was served as array and is kept as object"),
        ] {
            check(served, kept, Some(expected));
        }
    }

    #[test]
    fn order_and_spelling_are_no_difference() {
        check(r#"{"a":"A","b":[1,{"c":null}]}"#, r#" {"b":[1,{"c":null}],"\u0061":"\u0041"} "#, None);
    }

    #[test]
    fn what_is_no_json_is_said_to_be_none() {
        assert_eq!(first_difference("{}", "{").map(|it| it.to_string()).as_deref(), Some("the record is no JSON"));
    }

    #[test]
    fn a_long_key_is_cut() {
        let served = format!(r#"{{"{}":1}}"#, "k".repeat(1000));
        assert_eq!(first_difference(&served, "{}").map(|it| it.path.len()), Some(LONGEST_KEY));
    }
}
