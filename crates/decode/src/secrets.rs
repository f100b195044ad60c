//! JSON without the share secrets in it.

use std::borrow::Cow;

use chat::{is_secret_name, without_share_secrets};

use crate::json::{self, Kind, Value};
use crate::rebuild::RebuildError;
use crate::rest::KEYS;
use crate::text;

/// The member that is the app's own, whatever names it has in it.
const EXT: &str = "ext";

/// What becomes of members that are share secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Members {
    LeftOut,
    Kept,
}

/// A record without its members that are share secrets and without the share secrets in URLs, wherever they stand but within
/// `ext`, which is the app's own. All else stays as it was written.
///
/// # Errors
///
/// [`RebuildError`] when the text is no JSON; it is one that [`crate::rebuild`] gave.
pub fn record_without_secrets(record: &str) -> Result<Cow<'_, str>, RebuildError> {
    without(record, Members::LeftOut, false).ok_or(RebuildError { column: "rest" })
}

/// The same for what the column `rest` holds: the record that is rebuilt with it lacks the secrets too.
///
/// # Errors
///
/// [`RebuildError`] when it is no JSON.
pub fn rest_without_secrets(rest: &str) -> Result<Cow<'_, str>, RebuildError> {
    without(rest, Members::LeftOut, true).ok_or(RebuildError { column: "rest" })
}

/// What the column `rest` holds without the share secrets in URLs; members that are some are kept.
///
/// # Errors
///
/// [`RebuildError`] when it is no JSON.
pub fn rest_without_secrets_in_urls(rest: &str) -> Result<Cow<'_, str>, RebuildError> {
    without(rest, Members::Kept, true).ok_or(RebuildError { column: "rest" })
}

fn without(json: &str, members: Members, is_rest: bool) -> Option<Cow<'_, str>> {
    if !may_have_secrets(json, members) {
        return Some(Cow::Borrowed(json));
    }
    let mut tape = Vec::new();
    let whole = json::whole(json, &mut tape)?;
    let mut out = String::with_capacity(json.len());
    write(whole, members, is_rest, &mut out)?;
    Some(Cow::Owned(out))
}

/// Whether there may be a name that ends so, or a URL with a secret: such a one, or one that is written with escapes.
fn may_have_secrets(json: &str, members: Members) -> bool {
    let bytes = json.as_bytes();
    let ends_so = |quote: usize| is_secret_name(&bytes[..quote]);
    memchr::memchr(b'\\', bytes).is_some()
        || members == Members::LeftOut && memchr::memchr_iter(b'"', bytes).any(ends_so)
        || matches!(without_share_secrets(json), Cow::Owned(_))
}

/// `is_rest`: one of its members may be a record as it was served, within a string.
fn write(value: Value<'_, '_>, members: Members, is_rest: bool, out: &mut String) -> Option<()> {
    let (open, close) = match value.kind() {
        Kind::Array => ('[', ']'),
        Kind::Object => ('{', '}'),
        Kind::String => {
            write_string(value, out);
            return Some(());
        }
        _ => {
            out.push_str(value.raw());
            return Some(());
        }
    };
    out.push(open);
    let mut is_first = true;
    for (key, child) in value.children() {
        let name = text::read(if key.is_empty() { "\"\"" } else { key }).value;
        if members == Members::LeftOut && value.kind() == Kind::Object && is_secret_name(name.as_bytes()) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        if value.kind() == Kind::Object {
            out.push_str(key);
            out.push(':');
        }
        write_member(&name, child, members, is_rest, out)?;
    }
    out.push(close);
    Some(())
}

/// As it was written, unless there is a secret in it.
fn write_string(string: Value<'_, '_>, out: &mut String) {
    match without_share_secrets(&text::of(string).value) {
        Cow::Owned(shown) => text::write(out, &shown),
        Cow::Borrowed(_) => out.push_str(string.raw()),
    }
}

fn write_member(name: &str, value: Value<'_, '_>, members: Members, is_rest: bool, out: &mut String) -> Option<()> {
    let [.., line] = KEYS;
    match value.kind() {
        Kind::String if is_rest && name == line => {
            let record = text::of(value);
            // One that no text can hold is for who rebuilds it to refuse.
            record.exact.then_some(())?;
            text::write(out, &without(&record.value, members, false)?);
            Some(())
        }
        _ if name == EXT => {
            out.push_str(value.raw());
            Some(())
        }
        _ => write(value, members, false, out),
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
            (r#"{"url":"https://a?share-secret=x&b=1","c":"\/"}"#, r#"{"url":"https://a?share-secret=&b=1","c":"\/"}"#),
            (
                r#"[{"localurl":"https:\/\/a?b=1\u0026share\u002dsecret\u003dx\/y\u0026c"}]"#,
                r#"[{"localurl":"https://a?b=1&share-secret=&c"}]"#,
            ),
            (r#"{"ext":{"url":"?share-secret=x"},"a":"\ud800"}"#, r#"{"ext":{"url":"?share-secret=x"},"a":"\ud800"}"#),
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
        let rest = r#"{"line":"{\"secret\":1,\"url\":\"a?share-secret=x\"}","body":{"secret":"?share-secret=x"}}"#;
        let urls = r#"{"line":"{\"secret\":1,\"url\":\"a?share-secret=\"}","body":{"secret":"?share-secret="}}"#;
        assert_eq!(rest_without_secrets_in_urls(rest).unwrap(), urls);
        assert_eq!(rest_without_secrets(rest).unwrap(), r#"{"line":"{\"url\":\"a?share-secret=\"}","body":{}}"#);
        assert_eq!(record_without_secrets(r#"{"line":"{\"secret\":1}"}"#).unwrap(), r#"{"line":"{\"secret\":1}"}"#);
    }
}
