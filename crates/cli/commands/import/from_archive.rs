//! `annals import --from-archive`: archived messages back into an app.

mod names;
mod report;

use std::path::PathBuf;

use api::Client;
use chat::{App, Timestamp, parse_time};
use clap::ValueHint;
use index::Query;
use query::export::{Choice, ExportError};
use restore::{Names, Restore, Survey, Target, Turn, Wishes};
use store::{Access, Archive, RestoreJournal, RestoreName, RestoreTurn};

use crate::commands::call::{CallArgs, Consent};
use crate::commands::query::pointed_at;
use crate::commands::span::TimeSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use report::{LeftOutFile, Report};

/// The flags of a restore.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "With --from-archive")]
pub(super) struct RestoreArgs {
    /// Play archived messages back into an app
    #[arg(long)]
    pub(super) from_archive: bool,

    /// The app that is restored into; it has to be the one that the settings name
    #[arg(long, value_name = "ORG#APP", required_if_eq("from_archive", "true"), requires = "from_archive")]
    to_app: Option<App>,

    /// The settings of that app: a file like annals.toml, in the place of the archive's and of the environment
    #[arg(long, value_name = "FILE", requires = "from_archive", value_hint = ValueHint::FilePath)]
    to_settings: Option<PathBuf>,

    /// Restore into the very app that the archive is of: its messages will be there twice
    #[arg(long, requires = "from_archive")]
    same_app: bool,

    /// Only messages that match, in the language of `annals query`
    #[arg(long, value_name = "QUERY", requires = "from_archive")]
    query: Option<String>,

    /// Only messages sent at or after this time: 2026-03-14, 2026-03-14T09, 2026031409 or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "from_archive")]
    since: Option<Timestamp>,

    /// Only messages sent before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "from_archive")]
    until: Option<Timestamp>,

    /// The whole archive
    #[arg(long, requires = "from_archive", conflicts_with_all = ["query", "since", "until"])]
    all: bool,

    /// Users with another name in the app: a CSV file with the header `from,to`
    #[arg(long, value_name = "FILE", requires = "from_archive", value_hint = ValueHint::FilePath)]
    map_users: Option<PathBuf>,

    /// Groups with another id in the app, where they have to be: a CSV file with the header `from,to`
    #[arg(long, value_name = "FILE", requires = "from_archive", value_hint = ValueHint::FilePath)]
    map_groups: Option<PathBuf>,

    /// Also messages whose files the archive does not have, with the addresses that these had
    #[arg(long, requires = "from_archive")]
    without_attachments: bool,

    /// Put the id that a message had into its `ext`, under this key
    #[arg(long, value_name = "KEY", requires = "from_archive", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    ext_key: Option<String>,

    /// Send messages again of which it is not known whether they were imported
    #[arg(long, requires = "from_archive")]
    repeat_doubtful: bool,

    /// Write a JSON object for each message that is not played back into this file
    #[arg(long, value_name = "FILE", requires = "from_archive", value_hint = ValueHint::FilePath)]
    left_out: Option<PathBuf>,

    /// Under which name the archive remembers what was restored [default: made of the app]
    #[arg(long, value_name = "NAME", requires = "from_archive")]
    name: Option<RestoreName>,
}

/// Restores.
///
/// # Errors
///
/// When something is asked for that there is not, nobody consents, or the service refuses or cannot be reached.
pub(super) async fn run(
    args: RestoreArgs,
    consent: Consent,
    call: CallArgs,
    context: &Context,
) -> Result<Exit, CommandError> {
    let query = args.query.as_ref().map(|text| read_query(text, context)).transpose()?;
    let choice = args.choice(query.as_ref())?;
    let names =
        Names { users: names::users(args.map_users.as_deref())?, groups: names::groups(args.map_groups.as_deref())? };
    let there = args.there(context)?;
    let app = args.app(&there)?;
    let client = if call.dry_run { None } else { Some(there.client()?) };
    let archive = context.open_archive(Access::Existing).await?;
    args.is_another(&archive, &app)?;
    let place = Place { archive: archive.clone(), name: args.name(&app), app };
    let journal = place.journal_if_any()?;
    let mut left_out = args.left_out.as_deref().map(LeftOutFile::create).transpose()?;
    let restore = Restore { archive, target: target(&there)?, names, wishes: args.wishes() };

    let (stop, mut written) = (context.stop.token(), Ok(()));
    let mut note = |row| {
        if written.is_ok() {
            written = left_out.iter_mut().try_for_each(|file| file.push(&row));
        }
    };
    let survey = restore.survey(choice, journal.as_ref(), &mut note, &|| stop.is_cancelled()).await;
    let survey = match survey {
        Err(restore::Error::Rows(ExportError::Stopped)) => return Ok(Exit::Interrupted),
        survey => survey?,
    };
    written?;
    let mut report = Report::new(&place, &survey, call.dry_run);
    if let Some(client) = client.filter(|_| survey.to_play() > 0) {
        // Whoever is asked may leave at once.
        if context.stop.give_back() {
            return Ok(Exit::Interrupted);
        }
        consent.ask(context, &report.question())?;
        let journal = journal.map_or_else(|| place.journal(), Ok)?;
        play(&restore, survey, &client, journal, &mut report, &mut left_out, context).await?;
    }
    if let Some(file) = left_out {
        file.finish()?;
    }
    report.finish(call.json, context)
}

