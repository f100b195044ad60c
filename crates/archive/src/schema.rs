//! The columns of the three tables.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

/// The number of the format, the value of `annals.format` in every file's metadata.
pub const FORMAT: u32 = 1;

/// A column of a table, as it is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type in SQL's words: `string`, `int`, `bigint`, `double`, `timestamp`, `binary`.
    pub type_word: &'static str,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it holds.
    pub doc: &'static str,
}

/// The columns of `messages`, in the order of its files.
#[must_use]
pub fn columns() -> &'static [Column] {
    &[]
}

/// The columns of `dead_letters`, in the order of its files.
#[must_use]
pub fn dead_letter_columns() -> &'static [Column] {
    &[]
}

/// The columns of `hours`, in the order of its files.
#[must_use]
pub fn entry_columns() -> &'static [Column] {
    &[]
}

/// The Arrow schema of `messages`, without the partition column.
#[must_use]
pub fn message_schema() -> SchemaRef {
    Arc::new(Schema::empty())
}

/// The Arrow schema of `dead_letters`, without the partition column.
#[must_use]
pub fn dead_letter_schema() -> SchemaRef {
    Arc::new(Schema::empty())
}

/// The Arrow schema of `hours`.
#[must_use]
pub fn entry_schema() -> SchemaRef {
    Arc::new(Schema::empty())
}
