//! The client against real servers on this machine: axum for what a service and a store say, plain sockets for what
//! breaks off, and the emulator, which was written from the same pages by other hands.

mod download;
mod emulated;
mod files;
mod locate;
mod network;
mod ping;
mod quota;
mod recalls;
mod secrets;
mod sends;
mod server;
mod tokens;
