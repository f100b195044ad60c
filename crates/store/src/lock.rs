//! Who uses the archive: everyone holds the lock shared, repairs hold it alone.
//!
//! Writers need no lock against each other, the tables' logs see to that. The lock only keeps a repair from taking the
//! unfinished files of a run for those of a dead one. The system drops it when the process dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path as FilePath;

use object_store::path::Path;

use crate::disk::{Disk, create_folder};
use crate::error::Error;
use crate::layout;

/// The lock of an archive, held until dropped.
#[derive(Debug)]
pub(crate) enum Lock {
    /// Nobody else uses the archive.
    Exclusive(File),
    /// Others may use it too.
    Shared {
        /// Held, not read. `None` where the file system has no locks, or the archive cannot be written.
        _file: Option<File>,
    },
}

impl Lock {
    /// Takes the lock alone if nobody has it, else shared.
    pub(crate) fn take(disk: &Disk) -> Result<Self, Error> {
        let path = disk.path(&Path::from(layout::LOCK_FILE));
        let file = lock_file(&path).map_err(Error::file("lock", &path))?;
        let Some(file) = file else { return Ok(Self::Shared { _file: None }) };
        match file.try_lock() {
            Ok(()) => Ok(Self::Exclusive(file)),
            Err(_) => Ok(share(file)),
        }
    }

    /// Lets others in.
    pub(crate) fn share(self) -> Self {
        match self {
            Self::Exclusive(file) => {
                // Converting a held lock is left undefined, so it is let go first. A repair that slips in between is
                // waited for.
                if let Err(error) = file.unlock() {
                    tracing::warn!(%error, "could not let go of the archive's lock");
                }
                share(file)
            }
            shared @ Self::Shared { .. } => shared,
        }
    }
}

fn share(file: File) -> Lock {
    match file.lock_shared() {
        Ok(()) => Lock::Shared { _file: Some(file) },
        Err(error) => {
            tracing::warn!(%error, "this file system has no locks: repairs are off");
            Lock::Shared { _file: None }
        }
    }
}

/// The turn of one process at something that has a lock of its own, until it is dropped. It may be held where the file system
/// has no locks.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Held, not read.
    _file: Option<File>,
}

/// Takes the turn that a lock's file stands for, made with its folder if need be; `None` when another process has it.
pub(crate) fn take_turn(path: &FilePath) -> Result<Option<Turn>, Error> {
    let folder = path.parent().unwrap_or(path);
    create_folder(folder).map_err(Error::file("create", folder))?;
    let file = lock_file(path).map_err(Error::file("lock", path))?;
    match file.as_ref().map(File::try_lock) {
        Some(Err(TryLockError::WouldBlock)) => Ok(None),
        Some(Err(TryLockError::Error(error))) => {
            tracing::warn!(%error, "this file system has no locks: take care that nothing else has this name at once");
            Ok(Some(Turn { _file: file }))
        }
        Some(Ok(())) | None => Ok(Some(Turn { _file: file })),
    }
}

/// A lock's file, created if need be; `None` when there is none and the archive cannot be written.
pub(crate) fn lock_file(path: &FilePath) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path).or_else(|_| File::open(path)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem) => Ok(None),
        Err(error) => Err(error),
    }
}
