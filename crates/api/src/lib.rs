//! The Chat REST API's management of messages: tokens, rates, retries, history files, and every other method.
//!
//! ```no_run
//! use std::fs::File;
//! use std::sync::Arc;
//! use std::time::SystemTime;
//!
//! use api::{Availability, Client, Config, TokenSource};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let base_url = "https://a1.example.com/harbor-org/lantern".parse()?;
//! let token = TokenSource::Static(chat::Secret::new("YWMt…"));
//! let client = Client::new(Config::new(base_url, token, Arc::new(|| SystemTime::now().into())))?;
//! if let Availability::Ready(links) = client.locate("2026031409".parse()?).await? {
//!     for link in &links {
//!         client.download(link, &mut File::create("2026031409-0.gz")?).await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! An hour meets the types in this order: a [`Client`] made of a [`Config`] asks where it is and says what it heard, an
//! [`Availability`]; read against the clock by [`read_by_age`] that is a [`Standing`]. A [`Link`] leads to the bytes,
//! which go into a [`Target`]; what came is a [`Downloaded`]. An [`Error`] knows its own [`Advice`]. Apart from all that, a
//! [`Ping`] tells a watchdog how a run goes.
//!
//! Other methods are one type each for what is asked, and one for what is answered:
//!
//! | method | asked | answered | made again when the answer is lost |
//! | --- | --- | --- | --- |
//! | [`Client::send`] | [`Draft`] | a [`Receipt`] for each recipient | no |
//! | [`Client::broadcast`] | [`Broadcast`] | the message's id | no |
//! | [`Client::upload`] | [`Upload`] | [`Uploaded`] | yes |
//! | [`Client::fetch_file`] | [`FileId`] | [`Fetched`] | yes, from where it stopped |
//! | [`Client::fetch_outside`] | a URL of another host | [`Fetched`] | yes, from where it stopped |
//! | [`Client::recall`], [`Client::recall_batch`] | [`Recall`] | [`Recalled`] | yes |
//! | [`Client::delete_conversation`] | [`Forget`] | nothing | yes |
//! | [`Client::import`] | [`Import`] | the message's id | no |
//!
//! What the service is known to refuse is [`Unfit`] before it is sent; a [`Preview`] shows a call without making it.
//!
//! Numbers of sections in these pages are those of the wire protocol's reference.
//!
//! This crate unpacks nothing and looks into no file: the bytes arrive as the store served them, whatever its headers
//! say of them. It keeps no state but the small files that space the calls (see [`Config::quota_file`]), reads no
//! environment (reqwest itself honours the system's proxy settings, except for services of this machine) and prints
//! nothing.

mod access_token;
mod advice;
mod answer;
mod availability;
mod body;
mod call;
mod client;
mod config;
mod conversation;
mod download;
mod error;
mod fetch;
mod file;
mod http;
mod import;
mod link;
mod ping;
mod quota;
mod reach;
mod recall;
mod retry;
mod send;
mod token;
mod unfit;
mod upload;
mod webhook;
mod wire;

pub use advice::Advice;
pub use availability::{Availability, Standing, read_by_age};
pub use body::{Body, Ext, JsonBody};
pub use call::Preview;
pub use client::{Client, app_of};
pub use config::{Clock, Config, Limits, Outside, Rate, Retries, Timeouts, TokenSource};
pub use conversation::Forget;
pub use download::{Downloaded, Target};
pub use error::{Error, Obstacle, Refusal};
pub use fetch::{Fetched, Picture};
pub use file::{FileAt, FileId, public_part};
pub use import::{Import, ImportInto};
pub use link::Link;
pub use ping::{Ping, Signal};
pub use recall::{ChatType, Recall, Recalled, Unrecalled};
pub use send::{Broadcast, Draft, Level, Receipt, Recipients};
pub use unfit::{Unfit, group_id, user_name};
pub use upload::{Upload, Uploaded};
pub use webhook::{Reach, Webhook};
