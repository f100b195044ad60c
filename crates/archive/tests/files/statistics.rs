//! What the log of a table says of a file is true.

use std::borrow::Cow;

use archive::{Value, read_statistics};
use chat::{BodyType, Message, Timestamp};
use futures::executor::block_on;

use crate::messages::{hour, millis, position, small, write};
use crate::reader::Reader;

fn micros(micros: i64) -> Option<Timestamp> {
    Timestamp::from_timestamp_micros(micros)
}

#[test]
fn the_log_of_a_delta_table_gets_rows_bounds_and_nulls() {
    let first = Message {
        msg_id: Some(Cow::Borrowed("14")),
        sent_at: micros(1_773_478_800_000_001),
        body_type: Some(BodyType::Txt),
        sender: Some(Cow::Borrowed("mara \"m\"")),
        secret: Some(Cow::Borrowed("hush")),
        ..Message::at(position(1))
    };
    let second = Message { sent_at: micros(1_773_478_800_000_002), msg_id: None, ..first.clone() };
    let third = Message { sent_at: None, ..Message::at(position(7)) };
    let written = write(&[third, second, first], small());
    let stats: String = written.statistics.to_delta_json();
    let expected = concat!(
        r#"{"maxValues":{"body_type":"txt","line":7,"msg_id":"14","part":0,"sender":"mara \"m\"","#,
        r#""sent_at":"2026-03-14T09:00:00.001Z","source_hour":"2026031409"},"#,
        r#""minValues":{"body_type":"txt","line":1,"msg_id":"14","part":0,"sender":"mara \"m\"","#,
        r#""sent_at":"2026-03-14T09:00:00.000Z","source_hour":"2026031409"},"#,
        r#""nullCount":{"body_type":1,"chat_type":3,"conversation":3,"line":0,"msg_id":2,"part":0,"recipient":3,"#,
        r#""sender":1,"sent_at":1,"source_hour":0},"numRecords":3}"#
    );
    assert_eq!(stats, expected);
    assert_eq!(written.rows, 3);
    assert_eq!(written.min_sent_at, micros(1_773_478_800_000_001));
    assert_eq!(written.max_sent_at, micros(1_773_478_800_000_002));
}

#[test]
fn the_footer_tells_the_same_later() {
    let messages = crate::messages::ordinary_hour(hour(), 9_000);
    let written = write(&messages, small());
    assert_eq!(block_on(read_statistics(Reader::new(written.out))).unwrap(), written.statistics);
    assert_eq!(written.min_sent_at, messages[0].sent_at);
    assert_eq!(written.max_sent_at, messages[8_999].sent_at);
    assert_eq!(written.statistics.column("line").unwrap().max, Some(Value::Int(9_000)));
}

#[test]
fn a_file_without_rows_has_no_bounds() {
    let written = write(&[], small());
    assert_eq!((written.rows, written.min_sent_at, written.max_sent_at), (0, None, None));
    let stats = written.statistics.to_delta_json();
    assert!(stats.starts_with(r#"{"maxValues":{},"minValues":{},"nullCount":{"#), "{stats}");
}

/// Bounds of long texts are cut, and stay bounds: what lies between is what was written.
#[test]
fn cut_texts_still_bound() {
    for text in [
        "a".repeat(31),
        "a".repeat(32),
        "a".repeat(33),
        "a".repeat(500),
        "船".repeat(33),
        "👩🏽‍🔧".repeat(100),
        "\u{10FFFF}".repeat(33),
        "\u{10FFFF}".repeat(32),
        format!("{}\u{10FFFF}b", "a".repeat(31)),
        format!("{}\u{10FFFF}b", "a".repeat(32)),
        "\0".repeat(100),
        String::new(),
    ] {
        let message = Message { sender: Some(Cow::Owned(text.clone())), ..Message::at(position(1)) };
        let statistics = write(&[message], small()).statistics;
        let sender = statistics.column("sender").unwrap();
        let (Some(Value::Text(min)), max) = (&sender.min, &sender.max) else { panic!("{sender:?}") };
        assert!(*min <= text && min.chars().count() <= 32, "{sender:?}");
        match max {
            Some(Value::Text(max)) => assert!(*max >= text && max.chars().count() <= 33, "{sender:?}"),
            None => assert!(text.chars().count() > 32),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn times_that_readers_of_the_log_do_not_agree_on_are_left_out() {
    let ancient = Message { sent_at: micros(-8_000_000_000_000_000_000), ..Message::at(position(1)) };
    let now = Message { sent_at: Some(millis(0)), ..Message::at(position(2)) };
    let statistics = write(&[ancient, now], small()).statistics;
    let stats = statistics.to_delta_json();
    assert!(!stats.contains(r#""sent_at":"-"#), "{stats}");
    assert!(stats.contains(r#""maxValues":{"line":2,"part":0,"sent_at":"1970-01-01T00:00:00.000Z""#), "{stats}");
}
