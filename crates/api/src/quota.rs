//! Spaces the calls of each method.
//!
//! Calls are spread evenly: a bucket of ten that fills up over a minute would let almost twenty through in one minute,
//! and after a restart another ten. `governor` does the arithmetic, but cannot share it between processes or remember
//! it; hence this one, which keeps two times in a small file:
//!
//! ```text
//! annals-quota 1 1773480000000 1773480031000
//!                │             └ no call before this, in milliseconds since 1970: the service asked to be left alone
//!                └ the newest slot given out, in milliseconds since 1970
//! ```
//!
//! Where messages are counted (section 13.1), a slot is one message: a call of many takes as many, and goes out at the
//! first of them. See [`Pace`] for why no window ever holds more than the service allows.
//!
//! Invariants: slots are at least one interval apart; no time in the file is further ahead than [`AHEAD`]; one client has
//! at most one slot that is still to come, so a process that dies wastes at most one call. A file that says anything
//! else, because it is damaged or the machine's clock was wrong, is not believed: the last call is then taken to be
//! now, which costs one interval and breaks no rate.

mod each;
mod file;
mod pace;
mod slots;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat::Timestamp;
use tokio::time::Instant;

use crate::config::Clock;
use crate::error::Error;
pub(crate) use each::Quotas;
use file::Locking;
pub(crate) use pace::Pace;
use slots::{Slot, Slots};

/// How far ahead slots are given out, and how long the service can have itself left alone.
const AHEAD: Duration = Duration::from_secs(90);
/// Times further ahead than this are not believed: the clocks of two processes may differ a little, after a step of the
/// machine's. Together with one interval, the longest that a wrong file can make anyone wait.
const BELIEVABLE: Duration = Duration::from_secs(100);
/// How long to wait for a process that holds the file's lock. It is held for the blink of a write; whoever holds it
/// longer was stopped in the middle, and is not waited for.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Lets calls through, one at a time.
pub(crate) struct Quota {
    pace: Pace,
    clock: RunningClock,
    store: Store,
    /// Held while waiting for a slot: the callers of one client queue here, and reserve one after the other.
    queue: tokio::sync::Mutex<()>,
}

enum Store {
    Memory(Mutex<Slots>),
    File(PathBuf),
}

impl Quota {
    /// A quota of this pace, shared through a file or kept in memory.
    pub(crate) fn new(pace: Pace, file: Option<PathBuf>, clock: &Clock) -> Self {
        let store = file.map_or_else(|| Store::Memory(Mutex::default()), Store::File);
        let clock = RunningClock::new(Arc::clone(clock));
        Self { pace, clock, store, queue: tokio::sync::Mutex::new(()) }
    }

    /// Waits until a call with so many messages may be made; 1 where messages are not counted.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaFile`] when the file cannot be used.
    pub(crate) async fn take(&self, messages: u32) -> Result<(), Error> {
        let _turn = self.queue.lock().await;
        let (interval, count) = (self.pace.interval(), self.pace.slots(messages));
        loop {
            match self.change(move |slots, now| slots.reserve(now, interval, count)).await? {
                Slot::At(time) => {
                    self.sleep_until(time).await;
                    return Ok(());
                }
                Slot::AskAgain(time) => self.sleep_until(time).await,
            }
        }
    }

    /// Gives out no slot for a while, to anyone.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaFile`] when the file cannot be used.
    pub(crate) async fn hold_off(&self, pause: Duration) -> Result<(), Error> {
        self.change(move |slots, now| slots.hold_off(now, pause)).await
    }

    async fn sleep_until(&self, time: Timestamp) {
        tokio::time::sleep((time - self.clock.now()).to_std().unwrap_or_default()).await;
    }

    async fn change<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Slots, Timestamp) -> T + Copy + Send + 'static,
    ) -> Result<T, Error> {
        match &self.store {
            Store::Memory(slots) => {
                Ok(change(&mut slots.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now()))
            }
            Store::File(path) => self
                .change_file(path, change)
                .await
                .map_err(|error| Error::QuotaFile { path: path.clone(), source: Arc::new(error) }),
        }
    }

    async fn change_file<T: Send + 'static>(
        &self,
        path: &Path,
        change: impl Fn(&mut Slots, Timestamp) -> T + Copy + Send + 'static,
    ) -> io::Result<T> {
        let patient_until = Instant::now() + LOCK_PATIENCE;
        loop {
            let locking = if Instant::now() < patient_until { Locking::Required } else { Locking::Hopeless };
            let (path, now) = (path.to_owned(), self.clock.now());
            let changed =
                tokio::task::spawn_blocking(move || file::change(&path, locking, now, |slots| change(slots, now)));
            if let Some(outcome) = changed.await.map_err(io::Error::other)?? {
                return Ok(outcome);
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }
}

/// The caller's clock, made to run: where it stands still or is set back, the time since the start is counted on. The
/// spacing of calls is real even where the time of day is made up.
struct RunningClock {
    clock: Clock,
    started: (Timestamp, Instant),
}

impl RunningClock {
    fn new(clock: Clock) -> Self {
        let started = (clock(), Instant::now());
        Self { clock, started }
    }

    fn now(&self) -> Timestamp {
        let (time, instant) = self.started;
        (self.clock)().max(time + instant.elapsed())
    }
}

#[cfg(test)]
mod tests;
