//! Days in one file: what stays as it was, and what of it can be replaced.

use std::fs;
use std::path::Path;

use archive::Promotion;
use chat::{Hour, State};
use serde_json::{Value, json};
use store::{Archive, Compacted, Compaction, Error, Mode, Published};
use tempfile::TempDir;

use crate::support::{
    Wanted, assert_at_rest, children, data_files, hour, in_place, name, open, publication, rows, wanted,
};

fn compaction(file_bytes: u64) -> Compaction {
    Compaction { file_bytes, settings: archive::Settings::default() }
}

async fn publish(archive: &Archive, wanted: Wanted) -> Published {
    let mode = in_place(archive, wanted.hour).await.unwrap();
    archive.publish(publication(archive, wanted).unwrap(), mode).await.unwrap()
}

/// Hours 0 to 9 of a day, of two messages each; every third has a dead letter, hour 4 none but that.
async fn a_day(folder: &TempDir) -> Archive {
    let archive = open(folder.path()).await;
    for number in 0..10 {
        let messages = if number == 4 { 0 } else { 2 };
        publish(&archive, Wanted { dead_letters: u64::from(number % 3 == 1), ..wanted(number, messages) }).await;
    }
    archive
}

#[tokio::test]
async fn a_compacted_day_says_what_it_said() {
    let folder = TempDir::new().unwrap();
    let archive = a_day(&folder).await;
    publish(&archive, wanted(15, 1)).await;
    let before = (archive.entries().await.unwrap(), rows(&archive).await, archive.dead_letters(None).await.unwrap());
    let days = archive.crowded(compaction(1 << 30)).await.unwrap();
    assert_eq!(days.into_iter().collect::<Vec<_>>(), [(Hour::from_key("2026031400").unwrap(), 9)]);
    let done = archive.compact(hour(3), compaction(1 << 30)).await.unwrap();
    assert_eq!((done.files_before, done.files_after, done.rows), (9 + 3, 2, 18 + 3));
    assert!(done.bytes_after < done.bytes_before, "{done:?}");
    let after = (archive.entries().await.unwrap(), rows(&archive).await, archive.dead_letters(None).await.unwrap());
    assert_eq!(after, before, "the ledger, the rows and the letters are those of before");
    assert_at_rest(&archive).await;
    // The day after has a file of its own.
    assert_eq!(data_files(folder.path(), "messages").len(), 2);
    assert!(archive.crowded(compaction(1 << 30)).await.unwrap().is_empty());
    assert_eq!(archive.compact(hour(3), compaction(1 << 30)).await.unwrap(), Compacted::default());
    assert_eq!(archive.dead_letters(Some(hour(4))).await.unwrap().len(), 1);
    // And so it does to who opens it anew, and after the ledger is lost.
    drop(archive);
    fs::remove_dir_all(folder.path().join("hours")).unwrap();
    fs::write(folder.path().join("tmp/left"), "by a run that died").unwrap();
    let archive = open(folder.path()).await;
    let mut rebuilt = before.0;
    rebuilt.remove(&hour(4));
    assert_eq!(archive.entries().await.unwrap(), rebuilt, "all but the hour without messages, which has no file");
    assert_at_rest(&archive).await;
}

#[tokio::test]
async fn an_hour_of_a_compacted_day_can_be_replaced_and_the_others_stay() {
    let folder = TempDir::new().unwrap();
    let archive = a_day(&folder).await;
    archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
    let before = archive.entries().await.unwrap();
    let news = [(1, 5, 2), (7, 3, 0), (2, 0, 0), (4, 1, 1), (0, 2, 1)];
    for (number, messages, dead_letters) in news {
        let wanted = Wanted { dead_letters, word: "second", ..wanted(number, messages) };
        assert!(matches!(publish(&archive, wanted).await, Published::Done(_)));
        assert_at_rest(&archive).await;
        let letters = archive.dead_letters(Some(hour(number))).await.unwrap();
        assert_eq!(letters.len() as u64, dead_letters, "{number}");
    }
    let after = archive.entries().await.unwrap();
    for (hour, entry) in &after {
        let is_new = news.iter().any(|(number, ..)| *hour == crate::support::hour(*number));
        assert_eq!(before[hour] == *entry, !is_new, "{hour}");
    }
    assert_eq!(rows(&archive).await.len(), 18 - 3 * 2 - 2 + 5 + 3 + 1 + 2);
    // What is new is put beside the rest.
    archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
    assert_at_rest(&archive).await;
    assert_eq!(archive.entries().await.unwrap(), after);
    assert_eq!(["messages", "dead_letters"].map(|table| data_files(folder.path(), table).len()), [1, 1]);
}

