//! What is known of calls, in one client or, through a small file, in all processes of this machine.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chat::Timestamp;
use tokio::time::Instant;

use super::file::{self, Locking, Noted};
use crate::config::Clock;
use crate::error::Error;

/// How long to wait for a process that holds the file's lock. It is held for the blink of a write; whoever holds it
/// longer was stopped in the middle, and is not waited for.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Something that is noted of calls, and changed by one at a time.
pub(super) struct Shared<N> {
    clock: RunningClock,
    store: Store<N>,
}

enum Store<N> {
    Memory(Mutex<N>),
    File(PathBuf),
}

impl<N: Noted> Shared<N> {
    /// Shared through a file, or kept in memory.
    pub(super) fn new(file: Option<PathBuf>, clock: &Clock) -> Self {
        let store = file.map_or_else(|| Store::Memory(Mutex::default()), Store::File);
        Self { clock: RunningClock::new(Arc::clone(clock)), store }
    }

    pub(super) async fn sleep_until(&self, time: Timestamp) {
        tokio::time::sleep((time - self.clock.now()).to_std().unwrap_or_default()).await;
    }

    /// Changes what is noted.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaFile`] when the file cannot be used.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        change: impl Fn(&mut N, Timestamp) -> T + Clone + Send + 'static,
    ) -> Result<T, Error> {
        match &self.store {
            Store::Memory(noted) => {
                Ok(change(&mut noted.lock().unwrap_or_else(PoisonError::into_inner), self.clock.now()))
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
        change: impl Fn(&mut N, Timestamp) -> T + Clone + Send + 'static,
    ) -> io::Result<T> {
        let patient_until = Instant::now() + LOCK_PATIENCE;
        loop {
            let locking = if Instant::now() < patient_until { Locking::Required } else { Locking::Hopeless };
            let (path, now, change) = (path.to_owned(), self.clock.now(), change.clone());
            let changed =
                tokio::task::spawn_blocking(move || file::change(&path, locking, now, |noted| change(noted, now)));
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
