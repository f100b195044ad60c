//! What is called what within an archive. All paths are relative to its root.

use chat::{Hour, Part};
use object_store::path::Path;
use uuid::Uuid;

/// The format of the archive, created once.
pub(crate) const ARCHIVE_FILE: &str = "archive.json";
/// The app that the archive belongs to, created once.
pub(crate) const APP_FILE: &str = "app.json";
/// The settings, which the program puts there; this crate does not read them.
pub(crate) const SETTINGS_FILE: &str = "annals.toml";
/// The lock; its content is nothing.
pub(crate) const LOCK_FILE: &str = ".lock";
/// The lock of the one fetch that is at work; its content says which.
pub(crate) const TURN_FILE: &str = ".turn";
/// The folder of everything unfinished.
pub(crate) const TEMPORARY_FOLDER: &str = "tmp";
/// How the names of the files in there begin.
pub(crate) const TEMPORARY_FILE: &str = ".tmp";
/// The folder of the served bytes.
pub(crate) const RAW_FOLDER: &str = "raw";
/// The folder of served bytes that could not be decoded.
const UNDECODED_FOLDER: &str = "undecoded";
/// The folder of the attachments' bytes.
pub(crate) const MEDIA_FOLDER: &str = "media";
/// The folder of what was handed out to others.
const EXPORTS_FOLDER: &str = "exports";
/// The folder of what saved searches have told.
const WATCHES_FOLDER: &str = "watches";
/// The folder of what was played back into apps.
const RESTORES_FOLDER: &str = "restores";
/// The partition column of all tables but the ledger.
pub(crate) const PARTITION: &str = "date";

/// The value of the partition column for an hour.
pub(crate) fn partition(hour: Hour) -> String {
    hour.date().format("%Y-%m-%d").to_string()
}

/// The folder of the rows of an hour's day within a table: `date=2026-03-14`.
pub(crate) fn day_folder(hour: Hour) -> String {
    format!("{PARTITION}={}", partition(hour))
}

/// A name that no other data file of the hour has: `date=2026-03-14/2026031409-<id>.parquet`.
pub(crate) fn data_file(hour: Hour) -> String {
    format!("{PARTITION}={}/{}-{}.parquet", partition(hour), hour.key(), Uuid::new_v4().simple())
}

/// A name that no other file of several hours of a day has: `date=2026-03-14/20260314-<id>.parquet`.
pub(crate) fn day_file(hour: Hour) -> String {
    let day = hour.date().format("%Y%m%d");
    format!("{PARTITION}={}/{day}-{}.parquet", partition(hour), Uuid::new_v4().simple())
}

/// A name that no other file of the ledger has: `<id>.parquet`.
pub(crate) fn ledger_file() -> String {
    format!("{}.parquet", Uuid::new_v4().simple())
}

/// Whether this program may have given a data file this name. Files of others are never swept.
pub(crate) fn is_our_data_file(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_folder, name)| name);
    let Some(stem) = name.strip_suffix(".parquet") else { return false };
    let id = match stem.split_once('-') {
        Some((key, id)) if Hour::from_key(key).is_ok() || is_day(key) => id,
        Some(_) => return false,
        None => stem,
    };
    is_id(id)
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a key is that of a day, `20260314`.
fn is_day(key: &str) -> bool {
    key.len() == 8 && Hour::from_key(&format!("{key}00")).is_ok()
}

/// The folder of an hour's served bytes: `raw/2026/03/14`.
pub(crate) fn raw_folder(hour: Hour) -> Path {
    Path::from(format!("{RAW_FOLDER}/{}", hour.date().format("%Y/%m/%d")))
}

/// The lock of those who keep served bytes; it lies beside the years.
pub(crate) fn raw_lock() -> Path {
    Path::from(format!("{RAW_FOLDER}/{LOCK_FILE}"))
}

/// A part as served: `2026031409-0.gz`. Parts are called so whatever was served, gzip once, twice or not at all: the bytes
/// are kept as they came, and their first bytes tell what they are.
pub(crate) fn raw_part(hour: Hour, part: Part) -> String {
    format!("{}-{part}.gz", hour.key())
}

/// The same part in a bucket, under a name that nobody else gives: `2026031409-0-<id>.gz`.
pub(crate) fn raw_upload(hour: Hour, part: Part, id: &str) -> String {
    format!("{}-{part}-{id}.gz", hour.key())
}

