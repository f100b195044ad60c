//! Archives of older formats (`data/formats`) are opened, read and gone on with.

use std::fs;
use std::path::Path;

use chat::{Hour, State};
use futures::TryStreamExt;
use store::{Access, Archive, Mode, Snapshot};
use tempfile::TempDir;

use crate::support::{
    Wanted, assert_at_rest, children, clock, data_files, in_place, name, open, publication, rows, wanted,
};

/// A copy of an archive of the museum.
fn copy_of(format: &str) -> TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for path in children(from) {
            let to = to.join(name(&path));
            if path.is_dir() { copy(&path, &to) } else { fs::copy(&path, &to).map(drop).unwrap() }
        }
    }
    let folder = TempDir::new().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/formats").join(format), folder.path());
    folder
}

/// All that the log of a table says, one action a line.
fn log(root: &Path, table: &str) -> Vec<String> {
    let commits =
        children(&root.join(table).join("_delta_log")).into_iter().filter(|path| name(path).ends_with(".json"));
    commits.flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The number of the format as a log says it.
fn of_today() -> String {
    format!(r#""annals.format":"{}""#, archive::FORMAT)
}

/// The actions that give a table its columns.
fn schemas(root: &Path, table: &str) -> Vec<String> {
    log(root, table).into_iter().filter(|action| action.starts_with(r#"{"metaData""#)).collect()
}

async fn read_all(snapshot: &Snapshot) -> Vec<chat::Message<'static>> {
    let mut messages = Vec::new();
    for file in snapshot.files() {
        messages.extend(archive::read_all(snapshot.reader(file)).await.unwrap().try_concat().await.unwrap());
    }
    messages
}

/// What is in `v1`, whoever reads it.
async fn assert_is_v1(archive: &Archive) {
    let entries = archive.entries().await.unwrap();
    let hour = |key| Hour::from_key(key).unwrap();
    let told: Vec<_> = entries.values().map(|entry| (entry.hour, entry.state, entry.tally.lines)).collect();
    let done = |key, lines| (hour(key), State::Done, lines);
    assert_eq!(told, [done("2026031409", 9), done("2026031410", 3), done("2026031411", 0)]);
    let tally = entries[&hour("2026031409")].tally;
    assert_eq!((tally.messages, tally.duplicates, tally.dead_letters, tally.blank_lines), (6, 1, 1, 1));
    for entry in entries.values() {
        assert_eq!((entry.tally.retained, entry.added), (0, 0), "what was not counted is zero");
        assert_eq!(entry.tally.lines > 0, !entry.files.is_empty(), "{entry:?}");
    }
    let messages = read_all(&archive.snapshot().await.unwrap()).await;
    assert_eq!(messages.len(), 9);
    assert!(messages.iter().all(|message| message.msg_id.is_some() && message.retained_at.is_none()));
    assert!(messages.iter().all(|message| message.about.is_none()), "what no column had is null");
    assert_eq!(archive.dead_letters(None).await.unwrap().len(), 1);
    assert_eq!(archive.attempts().await.unwrap().len(), 3);
}

/// Reads an archive of before, publishes three rows more into it, and gives the metadata of `messages` before and after.
async fn gone_on_with(folder: &Path, assert_is_as_it_was: impl AsyncFn(&Archive), rows_then: usize) -> [String; 2] {
    let (before, files) = (schemas(folder, "messages"), data_files(folder, "messages"));
    let archive = open(folder).await;
    assert_is_as_it_was(&archive).await;
    archive.publish(publication(&archive, wanted(5, 3)).unwrap(), Mode::New).await.unwrap();
    drop(archive);
    let archive = open(folder).await;
    assert_eq!(rows(&archive).await.len(), rows_then);
    assert_at_rest(&archive).await;
    assert!(files.iter().all(|file| file.exists()), "no file was written anew");
    let [old, new] = <[String; 2]>::try_from(schemas(folder, "messages")).expect("one change, and only one");
    assert_eq!(before, std::slice::from_ref(&old));
    [old, new]
}

#[tokio::test]
async fn an_archive_of_format_1_is_read_and_gone_on_with() {
    let folder = copy_of("v1");
    let [old, new] = gone_on_with(folder.path(), assert_is_v1, 12).await;
    assert!(old.contains(r#""annals.format":"1""#) && new.contains(&of_today()), "{new}");
    let column = r#"{\"name\":\"retained_at\",\"type\":\"timestamp\",\"nullable\":true,\"metadata\":{}}"#;
    assert!(!old.contains("retained_at") && new.contains(column), "{new}");
    assert!(new.contains(r#"{\"name\":\"about\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}"#), "{new}");
    for kept in [r#""partitionColumns":["date"]"#, r#""delta.checkpointInterval":"10""#] {
        assert!(old.contains(kept) && new.contains(kept), "{new}");
    }
    let id = |action: &str| serde_json::from_str::<serde_json::Value>(action).unwrap()["metaData"]["id"].clone();
    assert_eq!(id(&old), id(&new), "it is the same table");
    assert!(schemas(folder.path(), "hours")[1].contains(r#"\"name\":\"added\""#));
}

/// What is in `v2`, whoever reads it.
async fn assert_is_v2(archive: &Archive) {
    let entries = archive.entries().await.unwrap();
    let told: Vec<_> =
        entries.values().map(|entry| (entry.tally.lines, entry.tally.messages, entry.tally.retained)).collect();
    assert_eq!(told, [(20, 17, 0), (3, 3, 0), (0, 0, 0)]);
    let first = &entries[&Hour::from_key("2026031409").unwrap()];
    assert_eq!((first.tally.duplicates, first.tally.dead_letters, first.tally.blank_lines), (1, 1, 1));
    let messages = read_all(&archive.snapshot().await.unwrap()).await;
    assert_eq!(messages.len(), 20);
    let events = messages.iter().filter(|message| message.body_type == Some(chat::BodyType::Event));
    let spoken_of = |message: &chat::Message<'_>| message.rest.as_ref().unwrap().contains("1412077346211612694");
    let events: Vec<_> = events.map(|event| (event.about.is_none(), spoken_of(event))).collect();
    assert_eq!(events, [(true, true); 5], "which message they speak of was no column then, and is said in `rest`");
    assert_eq!(archive.dead_letters(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_archive_of_format_2_is_read_and_gone_on_with() {
    let folder = copy_of("v2");
    let [old, new] = gone_on_with(folder.path(), assert_is_v2, 23).await;
    assert!(old.contains(r#""annals.format":"2""#) && new.contains(&of_today()), "{new}");
    assert!(!old.contains("about") && new.contains("about"), "{new}");
}

/// What is in `v3`, whoever reads it.
async fn assert_is_v3(archive: &Archive) {
    let entries = archive.entries().await.unwrap();
    let told: Vec<_> = entries.values().map(|entry| (entry.tally.lines, entry.tally.messages)).collect();
    assert_eq!(told, [(20, 17), (3, 3), (0, 0), (13, 13), (17, 17), (17, 17)]);
    let snapshot = archive.snapshot().await.unwrap();
    let hours: Vec<_> = snapshot.files().iter().map(|file| file.hours.len()).collect();
    assert_eq!(hours, [1, 1, 3], "the second day is compacted");
    assert!(entries.values().all(|entry| snapshot.holds(entry)), "each hour is still the publication that it was");
    let messages = read_all(&snapshot).await;
    assert_eq!(messages.len(), 67);
    assert_eq!(messages.iter().filter(|message| message.about.is_some()).count(), 6);
    assert_eq!(archive.dead_letters(None).await.unwrap().len(), 1);
    let ever = Hour::from_number(i64::MIN)..Hour::from_number(i64::MAX);
    let attachments = archive.attachments(&ever).await.unwrap();
    assert_eq!(attachments.len(), 19);
}

#[tokio::test]
async fn an_archive_of_format_3_is_read_and_gone_on_with() {
    let folder = copy_of("v3");
    let [old, new] = gone_on_with(folder.path(), assert_is_v3, 70).await;
    assert!(old.contains(r#""annals.format":"3""#) && new.contains(&of_today()), "{new}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_old_archive_is_brought_up_to_date_by_several_at_once() {
    let folder = copy_of("v1");
    let open = async |number| {
        let archive = Archive::open(folder.path(), Access::Existing, clock()).await.unwrap();
        archive.publish(publication(&archive, wanted(number, 1)).unwrap(), Mode::New).await.unwrap();
    };
    tokio::join!(open(5), open(6), open(7), open(8));
    let archive = Archive::open(folder.path(), Access::Existing, clock()).await.unwrap();
    assert_eq!(rows(&archive).await.len(), 13);
    for table in ["messages", "hours", "dead_letters"] {
        assert_eq!(schemas(folder.path(), table).len(), 2, "{table}");
    }
}

#[tokio::test]
async fn rows_that_are_no_longer_served_join_an_old_archive() {
    let folder = copy_of("v1");
    let archive = open(folder.path()).await;
    let again = Wanted { retained: 4, ..wanted(0, 1) };
    let mode = in_place(&archive, again.hour).await.unwrap();
    archive.publish(publication(&archive, again).unwrap(), mode).await.unwrap();
    drop(archive);
    let archive = open(folder.path()).await;
    let known = archive.entries().await.unwrap()[&again.hour].clone();
    assert_eq!((known.tally.messages, known.tally.retained), (1, 4));
    let messages = read_all(&archive.snapshot().await.unwrap()).await;
    assert_eq!(messages.iter().filter(|message| message.retained_at.is_some()).count(), 4);
    assert_at_rest(&archive).await;
    drop(archive);
    // Also where only the tags of its file tell of it.
    fs::remove_dir_all(folder.path().join("hours")).unwrap();
    fs::write(folder.path().join("tmp/left"), "by a run that died").unwrap();
    assert_eq!(open(folder.path()).await.entries().await.unwrap()[&again.hour].tally, known.tally);
}
