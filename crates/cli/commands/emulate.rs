//! `annals emulate`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chat::{App, Hour, Timestamp, Zone, parse_time};
use emulator::{Clock, Customs, Emulator, Faults, History, Imports, Kind, Options, RecallFailure, Recalled, corpus};
use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::settings::parse_duration;

/// Run a Chat service on this machine, for tests and demonstrations
///
/// Speaks the message part of the Chat REST API: tokens, history links, signed file URLs that expire, sending, uploads and
/// downloads, recalls, edits, imports, with the documented rates and limits, and faults on demand. It serves a folder of
/// hour files, or a made-up history that is the same for the same --seed; what is sent through it is found in the file of
/// its hour. It runs until it is stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals emulate --listen 127.0.0.1:8080
  annals emulate --json --now 2026-03-15T12 --since 2026-03-14 --until 2026-03-15 --rate off
  annals emulate --state chat --messages-per-hour 0
  annals emulate --folder data --zone +08:00 --retention 3650d
  annals emulate --fault every:429=1,cut-body --fault 'random:0.05:503,expired-link'")]
pub(crate) struct Args {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,

    /// Print one line of JSON with `base_url` and a `token` that works
    #[arg(long)]
    pub(crate) json: bool,

    /// The app that it is the service of
    #[arg(long, value_name = "ORG#APP", default_value = "harbor-org#lantern")]
    pub(crate) app: App,

    /// What time it is when the service starts; its clock runs on from there
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) now: Option<Timestamp>,

    /// Serve the hour files of a folder, named by their hour in UTC: 2026031409.gz, 2026031409-1.gz, 2026031409.ndjson
    #[arg(long, value_name = "DIR", conflicts_with_all = ["seed", "messages_per_hour", "since", "until"])]
    pub(crate) folder: Option<PathBuf>,

    /// Which of the made-up histories to serve
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How many messages an hour of it has on the average
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    pub(crate) messages_per_hour: u64,

    /// The first hour of it; hours before it are empty
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Hour>,

    /// The hour behind its last one; hours from there on are empty
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Hour>,

    /// The zone in which hours are named
    #[arg(long, default_value = "UTC", allow_hyphen_values = true)]
    pub(crate) zone: Zone,

    /// How many history links a minute are given out, or `off`, which turns off the rates of all other methods too
    #[arg(long, value_name = "N|off", default_value = "10")]
    pub(crate) rate: Rate,

    /// How long after its end an hour is kept
    #[arg(long, value_name = "TIME", default_value = "3d", value_parser = parse_duration)]
    pub(crate) retention: Duration,

    /// How long after its end an hour is ready
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub(crate) ready_after: Duration,

    /// Keep what is sent and uploaded in this folder; without it, it is forgotten at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,

    /// The hour in which an imported message is found: that of its time, of the import, or none
    #[arg(long, value_name = "stamped|arrival|nowhere", default_value_t = Imports::Stamped)]
    pub(crate) imports: Imports,

    /// What becomes of the record of a recalled message
    #[arg(long, value_name = "stay|removed", default_value_t = Recalled::Stay)]
    pub(crate) recalled: Recalled,

    /// What is not found in hour files; can be repeated: cmd, online, directed, broadcast, event
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub(crate) leave_out: Vec<Kind>,

    /// How a recall that fails is answered: with a status, or with 200 and a list
    #[arg(long, value_name = "status|listed", default_value_t = RecallFailure::Status)]
    pub(crate) recall_failure: RecallFailure,

    /// How long after it was sent a message can be recalled without `force`
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = parse_duration)]
    pub(crate) recall_window: Duration,

    /// How long an uploaded file is kept
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = parse_duration)]
    pub(crate) file_life: Duration,

    /// What is to go wrong; can be repeated, see --help
    ///
    /// `2026031409:503,cut-body` concerns the first requests of that hour (UTC), in order; `every:reset` those of each hour;
    /// `random:0.05:503,hang` each further request with that probability, `random:0.05:7:503,hang` with the seed 7.
    ///
    /// Links: 401, 429, 429=SECONDS, 500, 502, 503, too-many-queries, hang, reset, cut-answer, expired-link.
    /// Files: file-500, file-503, file-hang, file-reset, cut-body, stalled-body, truncated-gzip, bad-crc.
    /// For good: members, padding, content-encoding, plain, parts=N, grows=TIME.
    #[arg(long, value_name = "FAULTS")]
    pub(crate) fault: Vec<String>,
}

/// How many history links a minute are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    /// As many as are asked for.
    Off,
    /// So many.
    PerMinute(u32),
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            _ if text == "off" => Ok(Self::Off),
            Ok(number) if number > 0 => Ok(Self::PerMinute(number)),
            _ => Err("it is a whole number from 1, or `off`".to_owned()),
        }
    }
}

/// Serves until stopped.
///
/// # Errors
///
/// When the address is taken, the folder cannot be read, or a fault is malformed.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let stop = context.stop.token();
    let json = args.json;
    let service = Emulator::start(args.options()?).await.map_err(CommandError::usage)?;
    if json {
        context.output.json(&json!({
            "base_url": service.base_url(),
            "app_id_url": service.app_id_url(),
            "token": service.token(),
            "client_id": service.client_id(),
            "client_secret": service.client_secret(),
            "app_id": service.app_id(),
            "app_certificate": service.app_certificate(),
        }))?;
    } else {
        context.output.line(format_args!("ANNALS_API_BASE_URL={}", service.base_url()))?;
        context.output.line(format_args!("ANNALS_API_TOKEN={}", service.token()))?;
        context.output.note("serving until stopped");
    }
    stop.cancelled().await;
    service.stop().await;
    Ok(Exit::Done)
}

impl Args {
    fn options(self) -> Result<Options, CommandError> {
        let faults = self.fault.join(";").parse::<Faults>().map_err(CommandError::usage)?;
        let history = match self.folder {
            Some(folder) => History::Folder(can_be_listed(folder)?),
            None => History::Generated(corpus::Options {
                seed: self.seed,
                messages_per_hour: self.messages_per_hour,
                since: self.since.unwrap_or(Hour::from_number(i64::MIN)),
                until: self.until.unwrap_or(Hour::from_number(i64::MAX)),
                ..corpus::Options::default()
            }),
        };
        let customs = Customs {
            imports: self.imports,
            recalled: self.recalled,
            left_out: self.leave_out.into_iter().collect(),
            recall_failure: self.recall_failure,
            recall_window: self.recall_window,
            file_life: self.file_life,
            ..Customs::default()
        };
        Ok(Options {
            state: self.state,
            customs,
            listen: self.listen,
            app: self.app,
            zone: self.zone,
            clock: self.now.map_or_else(Clock::real, Clock::running_from),
            rate_per_minute: match self.rate {
                Rate::Off => None,
                Rate::PerMinute(calls) => Some(calls),
            },
            retention: self.retention,
            ready_after: self.ready_after,
            history,
            faults,
            ..Options::default()
        })
    }
}

fn can_be_listed(folder: PathBuf) -> Result<PathBuf, CommandError> {
    match std::fs::read_dir(&folder) {
        Ok(_) => Ok(folder),
        Err(error) => {
            Err(CommandError::usage(error).while_doing(format!("could not read the folder {}", folder.display())))
        }
    }
}
