//! The layers of the settings: defaults, file, environment, flags. The later one wins.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::environment::{self, Environment};
use crate::settings::error::{Place, SettingsError};
use crate::settings::watches::WatchEntry;
use crate::settings::{file, reference, watches};

/// The name of the settings file in the folder of an archive.
pub(crate) const FILE: &str = "annals.toml";
/// A settings file that is larger was not written by a person.
const FILE_LIMIT: u64 = 1 << 20;

/// The text of every setting that has one, and where it was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers {
    values: BTreeMap<&'static str, Value>,
    /// The saved searches of the file, in its order.
    watches: Vec<WatchEntry>,
}

/// The text of a setting, and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) place: Place,
}

impl Layers {
    /// All four layers for the archive in this folder. `flags` are the texts of `--set`.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] when a layer cannot be read, names a setting that does not exist, or gives a secret away.
    pub(crate) fn of(archive: &Path, environment: &Environment, flags: &[String]) -> Result<Self, SettingsError> {
        let mut layers = Self::default();
        layers.add_text(reference::DEFAULTS, |_| Place::Default)?;
        layers.add_file(&archive.join(FILE))?;
        layers.add_environment(environment);
        layers.with_flags(flags)
    }

    /// The settings of another app: defaults, this file, and the flags among `given`. Neither the archive's own file nor the
    /// environment counts, for these speak of the archive's app.
    ///
    /// # Errors
    ///
    /// As [`Layers::of`], and when there is no such file.
    pub(crate) fn of_file(path: &Path, given: &Self) -> Result<Self, SettingsError> {
        let mut layers = Self::default();
        layers.add_text(reference::DEFAULTS, |_| Place::Default)?;
        let absent = || SettingsError::Read { path: path.to_owned(), source: io::ErrorKind::NotFound.into() };
        let text = text_of(path)?.ok_or_else(absent)?;
        layers.add_text(&text, |position| Place::File(path.to_owned(), position))?;
        let flags = given.values.iter().filter(|(_, value)| value.place == Place::Flag);
        layers.values.extend(flags.map(|(name, value)| (*name, value.clone())));
        Ok(layers)
    }

    /// The same with the texts of `--set` on top.
    ///
    /// # Errors
    ///
    /// As [`Layers::of`].
    pub(crate) fn with_flags(mut self, flags: &[String]) -> Result<Self, SettingsError> {
        flags.iter().try_for_each(|flag| self.add_flag(flag))?;
        Ok(self)
    }

    /// The text of a setting, if it has one.
    #[must_use]
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        debug_assert!(reference::find(name).is_some(), "{name} is documented in default-settings.toml");
        self.values.get(name)
    }

    /// The saved searches of the file, whatever is wrong with them.
    #[must_use]
    pub(crate) fn watches(&self) -> &[WatchEntry] {
        &self.watches
    }

    /// What was given in the environment or with flags, without the secrets.
    #[must_use]
    pub(crate) fn given(&self) -> Vec<(&'static str, &str)> {
        let is_given = |place: &Place| matches!(place, Place::Variable(_) | Place::Flag);
        let is_secret = |name: &str| reference::find(name).is_some_and(reference::Entry::is_secret);
        let given = self.values.iter().filter(|(name, value)| is_given(&value.place) && !is_secret(name));
        given.map(|(name, value)| (*name, value.text.as_str())).collect()
    }

    fn add_file(&mut self, path: &Path) -> Result<(), SettingsError> {
        match text_of(path)? {
            Some(text) => self.add_text(&text, |position| Place::File(path.to_owned(), position)),
            None => Ok(()),
        }
    }

    fn add_text(&mut self, text: &str, place: impl Fn(file::Position) -> Place) -> Result<(), SettingsError> {
        let assignments = file::read(text)
            .map_err(|error| SettingsError::Syntax { place: place(error.position), message: error.message })?;
        for assignment in assignments {
            if assignment.value == Err(file::EMPTY_SECTION) && reference::is_section(&assignment.name) {
                continue;
            }
            let place = place(assignment.position);
            if watches::belongs(&assignment) {
                watches::take(&mut self.watches, assignment, place);
                continue;
            }
            let name = assignment.name;
            let entry = known(&name, &place)?;
            if entry.is_secret() {
                return Err(SettingsError::SecretInFile { place, name });
            }
            let text = assignment.value.map_err(|found| SettingsError::Invalid {
                place: place.clone(),
                name,
                reason: format!("it is one text, number or truth value, not {found}"),
            })?;
            self.values.insert(&entry.name, Value { text, place });
        }
        Ok(())
    }

    fn add_environment(&mut self, environment: &Environment) {
        for entry in reference::all() {
            let variable = environment::variable_of(&entry.name);
            if let Some(text) = environment.value(&variable) {
                self.values.insert(&entry.name, Value { text: text.to_owned(), place: Place::Variable(variable) });
            }
        }
    }

    fn add_flag(&mut self, flag: &str) -> Result<(), SettingsError> {
        let (name, text) = flag.split_once('=').ok_or_else(|| SettingsError::NoAssignment { text: flag.to_owned() })?;
        let (name, text) = (name.trim(), text.trim().to_owned());
        let entry = known(name, &Place::Flag)?;
        if entry.is_secret() {
            return Err(SettingsError::SecretOnCommandLine { name: name.to_owned() });
        }
        self.values.insert(&entry.name, Value { text, place: Place::Flag });
        Ok(())
    }
}

