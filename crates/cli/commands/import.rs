//! `annals import`.

mod from_archive;
mod journal;
mod lines;

use std::path::{Path, PathBuf};

use api::{Client, Import, ImportInto};
use chat::MessageId;
use clap::ValueHint;
use tokio_util::sync::CancellationToken;

use crate::commands::call::{CallArgs, Consent};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format, Rows};
use from_archive::RestoreArgs;
use journal::{Journal, State};
use lines::{Line, Lines};

/// Import messages into the service's history, those of another system or of an archive
///
/// Each line of the file is a JSON object in the form of the service's import: `from`, `target`, `type`, `body`, and perhaps `ext`,
/// `is_ack_read`, `msg_timestamp` (milliseconds since 1970) and `need_download`. All lines are checked before the first is sent.
///
/// A journal beside the file says of each line whether it was imported, and --resume goes on by it: what was imported is not sent
/// again. A line whose answer was lost may have been imported; it is not sent again either, but told, and the run ends there. It
/// asks first; where nobody can be asked it needs --yes.
///
/// With --from-archive, messages of the archive between users and of groups are played back into another app, oldest first in each
/// conversation, with their times, their files uploaded again. The archive keeps the journal: the same command goes on where the
/// last one ended, and sends none twice. What cannot be played back is counted by its reason. There --dry-run makes no call either, and
/// counts what would be done. docs/restore.md has all of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals import old.ndjson --to-users
  annals import old.ndjson --to-groups --yes --json
  annals import old.ndjson --to-users --resume
  annals import old.ndjson --to-users --dry-run
  annals import --from-archive --to-app harbor-org#beacon --to-settings beacon.toml --all --dry-run
  annals import --from-archive --to-app harbor-org#beacon --to-settings beacon.toml --query 'in:231904417783810' --yes
  annals import --from-archive --to-app harbor-org#beacon --since 2026-03-01 --map-users names.csv --left-out left-out.ndjson

Exit codes: 0 all are imported, but for what is left out knowingly; 2 a line is not in form (nothing was sent), a journal is in \
the way, the app is not the one that was meant, or nobody consented; 3 it is not known of a message whether it was imported, or \
the service could not be reached; 4 the service refused; 130 stopped.")]
pub(crate) struct Args {
    /// The file, one record a line
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "from_archive", conflicts_with = "from_archive")]
    file: Option<PathBuf>,

    /// The records are messages between two users; `target` is a user
    #[arg(long, required_unless_present_any = ["to_groups", "from_archive"], conflicts_with_all = ["to_groups", "from_archive"])]
    to_users: bool,

    /// The records are messages of groups; `target` is the id of a group
    #[arg(long, conflicts_with = "from_archive")]
    to_groups: bool,

    /// Go on by the journal of an import that was stopped
    #[arg(long, conflicts_with = "from_archive")]
    resume: bool,

    /// Where the journal is [default: FILE with `.journal` appended]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "from_archive")]
    journal: Option<PathBuf>,

    #[command(flatten)]
    consent: Consent,

    #[command(flatten)]
    call: CallArgs,

    // The last: its heading is for all that follow.
    #[command(flatten)]
    restore: RestoreArgs,
}

/// Imports messages.
///
/// # Errors
///
/// When a line is not in form, nobody consents, or the service refuses or cannot be reached.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let Some(file) = args.file.as_deref().filter(|_| !args.restore.from_archive) else {
        return from_archive::run(args.restore, args.consent, args.call, context).await;
    };
    let into = if args.to_groups { ImportInto::Groups } else { ImportInto::Users };
    let count = lines::checked(file, into, &context.limits(), &context.output)?;
    if args.call.dry_run {
        return show(file, into, args.call, context);
    }
    let client = context.client()?;
    let header = journal::Header::of(&client.app().to_string(), into);
    let journal = Journal::open(&args.journal_path(file), &header, args.resume)?;
    args.consent.ask(context, &format!("import {} into {}", journal.work(count), client.app()))?;
    let format = if args.call.json { Format::Jsonl } else { Format::Table };
    let rows = context.output.rows(format, &["line", "result", "msg_id", "reason"]);
    let (stop, report) = (context.stop.token(), Report { rows, tells_all: args.call.json, counts: Counts::default() });
    let mut work = Work { client: &client, into, journal, stop, report };
    let end = work.all(Lines::open(file)?).await;
    work.report.finish(end, context)
}

