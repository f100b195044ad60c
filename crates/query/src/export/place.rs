//! Where an export appears, whole or not at all: on this machine, or in a bucket.

mod bucket;
mod disk;

use std::path::{Path, PathBuf};

use store::{Archive, Variable};

use self::bucket::InBucket;
use self::disk::OnDisk;
use super::error::ExportError;
use super::manifest::Manifest;
use super::parts::Out;

/// The manifest in the folder of an export.
const MANIFEST: &str = "manifest.json";

/// What is appended to the name of a file for its manifest.
const MANIFEST_OF_FILE: &str = ".manifest.json";

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// A folder or a file of this machine; or a prefix or an object of a bucket, which are called so too in all that follows.
    pub place: store::Place,
    /// The variables of the environment: they say who may use a bucket.
    pub variables: Vec<Variable>,
}

impl Destination {
    /// The folder of this name below this one.
    pub(super) fn below(&self, name: &str) -> Result<Self, ExportError> {
        let place = match &self.place {
            store::Place::Bucket(bucket) => store::Place::Bucket(bucket.below(name)),
            store::Place::Folder(folder) => store::Place::Folder(absolute(&folder.join(name))?),
        };
        Ok(Self { place, ..self.clone() })
    }

    /// How it is called for good, whatever folder the program is started in next.
    pub(super) fn name(&self) -> PathBuf {
        self.place.to_string().into()
    }

    /// What was called so.
    pub(super) fn named(&self, name: &Path) -> Self {
        let place = store::Place::parse(name.as_os_str()).unwrap_or_else(|_| store::Place::Folder(name.to_owned()));
        Self { place, ..self.clone() }
    }

    /// The manifest of the folder, if it has appeared; `None` when there is none, or something else.
    pub(super) fn manifest(&self, archive: &Archive) -> Result<Option<Manifest>, ExportError> {
        let json = match &self.place {
            store::Place::Bucket(bucket) => bucket::manifest_of_folder(&archive.outlet(bucket, &self.variables)?)?,
            store::Place::Folder(folder) => std::fs::read(folder.join(MANIFEST)).ok(),
        };
        Ok(json.and_then(|json| serde_json::from_slice(&json).ok()))
    }
}

/// A place that is taken for one export.
pub(super) enum Place {
    Bucket(InBucket),
    Disk(OnDisk),
}

impl Place {
    /// Takes the place of a file, which may be there.
    pub(super) fn of_file(archive: &Archive, to: &Destination) -> Result<Self, ExportError> {
        Ok(match &to.place {
            store::Place::Bucket(bucket) => Self::Bucket(InBucket::of_file(archive, bucket, &to.variables)?),
            store::Place::Folder(path) => Self::Disk(OnDisk::take(path)?),
        })
    }

    /// Takes the place of a folder in which nothing is. What an export that died has left there is removed.
    pub(super) fn of_folder(archive: &Archive, to: &Destination) -> Result<Self, ExportError> {
        Ok(match &to.place {
            store::Place::Bucket(bucket) => Self::Bucket(InBucket::of_folder(archive, bucket, &to.variables)?),
            store::Place::Folder(path) => {
                disk::refuse_taken(path)?;
                Self::Disk(OnDisk::take(path)?)
            }
        })
    }

    /// What the export will be called.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Bucket(bucket) => bucket.name(),
            Self::Disk(disk) => disk.name(),
        }
    }

    /// A file of the export, to be written.
    pub(super) fn create(&self, name: &str) -> Result<Out, ExportError> {
        match self {
            Self::Bucket(bucket) => bucket.create(name),
            Self::Disk(disk) => disk.create(name),
        }
    }

    /// Takes the manifest of a folder, which appears with it.
    pub(super) fn write_manifest(&mut self, manifest: &Manifest) -> Result<(), ExportError> {
        match self {
            Self::Bucket(bucket) => {
                bucket.keep_manifest(manifest);
                Ok(())
            }
            Self::Disk(disk) => disk.write_manifest(manifest),
        }
    }

    /// Lets the folder appear.
    pub(super) fn appear_as_folder(self) -> Result<PathBuf, ExportError> {
        match self {
            Self::Bucket(bucket) => bucket.appear_as_folder(),
            Self::Disk(disk) => disk.appear_as_folder(),
        }
    }

    /// Lets the file of the place's name appear there, and its manifest beside it.
    pub(super) fn appear_as_file(self, manifest: &Manifest) -> Result<PathBuf, ExportError> {
        match self {
            Self::Bucket(bucket) => bucket.appear_as_file(manifest),
            Self::Disk(disk) => disk.appear_as_file(manifest),
        }
    }

    /// Gives the place back without an export.
    pub(super) fn leave(self) -> Result<(), ExportError> {
        match self {
            // Uploads are taken back when they are dropped.
            Self::Bucket(_) => Ok(()),
            Self::Disk(disk) => disk.leave(),
        }
    }
}

fn json(manifest: &Manifest) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(manifest).expect("texts and numbers are always JSON");
    json.push(b'\n');
    json
}

fn absolute(path: &Path) -> Result<PathBuf, ExportError> {
    std::path::absolute(path).map_err(ExportError::target("find", path))
}
