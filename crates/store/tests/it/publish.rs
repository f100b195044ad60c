//! Hours enter the tables whole, once.

use chat::State;
use store::{Error, Mode, Publication, Published, is_gone};
use tempfile::TempDir;

use crate::support::{
    Wanted, assert_at_rest, children, data_files, entry, hour, in_place, name, open, publication, rows, wanted,
};

#[tokio::test]
async fn a_published_hour_is_there() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    let hour_of_three = Wanted { dead_letters: 2, ..wanted(0, 3) };
    let published = archive.publish(publication(&archive, hour_of_three).unwrap(), Mode::New).await.unwrap();
    let Published::Done(entry) = published else { panic!("{published:?}") };
    let snapshot = archive.snapshot().await.unwrap();
    let file = snapshot.file_of(hour(0)).unwrap();
    assert_eq!((file.rows, &file.hours[..]), (3, &[hour(0)][..]));
    assert_eq!((file.min_sent_at, file.max_sent_at), (entry.min_sent_at, entry.max_sent_at));
    assert!(file.path.starts_with("date=2026-03-14/2026031409-"), "{}", file.path);
    assert_eq!(file.size, std::fs::metadata(archive.root().join("messages").join(&file.path)).unwrap().len());
    assert_eq!(archive.entries().await.unwrap()[&hour(0)], entry);
    assert_eq!(archive.dead_letters(Some(hour(0))).await.unwrap().len(), 2);
    assert_eq!(archive.dead_letters(Some(hour(1))).await.unwrap().len(), 0);
    assert_at_rest(&archive).await;
}

#[tokio::test]
async fn whoever_is_first_wins() {
    let folder = TempDir::new().unwrap();
    let (first, second) = (open(folder.path()).await, open(folder.path()).await);
    let (one, other) = (publication(&first, wanted(0, 3)).unwrap(), publication(&second, wanted(0, 5)).unwrap());
    let (one, other) = tokio::join!(first.publish(one, Mode::New), second.publish(other, Mode::New));
    let (winner, loser) = match (one.unwrap(), other.unwrap()) {
        (Published::Done(winner), Published::AlreadyThere(loser)) => (winner, loser),
        (Published::AlreadyThere(loser), Published::Done(winner)) => (winner, loser),
        both => panic!("{both:?}"),
    };
    assert_eq!((loser.hour, &loser.sha256, &loser.files), (winner.hour, &winner.sha256, &winner.files));
    assert_eq!(rows(&first).await.len() as u64, winner.tally.messages);
    assert_at_rest(&second).await;
}

#[tokio::test]
async fn a_stale_handle_takes_a_fresh_look() {
    let folder = TempDir::new().unwrap();
    let (first, second) = (open(folder.path()).await, open(folder.path()).await);
    for number in 0..5 {
        first.publish(publication(&first, wanted(number, 2)).unwrap(), Mode::New).await.unwrap();
    }
    let late = publication(&second, wanted(0, 9)).unwrap();
    let published = second.publish(late, Mode::New).await.unwrap();
    assert_eq!(published, Published::AlreadyThere(first.entries().await.unwrap()[&hour(0)].clone()));
    second.publish(publication(&second, wanted(5, 2)).unwrap(), Mode::New).await.unwrap();
    assert_eq!(rows(&first).await.len(), 12);
    assert_at_rest(&first).await;
}

#[tokio::test]
async fn a_replaced_hour_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    archive.publish(publication(&archive, wanted(1, 4)).unwrap(), Mode::New).await.unwrap();
    for (messages, dead_letters) in [(3, 1), (5, 0), (0, 2), (0, 0), (2, 0)] {
        let again = Wanted { dead_letters, word: "second", ..wanted(0, messages) };
        let mode = in_place(&archive, hour(0)).await.unwrap();
        let published = archive.publish(publication(&archive, again).unwrap(), mode).await.unwrap();
        let Published::Done(entry) = published else { panic!("{published:?}") };
        assert_eq!(entry.files.len(), usize::from(messages > 0));
        let of_the_hour = rows(&archive).await.into_iter().filter(|(key, ..)| *key == hour(0).key()).count();
        assert_eq!(of_the_hour as u64, messages);
        assert_eq!(archive.dead_letters(None).await.unwrap().len() as u64, dead_letters);
        assert_eq!(data_files(archive.root(), "dead_letters").len(), usize::from(dead_letters > 0));
        assert_at_rest(&archive).await;
    }
}

