//! The client against real servers on this machine: axum for what a service and a store say, plain sockets for what
//! breaks off.

mod download;
mod locate;
mod network;
mod quota;
mod secrets;
mod server;
mod tokens;
