//! An export on this machine: it is written beside its place, in a folder with a name of its own, and renamed.
//!
//! A folder is renamed into its place in one step. A file is: its manifest goes first, then the file comes, then the new
//! manifest, so that a manifest never speaks of other bytes than those beside it. What a killed export left is removed by the
//! next one to the same place.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{MANIFEST, MANIFEST_OF_FILE, json};
use crate::export::error::ExportError;
use crate::export::manifest::Manifest;
use crate::export::parts::Out;
use crate::export::settling::Settling;

const LOCK: &str = ".lock";

/// A place, and the folder beside it where the export is written.
pub(in crate::export) struct OnDisk {
    path: PathBuf,
    unfinished: PathBuf,
    /// Held, not read.
    _lock: File,
}

impl OnDisk {
    /// Takes the place; what an export that died has left beside it is removed.
    pub(super) fn take(path: &Path) -> Result<Self, ExportError> {
        let path = std::path::absolute(path).map_err(ExportError::target("find", path))?;
        let above = path.parent().unwrap_or(&path);
        fs::create_dir_all(above).map_err(ExportError::target("create", above))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unfinished = above.join(format!(".{name}.annals-tmp"));
        fs::create_dir_all(&unfinished).map_err(ExportError::target("create", &unfinished))?;
        let lock_path = unfinished.join(LOCK);
        let lock = File::create(&lock_path).map_err(ExportError::target("create", &lock_path))?;
        if matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)) {
            return Err(ExportError::Busy { at: format!("into {}", path.display()) });
        }
        let place = Self { path, unfinished, _lock: lock };
        place.sweep().map_err(ExportError::target("clear", &place.unfinished))?;
        Ok(place)
    }

    /// What the export will be called.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// A file of the export, to be written.
    pub(super) fn create(&self, name: &str) -> Result<Out, ExportError> {
        let path = self.unfinished.join(name);
        let file = File::create_new(&path).map_err(ExportError::target("create", &path))?;
        Ok(Out::File(Settling::new(file)))
    }

    /// Writes the manifest of a folder.
    pub(super) fn write_manifest(&self, manifest: &Manifest) -> Result<(), ExportError> {
        self.write(MANIFEST, manifest)
    }

    /// Lets the folder appear.
    pub(super) fn appear_as_folder(self) -> Result<PathBuf, ExportError> {
        let moved = fs::remove_file(self.unfinished.join(LOCK))
            .and_then(|()| sync(Some(&self.unfinished)))
            .and_then(|()| fs::rename(&self.unfinished, &self.path))
            .and_then(|()| sync(self.path.parent()));
        moved.map_err(ExportError::target("write", &self.path))?;
        Ok(self.path)
    }

    /// Lets the file of the place's name appear there, and its manifest beside it.
    pub(super) fn appear_as_file(self, manifest: &Manifest) -> Result<PathBuf, ExportError> {
        self.write(MANIFEST, manifest)?;
        let beside = manifest_of(&self.path);
        let moved = remove_if_there(&beside)
            .and_then(|()| fs::rename(self.unfinished.join(self.name()), &self.path))
            .and_then(|()| fs::rename(self.unfinished.join(MANIFEST), &beside))
            .and_then(|()| fs::remove_dir_all(&self.unfinished))
            .and_then(|()| sync(self.path.parent()));
        moved.map_err(ExportError::target("write", &self.path))?;
        Ok(self.path)
    }

    /// Gives the place back without an export.
    pub(super) fn leave(self) -> Result<(), ExportError> {
        fs::remove_dir_all(&self.unfinished).map_err(ExportError::target("remove", &self.unfinished))
    }

    fn write(&self, name: &str, manifest: &Manifest) -> Result<(), ExportError> {
        let path = self.unfinished.join(name);
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(&json(manifest))?;
            file.sync_all()
        });
        written.map_err(ExportError::target("write", &path))
    }

    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.unfinished)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name != LOCK) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// Refuses a place for a folder where something is. An empty folder is nothing.
pub(super) fn refuse_taken(path: &Path) -> Result<(), ExportError> {
    let is_free = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => fs::symlink_metadata(path).is_err(),
    };
    if is_free { Ok(()) } else { Err(ExportError::Taken { path: path.to_owned() }) }
}

fn manifest_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(MANIFEST_OF_FILE);
    name.into()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes the names in a folder last.
#[cfg(unix)]
fn sync(folder: Option<&Path>) -> io::Result<()> {
    folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
fn sync(_folder: Option<&Path>) -> io::Result<()> {
    Ok(())
}
