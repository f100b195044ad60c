//! The engine's folder, also where it can only be read.
//!
//! Who opens an index holds the engine's lock for that moment, lest a writer deletes what is just being opened. The engine
//! opens the file of the lock for writing, and creates it. Where the file system or the permissions forbid that, the lock
//! is taken on the file as it is; when there is none, no writer has ever been there.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr};

use crate::windows::Windows;

/// A folder that may be one that can only be read.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    engine: MmapDirectory,
    reading: Reading,
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Here and there, again and again: they are mapped.
    Search,
    /// From end to end, by a writer that merges segments, see [`Windows`].
    Merge,
}

impl Folder {
    pub(crate) fn open(path: &Path, reading: Reading) -> tantivy::Result<Self> {
        Ok(Self { path: path.to_owned(), engine: MmapDirectory::open(path)?, reading })
    }
}

impl Directory for Folder {
    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        // A lock that does not wait is a writer's, who needs more than that.
        self.engine.acquire_lock(lock).or_else(|refusal| {
            if lock.is_blocking { lock_to_read(&self.path.join(&lock.filepath), refusal) } else { Err(refusal) }
        })
    }

    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let mapped = self.engine.get_file_handle(path)?;
        if self.reading == Reading::Search {
            return Ok(mapped);
        }
        let windows = Windows::open(&self.path.join(path), mapped);
        let failed = |source| OpenReadError::IoError { io_error: Arc::new(source), filepath: path.to_owned() };
        Ok(Arc::new(windows.map_err(failed)?))
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.engine.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.engine.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.engine.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.engine.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.engine.atomic_write(path, data)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.engine.sync_directory()
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.engine.watch(callback)
    }
}

/// Takes a lock whose file the engine could not open for writing, unless that has another reason.
fn lock_to_read(path: &Path, refusal: LockError) -> Result<DirectoryLock, LockError> {
    if !forbids_writing(&refusal) {
        return Err(refusal);
    }
    let file = match File::open(path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(_) => return Err(refusal),
    };
    if let Some(Err(error)) = file.as_ref().map(File::lock) {
        tracing::debug!(%error, "the index is read without its lock");
    }
    // Closing the file lets go of the lock.
    Ok(DirectoryLock::from(Box::new(file)))
}

fn forbids_writing(refusal: &LockError) -> bool {
    let LockError::IoError(error) = refusal else { return false };
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: ErrorKind) -> LockError {
        LockError::IoError(Arc::new(io::Error::from(kind)))
    }

    #[test]
    fn a_lock_that_cannot_be_written_is_held_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
            File::create(&path).unwrap();
            let lock = lock_to_read(&path, refused(kind)).unwrap();
            assert!(File::open(&path).unwrap().try_lock().is_err(), "nobody else has it");
            drop(lock);
            File::open(&path).unwrap().try_lock().unwrap();
        }
    }

    #[test]
    fn without_its_file_nothing_is_locked_and_nothing_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        lock_to_read(&path, refused(ErrorKind::ReadOnlyFilesystem)).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn other_trouble_with_a_lock_stays_trouble() {
        let folder = tempfile::tempdir().unwrap();
        for refusal in [refused(ErrorKind::StorageFull), LockError::LockBusy] {
            assert!(lock_to_read(&folder.path().join(".lock"), refusal).is_err());
        }
    }
}
