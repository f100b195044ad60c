//! The tables' logs: what others read, and what is rebuilt from them.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use chat::State;
use store::Mode;
use tempfile::TempDir;

use crate::support::{Wanted, assert_at_rest, children, data_files, hour, in_place, open, publication, rows, wanted};

/// Lets an archive look as if its last run had died.
fn leave_a_mark(root: &Path) {
    fs::write(root.join("tmp/left"), "by a run that died").unwrap();
}

#[tokio::test]
async fn a_lost_ledger_is_rebuilt_from_the_files_even_behind_a_checkpoint() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    for number in 0..13 {
        archive.publish(publication(&archive, wanted(number, 2)).unwrap(), Mode::New).await.unwrap();
    }
    let before = archive.entries().await.unwrap();
    drop(archive);
    let log = folder.path().join("messages/_delta_log");
    assert!(log.join("00000000000000000009.checkpoint.parquet").exists());
    // Without the commits behind it, the checkpoint is all there is.
    for version in 0..9 {
        fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    fs::remove_dir_all(folder.path().join("hours")).unwrap();
    leave_a_mark(folder.path());
    let archive = open(folder.path()).await;
    let after = archive.entries().await.unwrap();
    assert_eq!(after.len(), 13);
    assert_eq!(after, before, "a row that is rebuilt says what the lost one said");
    assert_at_rest(&archive).await;
}

#[tokio::test]
async fn an_hour_whose_file_is_gone_from_the_table_is_to_be_published_again() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    archive.publish(publication(&archive, wanted(0, 2)).unwrap(), Mode::New).await.unwrap();
    drop(archive);
    fs::remove_dir_all(folder.path().join("messages")).unwrap();
    leave_a_mark(folder.path());
    let archive = open(folder.path()).await;
    assert_eq!(archive.entries().await.unwrap()[&hour(0)].state, State::Pending);
    archive.publish(publication(&archive, wanted(0, 2)).unwrap(), Mode::New).await.unwrap();
    assert_eq!(rows(&archive).await.len(), 2);
    assert_at_rest(&archive).await;
}

#[tokio::test]
async fn a_ledger_that_is_behind_the_tables_catches_up() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    archive.publish(publication(&archive, wanted(0, 2)).unwrap(), Mode::New).await.unwrap();
    drop(archive);
    let (ledger, behind) = (folder.path().join("hours"), TempDir::new().unwrap());
    let copy = behind.path().join("hours");
    assert!(Command::new("cp").arg("-r").args([&ledger, &copy]).status().unwrap().success());
    let archive = open(folder.path()).await;
    let again = Wanted { word: "second", ..wanted(0, 3) };
    let mode = in_place(&archive, hour(0)).await.unwrap();
    archive.publish(publication(&archive, again).unwrap(), mode).await.unwrap();
    drop(archive);
    fs::remove_dir_all(&ledger).unwrap();
    assert!(Command::new("cp").arg("-r").args([&copy, &ledger]).status().unwrap().success());
    leave_a_mark(folder.path());
    let archive = open(folder.path()).await;
    assert_eq!(archive.entries().await.unwrap()[&hour(0)].tally.messages, 3);
    assert_at_rest(&archive).await;
}

#[tokio::test]
async fn commits_that_have_expired_are_cleaned_away_and_who_had_not_read_them_goes_on() {
    let folder = TempDir::new().unwrap();
    let (archive, behind) = (open(folder.path()).await, open(folder.path()).await);
    let log = folder.path().join("messages/_delta_log");
    let is_there = |version: u64| log.join(format!("{version:020}.json")).exists();
    for number in 0..12 {
        archive.publish(publication(&archive, wanted(number, 2)).unwrap(), Mode::New).await.unwrap();
    }
    let two_days_ago = SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    for path in children(&log) {
        File::options().append(true).open(path).unwrap().set_modified(two_days_ago).unwrap();
    }
    for number in 12..18 {
        archive.publish(publication(&archive, wanted(number, 2)).unwrap(), Mode::New).await.unwrap();
    }
    assert!((0..=18).all(is_there), "there has been no checkpoint since");
    archive.publish(publication(&archive, wanted(18, 2)).unwrap(), Mode::New).await.unwrap();
    assert!(!(0..9).any(is_there) && (9..=19).all(is_there), "{:?}", children(&log));
    assert_eq!(behind.snapshot().await.unwrap().files().len(), 19);
    behind.publish(publication(&behind, wanted(19, 2)).unwrap(), Mode::New).await.unwrap();
    for handle in [archive, behind, open(folder.path()).await] {
        assert_eq!(rows(&handle).await.len(), 40);
        assert_at_rest(&handle).await;
    }
}

#[tokio::test]
async fn the_log_says_what_other_engines_need() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    archive.publish(publication(&archive, wanted(0, 3)).unwrap(), Mode::New).await.unwrap();
    let log = fs::read_to_string(folder.path().join("messages/_delta_log/00000000000000000001.json")).unwrap();
    let actions: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let action = |name: &str| &actions.iter().find(|action| action.get(name).is_some()).unwrap()[name];
    assert_eq!(action("txn")["appId"], "annals");
    let add = action("add");
    assert_eq!(add["partitionValues"]["date"], "2026-03-14");
    assert_eq!(add["dataChange"], true);
    assert_eq!(add["tags"]["annals.hours"], "2026031409");
    assert!(add["path"].as_str().unwrap().starts_with("date=2026-03-14/2026031409-"), "{add}");
    let stats: serde_json::Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["numRecords"], 3);
    assert_eq!(stats["minValues"]["source_hour"], "2026031409");
    let created = fs::read_to_string(folder.path().join("messages/_delta_log/00000000000000000000.json")).unwrap();
    assert!(created.contains(r#""minReaderVersion":1,"minWriterVersion":2"#), "{created}");
    assert!(created.contains(r#""delta.logRetentionDuration":"interval 1 days""#), "{created}");
    assert!(created.contains(r#""delta.deletedFileRetentionDuration":"interval 1 hours""#), "{created}");
    assert_eq!(data_files(folder.path(), "messages").len(), 1);
}
