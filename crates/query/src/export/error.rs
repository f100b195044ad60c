//! Why an export failed.

use std::io;
use std::path::{Path, PathBuf};

use chat::Hour;
use decode::RebuildError;
use store::ExportName;

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Another export is at work under the same name, or into the same place.
    #[error("another export is at work {at}")]
    Busy {
        /// The name or the place, as in `under the name …`.
        at: String,
    },
    /// What the target should be called is called already.
    #[error("{} is there already", path.display())]
    Taken {
        /// The folder or file.
        path: PathBuf,
    },
    /// A file or folder of the target could not be used.
    #[error("could not {action} {}", path.display())]
    Target {
        /// What was to be done, as in "could not …".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The rows could not be written.
    #[error("could not write {name}")]
    Write {
        /// The file.
        name: String,
        /// Why.
        source: archive::Error,
    },
    /// The record of a row cannot be rebuilt.
    #[error("could not rebuild the record of line {line} of {hour}")]
    Rebuild {
        /// The hour of the row.
        hour: Hour,
        /// The line.
        line: u64,
        /// Why.
        source: RebuildError,
    },
    /// A data file could not be read.
    #[error("could not read the data file {file}")]
    Rows {
        /// The file, relative to the table `messages`.
        file: String,
        /// Why.
        source: archive::Error,
    },
    /// The hour was published anew while it was read.
    #[error("{hour} was published anew while it was exported")]
    Moving {
        /// The hour.
        hour: Hour,
    },
    /// Exports under a name hand out one selection in one form.
    #[error("the exports `{name}` were asked for something else before: {before}")]
    OtherOptions {
        /// The name.
        name: ExportName,
        /// What they were asked for.
        before: String,
    },
    /// The answer to a query in SQL could not be had, or cannot be exported so.
    #[cfg(feature = "sql")]
    #[error(transparent)]
    Answer(#[from] super::AnswerError),
    /// It was told to stop.
    #[error("the export was stopped")]
    Stopped,
    /// The archive could not be used.
    #[error("could not use the archive")]
    Store(#[from] store::Error),
}

impl ExportError {
    pub(super) fn target(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Target { action, path: path.to_owned(), source }
    }

    /// Whether a file was replaced while it was read.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Rows { source, .. } if store::is_gone(source))
    }
}
