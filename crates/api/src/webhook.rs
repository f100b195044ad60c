//! Posting to an address that a user has named: JSON, signed, to the outside only.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chat::Secret;
use hmac::{Hmac, Mac as _};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, redirect};
use sha2::Sha256;
use url::Url;

use crate::config::{Clock, Outside, Retries};
use crate::error::Error;
use crate::http::{place, points_to, retry_after, unsent};
use crate::reach::Resolver;
use crate::retry::Patience;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(15);

/// How the receiver of a delivery knows one that comes again.
const DELIVERY: &str = "x-annals-delivery";

/// The header that proves who posts: `sha256=` and the HMAC-SHA256 of the body in hexadecimal digits.
const SIGNATURE: &str = "x-annals-signature";

/// To which addresses is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// Also by http, where everybody on the way reads along.
    pub http: bool,
    /// Also to this machine and its networks, but never to link-local addresses, at which clouds hand out keys.
    pub private: bool,
}

/// An address that is posted to. It may be as good as a password: no text of this type shows more than the host.
pub struct Webhook {
    http: Client,
    url: Url,
    secret: Option<Secret>,
    retries: Retries,
    clock: Clock,
}

impl Webhook {
    /// An address to post to, signed with the secret if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] when the text is no address, or one that is out of reach.
    pub fn new(
        address: &str,
        reach: Reach,
        secret: Option<Secret>,
        retries: Retries,
        clock: Clock,
    ) -> Result<Self, Error> {
        let url = checked(address, reach)?;
        let builder = Client::builder()
            .user_agent(concat!("annals/", env!("CARGO_PKG_VERSION")))
            .referer(false)
            .redirect(redirect::Policy::none())
            // What stands behind a proxy is the proxy's to know.
            .no_proxy()
            // What a name stands for is looked at where it is connected to, so that it cannot change in between.
            .dns_resolver(Arc::new(Resolver { allow_private: reach.private }));
        let http = builder.build().map_err(|_| settings("the system's certificates cannot be used"))?;
        Ok(Self { http, url, secret, retries, clock })
    }

    /// Host and port, for people.
    #[must_use]
    pub fn host(&self) -> String {
        place(&self.url)
    }

    /// Posts a JSON text. What may pass is tried again; `delivery` tells the receiver that it is the same.
    ///
    /// # Errors
    ///
    /// When the receiver was not reached or did not take it. No text holds the address.
    pub async fn post(&self, json: &str, delivery: &str) -> Result<(), Error> {
        let mut patience = Patience::new(&self.retries);
        loop {
            match self.try_once(json, delivery).await {
                Ok(()) => return Ok(()),
                Err(error) => patience.rest(error).await?,
            }
        }
    }

    async fn try_once(&self, json: &str, delivery: &str) -> Result<(), Error> {
        let kind = HeaderValue::from_static("application/json");
        let mut request = self.http.post(self.url.clone()).timeout(ATTEMPT).header(CONTENT_TYPE, kind);
        request = request.header(DELIVERY, delivery).body(json.to_owned());
        if let Some(secret) = &self.secret {
            request = request.header(SIGNATURE, signature(secret, json.as_bytes()));
        }
        let response = request.send().await.map_err(|error| unsent(&self.host(), error))?;
        self.heard(&response)
    }

    fn heard(&self, response: &Response) -> Result<(), Error> {
        let (host, status) = (self.host(), response.status().as_u16());
        let retry_after = retry_after(response.headers(), &self.clock);
        match status {
            200..=299 => Ok(()),
            300..=399 => Err(Error::Redirected { host, status, to: points_to(response).unwrap_or_default() }),
            429 => Err(Error::Throttled { status, retry_after, said: None }),
            500..=599 => Err(Error::ServiceFault { host, status, retry_after, said: None }),
            _ => Err(Error::Unexpected { status, said: None }),
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.host())
    }
}

fn checked(address: &str, reach: Reach) -> Result<Url, Error> {
    let url: Url = address.trim().parse().map_err(|_| settings("the address to post to is no URL"))?;
    let is_fit = url.scheme() == "https" || (url.scheme() == "http" && reach.http);
    if !is_fit || url.host().is_none() {
        return Err(settings(match reach.http {
            true => "the address to post to begins with https:// or http://",
            false => "the address to post to begins with https://",
        }));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(settings("the address to post to has a user or password in it"));
    }
    let outside = Outside { allow_private: reach.private, ..Outside::default() };
    outside.check(&url).map_err(|_| {
        settings(match reach.private {
            true => "the address to post to is one at which nobody can be posted to",
            false => "the address to post to is one of this machine or of a private network",
        })
    })?;
    Ok(url)
}

fn signature(secret: &Secret, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

fn settings(what: &str) -> Error {
    Error::Settings { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_outside_by_https_unless_more_is_allowed() {
        let anywhere = Reach { http: true, private: true };
        for (address, by_default, allowed) in [
            ("https://hooks.example.com/T0/B1?x=y", true, true),
            ("http://hooks.example.com/", false, true),
            ("https://127.0.0.1:8443/", false, true),
            ("https://2130706433/", false, true),
            ("https://0x7f.1/", false, true),
            ("https://[::ffff:10.0.0.1]/", false, true),
            ("http://169.254.169.254/latest/", false, false),
            ("https://user:word@hooks.example.com/", false, false),
            ("ftp://hooks.example.com/", false, false),
            ("hooks.example.com", false, false),
            ("", false, false),
        ] {
            let found = (checked(address, Reach::default()).is_ok(), checked(address, anywhere).is_ok());
            assert_eq!(found, (by_default, allowed), "{address}");
        }
    }

    /// The vector of RFC 4231, section 4.3.
    #[test]
    fn a_signature_is_an_hmac_of_the_body() {
        let signed = signature(&Secret::new("Jefe"), b"what do ya want for nothing?");
        assert_eq!(signed, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
