//! Saved searches in a settings file: tables `[watch.NAME]` with `query` and, where hits are posted, `webhook`.
//!
//! What is wrong with one of them is told when it is run, and keeps no other command from working.

use std::ops::Range;

use store::WatchName;
use toml::de::{DeTable, DeValue};

use crate::settings::error::{Place, SettingsError};
use crate::settings::file::{Assignment, EMPTY_SECTION};

/// The section below which each saved search has a table.
pub(super) const SECTION: &str = "watch";

/// What a saved search has.
const KEYS: [&str; 2] = ["query", "webhook"];

/// A saved search as it stands in the file.
#[derive(Debug, Clone)]
pub(crate) struct WatchEntry {
    /// What it is called there.
    pub(crate) name: String,
    assignments: Vec<(String, Result<String, &'static str>, Place)>,
}

/// A saved search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watch {
    /// What it is called.
    pub(crate) name: WatchName,
    /// What it searches for; it may be no query.
    pub(crate) query: String,
    /// Where that is written.
    pub(crate) place: Place,
    /// Where its hits are posted to; printed without it.
    pub(crate) webhook: Option<String>,
}

/// Why a settings file cannot be changed for a saved search.
#[derive(Debug, thiserror::Error)]
#[error("its saved searches are written in another way than as tables `[watch.NAME]`")]
pub(crate) struct WatchFileError;

/// Whether an assignment is one of a saved search.
pub(super) fn belongs(assignment: &Assignment) -> bool {
    let below = assignment.name.strip_prefix(SECTION).and_then(|rest| rest.strip_prefix('.'));
    below.is_some_and(|name| name.contains('.') || assignment.value == Err(EMPTY_SECTION))
}

/// Adds an assignment to the saved search that it belongs to.
pub(super) fn take(watches: &mut Vec<WatchEntry>, assignment: Assignment, place: Place) {
    let path = assignment.name.split_at(SECTION.len() + 1).1;
    let (name, key) = match assignment.value {
        Err(EMPTY_SECTION) => (path, ""),
        _ => path.rsplit_once('.').unwrap_or((path, "")),
    };
    let known = watches.iter().position(|watch| watch.name == name).unwrap_or_else(|| {
        watches.push(WatchEntry { name: name.to_owned(), assignments: Vec::new() });
        watches.len() - 1
    });
    watches[known].assignments.push((key.to_owned(), assignment.value, place));
}

impl WatchEntry {
    /// What the file says.
    ///
    /// # Errors
    ///
    /// When the name is none, the query is missing, or there is something else.
    pub(crate) fn read(&self) -> Result<Watch, SettingsError> {
        let name = self.name.parse().map_err(|error: store::WatchNameError| self.invalid("", error.to_string()))?;
        for (key, value, place) in self.assignments.iter().filter(|(key, ..)| !key.is_empty()) {
            let full = self.full(key);
            if !KEYS.contains(&key.as_str()) {
                let meant = super::nearest(key, KEYS.into_iter()).map(|key| self.full(key));
                return Err(SettingsError::Unknown { place: place.clone(), name: full, meant });
            }
            if let Err(found) = value {
                let reason = format!("it is one text, not {found}");
                return Err(SettingsError::Invalid { place: place.clone(), name: full, reason });
            }
        }
        let (query, place) = self.text("query").ok_or_else(|| self.invalid("", "it has no `query`".to_owned()))?;
        let webhook = self.text("webhook").map(|(address, _)| address.to_owned());
        Ok(Watch { name, query: query.to_owned(), place: place.clone(), webhook })
    }

    /// The text that the file gives for one of its keys.
    #[must_use]
    pub(crate) fn shown(&self, key: &str) -> Option<&str> {
        self.text(key).map(|(text, _)| text)
    }

    fn text(&self, key: &str) -> Option<(&str, &Place)> {
        let (_, value, place) = self.assignments.iter().find(|(found, ..)| found == key)?;
        value.as_ref().ok().map(|text| (text.as_str(), place))
    }

    fn full(&self, key: &str) -> String {
        let name = format!("{SECTION}.{}", self.name);
        if key.is_empty() { name } else { format!("{name}.{key}") }
    }

