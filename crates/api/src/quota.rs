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

mod allowance;
mod each;
mod file;
mod pace;
mod shared;
mod slots;

use std::path::PathBuf;
use std::time::Duration;

use crate::config::Clock;
use crate::error::Error;
pub(crate) use allowance::Allowance;
pub(crate) use each::{BROADCASTS, Quotas};
pub(crate) use pace::Pace;
use shared::Shared;
use slots::{Slot, Slots};

/// How far ahead slots are given out, and how long the service can have itself left alone.
const AHEAD: Duration = Duration::from_secs(90);
/// Times further ahead than this are not believed: the clocks of two processes may differ a little, after a step of the
/// machine's. Together with one interval, the longest that a wrong file can make anyone wait.
const BELIEVABLE: Duration = Duration::from_secs(100);
/// By how much of a minute or a day one call may reach the service later than another, see [`crate::Rate`].
const LATE: Duration = Duration::from_secs(2);

/// Lets calls through, one at a time.
pub(crate) struct Quota {
    pace: Pace,
    shared: Shared<Slots>,
    /// Held while waiting for a slot: the callers of one client queue here, and reserve one after the other.
    queue: tokio::sync::Mutex<()>,
}

impl Quota {
    /// A quota of this pace, shared through a file or kept in memory.
    pub(crate) fn new(pace: Pace, file: Option<PathBuf>, clock: &Clock) -> Self {
        Self { pace, shared: Shared::new(file, clock), queue: tokio::sync::Mutex::new(()) }
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
            match self.shared.change(move |slots, now| slots.reserve(now, interval, count)).await? {
                Slot::At(time) => {
                    self.shared.sleep_until(time).await;
                    return Ok(());
                }
                Slot::AskAgain(time) => self.shared.sleep_until(time).await,
            }
        }
    }

    /// Gives out no slot for a while, to anyone.
    ///
    /// # Errors
    ///
    /// [`Error::QuotaFile`] when the file cannot be used.
    pub(crate) async fn hold_off(&self, pause: Duration) -> Result<(), Error> {
        self.shared.change(move |slots, now| slots.hold_off(now, pause)).await
    }
}

#[cfg(test)]
mod tests;
