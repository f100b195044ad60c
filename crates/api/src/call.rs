//! One call of a method: its slot of the quota, its token, and when it is made again.

use std::sync::Arc;
use std::time::Duration;

use chat::Secret;
use reqwest::{Method, RequestBuilder};
use url::Url;

use crate::advice::Advice;
use crate::answer::Answer;
use crate::client::{Client, below};
use crate::error::{Error, Refusal};
use crate::http::{Http, bearer};
use crate::quota::Quota;
use crate::retry::Patience;
use crate::token::Token;

/// Whether a call may be made again when nobody knows whether the service did what the first one said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Twice is as good as once.
    Safely,
    /// Twice would be two: the caller is told that it is not known.
    Never,
}

/// One call of a method.
pub(crate) struct Call<'a> {
    pub(crate) url: &'a Url,
    pub(crate) quota: &'a Quota,
    /// What the call takes of the quota; 1 where messages are not counted.
    pub(crate) messages: u32,
    pub(crate) repeat: Repeat,
    /// From sending the request until the whole answer is there.
    pub(crate) limit: Duration,
    /// What was sent and the service may not be quoted with, besides the token.
    pub(crate) secrets: &'a [Secret],
    /// Builds the request, anew for each attempt.
    pub(crate) request: &'a (dyn Fn(&Http) -> Result<RequestBuilder, Error> + Sync),
}

impl Client {
    /// Makes a call and reads its answer. Waits for the quota before each attempt, tries again where that helps and
    /// harms nobody, and renews the token once if it is refused.
    ///
    /// What the service refused (400 to 403, 429) it did not do, and what did not reach it neither: such a call is made
    /// again where its error says so. After a 5xx, an answer that broke off, came too late or cannot be read, a call
    /// that may be made once only is [`Error::Doubtful`].
    pub(crate) async fn call<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Answer) -> Result<T, Error> + Sync,
    ) -> Result<T, Error> {
        let mut patience = Patience::new(&self.retries);
        let mut may_renew = self.tokens.can_renew();
        let mut has_slot = false;
        loop {
            let token = self.tokens.current(&self.http).await?;
            if !has_slot {
                call.quota.take(call.messages).await?;
            }
            let error = match self.ask(call, &token).await.and_then(|answer| read(&answer)) {
                Ok(read) => return Ok(read),
                Err(error) => error,
            };
            // What did not reach the service did not use the slot up.
            has_slot = matches!(error, Error::Unreachable { .. });
            if may_renew && matches!(error, Error::Refused { refusal: Refusal::Token, .. }) {
                may_renew = false;
                self.tokens.reject(&token).await;
                continue;
            }
            if call.repeat == Repeat::Never && error.leaves_doubt() {
                return Err(Error::Doubtful { source: Arc::new(error) });
            }
            self.spare(call.quota, &error).await?;
            patience.rest(error).await?;
        }
    }

    async fn ask(&self, call: &Call<'_>, token: &Token) -> Result<Answer, Error> {
        let (name, value) = bearer(&token.secret)?;
        let request = (call.request)(&self.http)?.header(name, value);
        let mut hidden = call.secrets.to_vec();
        hidden.push(token.secret.clone());
        self.http.ask_within(call.limit, call.url, request, hidden).await
    }

    /// Leaves the service alone, with all processes of this machine, when it asks for that.
    pub(crate) async fn spare(&self, quota: &Quota, error: &Error) -> Result<(), Error> {
        match (error, error.advice()) {
            (_, Advice::Retry(Some(pause))) => quota.hold_off(pause).await,
            (Error::Throttled { .. }, _) => quota.hold_off(self.retries.first_pause).await,
            _ => Ok(()),
        }
    }
}

/// A request that changes something, ready to be sent: checked, and written as JSON.
pub(crate) struct Prepared {
    pub(crate) verb: Method,
    /// Below the base URL.
    pub(crate) path: Vec<String>,
    pub(crate) body: String,
    /// The body as it may be shown.
    pub(crate) shown: String,
    /// The secrets in the body.
    pub(crate) secrets: Vec<Secret>,
}

impl Prepared {
    /// A `POST` without secrets in its body.
    pub(crate) fn post(path: &[&str], body: String) -> Self {
        let path = path.iter().map(|&segment| segment.to_owned()).collect();
        Self { verb: Method::POST, path, shown: body.clone(), body, secrets: Vec::new() }
    }

    pub(crate) fn url(&self, base_url: &Url) -> Url {
        let segments: Vec<&str> = self.path.iter().map(String::as_str).collect();
        below(base_url, &segments)
    }

    pub(crate) fn preview(&self, base_url: &Url) -> Preview {
        Preview {
            method: self.verb.to_string(),
            url: self.url(base_url).to_string(),
            headers: Vec::new(),
            body: self.shown.clone(),
        }
    }
}

impl Client {
    /// Makes a call that changes something. A redirect is not followed: it would repeat the call as a `GET`, or elsewhere.
    pub(crate) async fn change<T>(
        &self,
        prepared: &Prepared,
        (quota, messages, repeat): (&Quota, u32, Repeat),
        read: impl Fn(&Answer) -> Result<T, Error> + Sync,
    ) -> Result<T, Error> {
        let url = prepared.url(&self.base_url);
        let request = |http: &Http| Ok(http.change(prepared.verb.clone(), url.clone()).body(prepared.body.clone()));
        let (limit, secrets) = (self.http.timeouts.head, &*prepared.secrets);
        let call = Call { url: &url, quota, messages, repeat, limit, secrets, request: &request };
        self.call(&call, |answer| read(answer).map_err(Error::declined)).await
    }
}

/// What a call would send, with `…` in the place of every secret. Nothing is sent for it, not even for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// `POST`, `GET` or `DELETE`.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The headers that say something of this call, besides `Authorization`.
    pub headers: Vec<(&'static str, String)>,
    /// The body as JSON; empty when there is none, or none that can be shown.
    pub body: String,
}
