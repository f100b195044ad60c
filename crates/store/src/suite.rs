//! What an archive promises, in a folder and in a bucket alike; and what it promises in a bucket alone.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::sync::Arc;

use chat::{Attachment, AttachmentKind, Entry, Hour, Hours, Position, State, Timestamp};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use tempfile::TempDir;

use crate::crash::support::{Wanted, assert_told, clock, entry, hour, in_place, publication, rows, wanted};
use crate::crash::{go_on, outcome, start};
use crate::disk::Disk;
use crate::publish::{Mode, Published};
use crate::raw::SealedRaw;
use crate::remote::{Grace, Remote, Requests};
use crate::shaky::{Fault, Shaky};
use crate::site::Site;
use crate::{
    Access, Archive, AttachmentUpdate, Clock, Compaction, Error, RawHour, RestoreKey, RestoreTurn, Restored, Watermark,
};

mod served;
mod sweeping;

/// A place for an archive.
struct Ground {
    folder: TempDir,
    /// `None` for an archive in the folder.
    bucket: Option<Shaky>,
    grace: Grace,
}

impl Ground {
    fn bucket(bucket: Shaky) -> Self {
        Self { bucket: Some(bucket), ..Self::folder() }
    }

    fn folder() -> Self {
        Self { folder: TempDir::new().unwrap(), bucket: None, grace: Grace::default() }
    }

    fn both() -> [Self; 2] {
        [Self::folder(), Self::bucket(Shaky::new())]
    }

    async fn open(&self) -> Archive {
        self.try_open(Access::Create, clock()).await.unwrap()
    }

    async fn try_open(&self, access: Access, clock: Clock) -> Result<Archive, Error> {
        match &self.bucket {
            None => Archive::open(self.folder.path(), access, clock).await,
            Some(bucket) => Archive::open_on(self.remote(bucket.clone()), access, clock).await,
        }
    }

    fn remote(&self, bucket: Shaky) -> Remote {
        let desk = Disk::new(self.folder.path()).unwrap();
        Remote::new("s3://harbor/nightly".into(), desk, self.grace, Requests::new().unwrap(), Arc::new(bucket))
    }
}

/// What lies in a bucket below a prefix.
async fn objects(bucket: &Shaky, prefix: &str) -> Vec<String> {
    let listed = bucket.list(Some(&Path::from(prefix))).map_ok(|object| object.location.to_string());
    let mut names: Vec<_> = listed.try_collect().await.unwrap();
    names.sort();
    names
}

async fn data_files(bucket: &Shaky, table: &str) -> usize {
    objects(bucket, table).await.iter().filter(|name| name.contains("/date=")).count()
}

