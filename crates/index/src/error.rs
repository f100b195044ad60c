//! What can go wrong with an index.

use std::path::PathBuf;

use tantivy::TantivyError;

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
        source: std::io::Error,
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
}
