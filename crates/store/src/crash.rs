//! The program dies at every change of the disk in turn; the next run must make good for it.

#[path = "../tests/it/support.rs"]
pub(crate) mod support;

use std::io::{ErrorKind, Write};
use std::path::Path;

use chat::{Entry, State};
use tempfile::TempDir;

use crate::disk::Disk;
use crate::publish::Mode;
use crate::site::Site;
use crate::{Access, Advice, Archive, Error};
use support::{Wanted, assert_at_rest, clock, data_files, entry, hour, in_place, publication, rows, wanted};

/// A first run.
pub(crate) async fn start(archive: &Archive) -> Result<(), Error> {
    archive.claim(&"harbor-org#lantern".parse().unwrap()).await?;
    archive.publish(publication(archive, wanted(0, 2))?, Mode::New).await?;
    archive.record(&[entry(hour(1), State::Pending)]).await.map(drop)
}

/// A later run, that does a little of everything.
pub(crate) async fn go_on(archive: &Archive) -> Result<(), Error> {
    archive.publish(publication(archive, Wanted { dead_letters: 1, ..wanted(20, 3) })?, Mode::New).await?;
    for (number, messages, retained) in [(20, 4, 2), (3, 0, 0), (0, 0, 2)] {
        let grown = Wanted { retained, word: "second", ..wanted(number, messages) };
        let mode = in_place(archive, grown.hour).await?;
        archive.publish(publication(archive, grown)?, mode).await?;
    }
    archive.record(&[entry(hour(21), State::Failed)]).await.map(drop)
}

/// An archive so far that the first commit of [`go_on`] to `messages` writes a checkpoint.
async fn before() -> TempDir {
    let folder = TempDir::new().unwrap();
    let archive = support::open(folder.path()).await;
    for number in [0, 3, 0, 3, 0, 3, 0, 3] {
        let mode = in_place(&archive, hour(number)).await.unwrap();
        archive.publish(publication(&archive, wanted(number, 2)).unwrap(), mode).await.unwrap();
    }
    folder
}

/// What must not depend on how often the program died: everything but file names and dates.
pub(crate) async fn outcome(archive: &Archive) -> (Vec<(String, u64, String)>, usize, Vec<Entry>) {
    let entries = archive.entries().await.unwrap().into_values().map(|known| Entry {
        at: entry(hour(0), State::Done).at,
        files: Vec::new(),
        source: String::new(),
        ..known
    });
    (rows(archive).await, archive.dead_letters(None).await.unwrap().len(), entries.collect())
}

fn disk_of(archive: &Archive) -> &Disk {
    let Site::Disk(disk) = archive.site() else { panic!("it lies in a folder") };
    disk
}

async fn open_dying(root: &Path, steps: i64) -> (Disk, Result<Archive, Error>) {
    let disk = Disk::new(root).unwrap();
    disk.faults.die_after(steps);
    (disk.clone(), Archive::open_on(disk, Access::Create, clock()).await)
}

