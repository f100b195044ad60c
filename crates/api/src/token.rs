//! Keeps a bearer token fresh.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat::{Secret, Timestamp};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::access_token::{LARGEST_SALT, LIFE_S, app_token};
use crate::answer::Answer;
use crate::config::{Retries, TokenSource};
use crate::error::{Error, Refusal};
use crate::http::{Http, bearer};
use crate::retry::Patience;
use crate::wire::{TokenAnswer, TokenRequest};

/// The life that is asked for with client credentials: a day, so that a token that leaks is soon worth nothing.
const CREDENTIALS_LIFE: Duration = Duration::from_secs(86_400);
/// A token is renewed this long before its end, or in the last tenth of a short life.
const EARLY: Duration = Duration::from_secs(600);
/// The shortest life believed of an end told as a time of day: clocks differ, and a token is not fetched for every call.
const SHORTEST_LIFE: Duration = Duration::from_secs(60);

/// A bearer token, and which one it is.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    generation: u64,
}

/// Hands out the token of one app; fetches it when needed, once for all who wait.
pub(crate) struct Tokens {
    source: TokenSource,
    app: String,
    url: Url,
    retries: Retries,
    state: Mutex<State>,
    /// Fetches that came to an end, well or badly. Who waited while it changed shares the outcome.
    fetches: AtomicU64,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// When to get the next one; never for `None`.
    renew_at: Option<Instant>,
    failure: Option<Error>,
}

/// A token as it was got.
struct Fetched {
    secret: Secret,
    renew_in: Option<Duration>,
}

impl Tokens {
    /// `url` is that of the method `token`.
    pub(crate) fn new(source: TokenSource, app: String, url: Url, retries: Retries) -> Result<Self, Error> {
        let source = trimmed(source)?;
        Ok(Self { source, app, url, retries, state: Mutex::default(), fetches: AtomicU64::new(0) })
    }

    /// Whether another token may be had when the service refuses this one.
    pub(crate) fn can_renew(&self) -> bool {
        !matches!(self.source, TokenSource::Static(_))
    }

    /// The token to send now.
    ///
    /// # Errors
    ///
    /// Why none can be had. Callers that waited for the same fetch get the same error.
    pub(crate) async fn current(&self, http: &Http) -> Result<Token, Error> {
        let fetches = self.fetches.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(token) = state.fresh() {
            return Ok(token);
        }
        if self.fetches.load(Ordering::Acquire) != fetches
            && let Some(failure) = &state.failure
        {
            return Err(failure.clone());
        }
        let fetched = self.fetch(http).await;
        let generation = self.fetches.fetch_add(1, Ordering::AcqRel);
        state.keep(fetched, generation)
    }

    /// Forgets a token that the service refused, unless it was replaced meanwhile.
    pub(crate) async fn reject(&self, refused: &Token) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|token| token.generation == refused.generation) {
            state.token = None;
        }
    }

    async fn fetch(&self, http: &Http) -> Result<Fetched, Error> {
        match &self.source {
            TokenSource::Static(secret) => Ok(Fetched { secret: secret.clone(), renew_in: None }),
            TokenSource::ClientCredentials { id, secret } => {
                let ttl = CREDENTIALS_LIFE.as_secs();
                let request = TokenRequest::ClientCredentials { client_id: id, client_secret: secret.reveal(), ttl };
                self.exchange(http, &request, None, secret).await
            }
            TokenSource::AppCertificate { app_id, certificate, exchange } => {
                let built = build(app_id, certificate, http);
                if *exchange {
                    self.exchange(http, &TokenRequest::Agora, Some(&built), &built).await
                } else {
                    Ok(Fetched { secret: built, renew_in: Some(Duration::from_secs(u64::from(LIFE_S) / 2)) })
                }
            }
        }
    }

    /// Trades credentials for a token, patiently.
    async fn exchange(
        &self,
        http: &Http,
        request: &TokenRequest<'_>,
        proof: Option<&Secret>,
        hidden: &Secret,
    ) -> Result<Fetched, Error> {
        let mut patience = Patience::new(&self.retries);
        loop {
            let mut post = http.post(self.url.clone(), request);
            if let Some(proof) = proof {
                let (name, value) = bearer(proof)?;
                post = post.header(name, value);
            }
            let outcome = http.ask(&self.url, post, hidden).await.and_then(|answer| self.read(&answer, http));
            match outcome {
                Ok(fetched) => return Ok(fetched),
                Err(error) => patience.rest(error).await?,
            }
        }
    }

    fn read(&self, answer: &Answer, http: &Http) -> Result<Fetched, Error> {
        if answer.status != 200 {
            return Err(credentials_refused(answer.fault(&self.app)));
        }
        let told: TokenAnswer = answer.json()?;
        let secret = Secret::new(told.access_token.trim());
        if secret.reveal().is_empty() {
            return Err(answer.malformed("the token is empty"));
        }
        Ok(Fetched { renew_in: renew_in(&told, (http.clock)()), secret })
    }
}

