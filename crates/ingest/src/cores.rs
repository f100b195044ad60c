//! The threads on which hours are decoded.

use std::num::NonZero;
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::raw::on_a_thread;

/// As many threads as hours may be decoded at the same time, and no others.
///
/// An allocator keeps what a thread has freed for that thread. Were hours decoded wherever a thread is free that may wait for
/// the disk, each of these would have decoded one before long, and hold the memory of it: with 24 hours on two cores three
/// times as much as two hours need.
pub(crate) struct Cores {
    free: Semaphore,
    threads: Arc<ThreadPool>,
}

impl Cores {
    /// # Errors
    ///
    /// [`Error::Cores`] when the system gives no more threads.
    pub(crate) fn new(count: NonZero<usize>) -> Result<Self, Error> {
        let builder =
            ThreadPoolBuilder::new().num_threads(count.get()).thread_name(|number| format!("decode-{number}"));
        let threads = builder.build().map_err(|source| Error::Cores { source })?;
        Ok(Self { free: Semaphore::new(count.get()), threads: Arc::new(threads) })
    }

    /// Runs what takes a core, when one is free. Within, the runtime of the caller is the current one.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _core = self.free.acquire().await.expect("the semaphore is never closed");
        let (caller, threads) = (Handle::current(), Arc::clone(&self.threads));
        // The thread that waits here holds nothing, and a panic comes back to it.
        let on_a_core = move || {
            let _inside = caller.enter();
            work()
        };
        on_a_thread(move || threads.install(on_a_core)).await
    }
}