/// Lets `run` die at each of its steps, on a copy of `before`, then runs it again: nothing must be missing, nothing
/// double, and at no time may the archive be in disorder.
async fn assert_may_die_anywhere(before: &Path, run: impl AsyncFn(&Archive) -> Result<(), Error>, least: i64) {
    let steady_folder = copy_of(before);
    let steady = support::open(steady_folder.path()).await;
    run(&steady).await.unwrap();
    let expected = outcome(&steady).await;
    for steps in 0.. {
        let folder = copy_of(before);
        let (disk, archive) = open_dying(folder.path(), steps).await;
        if let Ok(archive) = archive {
            let ended = run(&archive).await;
            // What follows a commit may fail in silence, so a dead run may think that it ended well.
            assert!(ended.is_ok() || disk.faults.is_dead(), "step {steps}: {ended:?}");
        }
        let archive = support::open(folder.path()).await;
        assert_at_rest(&archive).await;
        run(&archive).await.unwrap();
        assert_at_rest(&archive).await;
        assert_eq!(outcome(&archive).await, expected, "died at step {steps}");
        if !disk.faults.is_dead() {
            assert!(steps > least, "only {steps} steps were tried");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_run_may_die_anywhere() {
    assert_may_die_anywhere(TempDir::new().unwrap().path(), start, 30).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_run_may_die_anywhere() {
    assert_may_die_anywhere(before().await.path(), go_on, 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_may_die_too() {
    let before = before().await;
    let expected = outcome(&support::open(before.path()).await).await;
    leave_work_for_a_repair(before.path());
    for steps in 0.. {
        let folder = copy_of(before.path());
        let (disk, dying) = open_dying(folder.path(), steps).await;
        drop(dying);
        let archive = support::open(folder.path()).await;
        assert_eq!(outcome(&archive).await, expected, "died at step {steps}");
        assert_at_rest(&archive).await;
        if !disk.faults.is_dead() {
            assert!(steps > 10, "only {steps} steps were tried");
            break;
        }
    }
}

fn of_an_older_format() -> TempDir {
    copy_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/formats/v1"))
}

/// The format that this program writes.
fn today() -> String {
    archive::FORMAT.to_string()
}

/// The formats that the log of `messages` tells of, the newest last.
fn formats(root: &Path) -> Vec<String> {
    let commits = support::children(&root.join("messages/_delta_log"));
    let logs: String = commits.iter().map(|commit| std::fs::read_to_string(commit).unwrap()).collect();
    logs.split(r#""annals.format":""#)
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(n, _)| n.to_owned())
        .collect()
}

#[tokio::test]
async fn an_old_archive_may_die_while_it_is_brought_up_to_date() {
    for steps in 0.. {
        let folder = of_an_older_format();
        let (disk, archive) = open_dying(folder.path(), steps).await;
        match archive {
            Ok(archive) => assert_at_rest(&archive).await,
            Err(error) => assert!(matches!(error, Error::Upgrade { found: 1, .. }), "died at step {steps}: {error:?}"),
        }
        let archive = support::open(folder.path()).await;
        assert_at_rest(&archive).await;
        assert_eq!(rows(&archive).await.len(), 9, "died at step {steps}");
        assert_eq!(formats(folder.path()), ["1", &today()], "died at step {steps}");
        if !disk.faults.is_dead() {
            assert!(steps > 10, "only {steps} steps were tried");
            break;
        }
    }
}

#[tokio::test]
async fn an_old_archive_is_read_as_it_is_only_where_nothing_may_be_written() {
    for (kind, is_read) in [
        (ErrorKind::PermissionDenied, true),
        (ErrorKind::ReadOnlyFilesystem, true),
        (ErrorKind::StorageFull, false),
        (ErrorKind::Other, false),
    ] {
        let folder = of_an_older_format();
        let disk = Disk::new(folder.path()).unwrap();
        disk.faults.refuse(kind);
        let opened = Archive::open_on(disk.clone(), Access::Existing, clock()).await;
        assert_eq!(formats(folder.path()), ["1"], "{kind}");
        let archive = match opened {
            Ok(archive) if is_read => archive,
            Err(error) if !is_read => {
                assert_eq!(error.to_string(), format!("could not bring table `messages` from format 1 to {}", today()));
                assert_eq!(error.advice(), Advice::GiveUp, "{kind}");
                continue;
            }
            other => panic!("{kind}: {other:?}"),
        };
        assert_eq!(rows(&archive).await.len(), 9);
        // Once it may be written, it is not written to as it is.
        disk.faults.die_after(i64::MAX);
        archive.publish(publication(&archive, wanted(20, 3)).unwrap(), Mode::New).await.unwrap();
        assert_eq!(formats(folder.path()), ["1", &today()], "{kind}");
        assert_at_rest(&archive).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_archive_is_brought_up_to_date_though_another_program_writes_just_then() {
    for (commit, is_newer) in
        [(r#"{"commitInfo":{"timestamp":1}}"#.to_owned(), false), (metadata_of_format(archive::FORMAT + 1), true)]
    {
        let folder = of_an_older_format();
        let disk = Disk::new(folder.path()).unwrap();
        disk.faults.stop_after(0);
        let opening = tokio::spawn(Archive::open_on(disk.clone(), Access::Existing, clock()));
        while !disk.faults.is_stopped() {
            tokio::task::yield_now().await;
        }
        // It has read the log, and is about to write its next version.
        std::fs::write(folder.path().join("messages/_delta_log/00000000000000000003.json"), &commit).unwrap();
        disk.faults.go_on();
        match opening.await.unwrap() {
            Ok(archive) if !is_newer => assert_at_rest(&archive).await,
            Err(Error::NewerFormat { .. }) if is_newer => continue,
            other => panic!("{commit}: {other:?}"),
        }
        assert_eq!(formats(folder.path()), ["1", &today()]);
    }
}

/// What a later program may write into the log of `messages`.
fn metadata_of_format(number: u32) -> String {
    let folder = of_an_older_format();
    let first = folder.path().join("messages/_delta_log/00000000000000000000.json");
    let log = std::fs::read_to_string(first).unwrap();
    let metadata = log.lines().find(|action| action.starts_with(r#"{"metaData""#)).unwrap();
    metadata.replace(r#""annals.format":"1""#, &format!(r#""annals.format":"{number}""#))
}

pub(crate) fn copy_of(folder: &Path) -> TempDir {
    fn copy(from: &Path, to: &Path) {
        for path in support::children(from) {
            let to = to.join(path.file_name().unwrap());
            if path.is_dir() {
                std::fs::create_dir(&to).unwrap();
                copy(&path, &to);
            } else {
                std::fs::copy(&path, &to).unwrap();
            }
        }
    }
    let copied = TempDir::new().unwrap();
    copy(folder, copied.path());
    copied
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
            Ok::<_, Error>(stage.seal())
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
            disk_of(&dying).faults.die_after(steps);
            let said = keep(&dying, &new);
            let (dead, archive) = (disk_of(&dying).faults.is_dead(), support::open(folder.path()).await);
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
