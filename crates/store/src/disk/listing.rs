//! What lies behind a name in a folder and those below it.
//!
//! The library's store asks the file system about every file that it meets. The log of a table is listed each time somebody
//! opens it or writes a checkpoint, from the newest checkpoint on: of its thousands of files only those behind it are asked
//! about here.

use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::Path as FilePath;

use object_store::ObjectMeta;
use object_store::path::Path;

/// The files behind `offset`, in the order of their names; none when there is no such folder.
pub(super) fn behind(root: &FilePath, prefix: Option<&Path>, offset: &Path) -> io::Result<Vec<ObjectMeta>> {
    let (mut found, mut folders) = (Vec::new(), vec![prefix.cloned().unwrap_or_default()]);
    while let Some(folder) = folders.pop() {
        for entry in entries(&root.join(folder.as_ref()))? {
            let entry = entry?;
            let Some(location) = location(&folder, &entry) else { continue };
            match entry.file_type()? {
                kind if kind.is_dir() => folders.push(location),
                kind if kind.is_file() && location <= *offset => {}
                _ => match looked_at(&entry)? {
                    Some(metadata) if metadata.is_dir() => folders.push(location),
                    Some(metadata) if metadata.is_file() && location > *offset => {
                        found.push(meta(location, &metadata)?);
                    }
                    _ => {}
                },
            }
        }
    }
    found.sort_unstable_by(|one, other| one.location.cmp(&other.location));
    Ok(found)
}

fn entries(folder: &FilePath) -> io::Result<impl Iterator<Item = io::Result<DirEntry>>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        Err(error) => Err(error),
    }
}

/// The name of an entry as an object; `None` for names that no object has.
fn location(folder: &Path, entry: &DirEntry) -> Option<Path> {
    let name = entry.file_name();
    let name = name.to_str()?;
    Path::parse(if folder.as_ref().is_empty() { name.to_owned() } else { format!("{folder}/{name}") }).ok()
}

/// What the entry is, or what it leads to; `None` when it has gone meanwhile.
fn looked_at(entry: &DirEntry) -> io::Result<Option<Metadata>> {
    match fs::metadata(entry.path()) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn meta(location: Path, metadata: &Metadata) -> io::Result<ObjectMeta> {
    let last_modified = metadata.modified()?.into();
    Ok(ObjectMeta { location, last_modified, size: metadata.len(), e_tag: None, version: None })
}
