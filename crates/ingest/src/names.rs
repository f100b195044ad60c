//! Which hour a file on disk is, by its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chat::{Hour, Part, Zone};

/// Why files cannot be taken as hour files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A part is missing below the highest one given.
    #[error("part {part} of {hour} is missing: give all parts of an hour together")]
    MissingPart {
        /// The hour.
        hour: Hour,
        /// The lowest part that is missing.
        part: Part,
    },
    /// The name holds no hour.
    #[error("{} does not say which hour it is: name it yyyyMMddHH.gz, or yyyyMMddHH-N.gz for part N of an hour", .path.display())]
    NoHour {
        /// The file.
        path: PathBuf,
    },
    /// Two files claim to be the same part of the same hour.
    #[error("{} and {} are both part {part} of {hour}", .first.display(), .second.display())]
    Twice {
        /// The hour.
        hour: Hour,
        /// The part.
        part: Part,
        /// The file given first.
        first: PathBuf,
        /// The file given later.
        second: PathBuf,
    },
}

/// Sorts files into hours, each with its parts in order.
///
/// The name holds ten digits, the hour as the cluster names it in `zone`, and after them `-N` for part N; without it the
/// file is part 0.
///
/// # Errors
///
/// [`NameError`] when a name says nothing, or the parts of an hour are not each there once.
pub fn hours_of_files(paths: &[PathBuf], zone: Zone) -> Result<BTreeMap<Hour, Vec<PathBuf>>, NameError> {
    let mut hours: BTreeMap<Hour, BTreeMap<Part, PathBuf>> = BTreeMap::new();
    for path in paths {
        let (hour, part) = hour_and_part(path, zone).ok_or_else(|| NameError::NoHour { path: path.clone() })?;
        if let Some(first) = hours.entry(hour).or_default().insert(part, path.clone()) {
            return Err(NameError::Twice { hour, part, first, second: path.clone() });
        }
    }
    hours.into_iter().map(|(hour, parts)| Ok((hour, in_order(hour, parts)?))).collect()
}

fn in_order(hour: Hour, parts: BTreeMap<Part, PathBuf>) -> Result<Vec<PathBuf>, NameError> {
    let missing = (0..).zip(parts.keys()).find(|(expected, part)| expected != *part);
    match missing {
        Some((part, _)) => Err(NameError::MissingPart { hour, part }),
        None => Ok(parts.into_values().collect()),
    }
}

fn hour_and_part(path: &Path, zone: Zone) -> Option<(Hour, Part)> {
    let name = path.file_name()?.to_str()?;
    let stem = name.split_once('.').map_or(name, |(stem, _extension)| stem);
    let (key, rest) = last_ten_digits(stem)?;
    let part = match rest.strip_prefix('-') {
        Some(digits) => digits.parse().ok()?,
        None if rest.is_empty() => 0,
        None => return None,
    };
    Some((zone.hour(key).ok()?, part))
}

/// The last run of exactly ten digits, and what follows it.
fn last_ten_digits(stem: &str) -> Option<(&str, &str)> {
    let bytes = stem.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let start = (0..bytes.len().saturating_sub(9))
        .rev()
        .find(|&at| (at..at + 10).all(digit) && !digit(at + 10) && (at == 0 || !digit(at - 1)))?;
    Some((stem.get(start..start + 10)?, stem.get(start + 10..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<(&str, Part)>) {
        let found = hour_and_part(Path::new(name), Zone::UTC).map(|(hour, part)| (hour.key(), part));
        assert_eq!(found, expected.map(|(key, part)| (key.to_owned(), part)), "{name}");
    }

    #[test]
    fn the_hour_is_taken_from_the_name() {
        check("2026031409.gz", Some(("2026031409", 0)));
        check("data/2026031409-1.gz", Some(("2026031409", 1)));
        check("lantern_2026031409.ndjson.gz", Some(("2026031409", 0)));
        check("2026031409", Some(("2026031409", 0)));
        check("7-2026031409-12.json", Some(("2026031409", 12)));
        for name in [
            "today.gz",
            "20260314.gz",
            "2026031425.gz",
            "20260314090.gz",
            "2026031409x.gz",
            "2026031409-x.gz",
            ".gz",
            "",
        ] {
            check(name, None);
        }
    }

    #[test]
    fn the_name_is_in_the_clusters_zone() {
        let hours = hours_of_files(&["2026031417.gz".into()], Zone::BEIJING).unwrap();
        assert_eq!(hours.keys().map(|hour| hour.key()).collect::<Vec<_>>(), ["2026031409"]);
    }

    #[test]
    fn parts_come_in_order_and_whole() {
        let paths: Vec<PathBuf> = ["2026031409-1.gz", "2026031409-0.gz"].map(PathBuf::from).to_vec();
        let hours = hours_of_files(&paths, Zone::UTC).unwrap();
        assert_eq!(hours.into_values().next().unwrap(), [PathBuf::from("2026031409-0.gz"), "2026031409-1.gz".into()]);
        let hour = Hour::from_key("2026031409").unwrap();
        let alone = hours_of_files(&paths[..1], Zone::UTC);
        assert_eq!(alone, Err(NameError::MissingPart { hour, part: 0 }));
        let twice = hours_of_files(&["a/2026031409.gz".into(), "b/2026031409.gz".into()], Zone::UTC);
        assert!(matches!(twice, Err(NameError::Twice { part: 0, .. })));
    }
}
