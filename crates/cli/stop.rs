//! Stopping on Ctrl-C and SIGTERM.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::output::Output;

/// Whether somebody asked the program to stop.
///
/// A command that can end in an orderly way takes the [`token`](Self::token): the first signal then cancels it, the
/// second ends the program at once. For every other command the first signal ends the program at once. Neither
/// needs any cleaning up: a run that was killed is taken up by the next one.
///
/// A command that does one thing after the other takes a turn for each, [`Stop::turn`]: Ctrl-C then ends that, and the program
/// only if it is struck again before it did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    is_orderly: Arc<AtomicBool>,
    turn: Arc<Mutex<Option<CancellationToken>>>,
}

impl Stop {
    /// Listens for signals from now on, on a thread of its own, so that no work of ours can hold a signal up.
    ///
    /// # Errors
    ///
    /// When the operating system refuses the thread or the signal handlers.
    pub(crate) fn listening(output: &Output) -> io::Result<Self> {
        let stop = Self::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = runtime.block_on(async { Signals::new() })?;
        let (listener, output) = (stop.clone(), output.clone());
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                while listener.ends_turn(signals.next().await) {}
                listener.first_signal(&output);
                signals.next().await;
                end_at_once();
            });
        })?;
        Ok(stop)
    }

    /// The token that the first signal cancels. Taking it promises to look at it.
    #[must_use]
    pub(crate) fn token(&self) -> CancellationToken {
        self.is_orderly.store(true, Ordering::SeqCst);
        self.token.clone()
    }

    /// Takes the promise back: from now on a signal ends the program at once. Says whether one came before.
    #[must_use]
    pub(crate) fn give_back(&self) -> bool {
        self.is_orderly.store(false, Ordering::SeqCst);
        self.token.is_cancelled()
    }

    /// The token that Ctrl-C cancels in place of the program, until the next is taken.
    #[cfg(feature = "sql")]
    #[must_use]
    pub(crate) fn turn(&self) -> CancellationToken {
        let token = CancellationToken::new();
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        token
    }

    /// Whether a signal was for what is being done, which has not been told to end before.
    fn ends_turn(&self, signal: Signal) -> bool {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match turn.as_ref().filter(|turn| signal == Signal::Interrupt && !turn.is_cancelled()) {
            Some(turn) => {
                turn.cancel();
                true
            }
            None => false,
        }
    }

    fn first_signal(&self, output: &Output) {
        if !self.is_orderly.load(Ordering::SeqCst) {
            end_at_once();
        }
        output.note("stopping; once more ends it at once");
        self.token.cancel();
    }
}

#[expect(clippy::disallowed_methods, reason = "a second signal is obeyed whatever the other threads are doing")]
fn end_at_once() -> ! {
    std::process::exit(Exit::Interrupted.code().into())
}

/// What asks a program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    /// Ctrl-C.
    Interrupt,
    #[cfg(unix)]
    Terminate,
}

/// The signals that ask a program to stop.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.interrupt.recv() => Signal::Interrupt,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_cancels_the_token_that_was_taken() {
        let stop = Stop::default();
        let token = stop.token();
        assert!(!token.is_cancelled());
        stop.first_signal(&Output::silent());
        assert!(token.is_cancelled() && stop.give_back());
    }

    #[cfg(all(unix, feature = "sql"))]
    #[test]
    fn an_interrupt_ends_what_is_being_done_once() {
        let stop = Stop::default();
        assert!(!stop.ends_turn(Signal::Interrupt), "nothing is being done");
        let first = stop.turn();
        assert!(!stop.ends_turn(Signal::Terminate) && !first.is_cancelled());
        assert!(stop.ends_turn(Signal::Interrupt) && first.is_cancelled());
        assert!(!stop.ends_turn(Signal::Interrupt), "it did not end");
        let second = stop.turn();
        assert!(stop.ends_turn(Signal::Interrupt) && second.is_cancelled());
    }
}
