//! Hours to publish, and what is in an archive afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use archive::{Settings, Writer};
use chat::{
    DeadLetter, Entry, Hour, Message, MessageId, Position, RETAINED_PARTS, Reason, Sink, State, Tally, Timestamp,
};
use futures::TryStreamExt;
use store::{Access, Archive, Clock, Error, Mode, Publication};

/// What a test wants of an hour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) hour: Hour,
    pub(crate) messages: u64,
    pub(crate) dead_letters: u64,
    /// Rows that are no longer served.
    pub(crate) retained: u64,
    /// Told apart by it are versions of an hour.
    pub(crate) word: &'static str,
}

pub(crate) fn hour(number: i64) -> Hour {
    Hour::from_key("2026031409").unwrap().plus(number)
}

pub(crate) fn wanted(number: i64, messages: u64) -> Wanted {
    Wanted { hour: hour(number), messages, dead_letters: 0, retained: 0, word: "first" }
}

/// A clock that is a second later each time it is looked at.
pub(crate) fn clock() -> Clock {
    let start: Timestamp = "2026-03-20T00:00:00Z".parse().unwrap();
    let ticks = AtomicI64::new(start.timestamp());
    Arc::new(move || Timestamp::from_timestamp(ticks.fetch_add(1, Ordering::Relaxed), 0).unwrap())
}

pub(crate) async fn open(root: &Path) -> Archive {
    Archive::open(root, Access::Create, clock()).await.unwrap()
}

pub(crate) fn entry(hour: Hour, state: State) -> Entry {
    Entry {
        http_status: Some(200),
        source: "fetch".to_owned(),
        version: "0.1.0".to_owned(),
        ..Entry::new(hour, "2026-03-20T00:00:00Z".parse().unwrap(), state)
    }
}

pub(crate) fn publication(archive: &Archive, wanted: Wanted) -> Result<Publication, Error> {
    let Wanted { hour, messages, dead_letters, retained, word } = wanted;
    let served = (1..=messages).map(|line| message(hour, line, word));
    let rows: Vec<_> = served.chain((1..=retained).map(|line| kept(hour, line))).collect();
    let spill = archive.clone();
    let mut writer = Writer::new(archive.stage_file()?, move || spill.spill_file(), Settings::default()).unwrap();
    writer.write(&rows).unwrap();
    let written = writer.finish().unwrap();
    let letters: Vec<_> = (1..=dead_letters).map(|line| letter(hour, messages + line)).collect();
    let set_aside = archive::write_dead_letters(archive.stage_file()?, &letters).unwrap();
    let lines = messages + dead_letters;
    let entry = Entry {
        sha256: vec![format!("{word} {lines}")],
        tally: Tally { lines, messages, dead_letters, retained, ..Tally::default() },
        min_sent_at: written.min_sent_at,
        max_sent_at: written.max_sent_at,
        ..entry(hour, State::Done)
    };
    Ok(Publication {
        entry,
        messages: Some((written.out, written.statistics, written.rows)),
        dead_letters: Some((set_aside.out, set_aside.rows)),
    })
}

/// In place of what is known of an hour.
pub(crate) async fn in_place(archive: &Archive, hour: Hour) -> Result<Mode, Error> {
    let known = archive.entries().await?.remove(&hour);
    Ok(Mode::Replace(known.map(|entry| entry.files).unwrap_or_default()))
}

fn message(hour: Hour, line: u64, word: &'static str) -> Message<'static> {
    let mut message = Message::at(Position { source_hour: hour, part: 0, line });
    let millisecond = i64::try_from(line).unwrap();
    message.msg_id = Some(MessageId::new(format!("{}{line:03}", hour.number())).as_str().to_owned().into());
    message.sent_at = Timestamp::from_timestamp_millis(hour.start().timestamp_millis() + millisecond);
    message.text = Some(word.into());
    message.ext = Some(format!(r#"{{"n":{line},"s":"{word}"}}"#).into());
    message
}

/// A message of a publication before, at the same line.
fn kept(hour: Hour, line: u64) -> Message<'static> {
    let mut kept = message(hour, line, "kept");
    kept.position.part += RETAINED_PARTS;
    kept.retained_at = Some("2026-03-20T00:00:00Z".parse().unwrap());
    kept
}

fn letter(hour: Hour, line: u64) -> DeadLetter<'static> {
    let position = Position { source_hour: hour, part: 0, line };
    DeadLetter { position, offset: line * 10, reason: Reason::Syntax, bytes: b"{oops".as_slice().into() }
}

/// What readers of the log see: hour, line and text of every message, in order.
pub(crate) async fn rows(archive: &Archive) -> Vec<(String, u64, String)> {
    let snapshot = archive.snapshot().await.unwrap();
    let mut rows = Vec::new();
    for file in snapshot.files() {
        let batches = archive::read_all(snapshot.reader(file)).await.unwrap();
        for message in batches.try_collect::<Vec<_>>().await.unwrap().into_iter().flatten() {
            let text = message.text.map_or_else(String::new, |text| text.into_owned());
            rows.push((message.position.source_hour.key(), message.position.line, text));
        }
    }
    rows.sort();
    rows
}

/// What people see who read `messages/date=*/*.parquet`: how many rows there are.
pub(crate) async fn globbed(root: &Path) -> u64 {
    let mut count = 0;
    for file in data_files(root, "messages") {
        let file = tokio::fs::File::open(file).await.unwrap();
        count += archive::read_statistics(file).await.unwrap().rows;
    }
    count
}

/// The files `{table}/date=*/*.parquet`.
pub(crate) fn data_files(root: &Path, table: &str) -> Vec<PathBuf> {
    let days = children(&root.join(table)).into_iter().filter(|path| name(path).starts_with("date="));
    days.flat_map(|day| children(&day)).filter(|path| name(path).ends_with(".parquet")).collect()
}

pub(crate) fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Checks what holds of every archive in a folder at rest: a glob sees each row once, and what [`assert_told`] says.
pub(crate) async fn assert_at_rest(archive: &Archive) {
    assert_eq!(globbed(archive.root()).await, rows(archive).await.len() as u64, "a glob sees each row once");
    assert_told(archive).await;
}

/// Checks what holds of every archive: the ledger names the files there are.
pub(crate) async fn assert_told(archive: &Archive) {
    let snapshot = archive.snapshot().await.unwrap();
    let entries = archive.entries().await.unwrap();
    for file in snapshot.files() {
        let mut rows = 0;
        for hour in &file.hours {
            let entry = entries.get(hour).unwrap_or_else(|| panic!("the ledger does not know {hour}"));
            assert_eq!(entry.state, State::Done, "{hour}");
            assert!(archive.holds(entry).await.unwrap(), "{entry:?} in {file:?}");
            assert_eq!(snapshot.file_of(*hour), Some(file), "no hour is in two files");
            assert!(entry.tally.is_conserved(), "{entry:?}");
            rows += entry.tally.rows();
        }
        assert_eq!(rows, file.rows, "{file:?}");
    }
    for entry in entries.values().filter(|entry| entry.state == State::Done && entry.tally.rows() > 0) {
        assert!(snapshot.file_of(entry.hour).is_some(), "{entry:?}");
    }
}
