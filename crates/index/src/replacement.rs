//! An index in place of another.

use std::fs;
use std::io;
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
    /// Killed at any step, it leaves an index in `folder`, the old one or the new one. Only where the file system cannot exchange
    /// two folders there is none for a moment: killed then, the next call goes on, or the index is built anew.
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
            put_in_place(folder, next, &replaced, exchange)?;
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

/// Leaves the index of `next` in `folder`, and what was there in `replaced`, where nobody goes on building it.
fn put_in_place(
    folder: &Path,
    next: &Path,
    replaced: &Path,
    exchange: impl Fn(&Path, &Path) -> io::Result<()>,
) -> Result<(), Error> {
    rename(next, replaced)?;
    match exchange(replaced, folder) {
        Ok(()) => Ok(()),
        Err(error) => {
            tracing::debug!(%error, "two folders cannot be exchanged here");
            rename(replaced, next)?;
            rename(folder, replaced)?;
            rename(next, folder)
        }
    }
}

/// Gives two folders each other's name, in one step.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Folders `index` and `index.next`, each with a file that says what it was.
    fn folders() -> tempfile::TempDir {
        let parent = tempfile::tempdir().unwrap();
        for name in ["index", "index.next"] {
            fs::create_dir(parent.path().join(name)).unwrap();
            fs::write(parent.path().join(name).join("was"), name).unwrap();
        }
        parent
    }

    fn was(folder: &Path) -> Option<String> {
        fs::read_to_string(folder.join("was")).ok()
    }

    fn put(parent: &Path, exchange: impl Fn(&Path, &Path) -> io::Result<()>) {
        let (folder, next, replaced) = (parent.join("index"), parent.join("index.next"), parent.join("index.replaced"));
        put_in_place(&folder, &next, &replaced, exchange).unwrap();
        assert_eq!((was(&folder).as_deref(), was(&replaced).as_deref()), (Some("index.next"), Some("index")));
        assert!(!next.exists(), "nobody goes on building the old one");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn there_is_an_index_at_every_step() {
        let parent = folders();
        put(parent.path(), |replaced, folder| {
            // Killed before: the old one is there; killed behind: the new one.
            assert_eq!(was(folder).as_deref(), Some("index"));
            exchange(replaced, folder)?;
            assert_eq!(was(folder).as_deref(), Some("index.next"));
            Ok(())
        });
    }

    #[test]
    fn where_folders_cannot_be_exchanged_they_are_renamed() {
        put(folders().path(), |_, _| Err(io::ErrorKind::Unsupported.into()));
    }
}
