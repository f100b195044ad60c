//! What is written is read back, bit for bit.

use std::borrow::Cow;

use archive::{read_all, read_dead_letters, read_entries, write_dead_letters, write_entries};
use chat::{BodyType, DeadLetter, Entry, Hour, Message, Position, Reason, State, Tally, Timestamp};
use futures::executor::block_on;
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::messages::{file_of, hour, millis, position};
use crate::reader::{Reader, all};

#[test]
fn a_file_is_the_same_whoever_encodes_its_columns() {
    let messages = crate::messages::ordinary_hour(hour(), 9_000);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    assert!(pool.install(|| file_of(&messages)) == file_of(&messages));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just(String::new()),
        Just("\0".to_owned()),
        Just("\u{FFFD}\u{10FFFF}".to_owned()),
        Just("مرحبا 👨‍👩‍👧‍👦 服务态度".to_owned()),
        any::<char>().prop_map(|character| character.to_string().repeat(300)),
    ]
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        any::<i32>().prop_map(|seconds| Timestamp::from_timestamp(i64::from(seconds), 123_456_000).unwrap()),
        Just(Timestamp::from_timestamp_micros(-1).unwrap()),
        Just(Timestamp::from_timestamp_micros(8_000_000_000_000_000_000).unwrap()),
        Just(Timestamp::from_timestamp_micros(-8_000_000_000_000_000_000).unwrap()),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(-0.0), Just(0.0), Just(f64::NAN), Just(-f64::NAN), Just(f64::INFINITY)]
}

fn place() -> impl Strategy<Value = Position> {
    (any::<i64>(), 0..=i32::MAX.unsigned_abs(), 0..=i64::MAX.unsigned_abs()).prop_map(|(hours, part, line)| Position {
        source_hour: Hour::from_number(hours % 50_000_000),
        part,
        line,
    })
}

prop_compose! {
    fn message()(
        position in place(),
        texts in vec(option::of(text()), 19),
        numbers in vec(option::of(number()), 5),
        sent_at in option::of(time()),
        body_type in option::of(prop::sample::select(BodyType::ALL.to_vec())),
        file_length in option::of(any::<i64>()),
    ) -> Message<'static> {
        let mut texts = texts.into_iter().map(|text| text.map(Cow::Owned));
        let mut text = || texts.next().unwrap();
        let mut numbers = numbers.into_iter();
        let mut number = || numbers.next().unwrap();
        Message {
            position,
            msg_id: text(),
            sent_at,
            chat_type: text(),
            sender: text(),
            recipient: text(),
            conversation: text(),
            direction: text(),
            body_type,
            text: text(),
            filename: text(),
            file_length,
            duration_s: number(),
            width: number(),
            height: number(),
            url: text(),
            secret: text(),
            thumb_url: text(),
            thumb_secret: text(),
            lat: number(),
            lng: number(),
            addr: text(),
            action: text(),
            custom_event: text(),
            custom_exts: text(),
            ext: text(),
            rest: text(),
            retained_at: Some("2026-03-16T02:10:00Z".parse().unwrap()),
            about: text(),
        }
    }
}

/// The numbers by their bits, so that NaN and -0.0 are compared too, and the message without them.
fn taken_apart(message: &Message<'static>) -> ([Option<u64>; 5], Message<'static>) {
    let mut rest = message.clone();
    let numbers = [&mut rest.duration_s, &mut rest.width, &mut rest.height, &mut rest.lat, &mut rest.lng];
    let bits = numbers.map(|number| number.take().map(f64::to_bits));
    (bits, rest)
}

fn sorted(messages: Vec<Message<'static>>) -> Vec<([Option<u64>; 5], Message<'static>)> {
    let mut messages: Vec<_> = messages.iter().map(taken_apart).collect();
    messages.sort_by_key(|message| format!("{message:?}"));
    messages
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_message_comes_back(messages in vec(message(), 0..24)) {
        let read = all(read_all(Reader::new(file_of(&messages))));
        prop_assert_eq!(sorted(read), sorted(messages));
    }

    #[test]
    fn every_dead_letter_comes_back(
        letters in vec((place(), 0..=i64::MAX.unsigned_abs(), prop::sample::select(Reason::ALL.to_vec()), vec(any::<u8>(), 0..300)), 0..40)
    ) {
        let letters: Vec<_> = letters
            .into_iter()
            .map(|(position, offset, reason, bytes)| DeadLetter { position, offset, reason, bytes: Cow::Owned(bytes) })
            .collect();
        let written = write_dead_letters(Vec::new(), &letters).unwrap();
        prop_assert_eq!(written.rows, letters.len() as u64);
        prop_assert_eq!(all(read_dead_letters(Reader::new(written.out))), letters);
    }
}

