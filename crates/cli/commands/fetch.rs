//! `annals fetch`.

use std::time::Instant;

use ingest::Settled;
use store::Access;

use crate::commands::run::RunArgs;
use crate::commands::span::HourSpan;
use crate::commands::summary::Summary;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Archive a range of hours from the Chat service
///
/// Asks for each hour of the range that is not settled yet, the most endangered first, keeps the bytes as they are served,
/// and publishes the messages. It may be stopped and run again at any time: it goes on where it was. It needs
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
    let began = Instant::now();
    let hours = args.span.hours(context.clock.now())?;
    let client = context.client()?;
    let archive = context.open_archive(Access::Create).await?;
    let catalogue = if args.run.no_index { None } else { context.open_catalogue() };
    let workshop = context.workshop(archive, catalogue, Some(client.app()));
    let settled = if args.again { Settled::Again } else { Settled::Keep };
    let bar = context.output.progress(hours.len() as u64, "hours");
    let progress = |hour, _state| {
        bar.at(hour);
        bar.advance(1);
    };
    let report = workshop.fetch(&client, hours, settled, &progress).await.map_err(CommandError::from)?;
    drop(bar);
    Summary::of(context, &workshop, report, began.elapsed()).await?.print(args.run)
}
