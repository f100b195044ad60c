use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use chat::Timestamp;
use tempfile::TempDir;
use tokio::time::Instant;

use super::shared::LOCK_PATIENCE;
use super::*;
use crate::config::Rate;

const MINUTE: Duration = Duration::from_secs(60);

/// A clock that runs with tokio's paused one.
fn clock() -> Clock {
    let start: Timestamp = "2026-03-14T09:00:00Z".parse().unwrap();
    let instant = Instant::now();
    Arc::new(move || start + instant.elapsed())
}

fn quota(clock: &Clock, file: Option<&Path>) -> Quota {
    Quota::new(Pace::of_history(Rate::default()), file.map(Path::to_owned), clock)
}

async fn calls(quota: &Quota, count: usize) -> Vec<Instant> {
    let mut times = Vec::new();
    for _ in 0..count {
        quota.take(1).await.unwrap();
        times.push(Instant::now());
    }
    times
}

/// No window of 60 seconds, its ends included, holds more than ten calls; and none is wasted.
#[track_caller]
fn assert_keeps_the_rate(times: &[Instant]) {
    assert!(times.is_sorted());
    for window in times.windows(11) {
        let span = window[10] - window[0];
        assert!(span > MINUTE, "{span:?}");
    }
    let (first, last) = (times[0], times[times.len() - 1]);
    let calls = u32::try_from(times.len()).unwrap();
    assert!(last - first < Duration::from_millis(6_210) * calls, "{:?}", last - first);
}

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn quota(&self) -> PathBuf {
        self.folder.path().join("quota")
    }
}

#[tokio::test(start_paused = true)]
async fn no_minute_holds_more_than_ten_calls() {
    let start = Instant::now();
    let times = calls(&quota(&clock(), None), 35).await;
    assert_eq!(times[0], start);
    assert_keeps_the_rate(&times);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stands_still_changes_nothing() {
    let time = clock()();
    let times = calls(&quota(&(Arc::new(move || time) as Clock), None), 35).await;
    assert_keeps_the_rate(&times);
}

#[tokio::test(start_paused = true)]
async fn a_restart_forgets_nothing() {
    let (files, clock) = (Files::new(), clock());
    let mut times = Vec::new();
    for count in [7, 1, 1, 9, 12] {
        times.extend(calls(&quota(&clock, Some(&files.quota())), count).await);
    }
    assert_keeps_the_rate(&times);
}

#[tokio::test(start_paused = true)]
async fn all_who_use_one_file_share_one_rate() {
    let (files, clock) = (Files::new(), clock());
    let quotas = [(); 3].map(|()| quota(&clock, Some(&files.quota())));
    let [one, two, three] = &quotas;
    let (one, two, three) = tokio::join!(calls(one, 12), calls(two, 12), calls(three, 12));
    let mut times = [one, two, three].concat();
    times.sort();
    assert_keeps_the_rate(&times);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_keeps_the_rate_too() {
    let (files, clock) = (Files::new(), clock());
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let quota = quota(&clock, Some(&files.quota()));
        crowd.spawn(async move { calls(&quota, 1).await });
    }
    let mut times = crowd.join_all().await.concat();
    times.sort();
    assert_eq!(times.len(), 40);
    // Who finds more than AHEAD given out comes back later; that may leave a gap, and must not break the rate.
    for window in times.windows(11) {
        assert!(window[10] - window[0] > MINUTE);
    }
}

#[tokio::test(start_paused = true)]
async fn callers_who_give_up_waste_one_call_at_most() {
    let quota = Arc::new(quota(&clock(), None));
    quota.take(1).await.unwrap();
    let start = Instant::now();
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let quota = Arc::clone(&quota);
        crowd.spawn(async move { quota.take(1).await });
    }
    tokio::task::yield_now().await;
    crowd.shutdown().await;
    quota.take(1).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(12_410), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_file_that_makes_no_sense_costs_one_interval() {
    let year_2099 = "annals-quota 1 4070908800000 4070908800000\n";
    for content in [
        "x",
        "\0\0\0\0",
        "annals-quota 1 ",
        "annals-quota 1 1773478800000\n",
        "annals-quota 1 17734788",
        "annals-quota 2 1 1\n",
        "annals-quota 1 9223372036854775807 0\n",
        "annals-quota 1 99999999999999999999 0\n",
        year_2099,
        &"annals-quota 1 1 1\n".repeat(1000),
    ] {
        let (files, clock) = (Files::new(), clock());
        fs::write(files.quota(), content).unwrap();
        let start = Instant::now();
        let times = calls(&quota(&clock, Some(&files.quota())), 12).await;
        assert_eq!((times[0] - start).as_secs(), 6, "{content:?}");
        assert_keeps_the_rate(&times);
        assert!(fs::read_to_string(files.quota()).unwrap().ends_with(" 0\n"), "{content:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_file_is_small_and_private() {
    let files = Files::new();
    calls(&quota(&clock(), Some(&files.quota())), 2).await;
    assert_eq!(fs::read_to_string(files.quota()).unwrap(), "annals-quota 1 1773478806200 0\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(files.quota()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_wants_to_be_left_alone_is_by_all() {
    let (files, clock) = (Files::new(), clock());
    let start = Instant::now();
    quota(&clock, Some(&files.quota())).hold_off(Duration::from_secs(45)).await.unwrap();
    let times = calls(&quota(&clock, Some(&files.quota())), 11).await;
    assert!(times[0] - start >= Duration::from_secs(45));
    assert_keeps_the_rate(&times);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_never_given_back_is_not_waited_for_for_ever() {
    let (files, clock) = (Files::new(), clock());
    let stuck = File::create(files.quota()).unwrap();
    stuck.lock().unwrap();
    let start = Instant::now();
    calls(&quota(&clock, Some(&files.quota())), 1).await;
    assert!((LOCK_PATIENCE..2 * LOCK_PATIENCE).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named() {
    let files = Files::new();
    let path = files.folder.path().join("missing").join("quota");
    let error = quota(&clock(), Some(&path)).take(1).await.unwrap_err();
    assert!(matches!(error, Error::QuotaFile { .. }));
    assert_eq!(error.advice(), crate::Advice::FixTheSettings);
    assert!(error.to_string().contains("missing"), "{error}");
}
