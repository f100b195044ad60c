//! `annals sql` on a terminal: one query after the other is typed. Each sees the archive as it is then.

mod commands;
mod completion;
mod input;
pub(super) mod screen;

use std::cell::RefCell;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use commands::Reply;
use completion::Words;
use index::Catalogue;
use input::Request;
use query::export::Secrets;
use query::sql::{self, Database, Options, TableColumns};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Editor, Helper};
use store::{Access, Archive};
use tokio_util::sync::CancellationToken;

use super::ask::ask;
use super::target::Target;
use super::{Args, Form};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

const PROMPT: &str = "annals> ";

/// In the folder for what all runs of this user share.
const HISTORY: &str = "sql_history";

/// Queries that are kept for the next time.
const MOST_KEPT: usize = 1_000;

/// Asks for queries and answers them until there are no more.
pub(super) async fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    if !(io::stdin().is_terminal() && context.output.is_terminal()) {
        let error = CommandError::usage("there is no query, and no terminal on which one could be typed");
        return Err(error.hint("put it in quotes, or give --file FILE; --file - reads it from stdin"));
    }
    if args.output.is_some() {
        let error = CommandError::usage("answers to what is typed are shown on the terminal");
        return Err(error.hint("give the query with --output, or use `annals export --sql`"));
    }
    let prompt = Prompt::open(args, context).await?;
    let mut lines = Lines::new(&prompt.tables, &prompt.functions, history(args, context))?;
    context.output.note("type a query and end it with ; or .help; Ctrl-D leaves");
    loop {
        // One that is struck too early or too late ends nothing, and not the program.
        let idle = context.stop.turn();
        let Some(text) = lines.next(context)? else { return Ok(Exit::Done) };
        let turn = if idle.is_cancelled() { context.stop.turn() } else { idle };
        for request in input::requests(&text) {
            match prompt.serve(request, &turn).await {
                Ok(Reply::Lines(text)) => context.output.raw(text.as_bytes())?,
                Ok(Reply::Goodbye) => return Ok(Exit::Done),
                Err(error) if error.is_broken_pipe() => return Err(error),
                Err(error) => context.output.error(&error),
            }
            // Asked only now, so that one that is struck before its query has begun is answered for as well.
            if turn.is_cancelled() {
                break;
            }
        }
    }
}

/// The file of the history, if there is to be one.
fn history(args: &Args, context: &Context) -> Option<PathBuf> {
    let folder = context.state.as_ref().filter(|_| !args.no_history)?;
    Some(folder.join(HISTORY))
}

/// What a query is answered with.
struct Prompt<'a> {
    context: &'a Context,
    archive: Archive,
    /// That of the last search.
    catalogue: RefCell<Option<Catalogue>>,
    target: Target,
    secrets: Secrets,
    tables: Vec<TableColumns>,
    functions: Vec<String>,
}

impl<'a> Prompt<'a> {
    async fn open(args: &Args, context: &'a Context) -> Result<Self, CommandError> {
        let target = match args.format {
            None | Some(Form::Table) => Target::Screen,
            format => Target::of(format, None, context)?,
        };
        let secrets = if args.with_secrets { Secrets::Kept } else { Secrets::LeftOut };
        let archive = context.open_archive(Access::Existing).await?;
        let options = Options { secrets, ..context.sql_options() };
        let database = Database::open(&archive, None, &options).await?;
        let (tables, functions) = (database.columns().await?, database.functions());
        Ok(Self { context, archive, catalogue: RefCell::default(), target, secrets, tables, functions })
    }

    async fn serve(&self, request: Request<'_>, turn: &CancellationToken) -> Result<Reply, CommandError> {
        match request {
            Request::Command(name, argument) => commands::reply(name, argument, &self.tables),
            Request::Statement(query) => self.answer(query, turn).await.map(|()| Reply::Lines(String::new())),
        }
    }

    async fn answer(&self, query: &str, turn: &CancellationToken) -> Result<(), CommandError> {
        let began = Instant::now();
        tokio::select! {
            biased;
            () = turn.cancelled() => self.context.output.note("the query was ended"),
            rows = self.rows(query) => {
                let (rows, took) = (rows?, began.elapsed().as_secs_f64());
                let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
                self.context.output.note(format_args!("{rows} in {took:.3} s"));
            }
        }
        Ok(())
    }

    async fn rows(&self, query: &str) -> Result<u64, CommandError> {
        let catalogue = if sql::may_ask_index(query) { self.catalogue().await? } else { None };
        ask(query, &self.archive, catalogue.as_ref(), self.secrets, &self.target, self.context).await
    }

    /// The index, up to date; it stays open for the next query.
    async fn catalogue(&self) -> Result<Option<Catalogue>, CommandError> {
        let known = self.catalogue.take();
        let catalogue = self.context.index_what_is_behind(&self.archive, known).await?;
        self.catalogue.replace(catalogue.clone());
        Ok(catalogue)
    }
}

/// What is typed.
struct Lines {
    editor: Editor<Face, DefaultHistory>,
    history: Option<PathBuf>,
}

impl Lines {
    fn new(tables: &[TableColumns], functions: &[String], history: Option<PathBuf>) -> Result<Self, CommandError> {
        let config = Config::builder().completion_type(CompletionType::List).history_ignore_space(true);
        let config = config.max_history_size(MOST_KEPT).map_err(unreadable)?.build();
        let mut editor = Editor::with_config(config).map_err(unreadable)?;
        editor.set_helper(Some(Face(Words::new(tables.to_vec(), functions.to_vec()))));
        let mut lines = Self { editor, history };
        lines.recall();
        Ok(lines)
    }

    /// The next text; `None` when there are no more.
    fn next(&mut self, context: &Context) -> Result<Option<String>, CommandError> {
        loop {
            match tokio::task::block_in_place(|| self.editor.readline(PROMPT)) {
                Ok(text) => {
                    self.keep(&text, context);
                    return Ok(Some(text));
                }
                // What was begun is given up, or the terminal has another size.
                Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => {}
                Err(ReadlineError::Eof) => return Ok(None),
                Err(error) => return Err(unreadable(error)),
            }
        }
    }

    /// Offers what was kept. A history that cannot be read is one that is not there.
    fn recall(&mut self) {
        if let Some(path) = &self.history {
            self.editor.load_history(path).ok();
        }
    }

    /// Keeps a text for the next time; if that fails, this is said once.
    fn keep(&mut self, text: &str, context: &Context) {
        let is_new = self.editor.add_history_entry(text).unwrap_or(false);
        let Some(path) = self.history.as_deref().filter(|_| is_new) else { return };
        if let Err(error) = append(&mut self.editor, path) {
            context.output.warn(format_args!("could not write {}: {error}", path.display()));
            self.history = None;
        }
    }
}

fn append(editor: &mut Editor<Face, DefaultHistory>, path: &Path) -> rustyline::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    editor.append_history(path)
}

fn unreadable(error: ReadlineError) -> CommandError {
    CommandError::usage(error).while_doing("could not read from the terminal")
}

/// How the line editor asks what may be typed.
struct Face(Words);

impl Completer for Face {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        place: usize,
        _context: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.0.complete(line.get(..place).unwrap_or(line)))
    }
}

impl Validator for Face {
    fn validate(&self, typed: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let is_whole = input::is_whole(typed.input());
        Ok(if is_whole { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Face {
    type Hint = String;
}

impl Highlighter for Face {}

impl Helper for Face {}
