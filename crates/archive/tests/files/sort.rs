//! Rows are sorted, whatever order they come in and however little memory there is.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use archive::{Promotion, Settings, Writer, read_all};
use chat::{Hour, Message, Position, Sink as _};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
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

    /// Rows come nearly in order, as an hour is served, or in none; some were sent before or after their hour. The writer's
    /// chunks have at least 16 rows, so that without memory a chunk is drafted or spilled as soon as it is full.
    #[test]
    fn rows_are_sorted_in_any_memory(
        rows in prop::collection::vec((0..3i64, prop::option::of(0..6i64), prop::option::of(0..4usize)), 0..400),
        is_nearly_in_order in any::<bool>(),
        long in any::<bool>(),
        batch in 1..90usize,
        row_group_rows in prop::sample::select(vec![7, 40, Settings::ROW_GROUP_ROWS]),
    ) {
        let mut messages: Vec<_> = rows
            .into_iter()
            .zip(1..)
            .map(|((hours, place, id), line)| {
                let id = id.map(|id| ["", "a", "ab", "船"][id]);
                let own = hour().plus(hours);
                let sent_at = place.map(|place| own.start().timestamp_millis() + [-1, 0, 7, 1_800_000, 3_599_999, 3_600_000][usize::try_from(place).unwrap()]);
                let mut message = message(own, sent_at, id, 0, line);
                message.text = Some(Cow::Owned("x".repeat(if long { 600_000 } else { 3 })));
                message
            })
            .collect();
        messages.truncate(if long { 60 } else { 400 });
        let mut expected = messages.clone();
        expected.sort_by(in_order);
        if is_nearly_in_order {
            messages.clone_from(&expected);
            let last = messages.len().saturating_sub(2);
            (0..last).step_by(37).for_each(|at| messages.swap(at, at + 2));
        }
        for memory in [0, 20_000, Settings::MEMORY] {
            let settings = Settings { memory, row_group_rows, ..Settings::default() };
            let mut writer = Writer::new(Vec::new(), tempfile::tempfile, settings).unwrap();
            messages.chunks(batch).for_each(|batch| writer.write(batch).unwrap());
            let read = all(read_all(Reader::new(writer.finish().unwrap().out)));
            prop_assert!(read == expected, "with {} bytes", memory);
        }
    }
}

/// A long hour, a shorter one and one with nulls elsewhere, each in the memory of those before.
#[test]
fn a_file_is_the_same_in_memory_that_was_used_before() {
    let settings = Settings { memory: 0, row_group_rows: 16_384, ..Settings::default() };
    let spare = archive::Spare::default();
    for (rows, at) in [(60_000, 0), (40_000, 1), (50_000, 2)] {
        let mut messages = ordinary_hour(hour().plus(at), rows);
        if at == 2 {
            messages.iter_mut().step_by(3).for_each(|message| (message.text, message.url) = (None, Some("u".into())));
        }
        let written = |writer: Writer<Vec<u8>>| {
            let mut writer = writer;
            messages.chunks(1_000).for_each(|batch| writer.write(batch).unwrap());
            writer.finish().unwrap().out
        };
        let new = || Writer::new(Vec::new(), tempfile::tempfile, settings).unwrap();
        assert!(written(new().in_memory_of(&spare)) == written(new()), "hour {at}");
    }
}

/// The order of the files, written down once more.
fn in_order(one: &Message<'_>, other: &Message<'_>) -> std::cmp::Ordering {
    let key = |message: &Message<'_>| {
        let id = message.msg_id.as_deref().unwrap_or_default().to_owned();
        let time = message.sent_at.map_or(i64::MAX, |time| time.timestamp_micros());
        (message.position.source_hour.key(), time, message.msg_id.is_none(), id, message.position.line)
    };
    key(one).cmp(&key(other))
}

