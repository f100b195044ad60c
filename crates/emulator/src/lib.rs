//! A local Chat service: seeded histories, scripted faults. For demos, for tests, and for other people's tests.
//!
//! ```
//! # async fn example() -> Result<(), emulator::Error> {
//! use emulator::{Clock, Emulator, Options, corpus};
//!
//! let now = "2026-03-15T00:30:00Z".parse().expect("it is written as RFC 3339");
//! let options = Options { clock: Clock::fixed(now), rate_per_minute: None, ..Options::default() };
//! let service = Emulator::start(options).await?;
//! println!("GET {}/chatmessages/2026031409", service.base_url()); // with `Authorization: Bearer …`
//! println!("Authorization: Bearer {}", service.token());
//! service.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! What it speaks (protocol sections 1 to 5): the token endpoint with both grants, the call for the links of an hour in
//! both URL forms, and signed file links that expire. What an hour answers follows from the [`Clock`] alone: 400 before it is
//! ready and after its retention, 404 when nobody said anything, 429 from the eleventh call in a minute. [`Faults`] go
//! wrong on purpose. What was said is a folder of hour files or seeded traffic, see [`History`] and [`corpus`].
//!
//! What it does not: send, upload, download, recall, import; TLS; more than one app.

mod access_token;
mod answer;
mod bearer;
mod clock;
mod connection;
pub mod corpus;
mod dice;
mod error;
mod faults;
mod files;
mod folder;
mod grants;
mod history;
mod json;
mod links;
mod log;
mod options;
mod packing;
mod parts;
mod rate;
mod record;
mod routes;
mod server;
mod state;
mod token;

pub use clock::Clock;
pub use error::Error;
pub use faults::{Call, Fault, FaultError, Faults};
pub use log::{Logged, Request};
pub use options::{Credentials, History, Options, UrlForm, UrlFormError};
pub use server::{Emulator, Handle};
pub use state::Calls;
