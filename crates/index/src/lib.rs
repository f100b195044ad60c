//! Messages to and from full text, in a local folder; derived from the tables, deletable.
//!
//! ```
//! use chat::{Hour, Message, Position, Sink};
//! use index::{Catalogue, Query, Request, Settings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let catalogue = Catalogue::open(folder, Settings::default())?;
//! let hour: Hour = "2026031409".parse()?;
//! let mut message = Message::at(Position { source_hour: hour, part: 0, line: 1 });
//! message.text = Some("码头的潮汐表已经更新".into());
//!
//! let mut writer = catalogue.take_in(hour, "version 1 of the hour")?;
//! writer.write(&[message])?;
//! writer.finish()?;
//!
//! let query = Query::parse("潮汐")?;
//! let found = catalogue.search(&Request::new(query))?;
//! assert_eq!(found.total, 1);
//! assert_eq!((found.hits[0].source_hour, found.hits[0].line), (hour, 1));
//! # Ok(())
//! # }
//! ```
//!
//! The types in the order a message meets them: a [`Catalogue`] is the index in one folder; a [`Writer`] takes one hour
//! in, replacing what was held of it, and makes it visible together with the mark that it is held; a [`Query`] is read
//! from what a person typed; a [`Request`] adds a range of time, an order and a limit; [`Found`] has the [`Hit`]s, which
//! are keys of rows.
//!
//! The index stores no texts: what is shown is read from the tables. It answers the same as a scan of the same messages
//! with [`Query::matches`] does, and [`Query::highlight`] shows where.

mod alike;
mod best;
mod catalogue;
mod characters;
mod collect;
mod columns;
mod directory;
mod document;
mod engine_query;
mod error;
mod exactness;
mod facts;
mod fields;
mod filtered;
mod fold;
mod folder;
mod format;
mod guard;
mod ids;
mod jamo;
mod keys;
mod lots;
mod markers;
mod one_of;
mod phrases;
mod query;
mod repeats;
mod replacement;
mod request;
mod room;
mod rows;
mod script;
mod search;
mod seeking;
mod settings;
mod settled;
mod simplified;
mod spellings;
mod statistics;
mod tally;
mod tokens;
mod windows;
mod writer;
mod writing;

pub use catalogue::Catalogue;
pub use document::COLUMNS;
pub use error::Error;
pub use query::{Query, QueryError, Sieve};
pub use request::{By, Facet, Order, Place, Request, Unit};
pub use search::{Changes, Found, Hit};
pub use settings::Settings;
pub use statistics::{FieldBytes, Statistics};
pub use tally::Counts;
pub use writer::Writer;
