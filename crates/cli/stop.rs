//! Stopping on Ctrl-C and SIGTERM.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{io, thread};

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::output::Output;

/// Whether somebody asked the program to stop.
///
/// A command that can end in an orderly way takes the [`token`](Self::token): the first signal then cancels it, the
/// second ends the program at once. For every other command the first signal ends the program at once. Neither
/// needs any cleaning up: a run that was killed is taken up by the next one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    is_orderly: Arc<AtomicBool>,
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
                signals.next().await;
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

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
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
}
