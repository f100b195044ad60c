//! The settings: what they are, and where they come from.
//!
//! `default-settings.toml` is the list of all of them, with reasons. Default < `annals.toml` in the archive <
//! environment < `--set`.

mod credentials;
mod error;
mod file;
mod layers;
mod reader;
mod reference;
mod secret_file;
mod units;
mod watches;

use std::path::{Path, PathBuf};
use std::time::Duration;

use chat::Zone;
use ingest::{Recheck, SecondRun};
use store::Grace;
use url::Url;

pub(crate) use credentials::Credentials;
pub(crate) use error::SettingsError;
pub(crate) use layers::{FILE, unknown_variables};
pub(crate) use reference::{markdown, nearest};
pub(crate) use secret_file::GivenSecret;
pub(crate) use units::parse_duration;
pub(crate) use watches::{Watch, WatchEntry, WatchFileError, with_watch, without_watch};

use crate::environment::{self, Environment};
use crate::error::CommandError;
use crate::output::LogFormat;
use credentials::Given;
use layers::Layers;
use reader::Reader;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings in force.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The Chat service, and how it is talked to.
    pub(crate) api: ApiSettings,
    /// The service's habits, by which its answers are read.
    pub(crate) hours: HoursSettings,
    /// How tables are written.
    pub(crate) archive: ArchiveSettings,
    /// When files are put together.
    pub(crate) compact: CompactSettings,
    /// How long what is part of nothing stays in a bucket.
    pub(crate) bucket: Grace,
    /// How the search index is written.
    pub(crate) index: IndexSettings,
    /// How hours are worked on.
    pub(crate) ingest: IngestSettings,
    /// What a file may hold.
    pub(crate) decode: DecodeSettings,
    /// Which files of messages are kept.
    pub(crate) media: MediaSettings,
    /// What is logged.
    pub(crate) log: LogSettings,
    /// Where the nightly job writes its metrics.
    pub(crate) metrics: MetricsSettings,
    /// Who is pinged by the nightly job.
    pub(crate) ping: PingSettings,
    /// Where saved searches post to.
    pub(crate) watch: WatchSettings,
    /// What a query in SQL may use.
    #[cfg_attr(not(feature = "sql"), expect(dead_code, reason = "the setting is known to every build"))]
    pub(crate) sql: SqlSettings,
    layers: Layers,
}

/// `[api]`: the Chat service, and how it is talked to.
#[derive(Debug, Clone)]
pub(crate) struct ApiSettings {
    base_url: Option<Url>,
    given: Given,
    /// The zone in which the service names its hours.
    pub(crate) zone: Zone,
    /// How many history links may be asked for in a minute; `1 <= history_per_minute`.
    pub(crate) history_per_minute: u32,
    /// How many calls of any other method the plan allows in a second; `1 <= calls_per_second`.
    pub(crate) calls_per_second: u32,
    /// The largest file in bytes that is uploaded.
    pub(crate) upload_limit: u64,
    /// The largest `body` and `ext` of a message in bytes of JSON.
    pub(crate) message_limit: usize,
    /// How often a call is tried in all; `1 <= attempts`.
    pub(crate) attempts: u32,
    /// The pause before the second try; `first_pause <= longest_pause`.
    pub(crate) first_pause: Duration,
    /// The longest pause between two tries.
    pub(crate) longest_pause: Duration,
    /// How long a connection may take to come about.
    pub(crate) connect_timeout: Duration,
    /// How long the other side may be silent.
    pub(crate) idle_timeout: Duration,
}

/// `[hours]`: the service's habits; `first_try <= readiness <= retention`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HoursSettings {
    /// How long after its end an hour is first asked for.
    pub(crate) first_try: Duration,
    /// How long after its end "no file" still means "not yet".
    pub(crate) readiness: Duration,
    /// How long the service keeps an hour after its end.
    pub(crate) retention: Duration,
    /// An hour that will be gone within this time is at risk.
    pub(crate) warning: Duration,
    /// When an hour that is archived or empty is asked for once more.
    pub(crate) recheck: Vec<Recheck>,
    /// Whether a run stops when messages lie in another zone's hours.
    pub(crate) check_zone: bool,
}

/// `[archive]`: how tables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ArchiveSettings {
    /// Bytes of rows of one hour in memory before a sorted run is put on disk.
    pub(crate) memory: usize,
    /// The level of zstd; `1 <= compression <= 22`.
    pub(crate) compression: i32,
}

