//! The changes on disk: a file to which one line is added for each change, synced before the change is answered.
//!
//! The first line says the format and the app. A last line without its end was being written when the program died: the
//! change was never answered, and is cut off when the file is opened.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use crate::talk::change::Change;

/// The number of this format.
const FORMAT: u64 = 1;
const NAME: &str = "said.ndjson";

/// The open file. Whoever has it has it alone.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// The bytes of whole lines; what lies behind was not answered.
    length: u64,
}

impl Journal {
    /// Opens or makes the journal of a folder, and hands each of its changes on.
    pub(crate) fn open(folder: &Path, app: &str, mut each: impl FnMut(Change)) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(NAME))?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::other("another service is using it"),
            TryLockError::Error(error) => error,
        })?;
        let mut journal = Self { length: 0, file };
        let mut reader = BufReader::new(journal.file.try_clone()?);
        let (mut text, mut number) = (Vec::new(), 0);
        while reader.read_until(b'\n', &mut text)? > 0 && text.last() == Some(&b'\n') {
            number += 1;
            if number == 1 {
                check_head(&text, app)?;
            } else {
                each(serde_json::from_slice(&text).map_err(|error| wrong(number, &error.to_string()))?);
            }
            journal.length += text.len() as u64;
            text.clear();
        }
        journal.cut()?;
        if number == 0 {
            journal.append_value(&json!({ "format": FORMAT, "app": app }))?;
            File::open(folder)?.sync_all()?;
        }
        Ok(journal)
    }

    /// Adds a change; when this fails, the file is as it was.
    pub(crate) fn append(&mut self, change: &Change) -> io::Result<()> {
        self.append_value(&serde_json::to_value(change)?)
    }

    fn append_value(&mut self, value: &Value) -> io::Result<()> {
        // What a failed write left behind goes first.
        self.cut()?;
        let line = format!("{value}\n");
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()?;
        self.length += line.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.length {
            self.file.set_len(self.length)?;
        }
        self.file.seek(SeekFrom::Start(self.length)).map(|_| ())
    }
}

fn check_head(line: &[u8], app: &str) -> io::Result<()> {
    let head: Value = serde_json::from_slice(line).map_err(|error| wrong(1, &error.to_string()))?;
    match head["format"].as_u64() {
        Some(FORMAT) if head["app"] == app => Ok(()),
        Some(FORMAT) => Err(wrong(1, &format!("it belongs to the app {}", head["app"]))),
        Some(newer) => Err(wrong(1, &format!("it has format {newer}; this program reads {FORMAT}"))),
        None => Err(wrong(1, "it names no format")),
    }
}

fn wrong(line: usize, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{NAME}, line {line}: {why}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::talk::change::{Line, What};

    fn change(next: u32) -> Change {
        let line = Line { at: 1, id: next.to_string(), text: "{\"a\":\"\n\"}".to_owned() };
        let what = What::Edited { id: "1".to_owned(), kind: "txt".to_owned() };
        Change { next, lines: vec![line], what }
    }

    fn read(folder: &Path) -> io::Result<Vec<Change>> {
        let mut changes = Vec::new();
        Journal::open(folder, "o#a", |change| changes.push(change))?;
        Ok(changes)
    }

    #[test]
    fn cut_anywhere_it_has_whole_changes_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let mut journal = Journal::open(folder.path(), "o#a", |_| ()).unwrap();
        journal.append(&change(1)).unwrap();
        let first = journal.length;
        journal.append(&change(2)).unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let expected = if length == whole.len() { 2 } else { usize::from(length as u64 >= first) };
            let mut found = 0;
            let mut journal = Journal::open(folder.path(), "o#a", |_| found += 1).unwrap();
            assert_eq!(found, expected, "{length}");
            journal.append(&change(9)).unwrap();
            drop(journal);
            assert_eq!(read(folder.path()).unwrap().last(), Some(&change(9)), "{length}");
        }
    }

    #[test]
    fn what_is_not_ours_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        for (text, why) in [
            ("{\"format\":2,\"app\":\"o#a\"}\n", "line 1: it has format 2"),
            ("{\"format\":1,\"app\":\"o#b\"}\n", "line 1: it belongs to the app \"o#b\""),
            ("{\"format\":1,\"app\":\"o#a\"}\n{}\n", "line 2: missing field"),
        ] {
            fs::write(folder.path().join(NAME), text).unwrap();
            let error = read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn only_one_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Journal::open(folder.path(), "o#a", |_| ()).unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("another service"));
    }
}
