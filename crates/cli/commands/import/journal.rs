//! What became of each line of an import, so that none is sent twice.
//!
//! One JSON object a line, each written at the end of the file:
//!
//! ```text
//! {"annals_import":1,"app":"harbor-org#lantern","into":"users"}
//! {"line":1,"hash":"9f86d081884c7d659a2feaa0c55ad015","state":"asked"}
//! {"line":1,"state":"imported","msg_id":"1028442084794698104"}
//! {"line":2,"hash":"60303ae22b998861bce3b28f33eec1be","state":"asked"}
//! ```
//!
//! `asked` is on the disk before the call is made. So after a crash at any time a line without `asked` was not sent, and
//! one whose last word is `asked` may have been: it is not sent again. `declined` takes `asked` back: nothing was done. A
//! last line without its end was being written when the program died; it is cut off, and what it would have said had not
//! happened, or is in doubt. The file is locked as long as an import uses it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use api::ImportInto;
use chat::MessageId;
use serde::{Deserialize, Serialize};

use crate::commands::import::lines::Line;
use crate::error::CommandError;

/// The format.
const FORMAT: u32 = 1;

/// The first line: what is imported into what.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    annals_import: u32,
    app: String,
    into: String,
}

impl Header {
    /// The first line of an import into this app.
    pub(super) fn of(app: &str, into: ImportInto) -> Self {
        let into = match into {
            ImportInto::Users => "users",
            ImportInto::Groups => "groups",
        };
        Self { annals_import: FORMAT, app: app.to_owned(), into: into.to_owned() }
    }
}

/// What is written of a line.
#[derive(Serialize, Deserialize)]
struct Entry {
    line: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    msg_id: Option<String>,
}

/// What the journal says of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It was to be sent; nobody knows whether it was.
    Asked,
    /// It is imported, under this id.
    Imported(MessageId),
    /// The service did not do it.
    Declined,
}

/// The journal of an import.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// By line number, with the hash of the line as it was.
    lines: BTreeMap<u64, (String, State)>,
}

impl Journal {
    /// Opens the journal. `resume` goes on with one that is there; otherwise it must have nothing in it.
    pub(super) fn open(path: &Path, header: &Header, resume: bool) -> Result<Self, CommandError> {
        let unusable = |error| failed(error, path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(unusable)?;
        lock(&file, path)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unusable)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let text = text.get(..whole).unwrap_or_default();
        file.set_len(whole as u64).and_then(|()| file.seek(io::SeekFrom::End(0))).map_err(unusable)?;
        let mut journal = Self { path: path.to_owned(), file, lines: BTreeMap::new() };
        if text.is_empty() {
            journal.write(header)?;
            journal.sync()?;
            sync_folder(path).map_err(unusable)?;
            return Ok(journal);
        }
        journal.read(text, header)?;
        if !resume && !journal.lines.is_empty() {
            let error = CommandError::usage(format!("{} is the journal of an earlier import", path.display()));
            return Err(
                error.hint("give --resume to go on with it, or name another with --journal to import all again")
            );
        }
        Ok(journal)
    }

    fn read(&mut self, text: &str, header: &Header) -> Result<(), CommandError> {
        let mut lines = text.lines().enumerate();
        let first = lines.next().and_then(|(_, line)| serde_json::from_str::<Header>(line).ok());
        match first {
            Some(first) if first == *header => {}
            Some(first) if first.annals_import == FORMAT => {
                let text =
                    format!("{} is the journal of an import to {} of {}", self.path.display(), first.into, first.app);
                return Err(CommandError::usage(text).hint("name another with --journal"));
            }
            _ => return Err(CommandError::usage(format!("{} is no journal of an import", self.path.display()))),
        }
        for (place, line) in lines {
            let entry: Option<Entry> = serde_json::from_str(line).ok();
            if entry.and_then(|entry| self.take_in(entry)).is_none() {
                let text = format!("line {} of the journal {} is damaged", place + 1, self.path.display());
                return Err(CommandError::usage(text).hint("nothing was sent: what it said is not known any more"));
            }
        }
        Ok(())
    }

    fn take_in(&mut self, entry: Entry) -> Option<()> {
        match (entry.state.as_str(), entry.hash, entry.msg_id) {
            ("asked", Some(hash), None) => {
                self.lines.insert(entry.line, (hash, State::Asked));
            }
            ("imported", None, Some(id)) => self.lines.get_mut(&entry.line)?.1 = State::Imported(MessageId::new(id)),
            ("declined", None, None) => self.lines.get_mut(&entry.line)?.1 = State::Declined,
            _ => return None,
        }
        Some(())
    }

    /// How much there is to do of so many records.
    pub(super) fn work(&self, records: u64) -> String {
        let earlier = self.lines.values().filter(|(_, state)| *state != State::Declined).count();
        let left = records.saturating_sub(earlier as u64);
        if earlier == 0 { format!("{records} messages") } else { format!("{left} of {records} messages") }
    }

    /// What became of a line.
    ///
    /// # Errors
    ///
    /// When the line is not what it was.
    pub(super) fn state(&self, line: &Line) -> Result<Option<State>, CommandError> {
        let Some((hash, state)) = self.lines.get(&line.number) else { return Ok(None) };
        // What was declined may have been put right.
        if *hash != line.hash() && *state != State::Declined {
            let text = format!("line {} is not what it was when it was imported", line.number);
            let error = CommandError::usage(text);
            return Err(error.hint("give the file as it was; new records go behind the old ones, or into another file"));
        }
        Ok(Some(state.clone()))
    }

