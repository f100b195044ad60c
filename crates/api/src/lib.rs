//! The Chat REST API, as far as an archive needs it: tokens, rates, retries, history files.
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
//! Numbers of sections in these pages are those of the wire protocol's reference.
//!
//! This crate unpacks nothing and looks into no file: the bytes arrive as the store served them, whatever its headers
//! say of them. It keeps no state but the small file that spaces the calls (see [`Config::quota_file`]), reads no
//! environment (reqwest itself honours the system's proxy settings, except for services of this machine) and prints
//! nothing.

mod access_token;
mod advice;
mod answer;
mod availability;
mod client;
mod config;
mod download;
mod error;
mod http;
mod link;
mod ping;
mod quota;
mod retry;
mod token;
mod wire;

pub use advice::Advice;
pub use availability::{Availability, Standing, read_by_age};
pub use client::Client;
pub use config::{Clock, Config, Limits, Rate, Retries, Timeouts, TokenSource};
pub use download::{Downloaded, Target};
pub use error::{Error, Obstacle, Refusal};
pub use link::Link;
pub use ping::{Ping, Signal};
