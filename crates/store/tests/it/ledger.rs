//! What is known of each hour.

use chat::{Entry, State};
use store::Mode;
use tempfile::TempDir;

use crate::support::{Wanted, assert_at_rest, children, entry, hour, in_place, name, open, publication, wanted};

#[tokio::test]
async fn the_row_written_last_counts_even_if_the_clock_went_back() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    for (state, at) in [
        (State::Pending, "2026-03-20T00:00:00Z"),
        (State::Failed, "2026-03-20T00:00:00Z"),
        (State::Empty, "2026-03-19T00:00:00Z"),
    ] {
        let row = Entry { at: at.parse().unwrap(), ..entry(hour(0), state) };
        archive.record(&[row, entry(hour(1), State::Lost)]).await.unwrap();
        for handle in [archive.clone(), open(folder.path()).await] {
            let entries = handle.entries().await.unwrap();
            assert_eq!(entries[&hour(0)].state, state);
            assert_eq!(entries[&hour(1)].state, State::Lost);
            assert_eq!(entries.len(), 2);
        }
    }
}

#[tokio::test]
async fn a_published_hour_outlasts_what_others_say_of_it() {
    let folder = TempDir::new().unwrap();
    let (slow, fast) = (open(folder.path()).await, open(folder.path()).await);
    assert!(slow.entries().await.unwrap().is_empty());
    fast.publish(publication(&fast, wanted(0, 2)).unwrap(), Mode::New).await.unwrap();
    fast.publish(publication(&fast, wanted(1, 0)).unwrap(), Mode::New).await.unwrap();
    let published = fast.entries().await.unwrap();
    for state in [State::Failed, State::Pending, State::Empty, State::Lost] {
        let late = |number| Entry { at: "2027-01-01T00:00:00Z".parse().unwrap(), ..entry(hour(number), state) };
        let standing = slow.record(&[late(0), late(1), late(2)]).await.unwrap();
        assert_eq!(standing[..2], [published[&hour(0)].clone(), published[&hour(1)].clone()], "{state}");
        assert_eq!(standing[2].state, state);
    }
    assert_eq!(open(folder.path()).await.entries().await.unwrap()[&hour(0)], published[&hour(0)]);
    assert_at_rest(&slow).await;
}

#[tokio::test]
async fn an_hour_that_is_as_it_was_may_have_been_replaced_meanwhile() {
    let folder = TempDir::new().unwrap();
    let (slow, fast) = (open(folder.path()).await, open(folder.path()).await);
    fast.publish(publication(&fast, wanted(0, 2)).unwrap(), Mode::New).await.unwrap();
    let before = slow.entries().await.unwrap()[&hour(0)].clone();
    let later = Entry { at: "2027-01-01T00:00:00Z".parse().unwrap(), ..before };
    assert_eq!(slow.record(std::slice::from_ref(&later)).await.unwrap()[..], *std::slice::from_ref(&later));
    let again = Wanted { word: "second", ..wanted(0, 3) };
    let mode = in_place(&fast, hour(0)).await.unwrap();
    fast.publish(publication(&fast, again).unwrap(), mode).await.unwrap();
    let standing = slow.record(&[later]).await.unwrap();
    assert_eq!(standing[0], fast.entries().await.unwrap()[&hour(0)]);
    assert_at_rest(&slow).await;
}

#[tokio::test]
async fn every_field_reads_back() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    let row = Entry {
        error: Some("the file is cut short".to_owned()),
        http_status: Some(503),
        bytes: 1 << 40,
        sha256: vec!["ab".to_owned(), "cd".to_owned()],
        ..entry(hour(0), State::Failed)
    };
    archive.record(std::slice::from_ref(&row)).await.unwrap();
    archive.record(&[]).await.unwrap();
    assert_eq!(open(folder.path()).await.entries().await.unwrap()[&hour(0)], row);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_files_become_one_and_no_row_is_lost() {
    let folder = TempDir::new().unwrap();
    let (archive, other) = (open(folder.path()).await, open(folder.path()).await);
    archive.publish(publication(&archive, wanted(0, 2)).unwrap(), Mode::New).await.unwrap();
    let mut most = 0;
    for number in 1..135 {
        archive.record(&[entry(hour(number % 40 + 1), State::Pending)]).await.unwrap();
        let files =
            children(&folder.path().join("hours")).iter().filter(|path| name(path).ends_with(".parquet")).count();
        most = most.max(files);
    }
    assert_eq!(most, 31, "merged at 32");
    // A handle that had read the old files, and one that reads only the merged one.
    for handle in [archive, other, open(folder.path()).await] {
        let entries = handle.entries().await.unwrap();
        assert_eq!(entries.len(), 41);
        assert_eq!(entries[&hour(0)].state, State::Done);
        assert_eq!(handle.attempts().await.unwrap().len(), 135, "all rows are kept");
        assert_at_rest(&handle).await;
    }
}

#[tokio::test]
async fn many_rows_at_once_are_one_file_and_one_commit() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    let commits = || children(&folder.path().join("hours/_delta_log")).len();
    let before = commits();
    let rows: Vec<_> = (0..400).map(|number| entry(hour(number % 390), State::Pending)).collect();
    let standing = archive.record(&rows).await.unwrap();
    assert_eq!((standing.len(), commits()), (400, before + 1));
    let files = children(&folder.path().join("hours"));
    assert_eq!(files.iter().filter(|path| name(path).ends_with(".parquet")).count(), 1);
    assert_eq!(archive.attempts().await.unwrap().len(), 400, "two of one hour are two rows");
    assert!(standing[0].at < standing[390].at, "and follow each other");
}

#[tokio::test]
async fn every_attempt_is_told_in_order() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    assert_eq!(archive.attempts().await.unwrap(), []);
    let mut expected = Vec::new();
    for (second, number, state) in
        [(3, 1, State::Pending), (1, 2, State::Failed), (4, 1, State::Lost), (2, 0, State::Empty)]
    {
        let at = format!("2026-03-20T00:00:0{second}Z").parse().unwrap();
        expected.extend(archive.record(&[Entry { at, ..entry(hour(number), state) }]).await.unwrap());
    }
    expected.sort_by_key(|row| row.at);
    assert_eq!(archive.attempts().await.unwrap(), expected);
    assert_eq!(open(folder.path()).await.attempts().await.unwrap(), expected);
}

#[tokio::test]
async fn two_handles_write_the_ledger_at_once() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (open(folder.path()).await, open(folder.path()).await);
    let write = |archive: store::Archive, from: i64| async move {
        for number in from..from + 30 {
            archive.record(&[entry(hour(number), State::Pending)]).await.unwrap();
        }
    };
    tokio::join!(write(one.clone(), 0), write(other.clone(), 30));
    assert_eq!(one.entries().await.unwrap().len(), 60);
    assert_eq!(other.entries().await.unwrap().len(), 60);
}

#[tokio::test]
async fn a_damaged_file_of_the_ledger_is_merged_with_no_other() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    archive.record(&[entry(hour(0), State::Failed)]).await.unwrap();
    let ledger = folder.path().join("hours");
    let file = children(&ledger).into_iter().find(|path| name(path).ends_with(".parquet")).unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let place = bytes.len() / 2;
    bytes[place] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    for number in 1..40 {
        archive.record(&[entry(hour(number), State::Failed)]).await.unwrap();
    }
    let files = archive.files().await.unwrap();
    assert!(files.len() < 32, "the others are merged: {files:?}");
    assert!(files.iter().any(|known| known.path == name(&file)) && file.exists(), "{files:?}");
}
