//! What was asked for, and what became of it.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use chat::{Hour, Part, Timestamp};

use crate::faults::Fault;

/// A request that named an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logged {
    /// When it arrived, by the service's clock.
    pub at: Timestamp,
    /// The hour.
    pub hour: Hour,
    /// What of the hour was asked for.
    pub request: Request,
    /// The status of the answer; `None` when there was none: the client had gone, or waited in vain.
    pub status: Option<u16>,
    /// What went wrong, on purpose.
    pub fault: Option<Fault>,
}

/// What a request that named an hour asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// The links to its files.
    Links {
        /// Whether it was one call too many.
        over_rate: bool,
        /// How many links the answer held.
        links: Part,
    },
    /// One of its files.
    File {
        /// Which one.
        part: Part,
        /// Whether the answer held all of the file, undamaged.
        whole: bool,
    },
}

impl Logged {
    /// Whether the service was asked for the hour, as opposed to the store for a file of it.
    #[must_use]
    pub fn is_call(&self) -> bool {
        matches!(self.request, Request::Links { .. })
    }

    /// How many links were served that lead to the files, if they were.
    #[must_use]
    pub fn sound_links(&self) -> Option<Part> {
        match self.request {
            Request::Links { links, .. } if self.status == Some(200) && self.fault.is_none() => Some(links),
            _ => None,
        }
    }

    /// The part that was served whole, if one was.
    #[must_use]
    pub fn whole_part(&self) -> Option<Part> {
        match self.request {
            Request::File { part, whole: true } => Some(part),
            _ => None,
        }
    }
}

/// The last requests, in the order in which they ended.
#[derive(Debug, Default)]
pub(crate) struct Log {
    requests: Mutex<VecDeque<Logged>>,
}

/// Requests that are remembered.
const REMEMBERED: usize = 1 << 16;

impl Log {
    /// Opens the entry of a request that has just arrived.
    pub(crate) fn open(&self, at: Timestamp, hour: Hour, request: Request) -> Open<'_> {
        Open { log: self, logged: Logged { at, hour, request, status: None, fault: None } }
    }

    /// All requests, the oldest first.
    pub(crate) fn all(&self) -> Vec<Logged> {
        self.requests().iter().copied().collect()
    }

    /// All requests since this was last called.
    pub(crate) fn take(&self) -> Vec<Logged> {
        mem::take(&mut *self.requests()).into()
    }

    fn requests(&self) -> MutexGuard<'_, VecDeque<Logged>> {
        // The list is whole after every statement, so a panic elsewhere leaves it usable.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is being answered. It stands in the log as soon as this is dropped: one that never gets an answer, when
/// the client has lost patience.
#[derive(Debug)]
pub(crate) struct Open<'a> {
    log: &'a Log,
    logged: Logged,
}

impl Open<'_> {
    pub(crate) fn over_rate(&mut self) {
        self.logged.request = Request::Links { over_rate: true, links: 0 };
    }

    pub(crate) fn holds(&mut self, links: Part) {
        self.logged.request = Request::Links { over_rate: false, links };
    }

    pub(crate) fn meets(&mut self, fault: Option<Fault>) {
        self.logged.fault = fault;
    }

    /// The answer to a call for links. One that is reset goes nowhere, whatever it would have said.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        let is_reset = matches!(self.logged.fault, Some(Fault::Reset | Fault::FileReset));
        self.logged.status = (!is_reset).then_some(status.as_u16());
    }

    /// The answer to a request for a file.
    pub(crate) fn served(&mut self, status: StatusCode) {
        self.answered(status);
        if let Request::File { whole, .. } = &mut self.logged.request {
            *whole = self.logged.fault.is_none() && status == StatusCode::OK;
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut requests = self.log.requests();
        if requests.len() == REMEMBERED {
            requests.pop_front();
        }
        requests.push_back(self.logged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(number: i64) -> Hour {
        Hour::from_number(number)
    }

    #[test]
    fn the_oldest_requests_are_forgotten_first() {
        let log = Log::default();
        let calls = i64::try_from(REMEMBERED).unwrap() + 5;
        for number in 0..calls {
            drop(log.open(Timestamp::UNIX_EPOCH, hour(number), Request::Links { over_rate: false, links: 0 }));
        }
        let all = log.all();
        assert_eq!((all.len(), all[0].hour, all[all.len() - 1].hour), (REMEMBERED, hour(5), hour(calls - 1)));
        assert_eq!(log.take(), all);
        assert!(log.all().is_empty());
    }

    #[test]
    fn a_damaged_file_is_not_whole() {
        let log = Log::default();
        for fault in [None, Some(Fault::CutBody), Some(Fault::FileReset)] {
            let mut open = log.open(Timestamp::UNIX_EPOCH, hour(0), Request::File { part: 2, whole: false });
            open.meets(fault);
            open.served(StatusCode::OK);
        }
        let all = log.all();
        assert_eq!(all.iter().map(Logged::whole_part).collect::<Vec<_>>(), [Some(2), None, None]);
        assert_eq!(all.iter().map(|logged| logged.status).collect::<Vec<_>>(), [Some(200), Some(200), None]);
    }
}
