//! What can go wrong between rows and files.

use arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// Why rows could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Arrow refused a batch, or a spilled run could not be written or read.
    #[error("could not arrange the rows")]
    Arrow(#[from] ArrowError),
    /// The file is damaged in a way that the Parquet library does not expect.
    #[error("the file is damaged: the Parquet reader broke on it")]
    Broken,
    /// A column has another type than the archive gives it.
    #[error("column `{column}` is {found}, not {expected}")]
    ColumnType {
        /// The column.
        column: &'static str,
        /// The type the archive gives it.
        expected: String,
        /// The type in the file.
        found: String,
    },
    /// The file was written by a newer version of the program.
    #[error("the file has format {found}, this program reads up to {newest}: use a newer version")]
    Format {
        /// The number in the file.
        found: String,
        /// The newest number this program knows.
        newest: u32,
    },
    /// The file has no such column, and it cannot be null.
    #[error("the file has no column `{0}`")]
    MissingColumn(&'static str),
    /// The table has no such column.
    #[error("table `messages` has no column `{0}`")]
    NoColumn(String),
    /// Parquet could not be written or read: the output failed, or the file is damaged.
    #[error("could not write or read Parquet")]
    Parquet(#[from] ParquetError),
    /// A temporary file could not be made, written or read: for rows to be sorted, or ids to be told apart.
    #[error("could not write or read a temporary file")]
    Spill(#[source] std::io::Error),
    /// A value does not belong into its column.
    #[error("column `{column}` cannot hold `{value}`")]
    Value {
        /// The column.
        column: &'static str,
        /// The value, in words.
        value: String,
    },
}
