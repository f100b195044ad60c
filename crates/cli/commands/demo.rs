//! `annals demo`.

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Where the archive of the demonstration is left.
pub(super) const ARCHIVE: &str = "demo-archive";

/// Show the whole way on this machine: a Chat service, a day archived, three searches
///
/// Starts a Chat service inside this process, archives a day of made-up messages from it over HTTP, indexes them, runs
/// three searches, and leaves the archive in the folder `demo-archive` (or the one that --archive names) to play with. No
/// account, token or network is needed, and no other archive is touched.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals demo
  annals demo --messages-per-hour 20000 --archive /tmp/big")]
pub(crate) struct Args {
    /// How many messages an hour has on the average
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) messages_per_hour: u64,

    /// Which of the made-up histories to use
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Runs the demonstration.
///
/// # Errors
///
/// When any step fails.
pub(crate) async fn run(_args: Args, _context: &Context) -> Result<Exit, CommandError> {
    Err(CommandError::unfinished("demo"))
}
