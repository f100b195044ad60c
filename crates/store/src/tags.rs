//! What a data file of `messages` or `dead_letters` says about its hours, in the tags of its `add` action.
//!
//! | tag | value |
//! | --- | --- |
//! | `annals.hours` | the hours the file holds, `2026031409,2026031410`, in order |
//! | `annals.entries` | their ledger entries, a JSON list (`messages` only), from which lost rows of the ledger are rebuilt |
//! | `annals.origins` | for each hour what made its lines (`dead_letters` only), a JSON object: version, number, SHA-256 of the parts, `{"2026031409":"0.1.0 2 ab…,cd…"}` |
//! | `annals.listed` | of which hours the messages were looked through (`attachments` only), a JSON object: in which publication, `{"2026031409":"date=…"}` |
//! | `annals.origin` | the same in files of before, which hold one hour |
//! | `annals.file_format` | the format that the file was written in; not in files of before |
//! | `annals.sha256` | the SHA-256 of the file, lower-case hex (all tables); not in files of before |
//! | `annals.promoted` | the promoted columns that the file has (`messages` only), `ext_order_id,ext_total`; not where it has none |
//!
//! Readers that do not know the tags ignore them; writers that do not know them drop them, and then the statistics of
//! the file tell its hours.

use std::collections::{BTreeMap, HashMap};

use chat::{Entry, Hour, State, Tally, Timestamp, publication_of, show_time};
use serde::{Deserialize, Serialize};

const HOURS: &str = "annals.hours";
const ENTRIES: &str = "annals.entries";
const ORIGIN: &str = "annals.origin";
const ORIGINS: &str = "annals.origins";
const LISTED: &str = "annals.listed";
const FORMAT: &str = "annals.file_format";
const PROMOTED: &str = "annals.promoted";
const SHA256: &str = "annals.sha256";

pub(crate) type Tags = HashMap<String, Option<String>>;

/// The tags of a file that holds these hours.
pub(crate) fn of_hours(hours: &[Hour]) -> Tags {
    let keys: Vec<_> = hours.iter().map(|hour| hour.key()).collect();
    let format = archive::FORMAT.to_string();
    HashMap::from([(HOURS.to_owned(), Some(keys.join(","))), (FORMAT.to_owned(), Some(format))])
}

/// The tags of a file that holds the hours of these entries, with these promoted columns.
pub(crate) fn of_entries(entries: &[Entry], promoted: &[String]) -> Tags {
    let hours: Vec<_> = entries.iter().map(|entry| entry.hour).collect();
    let wire: Vec<_> = entries.iter().map(Wire::from).collect();
    let json = serde_json::to_string(&wire).expect("texts and numbers are always JSON");
    let mut tags = of_hours(&hours);
    tags.insert(ENTRIES.to_owned(), Some(json));
    if !promoted.is_empty() {
        tags.insert(PROMOTED.to_owned(), Some(promoted.join(",")));
    }
    tags
}

/// The tags of a file of the dead letters of these hours, each with its origin.
pub(crate) fn of_letters(origins: &BTreeMap<Hour, String>) -> Tags {
    let hours: Vec<_> = origins.keys().copied().collect();
    let wire: BTreeMap<_, _> = origins.iter().map(|(hour, origin)| (hour.key(), origin)).collect();
    let json = serde_json::to_string(&wire).expect("texts are always JSON");
    let mut tags = of_hours(&hours);
    tags.insert(ORIGINS.to_owned(), Some(json));
    tags
}

/// The tags of a file of the attachments of these hours, some of them looked through in these publications.
pub(crate) fn of_attachments(hours: &[Hour], listed: &BTreeMap<Hour, String>) -> Tags {
    let wire: BTreeMap<_, _> = listed.iter().map(|(hour, publication)| (hour.key(), publication)).collect();
    let json = serde_json::to_string(&wire).expect("texts are always JSON");
    let mut tags = of_hours(hours);
    tags.insert(LISTED.to_owned(), Some(json));
    tags
}

/// The hours whose messages were looked through for a file of attachments, and in which publication.
pub(crate) fn listed(tags: Option<&Tags>) -> BTreeMap<Hour, String> {
    let wire: Option<BTreeMap<String, String>> = text(tags, LISTED).and_then(|json| serde_json::from_str(json).ok());
    let known = wire.into_iter().flatten();
    known.filter_map(|(key, publication)| Some((Hour::from_key(&key).ok()?, publication))).collect()
}

/// The format that a file was written in, as its tags say.
pub(crate) fn format(tags: Option<&Tags>) -> Option<&str> {
    text(tags, FORMAT)
}

/// Adds the SHA-256 of a file.
pub(crate) fn put_sha256(tags: &mut Tags, sha256: String) {
    tags.insert(SHA256.to_owned(), Some(sha256));
}