fn show(file: &Path, into: ImportInto, call: CallArgs, context: &Context) -> Result<Exit, CommandError> {
    let (base_url, limits) = (context.base_url()?, context.limits());
    for line in Lines::open(file)? {
        let line = line?;
        let preview = line.import()?.preview(into, base_url, &limits)?;
        context.show_call(&preview, call.json)?;
    }
    Ok(Exit::Done)
}

impl Args {
    fn journal_path(&self, file: &Path) -> PathBuf {
        self.journal.clone().unwrap_or_else(|| {
            let mut path = file.as_os_str().to_owned();
            path.push(".journal");
            path.into()
        })
    }
}

/// What an import is made with.
struct Work<'a> {
    client: &'a Client,
    into: ImportInto,
    journal: Journal,
    stop: CancellationToken,
    report: Report,
}

impl Work<'_> {
    /// Imports line by line, up to the end or to what ends the run.
    async fn all(&mut self, lines: Lines) -> Result<Exit, CommandError> {
        for line in lines {
            if self.stop.is_cancelled() {
                return Ok(Exit::Interrupted);
            }
            let line = line?;
            match self.journal.state(&line)? {
                Some(State::Imported(id)) => self.report.push(&line, "earlier", Some(&id), None)?,
                Some(State::Asked) => {
                    let reason = "an earlier run did not hear whether it was imported: look, and import it by itself";
                    self.report.push(&line, "in doubt", None, Some(reason.to_owned()))?;
                }
                Some(State::Declined) | None => self.one(&line).await?,
            }
        }
        Ok(Exit::Done)
    }

    async fn one(&mut self, line: &Line) -> Result<(), CommandError> {
        let import: Import = line.import()?;
        self.journal.will_ask(line)?;
        match self.client.import(self.into, &import).await {
            Ok(id) => {
                self.journal.imported(line, &id)?;
                self.report.push(line, "imported", Some(&id), None)
            }
            Err(error @ (api::Error::Declined { .. } | api::Error::Unfit(_))) => {
                self.journal.declined(line)?;
                self.report.push(line, "declined", None, Some(error.to_string()))
            }
            Err(error @ api::Error::Doubtful { .. }) => {
                self.report.push(line, "in doubt", None, Some(error.to_string()))?;
                Err(CommandError::from(error).while_doing(format!("could not import line {}", line.number)))
            }
            // Nothing was done: the line is sent by the next run.
            Err(error) => {
                self.journal.declined(line)?;
                Err(CommandError::from(error).while_doing(format!("could not import line {}", line.number)))
            }
        }
    }
}

/// What is told of the lines: in JSON of every one, otherwise of those that were not imported.
struct Report {
    rows: Rows,
    tells_all: bool,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    imported: u64,
    earlier: u64,
    declined: u64,
    in_doubt: u64,
}

impl Report {
    fn push(
        &mut self,
        line: &Line,
        result: &'static str,
        id: Option<&MessageId>,
        reason: Option<String>,
    ) -> Result<(), CommandError> {
        let is_fine = match result {
            "imported" => Counts::add(&mut self.counts.imported, true),
            "earlier" => Counts::add(&mut self.counts.earlier, true),
            "declined" => Counts::add(&mut self.counts.declined, false),
            _ => Counts::add(&mut self.counts.in_doubt, false),
        };
        if self.tells_all || !is_fine {
            let id = id.map(|id| id.as_str().to_owned());
            let number = i64::try_from(line.number).unwrap_or(i64::MAX);
            self.rows.push(&[Cell::Number(number), Cell::from(result), Cell::from(id), Cell::from(reason)])?;
        }
        Ok(())
    }

    /// Prints what is left, and the sum on stderr, however the run ended.
    fn finish(self, end: Result<Exit, CommandError>, context: &Context) -> Result<Exit, CommandError> {
        self.rows.finish()?;
        let Counts { imported, earlier, declined, in_doubt } = self.counts;
        context
            .output
            .note(format_args!("imported {imported}, earlier {earlier}, declined {declined}, in doubt {in_doubt}"));
        let told = [(declined, Exit::Refused), (in_doubt, Exit::HoursFailed)];
        let told = told.into_iter().filter(|(count, _)| *count > 0).map(|(_, exit)| exit);
        let end = end.map_err(|error| error.hint("annals import … --resume goes on behind the last line"))?;
        Ok(Exit::worst(told.chain([end])))
    }
}

impl Counts {
    fn add(count: &mut u64, is_fine: bool) -> bool {
        *count += 1;
        is_fine
    }
}
