//! The two HTTP clients: one that talks to the service with a token, one that fetches files and never has any.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chat::Secret;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response};
use url::Url;

use crate::answer::Answer;
use crate::config::{Clock, Config, Limits, Timeouts};
use crate::error::{Cause, Error, Obstacle};
use crate::link::Link;
use crate::reach::{NotPublic, Resolver, is_loopback, may_redirect};

pub(crate) struct Http {
    service: Client,
    /// Carries a token too, and follows no redirect by itself.
    still: Client,
    /// Follows no redirect by itself either: an error of reqwest would not tell which of the hosts it is of.
    files: Client,
    /// Follows no redirect by itself, and connects to where [`crate::Outside`] allows.
    outside: Client,
    pub(crate) clock: Clock,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    /// Whether the service is on this machine.
    is_here: bool,
}

impl Http {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let most = config.limits.redirects;
        let same_place = Policy::custom(move |attempt| follow(attempt, most, is_same_place));
        let allow_private = config.outside.allow_private;
        Ok(Self {
            service: built(plain(config).redirect(same_place))?,
            still: built(plain(config).redirect(Policy::none()))?,
            files: built(plain(config).redirect(Policy::none()))?,
            outside: built(plain(config).redirect(Policy::none()).dns_resolver(Arc::new(Resolver { allow_private })))?,
            clock: Arc::clone(&config.clock),
            timeouts: config.timeouts,
            limits: config.limits,
            is_here: is_loopback(&config.base_url),
        })
    }

    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.service.get(url).header(ACCEPT, "application/json")
    }

    pub(crate) fn post(&self, url: Url, body: &impl serde::Serialize) -> RequestBuilder {
        self.service.post(url).header(ACCEPT, "application/json").json(body)
    }

    /// A request that changes something, with a body of JSON.
    pub(crate) fn change(&self, verb: Method, url: Url) -> RequestBuilder {
        self.still.request(verb, url).header(ACCEPT, "application/json").header(CONTENT_TYPE, "application/json")
    }

    /// A request without any header, which follows no redirect.
    pub(crate) fn still(&self, verb: Method, url: Url) -> RequestBuilder {
        self.still.request(verb, url)
    }

    /// A request for a file that is not at the service, without any header; it follows no redirect.
    pub(crate) fn outside(&self, url: Url) -> RequestBuilder {
        self.outside.get(url)
    }

    /// Sends a request to the service and takes in the whole answer.
    ///
    /// `hidden` is the secret in the request.
    pub(crate) async fn ask(&self, url: &Url, request: RequestBuilder, hidden: &Secret) -> Result<Answer, Error> {
        self.ask_within(self.timeouts.head, url, request, vec![hidden.clone()]).await
    }

    /// The same in so much time, and with several secrets in the request.
    pub(crate) async fn ask_within(
        &self,
        limit: Duration,
        url: &Url,
        request: RequestBuilder,
        hidden: Vec<Secret>,
    ) -> Result<Answer, Error> {
        let host = place(url);
        tokio::time::timeout(limit, self.exchange(&host, request, hidden))
            .await
            .unwrap_or_else(|_| Err(Error::TimedOut { host: host.clone(), what: "an answer from", limit }))
    }

    async fn exchange(&self, host: &str, request: RequestBuilder, hidden: Vec<Secret>) -> Result<Answer, Error> {
        let response = request.send().await.map_err(|error| unsent(host, error))?;
        self.whole(host, response, hidden).await
    }

    /// Takes in the whole of an answer of the service.
    pub(crate) async fn whole(&self, host: &str, mut response: Response, hidden: Vec<Secret>) -> Result<Answer, Error> {
        let status = response.status().as_u16();
        let retry_after = self.retry_after(response.headers());
        let points_to = points_to(&response);
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| cut(host, count(&body), error))? {
            body.extend(piece);
            if count(&body) > self.limits.answer_bytes {
                return Err(Error::TooMuch { what: "the answer's length in bytes", limit: self.limits.answer_bytes });
            }
        }
        Ok(Answer { host: host.to_owned(), status, retry_after, points_to, body, hidden })
    }

    /// Opens a file: a bare request, because a bearer token would break the signature and leak to the store.
    pub(crate) async fn open(&self, link: &Link) -> Result<Response, Error> {
        let (mut url, limit) = (link.url().clone(), self.timeouts.head);
        tokio::time::timeout(limit, self.go(&mut url))
            .await
            .unwrap_or_else(|_| Err(Error::TimedOut { host: place(&url), what: "the head of a file from", limit }))
    }

    /// Goes to a URL and on to where redirects lead from there, as far as they may; `url` is where it got to.
    async fn go(&self, url: &mut Url) -> Result<Response, Error> {
        let mut left = self.limits.redirects;
        loop {
            let response = self.files.get(url.clone()).send().await.map_err(|error| unsent(&place(url), error))?;
            match target(&response).filter(|next| left > 0 && may_redirect(next, self.is_here)) {
                Some(next) => *url = next,
                None => return Ok(response),
            }
            left -= 1;
        }
    }

    pub(crate) fn retry_after(&self, headers: &HeaderMap) -> Option<Duration> {
        retry_after(headers, &self.clock)
    }
}

