//! The bytes of uploaded files: in memory, or in a folder.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// The bytes of files, by uuid.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    place: Place,
    /// Sizes of what is there.
    sizes: HashMap<String, u64>,
}

#[derive(Debug)]
enum Place {
    Memory(HashMap<String, Bytes>),
    Folder(PathBuf),
}

impl Default for Place {
    fn default() -> Self {
        Self::Memory(HashMap::new())
    }
}

impl Blobs {
    /// The files of a folder of state, which is made if need be.
    pub(crate) fn open(state: &Path) -> io::Result<Self> {
        let folder = state.join("files");
        fs::create_dir_all(&folder)?;
        let mut sizes = HashMap::new();
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string() {
                sizes.insert(name, entry.metadata()?.len());
            }
        }
        Ok(Self { place: Place::Folder(folder), sizes })
    }

    /// All bytes that are kept.
    pub(crate) fn size(&self) -> u64 {
        self.sizes.values().sum()
    }

    /// Removes what is not wanted, such as a file of which the program died before it was answered.
    pub(crate) fn keep_only(&mut self, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
        let unwanted: Vec<String> = self.sizes.keys().filter(|name| !wanted(name)).cloned().collect();
        if let Place::Folder(folder) = &self.place {
            unwanted.iter().try_for_each(|name| fs::remove_file(folder.join(name)))?;
        }
        unwanted.iter().for_each(|name| {
            self.sizes.remove(name);
        });
        Ok(())
    }

    /// Keeps a file; with a folder it is whole and synced when this returns.
    pub(crate) fn write(&mut self, uuid: &str, bytes: Bytes) -> io::Result<()> {
        let size = bytes.len() as u64;
        match &mut self.place {
            Place::Memory(files) => drop(files.insert(uuid.to_owned(), bytes)),
            Place::Folder(folder) => {
                let mut file = File::create(folder.join(uuid))?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                File::open(folder)?.sync_all()?;
            }
        }
        self.sizes.insert(uuid.to_owned(), size);
        Ok(())
    }

    pub(crate) fn read(&self, uuid: &str) -> io::Result<Option<Bytes>> {
        match &self.place {
            Place::Memory(files) => Ok(files.get(uuid).cloned()),
            Place::Folder(folder) if self.sizes.contains_key(uuid) => {
                fs::read(folder.join(uuid)).map(|b| Some(b.into()))
            }
            Place::Folder(_) => Ok(None),
        }
    }

    /// Drops a file. One that cannot be removed is left to the next start.
    pub(crate) fn remove(&mut self, uuid: &str) {
        if self.sizes.remove(uuid).is_none() {
            return;
        }
        match &mut self.place {
            Place::Memory(files) => drop(files.remove(uuid)),
            Place::Folder(folder) => {
                if let Err(error) = fs::remove_file(folder.join(uuid)) {
                    tracing::debug!(%error, "could not remove a file");
                }
            }
        }
    }
}
