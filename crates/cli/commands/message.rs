//! A message as cells of a list.

use std::ops::Range;

use chat::{Message, Position};

use crate::output::Cell;

/// The columns that are printed: those of the table `messages` without the share secrets, in its order.
pub(super) const COLUMNS: [&str; 27] = [
    "msg_id",
    "sent_at",
    "source_hour",
    "part",
    "line",
    "chat_type",
    "sender",
    "recipient",
    "conversation",
    "direction",
    "body_type",
    "text",
    "filename",
    "file_length",
    "duration_s",
    "width",
    "height",
    "url",
    "thumb_url",
    "lat",
    "lng",
    "addr",
    "action",
    "custom_event",
    "custom_exts",
    "ext",
    "rest",
];

/// The cells of a message, in the order of [`COLUMNS`]. `rest` may quote a share secret; it is made unreadable there.
pub(super) fn cells(message: Message<'_>) -> [Cell; COLUMNS.len()] {
    let Position { source_hour, part, line } = message.position;
    let text = |text: Option<std::borrow::Cow<'_, str>>| Cell::from(text.map(std::borrow::Cow::into_owned));
    [
        text(message.msg_id),
        Cell::from(message.sent_at),
        Cell::from(source_hour.key()),
        Cell::from(part),
        Cell::from(line),
        text(message.chat_type),
        text(message.sender),
        text(message.recipient),
        text(message.conversation),
        text(message.direction),
        Cell::from(message.body_type.map(|body| body.word().to_owned())),
        text(message.text),
        text(message.filename),
        Cell::from(message.file_length),
        measure(message.duration_s),
        measure(message.width),
        measure(message.height),
        text(message.url),
        text(message.thumb_url),
        measure(message.lat),
        measure(message.lng),
        text(message.addr),
        text(message.action),
        text(message.custom_event),
        text(message.custom_exts),
        text(message.ext),
        Cell::from(message.rest.map(|rest| without_secrets(&rest))),
    ]
}

/// The text by which a person recognises a message: what was said, or else what was sent.
pub(super) fn gist(message: &Message<'_>) -> String {
    let said: Vec<&str> = message.searchable().filter(|text| !text.is_empty()).collect();
    let kind = message.body_type.map_or("nothing", chat::BodyType::word);
    match (said.is_empty(), kind) {
        (true, _) => format!("({kind})"),
        (false, "txt") => said.join(" "),
        (false, _) => format!("({kind}) {}", said.join(" ")),
    }
}

/// A whole number is printed without a decimal point, as the service writes it.
fn measure(measure: Option<f64>) -> Cell {
    /// Above this a float no longer holds every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match measure {
        Some(value) if value.fract() == 0.0 && value.abs() < EXACT => Cell::from(value as i64),
        other => Cell::from(other),
    }
}

/// JSON text in which the values of members whose names end in `secret` are `…`, also within a quoted line.
pub(super) fn without_secrets(json: &str) -> String {
    let mut masked = String::with_capacity(json.len());
    let mut left = json;
    while let Some(value) = next_secret(left) {
        masked.push_str(left.get(..value.start).unwrap_or_default());
        masked.push('…');
        left = left.get(value.end..).unwrap_or_default();
    }
    masked + left
}

/// Where the value of the next secret stands, without its quotes.
fn next_secret(json: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(found) = json.get(from..)?.find("secret") {
        let name_end = from + found + "secret".len();
        if let Some(value) = string_after_name(json, name_end) {
            return Some(value);
        }
        from = name_end;
    }
    None
}

/// The string that follows a member name which ends at `at`: `"` or `\"`, a colon, and the same quote again.
fn string_after_name(json: &str, at: usize) -> Option<Range<usize>> {
    let rest = json.get(at..)?;
    let quote_length = rest.find('"')? + 1;
    let quote = rest.get(..quote_length)?;
    if quote.chars().any(|letter| letter != '\\' && letter != '"') {
        return None;
    }
    let after_colon = rest.get(quote_length..)?.trim_start().strip_prefix(':')?.trim_start();
    let value = after_colon.strip_prefix(quote)?;
    let start = json.len() - value.len();
    Some(start..start + value.find(quote).unwrap_or(value.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_those_of_the_table_without_the_secrets() {
        let table = archive::columns().iter().map(|column| column.name);
        assert!(table.filter(|name| !name.ends_with("secret")).eq(COLUMNS));
    }

    #[test]
    fn secrets_in_what_is_left_over_are_masked() {
        for (json, expected) in [
            (r#"{"bodies":[{"secret":"x","n":1}]}"#, r#"{"bodies":[{"secret":"…","n":1}]}"#),
            (r#"{"body":{"thumb_secret" : "x"}}"#, r#"{"body":{"thumb_secret" : "…"}}"#),
            (r#"{"line":"{\"secret\":\"x\",\"a\":1}"}"#, r#"{"line":"{\"secret\":\"…\",\"a\":1}"}"#),
            (
                r#"{"body":{"secret":null,"msg":"a secret: \"x\""}}"#,
                r#"{"body":{"secret":null,"msg":"a secret: \"x\""}}"#,
            ),
            (r#"{"share-secret":"x","b":"secret"}"#, r#"{"share-secret":"…","b":"secret"}"#),
        ] {
            assert_eq!(without_secrets(json), expected);
        }
    }

    #[test]
    fn a_whole_measure_has_no_point() {
        assert_eq!(measure(Some(746.0)), Cell::Number(746));
        assert_eq!(measure(Some(497.5)), Cell::Measure(497.5));
        assert_eq!(measure(None), Cell::Nothing);
    }
}
