//! What was played back into apps: for each restore by name, which row became which message.
//!
//! `restores/NAME.ndjson` only grows, `restores/NAME.lock` is held by the one run that is at work under the name. The first
//! line says what the file is and into which app is restored; each further line is one thing that happened:
//!
//! ```text
//! {"annals_restore":1,"app":"harbor-org#beacon"}
//! {"asked":{"key":"9f86d081884c7d659a2feaa0c55ad015","row":"2026031409/0/17","msg_id":"1029457500870543736"}}
//! {"imported":{"key":"9f86d081884c7d659a2feaa0c55ad015","msg_id":"1030112233445566778"}}
//! {"declined":{"key":"60303ae22b998861bce3b28f33eec1be"}}
//! {"uploaded":{"key":"…","url":"https://…/chatfiles/…","secret":"…","at":1773478890010}}
//! ```
//!
//! `asked` is on the disk before the call is made, `imported` or `declined` is written behind it. So after a crash at any time
//! a row without `asked` was not sent, and one whose last word is `asked` may have been. `declined` takes `asked` back. A last
//! line without its end was being written when the program died; it is cut off. A row is known by its message's id, so that it
//! is the same row when its hour is published anew and it stands elsewhere; `row` tells people where it stood.
//!
//! The file is read line by line. Of each row sixteen bytes are held, of each upload the place of its line.
//!
//! An object of a bucket cannot grow, and what is not there at once is no journal. That of an archive in a bucket is in the folder
//! which this machine has for the bucket. So that another machine does not begin anew what this one has begun, the journal has an
//! `id` in its first line, and the object `restores/NAME.json` says which it is: `{"version":1,"id":"…"}`, written once.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use chat::{App, Hour, MessageId, Position, Secret, Timestamp};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::disk::sync_file;
use crate::error::Error;
use crate::layout;
use crate::lock::{Turn, take_turn};
use crate::note;
use crate::open::Archive;
use crate::site::Site;

/// The version of the file.
const VERSION: u64 = 1;

/// A longer line is none of ours, in bytes.
const LONGEST_LINE: u64 = 64 << 10;

/// A longer id is not noted; it would tell nobody anything.
const LONGEST_ID: usize = 256;

note::name! {
    /// The name of a restore: 1 to 64 of `a-z 0-9 . _ -`, the first a letter or digit.
    RestoreName, RestoreNameError, b"._-", "a name has 1 to 64 lower-case letters, digits, dots, dashes and underscores, and begins with a letter or digit"
}

impl RestoreName {
    /// The name that a restore into this app has unless it is given one: `harbor-org.beacon`.
    #[must_use]
    pub fn of(app: &App) -> Self {
        let plain = |letter: char| match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-".contains(letter) => letter,
            _ => '_',
        };
        let text: String = format!("{}.{}", app.org(), app.name()).chars().map(plain).take(64).collect();
        let begins = text.starts_with(|letter: char| letter.is_ascii_alphanumeric());
        if begins { Self(text) } else { Self(format!("x{}", text.get(..text.len().min(63)).unwrap_or_default())) }
    }
}

/// By what a row, or a file that is uploaded, is known again: 128 bits of a SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RestoreKey(u128);

impl RestoreKey {
    /// Of a row whose message has an id.
    #[must_use]
    pub fn of_id(msg_id: &str) -> Self {
        Self::hash(&[b"id", msg_id.as_bytes()])
    }

    /// Of a row whose message has none, by its hour and its record. Rows that say the same in one hour are one message.
    #[must_use]
    pub fn of_record(hour: Hour, record: &str) -> Self {
        Self::hash(&[b"record", hour.key().as_bytes(), record.as_bytes()])
    }

    /// Of bytes with this SHA-256 that are uploaded, with a share secret or without.
    #[must_use]
    pub fn of_upload(sha256: &str, is_restricted: bool) -> Self {
        Self::hash(&[if is_restricted { b"restricted" } else { b"open" }, sha256.as_bytes()])
    }

    /// One of so many places, the same for the same key.
    #[must_use]
    pub fn slot(self, count: usize) -> usize {
        usize::try_from(self.0 % count.max(1) as u128).unwrap_or_default()
    }

    fn hash(pieces: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for piece in pieces {
            hash.update((piece.len() as u64).to_be_bytes());
            hash.update(piece);
        }
        let half: [u8; 16] = *hash.finalize().first_chunk().expect("a SHA-256 has 32 bytes");
        Self(u128::from_be_bytes(half))
    }
}

