//! Rows to Arrow batches and back, column by column.

mod build;
mod rows;

pub(crate) use build::Builder;
pub(crate) use rows::Columns;
