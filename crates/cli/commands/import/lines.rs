//! The lines of a file that is imported.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use api::{Import, ImportInto, Limits};
use sha2::{Digest as _, Sha256};

use crate::error::CommandError;
use crate::output::Output;

/// A longer line is no record of an import, whose message may have a few kilobytes; in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// Lines that are not in form and are named one by one; the others are counted.
const NAMED: usize = 20;

/// A line that holds a record.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1 on.
    pub(super) number: u64,
    text: String,
}

impl Line {
    /// What the line says.
    pub(super) fn import(&self) -> Result<Import, CommandError> {
        let parsed = self.text.parse::<Import>();
        parsed.map_err(|error| CommandError::usage(error).while_doing(format!("line {} is not in form", self.number)))
    }

    /// By what the line is known again.
    pub(super) fn hash(&self) -> String {
        Sha256::digest(self.text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Reads a file line by line; blank lines hold no record.
pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    number: u64,
}

impl Lines {
    /// Opens the file.
    pub(super) fn open(path: &Path) -> Result<Self, CommandError> {
        let file = File::open(path).map_err(|error| unread(error, path))?;
        if file.metadata().map_err(|error| unread(error, path))?.is_dir() {
            return Err(CommandError::usage(format!("{} is a folder", path.display())));
        }
        Ok(Self { path: path.to_owned(), file: BufReader::new(file), number: 0 })
    }

    fn read(&mut self) -> Result<Option<Line>, CommandError> {
        loop {
            let mut bytes = Vec::new();
            let read = self.file.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes);
            if read.map_err(|error| unread(error, &self.path))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            let number = self.number;
            let wrong =
                |what: &str| Err(CommandError::usage(format!("line {number} of {} {what}", self.path.display())));
            if bytes.len() as u64 > LONGEST_LINE {
                return wrong("is longer than 1 MiB");
            }
            let Ok(text) = String::from_utf8(bytes) else { return wrong("is no UTF-8") };
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.is_empty() {
                return Ok(Some(Line { number, text: text.to_owned() }));
            }
        }
    }
}

impl Iterator for Lines {
    type Item = Result<Line, CommandError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn unread(error: io::Error, path: &Path) -> CommandError {
    let error = CommandError::usage(error).while_doing(format!("could not read {}", path.display()));
    error.hint("give a file with one record a line")
}

/// Checks every line, and says how many records there are.
///
/// # Errors
///
/// When a line is not in form; the first of them are named as warnings.
pub(super) fn checked(path: &Path, into: ImportInto, limits: &Limits, output: &Output) -> Result<u64, CommandError> {
    let (mut records, mut wrong) = (0, 0);
    for line in Lines::open(path)? {
        let line = line?;
        records += 1;
        let checked = line.import().and_then(|import| {
            let fits = import.check(into, limits);
            fits.map_err(|error| CommandError::usage(error).while_doing(format!("line {} is not in form", line.number)))
        });
        if let Err(error) = checked {
            wrong += 1;
            if wrong <= NAMED {
                output.warn(error.in_one_line());
            }
        }
    }
    if wrong > 0 {
        let text = format!("{wrong} of {records} lines of {} are not in form, and nothing was sent", path.display());
        return Err(CommandError::usage(text).hint("put them right, then run the command again"));
    }
    if records == 0 {
        return Err(CommandError::usage(format!("{} holds no record", path.display())));
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"from":"ana","target":"teo-77","type":"txt","body":{"msg":"x"}}"#;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn check(bytes: &[u8]) -> Result<u64, String> {
        let limits = Limits::default();
        let path = file(bytes);
        checked(path.path(), ImportInto::Users, &limits, &Output::silent()).map_err(|error| error.in_one_line())
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let text = format!("\u{feff}{RECORD}\r\n\n  \n{RECORD}");
        let path = file(text.as_bytes());
        let lines: Vec<Line> = Lines::open(path.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(lines[0].hash(), lines[1].hash());
        assert_eq!(check(text.as_bytes()), Ok(2));
    }

    #[test]
    fn what_is_not_in_form_is_found_before_anything_is_sent() {
        let long = "x".repeat((1 << 20) + 1);
        let large = RECORD.replace("\"x\"", &format!("\"{}\"", "x".repeat(6_000)));
        for (text, expected) in [
            (String::new(), "holds no record"),
            (format!("{RECORD}\n{{\n{RECORD}\n"), "1 of 3 lines of"),
            (RECORD.replace("teo-77", "a b"), "1 of 1 lines of"),
            (large, "1 of 1 lines of"),
            (format!("{RECORD}\n{long}"), "is longer than 1 MiB"),
        ] {
            let error = check(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(check(b"\xff").unwrap_err().contains("line 1 of"));
    }
}
