//! The environment, read once and here alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use store::Variable;

use crate::error::CommandError;

/// The folder of the archive, where `--archive` is not given.
pub(crate) const ARCHIVE: &str = "ANNALS_ARCHIVE";
/// The time at which the clock starts, for tests and demonstrations; the machine's clock when unset.
pub(crate) const CLOCK: &str = "ANNALS_CLOCK";
/// No colours when set to anything, see <https://no-color.org>.
pub(crate) const NO_COLOR: &str = "NO_COLOR";
/// What the terminal can do; `dumb` has no colours.
pub(crate) const TERM: &str = "TERM";

/// What is logged, as other programs that use tracing take it.
pub(crate) const LOG: &str = "RUST_LOG";

/// The variables of OpenTelemetry that the program itself looks at; its library reads them all.
#[cfg(feature = "otel")]
mod otel {
    /// Where traces and all else are sent.
    pub(super) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    /// Where traces are sent.
    pub(super) const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    /// Nothing is traced when it is `true`.
    pub(super) const DISABLED: &str = "OTEL_SDK_DISABLED";
    /// How the program is named in traces.
    pub(super) const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
    /// All of them.
    pub(super) const ALL: [&str; 4] = [ENDPOINT, TRACES_ENDPOINT, DISABLED, SERVICE_NAME];
}

/// Where programs keep data (XDG base directories); `~/.local/share` when unset.
pub(crate) const DATA: &str = "XDG_DATA_HOME";
/// Where programs keep state between runs (XDG base directories); `~/.local/state` when unset.
pub(crate) const STATE: &str = "XDG_STATE_HOME";
/// The user's home.
pub(crate) const HOME: &str = "HOME";
/// The user's home on Windows, for data that stay on the machine.
pub(crate) const LOCAL_DATA: &str = "LOCALAPPDATA";

/// What every variable of ours starts with. The variable of the setting `section.key` is `ANNALS_SECTION_KEY`.
const PREFIX: &str = "ANNALS_";
/// What the variables begin with that say who may use a bucket, as the clouds' own programs take them.
const CLOUDS: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];
/// Variables of our test suite, which the program leaves alone.
const TEST_PREFIX: &str = "ANNALS_TEST_";

/// The variables that mean something to us. A variable that is set to nothing counts as not set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    folders: BTreeMap<String, PathBuf>,
    clouds: Vec<Variable>,
    log: Option<String>,
    #[cfg(feature = "otel")]
    otel: BTreeMap<String, String>,
    colourless: bool,
}

impl Environment {
    /// Reads the environment of this process.
    ///
    /// # Errors
    ///
    /// When a variable of ours is no UTF-8.
    pub(crate) fn of_this_process() -> Result<Self, CommandError> {
        Self::from_variables(std::env::vars_os())
    }