    fn invalid(&self, key: &str, reason: String) -> SettingsError {
        let place = self.assignments.first().map_or(Place::Default, |(_, _, place)| place.clone());
        SettingsError::Invalid { place, name: self.full(key), reason }
    }
}

/// The text of a settings file with one saved search more, at its end; what is there stays as it is.
///
/// # Errors
///
/// When saved searches are written there in a way that leaves no room for a table.
pub(crate) fn with_watch(
    text: &str,
    watch: &WatchName,
    query: &str,
    webhook: Option<&str>,
) -> Result<String, WatchFileError> {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut more = format!("[{SECTION}.{watch}]\nquery = {}\n", quoted(query));
    if let Some(webhook) = webhook {
        more.extend(["webhook = ", &quoted(webhook), "\n"]);
    }
    let gap = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let changed = [text, gap, &more].concat();
    is_held(&changed, watch).then_some(changed).ok_or(WatchFileError)
}

/// The text without a saved search; what is above and below its table stays as it is.
///
/// # Errors
///
/// When it is not written as a table of its own.
pub(crate) fn without_watch(text: &str, watch: &str) -> Result<String, WatchFileError> {
    let Range { start, end } = table(text, watch).ok_or(WatchFileError)?;
    let (before, after) = (text.get(..start).ok_or(WatchFileError)?, text.get(end..).ok_or(WatchFileError)?);
    // The empty line that parted it from what is above.
    let before = if before.ends_with("\n\n") { before.split_at(before.len() - 1).0 } else { before };
    let changed = [before, after].concat();
    let is_gone = DeTable::parse(&changed).is_ok() && !is_held(&changed, watch);
    is_gone.then_some(changed).ok_or(WatchFileError)
}

fn is_held(text: &str, watch: impl std::fmt::Display) -> bool {
    let name = watch.to_string();
    let Ok(document) = DeTable::parse(text) else { return false };
    let section = document.get_ref().get(SECTION).map(toml::Spanned::get_ref);
    matches!(section, Some(DeValue::Table(watches)) if watches.get(name.as_str()).is_some())
}

/// From the line of the header to the end of the last line.
fn table(text: &str, watch: &str) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let DeValue::Table(watches) = document.get_ref().get(SECTION)?.get_ref() else { return None };
    let (key, value) = watches.get_key_value(watch)?;
    let DeValue::Table(table) = value.get_ref() else { return None };
    let start = text.get(..key.span().start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let last = table.values().map(|value| value.span().end).max().unwrap_or(key.span().end);
    let end = text.get(last..)?.find('\n').map_or(text.len(), |newline| last + newline + 1);
    text.get(start..)?.starts_with('[').then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# Mine.\n[watch]\nallow_http = true\n#allow_private = false\n";

    fn name(name: &str) -> WatchName {
        name.parse().unwrap()
    }

    #[test]
    fn what_is_added_and_removed_leaves_the_rest_as_it_was() {
        let one = with_watch(FILE, &name("tide"), "\"see you\" C:\\x 'n", None).unwrap();
        assert!(one.starts_with(FILE) && one.contains("\n\n[watch.tide]\nquery = "), "{one}");
        let commented = format!("{one}# About the second.\n");
        let two = with_watch(&commented, &name("ebb"), "ebb", Some("https://hooks.example.com/x")).unwrap();
        assert!(
            two.ends_with("\n\n[watch.ebb]\nquery = \"ebb\"\nwebhook = \"https://hooks.example.com/x\"\n"),
            "{two}"
        );
        assert_eq!(without_watch(&two, "ebb").unwrap(), commented);
        assert_eq!(without_watch(&one, "tide").unwrap(), FILE);
        let left = without_watch(&two, "tide").unwrap();
        assert!(left.contains("# About the second.\n\n[watch.ebb]"), "{left}");
    }

    #[test]
    fn what_is_written_in_another_way_is_left_alone() {
        for text in ["watch.tide.query = 'x'\n", "watch = { tide = { query = 'x' } }\n", "[watch]\ntide.query = 'x'\n"]
        {
            assert!(is_held(text, "tide") && without_watch(text, "tide").is_err(), "{text}");
        }
        assert!(with_watch("watch = { allow_http = true }\n", &name("tide"), "x", None).is_err());
        assert!(with_watch("[watch.tide]\nquery = 'x'\n", &name("tide"), "x", None).is_err());
    }
}