/// `[compact]`: when the files of closed days are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CompactSettings {
    /// How many files of a closed day are put together at the end of a run; 0 never does it.
    pub(crate) files: u64,
    /// Files are put together up to so many bytes.
    pub(crate) file_size: u64,
}

/// `[index]`: where the search index is, and how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexSettings {
    /// Its folder; `None` is the one in the folder of the archive.
    pub(crate) folder: Option<PathBuf>,
    /// Bytes of search documents of one hour in memory before they are written out.
    pub(crate) heap: usize,
    /// Segments of about the same size that are put together into one.
    pub(crate) merge_at: usize,
    /// How long a search waits for another process that is at the index and gets no further.
    pub(crate) wait: Duration,
}

/// `[ingest]`: how hours are worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IngestSettings {
    /// How many hours are worked on at once; 0 is one for each core.
    pub(crate) workers: usize,
    /// What a run does when another one is at work on the archive.
    pub(crate) second_run: SecondRun,
}

/// `[decode]`: what a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecodeSettings {
    /// The longest line in bytes that is read as a message.
    pub(crate) line_limit: usize,
    /// How many bytes a part of an hour may unpack to.
    pub(crate) unpacked_limit: u64,
}

/// `[media]`: which files of messages are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaSettings {
    /// Hosts besides the service that files are fetched from.
    pub(crate) hosts: Vec<String>,
    /// Whether they, and the stores of the service, may be in private networks.
    pub(crate) allow_private: bool,
    /// The largest file in bytes that is fetched.
    pub(crate) max_bytes: u64,
    /// How long a file may take.
    pub(crate) timeout: Duration,
    /// How many are fetched at once; `1 <= workers`.
    pub(crate) workers: usize,
    /// Whether thumbnails are fetched.
    pub(crate) thumbnails: bool,
    /// How long the service keeps a file.
    pub(crate) lifetime: Duration,
}

/// `[log]`: what is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// In the notation of tracing.
    pub(crate) filter: String,
    /// How stderr is written.
    pub(crate) format: LogFormat,
}

/// `[metrics]`: where the nightly job writes its metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetricsSettings {
    /// The file; `None` writes none.
    pub(crate) file: Option<PathBuf>,
}

/// `[ping]`: who is pinged by the nightly job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PingSettings {
    /// The address of the watchdog, which is as good as a password.
    pub(crate) url: GivenSecret,
}

/// `[watch]`: where saved searches post to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WatchSettings {
    /// To which addresses is posted.
    pub(crate) reach: api::Reach,
    /// With what posts are signed.
    pub(crate) secret: GivenSecret,
}

/// `[sql]`: what a query in SQL may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqlSettings {
    /// Bytes of memory, beyond which it goes to disk.
    pub(crate) memory: usize,
    /// The folder for what goes to disk; `None` is the one of the archive.
    pub(crate) temp: Option<PathBuf>,
}

impl Settings {
    /// The settings for the archive in this folder. `flags` are the texts of `--set`.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] when a layer cannot be read, or a value does not fit.
    pub(crate) fn load(archive: &Path, environment: &Environment, flags: &[String]) -> Result<Self, SettingsError> {
        Self::from_layers(Layers::of(archive, environment, flags)?)
    }

    /// The settings of another app: those of a file, with the texts of `--set` on top, and nothing of the environment.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`], and when there is no such file.
    pub(crate) fn of_another_app(&self, path: &Path) -> Result<Self, SettingsError> {
        Self::from_layers(Layers::of_file(path, &self.layers)?)
    }

