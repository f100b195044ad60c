//! What can go wrong, by what can be done about it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::advice::Advice;
use crate::unfit::Unfit;

/// What lies below an error. Shared, because callers that wait for one token all get the same answer.
pub(crate) type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// Why a call failed. No text holds a token, a secret or the query of a link.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting cannot be used as it is.
    #[error("{what}")]
    Settings {
        /// Which one, and why.
        what: String,
    },
    /// The file that spaces the calls cannot be read or written.
    #[error("the quota file {} cannot be used", path.display())]
    QuotaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// No connection came about.
    #[error("{host} {obstacle}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// What stood in the way.
        obstacle: Obstacle,
        /// Why.
        source: Cause,
    },
    /// The other side took too long; which of [`crate::Timeouts`] ended the wait is in the text.
    #[error("{what} {host} took longer than {} s", limit.as_secs_f32())]
    TimedOut {
        /// Host and port.
        host: String,
        /// What was waited for, such as `an answer from`.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// The service will not serve this app with this token or plan.
    #[error("the service refuses {refusal} ({status}{})", Said(said.as_deref()))]
    Refused {
        /// The status of the answer.
        status: u16,
        /// What is refused.
        refusal: Refusal,
        /// The service's own words.
        said: Option<String>,
    },
    /// There is no such app at the base URL: a wrong host, organisation, app or path.
    #[error("the service knows no app {app} ({status}{})", Said(said.as_deref()))]
    NoSuchApp {
        /// The app asked for.
        app: String,
        /// The status of the answer.
        status: u16,
        /// The service's own words.
        said: Option<String>,
    },
    /// The service cannot read the hour's key: the zone is wrong, or this crate is.
    #[error("the service cannot read the hour {key} ({status}{})", Said(said.as_deref()))]
    BadHour {
        /// The key sent.
        key: String,
        /// The status of the answer.
        status: u16,
        /// The service's own words.
        said: Option<String>,
    },
    /// Too many calls (429), or too many messages (403).
    #[error("the service asks for fewer {} ({status}{})", if *status == 403 { "messages" } else { "calls" }, Said(said.as_deref()))]
    Throttled {
        /// The status of the answer.
        status: u16,
        /// When to come back, if the service says so.
        retry_after: Option<Duration>,
        /// The service's own words.
        said: Option<String>,
    },
    /// A fault of the service or of something on the way to it.
    #[error("{host} has a fault ({status}{})", Said(said.as_deref()))]
    ServiceFault {
        /// Host and port.
        host: String,
        /// The status of the answer.
        status: u16,
        /// When to come back, if the service says so.
        retry_after: Option<Duration>,
        /// The service's own words.
        said: Option<String>,
    },
    /// The service points to another host, and going there would hand the token to it.
    #[error("{host} redirects to {to}")]
    Redirected {
        /// Host and port.
        host: String,
        /// The status of the answer.
        status: u16,
        /// Scheme, host and port of the place pointed to.
        to: String,
    },
    /// The service will not do this one thing: the request is not to its liking, or what it names is not there.
    #[error("the service declines ({status}{})", Said(said.as_deref()))]
    Declined {
        /// The status of the answer.
        status: u16,
        /// The service's own words.
        said: Option<String>,
    },
    /// A limit is not kept; the call was not made.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The answer was lost, and the service may have done what it was asked. The call was not repeated: a message would
    /// arrive twice.
    #[error("whether the service did it is not known")]
    Doubtful {
        /// What became of the answer.
        source: Arc<Self>,
    },
    /// A file of this machine that is to be sent cannot be read.
    #[error("could not read {}", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Cause,
    },
    /// An answer that the protocol does not foresee.
    #[error("the answer is not one that is foreseen ({status}{})", Said(said.as_deref()))]
    Unexpected {
        /// The status of the answer.
        status: u16,
        /// The service's own words, or where it points.
        said: Option<String>,
    },
    /// A success that cannot be understood.
    #[error("the answer of {host} cannot be understood: {what}")]
    Malformed {
        /// Host and port.
        host: String,
        /// What is wrong with it.
        what: String,
    },
    /// The store does not honour the link: expired, wrongly signed, or its file is gone (section 3.5).
    #[error("the store no longer honours the link ({status}{})", Said(code.as_deref()))]
    LinkExpired {
        /// The status of the answer.
        status: u16,
        /// The store's word for it, such as `AccessDenied` or `NoSuchKey`.
        code: Option<String>,
    },
    /// The connection ended within an answer.
    #[error("the connection to {host} broke off after {bytes} bytes")]
    Cut {
        /// Host and port.
        host: String,
        /// Bytes of the body received.
        bytes: u64,
        /// Why.
        source: Cause,
    },
    /// More than the client is willing to take.
    #[error("{what} exceeds the limit of {limit}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The limit, see [`crate::Limits`].
        limit: u64,
    },
    /// The bytes of a file could not be written where the caller wants them.
    #[error("the downloaded bytes cannot be written")]
    Target {
        /// Why.
        source: Cause,
    },
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Settings { .. } | Self::QuotaFile { .. } | Self::Redirected { .. } | Self::BadHour { .. } => {
                Advice::FixTheSettings
            }
            Self::Unreachable { obstacle: Obstacle::Certificate | Obstacle::NotPublic, .. } => Advice::FixTheSettings,
            Self::Refused { .. } | Self::NoSuchApp { .. } => Advice::Refused,
            Self::Throttled { retry_after, .. } | Self::ServiceFault { retry_after, .. } => Advice::Retry(*retry_after),
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Malformed { .. } | Self::Cut { .. } => {
                Advice::Retry(None)
            }
            Self::LinkExpired { .. } => Advice::AskForANewLink,
            Self::Unexpected { .. }
            | Self::Declined { .. }
            | Self::Unfit(_)
            | Self::Doubtful { .. }
            | Self::TooMuch { .. }
            | Self::Source { .. }
            | Self::Target { .. } => Advice::GiveUp,
        }
    }

    /// The status of the answer, when there was one.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. }
            | Self::NoSuchApp { status, .. }
            | Self::BadHour { status, .. }
            | Self::Throttled { status, .. }
            | Self::ServiceFault { status, .. }
            | Self::Redirected { status, .. }
            | Self::Unexpected { status, .. }
            | Self::Declined { status, .. }
            | Self::LinkExpired { status, .. } => Some(*status),
            Self::Doubtful { source } => source.http_status(),
            _ => None,
        }
    }

    /// Whether the service may have done what it was asked, although there is no answer that says so.
    pub(crate) fn leaves_doubt(&self) -> bool {
        matches!(
            self,
            Self::Cut { .. }
                | Self::TimedOut { .. }
                | Self::Malformed { .. }
                | Self::ServiceFault { .. }
                | Self::TooMuch { .. }
                // A success of a kind that no document speaks of.
                | Self::Unexpected { status: 200..300, .. }
        )
    }

    /// What a method that changes something says with a 4xx it says of this one call.
    pub(crate) fn declined(self) -> Self {
        match self {
            Self::Unexpected { status: status @ 400..500, said } => Self::Declined { status, said },
            other => other,
        }
    }
}

/// What stood in the way of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The name of the host leads nowhere.
    Name,
    /// The host does not take the connection.
    Connection,
    /// The host says nothing: no connection came about in time.
    Silence,
    /// The host cannot prove who it is.
    Certificate,
    /// The host is this machine, in a private network, or nowhere: see [`crate::Outside`].
    NotPublic,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "cannot be found: its name leads nowhere",
            Self::Connection => "cannot be reached",
            Self::Silence => "cannot be reached: it does not answer",
            Self::Certificate => "cannot be trusted: the secure connection failed",
            Self::NotPublic => "is not connected to: it has no public address",
        })
    }
}

/// What the service refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The token (401), also after it was renewed once where that is possible.
    Token,
    /// The client credentials or certificate that a token is to be had for.
    Credentials,
    /// The method, to this app or token (402, 403).
    Permission,
    /// The app's plan is used up (429 `resource_limited`).
    Plan,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "the token",
            Self::Credentials => "the credentials",
            Self::Permission => "permission",
            Self::Plan => "more than the app's plan allows",
        })
    }
}

/// `: words` behind a status, nothing without words.
struct Said<'a>(Option<&'a str>);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |words| write!(f, ": {words}"))
    }
}
