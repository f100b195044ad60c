//! What ends a restore.

use query::export::ExportError;

/// Why a restore came to an end before all was played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The rows cannot be read, or somebody asked for an end.
    #[error(transparent)]
    Rows(#[from] ExportError),
    /// The archive cannot be read, or its journal not be written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The service does not go on.
    #[error(transparent)]
    Service(#[from] api::Error),
    /// Two users or groups would become one.
    #[error("`{name}` is in the archive, and another is renamed to it: what both said would become one's")]
    Merged {
        /// The name.
        name: String,
    },
}
