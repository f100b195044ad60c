//! JSON without the share secrets in it.

use std::borrow::Cow;

use chat::is_secret_name;

use crate::json::{self, Kind, Value};
use crate::rebuild::RebuildError;
use crate::rest::KEYS;
use crate::text;

/// The member that is the app's own, whatever names it has in it.
const EXT: &str = "ext";

/// A record without its members that are share secrets, wherever they stand but within `ext`, which is the app's own. All
/// else stays as it was written.
///
/// # Errors
///
/// [`RebuildError`] when the text is no JSON; it is one that [`crate::rebuild`] gave.
pub fn record_without_secrets(record: &str) -> Result<Cow<'_, str>, RebuildError> {
    without(record, false).ok_or(RebuildError { column: "rest" })
}

/// The same for what the column `rest` holds: the record that is rebuilt with it lacks the secrets too.
///
/// # Errors
///
/// [`RebuildError`] when it is no JSON.
pub fn rest_without_secrets(rest: &str) -> Result<Cow<'_, str>, RebuildError> {
    without(rest, true).ok_or(RebuildError { column: "rest" })
}

fn without(json: &str, is_rest: bool) -> Option<Cow<'_, str>> {
    if !may_have_secrets(json) {
        return Some(Cow::Borrowed(json));
    }
    let mut tape = Vec::new();
    let whole = json::whole(json, &mut tape)?;
    let mut out = String::with_capacity(json.len());
    write(whole, is_rest, &mut out)?;
    Some(Cow::Owned(out))
}

/// Whether a name may end so: such a name, or one that is written with escapes.
fn may_have_secrets(json: &str) -> bool {
    let bytes = json.as_bytes();
    let ends_so = |quote: usize| is_secret_name(&bytes[..quote]);
    memchr::memchr(b'\\', bytes).is_some() || memchr::memchr_iter(b'"', bytes).any(ends_so)
}

/// `is_rest`: one of its members may be a record as it was served, within a string.
fn write(value: Value<'_, '_>, is_rest: bool, out: &mut String) -> Option<()> {
    let (open, close) = match value.kind() {
        Kind::Array => ('[', ']'),
        Kind::Object => ('{', '}'),
        _ => {
            out.push_str(value.raw());
            return Some(());
        }
    };
    out.push(open);
    let mut is_first = true;
    for (key, child) in value.children() {
        let name = text::read(if key.is_empty() { "\"\"" } else { key }).value;
        if value.kind() == Kind::Object && is_secret_name(name.as_bytes()) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        if value.kind() == Kind::Object {
            out.push_str(key);
            out.push(':');
        }
        write_member(&name, child, is_rest, out)?;
    }
    out.push(close);
    Some(())
}

fn write_member(name: &str, value: Value<'_, '_>, is_rest: bool, out: &mut String) -> Option<()> {
    let [.., line] = KEYS;
    match value.kind() {
        Kind::String if is_rest && name == line => {
            let record = text::of(value);
            // One that no text can hold is for who rebuilds it to refuse.
            record.exact.then_some(())?;
            text::write(out, &without(&record.value, false)?);
            Some(())
        }
        _ if name == EXT => {
            out.push_str(value.raw());
            Some(())
        }
        _ => write(value, false, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_of_a_record_and_nothing_else() {
        for (record, expected) in [
            (r#"{"bodies":[{"secret":"x","n":1.0}]}"#, r#"{"bodies":[{"n":1.0}]}"#),
            (r#"{"n":1,"thumb_Secret":["x"]}"#, r#"{"n":1}"#),
            (r#"{"s\u0065cret":{"a":1},"a":"\ud800"}"#, r#"{"a":"\ud800"}"#),
            (r#"{"share-secret":"x"}"#, "{}"),
            (r#"{"msg":"a \"secret\": x","secrets":1}"#, r#"{"msg":"a \"secret\": x","secrets":1}"#),
            (r#"{"ext":{"secret":"the app's"},"a":[[],{}]}"#, r#"{"ext":{"secret":"the app's"},"a":[[],{}]}"#),
            (r#"{ "secret" : 1 , "a" : [ 1 , {"secret":2} ] }"#, r#"{"a":[1,{}]}"#),
        ] {
            assert_eq!(record_without_secrets(record).unwrap(), expected);
        }
        assert!(record_without_secrets("{\"secret\"").is_err());
    }

    #[test]
    fn a_record_that_is_kept_as_written_has_none_either() {
        let rest = r#"{"line":"{\"a\":1,\"a\":2,\"b\":{\"secret\":\"x\"}}"}"#;
        assert_eq!(rest_without_secrets(rest).unwrap(), r#"{"line":"{\"a\":1,\"a\":2,\"b\":{}}"}"#);
        assert_eq!(rest_without_secrets(r#"{"body":{"secret":7,"size":"L"}}"#).unwrap(), r#"{"body":{"size":"L"}}"#);
        assert_eq!(record_without_secrets(r#"{"line":"{\"secret\":1}"}"#).unwrap(), r#"{"line":"{\"secret\":1}"}"#);
    }
}
