//! What a run came to.

use std::collections::BTreeMap;

use chat::{Hour, State, Tally};

/// The numbers of a run of fetch or load.
#[derive(Debug, Default)]
pub struct Report {
    /// The state of every hour of the range, as the run left it.
    pub states: BTreeMap<Hour, State>,
    /// The lines of all `done` hours of the range, whichever run archived them.
    pub tally: Tally,
    /// How often this run asked the service for an hour.
    pub asked: u64,
    /// Hours that this run published.
    pub published: u64,
    /// Hours among them that were archived before, and whose file had changed since.
    pub grown: u64,
    /// The lines of the hours that this run published.
    pub new: Tally,
    /// Messages among these with addresses that name an app (`org#app_name`), while it is not known which app's they are: these
    /// are kept as they stand.
    pub decorated: u64,
    /// Bytes that this run took in: downloaded, or read from the files given.
    pub bytes: u64,
    /// What went wrong, the oldest hour first.
    pub failures: Vec<Failure>,
    /// Why the run ended before all hours had their turn.
    pub cut_short: Option<CutShort>,
    /// Hours of which this run learned that the service no longer has them.
    pub newly_lost: u64,
    /// Hours that failed one after the other, up to now, for want of the service.
    pub(crate) in_a_row: u32,
    /// Whether the service answered for an hour.
    pub(crate) is_heard: bool,
}

/// An hour that could not be archived.
#[derive(Debug)]
pub struct Failure {
    /// The hour.
    pub hour: Hour,
    /// Why.
    pub error: crate::Error,
}

/// Why a run ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutShort {
    /// The service refuses this app or token, or cannot be reached, or the archive cannot be used: no other hour would
    /// fare better. One of [`Report::failures`] says which, see [`crate::Error::is_hopeless`] and
    /// [`crate::Error::is_refusal`].
    Hopeless,
    /// It was told to stop.
    Interrupted,
}

impl Report {
    /// How many hours of the range are in this state.
    #[must_use]
    pub fn count(&self, state: State) -> u64 {
        self.states.values().filter(|known| **known == state).count() as u64
    }
}
