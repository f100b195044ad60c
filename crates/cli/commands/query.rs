//! `annals query`.

use clap::ValueEnum;

use crate::commands::span::TimeSpan;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::FormatArgs;

/// Search the messages
///
/// Words must all be there, in any order; words in double quotes as they stand. In Chinese, Japanese, Korean, Thai and the like
/// any piece of text is found, one character is enough. Case, width and accents do not matter, nor does it whether Chinese is
/// written in traditional or simplified characters. Filters: `from:` and `to:` a user, `in:` a conversation, group, room or
/// thread, `type:` one of txt img audio video file loc cmd custom combine event unknown. Without words, everything that the
/// filters let through is found.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals query harbour lantern
  annals query '\"see you\" from:mara' --since 2026-03-01
  annals query 港口 --limit 5
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
        self.words.join(" ")
    }
}

/// Hits are held in memory until they are printed.
const MOST: usize = 100_000;

fn limit(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("it is a whole number from 1 to {MOST}"))
}

/// Searches.
///
/// # Errors
///
/// When the query is malformed, or there is no archive.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let _ = (args.text(), args.span.bounds()?, args.limit, args.order, args.format.chosen(&context.output));
    Err(CommandError::unfinished("query"))
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

    #[test]
    fn a_limit_is_a_number_that_fits_memory() {
        assert_eq!(limit("100000"), Ok(MOST));
        for text in ["0", "100001", "-1", "all"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }
}
