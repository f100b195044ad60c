//! In which form lists are printed.

use clap::{Args, ValueEnum};

use crate::output::Output;

/// In which form a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for a person
    Table,
    /// One JSON object a line
    Jsonl,
    /// RFC 4180, with a header; nothing between two commas is null, "" is an empty text
    Csv,
}

/// The flags of a command that prints a list.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct FormatArgs {
    /// In which form to print: by default a table on a terminal, and JSON lines into a file or a pipe
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// The same as `--format jsonl`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl FormatArgs {
    /// Whether `--json` was given, which asks a command that prints no list for one object.
    #[must_use]
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// The form asked for, or the one that suits the reader.
    #[must_use]
    pub(crate) fn chosen(self, output: &Output) -> Format {
        match self.format {
            Some(format) => format,
            None if self.json || !output.is_terminal() => Format::Jsonl,
            None => Format::Table,
        }
    }
}
