//! Whether two messages say the same.

use chat::Message;
use twox_hash::XxHash3_128;

use crate::json::{Kind, Scanner, Token, Value};
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
    Fingerprints::default().of(message)
}

/// Takes the [`fingerprint`] of one message after the other, in memory that is used again.
#[derive(Debug, Default)]
pub struct Fingerprints {
    said: Vec<u8>,
    json: Json,
}

impl Fingerprints {
    /// The [`fingerprint`] of a message.
    #[must_use]
    pub fn of(&mut self, message: &Message<'_>) -> u128 {
        let Self { said, json } = self;
        said.clear();
        let mut present = Present::default();
        // `rest` and the columns follow from the value of the record, and the value from them.
        for text in texts(message).into_iter().filter_map(|text| present.note(text)) {
            said.extend_from_slice(&text.len().to_le_bytes());
            said.extend_from_slice(text.as_bytes());
        }
        for text in [&message.ext, &message.custom_exts, &message.rest] {
            said.extend(present.note(text.as_deref()).map(|text| json.of(text).to_le_bytes()).into_iter().flatten());
        }
        let numbers = [message.duration_s, message.width, message.height, message.lat, message.lng];
        let bits = numbers.map(|number| number.map(f64::to_le_bytes)).into_iter();
        let integers = [message.sent_at.map(|time| time.timestamp_micros()), message.file_length];
        for number in bits.chain(integers.map(|integer| integer.map(i64::to_le_bytes))) {
            said.extend(present.note(number).into_iter().flatten());
        }
        said.extend_from_slice(&present.columns.to_le_bytes());
        XxHash3_128::oneshot(said)
    }
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
    record_fingerprint(&record).ok_or(RebuildError { column: "rest" })
}

/// The same of the text of a record, as it was served; `None` when it is not one JSON value.
#[must_use]
pub fn record_fingerprint(record: &str) -> Option<u128> {
    Json::default().whole(record)
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

/// Which columns there are, so that no two messages look alike.
#[derive(Default)]
struct Present {
    /// A bit for each column that was noted, the last one lowest.
    columns: u32,
}

impl Present {
    fn note<T>(&mut self, column: Option<T>) -> Option<T> {
        self.columns = self.columns << 1 | u32::from(column.is_some());
        column
    }
}

/// Takes the fingerprints of JSON texts.
#[derive(Debug)]
struct Json {
    scanner: Scanner,
    tape: Vec<Token>,
    /// The members of the objects that are being read, each with the fingerprints of its key and its value; those of an
    /// inner object lie behind those of the outer one.
    members: Vec<[[u8; 16]; 2]>,
    /// The same for the elements of arrays.
    elements: Vec<[u8; 16]>,
}

impl Default for Json {
    fn default() -> Self {
        let scanner = Scanner::new(Limits::MAX_DEPTH + 4);
        Self { scanner, tape: Vec::new(), members: Vec::new(), elements: Vec::new() }
    }
}

impl Json {
    /// The fingerprint of a JSON text; of a text that is none, of its bytes.
    fn of(&mut self, text: &str) -> u128 {
        self.whole(text).unwrap_or_else(|| XxHash3_128::oneshot(text.as_bytes()))
    }

    /// The fingerprint of a text that is one JSON value.
    fn whole(&mut self, text: &str) -> Option<u128> {
        let mut tape = std::mem::take(&mut self.tape);
        let value = self.scanner.whole(text, &mut tape);
        let fingerprint = value.map(|value| self.of_value(value));
        // One odd record must not take memory for ever.
        tape.shrink_to(TOKENS);
        self.tape = tape;
        fingerprint
    }

    /// Recursion goes no deeper than the scanner does.
    fn of_value(&mut self, value: Value<'_, '_>) -> u128 {
        // Equal bytes of different kinds are different values.
        let hash = |bytes: &[u8]| XxHash3_128::oneshot_with_seed(value.kind() as u64, bytes);
        match value.kind() {
            Kind::Array => {
                let base = self.elements.len();
                for (_, element) in value.children() {
                    let element = self.of_value(element).to_le_bytes();
                    self.elements.push(element);
                }
                let fingerprint = hash(self.elements[base..].as_flattened());
                self.elements.truncate(base);
                fingerprint
            }
            Kind::Object => {
                let base = self.members.len();
                for (key, value) in value.children() {
                    let member = [hash(&text::exact_bytes(key)), self.of_value(value)].map(u128::to_le_bytes);
                    self.members.push(member);
                }
                // Stable: where a key occurs twice, which value comes last matters.
                self.members[base..].sort_by_key(|[name, _]| *name);
                let fingerprint = hash(self.members[base..].as_flattened().as_flattened());
                self.members.truncate(base);
                fingerprint
            }
            Kind::String => hash(&text::exact_bytes(value.raw())),
            Kind::False | Kind::Null | Kind::Number | Kind::True => hash(value.raw().as_bytes()),
        }
    }
}

/// Values of a JSON text for which memory is kept.
const TOKENS: usize = 4_096;
