//! What a client is told.

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat::{Secret, Timestamp, Zone};
use url::Url;

/// Tells the time. It has to run: a clock that stands still is taken for one that lags behind.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How to reach an app and how to behave towards it.
#[derive(Clone)]
pub struct Config {
    /// Everything before `/chatmessages`: `https://{host}/{org}/{app}` or `https://{host}/app-id/{id}` (section 1.1).
    pub base_url: Url,
    /// Where the bearer token comes from.
    pub token: TokenSource,
    /// The zone in which the cluster names its hours (section 3.1).
    pub zone: Zone,
    /// How many calls of the history method are allowed (section 13.1).
    pub rate: Rate,
    /// How many calls of any other method the app's plan allows in a second: 100, with Agora's free plan 10 (section
    /// 13.1). Sends are spaced further, by what is allowed of messages.
    pub calls_per_second: NonZeroU32,
    /// The file through which all processes of this machine share the rate, and which remembers it across restarts.
    /// One file for each app; its folder must exist. Other methods have files beside it, with their names appended.
    /// Without it the rates hold within one client only.
    pub quota_file: Option<PathBuf>,
    /// How often and how patiently to try again.
    pub retries: Retries,
    /// How long to wait for an answer.
    pub timeouts: Timeouts,
    /// How much to accept, and how much to send.
    pub limits: Limits,
    /// Where files may come from besides the service itself.
    pub outside: Outside,
    /// Tells the time.
    pub clock: Clock,
}

impl Config {
    /// A configuration with the defaults of every other field: UTC, ten calls a minute, no quota file.
    #[must_use]
    pub fn new(base_url: Url, token: TokenSource, clock: Clock) -> Self {
        Self {
            base_url,
            token,
            zone: Zone::UTC,
            rate: Rate::default(),
            calls_per_second: NonZeroU32::new(100).expect("a hundred is not zero"),
            quota_file: None,
            retries: Retries::default(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            outside: Outside::default(),
            clock,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field(
                "base_url",
                &format_args!("{}{}", self.base_url.origin().ascii_serialization(), self.base_url.path()),
            )
            .field("token", &self.token)
            .field("zone", &self.zone)
            .field("rate", &self.rate)
            .field("calls_per_second", &self.calls_per_second)
            .field("quota_file", &self.quota_file)
            .field("retries", &self.retries)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("outside", &self.outside)
            .finish_non_exhaustive()
    }
}

/// Where the bearer token comes from (section 2). White space around a secret is taken off.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// A ready token. It cannot be renewed: a 401 is final.
    Static(Secret),
    /// Easemob's client credentials, exchanged at `POST {base}/token` (section 2.1).
    ClientCredentials {
        /// The client id.
        id: String,
        /// The client secret.
        secret: Secret,
    },
    /// Agora's App ID and App Certificate, from which an AccessToken2 is built here (section 2.2).
    AppCertificate {
        /// The App ID: 32 hex digits.
        app_id: String,
        /// The App Certificate: 32 hex digits.
        certificate: Secret,
        /// Whether to exchange the AccessToken2 at `POST {base}/token` first, as the Java SDK does, or to send it as it is.
        exchange: bool,
    },
}

/// Calls of the history method in any 60 seconds. The default is 10 (section 13.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    per_minute: NonZeroU32,
}

impl Rate {
    /// What the calls of a full minute are spread over: a minute, and the time by which one call may reach the service
    /// later than another (a first connection with its handshakes, a slow route). Without the extra, eleven calls could
    /// arrive in one minute when the first of them was held up.
    const SPREAD: Duration = Duration::from_secs(62);

    /// A rate of so many calls a minute.
    #[must_use]
    pub fn per_minute(calls: NonZeroU32) -> Self {
        Self { per_minute: calls }
    }

    /// The time between two calls.
    #[must_use]
    pub fn interval(self) -> Duration {
        Self::SPREAD / self.per_minute.get()
    }
}

impl Default for Rate {
    fn default() -> Self {
        const TEN: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
        Self { per_minute: TEN }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} a minute", self.per_minute)
    }
}

/// How often and how patiently to try again. Pauses double from `first_pause` to `longest_pause` and are lengthened at
/// random by up to their own length, so that clients that failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Attempts at one call, the first included; 0 means 1.
    pub attempts: u32,
    /// Attempts at a host that cannot be reached at all, the first included; 0 means 1.
    pub connects: u32,
    /// The pause after the first failure.
    pub first_pause: Duration,
    /// The longest pause before the random part is added.
    pub longest_pause: Duration,
    /// The longest `Retry-After` that is waited for here; a longer one is the caller's, see [`crate::Advice::Retry`].
    pub longest_wait: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 6,
            connects: 3,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            longest_wait: Duration::from_secs(120),
        }
    }
}

/// How long to wait for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection stands, name and handshakes included.
    pub connect: Duration,
    /// From sending a request until the whole of an API answer, or the head of a file, is there.
    pub head: Duration,
    /// Between two pieces of a file.
    pub idle: Duration,
    /// For the whole of a file, in either direction. Ends a store that trickles; a file of an hour that takes longer than a day, the default,
    /// is one that nobody ever catches up with.
    pub file: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            head: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            file: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// Where files may come from besides the service itself, which is its host and port as configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outside {
    /// Hosts of files that messages name and that are not the service's, as `host` or `host:port`. Nothing is fetched from
    /// others, but from those that the service redirects to.
    pub hosts: Vec<String>,
    /// Whether such a host may be this machine, or in a private network. Link-local addresses are never connected to.
    pub allow_private: bool,
}

/// How much to accept from outside, and how much the service accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an API answer. A link has about 300 bytes, so the default is room for 10,000 parts.
    pub answer_bytes: u64,
    /// Bytes of one part as served. The default, 64 GiB, guards the disk and not a real hour.
    pub download_bytes: u64,
    /// Parts of one hour.
    pub parts: usize,
    /// Redirects followed for one request.
    pub redirects: usize,
    /// Bytes of an attachment that is downloaded. The default, 1 GiB, is five times what the service can be set to take.
    pub attachment_bytes: u64,
    /// Bytes of a file that is uploaded: 10 MiB, unless the console says more (section 7).
    pub upload_bytes: u64,
    /// Bytes of a message's `body` and `ext` together, as JSON: 5 KiB (section 6.4).
    pub message_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer_bytes: 4 << 20,
            download_bytes: 64 << 30,
            parts: 1_000,
            redirects: 5,
            attachment_bytes: 1 << 30,
            upload_bytes: 10 << 20,
            message_bytes: 5 << 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_calls_are_spread_over_more_than_a_minute() {
        assert_eq!(Rate::default().interval(), Duration::from_millis(6_200));
        assert_eq!(Rate::default().to_string(), "10 a minute");
    }
}
