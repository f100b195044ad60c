//! An index in place of another.

use std::fs;
use std::path::{Path, PathBuf};

use tantivy::Directory as _;
use tantivy::directory::{INDEX_WRITER_LOCK, MmapDirectory};

use crate::{Catalogue, Error, folder};

/// The ending of the folder of an index that has been replaced and is not yet removed.
const REPLACED: &str = "replaced";

impl Catalogue {
    /// Puts the index in the folder `next`, which nobody writes to, in the place of the one in `folder`, if there is one; nobody
    /// may be writing to that. Who has it open goes on reading it.
    ///
    /// Killed in between, it leaves no index in `folder`: then the next call goes on, or the index is built anew.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process is writing to the index; [`Error::Io`] when folders cannot be renamed.
    pub fn replace(folder: &Path, next: &Path) -> Result<(), Error> {
        let replaced = folder.with_extension(REPLACED);
        remove(&replaced)?;
        if folder.exists() {
            let engine = |error| Error::of_engine(folder, error);
            let directory = MmapDirectory::open(folder).map_err(|error| engine(error.into()))?;
            let _lock = directory.acquire_lock(&INDEX_WRITER_LOCK).map_err(|error| engine(error.into()))?;
            rename(folder, &replaced)?;
            rename(next, folder)?;
        } else {
            rename(next, folder)?;
        }
        if let Some(parent) = folder.parent() {
            folder::sync(parent)?;
        }
        remove(&replaced)
    }

    /// Puts all segments together into one. Returns how many there were; fewer than two are left as they are.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process is writing to the index; else when it cannot be read or written. What was there
    /// stays until the new segment stands.
    pub fn merge(&self) -> Result<usize, Error> {
        let merged = self.guarded(|| self.with_writing(|writing| writing.merge()))?;
        self.refresh()?;
        Ok(merged)
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    fs::rename(from, to).map_err(|source| Error::Io { path: PathBuf::from(from), source })
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(source) if folder.exists() => Err(Error::Io { path: folder.to_owned(), source }),
        _ => Ok(()),
    }
}
