//! Where the tests let the program die.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};

/// From the chosen step on, every change of the disk fails, as if the process had been killed there.
#[derive(Debug)]
pub(crate) struct Faults {
    left: AtomicI64,
}

impl Default for Faults {
    fn default() -> Self {
        Self { left: AtomicI64::new(i64::MAX) }
    }
}

impl Faults {
    /// Lets this many more steps pass.
    pub(crate) fn die_after(&self, steps: i64) {
        self.left.store(steps, Ordering::SeqCst);
    }

    /// Whether a step was refused.
    pub(crate) fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    pub(crate) fn step(&self) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        self.left.store(-1, Ordering::SeqCst);
        Err(io::Error::other("killed here"))
    }
}
