//! Where the tests let the program die, or stop for a while.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex};

/// From the chosen step on, every change of the disk fails, as if the process had been killed there; or the chosen step
/// waits, as if the process had been stopped there.
#[derive(Debug)]
pub(crate) struct Faults {
    left: AtomicI64,
    kind: Mutex<io::ErrorKind>,
    gate: Mutex<Gate>,
    opened: Condvar,
}

#[derive(Debug)]
struct Gate {
    /// Steps to go until it closes.
    left: i64,
    is_closed: bool,
}

impl Default for Faults {
    fn default() -> Self {
        let gate = Mutex::new(Gate { left: i64::MAX, is_closed: false });
        Self { left: AtomicI64::new(i64::MAX), kind: Mutex::new(io::ErrorKind::Other), gate, opened: Condvar::new() }
    }
}

impl Faults {
    /// Lets this many more steps pass.
    pub(crate) fn die_after(&self, steps: i64) {
        self.left.store(steps, Ordering::SeqCst);
    }

    /// Refuses all steps from now on, for this reason.
    pub(crate) fn refuse(&self, kind: io::ErrorKind) {
        *self.kind.lock().unwrap() = kind;
        self.die_after(0);
    }

    /// Whether a step was refused.
    pub(crate) fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    /// Lets this many more steps pass, and the one after them wait.
    pub(crate) fn stop_after(&self, steps: i64) {
        self.gate.lock().unwrap().left = steps;
    }

    /// Whether a step waits.
    pub(crate) fn is_stopped(&self) -> bool {
        self.gate.lock().unwrap().is_closed
    }

    /// Lets all steps pass from now on.
    pub(crate) fn go_on(&self) {
        *self.gate.lock().unwrap() = Gate { left: i64::MAX, is_closed: false };
        self.opened.notify_all();
    }

    fn pass_the_gate(&self) {
        let mut gate = self.gate.lock().unwrap();
        gate.is_closed |= gate.left <= 0;
        gate.left -= 1;
        drop(self.opened.wait_while(gate, |gate| gate.is_closed).unwrap());
    }

    pub(crate) fn step(&self) -> io::Result<()> {
        self.pass_the_gate();
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        self.left.store(-1, Ordering::SeqCst);
        Err(io::Error::new(*self.kind.lock().unwrap(), "killed here"))
    }
}
