//! The running service, asked over HTTP by a plain client.

#[path = "service/client.rs"]
mod client;
#[path = "service/faults.rs"]
mod faults;
#[path = "service/files.rs"]
mod files;
#[path = "service/history.rs"]
mod history;
#[path = "service/log.rs"]
mod log;
#[path = "service/token.rs"]
mod token;
