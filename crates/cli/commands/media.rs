//! `annals media`.

pub(super) mod fetch;
mod list;
mod stats;
mod verify;

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Keep the files that messages speak of, while the service has them
///
/// The service deletes files after 7 days, unless its console says otherwise. What the archive has of them are their bytes, in the
/// folder `media` under the names of their SHA-256, and a row for each in the table `attachments`. docs/media.md has all of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals media fetch
  annals media list --state pending --deadline-before 2026-03-21
  annals media verify
  annals media stats --json

Exit codes: 0 done; 1 `list` found none; 3 attachments failed that will be gone before the next run, or `verify` found something; \
4 the service refused; 130 stopped.")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What to do with attachments.
#[derive(Debug, clap::Subcommand)]
enum What {
    Fetch(fetch::Args),
    List(list::Args),
    Verify(verify::Args),
    Stats(stats::Args),
}

/// Fetches attachments, or tells of them.
///
/// # Errors
///
/// Those of the subcommand.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    match args.what {
        What::Fetch(args) => fetch::run(args, context).await,
        What::List(args) => list::run(args, context).await,
        What::Verify(args) => verify::run(args, context).await,
        What::Stats(args) => stats::run(args, context).await,
    }
}
