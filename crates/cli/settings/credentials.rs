//! Who asks: the three ways to prove it to the Chat service (protocol section 2).

use chat::Secret;

use crate::environment;
use crate::settings::error::SettingsError;

/// How the program proves to the service that it may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// A token somebody else obtained.
    Token(Secret),
    /// The client id and secret of the app: tokens are obtained as needed.
    Client {
        /// The client id.
        id: String,
        /// The client secret.
        secret: Secret,
    },
    /// The Agora app id and certificate: tokens are signed here.
    Certificate {
        /// The Agora app id.
        app_id: String,
        /// The primary certificate of the project.
        certificate: Secret,
        /// Whether a signed token is first exchanged for one of the Chat service.
        exchange: bool,
    },
}

/// The settings that are credentials, as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) token: Option<Secret>,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) app_id: Option<String>,
    pub(crate) app_certificate: Option<Secret>,
    pub(crate) exchange: bool,
}

impl Given {
    /// The way to prove who asks: the token, else the client, else the certificate.
    ///
    /// # Errors
    ///
    /// When one half of a pair is missing, or nothing is given at all.
    pub(crate) fn chosen(&self) -> Result<Credentials, SettingsError> {
        if let Some(token) = &self.token {
            return Ok(Credentials::Token(token.clone()));
        }
        let client = pair("api.client_id", &self.client_id, "api.client_secret", &self.client_secret)?;
        if let Some((id, secret)) = client {
            return Ok(Credentials::Client { id, secret });
        }
        let app = pair("api.app_id", &self.app_id, "api.app_certificate", &self.app_certificate)?;
        match app {
            Some((app_id, certificate)) => {
                Ok(Credentials::Certificate { app_id, certificate, exchange: self.exchange })
            }
            None => Err(SettingsError::Missing { name: "api.token", hint: how_to_give() }),
        }
    }
}

/// Both, or neither.
fn pair(
    one_name: &'static str,
    one: &Option<String>,
    other_name: &'static str,
    other: &Option<Secret>,
) -> Result<Option<(String, Secret)>, SettingsError> {
    match (one, other) {
        (Some(one), Some(other)) => Ok(Some((one.clone(), other.clone()))),
        (Some(_), None) => Err(SettingsError::HalfAPair { present: one_name, missing: other_name }),
        (None, Some(_)) => Err(SettingsError::HalfAPair { present: other_name, missing: one_name }),
        (None, None) => Ok(None),
    }
}

fn how_to_give() -> String {
    let [token, client, secret, app, certificate] =
        ["api.token", "api.client_id", "api.client_secret", "api.app_id", "api.app_certificate"]
            .map(environment::variable_of);
    format!("set {token}, or {client} and {secret}, or {app} and {certificate} in the environment")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Given {
        Given {
            token: Some(Secret::new("t")),
            client_id: Some("c".to_owned()),
            client_secret: Some(Secret::new("s")),
            app_id: Some("a".to_owned()),
            app_certificate: Some(Secret::new("p")),
            exchange: true,
        }
    }

    #[test]
    fn the_readiest_credentials_are_taken() {
        let token = Credentials::Token(Secret::new("t"));
        let client = Credentials::Client { id: "c".to_owned(), secret: Secret::new("s") };
        let (app_id, certificate) = ("a".to_owned(), Secret::new("p"));
        let app = Credentials::Certificate { app_id, certificate, exchange: true };
        assert_eq!(all().chosen().unwrap(), token);
        let without_token = Given { token: None, ..all() };
        assert_eq!(without_token.chosen().unwrap(), client);
        assert_eq!(Given { client_id: None, client_secret: None, ..without_token }.chosen().unwrap(), app);
    }

    #[test]
    fn half_a_pair_is_an_error_that_says_which_half() {
        let given = Given { client_id: Some("c".to_owned()), ..Given::default() };
        let error = given.chosen().unwrap_err();
        assert_eq!(error.to_string(), "`api.client_id` is of no use without `api.client_secret`");
        assert_eq!(error.hint().as_deref(), Some("set ANNALS_API_CLIENT_SECRET"));
    }

    #[test]
    fn without_credentials_all_ways_are_named() {
        let error = Given::default().chosen().unwrap_err();
        assert_eq!(error.to_string(), "`api.token` is not set");
        assert!(error.hint().unwrap().contains("or ANNALS_API_APP_ID and ANNALS_API_APP_CERTIFICATE"));
    }
}
