//! `annals fetch`.

use store::Access;

use crate::commands::run::{Run, RunArgs, settled};
use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Archive a range of hours from the Chat service
///
/// Asks for each hour of the range that is not settled yet, the most endangered first, keeps the bytes as they are served,
/// and publishes the messages. Without --until it ends before the hour that is going on. It may be stopped and run again at any time: it goes on where it was. It needs
/// ANNALS_API_BASE_URL and a token (ANNALS_API_TOKEN, or an app's client or certificate, see `annals config`).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals fetch --since 2026-03-14 --until 2026-03-15     a day
  annals fetch --since 2026-03-14T09                     from an hour up to now
  annals fetch --since 2026031409 --until 2026031410 --again --json

Exit codes: 0 done, or only not ready yet; 3 hours failed; 4 the service refused; 5 hours at risk; 6 hours lost.")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) span: HourSpan,

    /// Ask for hours that are settled, too; an hour whose file grew is published anew
    #[arg(long)]
    pub(crate) again: bool,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Archives a range of hours.
///
/// # Errors
///
/// When the run cannot begin or the service refuses; hours that fail are counted, not errors.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let hours = args.span.hours(context.clock.now())?;
    let client = context.client()?;
    let archive = context.open_archive(Access::Create).await?;
    let run = Run::begin(context, args.run, archive, Some(client.app()), hours.len());
    let report = run.workshop.fetch(&client, hours, settled(args.again), &run.progress()).await;
    run.end(report).await
}
