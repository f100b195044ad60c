//! Promoted columns: the archive says which, every file has them in the end, and nothing else changes.

use archive::{Promotion, PromotionError};
use store::{Archive, Compaction, Error, Mode};
use tempfile::TempDir;

use crate::support::{Wanted, assert_at_rest, data_files, hour, in_place, open, publication, rows, wanted};

fn compaction() -> Compaction {
    Compaction { file_bytes: 1 << 30, settings: archive::Settings::default() }
}

fn promotion(text: &str) -> Promotion {
    Promotion::new(text, None).unwrap()
}

/// Three hours of two messages, and one of a compacted day.
async fn archive(folder: &TempDir) -> Archive {
    let archive = open(folder.path()).await;
    for number in [0, 1, 30, 31, 32] {
        archive.publish(publication(&archive, wanted(number, 2)).unwrap(), Mode::New).await.unwrap();
    }
    archive.compact(hour(30), compaction()).await.unwrap();
    archive
}

async fn fill(archive: &Archive) -> usize {
    let unfilled = archive.unfilled().await.unwrap();
    assert!(unfilled.foreign.is_empty(), "{unfilled:?}");
    for file in &unfilled.files {
        archive.fill(file, compaction()).await.unwrap().expect("nobody else is at work");
    }
    unfilled.files.len()
}

/// The promoted columns of each live file.
async fn promoted(archive: &Archive) -> Vec<Vec<String>> {
    let snapshot = archive.snapshot().await.unwrap();
    let mut promoted = Vec::new();
    for file in snapshot.files() {
        promoted.push(archive::read_statistics(snapshot.reader(file)).await.unwrap().promoted);
    }
    promoted
}

#[tokio::test]
async fn a_column_is_added_to_the_log_and_then_to_each_file() {
    let folder = TempDir::new().unwrap();
    let archive = archive(&folder).await;
    let before = (archive.entries().await.unwrap(), rows(&archive).await);
    let files = data_files(folder.path(), "messages");
    archive.promote(&[promotion("ext.n:int64"), promotion("ext.s:string")]).await.unwrap();
    assert_eq!(data_files(folder.path(), "messages"), files, "no file is touched");
    let columns = archive.columns().await.unwrap();
    let of_messages: Vec<_> = columns.iter().filter(|column| column.table == "messages").collect();
    let last: Vec<_> = of_messages.iter().rev().take(3).map(|column| column.name.as_str()).collect();
    assert_eq!(last, ["ext_s", "ext_n", "date"], "they are behind all others");
    assert_eq!(of_messages[of_messages.len() - 2].type_word, "bigint");
    assert_eq!(fill(&archive).await, 3);
    assert_eq!(promoted(&archive).await, vec![["ext_n", "ext_s"]; 3]);
    let after = (archive.entries().await.unwrap(), rows(&archive).await);
    assert_eq!(after, before, "the ledger and the rows are those of before");
    let snapshot = archive.snapshot().await.unwrap();
    assert!(after.0.values().all(|entry| snapshot.holds(entry)), "and so are the publications");
    assert_eq!(snapshot.files().iter().map(|file| file.hours.len()).collect::<Vec<_>>(), [1, 1, 3]);
    assert_at_rest(&archive).await;
    // Who comes later sees the same, and need not do it again.
    drop(archive);
    let archive = open(folder.path()).await;
    assert_eq!(archive.promotions().await.unwrap(), [promotion("ext.n:int64"), promotion("ext.s:string")]);
    assert_eq!(fill(&archive).await, 0);
}

#[tokio::test]
async fn what_lacks_a_column_is_filled_when_its_day_is_compacted() {
    let folder = TempDir::new().unwrap();
    let archive = archive(&folder).await;
    archive.promote(&[promotion("ext.n:int64")]).await.unwrap();
    assert_eq!(archive.crowded(compaction()).await.unwrap().into_values().collect::<Vec<_>>(), [2, 1]);
    for day in [0, 30] {
        archive.compact(hour(day), compaction()).await.unwrap();
    }
    assert_eq!(promoted(&archive).await, vec![["ext_n"]; 2]);
    assert!(archive.crowded(compaction()).await.unwrap().is_empty());
    // Of a compacted day the rest is written with it too, when one of its hours is replaced by a writer that knows none.
    let again = Wanted { word: "second", ..wanted(31, 3) };
    let mode = in_place(&archive, again.hour).await.unwrap();
    archive.publish(publication(&archive, again).unwrap(), mode).await.unwrap();
    let unfilled = archive.unfilled().await.unwrap();
    assert_eq!(unfilled.files.iter().map(|file| &file.hours[..]).collect::<Vec<_>>(), [[hour(31)]]);
    assert_at_rest(&archive).await;
}

#[tokio::test]
async fn a_name_is_given_once() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (archive(&folder).await, open(folder.path()).await);
    let log = || crate::support::children(&folder.path().join("messages/_delta_log")).len();
    let (number, text) = ([promotion("ext.n:int64")], [promotion("ext.n:string")]);
    one.promote(&number).await.unwrap();
    let commits = log();
    assert_eq!(other.promote(&number).await.unwrap(), number);
    let refused = other.promote(&[promotion("ext.s:string"), text[0].clone()]).await.unwrap_err();
    assert!(matches!(refused, Error::Promotion(PromotionError::Taken { .. })), "{refused:?}");
    assert_eq!((other.promotions().await.unwrap(), log()), (number.to_vec(), commits), "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_may_promote_at_once() {
    let folder = TempDir::new().unwrap();
    drop(archive(&folder).await);
    let promote = async |text: &str| open(folder.path()).await.promote(&[promotion(text)]).await.unwrap();
    tokio::join!(promote("ext.a:json"), promote("ext.b:bool"), promote("ext.c:float64"), promote("ext.d:timestamp"));
    let archive = open(folder.path()).await;
    let mut names: Vec<_> = archive.promotions().await.unwrap().into_iter().map(|known| known.column).collect();
    names.sort();
    assert_eq!(names, ["ext_a", "ext_b", "ext_c", "ext_d"]);
    assert_eq!(fill(&archive).await, 3);
    assert_at_rest(&archive).await;
}