/// The list of an hour's parts: `2026031409.json`.
pub(crate) fn raw_manifest(hour: Hour) -> String {
    format!("{}.json", hour.key())
}

/// A part as served that could not be decoded: `undecoded/2026/03/14/2026031409-0.gz`.
pub(crate) fn undecoded_part(hour: Hour, part: Part) -> Path {
    Path::from(format!("{UNDECODED_FOLDER}/{}", hour.date().format("%Y/%m/%d"))).join(raw_part(hour, part))
}

/// Where the bytes with this SHA-256 are: `media/ab/abcd…`.
pub(crate) fn blob(sha256: &str) -> Path {
    Path::from(format!("{MEDIA_FOLDER}/{}/{sha256}", sha256.get(..2).unwrap_or_default()))
}

/// Whether a text is a SHA-256 as it is written here: 64 hexadecimal digits, in lower case.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Up to where the export of a name has handed out the archive.
pub(crate) fn export_file(name: &str) -> Path {
    Path::from(format!("{EXPORTS_FOLDER}/{name}.json"))
}

/// The lock of the exports of a name.
pub(crate) fn export_lock(name: &str) -> Path {
    Path::from(format!("{EXPORTS_FOLDER}/{name}.lock"))
}

/// What a saved search has told.
pub(crate) fn watch_file(name: &str) -> Path {
    Path::from(format!("{WATCHES_FOLDER}/{name}.json"))
}

/// The lock of the runs of a saved search.
pub(crate) fn watch_lock(name: &str) -> Path {
    Path::from(format!("{WATCHES_FOLDER}/{name}.lock"))
}

/// What a restore has played back.
pub(crate) fn restore_file(name: &str) -> Path {
    Path::from(format!("{RESTORES_FOLDER}/{name}.ndjson"))
}

/// Which journal is that of a restore, in a bucket.
pub(crate) fn restore_claim(name: &str) -> Path {
    Path::from(format!("{RESTORES_FOLDER}/{name}.json"))
}

/// The lock of the runs of a restore.
pub(crate) fn restore_lock(name: &str) -> Path {
    Path::from(format!("{RESTORES_FOLDER}/{name}.lock"))
}

/// The hour and part that a file of served bytes is named after.
pub(crate) fn parse_raw_part(name: &str) -> Option<(Hour, Part)> {
    let (key, part) = name.strip_suffix(".gz")?.split_once('-')?;
    Some((Hour::from_key(key).ok()?, part.parse().ok()?))
}

/// The same of one that was uploaded to a bucket.
pub(crate) fn parse_raw_upload(name: &str) -> Option<(Hour, Part)> {
    let (stem, id) = name.strip_suffix(".gz")?.rsplit_once('-')?;
    let (key, part) = stem.split_once('-')?;
    is_id(id).then_some((Hour::from_key(key).ok()?, part.parse().ok()?))
}

/// The hour that a list of parts is named after.
pub(crate) fn parse_raw_manifest(name: &str) -> Option<Hour> {
    Hour::from_key(name.strip_suffix(".json")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_design() {
        let hour = Hour::from_key("2026031409").unwrap();
        let file = data_file(hour);
        assert!(file.starts_with("date=2026-03-14/2026031409-"), "{file}");
        assert!(is_our_data_file(&file) && is_our_data_file(&ledger_file()));
        let day = day_file(hour);
        assert!(day.starts_with("date=2026-03-14/20260314-") && is_our_data_file(&day), "{day}");
        assert_eq!(raw_folder(hour).as_ref(), "raw/2026/03/14");
        assert_eq!(parse_raw_part(&raw_part(hour, 3)), Some((hour, 3)));
        assert_eq!(parse_raw_manifest(&raw_manifest(hour)), Some(hour));
        let uploaded = raw_upload(hour, 3, "0123456789abcdef0123456789abcdef");
        assert_eq!((parse_raw_upload(&uploaded), parse_raw_part(&uploaded)), (Some((hour, 3)), None));
        assert_eq!(parse_raw_upload(&raw_part(hour, 3)), None);
    }

    #[test]
    fn files_of_others_are_left_alone() {
        for name in [
            "date=2026-03-14/part-00000-c1777d7d.parquet",
            "x.parquet",
            "20261314-0123456789abcdef0123456789abcdef.parquet",
            "date=2026-03-14/2026031409-1.gz",
            "",
        ] {
            assert!(!is_our_data_file(name), "{name}");
        }
    }
}
