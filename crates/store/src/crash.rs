//! The program dies at every change of the disk in turn; the next run must make good for it.

#[path = "../tests/it/support.rs"]
#[expect(dead_code, reason = "the other tests use the rest")]
mod support;

use std::io::Write;
use std::path::Path;

use chat::{Entry, State};
use tempfile::TempDir;

use crate::disk::Disk;
use crate::publish::Mode;
use crate::{Access, Archive, Error};
use support::{Wanted, assert_at_rest, clock, data_files, entry, hour, publication, rows, wanted};

/// A run that does a little of everything, in as many commits as it takes to write a checkpoint.
async fn run(archive: &Archive) -> Result<(), Error> {
    archive.claim(&"harbor-org#lantern".parse().unwrap()).await?;
    for (number, messages, dead_letters) in [(0, 2, 0), (1, 3, 1), (2, 0, 1)] {
        let wanted = Wanted { dead_letters, ..wanted(number, messages) };
        archive.publish(publication(archive, wanted)?, Mode::New).await?;
    }
    archive.record(&[entry(hour(3), State::Pending)]).await?;
    let grown = |number, messages| Wanted { word: "second", ..wanted(number, messages) };
    for (number, messages) in [(0, 4), (1, 0), (0, 5)] {
        archive.publish(publication(archive, grown(number, messages))?, Mode::Replace).await?;
    }
    for number in 4..8 {
        archive.publish(publication(archive, wanted(number, 1))?, Mode::New).await?;
    }
    archive.record(&[entry(hour(3), State::Failed)]).await
}

/// What must not depend on how often the program died: everything but file names and dates.
async fn outcome(archive: &Archive) -> (Vec<(String, u64, String)>, usize, Vec<Entry>) {
    let entries = archive.entries().await.unwrap().into_values().map(|known| Entry {
        at: entry(hour(0), State::Done).at,
        files: Vec::new(),
        source: String::new(),
        ..known
    });
    (rows(archive).await, archive.dead_letters(None).await.unwrap().len(), entries.collect())
}

async fn open_dying(root: &Path, steps: i64) -> (Disk, Result<Archive, Error>) {
    let disk = Disk::new(root).unwrap();
    disk.faults.die_after(steps);
    (disk.clone(), Archive::open_on(disk, Access::Create, clock()).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_may_die_anywhere() {
    let steady_folder = TempDir::new().unwrap();
    let steady = support::open(steady_folder.path()).await;
    run(&steady).await.unwrap();
    let expected = outcome(&steady).await;
    let mut steps = 0;
    loop {
        let folder = TempDir::new().unwrap();
        let (disk, archive) = open_dying(folder.path(), steps).await;
        if let Ok(archive) = archive {
            // A dead process does not stumble on; neither does this one.
            let ended = run(&archive).await;
            assert_eq!(ended.is_err(), disk.faults.is_dead(), "step {steps}: {ended:?}");
        }
        let archive = support::open(folder.path()).await;
        assert_at_rest(&archive).await;
        run(&archive).await.unwrap();
        assert_at_rest(&archive).await;
        assert_eq!(outcome(&archive).await, expected, "died at step {steps}");
        if !disk.faults.is_dead() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 200, "only {steps} steps were tried");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_may_die_too() {
    for steps in 0.. {
        let folder = TempDir::new().unwrap();
        let archive = support::open(folder.path()).await;
        run(&archive).await.unwrap();
        let expected = outcome(&archive).await;
        drop(archive);
        leave_work_for_a_repair(folder.path());
        let (disk, dying) = open_dying(folder.path(), steps).await;
        drop(dying);
        let archive = support::open(folder.path()).await;
        let (rows, letters, mut entries) = outcome(&archive).await;
        // The one thing that no file knows of: hours without rows.
        entries.extend(expected.2.iter().filter(|entry| entry.tally.messages == 0).cloned());
        entries.sort_by_key(|entry| entry.hour);
        assert_eq!((rows, letters, entries), expected, "died at step {steps}");
        assert_at_rest(&archive).await;
        if !disk.faults.is_dead() {
            assert!(steps > 5, "only {steps} steps were tried");
            break;
        }
    }
}

/// The ledger is lost, and there is a file that is part of nothing.
fn leave_work_for_a_repair(root: &Path) {
    std::fs::remove_dir_all(root.join("hours")).unwrap();
    std::fs::write(root.join("tmp/left"), "by a run that died").unwrap();
    let live = data_files(root, "messages").remove(0);
    std::fs::copy(&live, live.with_file_name("2026031409-0123456789abcdef0123456789abcdef.parquet")).unwrap();
}

#[tokio::test]
async fn served_bytes_are_old_or_new_but_never_mixed() {
    let keep = |archive: &Archive, parts: &[&str]| {
        let sealed = parts.iter().zip(0..).map(|(bytes, part)| {
            let mut stage = archive.stage_raw(hour(0), part)?;
            stage.write_all(bytes.as_bytes()).unwrap();
            stage.seal()
        });
        archive.keep_raw(hour(0), sealed.collect::<Result<_, _>>()?)
    };
    let kept = |archive: &Archive| {
        let parts = archive.raw_parts(hour(0)).unwrap().expect("one of the two is whole");
        parts.iter().map(|part| std::fs::read_to_string(&part.path).unwrap()).collect::<Vec<_>>()
    };
    // All parts are of one length, so that no length can tell them apart.
    for (old, new) in [
        (vec!["o0", "o1"], vec!["n0", "n1"]),
        (vec!["o0"], vec!["n0", "n1", "n2"]),
        (vec!["o0", "o1", "o2"], vec!["n0"]),
    ] {
        for steps in 0.. {
            let folder = TempDir::new().unwrap();
            keep(&support::open(folder.path()).await, &old).unwrap();
            let dying = support::open(folder.path()).await;
            dying.disk().faults.die_after(steps);
            let said = keep(&dying, &new);
            let (dead, archive) = (dying.disk().faults.is_dead(), support::open(folder.path()).await);
            let found = kept(&archive);
            assert!(found == new || said.is_err() && found == old, "step {steps}: {said:?} {found:?}");
            assert_eq!(archive.raw_hours().unwrap(), [hour(0)]);
            keep(&archive, &["a0", "a1"]).unwrap();
            assert_eq!(kept(&archive), ["a0", "a1"], "step {steps}");
            if !dead {
                assert!(steps > 10, "only {steps} steps were tried");
                break;
            }
        }
    }
}
