//! `annals verify`.

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Prove that the archive is whole
///
/// For each archived hour: every line is accounted for, the served bytes have the hash that was noted, the tables hold the rows
/// that the ledger says, and the search index holds the hour as it is in the tables. Reads everything and changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals verify
  annals verify --since 2026-03-14 --until 2026-03-15 --json

Exit codes: 0 all is well; 3 something is not.")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) span: HourSpan,

    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// Verifies the archive.
///
/// # Errors
///
/// When there is no archive or it cannot be read at all.
pub(crate) async fn run(_args: Args, _context: &Context) -> Result<Exit, CommandError> {
    Err(CommandError::unfinished("verify"))
}