    fn from_layers(layers: Layers) -> Result<Self, SettingsError> {
        let reader = Reader::new(&layers);
        Ok(Self {
            api: ApiSettings::from_layers(&reader)?,
            hours: HoursSettings::from_layers(&reader)?,
            archive: ArchiveSettings {
                memory: reader.size("archive.memory", 1 << 20..=1 << 40)?,
                compression: reader.number("archive.compression", 1..=22)?,
            },
            compact: CompactSettings {
                files: reader.number("compact.files", 0..=1_000_000)?,
                file_size: reader.size("compact.file_size", 1 << 20..=1 << 40)?,
            },
            bucket: Grace {
                replaced: reader.duration_within("bucket.grace", MINUTE..=Grace::LONGEST_REPLACED)?,
                orphaned: reader.duration_within("bucket.orphan_grace", Grace::SHORTEST_ORPHANED..=30 * DAY)?,
            },
            index: IndexSettings {
                folder: reader.path("index.folder")?,
                heap: reader.size("index.heap", 16 << 20..=1 << 40)?,
                merge_at: reader.number("index.merge_at", 2..=1000)?,
                wait: reader.duration("index.wait")?,
            },
            ingest: IngestSettings {
                workers: reader.number("ingest.workers", 0..=1024)?,
                second_run: reader.parsed("ingest.second_run", "wait or leave")?,
            },
            decode: DecodeSettings {
                line_limit: reader.size("decode.line_limit", 1024..=1 << 30)?,
                unpacked_limit: reader.size("decode.unpacked_limit", 1 << 20..=1 << 50)?,
            },
            media: MediaSettings {
                hosts: reader.list("media.hosts"),
                allow_private: reader.parsed("media.allow_private", "true or false")?,
                max_bytes: reader.size("media.max_bytes", 1..=1 << 40)?,
                timeout: reader.duration("media.timeout")?,
                workers: reader.number("media.workers", 1..=100)?,
                thumbnails: reader.parsed("media.thumbnails", "true or false")?,
                lifetime: reader.duration("media.lifetime")?,
            },
            log: LogSettings {
                filter: reader.filter("log.filter")?,
                format: reader.parsed("log.format", "text or json")?,
            },
            metrics: MetricsSettings { file: reader.text("metrics.file").map(PathBuf::from) },
            ping: PingSettings { url: reader.secret_or_file("ping.url", "ping.url_file")? },
            watch: WatchSettings {
                reach: api::Reach {
                    http: reader.parsed("watch.allow_http", "true or false")?,
                    private: reader.parsed("watch.allow_private", "true or false")?,
                },
                secret: reader.secret_or_file("watch.webhook_secret", "watch.webhook_secret_file")?,
            },
            sql: SqlSettings { memory: reader.size("sql.memory", 16 << 20..=1 << 40)?, temp: reader.path("sql.temp")? },
            layers,
        })
    }

    /// The same with these texts of `--set` on top.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`].
    pub(crate) fn with(&self, flags: &[String]) -> Result<Self, SettingsError> {
        Self::from_layers(self.layers.clone().with_flags(flags)?)
    }

    /// The saved searches of `annals.toml`, in its order, whatever is wrong with them.
    #[must_use]
    pub(crate) fn watches(&self) -> &[WatchEntry] {
        self.layers.watches()
    }

    /// The text of a setting that is no secret, if it has one.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let is_secret = reference::find(name).is_some_and(reference::Entry::is_secret);
        self.layers.value(name).filter(|_| !is_secret).map(|value| value.text.as_str())
    }

    /// Every setting with its effective value and where it comes from. Secrets are shown as `…`.
    pub(crate) fn effective(&self) -> impl Iterator<Item = Effective> {
        reference::all().iter().map(|entry| {
            let value = self.layers.value(&entry.name);
            let shown = |text: &str| if entry.is_secret() { "…".to_owned() } else { text.to_owned() };
            Effective {
                name: &entry.name,
                value: value.map(|value| shown(&value.text)),
                source: value.map(|value| value.place.to_string()),
            }
        })
    }

    /// A settings file for this archive: what was given in the environment or with flags, and everything else switched off.
    /// Secrets are not in it.
    #[must_use]
    pub(crate) fn to_file(&self) -> String {
        reference::file(&self.layers.given())
    }
}

impl ApiSettings {
    fn from_layers(reader: &Reader<'_>) -> Result<Self, SettingsError> {
        let (first_pause, longest_pause) = reader.ordered("api.first_pause", "api.longest_pause")?;
        Ok(Self {
            base_url: reader.base_url("api.base_url")?,
            given: Given {
                token: reader.secret_or_file("api.token", "api.token_file")?,
                client_id: reader.text("api.client_id"),
                client_secret: reader.secret_or_file("api.client_secret", "api.client_secret_file")?,
                app_id: reader.text("api.app_id"),
                app_certificate: reader.secret_or_file("api.app_certificate", "api.app_certificate_file")?,
                exchange: reader.parsed("api.exchange", "true or false")?,
            },
            zone: reader.zone("api.zone")?,
            history_per_minute: reader.number("api.history_per_minute", 1..=60_000)?,
            calls_per_second: reader.number("api.calls_per_second", 1..=10_000)?,
            upload_limit: reader.size("api.upload_limit", 1..=1 << 40)?,
            message_limit: reader.size("api.message_limit", 64..=1 << 20)?,
            attempts: reader.number("api.attempts", 1..=100)?,
            first_pause,
            longest_pause,
            connect_timeout: reader.duration("api.connect_timeout")?,
            idle_timeout: reader.duration("api.idle_timeout")?,
        })
    }

