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
//! What it speaks (protocol sections 1 to 11): the token endpoint with both grants, the call for the links of an hour in
//! both URL forms, and signed file links that expire; messages sent, imported, edited and called back; files uploaded and
//! downloaded. `GET /openapi.json` describes it. What an hour answers follows from the [`Clock`] alone: 400 before it is
//! ready and after its retention, 404 when nobody said anything, 429 from the eleventh call in a minute. [`Faults`] go
//! wrong on purpose. What was said is a folder of hour files or seeded traffic, see [`History`] and [`corpus`], and what is
//! sent to it: a message is in the file of its hour.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use emulator::{Clock, Emulator, Options};
//! use serde_json::json;
//!
//! let clock = Clock::fixed("2026-03-14T09:30:00Z".parse()?);
//! let service = Emulator::start(Options { clock: clock.clone(), ..Options::default() }).await?;
//! let client = reqwest::Client::new();
//! let message = json!({ "from": "mara_voss", "to": ["teo-77"], "type": "txt", "body": { "msg": "the tide is out" } });
//! let send = client.post(format!("{}/messages/users", service.base_url())).bearer_auth(service.token());
//! send.json(&message).send().await?.error_for_status()?;
//!
//! clock.advance(Duration::from_secs(2 * 3600));
//! let ask = client.get(format!("{}/chatmessages/2026031409", service.base_url())).bearer_auth(service.token());
//! let answer: serde_json::Value = ask.send().await?.json().await?;
//! let file = client.get(answer["data"][0]["url"].as_str().ok_or("a link")?).send().await?.bytes().await?;
//! assert!(file.starts_with(&[0x1f, 0x8b]), "gzip, with the message in it");
//! service.stop().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
//!
//! What it does not: answer for users, groups and rooms (whoever is written to exists); TLS; more than one app.

mod access_token;
mod answer;
mod attachments;
mod bearer;
mod clock;
mod connection;
mod conversations;
pub mod corpus;
mod customs;
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
mod merge;
mod messages;
mod method;
mod openapi;
mod options;
mod packing;
mod parts;
mod rate;
mod record;
mod routes;
mod server;
mod state;
mod talk;
mod token;

pub use clock::Clock;
pub use customs::{Customs, Imports, Kind, NoChoice, RecallFailure, Recalled};
pub use error::Error;
pub use faults::{Call, Fault, FaultError, Faults};
pub use log::{Logged, Request};
pub use options::{Credentials, History, Options, UrlForm, UrlFormError};
pub use server::{Emulator, Handle};
pub use state::Calls;