/// The variables of the environment that look like ours and mean nothing, each with the one that was probably meant.
#[must_use]
pub(crate) fn unknown_variables(environment: &Environment) -> Vec<(String, Option<String>)> {
    let mut known: Vec<_> = reference::all().iter().map(|entry| environment::variable_of(&entry.name)).collect();
    known.extend([environment::ARCHIVE, environment::CLOCK].map(String::from));
    environment
        .names()
        .filter(|name| !known.iter().any(|known| known == name))
        .map(|name| (name.to_owned(), reference::nearest(name, known.iter().map(String::as_str)).map(String::from)))
        .collect()
}

fn known(name: &str, place: &Place) -> Result<&'static reference::Entry, SettingsError> {
    reference::find(name).ok_or_else(|| SettingsError::Unknown {
        place: place.clone(),
        name: name.to_owned(),
        meant: reference::meant_by(name).map(String::from),
    })
}

/// The text of the file; `None` when there is none.
fn text_of(path: &Path) -> Result<Option<String>, SettingsError> {
    let failed = |source| SettingsError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    let read = file.take(FILE_LIMIT + 1).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(read).is_ok_and(|read| read > FILE_LIMIT) {
        return Err(SettingsError::TooLarge { path: path.to_owned(), limit: FILE_LIMIT });
    }
    Ok(Some(text))
}

