//! `annals load`.

use std::path::PathBuf;

use crate::commands::run::RunArgs;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Archive hour files that are already on disk
///
/// The name of a file says its hour: `2026031409.gz`, or `2026031409-1.gz` for part 1; the hour is in the zone of the setting
/// api.zone. Files may be gzip or plain lines of JSON. All parts of an hour are to be given together. An hour that is there
/// already is left alone unless --again is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals load 2026031409.gz
  annals load --no-index /backup/2026031409.gz /backup/2026031410.gz
  annals load --set api.zone=+08:00 2026031417.gz")]
pub(crate) struct Args {
    /// The hour files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Replace hours that are there already
    #[arg(long)]
    pub(crate) again: bool,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Archives files.
///
/// # Errors
///
/// When a name says no hour or a file cannot be read: nothing is archived then.
pub(crate) async fn run(_args: Args, _context: &Context) -> Result<Exit, CommandError> {
    Err(CommandError::unfinished("load"))
}
