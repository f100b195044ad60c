//! `annals media fetch`.

use std::num::NonZero;
use std::ops::Range;

use api::Client;
use chat::Hour;
use ingest::{CutShort, Media, MediaReport};
use serde_json::json;
use store::{Access, Archive};

use crate::commands::span::HourSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::bytes;

/// Fetch attachments and thumbnails that are still to be had, the one that is deleted next first
///
/// Each is asked for once: what the service does not have any more, or does not give to us, is written down with its status. What
/// failed for another reason is tried again by the next run. It may be stopped at any time and goes on where it was. With --json
/// it prints one object: `listed` (hours looked through), `found`, `fetched`, `bytes`, `gone`, `denied`, `refused`, `failed`,
/// `pending`, `in_danger`, `interrupted`, `error`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    span: HourSpan,

    /// Ask again for those that were gone, denied, or refused by the settings
    #[arg(long)]
    again: bool,

    /// Print what was done as one JSON object on stdout
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let hours = args.span.range()?;
    let client = context.media_client()?;
    let archive = context.open_archive(Access::Existing).await?;
    let report = fetched(context, archive, &client, hours, args.again).await?;
    if args.json {
        context.output.json(&json_of(&report))?;
    }
    end(report, context)
}

/// Fetches what is to be had after the hours of a run, and says on stderr what came of it.
///
/// # Errors
///
/// When the archive cannot be used, or the service refuses.
pub(in crate::commands) async fn after_a_run(context: &Context, archive: Archive) -> Result<Exit, CommandError> {
    let client = context.media_client()?;
    let all = Hour::from_number(i64::MIN)..Hour::from_number(i64::MAX);
    end(fetched(context, archive, &client, all, false).await?, context)
}

async fn fetched(
    context: &Context,
    archive: Archive,
    client: &Client,
    hours: Range<Hour>,
    again: bool,
) -> Result<MediaReport, CommandError> {
    let settings = &context.settings.media;
    let workshop = context.workshop(archive, None, Some(client.app()));
    let media = Media {
        hours,
        thumbnails: settings.thumbnails,
        lifetime: settings.lifetime,
        workers: NonZero::new(settings.workers).unwrap_or(NonZero::<usize>::MIN),
        again,
    };
    let report = workshop.media(client, &media, &|_, _| ()).await;
    report.map_err(|error| CommandError::from(error).while_doing("could not fetch the attachments"))
}

fn end(report: MediaReport, context: &Context) -> Result<Exit, CommandError> {
    tell(&report, context);
    if let Some(error) = report.error {
        return Err(CommandError::from(error).while_doing("gave up fetching attachments"));
    }
    if report.cut_short == Some(CutShort::Interrupted) {
        context.output.warn("stopped before all attachments had their turn; run it again to go on");
        return Ok(Exit::Interrupted);
    }
    Ok(if report.in_danger > 0 { Exit::HoursFailed } else { Exit::Done })
}

fn tell(report: &MediaReport, context: &Context) {
    let MediaReport { fetched, gone, denied, refused, failed, pending, in_danger, .. } = report;
    context.output.note(format_args!(
        "attachments: {fetched} fetched ({}), {gone} gone, {denied} denied, {refused} refused, {failed} failed; {pending} still to be had",
        bytes(report.bytes)
    ));
    if *in_danger > 0 {
        context.output.warn(format_args!(
            "{in_danger} attachments will be gone before the next run: `annals media list --state pending` names them; run it again today"
        ));
    }
}

fn json_of(report: &MediaReport) -> serde_json::Value {
    json!({
        "version": 1,
        "listed": report.listed,
        "found": report.found,
        "fetched": report.fetched,
        "bytes": report.bytes,
        "gone": report.gone,
        "denied": report.denied,
        "refused": report.refused,
        "failed": report.failed,
        "pending": report.pending,
        "in_danger": report.in_danger,
        "interrupted": report.cut_short == Some(CutShort::Interrupted),
        "error": report.error.as_ref().map(ToString::to_string),
    })
}