#[tokio::test]
async fn whoever_decoded_an_hour_before_it_was_compacted_may_still_replace_it() {
    let folder = TempDir::new().unwrap();
    let archive = a_day(&folder).await;
    let mode = in_place(&archive, hour(3)).await.unwrap();
    archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
    let second = publication(&archive, Wanted { word: "second", ..wanted(3, 7) }).unwrap();
    assert!(matches!(archive.publish(second, mode.clone()).await.unwrap(), Published::Done(_)));
    let third = publication(&archive, Wanted { word: "third", ..wanted(3, 9) }).unwrap();
    assert!(matches!(archive.publish(third, mode).await.unwrap(), Published::AlreadyThere(_)), "it is another by now");
    let first = publication(&archive, wanted(5, 2)).unwrap();
    assert!(matches!(archive.publish(first, Mode::New).await.unwrap(), Published::AlreadyThere(_)));
    assert_at_rest(&archive).await;
    // A failure that is told late takes nothing away.
    let failed = crate::support::entry(hour(6), State::Failed);
    assert_eq!(archive.record(&[failed]).await.unwrap()[0].state, State::Done);
}

#[tokio::test]
async fn files_are_put_together_up_to_a_size() {
    let folder = TempDir::new().unwrap();
    let archive = a_day(&folder).await;
    let size = archive.snapshot().await.unwrap().files().iter().map(|file| file.size).max().unwrap();
    archive.compact(hour(0), compaction(size * 3)).await.unwrap();
    assert_at_rest(&archive).await;
    let snapshot = archive.snapshot().await.unwrap();
    let hours: Vec<_> = snapshot.files().iter().map(|file| file.hours.len()).collect();
    assert_eq!(hours, [3, 3, 3]);
    // A file that is large enough is let alone.
    let snapshot = archive.snapshot().await.unwrap();
    let smallest = snapshot.files().iter().map(|file| file.size).min().unwrap();
    assert_eq!(archive.compact(hour(0), compaction(smallest)).await.unwrap(), Compacted::default());
}

#[tokio::test]
async fn a_day_whose_rows_are_not_what_is_said_of_them_stays_as_it_is() {
    let folder = TempDir::new().unwrap();
    let archive = a_day(&folder).await;
    let files = |table| data_files(folder.path(), table);
    let (messages, letters) = (files("messages"), files("dead_letters"));
    drop(archive);
    forget_hashes(&folder.path().join("messages/_delta_log"));
    let archive = open(folder.path()).await;
    // As many rows in all as there should be, but twice those of one hour and none of the other.
    fs::copy(&messages[0], &messages[1]).unwrap();
    let error = archive.compact(hour(0), compaction(1 << 30)).await.unwrap_err();
    assert!(matches!(error, Error::Miscounted { said: 2, rows: 0 | 4, .. }), "{error:?}");
    assert_eq!(files("messages"), messages, "nothing was changed");
    assert_eq!((letters.len(), files("dead_letters").len()), (3, 1), "the other table is another matter");
}

/// Makes the files of a table ones of before, of which the log had no SHA-256.
fn forget_hashes(log: &Path) {
    for path in children(log) {
        if name(&path).ends_with(".parquet") || name(&path) == "_last_checkpoint" {
            fs::remove_file(path).unwrap();
        } else {
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace("annals.sha256", "other.sha256")).unwrap();
        }
    }
}

/// Changes a bit of a file: in a text, if one of its is there as it is, so that it decodes.
fn damage(file: &Path) -> Vec<u8> {
    let sound = fs::read(file).unwrap();
    let text = sound.windows(5).position(|bytes| bytes == b"first" || bytes == b"{oops");
    let mut bytes = sound.clone();
    bytes[text.unwrap_or(sound.len() / 2)] ^= 1;
    fs::write(file, bytes).unwrap();
    sound
}

