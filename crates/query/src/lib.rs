//! Ask the archive: full-text questions answered with whole rows.
//!
//! The index says where the hits are, the tables say what they are: a [`Question`] goes to `index`, the keys of its hits
//! to `archive`, and the [`Answer`] holds messages in the order asked for.
//!
//! ```no_run
//! # async fn example(archive: store::Archive, catalogue: index::Catalogue) -> Result<(), Box<dyn std::error::Error>> {
//! use query::{Library, Question};
//!
//! let library = Library::new(archive, Some(catalogue));
//! let question = Question::new(index::Query::parse("tide from:lin.qiao")?);
//! for hit in library.ask(&question).await?.hits {
//!     println!("{:?}: {:?}", hit.message.sender, hit.message.text);
//! }
//! # Ok(()) }
//! ```
//!
//! An index that is behind the tables leaves no wrong hits in an answer: the hours that it does not hold as they are now
//! are named in [`Answer::not_indexed`], and [`Library::with_id`] reads them instead.
//!
//! [`export`] hands rows out to other programs, as files that are no part of the archive.
//!
//! With the feature `sql`, a `sql::Database` answers SQL.
//!
//! It writes nothing into the tables, catches up with nothing and decides nothing about output.

mod context;
mod coverage;
pub mod export;
mod library;
mod news;
mod question;
#[cfg(feature = "sql")]
pub mod sql;

pub use context::{Group, Line};
pub use library::{Error, Library};
pub use news::{Due, mark};
pub use question::{Answer, Found, Question};