impl fmt::Display for RestoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What a journal says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// It was to be sent; nobody knows whether it was.
    Asked,
    /// It is imported.
    Imported,
}

/// A file that the app's service took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredFile {
    /// Where it is.
    pub url: String,
    /// Its share secret, if it has one.
    pub secret: Option<Secret>,
    /// When it was uploaded.
    pub at: Timestamp,
}

/// What comes of opening a journal.
#[derive(Debug)]
pub enum RestoreTurn {
    /// It is ours until it is dropped.
    Ours(RestoreJournal),
    /// Another run is at work under the name.
    Busy,
    /// Under the name something was restored into another app.
    OfApp(String),
    /// The archive is in a bucket, and the journal is that of another machine, or lost.
    Elsewhere,
}

/// The journal of a restore, in one hand.
#[derive(Debug)]
pub struct RestoreJournal {
    path: PathBuf,
    file: File,
    /// What tells it from another of that name, if the archive is in a bucket.
    id: Option<String>,
    /// Where the file ends.
    end: u64,
    imported: FxHashSet<u128>,
    asked: FxHashSet<u128>,
    /// Where the line of each upload begins.
    uploads: FxHashMap<u128, u64>,
    _turn: Turn,
}

impl Archive {
    /// Opens the journal of a restore into an app, made if there is none yet. What a run that died had half written of its last
    /// line is cut off.
    ///
    /// # Errors
    ///
    /// When it cannot be read or written, is damaged, or is of a newer version.
    pub fn restore_journal(&self, name: &RestoreName, app: &App) -> Result<RestoreTurn, Error> {
        let site = self.site();
        let lock = site.lock_path(&layout::restore_lock(&name.0));
        let Some(turn) = take_turn(&lock)? else { return Ok(RestoreTurn::Busy) };
        let path = site.lock_path(&layout::restore_file(&name.0));
        if matches!(site, Site::Disk(_)) {
            return RestoreJournal::open(path, app, None, turn);
        }
        let claim = Claim::read(site, name)?;
        if claim.is_some() && !path.is_file() {
            return Ok(RestoreTurn::Elsewhere);
        }
        let opened = RestoreJournal::open(path, app, Some(Uuid::new_v4().simple().to_string()), turn)?;
        let RestoreTurn::Ours(journal) = &opened else { return Ok(opened) };
        match (claim, &journal.id) {
            (None, Some(id)) => Claim { version: VERSION, id: id.clone() }.write(site, name).map(|()| opened),
            (Some(claim), Some(id)) if claim.id == *id => Ok(opened),
            _ => Ok(RestoreTurn::Elsewhere),
        }
    }

    /// Whether anything was restored under this name.
    ///
    /// # Errors
    ///
    /// When that cannot be found out.
    pub fn has_restore(&self, name: &RestoreName) -> Result<bool, Error> {
        let is_here = self.site().lock_path(&layout::restore_file(&name.0)).is_file();
        Ok(is_here || (matches!(self.site(), Site::Remote(_)) && Claim::read(self.site(), name)?.is_some()))
    }
}

/// Which journal is that of a restore.
#[derive(Serialize, Deserialize)]
struct Claim {
    version: u64,
    id: String,
}

impl Claim {
    fn read(site: &Site, name: &RestoreName) -> Result<Option<Self>, Error> {
        note::read(site, &layout::restore_claim(&name.0), VERSION, Ok)
    }

    fn write(&self, site: &Site, name: &RestoreName) -> Result<(), Error> {
        note::write(site, &layout::restore_claim(&name.0), self)
    }
}

impl RestoreJournal {
    /// What became of a row; `None` when it was not sent, or declined.
    #[must_use]
    pub fn state(&self, key: RestoreKey) -> Option<Restored> {
        if self.imported.contains(&key.0) {
            return Some(Restored::Imported);
        }
        self.asked.contains(&key.0).then_some(Restored::Asked)
    }