async fn play(
    restore: &Restore,
    survey: Survey,
    client: &Client,
    journal: RestoreJournal,
    report: &mut Report,
    left_out: &mut Option<LeftOutFile>,
    context: &Context,
) -> Result<(), CommandError> {
    let (progress, stop) = (context.output.progress(survey.to_play(), "messages"), context.stop.token());
    let mut written = Ok(());
    let mut tell = |turn| {
        progress.advance(1);
        if let (Turn::LeftOut(row), Ok(())) = (turn, &written) {
            written = left_out.iter_mut().try_for_each(|file| file.push(&row));
        }
    };
    let played = restore.play(survey, client, journal, &mut tell, &stop).await;
    report.played(played, stop.is_cancelled());
    written
}

/// Where what was restored is remembered.
struct Place {
    archive: Archive,
    name: RestoreName,
    app: App,
}

impl Place {
    /// A journal that is there; a try does not make one.
    fn journal_if_any(&self) -> Result<Option<RestoreJournal>, CommandError> {
        self.archive.has_restore(&self.name)?.then(|| self.journal()).transpose()
    }

    fn journal(&self) -> Result<RestoreJournal, CommandError> {
        match self.archive.restore_journal(&self.name, &self.app)? {
            RestoreTurn::Ours(journal) => Ok(journal),
            RestoreTurn::Busy => Err(CommandError::usage(format!("another restore `{}` is at work", self.name))
                .hint("wait until it is done, then run the command again: it goes on where that one ended")),
            RestoreTurn::OfApp(other) => {
                let error = format!("the restore `{}` is one into {other}, not into {}", self.name, self.app);
                Err(CommandError::usage(error).hint("give this one another name with --name"))
            }
            RestoreTurn::Elsewhere => {
                let error = format!("the restore `{}` was begun on another machine, or its journal is lost", self.name);
                Err(CommandError::usage(error).hint(
                    "run it on that machine; under another --name it begins anew, and sends everything once more",
                ))
            }
        }
    }
}

impl RestoreArgs {
    fn choice<'a>(&self, query: Option<&'a Query>) -> Result<Choice<'a>, CommandError> {
        let (since, until) = TimeSpan::of(self.since, self.until).bounds()?;
        if query.is_none() && since.is_none() && until.is_none() && !self.all {
            return Err(CommandError::usage("it is not said which messages are meant")
                .hint("choose them with --query, --since or --until, or give --all for the whole archive"));
        }
        Ok(Choice { since, until, query })
    }

    /// What the client of the app is made with.
    fn there(&self, context: &Context) -> Result<Context, CommandError> {
        let settings = match &self.to_settings {
            Some(path) => context.settings.of_another_app(path).map_err(|error| {
                CommandError::from(error).while_doing(format!("could not read the settings {}", path.display()))
            })?,
            None => context.settings.clone(),
        };
        Ok(Context {
            archive: context.archive.clone(),
            clouds: context.clouds.clone(),
            place: context.place.clone(),
            state: context.state.clone(),
            settings,
            output: context.output.clone(),
            clock: context.clock.clone(),
            stop: context.stop.clone(),
            findings: context.findings.clone(),
        })
    }

    /// The app that the settings name, if it is the one that is meant.
    fn app(&self, there: &Context) -> Result<App, CommandError> {
        let app = api::app_of(there.base_url()?)?;
        match &self.to_app {
            Some(meant) if *meant != app => {
                Err(CommandError::usage(format!("the settings are those of {app}, and {meant} is to be restored into"))
                    .hint("give the settings of the other app with --to-settings, or set api.base_url to it"))
            }
            _ => Ok(app),
        }
    }

    fn is_another(&self, archive: &Archive, app: &App) -> Result<(), CommandError> {
        let is_same = archive.app().is_some_and(|own| own.to_string().eq_ignore_ascii_case(&app.to_string()));
        if !is_same || self.same_app {
            return Ok(());
        }
        let error = format!("the archive is of {app}: what is restored into it would be there twice");
        Err(CommandError::usage(error).hint("name another app, or give --same-app if you mean it"))
    }

    fn name(&self, app: &App) -> RestoreName {
        self.name.clone().unwrap_or_else(|| RestoreName::of(app))
    }

    fn wishes(&self) -> Wishes {
        Wishes {
            without_attachments: self.without_attachments,
            ext_key: self.ext_key.clone(),
            repeat_doubtful: self.repeat_doubtful,
        }
    }
}

fn target(there: &Context) -> Result<Target, CommandError> {
    Ok(Target {
        base_url: there.base_url()?.as_str().trim_end_matches('/').to_owned(),
        limits: there.limits(),
        file_life: there.settings.media.lifetime,
        clock: there.clock.handed_over(),
    })
}

fn read_query(text: &str, context: &Context) -> Result<Query, CommandError> {
    Query::parse_at(text, context.clock.now()).map_err(|error| pointed_at(text, &error))
}
