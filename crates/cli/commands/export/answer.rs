//! `annals export --sql`.

use index::Catalogue;
use query::export::{AnswerError, AnswerExport, ExportError, Exported, Secrets};
use query::sql::{self, Database, Options, SqlError};
use store::{Access, Archive};

use super::{Args, Target, tell};
use crate::commands::sql::{LOOKS, told, warn_of_what_was_not_searched};
use crate::context::Context;
use crate::error::{CommandError, is_unread};
use crate::exit::Exit;
use crate::output::WriteError;

pub(super) async fn run(query: &str, args: &Args, target: &Target, context: &Context) -> Result<Exit, CommandError> {
    let export = AnswerExport {
        query: query.to_owned(),
        format: args.form(target).into(),
        options: args.options(context)?,
        program: super::PROGRAM.to_owned(),
    };
    if query.trim().is_empty() {
        return Err(CommandError::usage("there is no query").hint("`annals export --help` has examples"));
    }
    let archive = context.open_archive(Access::Existing).await?;
    // Taken for good: from here on a signal is looked for.
    let stop = context.stop.token();
    let catalogue = if sql::may_ask_index(query) { context.index_what_is_behind(&archive, None).await? } else { None };
    if stop.is_cancelled() {
        return Ok(Exit::Interrupted);
    }
    match ask(&export, &archive, catalogue.as_ref(), args, target, context).await {
        Err(Failure::Export(ExportError::Stopped)) => Ok(Exit::Interrupted),
        Err(failure) => Err(failure.told(query, *target == Target::Stdout)),
        Ok(exported) => tell(&exported, args.json, target, context),
    }
}

enum Failure {
    Export(ExportError),
    Command(CommandError),
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        Self::Export(error)
    }
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Export(error.into())
    }
}

impl Failure {
    fn told(self, query: &str, is_for_stdout: bool) -> CommandError {
        match self {
            Self::Command(error) => error,
            Self::Export(ExportError::Answer(AnswerError::Sql(error))) => told(error, query, is_for_stdout),
            Self::Export(error) if is_for_stdout && is_unread(&error) => {
                WriteError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).into()
            }
            Self::Export(error) => error.into(),
        }
    }

    /// Whether a file was replaced before anything was written that cannot be taken back.
    fn may_ask_again(&self, target: &Target) -> bool {
        matches!(self, Self::Export(ExportError::Answer(AnswerError::Sql(SqlError::Moving { has_begun })))
            if !has_begun || *target != Target::Stdout)
    }
}

async fn ask(
    export: &AnswerExport,
    archive: &Archive,
    catalogue: Option<&Catalogue>,
    args: &Args,
    target: &Target,
    context: &Context,
) -> Result<Exported, Failure> {
    let mut look = 1;
    loop {
        match once(export, archive, catalogue.cloned(), args, target, context).await {
            Err(failure) if failure.may_ask_again(target) && look < LOOKS => look += 1,
            done => return done,
        }
        catalogue.map_or(Ok(()), Catalogue::refresh).map_err(|error| Failure::Command(error.into()))?;
    }
}

async fn once(
    export: &AnswerExport,
    archive: &Archive,
    catalogue: Option<Catalogue>,
    args: &Args,
    target: &Target,
    context: &Context,
) -> Result<Exported, Failure> {
    let stop = context.stop.token();
    let is_stopped = || stop.is_cancelled();
    if let (Target::Folder(to), Some(name)) = (target, &args.since_last) {
        return Ok(export.since_last(archive, catalogue, to, name, &is_stopped).await?);
    }
    let database = Database::open(archive, catalogue, &export.options).await?;
    let exported = match target {
        Target::Folder(to) => export.to_folder(archive, &database, to, &is_stopped).await,
        Target::File(to) => export.to_file(archive, &database, to, &is_stopped).await,
        Target::Stdout => export.to_stream(archive, &database, context.output.stream(), &is_stopped).await,
    };
    warn_of_what_was_not_searched(database.not_searched(), context);
    Ok(exported?)
}

impl Args {
    fn options(&self, context: &Context) -> Result<Options, CommandError> {
        let mask = self.mask_key.as_ref().map(|path| self.mask(path, context)).transpose()?;
        let secrets = if self.with_secrets { Secrets::Kept } else { Secrets::LeftOut };
        Ok(Options { secrets, mask, ..context.sql_options() })
    }
}

impl From<AnswerError> for CommandError {
    fn from(error: AnswerError) -> Self {
        let hint = match error {
            AnswerError::Sql(error) => return error.into(),
            AnswerError::Twins { .. } => "give one of them another name: `count(*) AS said`",
            AnswerError::NoHour => {
                "select it and group by it: when an hour is published anew, its rows take the place of those of before"
            }
            AnswerError::ForeignHour { .. } => "take the hour from the table `messages`, which has new hours alone",
            _ => "index them first, as `annals query` does, then run the command again",
        };
        Self::usage(error).hint(hint)
    }
}
