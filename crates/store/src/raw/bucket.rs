//! The bytes as served, in a bucket.
//!
//! ```text
//! raw/2026/03/14/2026031409-0-<id>.gz    part 0, under a name that nobody else gives
//! raw/2026/03/14/2026031409.json         {"parts":[{"length":123,"sha256":"…","id":"…"}]}: these parts, no others
//! ```
//!
//! Nothing can be renamed here, and nothing needs to be: the list is replaced in one step, and from then on the new parts
//! count. It is replaced only as it was read, so of two runs that keep one hour the second sees what the first has kept,
//! and takes those parts away. What a run leaves that dies meanwhile is found by [`super::orphans`].

use std::collections::BTreeSet;
use std::io;

use chat::{Hour, Hours, Part};
use object_store::ObjectMeta;
use object_store::path::Path;
use uuid::Uuid;

use super::{List, Manifest, ManifestPart, Others, RawHour, RawPart, SealedRaw, parsed};
use crate::disk::Present;
use crate::error::Error;
use crate::layout;
use crate::remote::Remote;
use crate::table::ATTEMPTS;

/// Keeps all parts of an hour; `false` when others stay.
pub(super) fn keep(remote: &Remote, hour: Hour, parts: Vec<SealedRaw>, others: Others) -> Result<bool, Error> {
    let list = list_of(hour);
    let failed = |error| Error::file("write", &remote.path(&list))(error);
    let mut manifest = Manifest { parts: Vec::with_capacity(parts.len()) };
    for sealed in parts {
        let (id, part) = (Uuid::new_v4().simple().to_string(), sealed.part);
        let SealedRaw { taken, .. } = sealed;
        remote.place(taken.file, &part_of(hour, part, &id)).map_err(failed)?;
        manifest.parts.push(ManifestPart { length: taken.length, sha256: taken.sha256, id: Some(id) });
    }
    let json = serde_json::to_vec(&manifest).expect("texts and numbers are always JSON");
    let (useless, is_kept) = match replace_list(remote, hour, &json, others)? {
        Listed::InPlaceOf(before) => (before, true),
        Listed::NotBecauseOf(kept) => {
            let hashes =
                |manifest: &Manifest| manifest.parts.iter().map(|part| part.sha256.clone()).collect::<Vec<_>>();
            let is_same = hashes(&kept) == hashes(&manifest);
            (Some(manifest), is_same)
        }
    };
    // From the last on: see `super::orphans`.
    for location in useless.map(|useless| names(hour, &useless)).unwrap_or_default().into_iter().rev() {
        remote.remove(&location).map_err(failed)?;
    }
    Ok(is_kept)
}

/// What came of writing a list.
enum Listed {
    /// It is written, in the place of this one.
    InPlaceOf(Option<Manifest>),
    /// This one is to stay.
    NotBecauseOf(Manifest),
}

fn replace_list(remote: &Remote, of: Hour, json: &[u8], others: Others) -> Result<Listed, Error> {
    let list = &list_of(of);
    for _ in 0..ATTEMPTS {
        let before = read(remote, list)?.and_then(List::parts);
        let before = match before {
            Some(kept) if others == Others::Stay && matches!(hour(remote, of)?, RawHour::Whole(_)) => {
                return Ok(Listed::NotBecauseOf(kept));
            }
            before => before,
        };
        match remote.write(list, json, Present::Replace) {
            Ok(()) => return Ok(Listed::InPlaceOf(before)),
            // Another run has kept the hour just now.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::file("write", &remote.path(list))(error)),
        }
    }
    Err(Error::Contended { table: layout::RAW_FOLDER, attempts: ATTEMPTS })
}

/// What is kept of an hour. Its parts are believed to be as long as the list says: who reads one finds out.
pub(super) fn hour(remote: &Remote, hour: Hour) -> Result<RawHour, Error> {
    let list = list_of(hour);
    let manifest = match read(remote, &list)? {
        None => return Ok(RawHour::Absent),
        Some(List::Damaged(reason)) => return Ok(RawHour::Broken { path: remote.path(&list), reason }),
        Some(List::Parts(manifest)) => manifest,
    };
    let mut parts = Vec::with_capacity(manifest.parts.len());
    for (location, (listed, part)) in names(hour, &manifest).into_iter().zip(manifest.parts.into_iter().zip(0..)) {
        let path = remote.path(&location);
        if !remote.has(&location).map_err(Error::file("read", &path))? {
            return Ok(RawHour::Broken { path, reason: "it is missing".to_owned() });
        }
        let ManifestPart { length, sha256, .. } = listed;
        parts.push(RawPart { part, path, length, sha256, remote: Some((remote.clone(), location)) });
    }
    Ok(RawHour::Whole(parts))
}

/// The hours that have a list.
pub(super) fn hours(remote: &Remote) -> Result<BTreeSet<Hour>, Error> {
    let folder = Path::from(layout::RAW_FOLDER);
    let listed = remote.list(Some(&folder)).map_err(Error::file("list", &remote.path(&folder)))?;
    Ok(listed.iter().filter_map(listed_hour).collect())
}

/// The hour whose list an object is.
fn listed_hour(object: &ObjectMeta) -> Option<Hour> {
    layout::parse_raw_manifest(object.location.filename()?)
}

/// The lists of a range whose days have these folders, many of them asked for at once.
pub(super) fn lists(remote: &Remote, range: Hours, days: Vec<Path>) -> Result<Vec<(Hour, List)>, Error> {
    let failed = |error| Error::file("read", &remote.path(&Path::from(layout::RAW_FOLDER)))(error);
    let found = remote.list_all(days).map_err(failed)?;
    let hours: Vec<Hour> = found.iter().filter_map(listed_hour).filter(|hour| range.contains(*hour)).collect();
    let contents = remote.read_all(hours.iter().copied().map(list_of).collect()).map_err(failed)?;
    let parsed = |(hour, content): (Hour, Option<Vec<u8>>)| Some((hour, parsed(&content?)));
    Ok(hours.into_iter().zip(contents).filter_map(parsed).collect())
}

pub(super) fn read(remote: &Remote, list: &Path) -> Result<Option<List>, Error> {
    let bytes = remote.read(list).map_err(Error::file("read", &remote.path(list)))?;
    Ok(bytes.map(|bytes| parsed(&bytes)))
}

pub(super) fn list_of(hour: Hour) -> Path {
    layout::raw_folder(hour).join(layout::raw_manifest(hour))
}

pub(super) fn names(hour: Hour, manifest: &Manifest) -> Vec<Path> {
    let id = |listed: &ManifestPart| listed.id.clone().unwrap_or_default();
    manifest.parts.iter().zip(0..).map(|(listed, part)| part_of(hour, part, &id(listed))).collect()
}

/// A list without ids was copied here from a folder, with its parts.
fn part_of(hour: Hour, part: Part, id: &str) -> Path {
    let name = if id.is_empty() { layout::raw_part(hour, part) } else { layout::raw_upload(hour, part, id) };
    layout::raw_folder(hour).join(name)
}
