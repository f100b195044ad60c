//! Why an hour could not be archived.

use chat::Hour;

/// Why an hour, or a whole run, came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service, or the way to it.
    #[error("could not fetch {hour}")]
    Api {
        /// The hour.
        hour: Hour,
        /// What went wrong.
        source: api::Error,
    },
    /// The columns could not be written.
    #[error("could not write the messages of {hour}")]
    Archive {
        /// The hour.
        hour: Hour,
        /// What went wrong.
        source: archive::Error,
    },
    /// The service answers that the hour is not there, between readiness and retention.
    #[error("the service has no file for {hour}, although it should be ready and not yet deleted")]
    Gap {
        /// The hour.
        hour: Hour,
        /// The status of the answer.
        status: u16,
    },
    /// The thread that saw the index to its end broke.
    #[error("could not see the index to its end")]
    Closing {
        /// How it ended.
        source: tokio::task::JoinError,
    },
    /// The bytes are no hour file.
    #[error("could not decode {hour}, part {part}")]
    Decode {
        /// The hour.
        hour: Hour,
        /// The part of it.
        part: chat::Part,
        /// What went wrong.
        source: decode::FileError,
    },
    /// The hour is archived from other bytes, and nobody asked to replace it.
    #[error("{hour} is already archived from other bytes")]
    OtherBytes {
        /// The hour.
        hour: Hour,
    },
    /// A file to load could not be read.
    #[error("could not read {}", .path.display())]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The index could not be written or read.
    #[error("could not use the index")]
    Index(#[from] index::Error),
    /// It was told to stop before the hour was whole.
    #[error("{hour} was given up, because the run was told to stop")]
    Stopped {
        /// The hour.
        hour: Hour,
    },
    /// The archive could not be read or written.
    #[error("could not use the archive")]
    Store(#[from] store::Error),
    /// A worker ended without a result.
    #[error("a worker broke while it was decoding {hour}")]
    Worker {
        /// The hour.
        hour: Hour,
        /// How it ended.
        source: tokio::task::JoinError,
    },
}