    /// Says that a row is about to be sent. It is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn will_ask(&mut self, key: RestoreKey, position: Position, msg_id: Option<&str>) -> Result<(), Error> {
        let Position { source_hour, part, line } = position;
        let row = format!("{}/{part}/{line}", source_hour.key());
        let msg_id = msg_id.filter(|id| id.len() <= LONGEST_ID).map(str::to_owned);
        self.write(&Line::Asked { key: key.to_string(), row, msg_id })?;
        self.asked.insert(key.0);
        sync_file(&self.file).map_err(Error::file("write", &self.path))
    }

    /// Says that a row is imported, under this id.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn imported(&mut self, key: RestoreKey, id: &MessageId) -> Result<(), Error> {
        self.write(&Line::Imported { key: key.to_string(), msg_id: id.as_str().to_owned() })?;
        self.asked.remove(&key.0);
        self.imported.insert(key.0);
        Ok(())
    }

    /// Says that the service did nothing about a row.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn declined(&mut self, key: RestoreKey) -> Result<(), Error> {
        self.write(&Line::Declined { key: key.to_string() })?;
        self.asked.remove(&key.0);
        Ok(())
    }

    /// Says where bytes are that were uploaded.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn uploaded(&mut self, key: RestoreKey, file: &RestoredFile) -> Result<(), Error> {
        let place = self.end;
        let secret = file.secret.as_ref().map(|secret| secret.reveal().to_owned());
        let at = file.at.timestamp_millis();
        self.write(&Line::Uploaded { key: key.to_string(), url: file.url.clone(), secret, at })?;
        self.uploads.insert(key.0, place);
        Ok(())
    }

    /// Whether bytes were uploaded.
    #[must_use]
    pub fn has_upload(&self, key: RestoreKey) -> bool {
        self.uploads.contains_key(&key.0)
    }

    /// Where bytes are that were uploaded.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn upload(&mut self, key: RestoreKey) -> Result<Option<RestoredFile>, Error> {
        let Some(place) = self.uploads.get(&key.0).copied() else { return Ok(None) };
        let failed = Error::file("read", &self.path);
        let read = self.file.seek(SeekFrom::Start(place)).and_then(|_| {
            let mut line = String::new();
            BufReader::new(&self.file).take(LONGEST_LINE).read_line(&mut line)?;
            Ok(line)
        });
        match serde_json::from_str(&read.map_err(failed)?) {
            Ok(Line::Uploaded { url, secret, at, .. }) => {
                let at = Timestamp::from_timestamp_millis(at).unwrap_or_default();
                Ok(Some(RestoredFile { url, secret: secret.map(Secret::new), at }))
            }
            _ => Err(Error::Damaged { path: self.path.clone(), reason: format!("at byte {place} is no upload") }),
        }
    }

    /// Opens the file; one that is new is given the id.
    fn open(path: PathBuf, app: &App, id: Option<String>, turn: Turn) -> Result<RestoreTurn, Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(Error::file("open", &path))?;
        let (imported, asked, uploads) = Default::default();
        let mut journal = Self { path, file, id: None, end: 0, imported, asked, uploads, _turn: turn };
        if let Some(other) = journal.read(app)? {
            return Ok(RestoreTurn::OfApp(other));
        }
        if journal.end == 0 {
            journal.write(&Header { annals_restore: VERSION, app: app.to_string(), id: id.clone() })?;
            journal.id = id;
            journal.sync_all()?;
        }
        Ok(RestoreTurn::Ours(journal))
    }

    /// A file whose name is not on the disk is lost with the power, whatever is in it.
    fn sync_all(&self) -> Result<(), Error> {
        let folder = self.path.parent().unwrap_or(&self.path);
        let synced = self.file.sync_all().and_then(|()| File::open(folder)?.sync_all());
        synced.map_err(Error::file("write", &self.path))
    }

    /// Reads what is there, and cuts off what is half a line. Gives the app of the journal if it is another.
    fn read(&mut self, app: &App) -> Result<Option<String>, Error> {
        let file = self.file.try_clone().map_err(Error::file("read", &self.path))?;
        let path = self.path.clone();
        let mut lines = Lines { path: &path, file: BufReader::new(file), number: 0 };
        let mut end = 0;
        if let Some(first) = lines.next()? {
            let header = Header::parse(&first, &path)?;
            if header.app != app.to_string() {
                return Ok(Some(header.app));
            }
            self.id = header.id;
            end += first.len() as u64;
        }
        while let Some(line) = lines.next()? {
            let taken = serde_json::from_str(&line).ok().and_then(|line| self.take_in(line, end));
            taken.ok_or_else(|| lines.damaged("says nothing that is known"))?;
            end += line.len() as u64;
        }
        self.end = end;
        self.file.set_len(end).map_err(Error::file("write", &self.path))?;
        Ok(None)
    }

    /// `None` when the line cannot stand there.
    fn take_in(&mut self, line: Line, place: u64) -> Option<()> {
        let parse = |key: &str| u128::from_str_radix(key, 16).ok().filter(|_| key.len() == 32);
        match line {
            Line::Asked { key, .. } => drop(self.asked.insert(parse(&key)?)),
            Line::Imported { key, .. } => {
                let key = parse(&key)?;
                self.asked.remove(&key).then_some(())?;
                self.imported.insert(key);
            }
            Line::Declined { key } => self.asked.remove(&parse(&key)?).then_some(())?,
            Line::Uploaded { key, .. } => drop(self.uploads.insert(parse(&key)?, place)),
        }
        Some(())
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let mut text = serde_json::to_string(line).expect("texts and numbers are always JSON");
        text.push('\n');
        let end = self.end;
        let written = self.file.seek(SeekFrom::Start(end)).and_then(|_| self.file.write_all(text.as_bytes()));
        written.map_err(Error::file("write", &self.path))?;
        self.end += text.len() as u64;
        Ok(())
    }
}

