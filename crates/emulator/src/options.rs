//! What a service is started with.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chat::{App, Secret, Zone};

use crate::clock::Clock;
use crate::corpus;
use crate::customs::Customs;
use crate::faults::Faults;

/// What a service is started with. The default serves [`corpus`] traffic of `harbor-org#lantern` in real time, at the
/// service's own rate, without faults.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes a free one. Loopback unless there is a reason: the credentials are public.
    pub listen: SocketAddr,
    /// The one app that this service knows.
    pub app: App,
    /// The form of [`crate::Handle::base_url`]. Both forms are always served.
    pub form: UrlForm,
    /// The zone in which the service names its hours.
    pub zone: Zone,
    /// The service's clock.
    pub clock: Clock,
    /// Calls for a link in any 60 seconds, of which the next is refused; `None` counts nothing, neither these calls nor
    /// those of any other method, whose rates are the documented ones.
    pub rate_per_minute: Option<u32>,
    /// How long after its end an hour is kept; [`Duration::MAX`] is for ever.
    pub retention: Duration,
    /// How long after its end an hour is not there yet.
    pub ready_after: Duration,
    /// What was said.
    pub history: History,
    /// What is said through the service itself is kept in this folder and is there after a restart; `None` forgets it.
    pub state: Option<PathBuf>,
    /// What happens to it where nothing is documented.
    pub customs: Customs,
    /// What goes wrong.
    pub faults: Faults,
    /// How long a link can be used.
    pub link_life: Duration,
    /// What a client has to know.
    pub credentials: Credentials,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            app: App::new("harbor-org", "lantern"),
            form: UrlForm::OrgApp,
            zone: Zone::UTC,
            clock: Clock::real(),
            rate_per_minute: Some(10),
            retention: Duration::from_secs(3 * 24 * 3600),
            // What the service's older pages promise (protocol section 3.3).
            ready_after: Duration::from_secs(3600),
            history: History::Generated(corpus::Options::default()),
            state: None,
            customs: Customs::default(),
            faults: Faults::none(),
            link_life: Duration::from_secs(1800),
            credentials: Credentials::default(),
        }
    }
}

/// What was said: the source of the hour files.
#[derive(Debug, Clone)]
pub enum History {
    /// The hour files of one folder, named by their hour in UTC: `{yyyyMMddHH}` or, for several parts,
    /// `{yyyyMMddHH}-{part}`, then `.gz`, `.ndjson` or `.json`. The folder is read anew for every call.
    Folder(PathBuf),
    /// Seeded traffic.
    Generated(corpus::Options),
}

/// The two forms in which the service addresses an app (protocol section 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UrlForm {
    /// `/app-id/{app_id}`.
    AppId,
    /// `/{org}/{app}`.
    #[default]
    OrgApp,
}

impl UrlForm {
    /// Both forms.
    pub const ALL: [Self; 2] = [Self::OrgApp, Self::AppId];
}

impl fmt::Display for UrlForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AppId => "app-id",
            Self::OrgApp => "org-app",
        })
    }
}

impl FromStr for UrlForm {
    type Err = UrlFormError;

    fn from_str(word: &str) -> Result<Self, UrlFormError> {
        Self::ALL.into_iter().find(|form| form.to_string() == word).ok_or_else(|| UrlFormError(word.to_owned()))
    }
}

/// A text that names no form of URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no form of URL: write org-app or app-id")]
pub struct UrlFormError(String);

/// What a client has to know to be let in. The defaults are public and the same every time.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The name of the client credentials.
    pub client_id: String,
    /// Their secret.
    pub client_secret: Secret,
    /// The App ID, 32 hex digits.
    pub app_id: String,
    /// The App Certificate, 32 hex digits.
    pub app_certificate: Secret,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            client_id: "YXA6harborlantern0client0id".to_owned(),
            client_secret: Secret::new("YXA6harborlantern0client0secret"),
            app_id: "5f0c7b1e9d2a4c68b3e1a7d40f96c258".to_owned(),
            app_certificate: Secret::new("c2a86e4d1b7f4095ae3c60d8f21b97e4"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back() {
        for form in UrlForm::ALL {
            assert_eq!(form.to_string().parse(), Ok(form));
        }
        assert!("app".parse::<UrlForm>().is_err());
    }
}
