//! Sixty days of nightly runs against a service that is late, grows, forgets and fails: nothing is lost without being
//! reported, and no call is in vain.
//!
//! A seed draws a world: what is said, when its files appear and how they change, when the job runs, what goes wrong. Time
//! is injected, so nothing waits. `ANNALS_TEST_SEED=17 cargo test -p annals-ingest --test simulation` repeats one seed.
//!
//! A seed costs some seconds: a plain `cargo test` runs a few, and `just simulation`, which CI runs too, all two hundred.

mod dice;
mod nights;
mod station;
mod truth;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use emulator::Logged;
use ingest::{Coverage, Settled, Workshop};

use crate::nights::{Night, Service, Trouble};
use crate::station::Station;
use crate::truth::{Run, Truth, WARNING};
use crate::world::World;

/// Seeds of a plain run; `ANNALS_TEST_SEEDS` asks for more. Every seed has a world of its own.
const SEEDS: u64 = 2;
/// Opening an archive and building a client cost more than a night does, so a process lives for some nights here.
const REOPENED: usize = 20;
/// Every so many nights the job runs twice.
const TWICE: usize = 7;

#[test]
fn sixty_days_of_nights_lose_nothing_without_saying_so() {
    let seeds = number("ANNALS_TEST_SEEDS").unwrap_or(SEEDS);
    each(0..seeds, simulate);
}

async fn simulate(seed: u64) {
    let folder = folder();
    let mut world = World::draw(seed, folder.path().join("files"));
    let service = Service::draw(seed);
    let clock = emulator::Clock::fixed(world.first.start());
    let station = Station::open(world.folder(), folder.path().to_owned(), service, clock, seed % 20 == 7).await;
    let mut truth = Truth::default();
    let mut workshop = station.workshop().await;
    for (number, (now, night)) in nights::draw(seed, world.first).into_iter().enumerate() {
        let (is_lost, trouble) = match night {
            Night::Off => continue,
            Night::Unreachable => (true, Trouble::All),
            Night::Served(faults, trouble) => {
                station.service.set_faults(faults);
                (false, trouble)
            }
        };
        world.show(now, service.retention);
        station.clock.set(now);
        let before = match trouble {
            Trouble::Stop(turns) => {
                Some(run_until(&station, std::mem::replace(&mut workshop, station.workshop().await), turns).await)
            }
            _ => None,
        };
        let mut last = run(&station, &workshop, trouble, is_lost).await;
        if let Some(before) = before {
            last.follow(before);
        }
        truth.learn(&world, &last);
        if number % TWICE == 0 && trouble == Trouble::None {
            // What is settled is not asked for again in the same night.
            last = run(&station, &workshop, trouble, is_lost).await;
            truth.learn(&world, &last);
        }
        if number % REOPENED == REOPENED - 1 {
            // What the next process finds.
            workshop = station.workshop().await;
            assert_eq!(workshop.archive.entries().await.expect("the ledger can be read"), last.after);
            truth.hold(&world, &last.after, station::rows(&workshop.archive).await);
            truth.judge(&last);
        }
    }
    let whole = world.first..world.first.plus(24 * (world::DAYS + 10));
    let verified = workshop.verify(whole, ingest::Proof::RoundTrip).await.expect("the archive can be read");
    assert_eq!(verified.findings, []);
}

/// A run that is told to stop when some hours had their turn.
async fn run_until(station: &Station, workshop: Workshop, turns: u64) -> Run {
    let turns_left = AtomicU64::new(turns);
    let stop = workshop.stop.clone();
    let count = |_, _| {
        if turns_left.fetch_sub(1, Ordering::Relaxed) == 0 {
            stop.cancel();
        }
    };
    run_and_count(station, &workshop, Trouble::Stop(turns), &station.client, &count).await
}

/// One night.
async fn run(station: &Station, workshop: &Workshop, trouble: Trouble, is_lost: bool) -> Run {
    let client = if is_lost { &station.lost_client } else { &station.client };
    run_and_count(station, workshop, trouble, client, &|_, _| ()).await
}

async fn run_and_count(
    station: &Station,
    workshop: &Workshop,
    trouble: Trouble,
    client: &api::Client,
    progress: ingest::Progress<'_>,
) -> Run {
    let before = workshop.archive.entries().await.expect("the ledger can be read");
    let range = workshop.due().await.expect("the ledger can be read");
    let plan = workshop.plan(range, Settled::Keep).await.expect("the archive can be read");
    drop(station.service.take_log());
    let report = workshop.fetch(client, range, Settled::Keep, progress).await.expect("the archive can be used");
    let after = workshop.archive.entries().await.expect("the ledger can be read");
    // The token of the last night has expired: the first calls are told so, and it is renewed.
    let is_old_token = |logged: &Logged| logged.status == Some(401) && logged.fault.is_none();
    let log = station.service.take_log().into_iter().filter(|logged| !is_old_token(logged)).collect();
    let coverage = Coverage::of(&after, range, &workshop.settings.habits, (workshop.clock)(), WARNING);
    Run { now: (workshop.clock)(), range, trouble, before, plan, log, report, after, coverage }
}

/// A folder in memory where there is one: what is written here survives no power failure, and need not.
fn folder() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("annals-simulation-").tempdir_in(place).expect("the folder can be written")
}

/// Runs every seed, or the one of the environment, on some threads, and says which failed.
fn each<F: Future<Output = ()>>(seeds: std::ops::Range<u64>, simulate: impl Fn(u64) -> F + Sync) {
    let seeds = number("ANNALS_TEST_SEED").map_or(seeds, |seed| seed..seed + 1);
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    // More than cores: a call that waits for its turn waits for a tick of the clock.
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    let runtime = runtime.expect("a runtime can be built");
                    if catch_unwind(AssertUnwindSafe(|| runtime.block_on(simulate(seed)))).is_err() {
                        failed.lock().expect("nobody panics with it").push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics with it");
    assert!(failed.is_empty(), "seeds {failed:?} failed; ANNALS_TEST_SEED=… repeats one");
}

const THREADS: usize = 4;

/// A number in the environment.
#[expect(clippy::disallowed_methods, reason = "not the program asks, but who tests it")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}
