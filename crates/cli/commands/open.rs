//! What commands open: the archive, its index, the service.

use std::collections::BTreeMap;
use std::num::{NonZero, NonZeroU32};
use std::path::PathBuf;

use api::{Client, Outside, Rate, Retries, Timeouts, TokenSource};
use chat::{App, Hour};
use index::Catalogue;
use ingest::{Habits, Workshop};
use store::{Access, Archive, Means};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::CommandError;
use crate::settings::Credentials;

/// The folder of the index within an archive.
const INDEX: &str = "index";

impl Context {
    /// Opens the archive.
    ///
    /// # Errors
    ///
    /// When there is none and none is to be created, or it cannot be used.
    pub(super) async fn open_archive(&self, access: Access) -> Result<Archive, CommandError> {
        self.try_archive(access).await.map_err(|error| {
            CommandError::from(error).while_doing(format!("could not open the archive {}", self.place))
        })
    }

    /// The same, for those who mind why it cannot be opened.
    pub(super) async fn try_archive(&self, access: Access) -> Result<Archive, store::Error> {
        let means = Means { desk: &self.archive, variables: &self.clouds, grace: self.settings.bucket };
        Archive::open_at(&self.place, means, access, self.clock.handed_over()).await
    }

    /// Opens the index for writing. An index that is in the way is said and left out: nothing waits for it.
    pub(super) fn open_catalogue(&self) -> Option<Catalogue> {
        match Catalogue::open(&self.index_folder(), self.index_settings()) {
            Ok(catalogue) => Some(catalogue),
            Err(error) => {
                self.warn_of_index(error);
                None
            }
        }
    }

    /// Opens the index for reading; `None` when there is none yet.
    ///
    /// # Errors
    ///
    /// When it is damaged or in another format.
    pub(super) fn read_catalogue(&self) -> Result<Option<Catalogue>, index::Error> {
        Catalogue::open_existing(&self.index_folder())
    }

    /// The hours that the index holds, and from which publication of them; none when there is no index yet.
    ///
    /// # Errors
    ///
    /// As [`Context::read_catalogue`].
    pub(super) fn indexed_hours(&self) -> Result<BTreeMap<Hour, String>, index::Error> {
        Ok(self.read_catalogue()?.map(|catalogue| catalogue.hours()).transpose()?.unwrap_or_default())
    }

    /// What hours are worked on with. The first signal then asks the work to come to an end.
    pub(super) fn workshop(&self, archive: Archive, catalogue: Option<Catalogue>, app: Option<App>) -> Workshop {
        Workshop { stop: self.stop.token(), ..self.reading_room(archive, catalogue, app) }
    }

    /// The app whose addresses an archive has: its own, or else the one that the settings name.
    pub(super) fn app_of(&self, archive: &Archive) -> Option<App> {
        let named = || self.settings.api.base_url().ok().and_then(|url| api::app_of(url).ok());
        archive.app().or_else(named)
    }