/// The SHA-256 of a file, as its tags say.
pub(crate) fn sha256(tags: Option<&Tags>) -> Option<&str> {
    text(tags, SHA256)
}

/// Whether a file was written in the newest format, as far as its tags say.
pub(crate) fn is_of_today(tags: Option<&Tags>) -> bool {
    format(tags).is_some_and(|format| format.parse() == Ok(archive::FORMAT))
}

/// Whether a file has all of these promoted columns, as far as its tags say.
pub(crate) fn has_promoted(tags: Option<&Tags>, promoted: &[String]) -> bool {
    let has = || text(tags, PROMOTED).into_iter().flat_map(|names| names.split(','));
    promoted.iter().all(|name| has().any(|known| known == name))
}

/// What the dead letters of an hour are from: the same program makes the same letters of the same bytes.
pub(crate) fn origin_of(entry: &Entry) -> String {
    format!("{} {} {}", entry.version, entry.tally.dead_letters, entry.sha256.join(","))
}

/// Whether dead letters of this origin are as many as an entry has, and from its bytes. The version does not count: an attempt
/// that changes nothing writes the row of the ledger with another.
pub(crate) fn is_origin_of(origin: &str, entry: &Entry) -> bool {
    let what = |origin: &str| origin.split_once(' ').map(|(_version, what)| what.to_owned());
    what(origin) == what(&origin_of(entry))
}

/// What the dead letters of an hour in a file are from; `None` when its tags do not say.
pub(crate) fn origin(tags: Option<&Tags>, hour: Hour) -> Option<String> {
    if let Some(json) = text(tags, ORIGINS) {
        return serde_json::from_str::<BTreeMap<String, String>>(json).ok()?.remove(&hour.key());
    }
    (hours(tags)? == [hour]).then(|| text(tags, ORIGIN).map(str::to_owned))?
}

/// The number of dead letters that an origin tells of.
pub(crate) fn letters_in(origin: &str) -> Option<u64> {
    origin.split(' ').nth(1)?.parse().ok()
}

/// The hours of a file, in order; `None` when its tags do not say.
pub(crate) fn hours(tags: Option<&Tags>) -> Option<Vec<Hour>> {
    let mut hours: Vec<_> = text(tags, HOURS)?.split(',').map(|key| Hour::from_key(key).ok()).collect::<Option<_>>()?;
    hours.sort_unstable();
    Some(hours)
}

/// The entries of the hours of a file; none when its tags do not say.
pub(crate) fn entries(tags: Option<&Tags>) -> Vec<Entry> {
    let wire: Option<Vec<Wire>> = text(tags, ENTRIES).and_then(|json| serde_json::from_str(json).ok());
    wire.into_iter().flatten().filter_map(Wire::entry).collect()
}

/// The publication of each hour of a file, as its tags tell; less to read than [`entries`].
pub(crate) fn publications(tags: Option<&Tags>) -> Vec<(Hour, String)> {
    let told: Option<Vec<WireFiles>> = text(tags, ENTRIES).and_then(|json| serde_json::from_str(json).ok());
    let told = told.into_iter().flatten();
    told.filter_map(|told| Some((Hour::from_key(&told.hour).ok()?, publication_of(&told.files)))).collect()
}

fn text<'a>(tags: Option<&'a Tags>, name: &str) -> Option<&'a str> {
    tags?.get(name)?.as_deref()
}

/// What an entry as it is written down says of its files.
#[derive(Deserialize)]
struct WireFiles {
    hour: String,
    files: Vec<String>,
}

/// An entry as it is written down; times are RFC 3339.
#[derive(Serialize, Deserialize)]
struct Wire {
    hour: String,
    at: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    bytes: u64,
    sha256: Vec<String>,
    lines: u64,
    messages: u64,
    duplicates: u64,
    dead_letters: u64,
    blank_lines: u64,
    conflicts: u64,
    strays: u64,
    #[serde(default)]
    retained: u64,
    #[serde(default)]
    added: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_sent_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_sent_at: Option<String>,
    files: Vec<String>,
    source: String,
    version: String,
}

impl From<&Entry> for Wire {
    fn from(entry: &Entry) -> Self {
        let Tally { lines, messages, duplicates, dead_letters, blank_lines, conflicts, strays, retained } = entry.tally;
        Self {
            hour: entry.hour.key(),
            at: show_time(entry.at),
            state: entry.state.word().to_owned(),
            http_status: entry.http_status,
            error: entry.error.clone(),
            bytes: entry.bytes,
            sha256: entry.sha256.clone(),
            lines,
            messages,
            duplicates,
            dead_letters,
            blank_lines,
            conflicts,
            strays,
            retained,
            added: entry.added,
            min_sent_at: entry.min_sent_at.map(show_time),
            max_sent_at: entry.max_sent_at.map(show_time),
            files: entry.files.clone(),
            source: entry.source.clone(),
            version: entry.version.clone(),
        }
    }
}

