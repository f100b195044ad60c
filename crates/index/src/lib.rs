//! Messages to and from full text, in a local folder; derived from the tables, deletable.

mod catalogue;
mod error;
mod query;
mod search;
mod settings;
mod writer;

pub use catalogue::Catalogue;
pub use error::Error;
pub use query::{Query, QueryError};
pub use search::{Found, Hit, Order, Request};
pub use settings::Settings;
pub use writer::Writer;
