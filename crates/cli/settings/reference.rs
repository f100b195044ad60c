//! The list of all settings: `default-settings.toml`, read as documentation.
//!
//! The file has this form, which is checked by a test: a comment, then `key = value` for a setting with a default or
//! `#key = example` (no space behind `#`) for one without.

use std::fmt::Write as _;
use std::sync::LazyLock;

use crate::environment;

/// The defaults and their reasons.
pub(super) const DEFAULTS: &str = include_str!("../default-settings.toml");

/// The settings that are secrets: they come from the environment, or from files of their own, and are never shown.
const SECRETS: [&str; 5] =
    ["api.token", "api.client_secret", "api.app_certificate", "ping.url", "watch.webhook_secret"];

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| entries(DEFAULTS));

/// One setting, as it is documented.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `section.key`.
    pub(crate) name: String,
    /// What it is for, and why the default is what it is.
    pub(crate) reason: String,
    /// Its value in TOML when nobody says otherwise; `None` when it has none.
    pub(crate) default: Option<String>,
    /// A value in TOML, where there is no default.
    example: Option<String>,
}

impl Entry {
    /// Whether it must not be seen.
    #[must_use]
    pub(crate) fn is_secret(&self) -> bool {
        SECRETS.contains(&self.name.as_str())
    }

    /// The setting that names a file with this secret, where there is one.
    #[must_use]
    pub(crate) fn file_setting(&self) -> Option<&'static str> {
        find(&format!("{}_file", self.name)).filter(|_| self.is_secret()).map(|entry| entry.name.as_str())
    }

    /// From where a secret comes.
    fn source_of_secret(&self) -> &'static str {
        match (self.is_secret(), self.file_setting()) {
            (false, _) => "",
            (true, Some(_)) => "**Secret:** from the environment or a file. ",
            (true, None) => "**Secret:** from the environment alone. ",
        }
    }

    /// The default, or the example where there is none, in TOML.
    fn shown_value(&self) -> &str {
        self.default.as_ref().or(self.example.as_ref()).map_or("", String::as_str)
    }

    /// A value of this setting in TOML: quoted if the default or the example is.
    fn in_toml(&self, value: &str) -> String {
        let is_text = self.shown_value().starts_with('"');
        if is_text { toml::Value::from(value).to_string() } else { value.to_owned() }
    }

    fn section_and_key(&self) -> (&str, &str) {
        self.name.split_once('.').unwrap_or(("", &self.name))
    }
}

/// Every setting, in the order of the documentation.
#[must_use]
pub(crate) fn all() -> &'static [Entry] {
    &ENTRIES
}

/// The setting with this name.
#[must_use]
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    all().iter().find(|entry| entry.name == name)
}

/// Whether settings have this section.
#[must_use]
pub(crate) fn is_section(name: &str) -> bool {
    all().iter().any(|entry| entry.section_and_key().0 == name)
}

/// The setting that somebody probably meant: one that is written nearly so, or has the same key in another section.
#[must_use]
pub(crate) fn meant_by(name: &str) -> Option<&'static str> {
    let (_, key) = name.rsplit_once('.').unwrap_or(("", name));
    let same_key = || all().iter().find(|entry| entry.section_and_key().1 == key).map(|entry| entry.name.as_str());
    nearest(name, all().iter().map(|entry| entry.name.as_str())).or_else(same_key)
}

