//! `annals query`.

mod chart;
mod chat_page;
mod counts;
mod cursor;
mod hits;
mod scope;

use std::path::PathBuf;

use clap::ValueEnum;
use unicode_width::UnicodeWidthStr as _;

use index::{By, Query, QueryError};
use query::{Answer, Library, Question};

use crate::commands::query::counts::{Facet, Stretch};
use crate::commands::query::cursor::Cursor;
use crate::commands::query::hits::Form;
use crate::commands::query::scope::Scope;
use crate::commands::span::TimeSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::negation::unshielded;
use crate::output::visible;

pub(super) use hits::{CHANGES, group_rows, marks, table_row};

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
///
/// Of all that matches, `--facet` and `--histogram` print counts in place of the messages, and `--count` the number alone. Counts
/// have each message once, whatever `--limit` and `--sort` say. A page that is not the last one ends with the cursor of the
/// next: on stderr, and in JSON lines as the member `cursor` of the last one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals query harbour lantern
  annals query '\"see you\" from:mara' --since 2026-03-01
  annals query 港口 --limit 5
  annals query '(harbour OR lantern) -type:img after:7d'
  annals query 'in:groupchat:231904417783810 type:img' --sort -time --format csv
  annals query slipway --context 3
  annals query --between mara_voss teo-77 --sort time
  annals query harbour --facet from --facet type --facet-limit 5
  annals query harbour --histogram day --svg harbour.svg
  annals query harbour --count
  annals query harbour --format html > harbour.html

Exit codes: 0 something was found; 1 nothing was.")]
pub(crate) struct Args {
    /// What to search for
    #[arg(value_name = "QUERY",
        required_unless_present_any = ["since", "until", "between", "thread", "facet", "histogram", "count"])]
    words: Vec<String>,

    #[command(flatten)]
    pub(crate) span: TimeSpan,

    #[command(flatten)]
    scope: Scope,

    /// How many messages to print at the most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = limit)]
    pub(crate) limit: usize,

    /// In which order: relevance, time (the earliest first) or -time (the latest first)
    #[arg(long = "sort", alias = "order", value_name = "ORDER", value_enum, default_value_t = Order::Relevance,
        allow_hyphen_values = true)]
    pub(crate) order: Order,

    /// Go on behind this place, with the same query; a page that is not the last one prints it
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    cursor: Option<String>,

    /// Print so many messages of the same conversation before and after each, too; not as Parquet
    #[arg(long, value_name = "N", value_parser = around)]
    context: Option<usize>,

    /// Print only how many messages match: the bare number, whatever the form of a list
    #[arg(long, conflicts_with_all = ["context", "cursor", "facet", "histogram"])]
    count: bool,

    /// Print how many of the messages have each sender, recipient, conversation, type or day; can be given several times
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with_all = ["context", "cursor"])]
    facet: Vec<Facet>,

    /// How many values of a facet to print at the most
    #[arg(long, value_name = "N", default_value_t = 10, requires = "facet")]
    facet_limit: usize,

    /// Print how many of the messages were sent in each hour, day, week (from Monday) or month, in UTC
    #[arg(long, value_enum, value_name = "UNIT", conflicts_with_all = ["context", "cursor"])]
    histogram: Option<Stretch>,

    /// Write the histogram as a drawing, too
    #[arg(long, value_name = "FILE", requires = "histogram")]
    svg: Option<PathBuf>,

    /// Print the score of each message, too, and say how the query was understood
    #[arg(long)]
    explain: bool,

    /// In which form to print: by default a table on a terminal, and JSON lines into a file or a pipe
    #[arg(long, value_enum)]
    format: Option<Form>,

    /// The same as `--format jsonl`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// In which order hits are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// The best first
    Relevance,
    /// The earliest first
    #[value(alias = "oldest")]
    Time,
    /// The latest first
    #[value(name = "-time", alias = "newest")]
    MinusTime,
}

impl Args {
    /// The query as one text.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| unshielded(word)).collect();
        words.join(" ")
    }

    fn counted_by(&self) -> Vec<By> {
        let facets = self.facet.iter().map(|facet| facet.by());
        facets.chain(self.histogram.map(Stretch::by)).collect()
    }

    /// Whether numbers are printed in place of messages.
    fn only_counts(&self) -> bool {
        self.count || !self.facet.is_empty() || self.histogram.is_some()
    }
}

/// Hits are held in memory until they are printed.
const MOST: usize = 100_000;

/// Messages on either side of a hit; each hit has its own.
const MOST_AROUND: usize = 1_000;

/// Reads how many rows are to be printed at the most.
pub(super) fn limit(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("it is a whole number from 1 to {MOST}"))
}

