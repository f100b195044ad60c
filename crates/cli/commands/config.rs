//! `annals config`.

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, FormatArgs};
use crate::settings::markdown;

/// Print every setting in force and where it comes from
///
/// A setting comes from the command line (--set), the environment, `annals.toml` in the archive, or the defaults. Secrets are
/// shown as `…`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals config
  annals config --set api.zone=+08:00 --format csv
  annals config --markdown")]
pub(crate) struct Args {
    #[command(flatten)]
    format: FormatArgs,

    /// Print what every setting is for, as a page
    #[arg(long, conflicts_with_all = ["format", "json"])]
    markdown: bool,
}

/// Prints the settings.
///
/// # Errors
///
/// When stdout takes nothing.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    if args.markdown {
        context.output.raw(markdown().as_bytes())?;
        return Ok(Exit::Done);
    }
    let mut rows = context.output.rows(args.format.chosen(&context.output), &["name", "value", "source"]);
    for setting in context.settings.effective() {
        rows.push(&[setting.name.into(), Cell::from(setting.value), Cell::from(setting.source)])?;
    }
    rows.finish()?;
    Ok(Exit::Done)
}
