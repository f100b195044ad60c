//! From the text of a setting to its value.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chat::{Secret, Zone};
use ingest::Recheck;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::settings::error::{Place, SettingsError};
use crate::settings::layers::{Layers, Value};
use crate::settings::secret_file::GivenSecret;
use crate::settings::units::{format_duration, parse_duration, parse_rechecks, parse_size};

/// Reads the values of settings. A mistake is reported with the place where the value was written.
pub(super) struct Reader<'a> {
    layers: &'a Layers,
}

impl<'a> Reader<'a> {
    pub(super) fn new(layers: &'a Layers) -> Self {
        Self { layers }
    }

    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        self.layers.value(name).map(|value| value.text.clone())
    }

    /// Words parted by commas.
    pub(super) fn list(&self, name: &'static str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn secret(&self, name: &'static str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    /// A secret, or the file that holds it.
    pub(super) fn secret_or_file(&self, name: &'static str, file: &'static str) -> Result<GivenSecret, SettingsError> {
        let path = self.path(file)?;
        Ok(GivenSecret { text: self.secret(name), file: path.map(|path| (file, path)) })
    }

    /// A path that means the same file in whichever folder the program runs.
    pub(super) fn path(&self, name: &'static str) -> Result<Option<PathBuf>, SettingsError> {
        if self.layers.value(name).is_none() {
            return Ok(None);
        }
        self.read(name, |text| {
            let path = PathBuf::from(text);
            let is_fit = path.is_absolute();
            is_fit.then_some(Some(path)).ok_or_else(|| {
                format!(
                    "`{text}` does not begin at the root: a timer runs in another folder, and nobody puts in `~` for it"
                )
            })
        })
    }

    /// A value of which all that can be said is what it is not.
    pub(super) fn parsed<T: FromStr>(&self, name: &'static str, what: &str) -> Result<T, SettingsError> {
        self.read(name, |text| text.parse().map_err(|_| format!("`{text}` is not {what}")))
    }

    pub(super) fn zone(&self, name: &'static str) -> Result<Zone, SettingsError> {
        self.read(name, |text| text.parse().map_err(|error: chat::ZoneError| error.to_string()))
    }

    pub(super) fn number<T: FromStr + PartialOrd + Display>(
        &self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Result<T, SettingsError> {
        self.read(name, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| format!("`{text}` is no whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// A number of bytes within the range.
    pub(super) fn size<T: TryFrom<u64>>(
        &self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<T, SettingsError> {
        self.read(name, |text| {
            let bytes = parse_size(text)?;
            let fitting = T::try_from(bytes).ok().filter(|_| range.contains(&bytes));
            fitting.ok_or_else(|| format!("`{text}` is not from {} to {} bytes", range.start(), range.end()))
        })
    }

    pub(super) fn duration(&self, name: &'static str) -> Result<Duration, SettingsError> {
        self.read(name, parse_duration)
    }

    /// A length of time within the range.
    pub(super) fn duration_within(
        &self,
        name: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Result<Duration, SettingsError> {
        self.read(name, |text| {
            let fitting = parse_duration(text).map(|length| Some(length).filter(|length| range.contains(length)))?;
            let (shortest, longest) = (format_duration(*range.start()), format_duration(*range.end()));
            fitting.ok_or_else(|| format!("`{text}` is not from {shortest} to {longest}"))
        })
    }

    /// Ages at which an hour is asked for once more. One at which the service no longer has it is refused, but for the default,
    /// which is for any retention.
    pub(super) fn rechecks(&self, name: &'static str, retention: Duration) -> Result<Vec<Recheck>, SettingsError> {
        let is_default = self.is_default(name);
        self.read(name, |text| {
            let rechecks = parse_rechecks(text)?;
            let comes = |recheck: &Recheck| match recheck {
                Recheck::After(age) | Recheck::Before(age) => *age < retention,
            };
            if is_default || rechecks.iter().all(comes) {
                return Ok(rechecks);
            }
            Err(format!("`{text}`: an age that is not below `hours.retention` never comes"))
        })
    }

    fn is_default(&self, name: &str) -> bool {
        self.layers.value(name).is_none_or(|value| value.place == Place::Default)
    }

    /// Two lengths of time of which the first is not longer than the second.
    pub(super) fn ordered(
        &self,
        shorter: &'static str,
        longer: &'static str,
    ) -> Result<(Duration, Duration), SettingsError> {
        let (short, long) = (self.duration(shorter)?, self.duration(longer)?);
        if short > long && self.is_default(shorter) {
            return self.read(longer, |_| Err(format!("it is shorter than `{shorter}`: set that, too")));
        }
        if short > long {
            return self.read(shorter, |_| Err(format!("it is longer than `{longer}`")));
        }
        Ok((short, long))
    }

    pub(super) fn filter(&self, name: &'static str) -> Result<String, SettingsError> {
        self.read(name, |text| {
            EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| format!("`{text}`: {error}"))
        })
    }

    /// The reasons do not quote the text: people paste signed URLs.
    pub(super) fn base_url(&self, name: &'static str) -> Result<Option<Url>, SettingsError> {
        if self.layers.value(name).is_none() {
            return Ok(None);
        }
        self.read(name, |text| base_url(text).map(Some).map_err(String::from))
    }

    fn read<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, SettingsError> {
        let empty = Value { text: String::new(), place: Place::Default };
        let value = self.layers.value(name).unwrap_or(&empty);
        parse(&value.text).map_err(|reason| SettingsError::Invalid {
            place: value.place.clone(),
            name: name.to_owned(),
            reason,
        })
    }
}

fn base_url(text: &str) -> Result<Url, &'static str> {
    const FORM: &str = "it is no URL: write https://{host}/{org}/{app}";
    let url: Url = text.trim().trim_end_matches('/').parse().map_err(|_| FORM)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(if text.contains("://") { "it begins with http:// or https://" } else { FORM });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials do not belong into a URL");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has no query and no fragment");
    }
    let segments: Vec<_> = url.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).collect();
    if segments.contains(&"chatmessages") {
        return Err("leave `/chatmessages` and what follows off");
    }
    if segments.len() < 2 {
        return Err("it ends with /{org}/{app} or /app-id/{app id}");
    }
    Ok(url)
}
