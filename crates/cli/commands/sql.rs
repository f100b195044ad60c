//! `annals sql`.

#[cfg(feature = "sql")]
mod ask;
#[cfg(feature = "sql")]
mod failure;
#[cfg(feature = "sql")]
mod prompt;
#[cfg(feature = "sql")]
mod target;

use std::path::PathBuf;

#[cfg(feature = "sql")]
pub(crate) use ask::{LOOKS, warn_of_what_was_not_searched};
use clap::ValueEnum;
#[cfg(feature = "sql")]
pub(crate) use failure::told;

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Ask the tables in SQL
///
/// Tables: `messages`, `hours` (what is known of each hour now), `dead_letters`, `attachments`, and the view `messages_once`,
/// which has each message once. The query sees the archive as it is when it begins, and only reads.
///
/// `search('harbour -type:img')` in place of a table are the messages that match, in the language of `annals query`, each once and
/// with its `score`. `matches('harbour')` in WHERE keeps the rows of `messages` that match; in a join,
/// `matches('harbour', m.line)` says whose rows. Both ask the search index, and only the files and rows are read that it names:
/// EXPLAIN shows them. `json_text(ext, '$.order.id')`, `json_int`, `json_float` and `json_bool` look into JSON, and
/// `conversation_kind`, `conversation_id` and `conversation_peer(conversation, user)` into the key of a conversation.
///
/// Without a query, on a terminal, one query after the other is typed, each up to its `;`: `.help` lists the commands of the
/// prompt, Tab completes names, Ctrl-C ends a query that runs, and Ctrl-D leaves.
///
/// Share secrets are left out unless --with-secrets is given. docs/sql.md has it all.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals sql 'SELECT sender, count(*) AS said FROM messages_once GROUP BY sender ORDER BY said DESC LIMIT 10'
  annals sql \"SELECT sent_at, sender, text FROM search('harbour lantern') ORDER BY score DESC LIMIT 5\"
  annals sql \"SELECT count(*) FROM messages WHERE matches('harbour') AND source_hour >= '2026031400'\"
  annals sql \"SELECT json_text(ext, '$.order.id') AS id, count(*) FROM messages GROUP BY id\" --format csv
  annals sql --file questions.sql --output answers.parquet
  annals sql
  annals sql \"EXPLAIN SELECT text FROM messages WHERE matches('harbour')\"

Exit codes: 0 done, also when there are no rows; 2 the query makes no sense, or something could not be read or written.")]
pub(crate) struct Args {
    /// The query; put it in quotes. Without it, on a terminal, queries are typed
    #[arg(value_name = "QUERY")]
    query: Option<String>,

    /// Read the query from this file; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    file: Option<PathBuf>,

    /// In which form: by default as the ending of FILE says, a table on a terminal, and JSON lines into a pipe
    #[arg(long, value_enum)]
    format: Option<Form>,

    /// Write the answer into this file, whole or not at all, instead of stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// With the share secrets of files: the columns `secret` and `thumb_secret`
    #[arg(long)]
    with_secrets: bool,

    /// Neither keep what is typed at the prompt for the next time, nor offer what was kept
    #[arg(long)]
    no_history: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Columns for a person
    Table,
    /// RFC 4180 with a header; nothing between two commas is null, "" is an empty text
    Csv,
    /// One JSON object a line
    Jsonl,
    /// Parquet
    Parquet,
    /// An Arrow IPC file
    Arrow,
}

/// Answers.
///
/// # Errors
///
/// When the query makes no sense, or something cannot be read or written.
#[cfg(feature = "sql")]
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    ask::run(args, context).await
}

/// Says that this program knows no SQL.
///
/// # Errors
///
/// Always.
#[cfg(not(feature = "sql"))]
pub(crate) async fn run(_args: Args, _context: &Context) -> Result<Exit, CommandError> {
    Err(is_missing())
}

/// What is said where SQL is asked for.
#[cfg(not(feature = "sql"))]
pub(super) fn is_missing() -> CommandError {
    CommandError::usage("this annals was built without SQL")
        .hint("take a released one, or build it with `cargo build --release --features sql`")
}