fn entry() -> Entry {
    Entry {
        hour: hour(),
        at: millis(1_773_500_000_123),
        state: State::Done,
        http_status: Some(200),
        error: None,
        bytes: 1 << 40,
        sha256: vec!["ab".repeat(32), "cd".repeat(32)],
        tally: Tally {
            lines: 9,
            messages: 5,
            duplicates: 2,
            dead_letters: 1,
            blank_lines: 1,
            conflicts: 3,
            strays: 4,
            retained: 6,
        },
        added: 2,
        min_sent_at: Some(millis(-1)),
        max_sent_at: Some(millis(1)),
        files: vec!["date=2026-03-14/2026031409-1.parquet".to_owned()],
        source: "fetch".to_owned(),
        version: "0.1.0".to_owned(),
    }
}

#[test]
fn every_entry_comes_back() {
    let failed =
        Entry { state: State::Failed, error: Some("no, \"not\" now".to_owned()), http_status: None, ..entry() };
    let empty = Entry { state: State::Empty, sha256: vec![], files: vec![], min_sent_at: None, ..entry() };
    let odd = Entry { sha256: vec![String::new()], files: vec![String::new(), "b".to_owned()], ..entry() };
    let lost = Entry { state: State::Lost, error: Some(String::new()), ..entry() };
    let entries = [entry(), failed, empty, odd, lost, Entry { state: State::Pending, ..entry() }];
    let written = write_entries(Vec::new(), &entries).unwrap();
    assert_eq!(block_on(read_entries(Reader::new(written.out))).unwrap(), entries);
}

#[test]
fn only_a_file_of_many_entries_is_packed() {
    for (count, is_packed) in [(1, false), (63, false), (64, true)] {
        let entries = vec![entry(); count];
        let file = bytes::Bytes::from(write_entries(Vec::new(), &entries).unwrap().out);
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
        let mut columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
        assert!(columns.all(|column| (column.compression() != Compression::UNCOMPRESSED) == is_packed), "{count}");
        assert_eq!(block_on(read_entries(Reader::new(file.to_vec()))).unwrap(), entries);
    }
}

#[test]
fn texts_that_would_not_come_back_are_refused() {
    let with_comma = Entry { files: vec!["a,b".to_owned()], ..entry() };
    let error = write_entries(Vec::new(), &[with_comma]).unwrap_err();
    assert_eq!(error.to_string(), "column `files` cannot hold `a,b`");
}

#[test]
fn numbers_that_would_not_come_back_are_refused() {
    for (position, words) in [
        (Position { line: 1 << 63, ..position(0) }, "column `line` cannot hold `9223372036854775808`"),
        (Position { part: 1 << 31, ..position(0) }, "column `part` cannot hold `2147483648`"),
    ] {
        let mut writer = archive::Writer::new(Vec::new(), tempfile::tempfile, archive::Settings::default()).unwrap();
        let error = chat::Sink::write(&mut writer, &[Message::at(position)]).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn a_text_that_an_array_could_not_hold_is_refused() {
    let message = Message { rest: Some(Cow::Owned("r".repeat((64 << 20) + 1))), ..Message::at(position(1)) };
    let mut writer = archive::Writer::new(Vec::new(), tempfile::tempfile, archive::Settings::default()).unwrap();
    let error = chat::Sink::write(&mut writer, &[message]).unwrap_err();
    assert_eq!(error.to_string(), "column `rest` cannot hold `a text of 67108865 bytes`");
}

#[test]
fn a_file_without_rows_is_a_file() {
    assert_eq!(all(read_all(Reader::new(file_of(&[])))), []);
    assert_eq!(all(read_dead_letters(Reader::new(write_dead_letters(Vec::new(), &[]).unwrap().out))), []);
    let no_entries = Reader::new(write_entries(Vec::new(), &[]).unwrap().out);
    assert_eq!(block_on(read_entries(no_entries)).unwrap(), []);
}
