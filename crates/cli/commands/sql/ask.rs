//! A query, asked and answered.

use std::io::Read as _;
use std::path::Path;

use index::Catalogue;
use query::export::Secrets;
use query::sql::{self, Answer, Database, Options, SqlError, Value};
use store::{Access, Archive};

use super::failure::told;
use super::prompt::screen;
use super::target::{Target, write_whole};
use super::{Args, prompt};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format};

/// How often a query is asked anew because hours were published anew meanwhile, if nothing was written yet.
pub(crate) const LOOKS: usize = 5;

/// A query that is read from a file, in bytes.
const LONGEST_QUERY: u64 = 1 << 20;

/// Rows of a table for a person; they are held until they are printed.
const MOST_IN_TABLE: usize = 100_000;

/// Rows of a table at the prompt.
const MOST_ON_SCREEN: usize = 1_000;

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    if args.query.is_none() && args.file.is_none() {
        return prompt::run(&args, context).await;
    }
    let target = Target::of(args.format, args.output, context)?;
    let query = match (args.query, &args.file) {
        (None, Some(path)) => read(path)?,
        (query, _) => query.unwrap_or_default(),
    };
    if query.trim().is_empty() {
        return Err(CommandError::usage("there is no query").hint("`annals sql --help` has examples"));
    }
    let (archive, catalogue) = if sql::may_ask_index(&query) {
        context.open_for_search().await?
    } else {
        (context.open_archive(Access::Existing).await?, None)
    };
    let stop = context.stop.token();
    let secrets = if args.with_secrets { Secrets::Kept } else { Secrets::LeftOut };
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(Exit::Interrupted),
        done = ask(&query, &archive, catalogue.as_ref(), secrets, &target, context) => done.map(|_| Exit::Done),
    }
}

fn read(path: &Path) -> Result<String, CommandError> {
    let mut query = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(LONGEST_QUERY + 1).read_to_string(&mut query)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LONGEST_QUERY + 1).read_to_string(&mut query))
    };
    let doing = || format!("could not read the query from {}", path.display());
    match read {
        Ok(bytes) if bytes as u64 > LONGEST_QUERY => {
            Err(CommandError::usage("it is longer than a megabyte").while_doing(doing()))
        }
        Ok(_) => Ok(query),
        Err(error) => Err(CommandError::usage(error).while_doing(doing())),
    }
}

/// Asks, with the index if the query may ask it, and writes the answer to the target. Says how many rows it has, or were shown of it.
pub(super) async fn ask(
    query: &str,
    archive: &Archive,
    catalogue: Option<&Catalogue>,
    secrets: Secrets,
    target: &Target,
    context: &Context,
) -> Result<u64, CommandError> {
    let options = Options { secrets, ..context.sql_options() };
    let mut look = 0;
    loop {
        look += 1;
        if look > 1 {
            catalogue.map_or(Ok(()), Catalogue::refresh).map_err(CommandError::from)?;
        }
        let database = Database::open(archive, catalogue.cloned(), &options).await?;
        let answered = match database.ask(query).await {
            Ok(answer) => write(answer, target, context).await,
            Err(error) => Err(error),
        };
        if answered.as_ref().is_err_and(|error| may_ask_again(error, target)) && look < LOOKS {
            continue;
        }
        warn_of_what_was_not_searched(database.not_searched(), context);
        return match answered.map_err(|error| told(error, query, !matches!(target, Target::File(..))))? {
            Written::Whole(rows) => Ok(rows),
            Written::Table(table) => table.print(target, context),
        };
    }
}

/// Whether a file was replaced before anything was written that cannot be taken back.
fn may_ask_again(error: &SqlError, target: &Target) -> bool {
    matches!(error, SqlError::Moving { has_begun } if !has_begun || matches!(target, Target::File(..)))
}

pub(crate) fn warn_of_what_was_not_searched(hours: usize, context: &Context) {
    if hours > 0 {
        context.output.warn(format_args!("{hours} archived hours are not indexed yet and were not searched"));
    }
}

/// Writes the answer; a table is only collected.
async fn write(answer: Answer, target: &Target, context: &Context) -> Result<Written, SqlError> {
    match target {
        Target::File(path, form) => write_whole(path, answer, *form).await.map(Written::Whole),
        Target::Stdout(form) => answer.write(*form, context.output.stream()).await.map(Written::Whole),
        Target::Table => Table::of(answer, MOST_IN_TABLE).await.map(Written::Table),
        Target::Screen => Table::of(answer, MOST_ON_SCREEN).await.map(Written::Table),
    }
}

enum Written {
    Whole(u64),
    Table(Table),
}

/// An answer for a person.
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    are_more: bool,
}

impl Table {
    async fn of(mut answer: Answer, most: usize) -> Result<Self, SqlError> {
        let mut table = Self { columns: answer.columns(), rows: Vec::new(), are_more: false };
        while let Some(batch) = answer.next().await? {
            table.rows.extend(batch.values()?);
            if table.rows.len() > most {
                table.rows.truncate(most);
                table.are_more = true;
                break;
            }
        }
        Ok(table)
    }

    fn print(self, target: &Target, context: &Context) -> Result<u64, CommandError> {
        let (count, are_more) = (self.rows.len(), self.are_more);
        match target {
            Target::Screen => screen::print(&self.columns, &self.rows, context)?,
            _ => self.print_whole(context)?,
        }
        if are_more {
            context.output.note(format_args!("these are the first {count} rows: --format csv prints all"));
        }
        Ok(count as u64)
    }

    fn print_whole(self, context: &Context) -> Result<(), CommandError> {
        let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let mut rows = context.output.rows(Format::Table, &columns);
        for row in self.rows {
            rows.push(&row.into_iter().map(cell).collect::<Vec<_>>())?;
        }
        Ok(rows.finish()?)
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Nothing => Cell::Nothing,
        Value::Text(text) => Cell::Text(text),
    }
}

impl Context {
    /// What a query may use, and sees of the archive unless it says otherwise.
    pub(crate) fn sql_options(&self) -> Options {
        let settings = &self.settings.sql;
        Options {
            memory: settings.memory,
            temp: settings.temp.clone().unwrap_or_else(|| self.archive.join("tmp")),
            secrets: Secrets::LeftOut,
            mask: None,
            now: self.clock.now(),
        }
    }
}
