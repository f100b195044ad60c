//! What can go wrong with an index.

use std::io;
use std::path::{Path, PathBuf};

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenReadError, OpenWriteError};

use crate::format;

/// Why the index could not do what it was asked to.
///
/// The index is derived: after [`Error::Damaged`] and [`Error::OtherFormat`] its folder can be deleted and the index
/// rebuilt from the tables, see [`Error::rebuild_helps`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process is taking hours in.
    #[error("use the index in {}: another process is writing to it", folder.display())]
    Locked {
        /// The folder of the index.
        folder: PathBuf,
    },
    /// Files of the index are missing, or are not what they should be.
    #[error("read the index in {}: it is damaged ({what})", folder.display())]
    Damaged {
        /// The folder of the index.
        folder: PathBuf,
        /// What was found.
        what: String,
    },
    /// The index was written in another format than this program's.
    #[error("read the index in {}: its format is `{found}`, this program's is `{ours}`", folder.display())]
    OtherFormat {
        /// The folder of the index.
        folder: PathBuf,
        /// The format that was found.
        found: String,
        /// The format of this program.
        ours: String,
    },
    /// The disk or its permissions are in the way.
    #[error("use the index file {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The search engine failed in a way that fits none of the others.
    #[error("use the index in {}", folder.display())]
    Engine {
        /// The folder of the index.
        folder: PathBuf,
        /// What the engine said.
        source: Box<TantivyError>,
    },
}

impl Error {
    /// Whether deleting the folder and following the tables from the start mends it.
    #[must_use]
    pub fn rebuild_helps(&self) -> bool {
        matches!(self, Self::Damaged { .. } | Self::OtherFormat { .. })
    }

    /// Sorts what the engine says into what a caller can act on.
    pub(crate) fn of_engine(folder: &Path, error: TantivyError) -> Self {
        let folder = folder.to_owned();
        match error {
            TantivyError::LockFailure(LockError::LockBusy, _) => Self::Locked { folder },
            TantivyError::LockFailure(LockError::IoError(source), _) => Self::of_io(folder, &source),
            TantivyError::IoError(source) => Self::of_io(folder, &source),
            TantivyError::OpenReadError(error) => Self::of_reading(folder, error),
            TantivyError::OpenWriteError(OpenWriteError::IoError { io_error, filepath }) => {
                Self::of_io(folder.join(filepath), &io_error)
            }
            TantivyError::DataCorruption(what) => Self::Damaged { folder, what: brief(&format!("{what:?}")) },
            TantivyError::IncompatibleIndex(what) => Self::other_format(folder, format!("{what:?}")),
            other => Self::Engine { folder, source: Box::new(other) },
        }
    }

    fn of_reading(folder: PathBuf, error: OpenReadError) -> Self {
        match error {
            OpenReadError::FileDoesNotExist(file) => {
                Self::Damaged { folder, what: format!("the file {} is missing", file.display()) }
            }
            OpenReadError::IoError { io_error, filepath } => Self::of_io(folder.join(filepath), &io_error),
            OpenReadError::IncompatibleIndex(what) => Self::other_format(folder, format!("{what:?}")),
        }
    }

    /// The engine reports bytes that it cannot read as errors of the system.
    fn of_io(path: PathBuf, source: &io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Self::Damaged { folder: path, what: brief(&source.to_string()) }
            }
            io::ErrorKind::Other if source.raw_os_error().is_none() && source.to_string().starts_with(OF_BYTES) => {
                Self::Damaged { folder: path, what: brief(&source.to_string()) }
            }
            kind => Self::Io { path, source: io::Error::new(kind, source.to_string()) },
        }
    }

    fn other_format(folder: PathBuf, found: String) -> Self {
        Self::OtherFormat { folder, found, ours: format::ours() }
    }
}

/// How the engine begins when bytes of its own name a version that is none, as only damaged ones do: that of the whole index
/// is read first.
const OF_BYTES: &str = "Unsupported ";

/// The first sentence of what the engine says: what follows it may be the content of a file.
fn brief(text: &str) -> String {
    let sentence = text.split(['\n', '{']).next().unwrap_or("").split(". ").next().unwrap_or("");
    sentence.chars().take(LONGEST_REASON).collect()
}

/// The characters of a reason that fit in an error of one line.
const LONGEST_REASON: usize = 160;
