//! A compaction that dies, and one that others publish into, or compact beside, with this program or another.

use std::fmt::Debug;
use std::path::Path;

use archive::Promotion;
use chat::State;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::kernel::{Action, Add, Remove};
use deltalake::protocol::DeltaOperation;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::{Compacted, Compaction};
use crate::crash::copy_of;
use crate::crash::support::{
    Wanted, assert_at_rest, clock, data_files, globbed, hour, in_place, open, publication, rows, wanted,
};
use crate::disk::Disk;
use crate::log::{Log, State as Version};
use crate::publish::{Mode, Published};
use crate::site::Site;
use crate::{Access, Archive, Error, Strays, Unfilled};

/// A day of five hours, two of them with dead letters.
async fn a_day() -> TempDir {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    for number in 0..5 {
        let hour = Wanted { dead_letters: u64::from(number % 2 == 0), ..wanted(number, 2) };
        archive.publish(publication(&archive, hour).unwrap(), Mode::New).await.unwrap();
    }
    folder
}

/// The hour of that day that is published anew.
fn second() -> Wanted {
    Wanted { dead_letters: 2, word: "second", ..wanted(2, 4) }
}

async fn publish_second(archive: Archive) -> Result<Published, Error> {
    let mode = in_place(&archive, second().hour).await?;
    archive.publish(publication(&archive, second())?, mode).await
}

type Content = (Vec<(String, u64, String)>, Vec<(String, u64)>, Vec<(State, u64)>);

/// What is in the archive: rows, dead letters, and what the ledger says of each hour but for dates and file names.
async fn content(root: &Path) -> Content {
    let archive = open(root).await;
    assert_at_rest(&archive).await;
    let letters = archive.dead_letters(None).await.unwrap().into_iter();
    let entries = archive.entries().await.unwrap();
    (
        rows(&archive).await,
        letters.map(|letter| (letter.position.source_hour.key(), letter.position.line)).collect(),
        entries.values().map(|entry| (entry.state, entry.tally.lines)).collect(),
    )
}

/// What is in such an archive once the second version is published.
async fn with_second(day: &Path) -> Content {
    let folder = copy_of(day);
    publish_second(open(folder.path()).await).await.unwrap();
    content(folder.path()).await
}

type Running<T> = JoinHandle<Result<T, Error>>;

/// Starts `work` with a handle of its own, and comes back when it waits after so many steps, or is through.
async fn start<T, F>(root: &Path, steps: i64, work: impl FnOnce(Archive) -> F) -> (Disk, Running<T>)
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let disk = Disk::new(root).unwrap();
    let archive = Archive::open_on(disk.clone(), Access::Existing, clock()).await.unwrap();
    disk.faults.stop_after(steps);
    let running = tokio::spawn(work(archive));
    while !disk.faults.is_stopped() && !running.is_finished() {
        tokio::task::yield_now().await;
    }
    (disk, running)
}

async fn finish<T>((disk, running): (Disk, Running<T>)) -> T {
    disk.faults.go_on();
    running.await.unwrap().unwrap()
}

async fn compact(archive: Archive) -> Result<Compacted, Error> {
    let compaction = Compaction { file_bytes: 1 << 30, settings: archive::Settings::default() };
    archive.compact(hour(0), compaction).await
}

/// Promotes a member and fills its column in all files.
async fn promote(archive: Archive) -> Result<(), Error> {
    let compaction = Compaction { file_bytes: 1 << 30, settings: archive::Settings::default() };
    archive.promote(&[Promotion::new("ext.n:int64", None).unwrap()]).await?;
    for file in archive.unfilled().await?.files {
        archive.fill(&file, compaction).await?;
    }
    Ok(())
}

/// Adds a column that is in no file yet.
async fn with_a_column(day: &Path) -> TempDir {
    let folder = copy_of(day);
    let promotion = Promotion::new("ext.n:int64", None).unwrap();
    open(folder.path()).await.promote(&[promotion]).await.unwrap();
    folder
}

/// Checks that the day is what it was, and the column is there.
async fn assert_promoted(root: &Path, expected: &Content, steps: i64) {
    assert_eq!(content(root).await, *expected, "step {steps}");
    let archive = open(root).await;
    assert_eq!(archive.unfilled().await.unwrap(), Unfilled::default(), "step {steps}");
    let snapshot = archive.snapshot().await.unwrap();
    for file in snapshot.files() {
        let said = archive::read_statistics(snapshot.reader(file)).await.unwrap();
        assert_eq!(said.promoted, ["ext_n"], "{} at step {steps}", file.path);
    }
}

