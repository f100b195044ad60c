//! `annals show`.

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Show one message whole, with where it came from
///
/// Prints every column that the message fills, the hour, part and line it was served in, and the state of that hour. When several
/// hours hold the id, all are shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals show 874788964261693432
  annals show 874788964261693432 --raw
  annals show 874788964261693432 --json

Exit codes: 0 it was found; 1 it was not.")]
pub(crate) struct Args {
    /// The id of the message
    #[arg(value_name = "MSG_ID")]
    pub(crate) id: String,

    /// Print the record as JSON with the members and values that the service sent
    #[arg(long, conflicts_with = "json")]
    pub(crate) raw: bool,

    /// Print the row as one JSON object with the names of the columns
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows a message.
///
/// # Errors
///
/// When there is no archive or it cannot be read.
pub(crate) async fn run(_args: Args, _context: &Context) -> Result<Exit, CommandError> {
    Err(CommandError::unfinished("show"))
}
