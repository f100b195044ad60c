//! The vocabulary of Annals: the words that every other crate speaks.
//!
//! A message's way, in the types of this crate: a [`Part`] of an [`Hour`] is unpacked into lines; a line is a
//! [`Message`], a [`DeadLetter`] or blank; messages go into a [`Sink`] (the tables, the index); what came of the hour is
//! an [`Entry`] of the ledger with its [`Tally`].
//!
//! ```
//! use chat::{Hour, MessageId};
//!
//! let hour: Hour = "2026031409".parse().unwrap();
//! assert_eq!(hour.to_string(), "2026-03-14T09Z");
//! assert_eq!(hour.next().key(), "2026031410");
//! let id = MessageId::new("874788964261693432");
//! assert_eq!(Hour::containing(id.sent_at().unwrap()).to_string(), "2021-05-17T09Z");
//! ```
//!
//! # Glossary
//!
//! | word | meaning |
//! | --- | --- |
//! | hour | one clock hour in UTC, the unit of truth of an archive |
//! | part | one file of an hour; nearly always there is just part 0 |
//! | line | the ordinal of a framed record, dead letter or blank line in a part, from 1 |
//! | message | one record of the service, ordinary message or event |
//! | dead letter | a line that is no JSON object, set aside with its bytes |
//! | duplicate | a message seen before in the same hour with the same content |
//! | conflict | a message whose id was seen before in the same hour with other content |
//! | retained | a message that an earlier file of its hour had and the newest has not; kept, and marked |
//! | attachment | a file that a message speaks of, or the thumbnail of one |
//! | entry | one row of the ledger: what is known of an hour after an attempt |
//! | sink | one destination of messages: the tables, the index |
//!
//! This crate does no I/O and knows no serialisation: its types derive traits of the standard library only.

mod app;
mod attachment;
mod body;
mod conversation;
mod dead_letter;
mod entry;
mod hour;
mod id;
mod message;
mod secret;
mod sink;
mod tally;
mod time;
mod zone;

pub use app::{App, AppError, is_decorated, without_domain};
pub use attachment::{Attachment, AttachmentKind, AttachmentState};
pub use body::BodyType;
pub use conversation::{Conversation, bare_key, conversation_key};
pub use dead_letter::{DeadLetter, Reason};
pub use entry::{Entry, NO_MESSAGES, State, publication_of};
pub use hour::{Hour, HourError, Hours};
pub use id::MessageId;
pub use message::{Message, Position, RETAINED_PARTS};
pub use secret::{SHARE_SECRET, Secret, is_secret_name, without_share_secrets};
pub use sink::Sink;
pub use tally::Tally;
pub use time::{TimeError, Timestamp, parse_time, show_time, start_of_month};
pub use zone::{Zone, ZoneError};

/// One file of an hour, counted from 0 in the order the service names them (protocol section 3.2).
///
/// Rows that the service no longer serves have parts from [`RETAINED_PARTS`] on, see [`Message::retained_at`].
pub type Part = u32;
