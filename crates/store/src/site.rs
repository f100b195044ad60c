//! Where an open archive lies: the one seam between a folder of the local disk and a bucket of an object store.
//!
//! Every object has the same name in both. What differs is here and in [`crate::disk`] and [`crate::remote`]: how a file
//! comes to its name, what is removed at once and what later, and what keeps two runs apart. What is unfinished, and what
//! is locked, is on the local disk in both: in the archive, or in the folder that this machine has for the bucket.

use std::fs::{self, File};
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;
use tempfile::NamedTempFile;

use crate::disk::{Disk, Present};
use crate::layout;
use crate::remote::{Grace, Remote};

/// Where an archive lies.
#[derive(Debug, Clone)]
pub(crate) enum Site {
    /// In a folder.
    Disk(Disk),
    /// In a bucket.
    Remote(Remote),
}

impl Site {
    /// The objects of the archive, by the names of [`crate::layout`].
    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        match self {
            Self::Disk(disk) => Arc::new(disk.clone()),
            Self::Remote(remote) => remote.objects(),
        }
    }

    /// How the archive is called: a folder, or the address of a bucket.
    pub(crate) fn root(&self) -> &FilePath {
        match self {
            Self::Disk(disk) => disk.root(),
            Self::Remote(remote) => remote.root(),
        }
    }

    /// How an object is called, for messages.
    pub(crate) fn path(&self, location: &Path) -> PathBuf {
        match self {
            Self::Disk(disk) => disk.path(location),
            Self::Remote(remote) => remote.path(location),
        }
    }

    /// The file of this machine that stands for a lock. In a bucket there are none: see decision 18.
    pub(crate) fn lock_path(&self, location: &Path) -> PathBuf {
        match self {
            Self::Disk(disk) => disk.path(location),
            Self::Remote(remote) => remote.desk().path(location),
        }
    }

    /// An empty file of this machine under a temporary name, removed when dropped.
    pub(crate) fn temporary(&self) -> io::Result<NamedTempFile> {
        self.desk().temporary()
    }

    /// An empty file of this machine without a name.
    pub(crate) fn unnamed(&self) -> io::Result<File> {
        self.desk().unnamed()
    }

    /// Gives a finished file its name, for good.
    pub(crate) fn place(&self, file: NamedTempFile, location: &Path, present: Present) -> io::Result<()> {
        match self {
            Self::Disk(disk) => disk.place(file, location, present),
            Self::Remote(remote) => remote.place(file, location),
        }
    }

    /// Writes a small object, for good. In a bucket, one that was read before is replaced only as it was read: else
    /// somebody was faster, which is [`io::ErrorKind::AlreadyExists`].
    pub(crate) fn write(&self, location: &Path, content: &[u8], present: Present) -> io::Result<()> {
        match self {
            Self::Disk(disk) => disk.write(location, content, present),
            Self::Remote(remote) => remote.write(location, content, present),
        }
    }

    /// Reads a small object; `None` when it is not there.
    pub(crate) fn read(&self, location: &Path) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Disk(disk) => found(fs::read(disk.path(location))),
            Self::Remote(remote) => remote.read(location),
        }
    }

    /// Opens an object of any size for reading, from the start; `None` when it is not there.
    pub(crate) fn open(&self, location: &Path) -> io::Result<Option<File>> {
        match self {
            Self::Disk(disk) => found(File::open(disk.path(location))),
            Self::Remote(remote) => remote.open(location),
        }
    }

    /// Whether an object is there.
    pub(crate) fn has(&self, location: &Path) -> io::Result<bool> {
        match self {
            Self::Disk(disk) => disk.path(location).try_exists(),
            Self::Remote(remote) => remote.has(location),
        }
    }

    /// Whether a file that a log names is known to be missing. Only a disk is asked: a bucket does not lose what it has,
    /// and to ask it of every file of every hour would take longer than to read them, which `verify` does.
    pub(crate) fn lacks(&self, location: &Path) -> bool {
        match self {
            Self::Disk(disk) => !disk.path(location).is_file(),
            Self::Remote(_) => false,
        }
    }

    /// How long a checkpoint goes on to name files that are no longer part of a table. On a disk ours are removed at once,
    /// and the library's week would only make checkpoints longer. What sweeps a bucket is to know when they were replaced.
    pub(crate) fn remembers_removed(&self) -> Duration {
        match self {
            Self::Disk(_) => Duration::from_secs(60 * 60),
            Self::Remote(_) => 2 * Grace::LONGEST_REPLACED,
        }
    }

    /// Whether anything lies below a prefix.
    pub(crate) async fn has_any(&self, prefix: &Path) -> io::Result<bool> {
        match self {
            Self::Disk(disk) => Ok(disk.path(prefix).is_dir()),
            Self::Remote(remote) => remote.has_any(prefix).await,
        }
    }

    /// Removes an object; that it is not there is no error.
    pub(crate) fn remove(&self, location: &Path) -> io::Result<()> {
        match self {
            Self::Disk(disk) => disk.remove_if_there(&disk.path(location)),
            Self::Remote(remote) => remote.remove(location),
        }
    }

    /// Leaves a mark that work has begun, see [`crate::running`].
    pub(crate) fn mark(&self) -> io::Result<Path> {
        match self {
            Self::Disk(disk) => {
                let (_file, path) = disk.temporary()?.keep().map_err(|error| error.error)?;
                let folder = Path::from(layout::TEMPORARY_FOLDER);
                disk.sync(&disk.path(&folder))?;
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                Ok(folder.join(name))
            }
            Self::Remote(remote) => remote.mark(),
        }
    }

    /// The disk on which everything unfinished lies.
    pub(crate) fn desk(&self) -> &Disk {
        match self {
            Self::Disk(disk) => disk,
            Self::Remote(remote) => remote.desk(),
        }
    }
}

impl From<Disk> for Site {
    fn from(disk: Disk) -> Self {
        Self::Disk(disk)
    }
}

impl From<Remote> for Site {
    fn from(remote: Remote) -> Self {
        Self::Remote(remote)
    }
}

/// `None` for what is not there.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
