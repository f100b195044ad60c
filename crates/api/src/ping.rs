//! Telling a watchdog how a run goes, in the manner of healthchecks.io: an address that is called at the start and at the
//! end of each run, and that raises an alarm when a call stays out.

use std::fmt;
use std::time::Duration;

use chat::Secret;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, redirect};
use url::Url;

use crate::config::Retries;
use crate::error::Error;
use crate::http::{place, unsent};
use crate::reach::is_loopback;
use crate::retry::Patience;

/// The longest text that is sent along, in bytes; what is longer is cut.
const BODY: usize = 10_000;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Few and quick: the program that pings is waited for.
const RETRIES: Retries = Retries {
    attempts: 3,
    connects: 3,
    first_pause: Duration::from_millis(250),
    longest_pause: Duration::from_secs(1),
    longest_wait: Duration::from_secs(2),
};

/// The address of a watchdog. It is as good as a password for whoever knows it: no text of this type shows more than
/// the host.
#[derive(Clone)]
pub struct Ping {
    http: Client,
    url: Url,
}

/// What the watchdog is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A run begins: `/start` is added to the path.
    Start,
    /// It did what it should: the address as it is.
    Success,
    /// It did not: `/fail` is added to the path.
    Failure,
}

impl Ping {
    /// A watchdog at this address. A query stays behind whatever is added to the path.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] when the text is no address that begins with http:// or https://.
    pub fn new(address: &Secret) -> Result<Self, Error> {
        let settings = |what: &str| Error::Settings { what: what.to_owned() };
        let url: Url = address.reveal().trim().parse().map_err(|_| settings("the address to ping is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(settings("the address to ping begins with http:// or https://"));
        }
        let builder = Client::builder()
            .user_agent(concat!("annals/", env!("CARGO_PKG_VERSION")))
            .referer(false)
            .redirect(redirect::Policy::limited(3));
        // A proxy cannot reach what runs on this machine.
        let builder = if is_loopback(&url) { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|_| settings("the system's certificates cannot be used"))?;
        Ok(Self { http, url })
    }

    /// Host and port, for people.
    #[must_use]
    pub fn host(&self) -> String {
        place(&self.url)
    }

    /// Tells the watchdog, with a text for the person whom it wakes. What passes is tried again, all within `limit`.
    ///
    /// # Errors
    ///
    /// When the watchdog was not reached in time or did not want to hear it. No text holds the address.
    pub async fn send(&self, signal: Signal, text: &str, limit: Duration) -> Result<(), Error> {
        let late = || Error::TimedOut { host: self.host(), what: "an answer from", limit };
        tokio::time::timeout(limit, self.try_until_heard(signal, text)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn try_until_heard(&self, signal: Signal, text: &str) -> Result<(), Error> {
        let (url, text) = (self.url_for(signal), text.split_at(text.floor_char_boundary(BODY)).0);
        let mut patience = Patience::new(&RETRIES);
        loop {
            match self.post(&url, text).await {
                Ok(()) => return Ok(()),
                Err(error) => patience.rest(error).await?,
            }
        }
    }

    async fn post(&self, url: &Url, text: &str) -> Result<(), Error> {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        let request = self.http.post(url.clone()).timeout(ATTEMPT).header(CONTENT_TYPE, plain).body(text.to_owned());
        let status = request.send().await.map_err(|error| unsent(&self.host(), error))?.status();
        match status.as_u16() {
            200..=299 => Ok(()),
            429 | 500..=599 => {
                Err(Error::ServiceFault { host: self.host(), status: status.as_u16(), retry_after: None, said: None })
            }
            status => Err(Error::Unexpected { status, said: None }),
        }
    }

    fn url_for(&self, signal: Signal) -> Url {
        let mut url = self.url.clone();
        let word = match signal {
            Signal::Start => "start",
            Signal::Success => return url,
            Signal::Failure => "fail",
        };
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(word);
        }
        url
    }
}

impl fmt::Debug for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ping({})", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_for(address: &str, signal: Signal) -> String {
        Ping::new(&Secret::new(address)).unwrap().url_for(signal).to_string()
    }

    #[test]
    fn the_signal_is_added_to_the_path_and_the_query_stays() {
        for (address, start, success) in [
            ("https://hc.example/5e7a", "https://hc.example/5e7a/start", "https://hc.example/5e7a"),
            ("https://hc.example/5e7a/", "https://hc.example/5e7a/start", "https://hc.example/5e7a/"),
            (
                "https://hc.example/p/k?create=1",
                "https://hc.example/p/k/start?create=1",
                "https://hc.example/p/k?create=1",
            ),
            (" https://hc.example \n", "https://hc.example/start", "https://hc.example/"),
        ] {
            assert_eq!(url_for(address, Signal::Start), start);
            assert_eq!(url_for(address, Signal::Success), success);
            assert_eq!(url_for(address, Signal::Failure), start.replace("/start", "/fail"));
        }
    }

    #[test]
    fn no_text_shows_the_address() {
        let ping = Ping::new(&Secret::new("https://user:word@hc.example:8443/5e7a?key=k")).unwrap();
        assert_eq!(format!("{ping:?}"), "Ping(hc.example:8443)");
        for address in ["5e7a-secret", "ftp://hc.example/5e7a-secret", "mailto:5e7a-secret"] {
            let error = Ping::new(&Secret::new(address)).unwrap_err().to_string();
            assert!(!error.contains("5e7a") && error.starts_with("the address to ping "), "{error}");
        }
    }
}
