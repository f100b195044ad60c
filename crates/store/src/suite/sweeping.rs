//! What is part of nothing any more goes when its grace is over, and nothing else does.

use std::time::Duration;

use super::*;

/// The hour of [`keep`], and one that has no list.
const LISTED: &str = "raw/2026/03/14/2026031409";
const UNLISTED: &str = "raw/2026/03/14/2026031410";
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A clock that is so far ahead of the store's.
fn ahead(time: Duration) -> Clock {
    Arc::new(move || Timestamp::from(std::time::SystemTime::now()) + time)
}

fn upload(key: &str, part: u32) -> String {
    format!("{key}-{part}-{:032x}.gz", part + 7)
}

async fn put(bucket: &Shaky, names: &[&str]) {
    for name in names {
        bucket.put(&Path::from(*name), "x".into()).await.unwrap();
    }
}

/// Sweeps with this clock, and gives what is left below `raw/`.
async fn swept(ground: &Ground, clock: Clock) -> (u64, Vec<String>) {
    let swept = ground.try_open(Access::Existing, clock).await.unwrap().sweep().await.unwrap();
    (swept, objects(ground.bucket.as_ref().unwrap(), "raw").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_no_list_names_go_when_nobody_can_be_at_them() {
    let ground = Ground::bucket(Shaky::new());
    let bucket = ground.bucket.clone().unwrap();
    keep(&ground.open().await, &["one", "two"]).unwrap();
    let others = ["raw/2026/03/14/notes-0.gz", "raw/2026/03/14/2026031408-0-x.gz", "raw/2026/03/14/2026031411-0.gz"];
    put(&bucket, &others).await;
    // Of a list that cannot be read, nobody knows what is in it.
    let (damaged, unread) = ("raw/2026/03/14/2026031412.json", upload("raw/2026/03/14/2026031412", 0));
    let other = unread.replace("-00000", "-f0000");
    put(&bucket, &[damaged, &unread, &other, &upload("raw/2026/03/14/2026031412", 1)]).await;
    let wanted = objects(&bucket, "raw").await;
    let orphans = [upload(LISTED, 0), upload(LISTED, 1), upload(UNLISTED, 0), upload(UNLISTED, 1)];
    put(&bucket, &orphans.each_ref().map(String::as_str)).await;
    let before = objects(&bucket, "raw").await;
    assert_eq!(swept(&ground, ahead(23 * HOUR)).await, (0, before), "a run may still be at them");
    assert_eq!(swept(&ground, ahead(25 * HOUR)).await, (4, wanted));
    assert_eq!(kept(&ground.open().await).unwrap(), ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_was_copied_from_a_folder_is_told_from_one_that_was_uploaded() {
    let (folder, ground) = (Ground::folder(), Ground::bucket(Shaky::new()));
    keep(&folder.open().await, &["one", "two"]).unwrap();
    drop(ground.open().await);
    let bucket = ground.bucket.as_ref().unwrap();
    for name in ["2026031409-0.gz", "2026031409-1.gz", "2026031409.json"].map(|name| format!("raw/2026/03/14/{name}")) {
        let bytes = std::fs::read(folder.folder.path().join(&name)).unwrap();
        bucket.put(&Path::from(name), bytes.into()).await.unwrap();
    }
    let wanted = objects(bucket, "raw").await;
    put(bucket, &[&upload(LISTED, 0)]).await;
    assert_eq!(swept(&ground, later()).await, (1, wanted));
    assert_eq!(kept(&ground.open().await).unwrap(), ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_run_leaves_that_dies_while_it_keeps_an_hour_is_swept() {
    for new in [&["n0", "n1"][..], &["n"], &["n0", "n1", "n2"]] {
        for steps in 0.. {
            let ground = Ground::bucket(Shaky::new());
            let bucket = ground.bucket.clone().unwrap();
            keep(&ground.open().await, &["o0", "o1"]).unwrap();
            let dying = Ground::bucket(bucket.with(Fault::DieAfter(steps)));
            let said = match dying.try_open(Access::Create, clock()).await {
                Ok(archive) => keep(&archive, new),
                Err(error) => Err(error),
            };
            let found = kept(&ground.open().await).expect("one of the two is whole");
            let (_, left) = swept(&ground, later()).await;
            assert_eq!(left.len(), found.len() + 1, "change {steps} of {new:?}: {left:?}");
            assert_eq!(kept(&ground.open().await), Some(found), "change {steps} of {new:?}");
            if said.is_ok() {
                assert!(steps > 3, "only {steps} changes were tried");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_may_die_between_any_two_requests() {
    for steps in 0.. {
        let ground = Ground::bucket(Shaky::new());
        let bucket = ground.bucket.clone().unwrap();
        let archive = ground.open().await;
        keep(&archive, &["one", "two"]).unwrap();
        for word in ["first", "second"] {
            let mode = in_place(&archive, hour(0)).await.unwrap();
            archive.publish(publication(&archive, Wanted { word, ..wanted(0, 3) }).unwrap(), mode).await.unwrap();
        }
        drop(archive);
        let orphans = [upload(LISTED, 0), upload(LISTED, 1), upload(UNLISTED, 0)];
        put(&bucket, &orphans.each_ref().map(String::as_str)).await;
        let dying = Ground::bucket(bucket.with(Fault::DieAfter(steps)));
        let said = match dying.try_open(Access::Existing, later()).await {
            Ok(archive) => archive.sweep().await.map(drop),
            Err(error) => Err(error),
        };
        let archive = ground.open().await;
        assert_eq!((kept(&archive).unwrap().len(), rows(&archive).await.len()), (2, 3), "change {steps}: {said:?}");
        assert_eq!(swept(&ground, later()).await.1.len(), 3, "change {steps}");
        assert_eq!(data_files(&bucket, "messages").await, 1, "change {steps}");
        if said.is_ok() {
            assert!(steps > 3, "only {steps} changes were tried");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_sweeps_beside_runs_that_keep_hours_takes_nothing_of_theirs() {
    let ground = Ground::bucket(Shaky::new());
    let (one, other) = (ground.open().await, ground.try_open(Access::Create, ahead(Duration::ZERO)).await.unwrap());
    let sweeping = tokio::spawn(async move {
        for _ in 0..20 {
            assert_eq!(other.sweep().await.unwrap(), 0);
        }
    });
    let keeping = tokio::task::spawn_blocking(move || {
        for _ in 0..20 {
            keep(&one, &["a", "b"]).unwrap();
            assert_eq!(kept(&one).unwrap(), ["a", "b"]);
        }
    });
    sweeping.await.unwrap();
    keeping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_grace_is_what_was_set() {
    let set = Grace { replaced: HOUR / 6, orphaned: HOUR };
    for (grace, after, expected) in [
        (Grace::default(), HOUR / 2, 0),
        (set, HOUR / 12, 0),
        (set, HOUR / 2, 1),
        (Grace::default(), 2 * HOUR, 1),
        (set, 2 * HOUR, 2),
        (Grace::default(), 25 * HOUR, 2),
    ] {
        let ground = Ground { grace, ..Ground::bucket(Shaky::new()) };
        let archive = ground.try_open(Access::Create, ahead(Duration::ZERO)).await.unwrap();
        archive.publish(publication(&archive, wanted(0, 3)).unwrap(), Mode::New).await.unwrap();
        let mode = in_place(&archive, hour(0)).await.unwrap();
        archive.publish(publication(&archive, wanted(0, 4)).unwrap(), mode).await.unwrap();
        drop(archive);
        put(ground.bucket.as_ref().unwrap(), &[&upload(UNLISTED, 0)]).await;
        assert_eq!(swept(&ground, ahead(after)).await.0, expected, "{grace:?} after {after:?}");
    }
}

/// How long the tables remember what was removed.
async fn remembered(archive: &Archive) -> Vec<Duration> {
    let mut times = Vec::new();
    for table in archive.all_tables().await.unwrap() {
        times.push(table.remembered().await.unwrap());
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_in_a_bucket_remember_what_was_replaced_longer_than_any_grace() {
    let folder = Ground::folder();
    let archive = folder.open().await;
    archive.publish(publication(&archive, wanted(0, 3)).unwrap(), Mode::New).await.unwrap();
    assert_eq!(remembered(&archive).await, [HOUR; 3]);
    drop(archive);
    // An archive that was copied from a folder, as it is.
    let copied = Ground::bucket(Shaky::new());
    for name in files_below(folder.folder.path()) {
        let bytes = std::fs::read(folder.folder.path().join(&name)).unwrap();
        copied.bucket.as_ref().unwrap().put(&Path::from(name), bytes.into()).await.unwrap();
    }
    for ground in [Ground::bucket(Shaky::new()), copied] {
        let archive = ground.open().await;
        assert!(remembered(&archive).await.iter().all(|time| *time > Grace::LONGEST_REPLACED));
        let version = archive.inner.messages.live().await.unwrap().version();
        assert_eq!(ground.open().await.inner.messages.live().await.unwrap().version(), version, "once is enough");
    }
}

/// The files below a folder, relative to it.
fn files_below(root: &std::path::Path) -> Vec<String> {
    let mut folders = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files
}
