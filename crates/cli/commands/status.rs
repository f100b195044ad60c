//! `annals status`.

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Show which hours are archived, which are missing, and which will be gone soon
///
/// Without a range it shows everything from the first hour that the archive knows up to now. It asks nobody: what the
/// service has is what the last run learned.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals status
  annals status --since 2026-03-01 --until 2026-04-01
  annals status --json

Exit codes: 0 nothing is at stake; 5 hours at risk.")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) span: HourSpan,

    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows the state of the archive.
///
/// # Errors
///
/// When there is no archive or it cannot be read.
pub(crate) async fn run(_args: Args, _context: &Context) -> Result<Exit, CommandError> {
    Err(CommandError::unfinished("status"))
}