fn compaction() -> Compaction {
    Compaction { file_bytes: 1 << 30, settings: archive::Settings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_is_published_replaced_and_there_once() {
    for ground in Ground::both() {
        let archive = ground.open().await;
        let first = Wanted { dead_letters: 2, ..wanted(0, 3) };
        archive.publish(publication(&archive, first).unwrap(), Mode::New).await.unwrap();
        let again = archive.publish(publication(&archive, wanted(0, 9)).unwrap(), Mode::New).await.unwrap();
        assert!(matches!(again, Published::AlreadyThere(_)), "{again:?}");
        let second = Wanted { word: "second", ..wanted(0, 4) };
        let mode = in_place(&archive, hour(0)).await.unwrap();
        archive.publish(publication(&archive, second).unwrap(), mode).await.unwrap();
        // Another handle sees the same.
        for archive in [archive, ground.open().await] {
            assert_told(&archive).await;
            let rows = rows(&archive).await;
            assert!(rows.len() == 4 && rows.iter().all(|(_, _, text)| text == "second"), "{rows:?}");
            assert!(archive.dead_letters(None).await.unwrap().is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_once_leave_each_hour_there_once() {
    for ground in Ground::both() {
        let writers = [ground.open().await, ground.open().await, ground.open().await];
        let tasks = writers.map(|archive| {
            tokio::spawn(async move {
                for number in 0..6 {
                    let wanted = Wanted { dead_letters: 1, ..wanted(number, 3) };
                    archive.publish(publication(&archive, wanted).unwrap(), Mode::New).await.unwrap();
                }
            })
        });
        for task in tasks {
            task.await.unwrap();
        }
        let archive = ground.open().await;
        assert_told(&archive).await;
        assert_eq!((rows(&archive).await.len(), archive.dead_letters(None).await.unwrap().len()), (18, 6));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_of_many_rows_is_merged_and_told_as_before() {
    for ground in Ground::both() {
        let archive = ground.open().await;
        for number in 0..40 {
            archive.record(&[entry(hour(number), State::Pending)]).await.unwrap();
        }
        let archive = ground.open().await;
        assert_eq!((archive.entries().await.unwrap().len(), archive.attempts().await.unwrap().len()), (40, 40));
        assert!(archive.inner.ledger.table().live().await.unwrap().len() < 32);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_compacted_and_one_of_its_hours_replaced() {
    for ground in Ground::both() {
        let archive = ground.open().await;
        for number in 0..4 {
            let wanted = Wanted { dead_letters: 1, ..wanted(number, 3) };
            archive.publish(publication(&archive, wanted).unwrap(), Mode::New).await.unwrap();
        }
        let before = (rows(&archive).await, archive.entries().await.unwrap());
        let compacted = archive.compact(hour(0), compaction()).await.unwrap();
        assert_eq!((compacted.files_before, compacted.files_after), (8, 2));
        assert_eq!((rows(&archive).await, archive.entries().await.unwrap()), before);
        let mode = in_place(&archive, hour(2)).await.unwrap();
        let second = Wanted { word: "second", dead_letters: 2, ..wanted(2, 7) };
        archive.publish(publication(&archive, second).unwrap(), mode).await.unwrap();
        assert_told(&archive).await;
        assert_eq!((rows(&archive).await.len(), archive.dead_letters(None).await.unwrap().len()), (16, 5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_is_put_together_with_no_other() {
    for ground in Ground::both() {
        let archive = ground.open().await;
        for number in 0..3 {
            archive.publish(publication(&archive, wanted(number, 3)).unwrap(), Mode::New).await.unwrap();
        }
        let file = archive.files().await.unwrap().into_iter().find(|file| file.hours == [hour(1)]).unwrap();
        let (objects, location) = (archive.site().objects(), archive.message_table().location(&file.path));
        let sound = objects.get(&location).await.unwrap().bytes().await.unwrap();
        let mut damaged = sound.to_vec();
        damaged[sound.len() / 2] ^= 1;
        let put = async |bytes: Vec<u8>| match archive.site() {
            Site::Disk(disk) => std::fs::write(disk.path(&location), bytes).unwrap(),
            Site::Remote(_) => drop(objects.put(&location, bytes.into()).await.unwrap()),
        };
        put(damaged).await;
        let error = archive.compact(hour(0), compaction()).await.unwrap_err();
        assert!(matches!(error, Error::Changed { table: "messages", .. }), "{error:?}");
        put(sound.to_vec()).await;
        // A handle takes it that what has a name of its own never changes.
        let archive = ground.open().await;
        assert_eq!(archive.compact(hour(0), compaction()).await.unwrap().files_before, 3);
        assert_eq!(rows(&archive).await.len(), 9);
        // Each of the two handles may have its mark there.
        let marks = std::fs::read_dir(ground.folder.path().join("tmp")).unwrap().count();
        assert!(marks <= 2, "{marks} files are left where those of the bucket were copied to");
    }
}

fn sealed(archive: &Archive, part: u32, bytes: &str) -> SealedRaw {
    let mut stage = archive.stage_raw(hour(0), part).unwrap();
    stage.write_all(bytes.as_bytes()).unwrap();
    stage.seal()
}

fn keep(archive: &Archive, parts: &[&str]) -> Result<(), Error> {
    archive.keep_raw(hour(0), parts.iter().zip(0..).map(|(bytes, part)| sealed(archive, part, bytes)).collect())
}

fn kept(archive: &Archive) -> Option<Vec<String>> {
    let parts = archive.raw_parts(hour(0)).unwrap()?;
    let bytes = parts.iter().map(|part| {
        let mut bytes = String::new();
        part.open().unwrap().read_to_string(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, part.length);
        bytes
    });
    Some(bytes.collect())
}

#[tokio::test]
async fn an_archive_belongs_to_one_app_and_begins_in_an_empty_place() {
    for ground in Ground::both() {
        let missing = ground.try_open(Access::Existing, clock()).await.unwrap_err();
        assert!(matches!(missing, Error::NoArchive { .. }), "{missing:?}");
        let (one, other) = (ground.open().await, ground.open().await);
        one.claim(&"harbor-org#lantern".parse().unwrap()).await.unwrap();
        let foreign = other.claim(&"harbor-org#other".parse().unwrap()).await.unwrap_err();
        assert!(matches!(foreign, Error::ForeignApp { .. }), "{foreign:?}");
        assert_eq!(ground.open().await.app(), Some("harbor-org#lantern".parse().unwrap()));
    }
    let ground = Ground::bucket(Shaky::new());
    ground.bucket.as_ref().unwrap().put(&Path::from("letters/1.txt"), "mine".into()).await.unwrap();
    let error = ground.try_open(Access::Create, clock()).await.unwrap_err();
    assert!(error.to_string().contains(r#"s3://harbor/nightly is no archive and holds "letters/1.txt""#), "{error}");
}

#[tokio::test]
async fn attachments_and_their_bytes_are_found_again() {
    for ground in Ground::both() {
        let archive = ground.open().await;
        let all: Range<Hour> = Hour::from_number(i64::MIN)..Hour::from_number(i64::MAX);
        assert!(archive.attachments(&all).await.unwrap().is_empty());
        let position = Position { source_hour: hour(0), part: 0, line: 1 };
        let row =
            Attachment::new(position, AttachmentKind::File, "https://a1.example.com/1".to_owned(), hour(0).start());
        let listed = BTreeMap::from([(hour(0), "a".to_owned())]);
        archive.update_attachments(&AttachmentUpdate { listed, rows: vec![row.clone()] }).await.unwrap();
        assert_eq!(ground.open().await.attachments(&all).await.unwrap(), [row]);
        let mut stage = archive.stage_blob().unwrap();
        stage.write_all(b"low at six").unwrap();
        let blob = stage.seal();
        let sha256 = blob.sha256().to_owned();
        assert!(!archive.has_blob(&sha256).unwrap() && archive.open_blob(&sha256).unwrap().is_none());
        archive.keep_blob(blob).unwrap();
        assert!(archive.has_blob(&sha256).unwrap() && !archive.has_blob("../app.json").unwrap());
        assert_eq!(archive.hash_blob(&sha256).unwrap(), Some((sha256.clone(), 10)));
        let copy = archive.blob_file(&sha256).unwrap().unwrap();
        assert_eq!((&copy.sha256, std::fs::read(&copy.path).unwrap().as_slice()), (&sha256, &b"low at six"[..]));
        let path = copy.path.clone();
        drop(copy);
        assert_eq!(path.exists(), ground.bucket.is_none(), "what was made for it is removed");
        assert!(!archive.lacks_blob(&sha256) && archive.lacks_blob("../app.json"));
        assert_eq!(archive.blobs().unwrap()[0].sha256, Some(sha256));
    }
}

fn journal(archive: &Archive) -> Result<RestoreTurn, Error> {
    archive.restore_journal(&"o.b".parse().unwrap(), &"o#b".parse().unwrap())
}

#[tokio::test]
async fn what_was_restored_is_known_to_who_restored_it() {
    let (bucket, key) = (Shaky::new(), RestoreKey::of_id("1"));
    let one = Ground::bucket(bucket.clone());
    for ground in [Ground::folder(), one] {
        let archive = ground.open().await;
        assert!(!archive.has_restore(&"o.b".parse().unwrap()).unwrap());
        let Ok(RestoreTurn::Ours(mut journal_of_it)) = journal(&archive) else { panic!("it is the first") };
        assert!(matches!(journal(&archive), Ok(RestoreTurn::Busy)));
        journal_of_it.will_ask(key, Position { source_hour: hour(0), part: 0, line: 1 }, None).unwrap();
        drop(journal_of_it);
        let archive = ground.open().await;
        assert!(archive.has_restore(&"o.b".parse().unwrap()).unwrap());
        let Ok(RestoreTurn::Ours(again)) = journal(&archive) else { panic!("it is the same machine") };
        assert_eq!(again.state(key), Some(Restored::Asked));
    }
    // A machine that has nothing but the bucket does not begin anew, with or without a journal of its own.
    let other = Ground::bucket(bucket.clone());
    let archive = other.open().await;
    assert!(archive.has_restore(&"o.b".parse().unwrap()).unwrap());
    assert!(matches!(journal(&archive), Ok(RestoreTurn::Elsewhere)));
    let third = Ground::bucket(Shaky::new());
    drop(journal(&third.open().await).unwrap());
    let third = Ground { bucket: Some(bucket.clone()), ..third };
    assert!(matches!(journal(&third.open().await), Ok(RestoreTurn::Elsewhere)));
    assert_eq!(objects(&bucket, "restores").await, ["restores/o.b.json"]);
}

#[tokio::test]
async fn of_two_machines_that_begin_a_restore_at_once_one_does() {
    let bucket = Shaky::new();
    let (one, other) = (Ground::bucket(bucket.clone()), Ground::bucket(bucket));
    let (first, second) = (one.open().await, other.open().await);
    // Both have seen that nobody has begun.
    assert!(!second.has_restore(&"o.b".parse().unwrap()).unwrap());
    assert!(matches!(journal(&first), Ok(RestoreTurn::Ours(_))));
    let outcome = crate::restores::claim_as_seen_before(&second, &"o.b".parse().unwrap());
    assert!(matches!(outcome, Err(Error::Overtaken { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_note_that_another_machine_has_changed_is_not_written_over() {
    let bucket = Shaky::new();
    // Two machines: no lock of one is seen by the other.
    let (one, other) = (Ground::bucket(bucket.clone()), Ground::bucket(bucket));
    let (one, other) = (one.open().await, other.open().await);
    let name = "nightly".parse().unwrap();
    for archive in [&one, &other] {
        assert!(archive.export_turn(&name).unwrap().is_some());
        assert_eq!(archive.watermark(&name).unwrap(), None);
    }
    let numbered = |number| Watermark { number, ..Watermark::default() };
    one.keep_watermark(&name, &numbered(1)).unwrap();
    one.keep_watermark(&name, &numbered(2)).unwrap();
    let error = other.keep_watermark(&name, &numbered(1)).unwrap_err();
    assert!(matches!(error, Error::Overtaken { .. }), "{error:?}");
    assert_eq!(other.watermark(&name).unwrap(), Some(numbered(2)));
    other.keep_watermark(&name, &numbered(3)).unwrap();
    // Even what says the same is another's.
    assert!(matches!(one.keep_watermark(&name, &numbered(3)).unwrap_err(), Error::Overtaken { .. }));
}

/// A clock of long after everything in a bucket in memory was written.
fn later() -> Clock {
    let year: Timestamp = "2126-01-01T00:00:00Z".parse().unwrap();
    Arc::new(move || year)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_replaced_stays_for_its_readers_and_goes_later() {
    let ground = Ground::bucket(Shaky::new());
    let bucket = ground.bucket.clone().unwrap();
    let archive = ground.open().await;
    let first = publication(&archive, Wanted { dead_letters: 1, ..wanted(0, 3) }).unwrap();
    archive.publish(first, Mode::New).await.unwrap();
    let reader = archive.snapshot().await.unwrap();
    let mode = in_place(&archive, hour(0)).await.unwrap();
    archive.publish(publication(&archive, wanted(0, 4)).unwrap(), mode).await.unwrap();
    assert_eq!(archive.sweep().await.unwrap(), 0, "it was replaced just now");
    let mut batches = archive::read_all(reader.reader(&reader.files()[0])).await.unwrap();
    assert_eq!(batches.try_next().await.unwrap().unwrap().len(), 3, "who began to read it may go on");
    // A file that a run uploads, and has not committed yet, is newer than any patience.
    let stray = "messages/date=2026-03-14/2026031409-0123456789abcdef0123456789abcdef.parquet";
    let foreign = "messages/date=2026-03-14/part-00000.parquet";
    for name in [stray, foreign] {
        bucket.put(&Path::from(name), "x".into()).await.unwrap();
    }
    let now: Clock = Arc::new(|| Timestamp::from(std::time::SystemTime::now()));
    let today = ground.try_open(Access::Existing, now).await.unwrap();
    assert_eq!(today.sweep().await.unwrap(), 2, "those that were replaced in March: one of each table");
    assert!(objects(&bucket, stray).await.is_empty() && data_files(&bucket, "messages").await == 3);
    drop((archive, today));
    let later = ground.try_open(Access::Existing, later()).await.unwrap();
    assert_eq!(later.sweep().await.unwrap(), 1, "the one that nobody came to commit");
    assert_eq!((data_files(&bucket, "messages").await, data_files(&bucket, "dead_letters").await), (2, 0));
    assert_eq!(rows(&later).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_a_dead_run_did_not_come_to_are_rebuilt_beside_others() {
    let ground = Ground::bucket(Shaky::new());
    let bucket = ground.bucket.clone().unwrap();
    let archive = ground.open().await;
    archive.publish(publication(&archive, wanted(0, 3)).unwrap(), Mode::New).await.unwrap();
    drop(archive);
    assert!(objects(&bucket, "tmp").await.is_empty(), "who ends well leaves no mark");
    for name in objects(&bucket, "hours").await {
        bucket.delete(&Path::from(name)).await.unwrap();
    }
    let other = ground.open().await;
    assert!(other.entries().await.unwrap().is_empty(), "there is nothing that says so");
    bucket.put(&Path::from("tmp/.tmpdead"), "".into()).await.unwrap();
    assert_eq!(ground.open().await.entries().await.unwrap()[&hour(0)].state, State::Done);
    assert_told(&other).await;
    assert_eq!(objects(&bucket, "tmp").await.len(), 1, "it may be a run that is still at work");
    drop(ground.try_open(Access::Existing, later()).await.unwrap());
    assert!(objects(&bucket, "tmp").await.is_empty(), "and after a day it is none");
}

/// Lets `run` die before each of its requests that changes something, on a copy of `before`, then runs it again.
async fn assert_may_die_anywhere(before: &Shaky, run: impl AsyncFn(&Archive) -> Result<(), Error>, least: i64) {
    let steady = Ground::bucket(before.copied());
    let archive = steady.open().await;
    run(&archive).await.unwrap();
    let expected = outcome(&archive).await;
    for steps in 0.. {
        let bucket = before.copied();
        let dying = Ground::bucket(bucket.with(Fault::DieAfter(steps)));
        if let Ok(archive) = dying.try_open(Access::Create, clock()).await {
            let ended = run(&archive).await;
            assert!(ended.is_ok() || dying.bucket.as_ref().unwrap().is_dead(), "change {steps}: {ended:?}");
        }
        let is_dead = dying.bucket.as_ref().unwrap().is_dead();
        let fresh = Ground::bucket(bucket);
        let archive = fresh.open().await;
        assert_told(&archive).await;
        run(&archive).await.unwrap();
        assert_told(&archive).await;
        assert_eq!(outcome(&archive).await, expected, "died at change {steps}");
        if !is_dead {
            assert!(steps > least, "only {steps} changes were tried");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_run_may_die_between_any_two_requests() {
    assert_may_die_anywhere(&Shaky::new(), start, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_run_and_a_compaction_may_die_between_any_two_requests() {
    let ground = Ground::bucket(Shaky::new());
    let archive = ground.open().await;
    for number in [0, 3, 0, 3, 0, 3, 0, 3] {
        let mode = in_place(&archive, hour(number)).await.unwrap();
        archive.publish(publication(&archive, wanted(number, 2)).unwrap(), mode).await.unwrap();
    }
    drop(archive);
    let run = async |archive: &Archive| {
        go_on(archive).await?;
        archive.compact(hour(0), compaction()).await.map(drop)
    };
    assert_may_die_anywhere(ground.bucket.as_ref().unwrap(), run, 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn served_bytes_are_old_or_new_whatever_request_was_the_last() {
    for steps in 0.. {
        let bucket = Shaky::new();
        let ground = Ground::bucket(bucket.clone());
        keep(&ground.open().await, &["o0", "o1"]).unwrap();
        let dying = Ground::bucket(bucket.with(Fault::DieAfter(steps)));
        let said = match dying.try_open(Access::Create, clock()).await {
            Ok(archive) => keep(&archive, &["n0", "n1"]),
            Err(error) => Err(error),
        };
        let found = kept(&ground.open().await).expect("one of the two is whole");
        assert!(found == ["n0", "n1"] || said.is_err() && found == ["o0", "o1"], "change {steps}: {said:?} {found:?}");
        if said.is_ok() {
            assert!(steps > 4, "only {steps} changes were tried");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_made_again_because_its_answer_was_lost_does_no_harm() {
    let expected = {
        let ground = Ground::bucket(Shaky::new());
        let archive = ground.open().await;
        start(&archive).await.unwrap();
        go_on(&archive).await.unwrap();
        outcome(&archive).await
    };
    let ground = Ground::bucket(Shaky::new().with(Fault::LostAnswers));
    let archive = ground.open().await;
    start(&archive).await.unwrap();
    let published = archive.publish(publication(&archive, wanted(30, 2)).unwrap(), Mode::New).await.unwrap();
    assert!(matches!(published, Published::Done(_)), "nobody else was there: {published:?}");
    go_on(&archive).await.unwrap();
    keep(&archive, &["one", "two"]).unwrap();
    keep(&archive, &["two"]).unwrap();
    assert_eq!(kept(&archive).unwrap(), ["two"]);
    let name = "nightly".parse().unwrap();
    for number in 0..3 {
        archive.keep_watermark(&name, &Watermark { number, ..Watermark::default() }).unwrap();
    }
    assert_told(&archive).await;
    let (rows, letters, entries) = outcome(&archive).await;
    let is_extra = |entry: &Entry| entry.hour == hour(30);
    let others: Vec<_> = entries.into_iter().filter(|entry| !is_extra(entry)).collect();
    assert_eq!((rows.len() - 2, letters, others), (expected.0.len(), expected.1, expected.2));
}
