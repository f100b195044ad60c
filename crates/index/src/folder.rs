//! The folder of an index, beyond what the engine does with it.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::Path;

use tantivy::directory::{INDEX_WRITER_LOCK, Lock, MmapDirectory};
use tantivy::{Directory, Index, IndexSettings};

use crate::Error;
use crate::directory::{Folder, Reading};
use crate::fields::{Fields, tokenizers};
use crate::format::{self, Held};

/// The engine's list of segments; with it an index begins to be one.
const LIST_OF_SEGMENTS: &str = "meta.json";

/// How the names of files begin that are to be renamed once they are written.
const UNFINISHED: &str = ".tmp";

/// Creates the folder for its owner alone, unless it is there.
pub(crate) fn create(folder: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })
}

/// Whether there is an index of our format, begun and not left half made.
pub(crate) fn has_index(folder: &Path) -> Result<bool, Error> {
    match format::check(folder)? {
        Held::Index => Ok(folder.join(LIST_OF_SEGMENTS).exists()),
        Held::Nothing | Held::Earlier => Ok(false),
    }
}

/// Creates an index, unless another process is just doing so: then that one is waited for.
pub(crate) fn create_index(folder: &Path) -> Result<(), Error> {
    let engine = |error| Error::of_engine(folder, error);
    let directory = MmapDirectory::open(folder).map_err(|error| engine(error.into()))?;
    let patient = Lock { filepath: INDEX_WRITER_LOCK.filepath.clone(), is_blocking: true };
    let _lock = directory.acquire_lock(&patient).map_err(|error| engine(error.into()))?;
    match format::check(folder)? {
        Held::Index => {}
        Held::Nothing => format::write(folder)?,
        Held::Earlier => {
            clear(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })?;
            format::write(folder)?;
        }
    }
    if !has_index(folder)? {
        let (_, schema) = Fields::with_schema();
        Index::create(directory, schema, IndexSettings::default()).map_err(engine)?;
    }
    Ok(())
}

/// Removes everything but the locks, one of which is held, and the format, by which this is begun again if it is cut off.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != format::NAME && Path::new(&name).extension().is_none_or(|extension| extension != "lock") {
            fs::remove_file(entry.path())?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Opens the index that is there.
pub(crate) fn open_index(folder: &Path, reading: Reading) -> Result<Index, Error> {
    let opened = Folder::open(folder, reading).and_then(Index::open);
    let mut index = opened.map_err(|error| Error::of_engine(folder, error))?;
    let (_, schema) = Fields::with_schema();
    if index.schema() != schema {
        return Err(Error::Damaged { folder: folder.to_owned(), what: "it has other fields".to_owned() });
    }
    index.set_tokenizers(tokenizers());
    Ok(index)
}

/// Makes the names in the folder durable. The engine syncs them before a commit gets its name, but not after.
pub(crate) fn sync(folder: &Path) -> Result<(), Error> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| Error::Io { path: folder.to_owned(), source })
}

/// Removes files that a killed process had not renamed yet, which the engine does not know of. Only for the process that
/// holds the lock.
pub(crate) fn sweep(folder: &Path) -> Result<(), Error> {
    unfinished(folder).map_err(|source| Error::Io { path: folder.to_owned(), source })
}

fn unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
