//! `annals fetch`.

use std::collections::BTreeSet;

use chat::Hours;
use ingest::{Plan, time_under_quota};
use store::{Access, Archive};

use crate::commands::run::{Run, RunArgs, Source, Work, settled};
use crate::commands::which::Which;
use crate::commands::{media, plan, watch};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::monitoring::{MetricsArgs, PingArgs, Subject, Watched};

/// Archive hours from the Chat service: those that are due, or a range
///
/// Asks for each hour that is not settled yet, the most endangered first, keeps the bytes as they are served, and publishes
/// the messages. With --due it is what a timer runs every night: a complete archive costs no call. It may be stopped and run
/// again at any time: it goes on where it was. It needs the address of the service and a token, see `annals init`.
///
/// The last line is the verdict: what is complete, what failed and until when it can still be had, what is lost. Into a log,
/// -v tells of every hour, and every minute how far it is; with --quiet a run in which all is well prints nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals fetch --due                                     what cron runs every night
  annals fetch --due --media                             and keep the files of its messages
  annals fetch --due --dry-run                           what that would do
  annals fetch --due --watch                             and what is new to the saved searches
  annals fetch --since 2026-03-14 --until 2026-03-15     a day
  annals fetch --since 2026-03-14T09                     from an hour up to now
  annals fetch --since 2026031409 --until 2026031410 --again --json

Exit codes: 0 done, or only not ready yet; 3 hours failed; 4 the service refused; 5 hours at risk; 6 hours lost.")]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,

    /// Ask for hours that are settled, too, and publish them anew, also when their files are as they were
    #[arg(long, conflicts_with = "due")]
    again: bool,

    /// Fetch the attachments of messages afterwards, as `annals media fetch` does, also when an hour failed
    #[arg(long, conflicts_with = "dry_run")]
    media: bool,

    /// Print what would be done, as `annals plan` does, and spend nothing
    #[arg(long)]
    dry_run: bool,

    /// Then run the saved searches, as `annals watch run` does
    #[arg(long, conflicts_with_all = ["dry_run", "no_index"])]
    watch: bool,

    #[command(flatten)]
    run: RunArgs,

    #[command(flatten)]
    metrics: MetricsArgs,

    #[command(flatten)]
    ping: PingArgs,
}

impl Args {
    /// What machines are told: of a run, and not of what one would do.
    pub(super) fn watched(&self) -> Option<Watched> {
        let told = Watched {
            command: "fetch",
            subject: Subject::Job,
            metrics_file: self.metrics.metrics_file.clone(),
            ping_url: self.ping.ping_url.clone(),
        };
        (!self.dry_run).then_some(told)
    }
}

/// Archives hours.
///
/// # Errors
///
/// When the run cannot begin or the service refuses; hours that fail are counted, not errors.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    args.which.check()?;
    if args.dry_run {
        return plan::show(context, args.which, settled(args.again), args.run.json).await;
    }
    let client = context.client()?;
    let archive = context.open_archive(Access::Create).await?;
    let (hours, work) = work(&args, context, archive.clone()).await?;
    let run = Run::begin(context, args.run, archive.clone(), Some(client.app()), work);
    let report = run.workshop.fetch(&client, hours, settled(args.again), &run.progress()).await;
    let mut exit = run.end(report).await?;
    if args.media && exit != Exit::Interrupted {
        exit = Exit::worst([exit, media::fetch::after_a_run(context, archive).await?]);
    }
    if !args.watch || context.stop.give_back() {
        return Ok(exit);
    }
    Ok(Exit::worst([exit, watch::run_all(context).await?]))
}

/// The hours, and what is to be done about them as far as it can be told now.
async fn work(args: &Args, context: &Context, archive: Archive) -> Result<(Hours, Work), CommandError> {
    let workshop = context.reading_room(archive, None, None);
    let hours = args.which.hours(&workshop).await?;
    let plan = workshop.plan(hours, settled(args.again)).await?;
    Ok((hours, work_of(&plan, context.settings.api.history_per_minute)))
}

fn work_of(plan: &Plan, calls_per_minute: u32) -> Work {
    let hours: BTreeSet<_> = plan.hours(|step| step.is_work()).collect();
    let steps = u32::try_from(hours.len()).unwrap_or(u32::MAX).max(1);
    let pace = time_under_quota(plan.calls(), calls_per_minute) / steps;
    Work { hours, source: Source::Service { pace } }
}
