//! What machines are told of a run: events in the log, metrics in a file, pings of a watchdog.
//!
//! Whatever becomes of that, the run and its exit code stay as they are. `docs/monitoring.md` is the page of all names.

mod file;
mod findings;
mod metrics;
mod watch;

use std::convert::Infallible;
use std::path::PathBuf;

use chat::Secret;

pub(crate) use findings::Findings;
pub(crate) use watch::{failed_to_begin, watched};

/// The flag for metrics.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct MetricsArgs {
    /// Write metrics into this file at the end, for the textfile collector of node_exporter: its name ends in .prom
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_file: Option<PathBuf>,
}

/// The flag for pings.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct PingArgs {
    /// Ping a watchdog such as healthchecks.io at the start and at the end. Other users of the machine see what is on the
    /// command line: rather set ANNALS_PING_URL
    #[arg(long, value_name = "URL", value_parser = secret)]
    pub(crate) ping_url: Option<Secret>,
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// A command of which machines are told, and where its flags want it told.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// The name of the command.
    pub(crate) command: &'static str,
    /// What there is to tell.
    pub(crate) subject: Subject,
    /// The file for metrics that a flag names.
    pub(crate) metrics_file: Option<PathBuf>,
    /// The watchdog that a flag names.
    pub(crate) ping_url: Option<Secret>,
}

/// What there is to tell of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The nightly job: the settings, too, say where it is told.
    Job,
    /// A run that is made by hand: told where its flags say.
    Run,
    /// How the archive stands; there is no run.
    Standing,
}
