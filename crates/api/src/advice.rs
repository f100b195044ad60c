//! What to do about an error.

use std::time::Duration;

/// What the caller of a failed call should do. The retries of [`crate::Retries`] are already spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Ask again later: after this time when the service named one, else when it suits.
    Retry(Option<Duration>),
    /// The link is spent: `locate` the hour again, then `download`.
    AskForANewLink,
    /// A setting of this client is wrong; asking again changes nothing.
    FixTheSettings,
    /// The service will not serve this app with this token or plan. Stop the run: every other hour fares the same.
    Refused,
    /// This call cannot succeed; others may.
    GiveUp,
}
