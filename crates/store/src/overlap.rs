//! Two runs publish one hour: one is stopped at each of its steps in turn, while the other goes on.

use std::path::Path;

use chat::State;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::crash::support::{Wanted, assert_at_rest, clock, entry, hour, open, publication, wanted};
use crate::disk::Disk;
use crate::publish::{Mode, Published};
use crate::{Access, Archive, Error};

type Running = JoinHandle<Result<Published, Error>>;

/// Versions of an hour; no two have the same number of messages or dead letters.
fn version(number: usize) -> Wanted {
    match number {
        0 => Wanted { dead_letters: 1, ..wanted(0, 3) },
        _ => Wanted { dead_letters: 2, word: "second", ..wanted(0, 4) },
    }
}

/// Starts to publish a version, and comes back when it waits after so many steps, or is through.
async fn start(root: &Path, number: usize, mode: Mode, steps: i64) -> (Disk, Running) {
    let disk = Disk::new(root).unwrap();
    let archive = Archive::open_on(disk.clone(), Access::Create, clock()).await.unwrap();
    let publication = publication(&archive, version(number)).unwrap();
    disk.faults.stop_after(steps);
    let running = tokio::spawn(async move { archive.publish(publication, mode).await });
    while !disk.faults.is_stopped() && !running.is_finished() {
        tokio::task::yield_now().await;
    }
    (disk, running)
}

async fn finish((disk, running): (Disk, Running)) -> Published {
    disk.faults.go_on();
    running.await.unwrap().unwrap()
}

/// Checks that the tables and the ledger tell of one and the same version.
async fn assert_is_one(root: &Path, context: &str) {
    let archive = open(root).await;
    assert_at_rest(&archive).await;
    let entry = &archive.entries().await.unwrap()[&hour(0)];
    let letters = archive.dead_letters(None).await.unwrap();
    assert_eq!(letters.len() as u64, entry.tally.dead_letters, "{context}");
    // They lie behind the messages of their version.
    assert!(letters.iter().all(|letter| letter.position.line > entry.tally.messages), "{context}");
    let snapshot = archive.snapshot().await.unwrap();
    assert_eq!(snapshot.file_of(hour(0)).map(|file| file.path.clone()).as_slice(), entry.files, "{context}");
}

/// What both runs find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// The hour, without messages.
    Blank,
    /// The hour, in a file.
    File,
}

impl Before {
    const ALL: [Self; 3] = [Self::Nothing, Self::Blank, Self::File];

    /// The archive, and how both runs publish in view of it.
    async fn set_up(self) -> (TempDir, Mode) {
        let folder = TempDir::new().unwrap();
        let archive = open(folder.path()).await;
        let messages = match self {
            Self::Nothing => return (folder, Mode::New),
            Self::Blank => 0,
            Self::File => 2,
        };
        let published = archive.publish(publication(&archive, wanted(0, messages)).unwrap(), Mode::New).await.unwrap();
        let Published::Done(entry) = published else { panic!("{published:?}") };
        (folder, Mode::Replace(entry.files))
    }
}

/// Checks that one of the two stands, and that the other was told so.
async fn assert_one_was_first(root: &Path, one: Published, other: Published, context: &str) {
    let known = open(root).await.entries().await.unwrap()[&hour(0)].clone();
    match (one, other) {
        (Published::Done(done), Published::AlreadyThere(there))
        | (Published::AlreadyThere(there), Published::Done(done)) => {
            assert_eq!((&done.files, &there.files), (&known.files, &known.files), "{context}");
        }
        both => panic!("{context}: {both:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_may_be_stopped_while_the_other_publishes() {
    for before in Before::ALL {
        for steps in 0.. {
            let (folder, mode) = before.set_up().await;
            let slow = start(folder.path(), 0, mode.clone(), steps).await;
            let was_stopped = slow.0.faults.is_stopped();
            let fast = finish(start(folder.path(), 1, mode, i64::MAX).await).await;
            let context = format!("{before:?}, stopped at step {steps}");
            assert_one_was_first(folder.path(), finish(slow).await, fast, &context).await;
            assert_is_one(folder.path(), &context).await;
            if !was_stopped {
                assert!(steps > 10, "only {steps} steps were tried");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_may_be_stopped_in_turn() {
    for before in Before::ALL {
        for steps in 0.. {
            let (folder, mode) = before.set_up().await;
            let one = start(folder.path(), 0, mode.clone(), steps).await;
            let was_stopped = one.0.faults.is_stopped();
            let other = start(folder.path(), 1, mode, steps).await;
            let context = format!("{before:?}, both stopped at step {steps}");
            let one = finish(one).await;
            assert_one_was_first(folder.path(), one, finish(other).await, &context).await;
            assert_is_one(folder.path(), &context).await;
            if !was_stopped {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failure_is_recorded_late() {
    for steps in 0.. {
        let folder = TempDir::new().unwrap();
        drop(open(folder.path()).await);
        let disk = Disk::new(folder.path()).unwrap();
        let archive = Archive::open_on(disk.clone(), Access::Create, clock()).await.unwrap();
        disk.faults.stop_after(steps);
        let failed = entry(hour(0), State::Failed);
        let running = tokio::spawn(async move { archive.record(&[failed]).await });
        while !disk.faults.is_stopped() && !running.is_finished() {
            tokio::task::yield_now().await;
        }
        let was_stopped = disk.faults.is_stopped();
        finish(start(folder.path(), 1, Mode::New, i64::MAX).await).await;
        disk.faults.go_on();
        let said = running.await.unwrap().unwrap().remove(0);
        assert_is_one(folder.path(), &format!("recorded at step {steps}")).await;
        let known = open(folder.path()).await.entries().await.unwrap()[&hour(0)].clone();
        assert_eq!(known.state, State::Done, "step {steps}");
        assert!(said == known || said.state == State::Failed && said.at < known.at, "step {steps}: {said:?}");
        if !was_stopped {
            assert!(steps > 3, "only {steps} steps were tried");
            break;
        }
    }
}
