//! Why a part is no good.

use std::io;

/// A part that cannot be decoded. Nothing that was read from it before may be published.
///
/// `packed` and `unpacked` are byte offsets from 0 in the part as served and in what it unpacks to. No variant carries
/// any text of the part.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The compressed data does not hold together: a bad header, block, checksum or length, or bytes after the last
    /// member that are neither padding nor a member. Fetch it again.
    #[error("the file is damaged at byte {packed} ({unpacked} unpacked): {what}")]
    Corrupt {
        /// How far the part had been read: to the end of what does not hold together, as nearly as is known.
        packed: u64,
        /// How much of it had been unpacked.
        unpacked: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Neither gzip nor a text with lines that are objects: a page of a proxy, an error of the storage, another file.
    #[error("the file is neither gzip nor JSON lines")]
    NotGzip,
    /// The reader failed.
    #[error("the file could not be read at byte {packed}")]
    Read {
        /// How far the part had been read.
        packed: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// The part unpacks to more than [`crate::Limits::unpacked`].
    #[error("the file unpacks to more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The part ends within a gzip member. Fetch it again.
    #[error("the file is cut short at byte {packed} ({unpacked} unpacked)")]
    Truncated {
        /// The length of what there is.
        packed: u64,
        /// How much of it had been unpacked.
        unpacked: u64,
    },
}
