//! `annals demo`.

use std::num::NonZeroU32;
use std::time::Instant;

use api::{Client, Rate, TokenSource};
use chat::{Hour, Hours, Secret, Timestamp};
use emulator::{Clock, Emulator, Handle, History, Options, corpus};
use index::Query;
use ingest::{CutShort, Settled};
use query::{Library, Question};
use store::Access;

use crate::commands::query::table_row;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Format;

/// Where the archive of the demonstration is left.
pub(super) const ARCHIVE: &str = "demo-archive";

/// Show the whole way on this machine: a Chat service, a day archived, three searches
///
/// Starts a Chat service inside this process, archives a day of made-up messages from it over HTTP, indexes them, runs
/// three searches, and leaves the archive in the folder `demo-archive` (or the one that --archive names) to play with. No
/// account, token or network is needed, and no other archive is touched.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals demo
  annals demo --messages-per-hour 20000 --archive /tmp/big")]
pub(crate) struct Args {
    /// How many messages an hour has on the average
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) messages_per_hour: u64,

    /// Which of the made-up histories to use
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Runs the demonstration.
///
/// # Errors
///
/// When any step fails.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let output = &context.output;
    let began = Instant::now();
    let day = day_before_yesterday(context.clock.now());
    let service = Emulator::start(service(&args, day, context.clock.now())).await.map_err(CommandError::usage)?;
    output.line(format_args!("A Chat service of our own answers at {}.", service.base_url()))?;

    let client = client(&service, context)?;
    let archive = context.open_archive(Access::Create).await?;
    let workshop = context.workshop(archive.clone(), context.open_catalogue(), Some(client.app()));
    let range = Hours::between(day, day.plus(24));
    let report = workshop.fetch(&client, range, Settled::Keep, &|_, _| ()).await.map_err(CommandError::from)?;
    service.stop().await;
    if report.cut_short == Some(CutShort::Interrupted) {
        return Ok(Exit::Interrupted);
    }
    if let Some(failure) = report.failures.into_iter().next() {
        return Err(failure.error.into());
    }
    context.catch_up(&workshop).await;
    if context.stop.give_back() {
        return Ok(Exit::Interrupted);
    }
    let tally = &report.tally;
    output.line(format_args!(
        "Archived {} of 24 hours of {}: {} messages, {} duplicates dropped, {} dead letters kept, in {:.1} s.",
        report.published,
        day.date(),
        tally.messages,
        tally.duplicates,
        tally.dead_letters,
        began.elapsed().as_secs_f64()
    ))?;

    let library = Library::new(archive, context.read_catalogue().map_err(CommandError::from)?);
    let mut found = true;
    for text in SEARCHES {
        found &= search(&library, text, context).await?;
    }
    say_what_is_next(context)?;
    if found {
        Ok(Exit::Done)
    } else {
        Err(CommandError::new(Exit::Bug, "a search of the demonstration found nothing"))
    }
}

/// A word, a Chinese word, and a phrase; the made-up traffic of every day has them.
const SEARCHES: [&str; 3] = ["lighthouse", "白鹭", "\"seven herons\""];

/// A day that the service still keeps, and whose hours are all past their readiness.
fn day_before_yesterday(now: Timestamp) -> Hour {
    let hour = Hour::containing(now).plus(-48);
    hour.plus(-i64::from(hour.of_day()))
}

fn service(args: &Args, day: Hour, now: Timestamp) -> Options {
    let traffic = corpus::Options {
        seed: args.seed,
        messages_per_hour: args.messages_per_hour,
        since: day,
        until: day.plus(24),
        ..corpus::Options::default()
    };
    let history = History::Generated(traffic);
    Options { clock: Clock::running_from(now), rate_per_minute: None, history, ..Options::default() }
}

/// A client that waits for nothing: the service is ours.
fn client(service: &Handle, context: &Context) -> Result<Client, CommandError> {
    let base_url: url::Url = service.base_url().parse().map_err(CommandError::usage)?;
    let token = TokenSource::Static(Secret::new(service.token()));
    let mut config = api::Config::new(base_url, token, context.clock.handed_over());
    config.rate = Rate::per_minute(NonZeroU32::MAX);
    Ok(Client::new(config)?)
}

async fn search(library: &Library, text: &str, context: &Context) -> Result<bool, CommandError> {
    let query = Query::parse(text).map_err(|error| CommandError::usage(error.to_string()))?;
    let answer = library.ask(&Question { limit: 3, ..Question::new(query.clone()) }).await?;
    context.output.line(format_args!("\n$ annals query '{text}' --limit 3      # {} messages match", answer.total))?;
    let mut rows = context.output.rows(Format::Table, &["sent_at", "sender", "conversation", "text"]);
    for hit in &answer.hits {
        rows.push(&table_row(&hit.message, hit.changes, &query))?;
    }
    rows.finish()?;
    Ok(!answer.hits.is_empty())
}

fn say_what_is_next(context: &Context) -> Result<(), CommandError> {
    let folder = &context.place;
    Ok(context.output.line(format_args!(
        "\nThe archive is in {folder}. Try next:\n  \
         annals status --archive {folder}\n  \
         annals query 'from:admin type:cmd' --archive {folder}\n  \
         annals verify --archive {folder}\n\
         and for your own app:\n  \
         annals fetch --help"
    ))?)
}
