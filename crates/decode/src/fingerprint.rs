//! Whether two messages say the same.

use chat::Message;
use twox_hash::XxHash3_128;

use crate::json::{Kind, Scanner, Value};
use crate::limits::Limits;
use crate::rebuild::{RebuildError, rebuild};
use crate::text;

/// A number that is equal for messages of equal JSON value.
///
/// The order of keys and the spelling of strings do not matter; the digits of numbers, the order of arrays and the order
/// of what a repeated key says do. The position does not count. It tells duplicates from conflicts within an hour; it is
/// not cryptographic, and it may differ from one version to the next, so it is not to be stored.
#[must_use]
pub fn fingerprint(message: &Message<'_>) -> u128 {
    // `rest` and the columns follow from the value of the record, and the value from them.
    let mut said = Vec::with_capacity(512);
    for text in texts(message) {
        push(&mut said, text.map(str::as_bytes));
    }
    for json in [&message.ext, &message.custom_exts, &message.rest] {
        push(&mut said, json.as_deref().map(of_json).map(u128::to_le_bytes).as_ref().map(<[u8; 16]>::as_slice));
    }
    let numbers = [message.duration_s, message.width, message.height, message.lat, message.lng];
    let bits = numbers.iter().map(|number| number.map(f64::to_le_bytes));
    let integers = [message.sent_at.map(|time| time.timestamp_micros()), message.file_length];
    for number in bits.chain(integers.map(|integer| integer.map(i64::to_le_bytes))) {
        push(&mut said, number.as_ref().map(<[u8; 8]>::as_slice));
    }
    XxHash3_128::oneshot(&said)
}

/// The same of the record that a message is rebuilt to, so that it does not matter which columns hold it.
///
/// Another version may fill more columns, or others, from the same record. So this compares a stored row with one that was
/// decoded now; it costs several times what [`fingerprint`] does. The position and what is derived, such as the
/// conversation, do not count.
///
/// # Errors
///
/// [`RebuildError`] when no record can be rebuilt.
pub fn value_fingerprint(message: &Message<'_>) -> Result<u128, RebuildError> {
    let record = rebuild(message)?;
    whole(&record).ok_or(RebuildError { column: "rest" })
}

fn texts<'m>(message: &'m Message<'_>) -> [Option<&'m str>; 15] {
    [
        message.msg_id.as_deref(),
        message.chat_type.as_deref(),
        message.sender.as_deref(),
        message.recipient.as_deref(),
        message.direction.as_deref(),
        message.body_type.map(chat::BodyType::word),
        message.text.as_deref(),
        message.filename.as_deref(),
        message.url.as_deref(),
        message.secret.as_deref(),
        message.thumb_url.as_deref(),
        message.thumb_secret.as_deref(),
        message.addr.as_deref(),
        message.action.as_deref(),
        message.custom_event.as_deref(),
    ]
}

/// Appends bytes so that no two lists of bytes look alike.
fn push(said: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let mark = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
    said.extend_from_slice(&mark.to_le_bytes());
    said.extend_from_slice(bytes.unwrap_or_default());
}

/// The fingerprint of a JSON text; of a text that is none, of its bytes.
fn of_json(text: &str) -> u128 {
    whole(text).unwrap_or_else(|| XxHash3_128::oneshot(text.as_bytes()))
}

/// The fingerprint of a text that is one JSON value.
fn whole(text: &str) -> Option<u128> {
    let mut tape = Vec::new();
    let end = Scanner::new(Limits::MAX_DEPTH + 4).scan(text.as_bytes(), &mut tape).ok()?;
    text.get(end..)?.trim().is_empty().then(|| of_value(Value::whole(text, &tape)))
}

/// Recursion goes no deeper than the scanner does.
fn of_value(value: Value<'_, '_>) -> u128 {
    // Equal bytes of different kinds are different values.
    let seed = value.kind() as u64;
    let hash = |bytes: &[u8]| XxHash3_128::oneshot_with_seed(seed, bytes);
    match value.kind() {
        Kind::Array => {
            let mut elements = Vec::new();
            for (_, element) in value.children() {
                elements.extend_from_slice(&of_value(element).to_le_bytes());
            }
            hash(&elements)
        }
        Kind::Object => {
            let mut members = Vec::new();
            for (key, value) in value.children() {
                members.push([hash(&text::exact_bytes(key)).to_le_bytes(), of_value(value).to_le_bytes()]);
            }
            // Stable: where a key occurs twice, which value comes last matters.
            members.sort_by_key(|[name, _]| *name);
            hash(members.as_flattened().as_flattened())
        }
        Kind::String => hash(&text::exact_bytes(value.raw())),
        Kind::False | Kind::Null | Kind::Number | Kind::True => hash(value.raw().as_bytes()),
    }
}
