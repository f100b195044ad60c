//! The running service, asked over HTTP by a plain client.

#[path = "service/attachments.rs"]
mod attachments;
#[path = "service/client.rs"]
mod client;
#[path = "service/conformity.rs"]
mod conformity;
#[path = "service/faults.rs"]
mod faults;
#[path = "service/files.rs"]
mod files;
#[path = "service/history.rs"]
mod history;
#[path = "service/log.rs"]
mod log;
#[path = "service/messages.rs"]
mod messages;
#[path = "service/restart.rs"]
mod restart;
#[path = "service/token.rs"]
mod token;
