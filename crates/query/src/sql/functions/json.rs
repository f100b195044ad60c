//! `json_text(ext, '$.order.id')` and its like.
//!
//! A path is `$` and steps: `.name`, `."any name"`, `["any name"]`, `[0]`. Where it leads nowhere, to null, or to a value of
//! another kind, the answer is null; so it is where the text is no JSON.

use std::fmt;
use std::result::Result;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, BooleanArray, Float64Array, Int64Array, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::plan_err;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::ScalarUDF;
use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::function;

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        function("json_text", 2, DataType::Utf8View, |texts| {
            Ok(Arc::new(each(texts, as_text)?.into_iter().collect::<StringViewArray>()))
        }),
        function("json_int", 2, DataType::Int64, |texts| {
            Ok(Arc::new(each(texts, as_int)?.into_iter().collect::<Int64Array>()))
        }),
        function("json_float", 2, DataType::Float64, |texts| {
            Ok(Arc::new(each(texts, as_float)?.into_iter().collect::<Float64Array>()))
        }),
        function("json_bool", 2, DataType::Boolean, |texts| {
            Ok(Arc::new(each(texts, |value| value.as_bool())?.into_iter().collect::<BooleanArray>()))
        }),
    ]
}

/// A text as it is, anything else as JSON.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Also of a text that is a whole number: ids are often written so.
fn as_int(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// As [`as_int`].
fn as_float(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn each<T>(texts: &[StringViewArray], take: impl Fn(&Value) -> Option<T>) -> Result<Vec<Option<T>>, DataFusionError> {
    let [texts, paths] = texts else { return plan_err!("a text and a path are needed") };
    let mut known: Option<(&str, Path)> = None;
    let mut values = Vec::with_capacity(texts.len());
    for (text, path) in texts.iter().zip(paths.iter()) {
        let (Some(text), Some(path)) = (text, path) else {
            values.push(None);
            continue;
        };
        // The path is nearly always the same for all rows.
        if known.as_ref().is_none_or(|(known, _)| *known != path) {
            known = Some((path, Path::read(path)?));
        }
        values.push(known.as_ref().and_then(|(_, path)| path.value(text)).as_ref().and_then(&take));
    }
    Ok(values)
}

#[derive(Debug, PartialEq, Eq)]
struct Path {
    steps: Vec<Step>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Place(usize),
}

impl Path {
    fn read(text: &str) -> Result<Self, DataFusionError> {
        let Some(steps) = text.strip_prefix('$').and_then(steps) else {
            return plan_err!("`{text}` is no path: write $.name, $.\"any name\" or $.list[0].name");
        };
        Ok(Self { steps })
    }

    /// Where it leads in a JSON text.
    fn value(&self, text: &str) -> Option<Value> {
        if !self.may_lead_somewhere(text) {
            return None;
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let value = Steps(&self.steps).deserialize(&mut json).ok()?;
        json.end().ok()?;
        value
    }

    /// Whether all names are in the text, or may be because it has escapes: looking costs less than reading.
    fn may_lead_somewhere(&self, text: &str) -> bool {
        let is_there = |step: &Step| match step {
            Step::Name(name) => text.contains(name.as_str()),
            Step::Place(_) => true,
        };
        text.contains('\\') || self.steps.iter().all(is_there)
    }
}

/// The way that is left, which reads what lies on it and passes over all else.
struct Steps<'a>(&'a [Step]);

impl<'de> DeserializeSeed<'de> for Steps<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() { Value::deserialize(json).map(Some) } else { json.deserialize_any(self) }
    }
}

/// A value that is neither an object nor a list ends the way.
macro_rules! leads_nowhere {
    ($($visit:ident: $value:ty),*) => {
        $(fn $visit<E>(self, _: $value) -> Result<Self::Value, E> {
            Ok(None)
        })*
    };
}

impl<'de> Visitor<'de> for Steps<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut found, name) = (None, Name(self.0.first()));
        while let Some(is_it) = members.next_key_seed(name)? {
            // Of several members of one name the last counts.
            if is_it {
                found = members.next_value_seed(Steps(&self.0[1..]))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        if let Some(Step::Place(place)) = self.0.first() {
            for _ in 0..*place {
                if values.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(None);
                }
            }
            found = values.next_element_seed(Steps(&self.0[1..]))?.flatten();
        }
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    leads_nowhere!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Whether a member has the name of a step.
#[derive(Clone, Copy)]
struct Name<'a>(Option<&'a Step>);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(matches!(self.0, Some(Step::Name(wanted)) if wanted == name))
    }
}

fn steps(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, behind) = step(rest)?;
        steps.push(step);
        rest = behind;
    }
    Some(steps)
}

/// The first step, and what is behind it.
fn step(text: &str) -> Option<(Step, &str)> {
    if let Some(name) = text.strip_prefix(".\"").or_else(|| text.strip_prefix("[\"")) {
        let (name, behind) = name.split_once('"')?;
        let behind = if text.starts_with('[') { behind.strip_prefix(']')? } else { behind };
        return Some((Step::Name(name.to_owned()), behind));
    }
    if let Some(place) = text.strip_prefix('[') {
        let (place, behind) = place.split_once(']')?;
        return Some((Step::Place(place.parse().ok()?), behind));
    }
    let name = text.strip_prefix('.')?;
    let (name, behind) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
    (!name.is_empty()).then(|| (Step::Name(name.to_owned()), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_value_or_nowhere() {
        let text = r#"{"order":{"id":"77","items":[{"n":2.5},null]},"a.b":true,"\u0061":"escaped","big":9223372036854775808,
            "twice":1,"twice":{"x":2},"order ":7,"list":[[],[1,[2,3]],4]}"#;
        let at = |path: &str| Path::read(path).unwrap().value(text);
        for (path, as_json) in [
            ("$.order.id", Some(r#""77""#)),
            ("$.order.items[0].n", Some("2.5")),
            ("$.order.items[1]", Some("null")),
            ("$.order.items[2]", None),
            ("$.\"a.b\"", Some("true")),
            ("$[\"a.b\"]", Some("true")),
            ("$.a", Some(r#""escaped""#)),
            ("$.order[0]", None),
            ("$.nothing.there", None),
            ("$.twice", Some(r#"{"x":2}"#)),
            ("$.twice.x", Some("2")),
            ("$.list[1][1][0]", Some("2")),
            ("$.list[2]", Some("4")),
            ("$.list.x", None),
            ("$.big.x", None),
        ] {
            assert_eq!(at(path).map(|value| value.to_string()).as_deref(), as_json, "{path}");
        }
        assert_eq!(Path::read("$").unwrap().value("7"), Some(7.into()));
        assert_eq!(Path::read("$").unwrap().value("{"), None, "no JSON is no value");
        for broken in [r#"{"a":1"#, r#"{"a":1} x"#, r#"{"a":1,}"#] {
            assert_eq!(Path::read("$.a").unwrap().value(broken), None, "{broken} is no JSON");
        }
        let id = at("$.order.id").unwrap();
        assert_eq!((as_int(&id), as_float(&id), as_text(&id)), (Some(77), Some(77.0), Some("77".to_owned())));
        assert_eq!(as_int(&at("$.big").unwrap()), None, "it does not fit");
        assert_eq!(as_text(&at("$.order.items[1]").unwrap()), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in ["", "order", "$order", "$.", "$..a", "$[x]", "$[1", "$.\"a", "$[\"a\"", "$[-1]"] {
            assert!(Path::read(path).is_err(), "{path}");
        }
    }
}
