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

/// The system's own keeps in its heap, between what stays, the space of the large buffers of hour after hour, and of two
/// workers more than either needs. What this one does with free memory is set when it is built, in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    program::run().into()
}