/// Claims a restore without looking whether somebody else did meanwhile.
#[cfg(test)]
pub(crate) fn claim_as_seen_before(archive: &Archive, name: &RestoreName) -> Result<(), Error> {
    Claim { version: VERSION, id: "of another".to_owned() }.write(archive.site(), name)
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    annals_restore: u64,
    app: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl Header {
    fn parse(line: &str, path: &Path) -> Result<Self, Error> {
        let header: Self = serde_json::from_str(line).map_err(|_| Error::Damaged {
            path: path.to_owned(),
            reason: "it is no journal of a restore".to_owned(),
        })?;
        if header.annals_restore > VERSION {
            return Err(Error::NewerFormat { path: path.to_owned(), found: header.annals_restore, newest: VERSION });
        }
        Ok(header)
    }
}

/// One thing that happened.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    Asked {
        key: String,
        row: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        msg_id: Option<String>,
    },
    Imported {
        key: String,
        msg_id: String,
    },
    Declined {
        key: String,
    },
    Uploaded {
        key: String,
        url: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<String>,
        /// Milliseconds since 1970.
        at: i64,
    },
}

/// The whole lines of a journal.
struct Lines<'a> {
    path: &'a Path,
    file: BufReader<File>,
    number: u64,
}

impl Lines<'_> {
    /// The next line with its end; `None` also for half a line, behind which there is none.
    fn next(&mut self) -> Result<Option<String>, Error> {
        let mut line = Vec::new();
        let read = self.file.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        read.map_err(Error::file("read", self.path))?;
        self.number += 1;
        if line.last() != Some(&b'\n') {
            return if (line.len() as u64) < LONGEST_LINE { Ok(None) } else { Err(self.damaged("is too long")) };
        }
        String::from_utf8(line).map(Some).map_err(|_| self.damaged("is no UTF-8"))
    }

    fn damaged(&self, what: &str) -> Error {
        Error::Damaged { path: self.path.to_owned(), reason: format!("line {} {what}", self.number) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::open::Access;

    struct Scene {
        folder: tempfile::TempDir,
        archive: Archive,
    }

    impl Scene {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let clock = Arc::new(|| Timestamp::UNIX_EPOCH);
            let archive = Archive::open(folder.path(), Access::Create, clock).await.unwrap();
            Self { folder, archive }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("restores/o.b.ndjson")
        }

        fn turn(&self, app: &str) -> Result<RestoreTurn, Error> {
            self.archive.restore_journal(&"o.b".parse().unwrap(), &app.parse().unwrap())
        }

        fn open(&self) -> RestoreJournal {
            match self.turn("o#b").unwrap() {
                RestoreTurn::Ours(journal) => journal,
                other => panic!("{other:?}"),
            }
        }
    }

    fn position(line: u64) -> Position {
        Position { source_hour: Hour::from_key("2026031409").unwrap(), part: 0, line }
    }

    fn file(secret: Option<&str>) -> RestoredFile {
        let url = "https://h/o/b/chatfiles/5fd74830-58b7-11e9-822a-81ea50bb049d".to_owned();
        RestoredFile { url, secret: secret.map(Secret::new), at: Timestamp::from_timestamp_millis(7).unwrap() }
    }

    #[tokio::test]
    async fn every_cut_of_a_journal_leaves_nothing_to_be_sent_twice() {
        let scene = Scene::new().await;
        let keys = ["1", "2", "3"].map(RestoreKey::of_id);
        let mut journal = scene.open();
        journal.will_ask(keys[0], position(1), Some("1")).unwrap();
        journal.imported(keys[0], &MessageId::new("77")).unwrap();
        journal.will_ask(keys[1], position(2), None).unwrap();
        journal.declined(keys[1]).unwrap();
        journal.uploaded(RestoreKey::of_upload("ab", true), &file(Some("X9d"))).unwrap();
        journal.will_ask(keys[2], position(3), Some(&"9".repeat(1_000))).unwrap();
        drop(journal);
        let whole = fs::read(scene.path()).unwrap();
        let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
        for cut in 0..=whole.len() {
            fs::write(scene.path(), &whole[..cut]).unwrap();
            let journal = scene.open();
            let expected = match cut {
                cut if cut >= ends[2] => Some(Restored::Imported),
                cut if cut >= ends[1] => Some(Restored::Asked),
                _ => None,
            };
            assert_eq!(journal.state(keys[0]), expected, "cut at {cut}");
        }
        fs::write(scene.path(), &whole).unwrap();
        let mut journal = scene.open();
        let states = keys.map(|key| journal.state(key));
        assert_eq!(states, [Some(Restored::Imported), None, Some(Restored::Asked)]);
        assert_eq!(journal.upload(RestoreKey::of_upload("ab", true)).unwrap(), Some(file(Some("X9d"))));
        assert_eq!(journal.upload(RestoreKey::of_upload("ab", false)).unwrap(), None);
        // What is written behind a look back stands at the end.
        journal.imported(keys[2], &MessageId::new("78")).unwrap();
        drop(journal);
        let grown = fs::read(scene.path()).unwrap();
        assert!(grown.starts_with(&whole) && grown.ends_with(b"\"msg_id\":\"78\"}}\n"));
    }

    #[tokio::test]
    async fn a_journal_is_of_one_app_and_in_one_hand() {
        let scene = Scene::new().await;
        let name: RestoreName = "o.b".parse().unwrap();
        assert!(!scene.archive.has_restore(&name).unwrap());
        let journal = scene.open();
        assert!(matches!(scene.turn("o#b").unwrap(), RestoreTurn::Busy));
        drop(journal);
        assert!(scene.archive.has_restore(&name).unwrap());
        assert!(matches!(scene.turn("o#c").unwrap(), RestoreTurn::OfApp(app) if app == "o#b"));
    }

    #[tokio::test]
    async fn a_damaged_journal_is_left_as_it_is() {
        let scene = Scene::new().await;
        drop(scene.open());
        let header = fs::read_to_string(scene.path()).unwrap();
        let key = RestoreKey::of_id("1");
        for (text, expected) in [
            ("hello\n".to_owned(), "it is no journal of a restore"),
            ("{\"annals_restore\":2,\"app\":\"o#b\"}\n".to_owned(), "has format 2"),
            (format!("{header}{{}}\n"), "line 2 says nothing that is known"),
            (format!("{header}{{\"imported\":{{\"key\":\"{key}\",\"msg_id\":\"7\"}}}}\n"), "line 2 says nothing"),
            (format!("{header}{{\"declined\":{{\"key\":\"7\"}}}}\n"), "line 2 says nothing"),
            (format!("{header}{}\n", "x".repeat(70_000)), "line 2 is too long"),
        ] {
            fs::write(scene.path(), &text).unwrap();
            let error = scene.turn("o#b").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert_eq!(fs::read_to_string(scene.path()).unwrap(), text);
        }
    }

    #[test]
    fn an_app_has_a_name_that_is_a_file_name() {
        for (app, name) in [
            ("harbor-org#beacon", "harbor-org.beacon"),
            ("Harbor#Über App", "harbor._ber_app"),
            ("_x#y", "x_x.y"),
            (&format!("a#{}", "b".repeat(100)), &format!("a.{}", "b".repeat(62))),
        ] {
            let found = RestoreName::of(&app.parse().unwrap());
            assert_eq!(found.to_string(), name);
            assert_eq!(found.to_string().parse(), Ok(found));
        }
        assert!("a/b".parse::<RestoreName>().is_err());
    }

    #[test]
    fn keys_are_told_apart() {
        let hour = position(1).source_hour;
        let keys = [
            RestoreKey::of_id("1"),
            RestoreKey::of_id("2"),
            RestoreKey::of_record(hour, "1"),
            RestoreKey::of_record(hour.next(), "1"),
            RestoreKey::of_upload("1", true),
            RestoreKey::of_upload("1", false),
        ];
        assert_eq!(keys.iter().collect::<std::collections::HashSet<_>>().len(), keys.len());
    }
}
