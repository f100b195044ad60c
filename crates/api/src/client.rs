//! The client of one app.

use std::fmt;

use chat::{App, Hour, Zone};
use url::Url;

use crate::availability::Availability;
use crate::call::{Call, Repeat};
use crate::config::{Config, Outside, Retries};
use crate::download::{Downloaded, Target, attempt};
use crate::error::Error;
use crate::http::Http;
use crate::link::Link;
use crate::quota::Quotas;
use crate::retry::Patience;
use crate::token::Tokens;

/// The Chat REST API of one app. Its methods may be called at the same time: they share the token, the rate and the
/// connections.
pub struct Client {
    app: App,
    pub(crate) base_url: Url,
    zone: Zone,
    pub(crate) outside: Outside,
    pub(crate) retries: Retries,
    pub(crate) http: Http,
    pub(crate) quotas: Quotas,
    pub(crate) tokens: Tokens,
}

impl Client {
    /// A client; sends nothing yet.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] when the base URL does not end in an app, or a secret is empty or cannot be sent.
    pub fn new(config: Config) -> Result<Self, Error> {
        let app = app_of(&config.base_url)?;
        let http = Http::new(&config)?;
        let quotas = Quotas::new(&config);
        let Config { base_url, token, zone, retries, outside, .. } = config;
        let tokens = Tokens::new(token, app.to_string(), below(&base_url, &["token"]), retries)?;
        Ok(Self { app, base_url, zone, outside, retries, http, quotas, tokens })
    }

    /// The app that the base URL names: its last two segments. With the `app-id` form the organisation is `app-id`.
    #[must_use]
    pub fn app(&self) -> App {
        self.app.clone()
    }

    /// Makes sure that there is a token, and fetches or builds one if there is none. Whether the service takes it is
    /// known only once it is asked for an hour.
    ///
    /// # Errors
    ///
    /// Why no token can be had.
    pub async fn token(&self) -> Result<(), Error> {
        self.tokens.current(&self.http).await.map(drop)
    }

    /// Asks where an hour is. Waits for the rate before each attempt, tries again where that helps, and renews the token
    /// once if it is refused.
    ///
    /// # Errors
    ///
    /// What remains after that, see [`Error::advice`].
    pub async fn locate(&self, hour: Hour) -> Result<Availability, Error> {
        let key = self.zone.key(hour);
        let url = below(&self.base_url, &["chatmessages", &key]);
        let request = |http: &Http| Ok(http.get(url.clone()));
        let call = Call {
            url: &url,
            quota: &self.quotas.history,
            messages: 1,
            repeat: Repeat::Safely,
            limit: self.http.timeouts.head,
            secrets: &[],
            request: &request,
        };
        let app = self.app.to_string();
        self.call(&call, |answer| answer.history(&app, &key, (self.http.clock)(), &self.http.limits)).await
    }

    /// Fetches a part into `into`, byte by byte as the store serves it, gzip or not. The link alone opens the file: the
    /// token is not sent. An attempt that breaks off is repeated from the start, after [`Target::restart`]; so when this
    /// succeeds, `into` holds the part and nothing else, and when it fails, nothing of use.
    ///
    /// A file that was cut before it reached the store arrives without an error here; its end has to be checked by who
    /// unpacks it.
    ///
    /// # Errors
    ///
    /// [`Error::LinkExpired`] when it takes a new link, [`Error::Target`] when `into` fails, and what remains after the
    /// retries.
    pub async fn download(&self, link: &Link, into: &mut dyn Target) -> Result<Downloaded, Error> {
        let mut patience = Patience::new(&self.retries);
        loop {
            match attempt(&self.http, link, into).await {
                Ok(downloaded) => return Ok(downloaded),
                Err(error) => patience.rest(error).await?,
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("app", &self.app).finish_non_exhaustive()
    }
}

/// The app in a base URL, which may hold nothing but host and path: a query would be lost, a password be sent.
///
/// # Errors
///
/// [`Error::Settings`] when it names none.
pub fn app_of(base_url: &Url) -> Result<App, Error> {
    let wrong = |what: &str| {
        Err(Error::Settings {
            what: format!("the base URL {what}: write https://host/org/app or https://host/app-id/id"),
        })
    };
    if !matches!(base_url.scheme(), "http" | "https") {
        return wrong("is not http or https");
    }
    if base_url.query().is_some() || base_url.fragment().is_some() || !base_url.username().is_empty() {
        return wrong("has more than host and path");
    }
    let mut segments = base_url.path_segments().into_iter().flatten().rev().skip_while(|segment| segment.is_empty());
    match (segments.next(), segments.next()) {
        (Some("chatmessages"), _) => wrong("ends in a method, not in an app"),
        (Some(name), Some(org)) if !org.is_empty() => Ok(App::new(org, name)),
        _ => wrong("names no app"),
    }
}

pub(crate) fn below(base_url: &Url, segments: &[&str]) -> Url {
    let mut url = base_url.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_is_the_end_of_the_base_url() {
        for (url, app) in [
            ("https://a1.example.com/harbor-org/lantern", "harbor-org#lantern"),
            ("https://a1.example.com/harbor-org/lantern/", "harbor-org#lantern"),
            ("https://a1.example.com/behind/a/proxy/harbor-org/lantern", "harbor-org#lantern"),
            (
                "https://a1.example.com/app-id/970ca35de60c44645bbae8a215061b33",
                "app-id#970ca35de60c44645bbae8a215061b33",
            ),
        ] {
            assert_eq!(app_of(&url.parse().unwrap()).unwrap().to_string(), app);
        }
    }

    #[test]
    fn a_base_url_without_an_app_is_refused() {
        for url in [
            "https://a1.example.com",
            "https://a1.example.com/lantern",
            "https://a1.example.com//lantern",
            "https://a1.example.com/harbor-org/lantern/chatmessages",
            "https://a1.example.com/harbor-org#lantern",
            "https://a1.example.com/harbor-org/lantern?x=1",
            "https://me:hush@a1.example.com/harbor-org/lantern",
            "ftp://a1.example.com/harbor-org/lantern",
            "mailto:harbor@example.com",
        ] {
            let error = app_of(&url.parse().unwrap()).expect_err(url).to_string();
            assert!(error.contains("write https://host/org/app"), "{error}");
            assert!(!error.contains("hush"));
        }
    }

    #[test]
    fn methods_lie_below_the_base_url() {
        for base in ["http://h/o/a", "http://h/o/a/"] {
            let url = below(&base.parse().unwrap(), &["chatmessages", "2026031409"]);
            assert_eq!(url.as_str(), "http://h/o/a/chatmessages/2026031409");
        }
    }
}
