//! The program `annals`: it archives the message history of an Agora Chat / Easemob app and makes it searchable.

mod cli;
mod clock;
mod commands;
mod context;
mod environment;
mod error;
mod exit;
mod logging;
mod monitoring;
mod negation;
mod output;
mod program;
mod replace;
mod settings;
mod stop;
#[cfg(feature = "otel")]
mod traces;

fn main() -> std::process::ExitCode {
    program::run().into()
}
