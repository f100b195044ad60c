//! `annals doctor`.

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Check everything that archiving needs, and say what to do
///
/// Checks the settings, the folder and its rights, the disk, the clock, the address of the service, the token, the zone and the
/// quota. Costs at most two calls of the quota and changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals doctor
  annals doctor --json")]
pub(crate) struct Args {
    /// Print one JSON object a check
    #[arg(long)]
    pub(crate) json: bool,
}

/// Checks.
///
/// # Errors
///
/// When a check cannot be made at all.
pub(crate) async fn run(_args: Args, _context: &Context) -> Result<Exit, CommandError> {
    Err(CommandError::unfinished("doctor"))
}
