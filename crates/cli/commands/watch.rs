//! `annals watch`.

mod delivery;
mod edit;
mod run;

use std::str::FromStr;

use chat::Hour;
use clap::ValueEnum;
use store::{Access, WatchName};

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format, FormatArgs, Output};

pub(super) use run::all as run_all;

/// Keep searches, and be told what is new to them
///
/// A saved search has a name and stands in `annals.toml` of the archive, where it can be edited too. Each run looks through the
/// hours that were archived or published anew since its last one, and tells every message once: it is printed, or posted as
/// JSON where the search has a webhook. What could not be posted stays due. docs/watch.md has the form of what is posted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals watch add harbour 'harbour OR 港口'
  annals watch add spam 'type:txt (casino OR /kas[iy]no.*/)' --webhook https://hooks.example.com/spam
  annals watch add everything-of-mara from:mara_voss --from all
  annals watch list
  annals watch run
  annals watch run harbour --from 2026-03-14 --json
  annals watch remove harbour
  annals fetch --due --watch

Exit codes: 0 done, whether or not there was something new; 2 usage; 3 a search failed: its query is none, or its hits
could not be posted; 130 stopped.")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What to do with saved searches.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Save a search
    Add(AddArgs),
    /// Print the saved searches
    List {
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Forget a search, and what it has told
    Remove {
        /// Its name
        name: String,
    },
    /// Look for what is new to all saved searches, or to some
    Run(RunArgs),
}

/// A search to be saved.
#[derive(Debug, clap::Args)]
struct AddArgs {
    /// What it is called: lower-case letters, digits, dashes and underscores
    name: WatchName,

    /// What it searches for, as in `annals query`
    #[arg(value_name = "QUERY", required = true)]
    words: Vec<String>,

    /// Where its hits are posted to as JSON; they are printed without it
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,

    /// Look back, too: on hours from this one on, or on all; by default only on what is archived from now on
    #[arg(long, value_name = "HOUR|all")]
    from: Option<From>,
}

/// A run of saved searches.
#[derive(Debug, Default, clap::Args)]
struct RunArgs {
    /// Which searches to run; all without a name
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Look back: on hours from this one on, or on all. What was told is not told again
    #[arg(long, value_name = "HOUR|all")]
    from: Option<From>,

    /// In which form to print: by default a table on a terminal, and JSON lines into a file or a pipe
    #[arg(long, value_enum)]
    format: Option<Form>,

    /// The same as `--format jsonl`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// In which form hits are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Columns for a person
    Table,
    /// One JSON object a line
    Jsonl,
}

impl RunArgs {
    fn chosen(&self, output: &Output) -> Format {
        match self.format {
            Some(Form::Table) => Format::Table,
            Some(Form::Jsonl) => Format::Jsonl,
            None if self.json || !output.is_terminal() => Format::Jsonl,
            None => Format::Table,
        }
    }
}

/// How far a search looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// On all that is archived.
    All,
    /// On this hour and later ones.
    Hour(Hour),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            hour => hour.parse().map(Self::Hour).map_err(|error| format!("{error}; or write `all`")),
        }
    }
}

impl From {
    /// Whether it looks on an hour that was archived before.
    fn includes(self, hour: Hour) -> bool {
        match self {
            Self::All => true,
            Self::Hour(first) => first <= hour,
        }
    }
}

/// Saves searches, runs and forgets them.
///
/// # Errors
///
/// When there is no archive, no such search, or the settings file cannot be written.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    match args.what {
        What::Add(args) => edit::add(args, context).await,
        What::List { format } => list(format, context).await,
        What::Remove { name } => edit::remove(&name, context).await,
        What::Run(args) => run::run(&args, context).await,
    }
}

async fn list(format: FormatArgs, context: &Context) -> Result<Exit, CommandError> {
    let saved = context.settings.watches();
    // Searches stand in the settings: they are listed without an archive, too.
    let archive = if saved.is_empty() { None } else { context.open_archive(Access::Existing).await.ok() };
    let mut rows = context.output.rows(format.chosen(&context.output), &["name", "query", "webhook", "problem"]);
    for entry in saved {
        let text = |key| Cell::from(entry.shown(key).map(str::to_owned));
        let problem = run::problem(entry, archive.as_ref(), context).map(|error| error.in_one_line());
        rows.push(&[Cell::from(entry.name.as_str()), text("query"), text("webhook"), Cell::from(problem)])?;
    }
    rows.finish()?;
    if saved.is_empty() {
        context.output.note("no search is saved; `annals watch add NAME QUERY` saves one");
    }
    Ok(Exit::Done)
}

/// No saved search is called so.
fn unknown(name: &str, context: &Context) -> CommandError {
    let names = || context.settings.watches().iter().map(|entry| entry.name.as_str());
    let error = CommandError::usage(format!("no search is saved as `{name}`"));
    match crate::settings::nearest(name, names()) {
        Some(meant) => error.hint(format!("did you mean `{meant}`?")),
        None => error.hint("`annals watch list` names them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_back_begins_somewhere_or_has_no_end() {
        let hour: Hour = "2026031409".parse().unwrap();
        assert_eq!("all".parse(), Ok(From::All));
        let from: From = "2026-03-14T09".parse().unwrap();
        assert!(from.includes(hour) && from.includes(hour.next()) && !from.includes(hour.plus(-1)));
        assert!("yesterday".parse::<From>().unwrap_err().ends_with("; or write `all`"));
    }
}
