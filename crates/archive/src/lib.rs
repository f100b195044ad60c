//! Messages, dead letters, ledger entries and what is known of attachments, to and from Parquet.
//!
//! A message's way: a [`Writer`] takes batches, holds no more rows in memory than its [`Settings`] allow, and on
//! `finish` writes one file sorted by its key; [`read_all`] gives the rows back in that order, [`read_keys`] and
//! [`find_ids`] only those asked for, reading little more than the pages they lie in. An [`Extract`] writes some columns for
//! other programs, a [`Sheet`] rows of whatever shape.
//!
//! ```
//! use archive::{Key, Projection, Settings, Writer, read_keys};
//! use chat::{Hour, Message, Position, Sink};
//!
//! let position = Position { source_hour: Hour::from_key("2026031409").unwrap(), part: 0, line: 1 };
//! let message = Message { text: Some("Slipway three is free.".into()), ..Message::at(position) };
//!
//! let mut writer = Writer::new(Vec::new(), tempfile::tempfile, Settings::default())?;
//! writer.write(&[message.clone()])?;
//! let written = writer.finish()?;
//! assert_eq!(written.rows, 1);
//!
//! let key = Key { source_hour: position.source_hour, sent_at: None, part: 0, line: 1 };
//! let reader = std::io::Cursor::new(written.out);
//! assert_eq!(futures::executor::block_on(read_keys(reader, &[key], Projection::All))?, [message]);
//! # Ok::<(), archive::Error>(())
//! ```
//!
//! # The format
//!
//! A file is Parquet with zstd (one of few ledger entries is not packed) and the columns of [`columns`],
//! [`dead_letter_columns`], [`attachment_columns`] or [`entry_columns`], in that order; its metadata has `annals.format`, the number [`FORMAT`]. Files of messages are sorted by (`source_hour`,
//! `sent_at`, `msg_id`, `part`, `line`), ascending and nulls last, say so in `sorting_columns`, and have a page index
//! with bounds of the first three. The Parquet schema is all there is: no embedded Arrow schema, no INT96, no dictionary
//! types, times as `TIMESTAMP(MICROS, isAdjustedToUTC=true)`. A column that is added goes to the end and is null in
//! older files; columns are read by name, so that what other programs make of a file is read too.
//!
//! This crate knows no paths and no object store: it writes into any [`std::io::Write`] and reads through parquet's
//! [`AsyncFileReader`](parquet::arrow::async_reader::AsyncFileReader). It drops no rows and checks no duplicates. Times
//! are kept to the microsecond: what is finer is for `decode` to keep in `rest`.

mod batch;
mod bounds;
mod columns;
mod copy;
mod csv;
mod encoding;
mod error;
mod extract;
mod file;
mod find;
mod foreign;
mod guard;
mod layout;
mod lent;
mod merge;
mod pick;
mod portable;
mod promises;
mod promotion;
mod read;
mod row_groups;
mod settings;
mod sheet;
mod sort;
mod statistics;
mod table;
mod write;

pub use batch::Spare;
pub use columns::{
    attachment_columns, attachment_schema, cells, columns, dead_letter_columns, dead_letter_schema, entry_columns,
    entry_schema, message_schema,
};
pub use encoding::Unencoded;
pub use error::Error;
pub use extract::{Extract, Extracted, Extracting, Extractor, Form};
pub use find::{Key, Near, Projection, Sent, find_ids, read_columns, read_hour, read_keys, read_sent, rows_near};
pub use lent::{Batch, Batches};
pub use merge::{Merged, Piece, merge_dead_letters, merge_messages};
pub use portable::{Fault, FaultKind, LONGEST_CELL, LONGEST_ROW, Portability, portability};
pub use promotion::{
    Fit, MOST_PROMOTED, MemberPlace, PromotedType, PromotedValue, Promotion, PromotionError, Root, with_promoted,
};
pub use read::{
    Footer, Rows, read_all, read_attachments, read_dead_letters, read_entries, read_footer, read_statistics,
};
pub use settings::Settings;
pub use sheet::Sheet;
pub use statistics::{ColumnStatistics, Statistics, Value};
pub use table::{Column, FORMAT};
pub use write::{
    DeadLetterWriter, Writer, Written, entry_batches, write_attachments, write_dead_letters, write_entries,
};
