//! Messages, dead letters and ledger entries to and from Parquet.
//!
//! A message's way: a [`Writer`] takes batches, holds no more rows in memory than its [`Settings`] allow, and on
//! `finish` writes one file sorted by its key; [`read_all`] gives the rows back in that order, [`read_keys`] and
//! [`find_ids`] only those asked for, reading little more than the pages they lie in.
//!
//! This crate knows no paths and no object store: it writes into any [`std::io::Write`] and reads through parquet's
//! [`AsyncFileReader`](parquet::arrow::async_reader::AsyncFileReader).

mod batch;
mod bounds;
mod columns;
mod error;
mod find;
mod layout;
mod read;
mod settings;
mod sort;
mod statistics;
mod table;
mod write;

pub use columns::{columns, dead_letter_columns, dead_letter_schema, entry_columns, entry_schema, message_schema};
pub use error::Error;
pub use find::{Key, find_ids, read_keys};
pub use read::{Rows, read_all, read_dead_letters, read_entries, read_statistics};
pub use settings::Settings;
pub use statistics::{ColumnStatistics, Statistics, Value};
pub use table::{Column, FORMAT};
pub use write::{DeadLetterWriter, Writer, Written, write_dead_letters, write_entries};
