//! The folder of an index, beyond what the engine does with it.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::Path;

use crate::Error;

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
