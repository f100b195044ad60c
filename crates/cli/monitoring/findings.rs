//! What a command learned in its run and machines are told.

use std::sync::{Arc, Mutex, PoisonError};

use chat::Tally;
use ingest::Report;

/// Collects what a command finds. Cheap to clone; all clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings(Arc<Mutex<Found>>);

/// What was found so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// The numbers of the run; `None` when it did not come so far.
    pub(crate) numbers: Option<Numbers>,
    /// How it ended, in a sentence.
    pub(crate) verdict: Option<String>,
    /// What went wrong first, each in one line.
    pub(crate) failures: Vec<String>,
}

/// The numbers of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// How often the service was asked for an hour.
    pub(crate) calls: u64,
    /// Hours that were published.
    pub(crate) hours_published: u64,
    /// Hours among them that were archived before.
    pub(crate) hours_grown: u64,
    /// Hours that could not be archived.
    pub(crate) hours_failed: u64,
    /// Hours of which the run learned that the service no longer has them.
    pub(crate) hours_newly_lost: u64,
    /// Bytes that were downloaded or read.
    pub(crate) bytes: u64,
    /// The lines of the hours that were published.
    pub(crate) lines: Tally,
}

impl Findings {
    /// Takes note of what a run came to.
    pub(crate) fn note_report(&self, report: &Report) {
        self.with(|found| {
            found.numbers = Some(Numbers {
                calls: report.asked,
                hours_published: report.published,
                hours_grown: report.grown,
                hours_failed: report.failures.len() as u64,
                hours_newly_lost: report.newly_lost,
                bytes: report.bytes,
                lines: report.new,
            });
        });
    }

    /// Takes note of how it ended, in a sentence without secrets.
    pub(crate) fn note_verdict(&self, sentence: impl Into<String>) {
        self.with(|found| found.verdict = Some(sentence.into()));
    }

    /// Takes note of something that went wrong, in a line without secrets.
    pub(crate) fn note_failure(&self, line: String) {
        self.with(|found| found.failures.push(line));
    }

    /// What was found so far.
    #[must_use]
    pub(crate) fn found(&self) -> Found {
        self.with(|found| found.clone())
    }

    /// A command that broke off leaves what it had found.
    fn with<T>(&self, look: impl FnOnce(&mut Found) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