/// That a file is said to be another than was written, and what helps.
#[track_caller]
fn is_changed<T: std::fmt::Debug>(result: Result<T, Error>, file: &Path, helps: &str) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error:?}");
    let said = error.to_string();
    assert!([&name(file), "`annals verify`", helps].iter().all(|word| said.contains(word)), "{said}");
}

#[tokio::test]
async fn rows_of_a_damaged_file_go_into_no_other() {
    let folder = TempDir::new().unwrap();
    let archive = a_day(&folder).await;
    let files = |table| data_files(folder.path(), table);
    let before = files("messages");
    damage(&before[3]);
    let alone = "fetch or load 2026-03-14T12Z again, with --again";
    is_changed(archive.compact(hour(0), compaction(1 << 30)).await, &before[3], alone);
    archive.promote(&[Promotion::new("ext.n:int64", None).unwrap()]).await.unwrap();
    for file in archive.unfilled().await.unwrap().files {
        match archive.fill(&file, compaction(1 << 30)).await {
            Ok(filled) => assert!(filled.is_some() && file.hours != [hour(3)]),
            failed => is_changed(failed, &before[3], alone),
        }
    }
    assert!(before[3].exists() && archive.unfilled().await.unwrap().files.len() == 1, "it stays as it is");
    assert!(archive.prove_messages(hour(3)).await.is_err() && archive.prove(hour(2)).await.is_ok());
    // Its own hour takes its place.
    assert!(matches!(publish(&archive, wanted(3, 2)).await, Published::Done(_)));
    archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
    assert_at_rest(&archive).await;
}

#[tokio::test]
async fn the_rest_of_a_damaged_day_is_not_written_anew() {
    for table in ["messages", "dead_letters"] {
        let folder = TempDir::new().unwrap();
        let archive = a_day(&folder).await;
        archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
        let before = (rows(&archive).await, archive.dead_letters(None).await.unwrap());
        let files = || ["messages", "dead_letters"].map(|table| data_files(folder.path(), table));
        let there = files();
        let file = data_files(folder.path(), table).remove(0);
        let sound = damage(&file);
        let second = Wanted { dead_letters: 2, word: "second", ..wanted(1, 3) };
        let mode = in_place(&archive, second.hour).await.unwrap();
        let published = archive.publish(publication(&archive, second).unwrap(), mode).await;
        is_changed(published, &file, "put the file back from a backup");
        assert_eq!(files(), there, "{table}");
        fs::write(&file, sound).unwrap();
        assert_eq!((rows(&archive).await, archive.dead_letters(None).await.unwrap()), before, "{table}");
        assert!(matches!(publish(&archive, second).await, Published::Done(_)));
        assert_at_rest(&archive).await;
    }
}

