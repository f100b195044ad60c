//! What an answer of the service means: by its status, then its `error`, then what its description contains, whatever
//! the case (sections 1.4, 3.4 and 13.3).

use std::time::Duration;

use chat::Timestamp;

use crate::availability::Availability;
use crate::config::Limits;
use crate::error::{Error, Refusal};
use crate::link::Link;
use crate::wire::{Fault, History};

/// One answer of the service, whole.
pub(crate) struct Answer {
    /// Host and port asked.
    pub(crate) host: String,
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// Scheme, host and port of the place that a redirect points to.
    pub(crate) points_to: Option<String>,
    pub(crate) body: Vec<u8>,
    /// What the service may not be quoted with: the secrets it was sent.
    pub(crate) hidden: Vec<chat::Secret>,
}

impl Answer {
    /// Reads an answer of the history method for the hour with this key.
    ///
    /// # Errors
    ///
    /// What is no [`Availability`], by what can be done about it.
    pub(crate) fn history(&self, app: &str, key: &str, now: Timestamp, limits: &Limits) -> Result<Availability, Error> {
        if self.status == 200 {
            return self.links(now, limits);
        }
        let fault = Fault::read(&self.body);
        let says = |words: &str| contains(&fault.description, words);
        match self.status {
            400 if says("expired or unstored") => Ok(Availability::Unavailable { status: 400 }),
            400 if says("too many queries") => Err(self.fault(app)),
            400 if says("illegal arguments") || says("is not supported") => {
                Err(Error::BadHour { key: key.to_owned(), status: 400, said: self.said(&fault) })
            }
            // The description may be left out. The key sent is always a whole hour, so it is not the key that is illegal.
            400 if fault.error == "illegal_argument" && fault.description.is_empty() => {
                Ok(Availability::Unavailable { status: 400 })
            }
            // Old editions throttle with a 400 that says nothing.
            400 if fault == Fault::default() => Err(self.throttled(&fault)),
            404 if fault.error == "storage_object_not_found" || says("failed to find chat message history") => {
                Ok(Availability::Empty { status: 404 })
            }
            _ => Err(self.fault(app)),
        }
    }

    fn links(&self, now: Timestamp, limits: &Limits) -> Result<Availability, Error> {
        let history: History = self.json()?;
        if history.data.len() > limits.parts {
            let limit = u64::try_from(limits.parts).unwrap_or(u64::MAX);
            return Err(Error::TooMuch { what: "the number of parts of the hour", limit });
        }
        let links: Option<Vec<_>> = history.data.iter().map(|part| Link::read(&part.url, now)).collect();
        match links {
            Some(links) if links.is_empty() => Ok(Availability::Empty { status: 200 }),
            Some(links) => Ok(Availability::Ready(links)),
            None => Err(self.malformed("a link is no http URL")),
        }
    }