/// Rows of row groups that were done before the last row came, and rows that came after these and belong elsewhere.
#[test]
fn rows_that_come_too_late_find_their_place() {
    let ordered = ordinary_hour(hour(), 20_000);
    let old = |line: u64| {
        ordered[0].sent_at.map(|time| millis(time.timestamp_millis() - 86_400_000 - i64::try_from(line).unwrap()))
    };
    let late = |is_late: fn(u64) -> bool| {
        let (late, mut rows): (Vec<_>, Vec<_>) = ordered.iter().cloned().partition(|row| is_late(row.position.line));
        rows.extend(late);
        rows
    };
    let mut imported = ordered.clone();
    imported
        .iter_mut()
        .filter(|row| row.position.line % 2_000 == 7)
        .for_each(|row| row.sent_at = old(row.position.line));
    // The others fill row groups of 2,000; those into which a row comes are halved.
    for (served, groups) in [
        (ordered.clone(), 10..=10),
        (imported, 11..=11),
        (late(|line| line == 11), 11..=11),
        (late(|line| line == 1_999 || line == 2_002), 12..=12),
        (late(|line| line % 997 == 5), 12..=25),
        (late(|line| line < 10_000), 10..=25),
        (late(|line| line % 2 == 0), 10..=25),
    ] {
        let promotion = Promotion::new("ext.seq:int64", None).unwrap();
        let settings = Settings { memory: 0, row_group_rows: 2_000, ..Settings::default() };
        let mut writer = Writer::promoting(Vec::new(), tempfile::tempfile, settings, &[promotion]).unwrap();
        served.chunks(777).for_each(|batch| writer.write(batch).unwrap());
        let file = writer.finish().unwrap().out;
        let reader = SerializedFileReader::new(bytes::Bytes::from(file.clone())).unwrap();
        let rows: Vec<_> = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
        assert!(groups.contains(&rows.len()) && rows.iter().all(|rows| *rows <= 2_000), "{rows:?}");
        let promoted = reader.metadata().row_groups().iter().map(|group| group.columns().last().unwrap().statistics());
        assert!(promoted.clone().all(|column| column.unwrap().null_count_opt() == Some(0)));
        let mut expected = served;
        expected.sort_by(in_order);
        assert!(all(read_all(Reader::new(file))) == expected, "{rows:?}");
    }
}

#[test]
fn the_file_is_the_same_whoever_encodes_it() {
    let mut messages = ordinary_hour(hour(), 20_000);
    messages[19_000].sent_at = messages[40].sent_at;
    let settings = Settings { memory: 1 << 20, row_group_rows: 3_000, ..Settings::default() };
    let alone = write(&messages, settings).out;
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(|| write(&messages, settings).out) == alone, "on {threads} threads");
        let (file, helped) = pool.install(|| write_with_help(&messages, settings));
        assert!(helped > 0, "others found something to do on {threads} threads");
        assert!(file == alone, "with help on {threads} threads");
    }
}

/// The file, and how often others helped before it was finished: some between the batches, some beside them, and of the last row
/// groups perhaps until after the end.
fn write_with_help(messages: &[Message<'_>], settings: Settings) -> (Vec<u8>, usize) {
    let mut writer = Writer::new(Vec::new(), tempfile::tempfile, settings).unwrap();
    let mut helped = 0;
    for batch in messages.chunks(501) {
        writer.write(batch).unwrap();
        let columns = writer.unencoded();
        // Of some columns a batch or two, of others all.
        let batches = AtomicUsize::new(0);
        helped += usize::from(columns.encode_until(|| batches.fetch_add(1, Ordering::Relaxed) % 5 == 4));
        std::thread::spawn(move || columns.encode_until(|| false));
    }
    (writer.finish().unwrap().out, helped)
}

/// A far time, or none, must not make all that follows late: what is in order is not sorted, so it is never spilled twice.
#[test]
fn rows_of_far_times_do_not_break_the_order_of_the_others() {
    let mut messages = ordinary_hour(hour(), 40_000);
    for at in (100..40_000).step_by(4_000) {
        messages[at].sent_at = if at % 8_000 == 100 { None } else { Some(millis(i64::from(i32::MAX) * 1_000)) };
    }
    let spilled = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&spilled);
    let spill = move || {
        count.fetch_add(1, Ordering::Relaxed);
        tempfile::tempfile()
    };
    let mut writer = Writer::new(Vec::new(), spill, Settings { memory: 1 << 20, ..Settings::default() }).unwrap();
    messages.chunks(4_096).for_each(|batch| writer.write(batch).unwrap());
    let written = writer.finish().unwrap();
    messages.sort_by(in_order);
    assert!(all(read_all(Reader::new(written.out))) == messages);
    assert_eq!(spilled.load(Ordering::Relaxed), 1, "the rows in order, once");
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
    assert_eq!(error.to_string(), "could not write or read a temporary file");
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
    let file = SerializedFileReader::new(bytes::Bytes::from(written.out.clone())).unwrap();
    let groups = file.metadata().row_groups().len();
    assert!((6..=10).contains(&groups), "{groups} row groups");
    assert!(all(read_all(Reader::new(written.out))) == messages);
}