/// Writes the only file of a table anew as other programs do, so many times: without our tags.
fn write_anew(root: &Path, table: &str, copies: usize) {
    let folder = root.join(table);
    let path = data_files(root, table).pop().unwrap();
    let before = format!("{}/{}", name(path.parent().unwrap()), name(&path));
    let log = folder.join("_delta_log");
    let commits: Vec<_> = children(&log).into_iter().filter(|path| name(path).ends_with(".json")).collect();
    let text: Vec<_> = commits.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let text = text.join("\n");
    let actions = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut add = actions.filter_map(|mut action| action.get_mut("add").map(Value::take));
    let mut add = add.find(|add| add["path"] == before).unwrap();
    add.as_object_mut().unwrap().remove("tags");
    if table == "dead_letters" {
        add["stats"] = r#"{"numRecords":3,"minValues":{"source_hour":"2026031409"},
            "maxValues":{"source_hour":"2026031418"}}"#
            .into();
    }
    let mut lines = vec![json!({"remove": {"path": before, "dataChange": false, "deletionTimestamp": 1}})];
    for copy in 0..copies {
        let after = format!("{}/part-{copy}.parquet", name(path.parent().unwrap()));
        fs::copy(&path, folder.join(&after)).unwrap();
        add["path"] = after.into();
        lines.push(json!({ "add": add }));
    }
    fs::remove_file(&path).unwrap();
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    let last = name(commits.last().unwrap());
    let version: u64 = last.trim_end_matches(".json").parse().unwrap();
    fs::write(log.join(format!("{:020}.json", version + 1)), lines.join("\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_a_day_that_another_program_wrote_anew_can_be_replaced_and_the_others_stay() {
    let folder = TempDir::new().unwrap();
    let archive = a_day(&folder).await;
    archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
    let before = archive.entries().await.unwrap();
    write_anew(folder.path(), "messages", 1);
    write_anew(folder.path(), "dead_letters", 1);
    let snapshot = archive.snapshot().await.unwrap();
    assert!(before.values().all(|entry| snapshot.holds(entry)), "as far as readers are concerned");
    let first = publication(&archive, wanted(5, 2)).unwrap();
    assert!(matches!(archive.publish(first, Mode::New).await.unwrap(), Published::AlreadyThere(_)));
    let news = [(2, 5, 1), (4, 1, 1), (7, 0, 0)];
    for (number, messages, dead_letters) in news {
        let wanted = Wanted { dead_letters, word: "second", ..wanted(number, messages) };
        assert!(matches!(publish(&archive, wanted).await, Published::Done(_)), "{number}");
        assert_at_rest(&archive).await;
        assert_eq!(archive.dead_letters(Some(hour(number))).await.unwrap().len() as u64, dead_letters);
    }
    let after = archive.entries().await.unwrap();
    for (hour, entry) in &after {
        let is_new = news.iter().any(|(number, ..)| *hour == crate::support::hour(*number));
        assert_eq!(before[hour] == *entry, !is_new, "{hour}");
    }
    let rows = rows(&archive).await;
    assert_eq!(rows.len(), 18 - 2 - 2 + 5 + 1);
    assert_eq!(archive.dead_letters(None).await.unwrap().len(), 3 - 1 + 1);
    // What was written anew is ours again.
    archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
    assert_at_rest(&archive).await;
    assert_eq!(["messages", "dead_letters"].map(|table| data_files(folder.path(), table).len()), [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_between_those_that_another_program_wrote_anew_is_published() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    for number in [0, 2] {
        publish(&archive, wanted(number, 2)).await;
    }
    archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
    write_anew(folder.path(), "messages", 1);
    let between = publication(&archive, wanted(1, 3)).unwrap();
    assert!(matches!(archive.publish(between, Mode::New).await.unwrap(), Published::Done(_)));
    assert_eq!(rows(&archive).await.len(), 7);
    assert_at_rest(&archive).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_that_another_program_has_put_into_several_files_is_not_replaced() {
    for table in ["messages", "dead_letters"] {
        let folder = TempDir::new().unwrap();
        let archive = a_day(&folder).await;
        archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
        write_anew(folder.path(), table, 2);
        let before = archive.entries().await.unwrap();
        let second = publication(&archive, Wanted { word: "second", ..wanted(2, 7) }).unwrap();
        let error = archive.publish(second, in_place(&archive, hour(2)).await.unwrap()).await.unwrap_err();
        let Error::NotOurs { hour: named, .. } = error else { panic!("{error:?}") };
        assert_eq!(named, hour(2));
        assert_eq!(archive.entries().await.unwrap(), before);
        assert_eq!(data_files(folder.path(), table).len(), 2, "nothing is left behind");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_file_of_a_day_is_named() {
    for table in ["messages", "dead_letters"] {
        let folder = TempDir::new().unwrap();
        let archive = a_day(&folder).await;
        archive.compact(hour(0), compaction(1 << 30)).await.unwrap();
        let missing = data_files(folder.path(), table).pop().unwrap();
        fs::remove_file(&missing).unwrap();
        let replaced = publication(&archive, wanted(1, 7)).unwrap();
        let replaced = archive.publish(replaced, in_place(&archive, hour(1)).await.unwrap()).await;
        let new = Wanted { dead_letters: 1, ..wanted(12, 1) };
        publish(&archive, new).await;
        let compacted = archive.compact(hour(0), compaction(1 << 30)).await.map(drop);
        for error in [replaced.unwrap_err(), compacted.unwrap_err()] {
            let Error::Lost { table: named, file } = &error else { panic!("{error:?}") };
            assert!(*named == table && file.ends_with(&name(&missing)), "{error}");
        }
    }
}
