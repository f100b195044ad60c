//! The app whose messages are archived.

use std::fmt;
use std::str::FromStr;

/// An app key, `{org}#{app}` (protocol section 1.1). The `app-id` URL form has `app-id` as its organisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct App {
    org: String,
    name: String,
}

/// A text that names no app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppError {
    text: String,
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no app key: write org#app", self.text)
    }
}

impl std::error::Error for AppError {}

impl App {
    /// An app by its organisation and name.
    #[must_use]
    pub fn new(org: impl Into<String>, name: impl Into<String>) -> Self {
        Self { org: org.into(), name: name.into() }
    }

    /// The organisation.
    #[must_use]
    pub fn org(&self) -> &str {
        &self.org
    }

    /// The name of the app within its organisation.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Strips the decoration that some producers put around a user, group or room (protocol section 4.2):
    /// `{org}#{app}_` in front, `@domain` and `/resource` behind.
    ///
    /// A name with neither comes back as it is. Only this app's own prefix is taken off, because names may contain `_`.
    #[must_use]
    pub fn undecorated<'a>(&self, address: &'a str) -> &'a str {
        let bare = without_domain(address);
        bare.strip_prefix(self.org.as_str())
            .and_then(|rest| rest.strip_prefix('#'))
            .and_then(|rest| rest.strip_prefix(self.name.as_str()))
            .and_then(|rest| rest.strip_prefix('_'))
            .filter(|name| !name.is_empty())
            .unwrap_or(bare)
    }
}

/// `name@easemob.com/resource` and `id@conference.easemob.com` without what follows the name. Only the service's own
/// domain is decoration: an app may use e-mail addresses as names. For when the app is not known, see
/// [`App::undecorated`].
#[must_use]
pub fn without_domain(address: &str) -> &str {
    match address.split_once('@') {
        Some((name, domain)) if !name.is_empty() && is_service(domain) => name,
        _ => address,
    }
}

/// Whether an address has the decoration of an app in front, whichever: `{org}#{app}_`. Where that ends, only who knows the app
/// can tell, see [`App::undecorated`].
#[must_use]
pub fn is_decorated(address: &str) -> bool {
    let halves = address.split_once('#').and_then(|(org, behind)| Some((org, behind.split_once('_')?)));
    halves.is_some_and(|(org, (app, name))| !org.is_empty() && !app.is_empty() && !name.is_empty())
}

fn is_service(domain: &str) -> bool {
    let host = domain.split_once('/').map_or(domain, |(host, _resource)| host);
    host == "easemob.com" || host.ends_with(".easemob.com")
}

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.org, self.name)
    }
}

impl FromStr for App {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        match text.split_once('#') {
            Some((org, name)) if !org.is_empty() && !name.is_empty() => Ok(Self::new(org, name)),
            _ => Err(AppError { text: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoration_comes_off() {
        let app: App = "harbor-org#lantern".parse().unwrap();
        for (address, name) in [
            ("mara_voss", "mara_voss"),
            ("admin@easemob.com", "admin"),
            ("harbor-org#lantern_mara_voss", "mara_voss"),
            ("harbor-org#lantern_mara_voss@easemob.com/ios_9f0c12", "mara_voss"),
            ("harbor-org#lantern_231904417783810@conference.easemob.com", "231904417783810"),
            ("other#app_mara", "other#app_mara"),
            ("mara@example.com", "mara@example.com"),
            ("@easemob.com", "@easemob.com"),
            ("harbor-org#lantern_", "harbor-org#lantern_"),
            ("", ""),
        ] {
            assert_eq!(app.undecorated(address), name, "{address}");
        }
    }

    #[test]
    fn the_decoration_of_any_app_is_seen() {
        for address in ["harbor-org#lantern_mara_voss", "other#app_231904417783810@conference.easemob.com"] {
            assert!(is_decorated(address), "{address}");
        }
        for name in ["mara_voss", "mara#voss", "#lantern_mara", "harbor-org#_mara", "harbor-org#lantern_", "a_b#c", ""]
        {
            assert!(!is_decorated(name), "{name}");
        }
    }

    #[test]
    fn an_app_key_has_two_halves() {
        assert!("lantern".parse::<App>().is_err());
        assert!("#lantern".parse::<App>().is_err());
        assert_eq!("a#b".parse::<App>().unwrap().to_string(), "a#b");
    }
}
