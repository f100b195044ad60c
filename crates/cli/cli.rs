//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser};

use crate::commands::Command;
use crate::output::{LogFormat, Talk};

/// Archives the message history of an Agora Chat / Easemob app and makes it searchable
///
/// The service deletes its hourly history files after a few days. Annals fetches them, keeps every byte, puts each
/// message into an open table (Delta Lake, Parquet), and searches them in any language.
#[derive(Debug, Parser)]
#[command(name = "annals", version, max_term_width = 100, disable_help_subcommand = true, after_help = EXAMPLES, after_long_help = MORE)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  annals demo                                             the whole way, on this machine alone
  annals fetch --since 2026-03-14 --until 2026-03-15      archive a day
  annals query '\"see you\" from:mara'                      search";

const MORE: &str = "\
Examples:
  annals demo                                             the whole way, on this machine alone
  annals fetch --since 2026-03-14 --until 2026-03-15      archive a day
  annals query '\"see you\" from:mara'                      search

Times are 2026-03-14, 2026-03-14T09, 2026031409 or RFC 3339, in UTC unless they say otherwise. A range of time has its \
beginning in it (--since) and its end not (--until).

Exit codes: 0 done, 1 a search found nothing, 2 usage or settings, 3 hours failed, 4 the service refused, 5 hours at \
risk, 6 hours lost, 70 a bug, 130 interrupted. The worst wins.

Settings come from `annals.toml` in the archive, from the environment (ANNALS_API_BASE_URL, ANNALS_API_TOKEN, …) and from \
--set; `annals config` lists them.";

/// The flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The folder of the archive, or s3://, gs:// or az:// with bucket and prefix [env: ANNALS_ARCHIVE] [default: archive]
    #[arg(long, value_name = "DIR", global = true, help_heading = HEADING)]
    pub(crate) archive: Option<PathBuf>,

    /// Set a setting for this run, such as `api.zone=+08:00`; can be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE", global = true, help_heading = HEADING)]
    pub(crate) set: Vec<String>,

    /// How notes, warnings, errors and log lines are written on stderr [default: text]
    #[arg(long, value_enum, value_name = "FORMAT", global = true, help_heading = HEADING)]
    log_format: Option<LogFormat>,

    /// Say nothing but warnings and errors
    #[arg(long, short, global = true, help_heading = HEADING)]
    quiet: bool,

    /// Log what is done to stderr; more with -vv and -vvv
    #[arg(long, short, action = ArgAction::Count, global = true, help_heading = HEADING)]
    pub(crate) verbose: u8,
}

const HEADING: &str = "Options of every command";

impl Global {
    /// How much to say.
    #[must_use]
    pub(crate) fn talk(&self) -> Talk {
        if self.quiet { Talk::Quiet } else { Talk::Normal }
    }

    /// The flags that are settings, in the form of `--set`.
    #[must_use]
    pub(crate) fn settings(&self) -> Vec<String> {
        let format = self.log_format.map(|format| format!("log.format={format}"));
        self.set.iter().cloned().chain(format).collect()
    }

    /// How stderr is written, as far as a flag says so.
    #[must_use]
    pub(crate) fn log_format(&self) -> LogFormat {
        self.log_format.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Cli::command().get_subcommands() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.contains(&format!("  annals {}", command.get_name())), "{}", command.get_name());
        }
    }

    #[test]
    fn every_example_can_be_parsed() {
        for command in Cli::command().get_subcommands() {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in after.lines().filter(|line| line.starts_with("  annals ")) {
                // Without the remark beside it, and what the shell does with the output.
                let example = line.trim_start().split("   ").next().unwrap_or_default();
                let example = example.split(['|', '>']).next().unwrap_or_default();
                let words = words(example);
                assert!(Cli::try_parse_from(&words).is_ok(), "{words:?}");
            }
        }
    }

    /// The words of a line as a shell would split it: at spaces, but not within quotes.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for letter in line.chars() {
            match (quote, letter) {
                (Some(open), _) if open == letter => quote = None,
                (None, '\'' | '"') => {
                    quote = Some(letter);
                    word.get_or_insert_default();
                }
                (None, ' ') => words.extend(word.take()),
                _ => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        words
    }
}
