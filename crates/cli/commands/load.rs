//! `annals load`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use store::Access;

use crate::commands::run::{Run, RunArgs, Source, Work, settled};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::monitoring::{MetricsArgs, Subject, Watched};

/// Archive hour files that are already on disk
///
/// The name of a file says its hour: `2026031409.gz`, or `2026031409-1.gz` for part 1; the hour is in the zone of the setting
/// api.zone. Files may be gzip or plain lines of JSON. All parts of an hour are to be given together. An hour that is
/// archived from the same bytes already is left alone; one that is archived from other bytes counts as failed. With --again each
/// hour is published anew from its file, whatever is archived of it.
///
/// Whose files they are, the setting api.base_url says, unless the archive knows it; the service is not asked. Without it addresses
/// that name the app (`ORG#APP_name`) are kept as they stand.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals load 2026031409.gz
  annals load --no-index /backup/2026031409.gz /backup/2026031410.gz
  annals load --set api.base_url=https://a1.easemob.com/my-org/my-app 2026031409.gz
  annals load --set api.zone=+08:00 2026031417.gz

Exit codes: 0 done; 2 a file cannot be read, or the archive is another app's; 3 an hour failed, or is archived from other bytes.")]
pub(crate) struct Args {
    /// The hour files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Publish the hours anew: archived from other bytes they are replaced, from the same they are mended, and read by the
    /// settings of today
    #[arg(long)]
    pub(crate) again: bool,

    #[command(flatten)]
    pub(crate) run: RunArgs,

    #[command(flatten)]
    pub(crate) metrics: MetricsArgs,
}

impl Args {
    /// What machines are told.
    pub(super) fn watched(&self) -> Watched {
        let metrics_file = self.metrics.metrics_file.clone();
        Watched { command: "load", subject: Subject::Run, metrics_file, ping_url: None }
    }
}

/// Archives files.
///
/// # Errors
///
/// When a name says no hour or a file cannot be read: nothing is archived then.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    args.files.iter().try_for_each(|path| can_be_read(path))?;
    let files = ingest::hours_of_files(&args.files, context.settings.api.zone).map_err(CommandError::usage)?;
    // The address alone says whose files they are; nobody is asked.
    let named = context.settings.api.base_url().ok().map(api::app_of).transpose()?;
    let archive = context.open_archive(Access::Create).await?;
    let app = named.or_else(|| archive.app());
    let work = Work { hours: files.keys().copied().collect(), source: Source::Files };
    let run = Run::begin(context, args.run, archive, app, work);
    let report = run.workshop.load(files, settled(args.again), &run.progress()).await;
    run.end(report).await
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
