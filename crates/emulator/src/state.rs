//! What the running service knows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat::{App, Hour, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::faults::{Call, Fault, Faults, Injector, Shape};
use crate::links::Signer;
use crate::log::Log;
use crate::options::{Options, UrlForm};
use crate::parts::Source;
use crate::rate::{Counted, Limit, Rates};
use crate::talk::Talk;
use crate::token::Issuer;

/// Requests by what they were for, whatever came of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// Calls for a token.
    pub tokens: u64,
    /// Calls for the links of an hour.
    pub links: u64,
    /// Of these, calls that were over the rate.
    pub over_rate: u64,
    /// Requests for a file.
    pub files: u64,
    /// Calls of the other documented methods.
    pub methods: u64,
    /// Requests for anything else.
    pub others: u64,
}

/// What the running service knows. Locks are never held across a wait for anything but the disk.
pub(crate) struct State {
    options: Options,
    source: Source,
    /// `http://127.0.0.1:port`.
    origin: String,
    calls: Mutex<Calls>,
    injector: Mutex<Injector>,
    rates: Mutex<Rates>,
    talk: Arc<Mutex<Talk>>,
    log: Log,
}

impl State {
    pub(crate) fn new(options: Options, talk: Arc<Mutex<Talk>>, source: Source, origin: String) -> Self {
        let injector = Mutex::new(Injector::new(options.faults.clone()));
        Self {
            options,
            source,
            origin,
            calls: Mutex::default(),
            injector,
            rates: Mutex::default(),
            talk,
            log: Log::default(),
        }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// How long ago the hour ended; `None` when it has not.
    pub(crate) fn age(&self, hour: Hour) -> Option<Duration> {
        (self.now() - hour.end()).to_std().ok()
    }

    /// Whether the hour is past its retention.
    pub(crate) fn is_expired(&self, hour: Hour) -> bool {
        self.age(hour).is_some_and(|age| age >= self.options.retention)
    }

    /// `http://127.0.0.1:port/{org}/{app}` or `…/app-id/{app_id}`.
    pub(crate) fn base_url(&self, form: UrlForm) -> String {
        let (first, second) = match form {
            UrlForm::AppId => (APP_ID, self.options.credentials.app_id.as_str()),
            UrlForm::OrgApp => (self.options.app.org(), self.options.app.name()),
        };
        format!("{}/{}/{}", self.origin, encoded(first), encoded(second))
    }

    /// The form of URL that names this service's app by these two segments; `None` when they name another.
    pub(crate) fn form_of(&self, first: &str, second: &str) -> Option<UrlForm> {
        let app = &self.options.app;
        if first == app.org() && second == app.name() {
            Some(UrlForm::OrgApp)
        } else {
            (first == APP_ID && second == self.options.credentials.app_id).then_some(UrlForm::AppId)
        }
    }

    pub(crate) fn issuer(&self) -> Issuer<'_> {
        Issuer::new(&self.options.app, &self.options.credentials)
    }

    pub(crate) fn foreign_issuer(&self) -> Issuer<'_> {
        static OTHER: std::sync::LazyLock<App> = std::sync::LazyLock::new(|| App::new("another-org", "another-app"));
        Issuer::new(&OTHER, &self.options.credentials)
    }

    pub(crate) fn signer(&self) -> Signer<'_> {
        Signer::new(&self.options)
    }

    /// Whether one more call for a link is within the rate; if it is, it counts.
    pub(crate) fn within_rate(&self) -> bool {
        let Some(rate) = self.options.rate_per_minute else { return true };
        let within = self.admits(&Counted::Calls("history"), &[Limit::a_minute(rate)], 1);
        if !within {
            locked(&self.calls).over_rate += 1;
        }
        within
    }

    /// Whether this much more is within the limits; if it is, it counts. A service without a rate counts nothing.
    pub(crate) fn admits(&self, counted: &Counted, limits: &[Limit], weight: u32) -> bool {
        self.options.rate_per_minute.is_none() || locked(&self.rates).admit(self.now(), counted, limits, weight)
    }

    /// What was said. The lock is held while a change is written down.
    pub(crate) fn talk(&self) -> MutexGuard<'_, Talk> {
        locked(&self.talk)
    }

    pub(crate) fn calls(&self) -> Calls {
        *locked(&self.calls)
    }

    pub(crate) fn count(&self, what: impl FnOnce(&mut Calls) -> &mut u64) {
        *what(&mut locked(&self.calls)) += 1;
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *locked(&self.injector) = Injector::new(faults);
    }

    pub(crate) fn next_fault(&self, hour: Hour, call: Call) -> Option<Fault> {
        locked(&self.injector).next(hour, call)
    }

    pub(crate) fn shape(&self, hour: Hour) -> Shape {
        locked(&self.injector).shape(hour)
    }
}

/// The first segment of the form that names an app by its App ID.
const APP_ID: &str = "app-id";

/// A segment of a path: everything but the unreserved characters of RFC 3986 is encoded.
pub(crate) fn encoded(segment: &str) -> impl std::fmt::Display + '_ {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(segment, RESERVED)
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every statement leaves the value whole, so a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