    /// Where the Chat service is: everything before `/chatmessages`, without a slash at the end.
    ///
    /// # Errors
    ///
    /// When it is not set: there is no default.
    pub(crate) fn base_url(&self) -> Result<&Url, SettingsError> {
        self.base_url.as_ref().ok_or_else(|| SettingsError::Missing {
            name: "api.base_url",
            hint: format!(
                "set {}=https://{{host}}/{{org}}/{{app}} in the environment, or `base_url` under `[api]` in {FILE}",
                environment::variable_of("api.base_url")
            ),
        })
    }

    /// How to prove to the service who asks.
    ///
    /// # Errors
    ///
    /// When nothing is set, or half of a pair is; when a file holds no secret.
    pub(crate) fn credentials(&self) -> Result<Credentials, SettingsError> {
        self.given.chosen()
    }

    /// What is wrong with the files that hold secrets although they can be read.
    pub(crate) fn credential_warnings(&self) -> impl Iterator<Item = String> {
        self.given.warnings()
    }
}

impl HoursSettings {
    fn from_layers(reader: &Reader<'_>) -> Result<Self, SettingsError> {
        let (first_try, _) = reader.ordered("hours.first_try", "hours.readiness")?;
        let (readiness, retention) = reader.ordered("hours.readiness", "hours.retention")?;
        Ok(Self {
            first_try,
            readiness,
            retention,
            warning: reader.duration("hours.warning")?,
            recheck: reader.rechecks("hours.recheck", retention)?,
            check_zone: reader.parsed("hours.check_zone", "true or false")?,
        })
    }
}