    /// Reads a success.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        // serde_json's own words may quote the text around the fault, a link for one: only its place is told.
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = format!("not the expected JSON at line {} column {}", error.line(), error.column());
            self.malformed(&place)
        })
    }

    /// What a status other than 200 means for any method, by table 13.3.
    pub(crate) fn fault(&self, app: &str) -> Error {
        let fault = Fault::read(&self.body);
        let status = self.status;
        let said = self.said(&fault);
        let throttles = contains(&fault.description, "too many queries")
            || contains(&fault.description, "reach limit")
            || fault.error == "reach_limit";
        match (status, fault.error.as_str()) {
            (300..400, _) => {
                Error::Redirected { host: self.host.clone(), status, to: self.points_to.clone().unwrap_or_default() }
            }
            (429, "resource_limited") => Error::Refused { status, refusal: Refusal::Plan, said },
            (429, _) => self.throttled(&fault),
            (400 | 403, _) if throttles => self.throttled(&fault),
            (400, "invalid_grant") => Error::Refused { status, refusal: Refusal::Credentials, said },
            (401, _) => Error::Refused { status, refusal: Refusal::Token, said },
            // These speak of this one call, and not of what the app may do.
            (403, "message_send_error" | "message_recall_error" | "group_error" | "exceed_limit") => {
                Error::Unexpected { status, said }
            }
            (402 | 403, _) => Error::Refused { status, refusal: Refusal::Permission, said },
            // Without a word of the service's own it is some other server that knows no such path.
            (404, "organization_application_not_found" | "service_resource_not_found" | "") => {
                Error::NoSuchApp { app: app.to_owned(), status, said }
            }
            (500, "no_full_text_index" | "unsupported_service_operation" | "web_application") | (501, _) => {
                Error::Unexpected { status, said }
            }
            (408 | 409 | 500.., _) => {
                Error::ServiceFault { host: self.host.clone(), status, retry_after: self.retry_after, said }
            }
            _ => Error::Unexpected { status, said },
        }
    }

    fn throttled(&self, fault: &Fault) -> Error {
        Error::Throttled { status: self.status, retry_after: self.retry_after, said: self.said(fault) }
    }

    pub(crate) fn malformed(&self, what: &str) -> Error {
        Error::Malformed { host: self.host.clone(), what: what.to_owned() }
    }

    /// The service's own words, fit to be shown.
    fn said(&self, fault: &Fault) -> Option<String> {
        let words = match (fault.error.as_str(), fault.description.as_str()) {
            ("", "") => return None,
            (error, "") => error.to_owned(),
            ("", description) => description.to_owned(),
            (error, description) => format!("{error}, {description}"),
        };
        Some(self.presentable(&words))
    }

    /// Words of the service, fit to be shown.
    pub(crate) fn presentable(&self, words: &str) -> String {
        presentable(words, &self.hidden)
    }
}

/// Words from outside on one line, no longer than a line should be, without the secrets and without queries of URLs.
fn presentable(words: &str, hidden: &[chat::Secret]) -> String {
    /// Longer than every text in the vendor's documents.
    const LONGEST: usize = 200;
    let hidden = hidden.iter().map(chat::Secret::reveal).filter(|secret| !secret.is_empty());
    let safe = hidden.fold(words.to_owned(), |words, secret| words.replace(secret, "…"));
    let plain: Vec<_> = safe.split(|c: char| c.is_whitespace() || c.is_control()).map(without_query).collect();
    let line = plain.join(" ");
    match line.char_indices().nth(LONGEST).and_then(|(end, _)| line.get(..end)) {
        Some(start) => format!("{start}…"),
        None => line,
    }
}

fn without_query(word: &str) -> &str {
    match word.split_once('?') {
        Some((url, _query)) if url.contains("://") => url,
        _ => word,
    }
}

fn contains(text: &str, words: &str) -> bool {
    text.to_ascii_lowercase().contains(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(status: u16, body: &[u8]) -> Answer {
        Answer {
            host: "h".to_owned(),
            status,
            retry_after: None,
            points_to: None,
            body: body.to_owned(),
            hidden: vec![chat::Secret::new("hush")],
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read(status in 100_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(answer(status, &body).history("o#a", "2026031409", Timestamp::UNIX_EPOCH, &Limits::default()));
        }

        #[test]
        fn any_words_are_made_presentable(status in 201_u16..600, error in ".{0,20}", description in ".{0,300}hush.*") {
            let body = serde_json::json!({"error": error, "error_description": description}).to_string();
            let read = answer(status, body.as_bytes()).history("o#a", "2026031409", Timestamp::UNIX_EPOCH, &Limits::default());
            if let Err(error) = read {
                let text = error.to_string();
                prop_assert!(!text.contains(char::is_control) && !text.contains("hush"), "{text:?}");
                prop_assert!(text.chars().count() < 300, "{text:?}");
            }
        }
    }

    #[test]
    fn words_from_outside_are_made_presentable() {
        for (words, expected) in [
            ("plain words", "plain words"),
            ("two\r\nlines\u{1b}[31m", "two  lines [31m"),
            ("token hush is bad", "token … is bad"),
            ("see https://h/x?Signature=s now?", "see https://h/x now?"),
        ] {
            assert_eq!(presentable(words, &[chat::Secret::new("hush")]), expected);
        }
        assert_eq!(presentable(&"啊".repeat(300), &[]).chars().count(), 201);
        assert_eq!(presentable("nothing to hide", &[chat::Secret::new("")]), "nothing to hide");
    }
}
