//! `annals help`.

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Print the help of a command, or a page
///
/// The page `query-language` says what `annals query` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals help
  annals help fetch
  annals help query-language")]
pub(crate) struct Args {
    /// The command, or the page
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

/// The pages, which are those of the documentation.
const PAGES: [(&str, &str); 1] = [("query-language", include_str!("../../../docs/query-language.md"))];

/// Prints help.
///
/// # Errors
///
/// When there is no such command or page, or stdout takes nothing.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let page = PAGES.iter().find(|(name, _)| args.words == [*name]).map(|(_, page)| *page);
    match page {
        Some(page) => context.output.raw(page.as_bytes())?,
        None => context.output.raw(help_of(&args.words)?.as_bytes())?,
    }
    Ok(Exit::Done)
}

/// The help of a command, or of the program when none is named.
fn help_of(words: &[String]) -> Result<String, CommandError> {
    let mut command = Cli::command();
    command.build();
    for word in words {
        let found = command.find_subcommand(word).cloned();
        command = found.ok_or_else(|| no_such(word))?;
    }
    Ok(command.render_long_help().to_string())
}

fn no_such(word: &str) -> CommandError {
    let pages: Vec<_> = PAGES.iter().map(|(name, _)| format!("`{name}`")).collect();
    CommandError::usage(format!("there is no command and no page `{word}`"))
        .hint(format!("`annals --help` lists the commands; the pages are {}", pages.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_that_of_the_command() {
        let help = |words: &[&str]| help_of(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert!(help(&[]).unwrap().contains("annals demo"));
        assert!(help(&["fetch"]).unwrap().contains("--due"));
        assert!(help(&["fetsch"]).unwrap_err().render().contains("`query-language`"));
    }
}