/// When the other side asks to be left alone until: a number of seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, clock: &Clock) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(SystemTime::from(clock())).unwrap_or_default())
}

/// The header that proves who asks.
///
/// # Errors
///
/// [`Error::Settings`] when the token has characters that no header can carry.
pub(crate) fn bearer(token: &Secret) -> Result<(reqwest::header::HeaderName, HeaderValue), Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
        .map_err(|_| Error::Settings { what: "the token has characters that cannot be sent in a header".to_owned() })?;
    value.set_sensitive(true);
    Ok((AUTHORIZATION, value))
}

/// Host and port, for people.
pub(crate) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A request that got no answer.
pub(crate) fn unsent(host: &str, error: reqwest::Error) -> Error {
    if error.is_connect() {
        let host = host.to_owned();
        return Error::Unreachable { host, obstacle: obstacle(&error), source: cause(error) };
    }
    cut(host, 0, error)
}

/// An answer that ended before its end.
pub(crate) fn cut(host: &str, bytes: u64, error: reqwest::Error) -> Error {
    Error::Cut { host: host.to_owned(), bytes, source: cause(error) }
}

/// Where an answer redirects to, if it does.
fn target(response: &Response) -> Option<Url> {
    matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308).then(|| location(response)).flatten()
}

fn location(response: &Response) -> Option<Url> {
    response.url().join(response.headers().get(LOCATION)?.to_str().ok()?).ok()
}

/// Where a redirect points to, without path and query, which may be secret.
pub(crate) fn points_to(response: &Response) -> Option<String> {
    let url = location(response)?;
    Some(format!("{}://{}", url.scheme(), place(&url)))
}

/// What both clients have in common. Bodies stay as they are served, also where another crate of the program switches
/// reqwest's decoders on; a redirect does not tell the next host the signed link it came from.
fn plain(config: &Config) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("annals/", env!("CARGO_PKG_VERSION")))
        .default_headers(HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]))
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .referer(false)
        .connect_timeout(config.timeouts.connect);
    // A proxy cannot reach what runs on this machine.
    if is_loopback(&config.base_url) { builder.no_proxy() } else { builder }
}

fn built(builder: ClientBuilder) -> Result<Client, Error> {
    builder.build().map_err(|_| Error::Settings { what: "the system's certificates cannot be used".to_owned() })
}

/// Follows a redirect to where the policy allows, and gives back the redirect itself otherwise.
fn follow(attempt: Attempt<'_>, most: usize, allows: impl Fn(&Url, &Url) -> bool) -> reqwest::redirect::Action {
    let allowed = attempt.previous().last().is_some_and(|previous| allows(previous, attempt.url()));
    if allowed && attempt.previous().len() <= most { attempt.follow() } else { attempt.stop() }
}

/// The token may go where it was going.
fn is_same_place(previous: &Url, next: &Url) -> bool {
    previous.origin() == next.origin()
}

/// Tells a wrong name from a closed port and from a certificate, by what the layers below leave in the chain: hyper
/// names its resolver, rustls comes wrapped as invalid data.
fn obstacle(error: &reqwest::Error) -> Obstacle {
    if error.is_timeout() {
        return Obstacle::Silence;
    }
    let (mut found, mut next) = (Obstacle::Connection, std::error::Error::source(error));
    while let Some(cause) = next {
        if cause.downcast_ref().is_some_and(is_invalid_data) {
            return Obstacle::Certificate;
        }
        if cause.is::<NotPublic>() {
            return Obstacle::NotPublic;
        }
        if cause.to_string().contains("dns error") {
            found = Obstacle::Name;
        }
        next = cause.source();
    }
    found
}

/// I/O errors wrap each other, and leave the wrapped one out of the chain of sources.
fn is_invalid_data(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
        || error.get_ref().and_then(|inner| inner.downcast_ref()).is_some_and(is_invalid_data)
}

/// The error without the URL that reqwest puts into its texts.
fn cause(error: reqwest::Error) -> Cause {
    Arc::new(error.without_url())
}

fn count(body: &[u8]) -> u64 {
    u64::try_from(body.len()).unwrap_or(u64::MAX)
}
