//! Rows are sorted, whatever order they come in and however little memory there is.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::{Settings, Writer, read_all};
use chat::{Hour, Message, Position, Sink as _};
use proptest::prelude::*;

use crate::messages::{hour, millis, ordinary_hour, write};
use crate::reader::{Reader, all};

fn message(hour: Hour, sent_at: Option<i64>, msg_id: Option<&'static str>, part: u32, line: u64) -> Message<'static> {
    let position = Position { source_hour: hour, part, line };
    Message { sent_at: sent_at.map(millis), msg_id: msg_id.map(Cow::Borrowed), ..Message::at(position) }
}

fn written_and_read(messages: &[Message<'_>], settings: Settings) -> Vec<Message<'static>> {
    all(read_all(Reader::new(write(messages, settings).out)))
}

#[test]
fn the_order_is_hour_time_id_part_line_and_nulls_are_last() {
    let now = hour();
    let expected = [
        message(now.plus(-1), Some(9), Some("z"), 9, 9),
        message(now, Some(-1), Some("z"), 9, 9),
        message(now, Some(1), Some("10"), 9, 9),
        message(now, Some(1), Some("9"), 0, 3),
        message(now, Some(1), Some("9"), 0, 20),
        message(now, Some(1), Some("9"), 1, 1),
        message(now, Some(1), None, 0, 1),
        message(now, Some(2), Some(""), 0, 1),
        message(now, None, Some("a"), 0, 1),
        message(now, None, None, 0, 1),
        message(now.next(), Some(0), Some("a"), 0, 1),
    ];
    let reversed: Vec<_> = expected.iter().rev().cloned().collect();
    assert_eq!(written_and_read(&reversed, Settings::default()), expected);
    assert_eq!(written_and_read(&expected, Settings::default()), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The writer's chunks have at least 16 rows, so that without memory every 16 rows are a run.
    #[test]
    fn spilled_runs_give_the_rows_of_a_sort_in_memory(
        rows in prop::collection::vec((0..3i64, prop::option::of(0..5i64), prop::option::of(0..4usize)), 0..400),
        long in any::<bool>(),
    ) {
        let messages: Vec<_> = rows
            .into_iter()
            .zip(1..)
            .map(|((hours, sent_at, id), line)| {
                let id = id.map(|id| ["", "a", "ab", "船"][id]);
                let mut message = message(hour().plus(hours), sent_at, id, 0, line);
                message.text = Some(Cow::Owned("x".repeat(if long { 600_000 } else { 3 })));
                message
            })
            .collect();
        let messages = if long { &messages[..messages.len().min(60)] } else { &messages[..] };
        let in_memory = written_and_read(messages, Settings::default());
        let spilled = written_and_read(messages, Settings { memory: 0, ..Settings::default() });
        prop_assert_eq!(spilled, in_memory);
    }
}

#[test]
fn more_rows_than_memory_make_runs() {
    let messages = ordinary_hour(hour(), 30_000);
    let mut shuffled: Vec<_> = messages.clone();
    shuffled.sort_by_key(|message| message.position.line.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let settings = Settings { memory: 2 << 20, ..Settings::default() };
    let spilled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&spilled);
    let spill = move || {
        count.fetch_add(1, Ordering::Relaxed);
        tempfile::tempfile()
    };
    let mut writer = Writer::new(Vec::new(), spill, settings).unwrap();
    shuffled.chunks(777).for_each(|batch| writer.write(batch).unwrap());
    let written = writer.finish().unwrap();
    assert_eq!(written.rows, 30_000);
    assert!(all(read_all(Reader::new(written.out))) == messages);
    assert!(spilled.load(Ordering::Relaxed) >= 3, "{spilled:?} runs");
}

#[test]
fn a_temporary_file_that_cannot_be_made_is_an_error() {
    let refuse = || Err(std::io::Error::other("disk full"));
    let mut writer = Writer::new(Vec::new(), refuse, Settings { memory: 0, ..Settings::default() }).unwrap();
    let all: Result<(), _> = ordinary_hour(hour(), 9_000).chunks(100).try_for_each(|batch| writer.write(batch));
    let error = all.unwrap_err();
    assert_eq!(error.to_string(), "could not make a temporary file to sort in");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "disk full");
}

/// Long rows end a row group early, so that none outgrows what an Arrow array of strings holds.
#[test]
fn long_rows_make_small_row_groups() {
    let mut messages = ordinary_hour(hour(), 64);
    for message in &mut messages {
        message.rest = Some(Cow::Owned("r".repeat(1 << 20)));
    }
    let written = write(&messages, Settings { row_group_bytes: 8 << 20, ..Settings::default() });
    let file = parquet::file::reader::SerializedFileReader::new(bytes::Bytes::from(written.out.clone())).unwrap();
    let groups = parquet::file::reader::FileReader::metadata(&file).row_groups().len();
    assert!((6..=10).contains(&groups), "{groups} row groups");
    assert!(all(read_all(Reader::new(written.out))) == messages);
}
