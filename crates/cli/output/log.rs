//! What is said on stderr, as machines read it.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use serde::Serialize;

use crate::clock::Clock;
use crate::error::CommandError;

/// How stderr is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(word, false)
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// A line in the form of the log lines.
#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    message: &'a str,
    /// Advice, which errors alone have.
    #[serde(skip_serializing_if = "Option::is_none")]
    hints: Option<&'a [String]>,
    target: &'static str,
}

/// A note or a warning as one line of JSON.
pub(super) fn line(level: &'static str, message: &str) -> String {
    written(level, message, None)
}

/// An error, with its advice, as one line of JSON.
pub(super) fn error_line(error: &CommandError) -> String {
    written("ERROR", &error.in_one_line(), Some(error.hints()))
}

fn written(level: &'static str, message: &str, hints: Option<&[String]>) -> String {
    let timestamp = Clock::of_the_machine().now().format("%FT%T%.6fZ").to_string();
    let line = Line { timestamp, level, message, hints, target: TARGET };
    let mut text = serde_json::to_string(&line).expect("texts and lists of texts are JSON");
    text.push('\n');
    text
}

/// The program itself, as a log line names it.
const TARGET: &str = "annals";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_is_one_object_a_line() {
        let error = CommandError::usage("the \"file\"\nis cut").while_doing("could not read it").hint("run it again");
        for (line, level, message) in [
            (line("WARN", "two\nlines \u{1b}[2J"), "WARN", "two\nlines \u{1b}[2J"),
            (error_line(&error), "ERROR", "could not read it: the \"file\"↵is cut"),
        ] {
            let object: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!((&object["level"], &object["message"]), (&level.into(), &message.into()));
            assert!(object["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
            assert_eq!((line.matches('\n').count(), line.contains('\u{1b}')), (1, false), "{line}");
            assert_eq!(object["hints"][0] == "run it again", level == "ERROR");
        }
    }

    #[test]
    fn formats_are_written_as_they_are_read() {
        for format in [LogFormat::Text, LogFormat::Json] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("yaml".parse::<LogFormat>().is_err());
    }
}