    /// Says that a line is about to be sent. It is on the disk when this returns.
    pub(super) fn will_ask(&mut self, line: &Line) -> Result<(), CommandError> {
        self.write(&Entry { line: line.number, hash: Some(line.hash()), state: "asked".to_owned(), msg_id: None })?;
        self.sync()
    }

    /// Says that a line is imported.
    pub(super) fn imported(&mut self, line: &Line, id: &MessageId) -> Result<(), CommandError> {
        let msg_id = Some(id.as_str().to_owned());
        self.write(&Entry { line: line.number, hash: None, state: "imported".to_owned(), msg_id })
    }

    /// Says that the service did nothing about a line.
    pub(super) fn declined(&mut self, line: &Line) -> Result<(), CommandError> {
        self.write(&Entry { line: line.number, hash: None, state: "declined".to_owned(), msg_id: None })
    }

    fn write(&mut self, entry: &impl Serialize) -> Result<(), CommandError> {
        let written = serde_json::to_string(entry).map_err(io::Error::from);
        let written = written.and_then(|text| self.file.write_all(format!("{text}\n").as_bytes()));
        written.map_err(|error| failed(error, &self.path))
    }

    fn sync(&self) -> Result<(), CommandError> {
        self.file.sync_data().map_err(|error| failed(error, &self.path))
    }
}

/// A file whose name is not on the disk is lost with the power, whatever is in it.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// What was written of the last line before the disk was full is cut off by the next run.
fn failed(error: io::Error, path: &Path) -> CommandError {
    let error = CommandError::usage(error).while_doing(format!("could not use the journal {}", path.display()));
    error.hint("name a place that can be written to with --journal")
}

fn lock(file: &File, path: &Path) -> Result<(), CommandError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(CommandError::usage(format!("another import is at work with {}", path.display())))
        }
        // Some network file systems know no locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(failed(error, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::import::lines::Lines;

    const RECORDS: &str = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n";

    struct Scene {
        folder: tempfile::TempDir,
    }

    impl Scene {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("journal")
        }

        fn open(&self, resume: bool) -> Result<Journal, String> {
            let header = Header::of("o#a", ImportInto::Users);
            Journal::open(&self.path(), &header, resume).map_err(|error| error.in_one_line())
        }

        fn lines(&self, text: &str) -> Vec<Line> {
            let path = self.folder.path().join("records");
            std::fs::write(&path, text).unwrap();
            Lines::open(&path).unwrap().map(Result::unwrap).collect()
        }
    }

    #[test]
    fn every_cut_of_a_journal_leaves_nothing_to_be_sent_twice() {
        let scene = Scene::new();
        let lines = scene.lines(RECORDS);
        let mut journal = scene.open(false).unwrap();
        let id = MessageId::new("7");
        journal.will_ask(&lines[0]).unwrap();
        journal.imported(&lines[0], &id).unwrap();
        journal.will_ask(&lines[1]).unwrap();
        journal.declined(&lines[1]).unwrap();
        journal.will_ask(&lines[2]).unwrap();
        drop(journal);
        let whole = std::fs::read(scene.path()).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        for end in 0..=whole.len() {
            std::fs::write(scene.path(), &whole[..end]).unwrap();
            let journal = scene.open(true).unwrap();
            // What was on the disk of line 1 when its call was made.
            let asked = text.find("\"asked\"}\n").unwrap() + "\"asked\"}\n".len();
            let state = journal.state(&lines[0]).unwrap();
            assert_eq!(state.is_some(), end >= asked, "{end}");
            assert_ne!(state, Some(State::Declined));
        }
        std::fs::write(scene.path(), &whole).unwrap();
        let journal = scene.open(true).unwrap();
        let states = lines.iter().map(|line| journal.state(line).unwrap());
        let expected = [State::Imported(id), State::Declined, State::Asked].map(Some);
        assert_eq!(states.collect::<Vec<_>>(), expected);
        assert_eq!(journal.work(3), "1 of 3 messages");
    }

    #[test]
    fn a_journal_is_of_one_import_and_in_one_hand() {
        let scene = Scene::new();
        let lines = scene.lines(RECORDS);
        let mut journal = scene.open(false).unwrap();
        assert!(scene.open(true).unwrap_err().contains("another import is at work"));
        journal.will_ask(&lines[0]).unwrap();
        drop(journal);
        assert!(scene.open(false).unwrap_err().contains("is the journal of an earlier import"));
        let other = Header::of("o#a", ImportInto::Groups);
        let error = Journal::open(&scene.path(), &other, true).unwrap_err();
        assert!(error.in_one_line().contains("is the journal of an import to users of o#a"));
        let changed = scene.lines("{\"a\":9}\n");
        let error = scene.open(true).unwrap().state(&changed[0]).unwrap_err();
        assert_eq!(error.in_one_line(), "line 1 is not what it was when it was imported");
    }

    #[test]
    fn a_damaged_journal_stops_the_import() {
        let scene = Scene::new();
        for (text, expected) in [
            ("hello\n", "is no journal of an import"),
            ("{\"annals_import\":2,\"app\":\"o#a\",\"into\":\"users\"}\n", "is no journal of an import"),
            ("{\"annals_import\":1,\"app\":\"o#a\",\"into\":\"users\"}\n{}\n", "line 2 of the journal"),
            (
                "{\"annals_import\":1,\"app\":\"o#a\",\"into\":\"users\"}\n{\"line\":1,\"state\":\"imported\",\"msg_id\":\"7\"}\n",
                "line 2 of the journal",
            ),
        ] {
            std::fs::write(scene.path(), text).unwrap();
            let error = scene.open(true).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert_eq!(std::fs::read_to_string(scene.path()).unwrap(), text, "left as it was");
        }
    }
}
