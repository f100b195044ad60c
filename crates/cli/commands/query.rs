//! `annals query`.

use std::borrow::Cow;

use clap::ValueEnum;
use unicode_width::UnicodeWidthStr as _;

use index::{Query, QueryError};
use query::{Answer, Library, Question};
use store::Access;

use crate::commands::message::{COLUMNS, cells, gist};
use crate::commands::span::TimeSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::negation::unshielded;
use crate::output::{Cell, Format, FormatArgs, visible};

/// Search the messages
///
/// Words must all be there, in any order; words in double quotes as they stand. In Chinese, Japanese, Korean, Thai and the like
/// any piece of text is found, one character is enough. Case, width and accents do not matter, nor does it whether Chinese is
/// written in traditional or simplified characters. OR, - or NOT, and parentheses combine; `har*` are words that begin like
/// this, `slipwy~1` words that are nearly this, `/colou?r/` is a regular expression.
///
/// Fields: `from:` `to:` `with:` a user, `in:` a conversation, group, room or thread, `chat:` chat, group, room or thread,
/// `type:` one of txt img audio video file loc cmd custom combine event unknown, `has:` attachment, location or thumbnail,
/// `file:` a file name, `event:` `custom:` a name, `ext.key:` an attribute, `after:` `before:` `on:` a time. Without words,
/// everything that the fields let through is found. `annals help query-language` tells it all, with examples.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals query harbour lantern
  annals query '\"see you\" from:mara' --since 2026-03-01
  annals query 港口 --limit 5
  annals query '(harbour OR lantern) -type:img after:7d'
  annals query 'in:groupchat:231904417783810 type:img' --order newest --format csv

Exit codes: 0 something was found; 1 nothing was.")]
pub(crate) struct Args {
    /// What to search for
    #[arg(value_name = "QUERY", required = true)]
    words: Vec<String>,

    #[command(flatten)]
    pub(crate) span: TimeSpan,

    /// How many messages to print at the most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = limit)]
    pub(crate) limit: usize,

    /// In which order
    #[arg(long, value_enum, default_value_t = Order::Relevance)]
    pub(crate) order: Order,

    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// In which order hits are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// The best first
    Relevance,
    /// The latest first
    Newest,
    /// The earliest first
    Oldest,
}

impl Args {
    /// The query as one text.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| unshielded(word)).collect();
        words.join(" ")
    }
}

/// Hits are held in memory until they are printed.
const MOST: usize = 100_000;

/// Reads how many rows are to be printed at the most.
pub(super) fn limit(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("it is a whole number from 1 to {MOST}"))
}

/// Searches.
///
/// # Errors
///
/// When the query is malformed, or there is no archive.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let (since, until) = args.span.bounds()?;
    let text = args.text();
    let query = Query::parse_at(&text, context.clock.now()).map_err(|error| pointed_at(&text, &error))?;
    let archive = context.open_archive(Access::Existing).await?;
    context.index_what_is_behind(&archive).await?;
    if context.stop.give_back() {
        return Ok(Exit::Interrupted);
    }
    let library = Library::new(archive, context.read_catalogue().map_err(CommandError::from)?);
    let question = Question { query: query.clone(), since, until, limit: args.limit, order: args.order.into() };
    let answer = library.ask(&question).await?;
    if !answer.not_indexed.is_empty() {
        context.output.warn(format_args!(
            "{} archived hours are not indexed yet and were not searched",
            answer.not_indexed.len()
        ));
    }
    let found = answer.hits.len();
    print(answer, &query, args.format.chosen(&context.output), context)?;
    Ok(if found == 0 { Exit::NothingFound } else { Exit::Done })
}

impl From<Order> for index::Order {
    fn from(order: Order) -> Self {
        match order {
            Order::Relevance => Self::Relevance,
            Order::Newest => Self::Newest,
            Order::Oldest => Self::Oldest,
        }
    }
}

/// The question with a mark under the place that is wrong.
pub(super) fn pointed_at(text: &str, error: &QueryError) -> CommandError {
    let range = error.at.clone();
    let before = text.get(..range.start).unwrap_or_default();
    let marked = text.get(range).unwrap_or_default();
    let mark = "^".repeat(visible(marked).width().max(1));
    let pad = " ".repeat(visible(before).width());
    let shown = visible(text);
    let cause = CommandError::usage(error.to_string()).while_doing("could not read the query");
    cause.hint(format!("it is here:\n        {shown}\n        {pad}{mark}"))
}

fn print(answer: Answer, query: &Query, format: Format, context: &Context) -> Result<(), CommandError> {
    let total = answer.total;
    let shown = answer.hits.len() as u64;
    if format == Format::Table {
        let mut rows = context.output.rows(format, &["sent_at", "sender", "conversation", "text"]);
        for hit in answer.hits {
            rows.push(&table_row(&hit.message, query))?;
        }
        rows.finish()?;
        if total > shown {
            context.output.note(format_args!("{shown} of {total} messages; --limit shows more"));
        }
        return Ok(());
    }
    let mut rows = context.output.rows(format, &COLUMNS);
    for hit in answer.hits {
        rows.push(&cells(hit.message))?;
    }
    Ok(rows.finish()?)
}

/// A hit as a row for a person.
pub(super) fn table_row(message: &chat::Message<'_>, query: &Query) -> [Cell; 4] {
    let text = gist(message);
    let marks = query.highlight(&text);
    let owned = |text: &Option<Cow<'_, str>>| Cell::from(text.as_deref().map(str::to_owned));
    [Cell::from(message.sent_at), owned(&message.sender), owned(&message.conversation), Cell::Marked { text, marks }]
}

#[cfg(test)]
mod tests {
    use chat::BodyType;
    use clap::Args as _;

    use super::*;

    #[test]
    fn the_help_knows_every_type() {
        let command = Args::augment_args(clap::Command::new("query"));
        let help = command.get_long_about().map(ToString::to_string).unwrap_or_default();
        for body in BodyType::ALL {
            assert!(help.contains(&format!(" {body}")), "{body}");
        }
    }

    /// Characters of Chinese are two columns wide, marks have no width.
    #[test]
    fn a_mistake_is_pointed_at_in_columns() {
        for (text, expected) in [
            ("tide form:x", "tide form:x\n             ^^^^^"),
            ("潮汐 form:x", "潮汐 form:x\n             ^^^^^"),
            ("e\u{301} type:潮汐", "e\u{301} type:潮汐\n               ^^^^"),
        ] {
            let error = Query::parse(text).unwrap_err();
            let shown = pointed_at(text, &error).render();
            assert!(shown.contains(expected), "{shown}");
        }
    }

    #[test]
    fn a_limit_is_a_number_that_fits_memory() {
        assert_eq!(limit("100000"), Ok(MOST));
        for text in ["0", "100001", "-1", "all"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
