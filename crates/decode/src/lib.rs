//! Bytes of one part of an hour → messages, dead letters, blank lines.
//!
//! ```
//! use decode::{Decoder, Limits, Origin};
//!
//! let origin = Origin { hour: "2026031409".parse().unwrap(), part: 0, app: None };
//! let part = br#"{"msg_id":"7","payload":{"bodies":[{"type":"txt","msg":"hello"}]}}"#;
//! let mut decoder = Decoder::new(&part[..], origin, Limits::default());
//! while let Some(batch) = decoder.next_batch()? {
//!     assert_eq!(batch.messages[0].text.as_deref(), Some("hello"));
//! }
//! # Ok::<(), decode::FileError>(())
//! ```
//!
//! On its way a message meets [`Limits`] and an [`Origin`], the [`Decoder`] and a [`Batch`]. Inside, three modules hand
//! it on: `unpack` (gzip, or plain text), `frame` (where a record ends) and `meaning` (what it says); an ordinary message
//! takes the short way through `plain` instead of the latter. [`rebuild`] goes the way back ([`record_without_secrets`] for eyes that
//! may not fetch shared files), [`fingerprint`] compares two
//! messages, [`value_fingerprint`] two rows of different versions, [`Surplus`] names what no column has, and
//! [`columns_of`] the columns of what has some. A proof holds rows against the [`Records`] that were served: [`first_difference`] says
//! where they part, [`message_of`] what a record is read as.
//!
//! A damaged line is data, a damaged file is an error: [`FileError`]. What was handed out before an error must not be
//! published; only `Ok(None)` says that the part was whole.
//!
//! This crate opens nothing, waits for nothing but the reader that it is given, and knows no clock. It drops nothing: what
//! repeats within an hour, and what lies outside it, is for the caller to say.

mod ahead;
mod batch;
mod body;
mod columns;
mod decoder;
mod difference;
mod error;
mod event;
mod fingerprint;
mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod json;
mod layers;
mod lenient;
mod limits;
mod meaning;
mod members;
mod plain;
mod rebuild;
mod record;
mod rest;
mod secrets;
mod surplus;
mod template;
mod text;
mod unpack;
mod window;

pub use ahead::Ahead;
pub use batch::{Batch, Records};
pub use columns::columns_of;
pub use decoder::{Decoder, Origin};
pub use difference::{Difference, Mismatch, first_difference};
pub use error::FileError;
pub use fingerprint::{Fingerprints, fingerprint, record_fingerprint, value_fingerprint};
pub use limits::Limits;
pub use meaning::message_of;
pub use rebuild::{RebuildError, Rebuilder, rebuild};
pub use rest::{REST_VERSION, is_kept_as_written};
pub use secrets::{record_without_secrets, rest_without_secrets, rest_without_secrets_in_urls};
pub use surplus::{JsonType, Place, Surplus};
