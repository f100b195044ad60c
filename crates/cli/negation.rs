//! `annals query -type:img`: a dash that negates and is no option.
//!
//! The parser of arguments takes whatever begins with a dash for options. What cannot be one is shielded from it by a space,
//! which the query is read without.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory as _};

use crate::cli::Cli;

/// The command whose words can be negated.
const COMMAND: &str = "query";

const SHIELD: &str = " ";

/// The arguments of a process, words of a query with a dash shielded.
pub(crate) fn shielded(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<_> = arguments.collect();
    // To ask which options there are takes a tenth of the time in which the program starts.
    if arguments.iter().filter_map(|argument| argument.to_str()).any(|text| after_one_dash(text).is_some()) {
        shield(&mut arguments, &Options::of_queries());
    }
    arguments
}

fn shield(arguments: &mut [OsString], options: &Options) {
    let (mut is_query, mut is_value) = (false, false);
    for argument in arguments {
        let negates =
            is_query && !is_value && argument.to_str().is_some_and(|text| is_negation(text, &options.letters));
        is_query |= argument == COMMAND;
        is_value = argument.to_str().is_some_and(|text| options.valued.iter().any(|option| option == text));
        if negates {
            let mut shielded = OsString::from(SHIELD);
            shielded.push(&*argument);
            *argument = shielded;
        }
    }
}

/// A word of a query as it was given.
pub(crate) fn unshielded(word: &str) -> &str {
    word.strip_prefix(SHIELD).filter(|word| word.starts_with('-')).unwrap_or(word)
}

/// The options of the command.
struct Options {
    /// The letters, and whether a value follows.
    letters: Vec<(char, bool)>,
    /// Those that a value follows, as they are written.
    valued: Vec<String>,
}

/// Names of options with values that no help tells.
const OLDER_NAMES: [&str; 1] = ["order"];

impl Options {
    fn of_queries() -> Self {
        let mut program = Cli::command();
        program.build();
        let options = || program.find_subcommand(COMMAND).map(Command::get_arguments).into_iter().flatten();
        let takes_values = |option: &&Arg| option.get_action().takes_values();
        let letter = |option: &Arg| Some((option.get_short()?, takes_values(&option)));
        let names = options().filter(takes_values).filter_map(Arg::get_long_and_visible_aliases).flatten();
        let valued = names.chain(OLDER_NAMES).map(|name| format!("--{name}")).collect();
        Self { letters: options().filter_map(letter).collect(), valued }
    }
}

/// What follows a single dash, if anything does.
fn after_one_dash(text: &str) -> Option<&str> {
    text.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with('-'))
}

/// Whether one dash stands before something that is not made of options' letters.
fn is_negation(text: &str, letters: &[(char, bool)]) -> bool {
    let Some(negated) = after_one_dash(text) else { return false };
    let option = |c: char| letters.iter().find(|(letter, _)| *letter == c);
    let begins_with_a_value = negated.chars().next().and_then(option).is_some_and(|(_, has_value)| *has_value);
    !begins_with_a_value && !negated.chars().all(|c| option(c).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_option_of_a_query_is_shielded() {
        let given = ["annals", "-v", "query", "-type:img", "-v", "-vq", "-hello", "--limit", "5", "-(a", "-", "-- x"];
        let expected =
            ["annals", "-v", "query", " -type:img", "-v", "-vq", " -hello", "--limit", "5", " -(a", "-", "-- x"];
        assert_eq!(shielded(given.into_iter().map(OsString::from)), expected);
        let other = ["annals", "show", "-type:img"];
        assert_eq!(shielded(other.into_iter().map(OsString::from)), other);
    }

    #[test]
    fn the_value_of_an_option_is_no_word() {
        let given = ["annals", "query", "--sort", "-time", "-hello", "--json", "-hello", "--order", "-time"];
        let expected = ["annals", "query", "--sort", "-time", " -hello", "--json", " -hello", "--order", "-time"];
        assert_eq!(shielded(given.into_iter().map(OsString::from)), expected);
    }

    #[test]
    fn a_letter_with_a_value_is_an_option_whatever_follows() {
        let letters = [('n', true), ('v', false)];
        for (text, expected) in [("-n5", false), ("-v", false), ("-vx", true), ("-x", true), ("x", false)] {
            assert_eq!(is_negation(text, &letters), expected, "{text}");
        }
    }

    #[test]
    fn the_query_is_what_was_given() {
        for (word, expected) in [(" -x", "-x"), ("-x", "-x"), (" x", " x"), ("", "")] {
            assert_eq!(unshielded(word), expected);
        }
    }
}