/// The candidate that is most alike, if any is alike at all: one slip of the finger, and one more for every eight letters.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let slips = 1 + name.len() / 8;
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A settings file for an archive: every setting but the secrets, each switched off, except those given.
///
/// Defaults are left switched off so that an archive follows the program's when they change.
#[must_use]
pub(crate) fn file(given: &[(&'static str, &str)]) -> String {
    let mut text = FILE_PREFACE.to_owned();
    let mut section = "";
    for entry in all().iter().filter(|entry| !entry.is_secret()) {
        let (this_section, key) = entry.section_and_key();
        if this_section != section {
            section = this_section;
            let _infallible = write!(text, "\n[{section}]\n");
        }
        let line = match given.iter().find(|(name, _)| *name == entry.name) {
            Some((_, value)) => format!("{key} = {}", entry.in_toml(value)),
            None => format!("#{key} = {}", entry.shown_value()),
        };
        let _infallible = writeln!(text, "# {}\n{line}", entry.reason.replace('\n', "\n# "));
    }
    text
}

const FILE_PREFACE: &str = "\
# The settings of this archive. Weaker than the environment and the command line.
# Secrets do not belong here: they come from the environment, or from a file that is named here. docs/settings.md explains
# everything.
";

/// The page `docs/settings.md`.
#[must_use]
pub(crate) fn markdown() -> String {
    let mut text = PREFACE.to_owned();
    let mut section = "";
    for entry in all() {
        let (this_section, _) = entry.section_and_key();
        if this_section != section {
            section = this_section;
            let _infallible =
                write!(text, "\n## `[{section}]`\n\n| setting | default | what it is for |\n|---|---|---|\n");
        }
        let _infallible = writeln!(
            text,
            "| `{}`<br>`{}` | {} | {}{} |",
            entry.name,
            environment::variable_of(&entry.name),
            entry.default.as_ref().map_or_else(|| "none".to_owned(), |value| format!("`{}`", value.trim_matches('"'))),
            entry.source_of_secret(),
            entry.reason.replace('\n', " ").replace('|', "\\|"),
        );
    }
    text
}

const PREFACE: &str = "\
# Settings

<!-- Written by `annals config --markdown`; a test compares. Edit crates/cli/default-settings.toml. -->

A setting is looked for in this order, and the first place that has it wins:

1. the command line: `--set section.key=value`, on every command;
2. the environment: `section.key` is the variable `ANNALS_SECTION_KEY`; a variable that is set to nothing does not count;
3. `annals.toml` in the folder of the archive;
4. the defaults below.

`annals config` prints every setting in force and where it comes from. Secrets are taken from the environment, or from a file
that another setting names (`api.token_file` for `api.token`), and are never shown: not from the command line, where all users
of the machine see them, and not from `annals.toml`, which is copied with the archive. A setting that does not exist is an error in the file and on the command line; an unknown variable
`ANNALS_…` is warned about. Times are written `30s`, `5m`, `1h`, `3d` or `1h 30m`; sizes `512KiB`, `64MiB`, `2GiB`.

Two variables are no settings: `ANNALS_ARCHIVE` is the folder or bucket of the archive where `--archive` is not given (`archive` when
neither is), and `ANNALS_CLOCK`, for tests, is the time that the program takes it to be when it starts. `NO_COLOR` takes the
colours away. `RUST_LOG` says what is logged in place of `log.filter`; the flag `-v` is stronger than both.
";

fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let (mut section, mut reason) = (String::new(), Vec::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
            reason.clear();
        } else if let Some(comment) = line.strip_prefix("# ") {
            reason.push(comment);
        } else if let Some((key, value)) = line.split_once(" = ") {
            let (name, value) = (key.trim_start_matches('#'), Some(value.to_owned()));
            let (default, example) = if key.starts_with('#') { (None, value) } else { (value, None) };
            entries.push(Entry { name: format!("{section}.{name}"), reason: reason.join("\n"), default, example });
            reason.clear();
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file;

    #[test]
    fn documentation_and_defaults_are_one_list() {
        let documented: Vec<_> =
            all().iter().filter(|entry| entry.default.is_some()).map(|entry| &*entry.name).collect();
        let mut assigned = file::read(DEFAULTS).unwrap();
        // A section all of whose settings have no default.
        assigned.retain(|assignment| assignment.value != Err(file::EMPTY_SECTION));
        assert_eq!(documented, assigned.iter().map(|assignment| &*assignment.name).collect::<Vec<_>>());
        for entry in all() {
            assert!(entry.reason.ends_with(['.', ')']), "{} has no reason", entry.name);
            assert!(entry.default.is_some() != entry.example.is_some(), "{}", entry.name);
        }
        for secret in SECRETS {
            assert!(find(secret).is_some_and(|entry| entry.default.is_none()), "{secret}");
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        assert_eq!(meant_by("api.histroy_per_minute"), Some("api.history_per_minute"));
        assert_eq!(meant_by("api.Zone"), Some("api.zone"));
        assert_eq!(meant_by("zone"), Some("api.zone"));
        assert_eq!(meant_by("archive.heap"), Some("index.heap"));
        assert_eq!(meant_by("colour"), None);
    }

    #[test]
    fn the_page_is_up_to_date() {
        let page = include_str!("../../../docs/settings.md");
        assert!(page == markdown(), "run `cargo run -- config --markdown > docs/settings.md`");
    }
}