#[tokio::test]
async fn a_reader_that_comes_late_is_told_to_look_again() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    archive.publish(publication(&archive, wanted(0, 4)).unwrap(), Mode::New).await.unwrap();
    let stale = archive.snapshot().await.unwrap();
    let mode = in_place(&archive, hour(0)).await.unwrap();
    archive.publish(publication(&archive, wanted(0, 5)).unwrap(), mode).await.unwrap();
    let gone = archive::read_all(stale.reader(&stale.files()[0])).await.err().expect("its file was replaced");
    assert!(is_gone(&gone), "{gone:?}");
    assert_eq!(rows(&archive).await.len(), 5);
    let damaged = archive.snapshot().await.unwrap();
    let file = archive.root().join("messages").join(&damaged.files()[0].path);
    std::fs::write(file, "no parquet").unwrap();
    let error = archive::read_all(damaged.reader(&damaged.files()[0])).await.err().expect("it is damaged");
    assert!(!is_gone(&error), "{error:?}");
}

#[tokio::test]
async fn an_hour_without_messages_is_done_and_there() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    let blank = Publication { entry: entry(hour(0), State::Done), messages: None, dead_letters: None };
    assert!(matches!(archive.publish(blank, Mode::New).await.unwrap(), Published::Done(_)));
    let again = publication(&archive, wanted(0, 3)).unwrap();
    assert!(matches!(archive.publish(again, Mode::New).await.unwrap(), Published::AlreadyThere(_)));
    assert_at_rest(&archive).await;
}

#[tokio::test]
async fn only_a_done_hour_is_published() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    let failed = Publication { entry: entry(hour(0), State::Failed), messages: None, dead_letters: None };
    assert!(matches!(archive.publish(failed, Mode::New).await, Err(Error::NotDone { .. })));
}

#[tokio::test]
async fn a_dropped_file_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    drop(publication(&archive, wanted(0, 3)).unwrap());
    drop(archive.stage_raw(hour(0), 0).unwrap());
    drop(archive.spill_file().unwrap());
    assert_eq!(children(&folder.path().join("tmp")), [] as [std::path::PathBuf; 0]);
}

#[tokio::test]
async fn a_handle_that_ends_well_leaves_no_mark() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    archive.publish(publication(&archive, wanted(0, 3)).unwrap(), Mode::New).await.unwrap();
    assert_eq!(children(&folder.path().join("tmp")).len(), 1, "the mark of a run");
    drop(archive);
    assert_eq!(children(&folder.path().join("tmp")).len(), 0);
}

#[tokio::test]
async fn a_repair_waits_until_nobody_uses_the_archive() {
    let folder = TempDir::new().unwrap();
    let busy = open(folder.path()).await;
    busy.publish(publication(&busy, wanted(0, 3)).unwrap(), Mode::New).await.unwrap();
    let stray = folder.path().join("messages/date=2026-03-14/2026031409-0123456789abcdef0123456789abcdef.parquet");
    let foreign = folder.path().join("messages/date=2026-03-14/part-00000.parquet");
    let live = data_files(folder.path(), "messages").remove(0);
    std::fs::copy(&live, &stray).unwrap();
    std::fs::copy(&live, &foreign).unwrap();
    std::fs::write(folder.path().join("tmp/left"), "by a run that died").unwrap();
    drop(open(folder.path()).await);
    assert!(stray.exists(), "another handle is open");
    drop(busy);
    drop(open(folder.path()).await);
    let left: Vec<_> = data_files(folder.path(), "messages").iter().map(|path| name(path)).collect();
    assert_eq!(left, [name(&live), name(&foreign)]);
    assert_eq!(children(&folder.path().join("tmp")).len(), 0);
}
