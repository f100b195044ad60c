//! Who asks: the three ways to prove it to the Chat service (protocol section 2).

use chat::Secret;

use crate::environment;
use crate::settings::error::SettingsError;
use crate::settings::secret_file::GivenSecret;

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
    pub(crate) token: GivenSecret,
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: GivenSecret,
    pub(crate) app_id: Option<String>,
    pub(crate) app_certificate: GivenSecret,
    pub(crate) exchange: bool,
}

impl Given {
    /// The way to prove who asks: the token, else the client, else the certificate. Files are read now, and of the chosen way
    /// alone.
    ///
    /// # Errors
    ///
    /// When one half of a pair is missing, or nothing is given at all; when a file holds no secret.
    pub(crate) fn chosen(&self) -> Result<Credentials, SettingsError> {
        if let Some(token) = self.token.read("api.token")? {
            return Ok(Credentials::Token(token));
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

    /// What is wrong with the permissions of the files that hold secrets, with what mends it.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        [&self.token, &self.client_secret, &self.app_certificate].into_iter().filter_map(GivenSecret::warning)
    }
}

/// Both, or neither.
fn pair(
    one_name: &'static str,
    one: &Option<String>,
    other_name: &'static str,
    other: &GivenSecret,
) -> Result<Option<(String, Secret)>, SettingsError> {
    match one {
        None if other.is_given() => Err(SettingsError::HalfAPair { present: other_name, missing: one_name }),
        None => Ok(None),
        Some(one) => match other.read(other_name)? {
            Some(other) => Ok(Some((one.clone(), other))),
            None => Err(SettingsError::HalfAPair { present: one_name, missing: other_name }),
        },
    }
}

fn how_to_give() -> String {
    let [token, client, secret, app, certificate] =
        ["api.token", "api.client_id", "api.client_secret", "api.app_id", "api.app_certificate"]
            .map(environment::variable_of);
    format!(
        "set {token}, or {client} and {secret}, or {app} and {certificate} in the environment; in place of a secret, \
         `api.token_file`, `api.client_secret_file` or `api.app_certificate_file` names a file that holds it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> GivenSecret {
        GivenSecret { text: Some(Secret::new(text)), file: None }
    }

    fn all() -> Given {
        Given {
            token: secret("t"),
            client_id: Some("c".to_owned()),
            client_secret: secret("s"),
            app_id: Some("a".to_owned()),
            app_certificate: secret("p"),
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
        let without_token = Given { token: GivenSecret::default(), ..all() };
        assert_eq!(without_token.chosen().unwrap(), client);
        assert_eq!(
            Given { client_id: None, client_secret: GivenSecret::default(), ..without_token }.chosen().unwrap(),
            app
        );
    }

    #[test]
    fn half_a_pair_is_an_error_that_says_which_half() {
        let given = Given { client_id: Some("c".to_owned()), ..Given::default() };
        let error = given.chosen().unwrap_err();
        assert_eq!(error.to_string(), "`api.client_id` is of no use without `api.client_secret`");
        assert_eq!(error.hint().as_deref(), Some("set ANNALS_API_CLIENT_SECRET, or `api.client_secret_file`"));
    }

    #[test]
    fn a_secret_can_stand_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("certificate");
        std::fs::write(&path, "5CFd\n").unwrap();
        let file = GivenSecret { text: None, file: Some(("api.app_certificate_file", path)) };
        let given = Given { app_id: Some("a".to_owned()), app_certificate: file, ..Given::default() };
        let certificate = Secret::new("5CFd");
        let expected = Credentials::Certificate { app_id: "a".to_owned(), certificate, exchange: false };
        assert_eq!(given.chosen().unwrap(), expected);
        let stray = GivenSecret { text: None, file: Some(("api.token_file", folder.path().join("absent"))) };
        assert!(Given { token: stray, ..given }.chosen().is_err(), "the token is the way that was chosen");
    }

    #[test]
    fn without_credentials_all_ways_are_named() {
        let error = Given::default().chosen().unwrap_err();
        assert_eq!(error.to_string(), "`api.token` is not set");
        assert!(error.hint().unwrap().contains("or ANNALS_API_APP_ID and ANNALS_API_APP_CERTIFICATE"));
    }
}
