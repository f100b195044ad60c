//! What the commands that call the service once have in common: a try without a call, consent, and a secret from a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use api::{Limits, Preview};
use chat::Secret;
use clap::ValueHint;
use serde_json::{Map, Value, json};
use url::Url;

use crate::context::Context;
use crate::error::CommandError;

/// How a call is made and told.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct CallArgs {
    /// Print method, address and body of each call, and send nothing; secrets are shown as `…`
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Print one JSON object a line on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// Consent to what changes something at the service.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Consent {
    /// Do it without asking; needed where nobody can be asked
    #[arg(long, short)]
    yes: bool,
}

impl Consent {
    /// Asks, unless consent was given with a flag. `what` is what will be done, as in "about to …".
    ///
    /// # Errors
    ///
    /// When nobody can be asked, or the answer is not yes.
    pub(crate) fn ask(self, context: &Context, what: &str) -> Result<(), CommandError> {
        if self.yes {
            return Ok(());
        }
        if !context.output.can_ask() {
            return Err(CommandError::usage(format!("about to {what}, and nobody can be asked"))
                .hint("give --yes to do it without asking, or --dry-run to see what would be sent"));
        }
        let prompt = format!("About to {}. Go on? [y/N] ", crate::output::visible(what));
        let answer = context.output.ask(&prompt).map_err(CommandError::usage)?.unwrap_or_default();
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(CommandError::usage("nothing was done: the answer was not yes"))
    }
}

/// The share secret of a file.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SecretArgs {
    /// The share secret of the file. Others see the command line: prefer --secret-file
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_file")]
    secret: Option<String>,

    /// The file that holds the share secret; `-` reads it from stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    secret_file: Option<PathBuf>,
}

/// A file with a longer line holds something else, in bytes.
const LONGEST_SHARE_SECRET: u64 = 4 << 10;

impl SecretArgs {
    /// Whether one was given, in either way.
    pub(crate) fn is_given(&self) -> bool {
        self.secret.is_some() || self.secret_file.is_some()
    }

    /// The secret without the white space around it, if one was given.
    ///
    /// # Errors
    ///
    /// When its file cannot be read or holds none.
    pub(crate) fn read(&self) -> Result<Option<Secret>, CommandError> {
        match (&self.secret, &self.secret_file) {
            (Some(text), _) => one_word("--secret", text).map(Some),
            (None, Some(path)) if path == Path::new("-") => secret_in(io::stdin().lock(), "stdin").map(Some),
            (None, Some(path)) => {
                let name = path.display().to_string();
                let unread = |error| CommandError::usage(error).while_doing(format!("could not read {name}"));
                secret_in(File::open(path).map_err(unread)?, &name).map(Some)
            }
            (None, None) => Ok(None),
        }
    }
}

fn secret_in(source: impl io::Read, name: &str) -> Result<Secret, CommandError> {
    let mut text = String::new();
    let read = source.take(LONGEST_SHARE_SECRET).read_to_string(&mut text);
    read.map_err(|error| CommandError::usage(error).while_doing(format!("could not read the share secret of {name}")))?;
    one_word(name, &text)
}

fn one_word(name: &str, text: &str) -> Result<Secret, CommandError> {
    match text.trim() {
        "" => Err(CommandError::usage(format!("{name} holds no share secret"))),
        word if word.contains(|letter: char| letter.is_whitespace() || letter.is_control()) => {
            Err(CommandError::usage(format!("{name} holds more than a share secret")))
        }
        word => Ok(Secret::new(word)),
    }
}

/// A width and a height in pixels.
pub(crate) fn size(text: &str) -> Result<(u32, u32), &'static str> {
    const FORM: &str = "write WIDTHxHEIGHT in pixels, such as 170x170";
    let (width, height) = text.split_once(['x', 'X', '×']).ok_or(FORM)?;
    let pixels = |text: &str| text.parse().ok().filter(|pixels| (1..=100_000).contains(pixels)).ok_or(FORM);
    Ok((pixels(width)?, pixels(height)?))
}

impl Context {
    /// The address of the service; a call that is only shown needs no more.
    ///
    /// # Errors
    ///
    /// When it is not set.
    pub(super) fn base_url(&self) -> Result<&Url, CommandError> {
        Ok(self.settings.api.base_url()?)
    }

    /// How much is accepted and sent.
    pub(super) fn limits(&self) -> Limits {
        let settings = &self.settings.api;
        Limits { upload_bytes: settings.upload_limit, message_bytes: settings.message_limit, ..Limits::default() }
    }

    /// Prints a call that is not made.
    ///
    /// # Errors
    ///
    /// When stdout takes nothing.
    pub(super) fn show_call(&self, preview: &Preview, as_json: bool) -> Result<(), CommandError> {
        if as_json {
            return Ok(self.output.json(&preview_json(preview))?);
        }
        self.output.line(format_args!("{} {}", preview.method, preview.url))?;
        for (name, value) in &preview.headers {
            self.output.line(format_args!("{name}: {value}"))?;
        }
        if !preview.body.is_empty() {
            self.output.line(&preview.body)?;
        }
        Ok(())
    }
}

fn preview_json(preview: &Preview) -> Value {
    let headers: Map<String, Value> =
        preview.headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    let body: Value = serde_json::from_str(&preview.body).unwrap_or_default();
    json!({ "dry_run": true, "method": preview.method, "url": preview.url, "headers": headers, "body": body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_form() {
        assert_eq!(size("640x480"), Ok((640, 480)));
        for text in ["", "640", "0x1", "-1x2", "1x2x3", "axb", "1000000x1"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_one_word() {
        for text in ["X9d", " X9d\r\n", "\tX9d"] {
            assert_eq!(secret_in(text.as_bytes(), "f").unwrap(), Secret::new("X9d"));
        }
        for text in ["", "\n", "X9d Y", "X9d\nY", "\u{1b}", "X9d\0"] {
            let error = secret_in(text.as_bytes(), "f").unwrap_err().render();
            assert!(error.starts_with("error: f holds ") && !error.contains("X9d"), "{error}");
        }
        assert!(secret_in(&[0xff][..], "f").is_err());
    }
}
