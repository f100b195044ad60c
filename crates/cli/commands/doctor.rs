//! `annals doctor`.

use std::path::Path;

use api::{Availability, Client};
use chat::Hour;
use store::{Access, Place};

use crate::commands::zone;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format};

/// Check everything that archiving needs, and say what to do
///
/// Checks the archive's folder, the disk, the settings, the token, and with one call of the quota the address of the service
/// and, by the messages of an hour, the zone. Archives nothing; what a killed run left behind is put in order, as whenever an
/// archive is opened.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals doctor
  annals doctor --json")]
pub(crate) struct Args {
    /// Print one JSON object a check
    #[arg(long)]
    pub(crate) json: bool,
}

/// Checks.
///
/// # Errors
///
/// When a check cannot be made at all.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let mut checks = vec![folder(context).await, disk(context)];
    match context.client() {
        Err(error) => checks.push(Check::failed("settings", error)),
        Ok(client) => {
            checks.push(Check::passed("settings", format!("{} is to be archived", client.app())));
            let token = token(&client).await;
            // Without a token the service says the same once more.
            let is_let_in = token.error.is_none();
            checks.push(token);
            if is_let_in {
                checks.extend(service(&client, context).await);
            }
        }
    }
    let format = if args.json { Format::Jsonl } else { Format::Table };
    let mut rows = context.output.rows(format, &["check", "result", "detail"]);
    for check in &checks {
        let result = if check.error.is_some() { "failed" } else { "ok" };
        rows.push(&[Cell::from(check.name), Cell::from(result), Cell::from(check.detail.clone())])?;
    }
    rows.finish()?;
    let failed: Vec<CommandError> = checks.into_iter().filter_map(|check| check.error).collect();
    failed.iter().for_each(|error| context.output.error(error));
    Ok(Exit::worst(failed.iter().map(CommandError::exit)))
}

/// One thing that was looked at.
struct Check {
    name: &'static str,
    detail: String,
    error: Option<CommandError>,
}

impl Check {
    fn passed(name: &'static str, detail: String) -> Self {
        Self { name, detail, error: None }
    }

    fn failed(name: &'static str, error: CommandError) -> Self {
        Self { name, detail: error.in_one_line(), error: Some(error) }
    }
}

/// Whether the archive is there and ours alone, or can be made.
async fn folder(context: &Context) -> Check {
    if let Place::Bucket(bucket) = &context.place {
        return match context.try_archive(Access::Existing).await {
            Ok(_) => Check::passed("archive", format!("{bucket} can be read")),
            Err(store::Error::NoArchive { .. }) => {
                Check::passed("archive", format!("{bucket} can be read; the first run makes an archive of it"))
            }
            Err(error) => Check::failed("archive", error.into()),
        };
    }
    let path = &context.archive;
    if !path.exists() {
        return Check::passed("archive", format!("{} will be made by the first run", path.display()));
    }
    let is_archive = path.join("messages").exists();
    if is_archive && let Err(error) = context.open_archive(Access::Existing).await {
        return Check::failed("archive", error);
    }
    if let Err(error) = tempfile::tempfile_in(path) {
        let error = CommandError::usage(error).while_doing(format!("could not write into {}", path.display()));
        return Check::failed("archive", error.hint("give the folder to the user who runs annals"));
    }
    Check::passed("archive", format!("{} can be written", path.display()))
}

/// An archive needs room for the hour in hand three times over: served, sorted, and in the tables.
fn disk(context: &Context) -> Check {
    const LITTLE: u64 = 1 << 30;
    let there = context.archive.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    match rustix::fs::statvfs(there) {
        Err(error) => {
            let error = CommandError::usage(std::io::Error::from(error));
            Check::failed(
                "disk",
                error.while_doing(format!("could not ask how full the disk of {} is", there.display())),
            )
        }
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let detail = format!("{:.1} GiB are free", free as f64 / f64::from(1 << 30));
            if free < LITTLE {
                return Check::failed("disk", CommandError::usage(detail).hint("make room, or name another --archive"));
            }
            Check::passed("disk", detail)
        }
    }
}

async fn token(client: &Client) -> Check {
    match client.token().await {
        Ok(()) => Check::passed("token", "there is one".to_owned()),
        Err(error) => Check::failed("token", error.into()),
    }
}

/// One call of the quota, for an hour that is ready and not yet deleted, and a look into its file.
async fn service(client: &Client, context: &Context) -> Vec<Check> {
    let hours = &context.settings.hours;
    let now = context.clock.now();
    let hour = Hour::containing(now - hours.readiness.max(hours.first_try)).plus(-2);
    let zone = context.settings.api.zone;
    match client.locate(hour).await {
        Err(error) => vec![Check::failed("service", error.into())],
        Ok(Availability::Ready(links)) => {
            let service = Check::passed("service", format!("it has {hour} ({} there)", zone.key(hour)));
            let looked = match links.first() {
                Some(link) => zone::check(client, link, hour, zone).await,
                None => Ok("not to be told: the hour has no file".to_owned()),
            };
            vec![service, looked.map_or_else(|error| Check::failed("zone", error), |said| Check::passed("zone", said))]
        }
        Ok(Availability::Empty { .. }) => {
            let unknown = format!("not to be told from {hour}: ask again at a busier time");
            let empty = Check::passed("service", format!("it says that {hour} is empty"));
            vec![empty, Check::passed("zone", unknown)]
        }
        Ok(Availability::Unavailable { .. }) => {
            let error = CommandError::new(
                Exit::HoursFailed,
                format!("the service has no file for {hour}, although it should be ready"),
            );
            vec![Check::failed(
                "service",
                error.hint("if it is so for every hour, check ANNALS_API_ZONE and the setting hours.retention"),
            )]
        }
    }
}