/// Reads how many messages are to be printed on either side.
pub(super) fn around(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (0..=MOST_AROUND).contains(number));
    number.ok_or_else(|| format!("it is a whole number from 0 to {MOST_AROUND}"))
}

/// Searches.
///
/// # Errors
///
/// When the query is malformed, or there is no archive.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    hits::refuse_what_has_no_place(&args, context)?;
    let text = args.text();
    let query = Query::parse_at(&text, context.clock.now()).map_err(|error| pointed_at(&text, &error))?;
    let query = args.scope.narrow(query)?;
    let question = question(&args, query, context)?;
    let (archive, catalogue) = context.open_for_search().await?;
    if context.stop.give_back() {
        return Ok(Exit::Interrupted);
    }
    let library = Library::new(archive, catalogue);
    let answer = library.ask(&question).await?;
    say_what_was_not_searched(&answer, context);
    if args.explain {
        context.output.note(format_args!("understood as: {}", question.query));
    }
    let exit = if answer.total == 0 { Exit::NothingFound } else { Exit::Done };
    if args.only_counts() {
        counts::print(&args, &answer, context)?;
        return Ok(exit);
    }
    let is_empty = answer.hits.is_empty();
    hits::print(&args, &question, answer, &library, context).await?;
    Ok(if is_empty { Exit::NothingFound } else { exit })
}

fn question(args: &Args, query: Query, context: &Context) -> Result<Question, CommandError> {
    let (since, until) = args.span.bounds()?;
    let after = args.cursor.as_deref().map(|token| Cursor::read(token, &asked(args))).transpose()?;
    Ok(Question {
        query,
        since,
        until,
        after,
        limit: if args.only_counts() { 0 } else { args.limit },
        order: args.order.into(),
        scored: args.explain,
        counted_by: args.counted_by(),
        projection: Form::chosen(args.format, args.json, &context.output).projection(),
    })
}

/// All that a cursor belongs to.
fn asked(args: &Args) -> String {
    format!("{:?}", (&args.words, args.span, &args.scope, args.order))
}

fn say_what_was_not_searched(answer: &Answer, context: &Context) {
    if !answer.not_indexed.is_empty() {
        context.output.warn(format_args!(
            "{} archived hours are not indexed yet and were not searched",
            answer.not_indexed.len()
        ));
    }
    if answer.counts_copies {
        context.output.warn("so many messages match that copies in later hours are counted too");
    }
}

impl From<Order> for index::Order {
    fn from(order: Order) -> Self {
        match order {
            Order::Relevance => Self::Relevance,
            Order::Time => Self::Oldest,
            Order::MinusTime => Self::Newest,
        }
    }
}

/// The question with a mark under the place that is wrong.
pub(super) fn pointed_at(text: &str, error: &QueryError) -> CommandError {
    let range = error.at.clone();
    let before = visible(&end(text.get(..range.start).unwrap_or_default()));
    let marked = visible(&beginning(text.get(range.clone()).unwrap_or_default()));
    let after = visible(&beginning(text.get(range.end..).unwrap_or_default()));
    let mark = "^".repeat(marked.width().max(1));
    let pad = " ".repeat(before.width());
    let shown = format!("{before}{marked}{after}");
    let cause = CommandError::usage(error.to_string()).while_doing("could not read the query");
    cause.hint(format!("it is here:\n        {shown}\n        {pad}{mark}"))
}

/// How many characters are shown of a mistake, and on either side of it.
const SHOWN: usize = 200;

fn beginning(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((length, _)) => format!("{}…", text.get(..length).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn end(text: &str) -> String {
    match text.char_indices().rev().nth(SHOWN) {
        Some((last, c)) => format!("…{}", text.get(last + c.len_utf8()..).unwrap_or_default()),
        None => text.to_owned(),
    }
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
    fn of_a_long_query_the_surroundings_of_the_mistake_are_shown() {
        let long = "tide ".repeat(1000);
        for (text, beginning) in [
            ("潮".repeat(20_000), "        潮潮"),
            (format!("form:x {long}"), "        form:x tide"),
            (format!("{long}form:x"), "        …tide"),
            (format!("\"{long}"), "        \"tide"),
        ] {
            let error = Query::parse(&text).unwrap_err();
            let shown = pointed_at(&text, &error).render();
            let lines: Vec<_> = shown.lines().skip_while(|line| !line.contains("it is here")).skip(1).collect();
            assert!(lines[0].starts_with(beginning) && lines[0].contains('…'), "{shown}");
            assert!(lines[1].ends_with('^') && shown.len() < 3000, "{shown}");
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
