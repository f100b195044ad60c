//! The format of an index, a number that is read before the rest.
//!
//! The file `format` in the folder has one line: `annals-index`, our number, `tantivy`, the number of the engine's own
//! format. It is written, synced and given its name before the engine's first file. Our number counts changes of the
//! fields, of folding and of tokens, and also of the Unicode version that decides them. There are no steps from one number
//! to the next: an index of an earlier format is taken for none, and who writes begins it anew and follows the tables
//! again. One of a later format is not touched: a later program is at work on the archive.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::Error;

/// The number of the format that this crate writes and reads.
const NUMBER: u32 = 6;

const OURS: (u32, u32) = (NUMBER, tantivy::INDEX_FORMAT_VERSION);

pub(crate) const NAME: &str = "format";
const UNFINISHED: &str = ".tmp-format";

/// What the file of an index says that this crate can read.
pub(crate) fn ours() -> String {
    format!("annals-index {NUMBER} tantivy {}", tantivy::INDEX_FORMAT_VERSION)
}

/// What the folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// An index of our format, or at least its beginning.
    Index,
    /// An index of an earlier format, which is of no use any more.
    Earlier,
    /// No index.
    Nothing,
}

/// Reads the format of the index in a folder.
pub(crate) fn check(folder: &Path) -> Result<Held, Error> {
    let path = folder.join(NAME);
    let found = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => return without_format(folder),
        Err(source) => return Err(Error::Io { path, source }),
    };
    match numbers(&found) {
        Some(numbers) if numbers == OURS => Ok(Held::Index),
        Some((number, engine)) if number <= NUMBER && engine <= OURS.1 => Ok(Held::Earlier),
        _ => Err(Error::OtherFormat { folder: folder.to_owned(), found, ours: ours() }),
    }
}

/// Our number and the engine's of a format.
fn numbers(format: &str) -> Option<(u32, u32)> {
    let (ours, engine) = format.strip_prefix("annals-index ")?.split_once(" tantivy ")?;
    Some((ours.parse().ok()?, engine.parse().ok()?))
}

/// Writes the format of a new index.
pub(crate) fn write(folder: &Path) -> Result<(), Error> {
    let unfinished = folder.join(UNFINISHED);
    let written = File::create(&unfinished)
        .and_then(|mut file| {
            writeln!(file, "{}", ours())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&unfinished, folder.join(NAME)))
        .and_then(|()| File::open(folder)?.sync_all());
    written.map_err(|source| Error::Io { path: unfinished, source })
}

/// An index whose format is not told is none of ours; a folder without an index is fine.
fn without_format(folder: &Path) -> Result<Held, Error> {
    if folder.join("meta.json").exists() {
        let what = format!("it has no file `{NAME}`");
        return Err(Error::Damaged { folder: folder.to_owned(), what });
    }
    Ok(Held::Nothing)
}