    /// An environment with these variables.
    ///
    /// # Errors
    ///
    /// When a variable of ours is no UTF-8.
    pub(crate) fn from_variables(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, CommandError> {
        let mut environment = Self::default();
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            #[cfg(feature = "otel")]
            if otel::ALL.contains(&name) && !value.is_empty() {
                environment.otel.insert(name.to_owned(), value.to_string_lossy().into_owned());
            }
            if name == NO_COLOR || name == TERM {
                environment.colourless |= takes_colour_away(name, &value);
            } else if name == LOG {
                environment.log = value.into_string().ok().filter(|filter| !filter.is_empty());
            } else if [DATA, STATE, HOME, LOCAL_DATA].contains(&name) {
                environment.folders.insert(name.to_owned(), value.into());
            } else if CLOUDS.iter().any(|cloud| name.starts_with(cloud)) {
                environment.clouds.extend(value.into_string().ok().map(|value| (name.to_owned(), value)));
            } else if name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX) && !value.is_empty() {
                let text = value.into_string().map_err(|_| CommandError::usage(format!("{name} is no UTF-8")))?;
                environment.variables.insert(name.to_owned(), text);
            }
        }
        Ok(environment)
    }

    /// The value of a variable of ours.
    #[must_use]
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The names of all variables that look like ours.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// The folder for what all runs of this user share, `…/annals`; it may not exist yet. A variable that holds no absolute
    /// path counts as not set.
    #[must_use]
    pub(crate) fn state_folder(&self) -> Option<PathBuf> {
        self.base_folder(STATE, ".local/state")
    }

    /// The folder for what belongs to archives that lie elsewhere, `…/annals`, as [`Environment::state_folder`].
    #[must_use]
    pub(crate) fn data_folder(&self) -> Option<PathBuf> {
        self.base_folder(DATA, ".local/share")
    }

    fn base_folder(&self, name: &str, below_home: &str) -> Option<PathBuf> {
        let folder = |name| self.folders.get(name).filter(|path| path.is_absolute()).cloned();
        let base = folder(name).or_else(|| folder(HOME).map(|home| home.join(below_home)));
        base.or_else(|| folder(LOCAL_DATA)).map(|base| base.join("annals"))
    }

    /// The variables that say who may use a bucket.
    #[must_use]
    pub(crate) fn clouds(&self) -> Vec<Variable> {
        self.clouds.clone()
    }

    /// The filter of `RUST_LOG`, if it is set.
    #[must_use]
    pub(crate) fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    /// Whether traces are to be sent somewhere.
    #[cfg(feature = "otel")]
    #[must_use]
    pub(crate) fn is_traced(&self) -> bool {
        let is_disabled = self.otel.get(otel::DISABLED).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        !is_disabled && [otel::ENDPOINT, otel::TRACES_ENDPOINT].iter().any(|name| self.otel.contains_key(*name))
    }

    /// How the program is to be named in traces.
    #[cfg(feature = "otel")]
    #[must_use]
    pub(crate) fn service_name(&self) -> Option<&str> {
        self.otel.get(otel::SERVICE_NAME).map(String::as_str)
    }

    /// Whether the user or the terminal wants no colours.
    #[must_use]
    pub(crate) fn is_colourless(&self) -> bool {
        self.colourless
    }
}

/// The variable of the setting `section.key`.
#[must_use]
pub(crate) fn variable_of(setting: &str) -> String {
    format!("{PREFIX}{}", setting.replace('.', "_").to_ascii_uppercase())
}

fn takes_colour_away(name: &str, value: &OsString) -> bool {
    if name == TERM { value == "dumb" } else { !value.is_empty() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables(variables.iter().map(|(name, value)| (name.into(), value.into()))).unwrap()
    }

    #[test]
    fn only_variables_of_ours_are_kept() {
        let environment = of(&[("ANNALS_ARCHIVE", "a"), ("HOME", "/h"), ("ANNALS_TEST_PYTHON", "p"), ("ANNALS_X", "")]);
        assert_eq!(environment.names().collect::<Vec<_>>(), ["ANNALS_ARCHIVE"]);
        assert_eq!(environment.value(ARCHIVE), Some("a"));
        assert_eq!(environment.value("HOME"), None);
    }

    #[test]
    fn colours_can_be_refused() {
        assert!(of(&[("NO_COLOR", "1")]).is_colourless());
        assert!(of(&[("TERM", "dumb")]).is_colourless());
        assert!(!of(&[("NO_COLOR", ""), ("TERM", "xterm")]).is_colourless());
    }

    #[test]
    fn state_is_kept_where_the_system_wants_it() {
        let folder = |variables: &[_]| of(variables).state_folder().map(|path| path.display().to_string());
        let state = ("XDG_STATE_HOME", "/s");
        assert_eq!(folder(&[state, ("HOME", "/h")]).as_deref(), Some("/s/annals"));
        assert_eq!(folder(&[("XDG_STATE_HOME", "s"), ("HOME", "/h")]).as_deref(), Some("/h/.local/state/annals"));
        assert_eq!(folder(&[("XDG_STATE_HOME", "")]), None);
    }

    #[test]
    fn every_setting_has_a_variable() {
        assert_eq!(variable_of("api.history_per_minute"), "ANNALS_API_HISTORY_PER_MINUTE");
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_of_ours_must_be_text() {
        use std::os::unix::ffi::OsStringExt as _;
        let broken = OsString::from_vec(vec![0xff]);
        let error = Environment::from_variables([("ANNALS_ARCHIVE".into(), broken.clone())]).unwrap_err();
        assert_eq!(error.render(), "error: ANNALS_ARCHIVE is no UTF-8\n");
        assert!(Environment::from_variables([("OTHER".into(), broken)]).is_ok());
    }
}
