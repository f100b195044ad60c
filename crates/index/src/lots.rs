//! Work that is shared out among the cores.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread;

/// How many cores there are. Asking the system takes as long as a small search.
pub(crate) fn cores() -> usize {
    static CORES: LazyLock<usize> = LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get));
    *CORES
}

/// Works on each lot, on a thread of its own if there are several, and gives what came of them in their order.
pub(crate) fn on_each<L: Send, T: Send>(mut lots: Vec<L>, work: impl Fn(L) -> T + Sync) -> Vec<T> {
    let mine = lots.pop();
    thread::scope(|scope| {
        let others: Vec<_> = lots.into_iter().map(|lot| scope.spawn(|| work(lot))).collect();
        let mine = mine.map(&work);
        let others = others.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        others.chain(mine).collect()
    })
}