/// Lets `work` die at each of its steps on a copy of the day, and has what is left of it checked.
async fn assert_may_die_anywhere<T: Debug, F>(
    day: &Path,
    least: i64,
    work: impl Fn(Archive) -> F,
    check: impl AsyncFn(&Path, i64),
) where
    F: Future<Output = Result<T, Error>>,
{
    for steps in 0.. {
        let folder = copy_of(day);
        let disk = Disk::new(folder.path()).unwrap();
        let archive = Archive::open_on(disk.clone(), Access::Existing, clock()).await.unwrap();
        disk.faults.die_after(steps);
        let ended = work(archive).await;
        assert!(ended.is_ok() || disk.faults.is_dead(), "step {steps}: {ended:?}");
        check(folder.path(), steps).await;
        if !disk.faults.is_dead() {
            assert!(steps > least, "only {steps} steps were tried");
            break;
        }
    }
}

/// Lets all steps pass in the end, also where a test fails: its runtime would wait for them for ever.
struct GoingOn(Disk);

impl Drop for GoingOn {
    fn drop(&mut self) {
        self.0.faults.go_on();
    }
}

/// Lets `work` wait at each of its steps on a copy of the day, while others do something there.
async fn at_each_step<T, F>(
    day: &Path,
    least: i64,
    work: impl Fn(Archive) -> F,
    meanwhile: impl AsyncFn(&Path, (Disk, Running<T>), i64),
) where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    for steps in 0.. {
        let folder = copy_of(day);
        let running = start(folder.path(), steps, &work).await;
        let was_stopped = running.0.faults.is_stopped();
        let _going_on = GoingOn(running.0.clone());
        meanwhile(folder.path(), running, steps).await;
        if !was_stopped {
            assert!(steps > least, "only {steps} steps were tried");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_compaction_may_die_anywhere() {
    let day = a_day().await;
    let steady = content(day.path()).await;
    assert_may_die_anywhere(day.path(), 10, compact, async |root, steps| {
        assert_eq!(content(root).await, steady, "died at step {steps}");
        compact(open(root).await).await.unwrap();
        assert_eq!(content(root).await, steady, "died at step {steps}");
        let files = ["messages", "dead_letters"].map(|table| data_files(root, table).len());
        assert_eq!(files, [1, 1], "died at step {steps}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publishing_an_hour_of_a_compacted_day_may_die_anywhere() {
    let day = a_day().await;
    let expected = with_second(day.path()).await;
    compact(open(day.path()).await).await.unwrap();
    assert_may_die_anywhere(day.path(), 20, publish_second, async |root, steps| {
        let archive = open(root).await;
        assert_at_rest(&archive).await;
        publish_second(archive).await.unwrap();
        assert_eq!(content(root).await, expected, "died at step {steps}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_hour_may_be_published_while_its_day_is_compacted() {
    let day = a_day().await;
    let expected = with_second(day.path()).await;
    at_each_step(day.path(), 10, compact, async |root, compacting, steps| {
        publish_second(open(root).await).await.unwrap();
        finish(compacting).await;
        assert_eq!(content(root).await, expected, "the compaction was stopped at step {steps}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_day_may_be_compacted_while_one_of_its_hours_is_published() {
    let day = a_day().await;
    let expected = with_second(day.path()).await;
    let grown = copy_of(day.path());
    compact(open(grown.path()).await).await.unwrap();
    let archive = open(grown.path()).await;
    let mode = in_place(&archive, hour(4)).await.unwrap();
    let same = Wanted { dead_letters: 1, ..wanted(4, 2) };
    archive.publish(publication(&archive, same).unwrap(), mode).await.unwrap();
    drop(archive);
    // The day as it was loaded, and one that is compacted already and has got another file since.
    for day in [day, grown] {
        at_each_step(day.path(), 10, publish_second, async |root, publishing, steps| {
            compact(open(root).await).await.unwrap();
            let published = finish(publishing).await;
            assert!(matches!(published, Published::Done(_)), "step {steps}: {published:?}");
            assert_eq!(content(root).await, expected, "the publication was stopped at step {steps}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_day_may_be_compacted_twice_at_once() {
    let day = a_day().await;
    let expected = content(day.path()).await;
    at_each_step(day.path(), 10, compact, async |root, one, steps| {
        let other = compact(open(root).await).await.unwrap();
        let one = finish(one).await;
        assert_eq!(one.files_before + other.files_before, 5 + 3, "each file is replaced once, step {steps}");
        assert_eq!(content(root).await, expected, "one was stopped at step {steps}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_promotion_may_die_anywhere() {
    let day = a_day().await;
    let steady = content(day.path()).await;
    assert_may_die_anywhere(day.path(), 20, promote, async |root, steps| {
        assert_eq!(content(root).await, steady, "died at step {steps}");
        promote(open(root).await).await.unwrap();
        assert_promoted(root, &steady, steps).await;
    })
    .await;
}

/// The publication is of a writer that read before which columns there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_hour_may_be_published_while_a_column_is_filled() {
    let day = a_day().await;
    let expected = with_second(day.path()).await;
    at_each_step(day.path(), 20, promote, async |root, promoting, steps| {
        publish_second(open(root).await).await.unwrap();
        finish(promoting).await;
        promote(open(root).await).await.unwrap();
        assert_promoted(root, &expected, steps).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_run_is_about_to_take_away_is_no_stray() {
    let day = a_day().await;
    let strays = async |root: &Path| open(root).await.strays().await.unwrap();
    at_each_step(day.path(), 10, compact, async |root, compacting, steps| {
        assert_eq!(strays(root).await, Strays::default(), "the compaction was stopped at step {steps}");
        finish(compacting).await;
        assert_eq!(strays(root).await, Strays::default(), "the compaction was stopped at step {steps}");
    })
    .await;
}

/// Another engine that is about to write a file of the day anew, in view of the table as it is: with the same rows, and without
/// our tags.
struct Engine {
    log: Log,
    version: Version,
    from: Add,
    to: Add,
}

impl Engine {
    async fn at_work(root: &Path) -> Self {
        let log = Log::new("messages", &Site::Disk(Disk::new(root).unwrap()).objects());
        let version = log.open().await.unwrap().unwrap();
        let from = version.live.files().next().unwrap().add.clone();
        let path = from.path.replace("/20", "/part-20");
        let folder = root.join("messages");
        std::fs::copy(folder.join(&from.path), folder.join(&path)).unwrap();
        let to = Add { path, tags: None, data_change: false, ..from.clone() };
        Self { log, version, from, to }
    }

    /// Whether the library lets it commit that now. What is part of nothing then is taken away.
    async fn commits(self, root: &Path) -> bool {
        let Self { log, version, from, to } = self;
        let remove = Remove { path: from.path.clone(), deletion_timestamp: Some(0), ..Remove::default() };
        let actions = vec![Action::Remove(remove), Action::Add(to.clone())];
        let operation = DeltaOperation::Optimize { predicate: None, target_size: 0 };
        let commit = CommitBuilder::default().with_actions(actions).build(Some(&version.delta), log.store(), operation);
        let committed = commit.await;
        let useless = if committed.is_ok() { from.path } else { to.path };
        std::fs::remove_file(root.join("messages").join(useless)).unwrap();
        committed.is_ok()
    }
}

/// Lets another engine commit what it planned before `work` at each step of that: whoever is second must give its plan up.
async fn assert_others_may_be_at_work<T: Debug + Send + 'static, F>(day: &Path, work: impl Fn(Archive) -> F)
where
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let expected = rows(&open(day).await).await;
    let (mut was_first, mut was_second) = (0, 0);
    for steps in 0.. {
        let folder = copy_of(day);
        let engine = Engine::at_work(folder.path()).await;
        let running = start(folder.path(), steps, &work).await;
        let was_stopped = running.0.faults.is_stopped();
        let has_committed = engine.commits(folder.path()).await;
        finish(running).await;
        let found = rows(&open(folder.path()).await).await;
        assert_eq!(found, expected, "step {steps}, committed: {has_committed}");
        assert_eq!(globbed(folder.path()).await, expected.len() as u64, "step {steps}, committed: {has_committed}");
        *(if has_committed { &mut was_first } else { &mut was_second }) += 1;
        if !was_stopped {
            break;
        }
    }
    assert!(was_first > 3 && was_second > 0, "{was_first} {was_second}");
}

/// The library, as other engines, checks what it has planned against what was committed since, and lets pass what moves rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_engine_may_write_a_file_anew_while_its_day_is_compacted() {
    assert_others_may_be_at_work(a_day().await.path(), compact).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_engine_may_write_a_file_anew_while_a_column_is_filled() {
    let day = with_a_column(a_day().await.path()).await;
    assert_others_may_be_at_work(day.path(), promote).await;
}