/// A setting as it is in force.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Effective {
    /// `section.key`.
    pub(crate) name: &'static str,
    /// The value as it was written; `None` when it has none.
    pub(crate) value: Option<String>,
    /// Where it was written; `None` when it has no value.
    pub(crate) source: Option<String>,
}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        let hint = error.hint();
        let error = Self::usage(error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let environment =
            Environment::from_variables(variables.iter().map(|(name, value)| (name.into(), value.into()))).unwrap();
        Settings::load(Path::new("/nonexistent"), &environment, &[])
    }

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let settings = load(&[]).unwrap();
        assert_eq!(settings.api.history_per_minute, 10);
        assert_eq!((settings.api.attempts, settings.api.longest_pause), (6, Duration::from_secs(30)));
        assert_eq!((settings.api.calls_per_second, settings.api.upload_limit), (100, 10 << 20));
        assert_eq!(settings.api.message_limit, 5 << 10);
        assert_eq!(settings.api.zone, Zone::UTC);
        assert_eq!(settings.hours.retention, Duration::from_secs(3 * 86_400));
        assert_eq!(settings.archive, ArchiveSettings { memory: 8 << 20, compression: 3 });
        assert_eq!(settings.bucket, Grace::default());
        assert_eq!(settings.decode, DecodeSettings { line_limit: 16 << 20, unpacked_limit: 64 << 30 });
        assert!(settings.api.base_url().is_err() && settings.api.credentials().is_err());
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_with_its_place() {
        for (variable, value, expected) in [
            ("ANNALS_API_ATTEMPTS", "0", "`api.attempts`: `0` is no whole number from 1 to 100"),
            ("ANNALS_API_ATTEMPTS", "many", "`api.attempts`: `many` is no whole number from 1 to 100"),
            ("ANNALS_ARCHIVE_COMPRESSION", "23", "`archive.compression`: `23` is no whole number from 1 to 22"),
            ("ANNALS_API_EXCHANGE", "yes", "`api.exchange`: `yes` is not true or false"),
            (
                "ANNALS_API_ZONE",
                "Asia/Shanghai",
                "`api.zone`: `Asia/Shanghai` is no zone: write UTC or a whole-hour offset such as +08:00",
            ),
            ("ANNALS_API_IDLE_TIMEOUT", "60", "`api.idle_timeout`: `60` is no length of time: write 30s, 5m, 1h or 3d"),
            ("ANNALS_INDEX_HEAP", "1MiB", "`index.heap`: `1MiB` is not from 16777216 to 1099511627776 bytes"),
            ("ANNALS_BUCKET_GRACE", "25h", "`bucket.grace`: `25h` is not from 1m to 1d"),
            ("ANNALS_BUCKET_GRACE", "59s", "`bucket.grace`: `59s` is not from 1m to 1d"),
            ("ANNALS_BUCKET_ORPHAN_GRACE", "30m", "`bucket.orphan_grace`: `30m` is not from 1h to 30d"),
            ("ANNALS_BUCKET_ORPHAN_GRACE", "31d", "`bucket.orphan_grace`: `31d` is not from 1h to 30d"),
            ("ANNALS_HOURS_FIRST_TRY", "2d", "`hours.first_try`: it is longer than `hours.readiness`"),
            ("ANNALS_HOURS_RETENTION", "1h", "`hours.retention`: it is shorter than `hours.readiness`: set that, too"),
            (
                "ANNALS_HOURS_RECHECK",
                "24h,-4d",
                "`hours.recheck`: `24h,-4d`: an age that is not below `hours.retention` never comes",
            ),
        ] {
            let error = load(&[(variable, value)]).unwrap_err().to_string();
            let (place, rest) = error.split_once(": invalid value of ").unwrap();
            assert_eq!(rest, expected);
            assert!(place == variable || place == "default", "{error}");
        }
        assert!(load(&[("ANNALS_LOG_FILTER", "api=loud")]).unwrap_err().to_string().contains("`log.filter`: "));
    }

    #[test]
    fn a_base_url_is_everything_before_chatmessages() {
        let url = |text: &str| load(&[("ANNALS_API_BASE_URL", text)]).map(|settings| settings.api.base_url.unwrap());
        assert_eq!(url("http://127.0.0.1:8080/app-id/970CA/").unwrap().as_str(), "http://127.0.0.1:8080/app-id/970CA");
        for (text, expected) in [
            ("a1.easemob.com/org/app", "it is no URL: write https://{host}/{org}/{app}"),
            ("ftp://a1.easemob.com/org/app", "it begins with http:// or https://"),
            ("https://a1.easemob.com/org/app?token=YWMt", "it has no query and no fragment"),
            ("https://user:word@a1.easemob.com/org/app", "credentials do not belong into a URL"),
            ("https://a1.easemob.com/org/app/chatmessages", "leave `/chatmessages` and what follows off"),
            ("https://a1.easemob.com/org", "it ends with /{org}/{app} or /app-id/{app id}"),
        ] {
            let error = url(text).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
            assert!(!error.contains("YWMt") && !error.contains("word"), "{error}");
        }
    }

    #[test]
    fn a_file_holds_what_was_given_and_no_secret() {
        let url = "https://a1.easemob.com/harbor-org/lantern";
        let variables = [
            ("ANNALS_API_BASE_URL", url),
            ("ANNALS_API_TOKEN", "YWMt-secret"),
            ("ANNALS_API_ATTEMPTS", "3"),
            ("ANNALS_LOG_FILTER", "warn,api[\"x\"]=info"),
        ];
        let text = load(&variables).unwrap().to_file();
        let read = file::read(&text).unwrap();
        let read: Vec<_> = read.iter().filter_map(|read| Some((&*read.name, read.value.as_deref().ok()?))).collect();
        let expected = [("api.base_url", url), ("api.attempts", "3"), ("log.filter", "warn,api[\"x\"]=info")];
        assert_eq!(read, expected);
        assert!(text.contains("\nattempts = 3\n") && text.contains("\n#history_per_minute = 10\n"), "{text}");
        assert!(!text.contains("YWMt") && !text.contains("secret = ") && !text.contains("token = "), "{text}");
    }

    #[test]
    fn a_path_begins_at_the_root() {
        for path in ["token", "~/token", "./token"] {
            let error = load(&[("ANNALS_API_TOKEN_FILE", path)]).unwrap_err().to_string();
            assert!(error.contains(&format!("`api.token_file`: `{path}` does not begin at the root")), "{error}");
        }
        let text = load(&[("ANNALS_API_TOKEN_FILE", "/run/secrets/token")]).unwrap().to_file();
        assert!(text.contains("\ntoken_file = \"/run/secrets/token\"\n"), "{text}");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let variables = [("ANNALS_API_TOKEN", "YWMt-secret"), ("ANNALS_API_CLIENT_ID", "c")];
        let settings = load(&variables).unwrap();
        let shown = format!("{:?}", settings.effective().collect::<Vec<_>>());
        assert!(shown.contains('…') && !shown.contains("YWMt-secret"), "{shown}");
        let debug = format!("{:?}", settings.api.credentials());
        assert!(!debug.contains("YWMt-secret"), "{debug}");
    }
}
