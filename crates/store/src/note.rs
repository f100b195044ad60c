//! Small files in which is noted, by a name that a person gave, what was done under it: each is replaced whole.

use std::collections::BTreeMap;
use std::io;

use chat::Hour;
use object_store::path::Path;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::disk::Present;
use crate::error::Error;
use crate::site::Site;

/// What every note begins with.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

/// Whether a text is a file name on every system: 1 to 64 lower-case letters and digits, and behind the first some others.
pub(crate) fn is_name(text: &str, others: &[u8]) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let begins = text.bytes().next().is_some_and(is_plain);
    begins && text.len() <= 64 && text.bytes().all(|byte| is_plain(byte) || others.contains(&byte))
}

/// A name under which is noted: read from a text of which these bytes may be part, behind the first, besides letters and digits.
macro_rules! name {
    ($(#[$docs:meta])* $name:ident, $error:ident, $others:literal, $form:literal) => {
        $(#[$docs])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        /// A text that is no such name.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[error($form)]
        pub struct $error;

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::note::is_name(text, $others).then(|| Self(text.to_owned())).ok_or($error)
            }
        }
    };
}
pub(crate) use name;

/// Reads a note; `None` when there is none. `meaning` gives what is wrong with a record that says nothing.
pub(crate) fn read<R: DeserializeOwned, T>(
    site: &Site,
    location: &Path,
    newest: u64,
    meaning: impl FnOnce(R) -> Result<T, &'static str>,
) -> Result<Option<T>, Error> {
    let path = site.path(location);
    let Some(json) = site.read(location).map_err(Error::file("read", &path))? else { return Ok(None) };
    let damaged = |reason: String| Error::Damaged { path: path.clone(), reason };
    let version: Version = serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
    if version.version > newest {
        return Err(Error::NewerFormat { path, found: version.version, newest });
    }
    let record = serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
    meaning(record).map(Some).map_err(|reason| damaged(reason.to_owned()))
}

/// Writes a note in place of the one before, for good. In a bucket, where no lock keeps two machines apart, that must be
/// the one that was read.
pub(crate) fn write(site: &Site, location: &Path, record: &impl Serialize) -> Result<(), Error> {
    let json = serde_json::to_vec(record).expect("texts and numbers are always JSON");
    let path = site.path(location);
    site.write(location, &json, Present::Replace).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::Overtaken { path },
        _ => Error::file("write", &path)(error),
    })
}

/// Publications by hour, as a note has them.
pub(crate) fn keys(hours: &BTreeMap<Hour, String>) -> BTreeMap<String, String> {
    hours.iter().map(|(hour, publication)| (hour.key(), publication.clone())).collect()
}

/// The same read; `None` when a key is no hour.
pub(crate) fn hours(keys: BTreeMap<String, String>) -> Option<BTreeMap<Hour, String>> {
    keys.into_iter().map(|(key, publication)| Some((Hour::from_key(&key).ok()?, publication))).collect()
}
