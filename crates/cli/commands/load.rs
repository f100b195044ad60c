//! `annals load`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ingest::Settled;
use store::Access;

use crate::commands::run::RunArgs;
use crate::commands::summary::Summary;
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
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let began = Instant::now();
    args.files.iter().try_for_each(|path| can_be_read(path))?;
    let files = ingest::hours_of_files(&args.files, context.settings.api.zone).map_err(CommandError::usage)?;
    let archive = context.open_archive(Access::Create).await?;
    let app = archive.app().or_else(|| context.client().ok().map(|client| client.app()));
    let catalogue = if args.run.no_index { None } else { context.open_catalogue() };
    let workshop = context.workshop(archive, catalogue, app);
    let settled = if args.again { Settled::Again } else { Settled::Keep };
    let bar = context.output.progress(files.len() as u64, "hours");
    let progress = |hour, _state| {
        bar.at(hour);
        bar.advance(1);
    };
    let report = workshop.load(files, settled, &progress).await.map_err(CommandError::from)?;
    drop(bar);
    Summary::of(context, &workshop, report, began.elapsed()).await?.print(args.run)
}

/// Before anything is archived: a name that was mistyped is no reason to begin.
fn can_be_read(path: &Path) -> Result<(), CommandError> {
    let failed =
        |error: io::Error| CommandError::usage(error).while_doing(format!("could not read {}", path.display()));
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        let error = CommandError::usage(format!("{} is a folder", path.display()));
        return Err(error.hint(format!("give the files in it: annals load {}/*.gz", path.display())));
    }
    Ok(())
}
