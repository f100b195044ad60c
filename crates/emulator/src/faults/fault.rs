//! One thing that goes wrong, and its word.

use std::fmt;
use std::str::FromStr;

use chat::{Timestamp, parse_time, show_time};

/// One thing that goes wrong. The word of each, as flags write it, stands in its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// `401`: the token is said to have expired.
    Unauthorized,
    /// `429`, or `429=7` with `Retry-After: 7`: the rate is said to be exceeded.
    RateLimited {
        /// Seconds, for the header.
        retry_after: Option<u32>,
    },
    /// `500`, with an error envelope.
    ServerError,
    /// `502`, with no body.
    BadGateway,
    /// `503`, with the HTML page of a proxy.
    Unavailable,
    /// `too-many-queries`: the older 400 that means a rate.
    TooManyQueries,
    /// `hang`: no answer, ever.
    Hang,
    /// `reset`: the connection is reset instead of an answer.
    Reset,
    /// `cut-answer`: the connection closes within the JSON of the answer.
    CutAnswer,
    /// `expired-link`: the link was good until a second ago.
    ExpiredLink,
    /// `file-500`: the store answers 500 with XML.
    FileServerError,
    /// `file-503`: the store answers 503 with XML.
    FileUnavailable,
    /// `file-hang`: the store never answers.
    FileHang,
    /// `file-reset`: the store resets the connection.
    FileReset,
    /// `cut-body`: the connection closes half way through the file, short of its `Content-Length`.
    CutBody,
    /// `stalled-body`: half the file arrives, then nothing more.
    StalledBody,
    /// `truncated-gzip`: the answer is whole, the gzip in it lacks its second half.
    TruncatedGzip,
    /// `bad-crc`: the check sum at the end of the gzip is wrong.
    BadCrc,
    /// `members`: the file is several gzip members, one after the other. Lasts.
    Members,
    /// `padding`: zeros follow the gzip. Lasts.
    Padding,
    /// `content-encoding`: the file is served with `Content-Encoding: gzip` in addition. Lasts.
    ContentEncoding,
    /// `plain`: the file is not compressed. Lasts.
    Plain,
    /// `parts=3`: the hour comes in so many files, unless it does so anyway. Lasts.
    Parts(u32),
    /// `grows=2026-03-15T12:00Z`: before this instant the file holds only the first half of its lines. Lasts.
    Grows(Timestamp),
}

/// What a fault concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// The call for the links of an hour; used up by one request.
    Link,
    /// The request for a file; used up by one request.
    File,
    /// The bytes of an hour's files; lasts.
    Shape,
}

impl Fault {
    /// Every fault that is used up by one request, the rate with and without its header.
    pub const PASSING: [Self; 19] = [
        Self::Unauthorized,
        Self::RateLimited { retry_after: None },
        Self::RateLimited { retry_after: Some(1) },
        Self::ServerError,
        Self::BadGateway,
        Self::Unavailable,
        Self::TooManyQueries,
        Self::Hang,
        Self::Reset,
        Self::CutAnswer,
        Self::ExpiredLink,
        Self::FileServerError,
        Self::FileUnavailable,
        Self::FileHang,
        Self::FileReset,
        Self::CutBody,
        Self::StalledBody,
        Self::TruncatedGzip,
        Self::BadCrc,
    ];

    /// What it concerns.
    #[must_use]
    pub fn call(self) -> Call {
        match self {
            Self::Unauthorized
            | Self::RateLimited { .. }
            | Self::ServerError
            | Self::BadGateway
            | Self::Unavailable
            | Self::TooManyQueries
            | Self::Hang
            | Self::Reset
            | Self::CutAnswer
            | Self::ExpiredLink => Call::Link,
            Self::FileServerError
            | Self::FileUnavailable
            | Self::FileHang
            | Self::FileReset
            | Self::CutBody
            | Self::StalledBody
            | Self::TruncatedGzip
            | Self::BadCrc => Call::File,
            Self::Members | Self::Padding | Self::ContentEncoding | Self::Plain | Self::Parts(_) | Self::Grows(_) => {
                Call::Shape
            }
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Unauthorized => "401",
            Self::RateLimited { .. } => "429",
            Self::ServerError => "500",
            Self::BadGateway => "502",
            Self::Unavailable => "503",
            Self::TooManyQueries => "too-many-queries",
            Self::Hang => "hang",
            Self::Reset => "reset",
            Self::CutAnswer => "cut-answer",
            Self::ExpiredLink => "expired-link",
            Self::FileServerError => "file-500",
            Self::FileUnavailable => "file-503",
            Self::FileHang => "file-hang",
            Self::FileReset => "file-reset",
            Self::CutBody => "cut-body",
            Self::StalledBody => "stalled-body",
            Self::TruncatedGzip => "truncated-gzip",
            Self::BadCrc => "bad-crc",
            Self::Members => "members",
            Self::Padding => "padding",
            Self::ContentEncoding => "content-encoding",
            Self::Plain => "plain",
            Self::Parts(_) => "parts",
            Self::Grows(_) => "grows",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        match self {
            Self::RateLimited { retry_after: Some(seconds) } => write!(f, "{word}={seconds}"),
            Self::Parts(parts) => write!(f, "{word}={parts}"),
            Self::Grows(at) => write!(f, "{word}={}", show_time(*at)),
            _ => f.write_str(word),
        }
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let error = || FaultError::fault(text);
        match text.split_once('=') {
            None => {
                let plain = [Self::Members, Self::Padding, Self::ContentEncoding, Self::Plain];
                Self::PASSING.into_iter().chain(plain).find(|fault| fault.to_string() == text).ok_or_else(error)
            }
            Some(("429", value)) => {
                value.parse().map(|seconds| Self::RateLimited { retry_after: Some(seconds) }).map_err(|_| error())
            }
            Some(("parts", value)) => {
                value.parse().ok().filter(|parts| (1..=MOST_PARTS).contains(parts)).map(Self::Parts).ok_or_else(error)
            }
            Some(("grows", value)) => parse_time(value).map(Self::Grows).map_err(|_| error()),
            Some(_) => Err(error()),
        }
    }
}

/// More parts than anybody has seen; each costs two passes over the hour.
const MOST_PARTS: u32 = 100;

/// A text that names no fault, or no plan of faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}")]
pub struct FaultError {
    text: String,
    what: &'static str,
}

impl FaultError {
    fn fault(text: &str) -> Self {
        let what = "fault: write 503, 429=5, cut-body, parts=3 or another word of the documentation";
        Self { text: text.to_owned(), what }
    }

    pub(super) fn plan(text: &str) -> Self {
        let what = "plan of faults: write 2026031409:503,cut-body or every:503 or random:0.05:503,cut-body";
        Self { text: text.to_owned(), what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        let at = "2026-03-15T12:00:00Z".parse().unwrap();
        let lasting =
            [Fault::Members, Fault::Padding, Fault::ContentEncoding, Fault::Plain, Fault::Parts(3), Fault::Grows(at)];
        for fault in Fault::PASSING.into_iter().chain(lasting) {
            assert_eq!(fault.to_string().parse(), Ok(fault));
        }
    }

    #[test]
    fn what_lasts_is_not_used_up() {
        assert!(Fault::PASSING.iter().all(|fault| fault.call() != Call::Shape));
        assert_eq!(Fault::Parts(2).call(), Call::Shape);
    }

    #[test]
    fn odd_words_are_refused() {
        for text in ["", "504", "parts", "parts=0", "parts=101", "429=x", "grows=soon", "503=1"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