impl State {
    fn fresh(&self) -> Option<Token> {
        let is_due = self.renew_at.is_some_and(|time| time <= Instant::now());
        self.token.clone().filter(|_| !is_due)
    }

    fn keep(&mut self, fetched: Result<Fetched, Error>, generation: u64) -> Result<Token, Error> {
        match fetched {
            Ok(Fetched { secret, renew_in }) => {
                let token = Token { secret, generation };
                let renew_at = renew_in.and_then(|time| Instant::now().checked_add(time));
                *self = Self { token: Some(token.clone()), renew_at, failure: None };
                Ok(token)
            }
            Err(error) => {
                *self = Self { failure: Some(error.clone()), ..Self::default() };
                Err(error)
            }
        }
    }
}

/// Takes the white space off secrets, which is there when they come out of a file or a form.
fn trimmed(source: TokenSource) -> Result<TokenSource, Error> {
    let trim = |what: &str, secret: &str| match secret.trim() {
        "" => Err(Error::Settings { what: format!("{what} is empty") }),
        text => Ok(text.to_owned()),
    };
    Ok(match source {
        TokenSource::Static(token) => {
            let token = Secret::new(trim("the token", token.reveal())?);
            bearer(&token)?;
            TokenSource::Static(token)
        }
        TokenSource::ClientCredentials { id, secret } => TokenSource::ClientCredentials {
            id: trim("the client id", &id)?,
            secret: Secret::new(trim("the client secret", secret.reveal())?),
        },
        TokenSource::AppCertificate { app_id, certificate, exchange } => TokenSource::AppCertificate {
            app_id: trim("the App ID", &app_id)?,
            certificate: Secret::new(trim("the App Certificate", certificate.reveal())?),
            exchange,
        },
    })
}

fn build(app_id: &str, certificate: &Secret, http: &Http) -> Secret {
    let issued_at = u32::try_from((http.clock)().timestamp()).unwrap_or_default();
    let salt = rand::random_range(1..=LARGEST_SALT);
    Secret::new(app_token(app_id, certificate.reveal(), issued_at, salt))
}

/// When to get the next token; `None` when this one lasts for ever, or until it is refused.
fn renew_in(told: &TokenAnswer, now: Timestamp) -> Option<Duration> {
    if let Some(end) = told.expires_at_ms() {
        let now = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let life = Duration::from_millis(end.saturating_sub(now)).max(SHORTEST_LIFE);
        return Some(life / 2);
    }
    let life = told.expires_in_s().filter(|&seconds| seconds > 0).map(Duration::from_secs)?;
    Some(life - EARLY.min(life / 10))
}

/// At the token endpoint it is the credentials that are refused.
fn credentials_refused(error: Error) -> Error {
    match error {
        Error::Refused { status, refusal: Refusal::Token, said } => {
            Error::Refused { status, refusal: Refusal::Credentials, said }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-14T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn tokens_are_renewed_before_their_end() {
        for (told, expected_s) in [
            (r#""expires_in":86400"#, Some(85_800)),
            (r#""expires_in":"1000""#, Some(900)),
            (r#""expires_in":0"#, None),
            (r#""expires_in":18446744073709551615"#, Some(u64::MAX - 600)),
            (r#""scope":"all""#, None),
            // 2026-03-15T10:00:00Z, 2026-03-14T09:00:00Z
            (r#""expire_timestamp":1773568800000"#, Some(43_200)),
            (r#""expire_timestamp":1773478800000"#, Some(30)),
        ] {
            let told: TokenAnswer = serde_json::from_str(&format!(r#"{{"access_token":"x",{told}}}"#)).unwrap();
            assert_eq!(renew_in(&told, now()).map(|time| time.as_secs()), expected_s);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_fresh_until_it_is_due() {
        let mut state = State::default();
        assert!(state.fresh().is_none());
        let fetched = Fetched { secret: Secret::new("x"), renew_in: Some(Duration::from_secs(60)) };
        state.keep(Ok(fetched), 0).unwrap();
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(state.fresh().is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(state.fresh().is_none());
    }

    #[test]
    fn white_space_around_secrets_is_not_part_of_them() {
        let TokenSource::Static(token) = trimmed(TokenSource::Static(Secret::new(" YWMt\r\n"))).unwrap() else {
            panic!()
        };
        assert_eq!(token.reveal(), "YWMt");
    }

    #[test]
    fn secrets_that_cannot_be_used_are_named() {
        let nothing = || Secret::new(" \n");
        for (source, expected) in [
            (TokenSource::Static(nothing()), "the token is empty"),
            (TokenSource::Static(Secret::new("a\nb")), "the token has characters that cannot be sent in a header"),
            (TokenSource::ClientCredentials { id: String::new(), secret: nothing() }, "the client id is empty"),
            (TokenSource::ClientCredentials { id: "id".to_owned(), secret: nothing() }, "the client secret is empty"),
            (
                TokenSource::AppCertificate { app_id: "id".to_owned(), certificate: nothing(), exchange: false },
                "the App Certificate is empty",
            ),
        ] {
            assert_eq!(trimmed(source).unwrap_err().to_string(), expected);
        }
    }
}
