//! An export in a bucket, where nothing can be renamed: all of it is sent first, and then appears object by object.
//!
//! As many objects do not appear at once, a note in the folder says which ones are about to; they do, the manifest comes last, and the
//! note goes. So a folder with a manifest is whole, and one without, but with a note, is what an export has left that died on the way:
//! the next one to the same place removes what the note names. What no note names is somebody's own, and refused. The note is written on the
//! condition that it is as it was when the export began, so that of two exports to one place one is refused.
//!
//! An object alone appears as a file does: the manifest of before goes first, and the new one comes last.

use std::path::PathBuf;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use store::{Archive, Bucket, Outlet, Variable};

use super::{MANIFEST, MANIFEST_OF_FILE, json};
use crate::export::error::ExportError;
use crate::export::manifest::Manifest;
use crate::export::parts::{Out, Sealed};

/// The note. Programs that read folders of files pass over such a name.
const NOTE: &str = ".annals-unfinished";

/// The version of the note.
const VERSION: u64 = 1;

/// What is about to appear.
#[derive(Serialize, Deserialize)]
struct Note {
    version: u64,
    files: Vec<String>,
}

/// A place in a bucket.
pub(in crate::export) struct InBucket {
    /// The folder, or the one in which the file is.
    outlet: Outlet,
    /// How the export is called.
    path: PathBuf,
    /// The name of the file, empty for a folder.
    name: String,
    /// The files, all sent.
    sealed: Sealed,
    /// The files that an export has left that died.
    left: Vec<String>,
    manifest: Vec<u8>,
}

impl InBucket {
    pub(super) fn of_file(archive: &Archive, bucket: &Bucket, variables: &[Variable]) -> Result<Self, ExportError> {
        let (above, name) = bucket.above().unwrap_or_else(|| (bucket.clone(), String::new()));
        let outlet = archive.outlet(&above, variables)?;
        Ok(Self::new(outlet, bucket, name, Vec::new()))
    }

    pub(super) fn of_folder(archive: &Archive, bucket: &Bucket, variables: &[Variable]) -> Result<Self, ExportError> {
        let outlet = archive.outlet(bucket, variables)?;
        let left = left_behind(&outlet, bucket)?;
        Ok(Self::new(outlet, bucket, String::new(), left))
    }

    fn new(outlet: Outlet, bucket: &Bucket, name: String, left: Vec<String>) -> Self {
        Self { outlet, path: bucket.to_string().into(), name, sealed: Sealed::default(), left, manifest: Vec::new() }
    }

    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    pub(super) fn create(&self, name: &str) -> Result<Out, ExportError> {
        Ok(Out::Object(Box::new(self.outlet.upload(name)?), Sealed::clone(&self.sealed)))
    }

    pub(super) fn keep_manifest(&mut self, manifest: &Manifest) {
        self.manifest = json(manifest);
    }

    pub(super) fn appear_as_folder(self) -> Result<PathBuf, ExportError> {
        let files: Vec<String> = self.sealed_files();
        let old: Vec<&String> = self.left.iter().filter(|name| !files.contains(name)).collect();
        let named = files.iter().chain(old.iter().copied()).cloned().collect();
        let note = serde_json::to_vec(&Note { version: VERSION, files: named });
        self.outlet.write(NOTE, &note.expect("texts and numbers are always JSON")).map_err(self.busy())?;
        self.refuse_taken()?;
        old.into_iter().try_for_each(|name| self.outlet.remove(name))?;
        self.let_appear()?;
        self.outlet.create(MANIFEST, &self.manifest).map_err(self.busy())?;
        // The export is whole, whatever becomes of the note.
        self.outlet.remove(NOTE).ok();
        Ok(self.path)
    }

    pub(super) fn appear_as_file(self, manifest: &Manifest) -> Result<PathBuf, ExportError> {
        let beside = format!("{}{MANIFEST_OF_FILE}", self.name);
        self.outlet.remove(&beside)?;
        self.let_appear()?;
        self.outlet.create(&beside, &json(manifest)).map_err(self.busy())?;
        Ok(self.path)
    }

    /// Refuses a folder in which another export has appeared since this one began.
    fn refuse_taken(&self) -> Result<(), ExportError> {
        if holds_only(&self.outlet, &self.left)? {
            return Ok(());
        }
        self.outlet.remove(NOTE)?;
        Err(ExportError::Taken { path: self.path.clone() })
    }

    fn sealed_files(&self) -> Vec<String> {
        let sealed = self.sealed.lock().unwrap_or_else(PoisonError::into_inner);
        sealed.iter().map(|upload| upload.name().to_owned()).collect()
    }

    fn let_appear(&self) -> Result<(), ExportError> {
        for upload in self.sealed.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let path = self.outlet.path(upload.name());
            upload.appear().map_err(ExportError::target("write", &path))?;
        }
        Ok(())
    }

    fn busy(&self) -> impl Fn(store::Error) -> ExportError + '_ {
        |error| match error {
            store::Error::Overtaken { .. } => ExportError::Busy { at: format!("into {}", self.path.display()) },
            error => error.into(),
        }
    }
}

/// The manifest of a folder, if it is whole. The note of an export that died when all was there goes.
pub(super) fn manifest_of_folder(outlet: &Outlet) -> Result<Option<Vec<u8>>, ExportError> {
    let manifest = outlet.read(MANIFEST)?;
    if manifest.is_some() {
        outlet.remove(NOTE).ok();
    }
    Ok(manifest)
}

/// The files that an export has left in a folder that died there; refuses one in which is anything else.
fn left_behind(outlet: &Outlet, bucket: &Bucket) -> Result<Vec<String>, ExportError> {
    let note = outlet.read(NOTE)?.and_then(|json| serde_json::from_slice(&json).ok());
    let left = note.map_or_else(Vec::new, |note: Note| note.files);
    if holds_only(outlet, &left)? {
        return Ok(left);
    }
    manifest_of_folder(outlet)?;
    Err(ExportError::Taken { path: bucket.to_string().into() })
}

/// Whether there is nothing in a folder but these files and the note.
fn holds_only(outlet: &Outlet, left: &[String]) -> Result<bool, ExportError> {
    // One more than may be there.
    let names = outlet.names(left.len() + 2)?;
    Ok(names.iter().all(|name| name == NOTE || left.contains(name)))
}
