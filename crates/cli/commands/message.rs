//! A message as cells of a list.

use std::ops::Range;

use archive::{Fit, PromotedValue, Promotion};
use chat::{Message, Position};

use crate::output::Cell;

/// The columns that are printed: those of the table `messages` without the share secrets, in its order.
pub(super) const COLUMNS: [&str; 29] = [
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
    "retained_at",
    "about",
];

/// The columns of which a message in a list for a person is made, besides those by which it is known.
pub(super) const LISTED: [&str; 8] =
    ["sender", "conversation", "body_type", "text", "filename", "addr", "action", "custom_event"];

/// The cells of a message, in the order of [`COLUMNS`]. URLs may have a share secret in them, which is taken out, and `rest` may
/// quote one, which is made unreadable there.
pub(super) fn cells(mut message: Message<'_>) -> [Cell; COLUMNS.len()] {
    message.hide_share_secrets();
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
        Cell::from(message.retained_at),
        text(message.about),
    ]
}

/// The names of promoted columns, which come behind [`COLUMNS`].
pub(super) fn promoted_names(promotions: &[Promotion]) -> impl Iterator<Item = &str> {
    promotions.iter().map(|promotion| promotion.column.as_str())
}

/// Their cells.
pub(super) fn promoted_cells(promotions: &[Promotion], message: &Message<'_>) -> Vec<Cell> {
    if promotions.is_empty() {
        return Vec::new();
    }
    let (ext, rest) = (message.ext.as_deref(), message.rest.as_deref().map(without_secrets));
    let cell = |promotion: &Promotion| match promotion.fit(ext, rest.as_deref()) {
        Fit::Absent | Fit::Unfit => Cell::Nothing,
        Fit::Value(PromotedValue::Int(number)) => Cell::Number(number),
        Fit::Value(PromotedValue::Real(number)) => measure(Some(number)),
        Fit::Value(PromotedValue::Text(text)) => Cell::Text(text),
        Fit::Value(PromotedValue::Time(time)) => Cell::Time(time),
        Fit::Value(PromotedValue::Truth(truth)) => Cell::Truth(truth),
    };
    promotions.iter().map(cell).collect()
}

/// The text by which a person recognises a message: what was said, or else what was sent. No URL in it has a share secret.
pub(super) fn gist(message: &Message<'_>) -> String {
    let said: Vec<&str> = message.searchable().filter(|text| !text.is_empty()).collect();
    let kind = message.body_type.map_or("nothing", chat::BodyType::word);
    match (said.is_empty(), kind) {
        (true, _) => format!("({kind})"),
        (false, "txt") => chat::without_share_secrets(&said.join(" ")).into_owned(),
        (false, _) => format!("({kind}) {}", chat::without_share_secrets(&said.join(" "))),
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

/// JSON text in which the values of members whose names end in `secret` are `…`, also within a quoted line, and no URL has a
/// share secret in it.
pub(super) fn without_secrets(json: &str) -> String {
    // What is no JSON is no `rest` that this program wrote.
    let json = decode::rest_without_secrets_in_urls(json).unwrap_or_else(|_| chat::without_share_secrets(json));
    // Letters of ASCII have one byte in either case, so that places are the same in both texts.
    let lower = json.to_ascii_lowercase();
    let mut masked = String::with_capacity(json.len());
    let mut done = 0;
    while let Some(secret) = next_secret(lower.get(done..).unwrap_or_default()) {
        masked.push_str(json.get(done..done + secret.at.start).unwrap_or_default());
        masked.extend([secret.quote, "…", secret.quote]);
        done += secret.at.end;
    }
    masked + json.get(done..).unwrap_or_default()
}

/// The value of a secret within JSON text.
struct SecretValue<'a> {
    /// Where the whole value stands, quotes included.
    at: Range<usize>,
    /// `"`, or `\"` within a quoted line.
    quote: &'a str,
}

fn next_secret(json: &str) -> Option<SecretValue<'_>> {
    let mut from = 0;
    while let Some(found) = json.get(from..)?.find("secret") {
        let name_end = from + found + "secret".len();
        if let Some(value) = value_after_name(json, name_end) {
            return Some(value);
        }
        from = name_end;
    }
    None
}

