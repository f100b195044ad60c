//! The shapes of requests and answers.

mod messages;

pub(crate) use messages::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The body of `POST {base}/token` (sections 2.1 and 2.2).
#[derive(Serialize)]
#[serde(tag = "grant_type", rename_all = "snake_case")]
pub(crate) enum TokenRequest<'a> {
    Agora,
    ClientCredentials { client_id: &'a str, client_secret: &'a str, ttl: u64 },
}

/// The answer to a [`TokenRequest`]. Numbers may come as text.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: String,
    /// Seconds from now; 0 means for ever.
    #[serde(default)]
    expires_in: Value,
    /// Milliseconds since 1970.
    #[serde(default)]
    expire_timestamp: Value,
}

impl TokenAnswer {
    pub(crate) fn expires_in_s(&self) -> Option<u64> {
        whole(&self.expires_in)
    }

    pub(crate) fn expires_at_ms(&self) -> Option<u64> {
        whole(&self.expire_timestamp)
    }
}

/// The answer of the history method (section 3.2). A success without `data` is not taken for an empty hour.
#[derive(Deserialize)]
pub(crate) struct History {
    pub(crate) data: Vec<HistoryPart>,
}

#[derive(Deserialize)]
pub(crate) struct HistoryPart {
    pub(crate) url: String,
}

/// The error envelope (section 1.4), as much of it as there is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) error: String,
    pub(crate) description: String,
}

impl Fault {
    /// Reads an error envelope; pages of proxies and empty bodies give an empty one.
    pub(crate) fn read(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |key| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { error: text("error"), description: text("error_description") }
    }
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_requests_are_the_documented_ones() {
        let credentials = TokenRequest::ClientCredentials { client_id: "id", client_secret: "hush", ttl: 60 };
        for (request, expected) in [
            (credentials, r#"{"grant_type":"client_credentials","client_id":"id","client_secret":"hush","ttl":60}"#),
            (TokenRequest::Agora, r#"{"grant_type":"agora"}"#),
        ] {
            assert_eq!(serde_json::to_string(&request).unwrap(), expected);
        }
    }

    #[test]
    fn numbers_may_come_as_text() {
        for (text, expected) in [("60", Some(60)), (r#""60""#, Some(60)), ("null", None), ("-1", None), ("[]", None)] {
            let body = format!(r#"{{"access_token":"x","expires_in":{text}}}"#);
            let answer: TokenAnswer = serde_json::from_str(&body).unwrap();
            assert_eq!(answer.expires_in_s(), expected, "{text}");
            assert_eq!(answer.expires_at_ms(), None);
        }
    }

    #[test]
    fn what_is_no_envelope_is_an_empty_one() {
        for body in ["", "<html>503</html>", "[]", "null", r#"{"error":5}"#, "{\"error\":", "\u{feff}"] {
            assert_eq!(Fault::read(body.as_bytes()), Fault::default(), "{body}");
        }
    }
}