    /// The same for work that changes nothing: the first signal ends it at once.
    pub(super) fn reading_room(&self, archive: Archive, catalogue: Option<Catalogue>, app: Option<App>) -> Workshop {
        Workshop {
            archive,
            catalogue,
            app,
            clock: self.clock.handed_over(),
            settings: self.ingest_settings(),
            spare: archive::Spare::default(),
            stop: CancellationToken::new(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// A client of the service that the settings name.
    ///
    /// # Errors
    ///
    /// When the settings name none, or hold no credentials, or cannot be used.
    pub(super) fn client(&self) -> Result<Client, CommandError> {
        Ok(Client::new(self.client_config()?)?)
    }

    /// The same for attachments, which are smaller than hour files, and many.
    ///
    /// # Errors
    ///
    /// As [`Context::client`].
    pub(super) fn media_client(&self) -> Result<Client, CommandError> {
        let mut config = self.client_config()?;
        config.limits.attachment_bytes = self.settings.media.max_bytes;
        config.timeouts.file = self.settings.media.timeout;
        Ok(Client::new(config)?)
    }

    fn client_config(&self) -> Result<api::Config, CommandError> {
        let settings = &self.settings.api;
        settings.credential_warnings().for_each(|warning| self.output.warn(warning));
        let mut config = api::Config::new(
            settings.base_url()?.clone(),
            token_source(settings.credentials()?),
            self.clock.handed_over(),
        );
        config.zone = settings.zone;
        config.rate = Rate::per_minute(NonZeroU32::new(settings.history_per_minute).unwrap_or(NonZeroU32::MIN));
        config.calls_per_second = NonZeroU32::new(settings.calls_per_second).unwrap_or(NonZeroU32::MIN);
        config.limits = self.limits();
        config.quota_file = self.quota_file(&config.base_url)?;
        config.retries = Retries {
            attempts: settings.attempts,
            first_pause: settings.first_pause,
            longest_pause: settings.longest_pause,
            ..Retries::default()
        };
        config.timeouts = Timeouts {
            connect: settings.connect_timeout,
            head: settings.idle_timeout,
            idle: settings.idle_timeout,
            ..Timeouts::default()
        };
        config.outside =
            Outside { hosts: self.settings.media.hosts.clone(), allow_private: self.settings.media.allow_private };
        Ok(config)
    }

    /// Says why the index is left out, and what mends it.
    pub(super) fn warn_of_index(&self, error: index::Error) {
        let advice = match &error {
            error if error.rebuild_helps() => "; `annals index rebuild` makes it again from the tables".to_owned(),
            index::Error::Locked { .. } => "; it will catch up with the tables in a later run".to_owned(),
            _ => String::new(),
        };
        let error = CommandError::usage(error);
        self.output.warn(format_args!("the search index was left out: {}{advice}", error.in_one_line()));
    }

    /// What the index may use while it takes hours in.
    pub(super) fn index_settings(&self) -> index::Settings {
        let of_index = &self.settings.index;
        index::Settings { heap: of_index.heap, merge_at: of_index.merge_at, ..index::Settings::default() }
    }

    pub(super) fn index_folder(&self) -> PathBuf {
        self.settings.index.folder.clone().unwrap_or_else(|| self.archive.join(INDEX))
    }

    /// When the service writes an hour, and when it forgets it.
    pub(super) fn habits(&self) -> Habits {
        let hours = &self.settings.hours;
        Habits {
            first_try: hours.first_try,
            readiness: hours.readiness,
            retention: hours.retention,
            recheck: hours.recheck.clone(),
        }
    }

    fn ingest_settings(&self) -> ingest::Settings {
        let settings = &self.settings;
        let cores = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        ingest::Settings {
            archive: archive::Settings {
                memory: settings.archive.memory,
                compression: settings.archive.compression,
                ..archive::Settings::default()
            },
            decode: decode::Limits {
                line: settings.decode.line_limit,
                unpacked: settings.decode.unpacked_limit,
                ..decode::Limits::default()
            },
            habits: self.habits(),
            workers: NonZero::new(settings.ingest.workers).unwrap_or(cores),
            second_run: settings.ingest.second_run,
            zone: settings.hours.check_zone.then_some(settings.api.zone),
        }
    }

    /// The file through which all runs on this machine share the quota of one app.
    fn quota_file(&self, base_url: &url::Url) -> Result<Option<PathBuf>, CommandError> {
        let Some(state) = &self.state else { return Ok(None) };
        let folder = state.join("quota");
        std::fs::create_dir_all(&folder)
            .map_err(|error| CommandError::usage(error).while_doing(format!("could not make {}", folder.display())))?;
        Ok(Some(folder.join(file_name(base_url))))
    }
}

/// The address with everything but letters, digits, dots and dashes turned into `_`.
fn file_name(base_url: &url::Url) -> String {
    let address = format!("{}{}", base_url.authority(), base_url.path());
    address
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || "-.".contains(letter) { letter } else { '_' })
        .collect()
}

fn token_source(credentials: Credentials) -> TokenSource {
    match credentials {
        Credentials::Token(token) => TokenSource::Static(token),
        Credentials::Client { id, secret } => TokenSource::ClientCredentials { id, secret },
        Credentials::Certificate { app_id, certificate, exchange } => {
            TokenSource::AppCertificate { app_id, certificate, exchange }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_file_is_named_by_the_address() {
        let name = |text: &str| file_name(&text.parse().unwrap());
        assert_eq!(name("https://a1.easemob.com/harbor-org/lantern"), "a1.easemob.com_harbor-org_lantern");
        assert_eq!(name("http://127.0.0.1:8080/app-id/970CA"), "127.0.0.1_8080_app-id_970CA");
    }
}