/// The value that follows a member name which ends at `at`: a quote, a colon, and a value. `null` is none.
fn value_after_name(json: &str, at: usize) -> Option<SecretValue<'_>> {
    let rest = json.get(at..)?;
    let quote = rest.get(..=rest.find('"')?)?;
    if quote.chars().any(|letter| letter != '\\' && letter != '"') {
        return None;
    }
    let value = rest.get(quote.len()..)?.trim_start().strip_prefix(':')?.trim_start();
    let start = json.len() - value.len();
    let length = match value.strip_prefix(quote) {
        Some(text) => text.find(quote).map_or(value.len(), |end| end + 2 * quote.len()),
        None if value.starts_with("null") => return None,
        None if value.starts_with(['[', '{']) => nested_length(value),
        None => value.find([',', '}', ']']).unwrap_or(value.len()),
    };
    Some(SecretValue { at: start..start + length, quote })
}

/// The length of an array or object that begins a text; all of it when its end is not there. Brackets within strings count
/// too: then more is masked than need be, never less.
fn nested_length(value: &str) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in value.char_indices() {
        match letter {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use archive::{Key, Projection};
    use chat::Sink as _;

    use super::*;
    use crate::commands::query::table_row;

    #[test]
    fn the_columns_are_those_of_the_table_without_the_secrets() {
        let table = archive::columns().iter().map(|column| column.name);
        assert!(table.filter(|name| !name.ends_with("secret")).eq(COLUMNS));
    }

    /// Whatever else a message has, its row in a list is the same without.
    #[test]
    fn a_list_needs_no_other_columns() {
        let position = Position { source_hour: chat::Hour::from_number(500_000), part: 0, line: 1 };
        let text = || Some(Cow::Borrowed("slipway"));
        let message = Message {
            sent_at: Some(chat::Timestamp::UNIX_EPOCH),
            sender: Some("mara".into()),
            conversation: Some("chat:mara:teo".into()),
            body_type: Some(chat::BodyType::Img),
            filename: text(),
            addr: Some("quay 3".into()),
            action: Some("moor".into()),
            custom_event: Some("tide".into()),
            recipient: text(),
            url: text(),
            ext: text(),
            rest: text(),
            about: text(),
            ..Message { text: Some("a boat".into()), ..Message::at(position) }
        };
        let mut writer = archive::Writer::new(Vec::new(), tempfile::tempfile, archive::Settings::default()).unwrap();
        writer.write(std::slice::from_ref(&message)).unwrap();
        let reader = std::io::Cursor::new(writer.finish().unwrap().out);
        let keys = [Key { source_hour: position.source_hour, sent_at: message.sent_at, part: 0, line: 1 }];
        let read = archive::read_keys(reader, &keys, Projection::Only(&LISTED));
        let [listed] = &futures::executor::block_on(read).unwrap()[..] else { panic!("one row was written") };
        let row = |message| table_row(message, index::Changes::default(), &index::Query::parse("").unwrap());
        assert_eq!(row(listed), row(&message));
        assert_eq!(listed.ext, None);
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
            (r#"{"secret":12345,"n":1}"#, r#"{"secret":"…","n":1}"#),
            (r#"{"thumb_secret":["x",{"y":1}],"n":1}"#, r#"{"thumb_secret":"…","n":1}"#),
            (r#"{"share-secret":"x","b":"secret"}"#, r#"{"share-secret":"…","b":"secret"}"#),
            (r#"{"Secret":"X","É":"Y","THUMB_SECRET":1}"#, r#"{"Secret":"…","É":"Y","THUMB_SECRET":"…"}"#),
            (
                r#"{"body":{"localurl":"https:\/\/a?share-secret\u003dx\/y","n":1}}"#,
                r#"{"body":{"localurl":"https://a?share-secret=","n":1}}"#,
            ),
            (r#"{"line":"{\"url\":\"a?share-secret=x\"}"}"#, r#"{"line":"{\"url\":\"a?share-secret=\"}"}"#),
            ("?share-secret=x", "?share-secret="),
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