impl Wire {
    /// `None` when a value is none that this program writes.
    fn entry(self) -> Option<Entry> {
        Some(Entry {
            hour: Hour::from_key(&self.hour).ok()?,
            at: self.at.parse().ok()?,
            state: self.state.parse::<State>().ok()?,
            http_status: self.http_status,
            error: self.error,
            bytes: self.bytes,
            sha256: self.sha256,
            tally: Tally {
                lines: self.lines,
                messages: self.messages,
                duplicates: self.duplicates,
                dead_letters: self.dead_letters,
                blank_lines: self.blank_lines,
                conflicts: self.conflicts,
                strays: self.strays,
                retained: self.retained,
            },
            added: self.added,
            min_sent_at: optional(self.min_sent_at)?,
            max_sent_at: optional(self.max_sent_at)?,
            files: self.files,
            source: self.source,
            version: self.version,
        })
    }
}

fn optional(text: Option<String>) -> Option<Option<Timestamp>> {
    text.map(|text| text.parse().ok()).map_or(Some(None), |time: Option<_>| time.map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_read_back() {
        let hour = Hour::from_key("2026031409").unwrap();
        let entry = Entry {
            hour,
            at: "2026-03-15T10:00:00.000001Z".parse().unwrap(),
            state: State::Done,
            http_status: Some(200),
            error: None,
            bytes: 12,
            sha256: vec!["ab".to_owned()],
            tally: Tally { lines: 3, messages: 2, blank_lines: 1, retained: 4, ..Tally::default() },
            added: 1,
            min_sent_at: Some("2026-03-14T09:00:00Z".parse().unwrap()),
            max_sent_at: None,
            files: vec!["date=2026-03-14/2026031409-x.parquet".to_owned()],
            source: "fetch".to_owned(),
            version: "0.1.0".to_owned(),
        };
        let tags = of_entries(std::slice::from_ref(&entry), &["a".to_owned(), "b".to_owned()]);
        assert_eq!(hours(Some(&tags)), Some(vec![hour]));
        assert_eq!(publications(Some(&tags)), [(hour, entry.publication())]);
        assert_eq!(entries(Some(&tags)), [entry]);
        let has = |names: &[&str]| {
            has_promoted(Some(&tags), &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert!(has(&[]) && has(&["b", "a"]) && !has(&["a", "c"]) && !has(&["a,b"]));
        assert!(has_promoted(None, &[]) && !has_promoted(None, &["a".to_owned()]));
    }

    #[test]
    fn the_dead_letters_of_each_hour_have_an_origin() {
        let hour = Hour::from_key("2026031409").unwrap();
        let origins = BTreeMap::from([(hour, "0.1.0 2 ab,cd".to_owned()), (hour.next(), "0.1.0 7 ef".to_owned())]);
        let tags = of_letters(&origins);
        assert_eq!(hours(Some(&tags)), Some(vec![hour, hour.next()]));
        assert_eq!(origin(Some(&tags), hour.next()).as_deref(), Some("0.1.0 7 ef"));
        assert_eq!(origin(Some(&tags), hour.next()).as_deref().and_then(letters_in), Some(7));
        assert_eq!(origin(Some(&tags), hour.plus(2)), None);
        let tally = Tally { dead_letters: 7, ..Tally::default() };
        let entry = Entry { tally, sha256: vec!["ef".to_owned()], ..Entry::new(hour, hour.end(), State::Done) };
        let later = Entry { version: "0.2.0".to_owned(), ..entry.clone() };
        assert!(is_origin_of("0.1.0 7 ef", &later) && !is_origin_of("0.1.0 6 ef", &entry));
        assert!(!is_origin_of("0.1.0 7 ab", &entry) && !is_origin_of("0.1.0", &entry));
        assert!(is_of_today(Some(&tags)) && !is_of_today(None));
        let mut of_before = of_hours(&[hour]);
        of_before.insert(ORIGIN.to_owned(), Some("0.1.0 1 ab".to_owned()));
        assert_eq!(origin(Some(&of_before), hour).as_deref(), Some("0.1.0 1 ab"));
        assert_eq!(origin(Some(&of_before), hour.next()), None);
    }

    #[test]
    fn foreign_tags_say_nothing() {
        let tags = HashMap::from([(HOURS.to_owned(), Some("soon".to_owned())), (ENTRIES.to_owned(), None)]);
        assert_eq!(hours(Some(&tags)), None);
        assert!(entries(Some(&tags)).is_empty() && entries(None).is_empty());
    }
}
