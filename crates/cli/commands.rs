//! The commands: each file has its arguments and what it does.

mod call;
mod compact;
mod completions;
mod config;
mod coverage;
mod ddl;
mod dead_letters;
mod delete_conversation;
mod demo;
mod doctor;
mod download;
mod emulate;
mod export;
mod failure;
mod fetch;
mod help;
mod import;
mod index;
mod init;
mod load;
mod man;
mod media;
mod message;
mod open;
mod plan;
mod query;
mod recall;
mod run;
mod schema;
mod send;
mod show;
mod span;
mod spans;
mod sql;
mod status;
mod summary;
mod upload;
mod verdict;
mod verify;
mod watch;
mod which;
mod zone;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::monitoring::Watched;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Args),
    Init(init::Args),
    Doctor(doctor::Args),
    Plan(plan::Args),
    Fetch(fetch::Args),
    Load(load::Args),
    Status(status::Args),
    Query(query::Args),
    Show(show::Args),
    Watch(watch::Args),
    Sql(sql::Args),
    Index(index::Args),
    DeadLetters(dead_letters::Args),
    Export(export::Args),
    Ddl(ddl::Args),
    Schema(schema::Args),
    Verify(verify::Args),
    Compact(compact::Args),
    Send(Box<send::Args>),
    Upload(upload::Args),
    Download(download::Args),
    Media(media::Args),
    Recall(recall::Args),
    DeleteConversation(delete_conversation::Args),
    Import(import::Args),
    Emulate(emulate::Args),
    Config(config::Args),
    Completions(completions::Args),
    Man(man::Args),
    Help(help::Args),
}

impl Command {
    /// The folder of the archive unless `--archive` names one, for a command that keeps away from the user's own.
    #[must_use]
    pub(crate) fn own_archive(&self) -> Option<&'static str> {
        match self {
            Self::Demo(_) => Some(demo::ARCHIVE),
            _ => None,
        }
    }

    /// The command as machines are told of it; `None` for one that they are told nothing of.
    #[must_use]
    pub(crate) fn watched(&self) -> Option<Watched> {
        match self {
            Self::Fetch(args) => args.watched(),
            Self::Load(args) => Some(args.watched()),
            Self::Status(args) => args.watched(),
            _ => None,
        }
    }

    /// Settings that the command has flags of its own for, in the form of `--set`.
    #[must_use]
    pub(crate) fn settings(&self) -> Vec<String> {
        match self {
            Self::Init(args) => args.settings(),
            _ => Vec::new(),
        }
    }
}

/// Does what the command says.
///
/// # Errors
///
/// Those of the command.
pub(crate) async fn run(command: Command, context: &Context) -> Result<Exit, CommandError> {
    match command {
        Command::Demo(args) => demo::run(args, context).await,
        Command::Init(args) => init::run(args, context).await,
        Command::Doctor(args) => doctor::run(args, context).await,
        Command::Plan(args) => plan::run(args, context).await,
        Command::Fetch(args) => fetch::run(args, context).await,
        Command::Load(args) => load::run(args, context).await,
        Command::Status(args) => status::run(args, context).await,
        Command::Query(args) => query::run(args, context).await,
        Command::Show(args) => show::run(args, context).await,
        Command::Watch(args) => watch::run(args, context).await,
        Command::Sql(args) => sql::run(args, context).await,
        Command::Index(args) => index::run(args, context).await,
        Command::DeadLetters(args) => dead_letters::run(args, context).await,
        Command::Ddl(args) => ddl::run(args, context).await,
        Command::Export(args) => export::run(args, context).await,
        Command::Schema(args) => schema::run(args, context).await,
        Command::Verify(args) => verify::run(args, context).await,
        Command::Compact(args) => compact::run(args, context).await,
        Command::Send(args) => send::run(*args, context).await,
        Command::Upload(args) => upload::run(args, context).await,
        Command::Download(args) => download::run(args, context).await,
        Command::Media(args) => media::run(args, context).await,
        Command::Recall(args) => recall::run(args, context).await,
        Command::DeleteConversation(args) => delete_conversation::run(args, context).await,
        Command::Import(args) => import::run(args, context).await,
        Command::Emulate(args) => emulate::run(args, context).await,
        Command::Config(args) => config::run(args, context).await,
        Command::Completions(args) => completions::run(args, context).await,
        Command::Man(args) => man::run(args, context).await,
        Command::Help(args) => help::run(args, context).await,
    }
}