/// A folder that is no folder is for the command to complain about, in its own words.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables(variables.iter().map(|(name, value)| (name.into(), value.into()))).unwrap()
    }

    fn layers(file: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Layers, SettingsError> {
        let archive = tempfile::tempdir().unwrap();
        if !file.is_empty() {
            fs::write(archive.path().join(FILE), file).unwrap();
        }
        let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Layers::of(archive.path(), &environment(variables), &flags)
    }

    #[test]
    fn the_settings_of_another_app_are_a_file_and_flags() {
        let given = layers("[api]\nzone = '+01:00'\n", &[("ANNALS_API_TOKEN", "t")], &["api.attempts=4"]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("target.toml");
        assert!(Layers::of_file(&path, &given).unwrap_err().to_string().starts_with("could not read "));
        fs::write(&path, "[api]\nattempts = 2\nbase_url = 'http://h/o/b'\n").unwrap();
        let other = Layers::of_file(&path, &given).unwrap();
        let of = |name| other.value(name).map(|value| value.text.as_str());
        assert_eq!((of("api.base_url"), of("api.attempts")), (Some("http://h/o/b"), Some("4")));
        assert_eq!((of("api.zone"), of("api.token")), (Some("UTC"), None));
    }

    #[test]
    fn the_later_layer_wins() {
        const FILE_TEXT: &str = "[api]\nzone = '+01:00'\nattempts = 2\nfirst_pause = '2s'\n";
        let variables = [("ANNALS_API_ZONE", "+02:00"), ("ANNALS_API_ATTEMPTS", "3"), ("ANNALS_API_EXCHANGE", "")];
        let layers = layers(FILE_TEXT, &variables, &["api.zone=+03:00", "api.zone = +04:00"]).unwrap();
        let of = |name| layers.value(name).map(|value| (value.text.as_str(), value.place.clone())).unwrap();
        assert_eq!(of("api.zone"), ("+04:00", Place::Flag));
        assert_eq!(of("api.attempts"), ("3", Place::Variable("ANNALS_API_ATTEMPTS".to_owned())));
        assert_eq!(of("api.exchange"), ("false", Place::Default), "set to nothing is not set");
        assert_eq!(of("api.longest_pause"), ("30s", Place::Default));
        let (text, place) = of("api.first_pause");
        assert_eq!(text, "2s");
        assert!(place.to_string().ends_with("annals.toml, line 4, column 1"), "{place}");
        assert_eq!(layers.value("api.token"), None);
    }

    /// The error with the path of the file left out, and its hint.
    fn complaint(file: &str, flags: &[&str]) -> (String, Option<String>) {
        let error = layers(file, &[], flags).unwrap_err();
        let text = error.to_string();
        let shown = text.split_once(FILE).map_or(text.as_str(), |(_, rest)| rest.trim_start_matches(", "));
        (shown.to_owned(), error.hint())
    }

    #[test]
    fn mistakes_in_the_file_are_pointed_at() {
        for (file, text, hint) in [
            (
                "[api]\nzone = 'UTC'\n  histroy_per_minute = 10\n",
                "line 3, column 3: there is no setting `api.histroy_per_minute`",
                "did you mean `api.history_per_minute`?",
            ),
            ("zone = 'UTC'\n", "line 1, column 1: there is no setting `zone`", "did you mean `api.zone`?"),
            ("[apii]\nzone = 'UTC'\n", "line 2, column 1: there is no setting `apii.zone`", "did you mean `api.zone`?"),
            ("[colour]\n", "line 1, column 2: there is no setting `colour`", "`annals config` lists every setting"),
            (
                "[api]\ntoken = 'YWMt-secret'\n",
                "line 2, column 1: `api.token` is a secret and does not belong into this file",
                "take it out and give it as ANNALS_API_TOKEN in the environment, or in a file that `api.token_file` names",
            ),
        ] {
            assert_eq!(complaint(file, &[]), (text.to_owned(), Some(hint.to_owned())));
        }
        assert_eq!(
            complaint("[api]\nzone = ['UTC']\n", &[]).0,
            "line 2, column 1: invalid value of `api.zone`: it is one text, number or truth value, not array"
        );
        assert!(complaint("[api\n", &[]).0.starts_with("line 1, column 5: "), "{}", complaint("[api\n", &[]).0);
    }

    #[test]
    fn a_section_may_be_empty() {
        assert!(layers("[api]\n[hours]\n#retention = '3d'\n", &[], &[]).is_ok());
        assert_eq!(complaint("api = 1\n", &[]).0, "line 1, column 1: there is no setting `api`");
    }

    #[test]
    fn mistakes_in_flags_are_named() {
        for (flag, text) in [
            ("api.zone", "`--set api.zone` sets nothing: write --set section.key=value"),
            ("api.zoone=UTC", "command line: there is no setting `api.zoone`"),
            ("api.token=YWMt-secret", "`api.token` is a secret and does not belong on a command line"),
        ] {
            assert_eq!(complaint("", &[flag]).0, text);
        }
    }

    #[test]
    fn a_file_has_a_limit() {
        let huge = format!("# {}", "x".repeat(1 << 20));
        assert!(complaint(&huge, &[]).0.contains("has more than 1048576 bytes"));
    }

    #[test]
    fn unknown_variables_are_noticed() {
        let environment = environment(&[
            ("ANNALS_API_TOKN", "YWMt-secret"),
            ("ANNALS_API_TOKEN", "YWMt-secret"),
            ("ANNALS_ARCHIVE", "a"),
            ("ANNALS_QQ", "x"),
        ]);
        assert_eq!(
            unknown_variables(&environment),
            [("ANNALS_API_TOKN".to_owned(), Some("ANNALS_API_TOKEN".to_owned())), ("ANNALS_QQ".to_owned(), None)]
        );
    }
}
