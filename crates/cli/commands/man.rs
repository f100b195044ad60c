//! `annals man`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, ValueHint};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::Cli;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Print a manual page, or write all of them into a folder
///
/// Without --out it prints the page of the program or of one command, in the form that `man` reads.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals man | man -l -
  annals man fetch | man -l -
  annals man --out ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// The command whose page to print
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,

    /// Write the pages of all commands into this folder, each as `annals-COMMAND.1`
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
}

/// Prints or writes pages.
///
/// # Errors
///
/// When there is no such command, or the folder or stdout takes nothing.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let commands = commands();
    if let Some(folder) = &args.out {
        let written = write_all(&commands, folder).map_err(|error| {
            CommandError::usage(error)
                .while_doing(format!("could not write the manual pages into {}", folder.display()))
                .hint("name a folder that can be written to")
        })?;
        context.output.note(format_args!("wrote {written} pages into {}", folder.display()));
        return Ok(Exit::Done);
    }
    let wanted = args.command.as_deref().unwrap_or("annals");
    let command = commands.iter().find(|command| command.get_name() == wanted).ok_or_else(|| {
        CommandError::usage(format!("there is no command `{wanted}`")).hint("`annals --help` lists the commands")
    })?;
    let page = page(command).map_err(CommandError::usage)?;
    context.output.raw(&page)?;
    Ok(Exit::Done)
}

/// The program and its commands.
fn commands() -> Vec<clap::Command> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let commands: Vec<_> = program.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    std::iter::once(program).chain(commands).collect()
}

/// Writes every page and says how many there are. Unlike an archive, a page is for everybody.
fn write_all(commands: &[clap::Command], folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    for command in commands {
        let page = page(command)?;
        let mut file = File::create(folder.join(Man::new(command.clone()).get_filename()))?;
        file.write_all(&page)?;
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    }
    Ok(commands.len())
}

fn page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let page = Man::new(command.clone()).manual("Annals").source(concat!("annals ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    let after = command.get_after_long_help().or_else(|| command.get_after_help()).map(ToString::to_string);
    below_the_options(&after.unwrap_or_default(), command).to_writer(&mut text)?;
    Ok(in_ascii(&String::from_utf8_lossy(&text)))
}

/// Characters that `troff` knows by their number alone.
fn in_ascii(text: &str) -> Vec<u8> {
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            ascii.extend(format!("\\[u{:04X}]", u32::from(character)).chars());
        }
    }
    ascii.into_bytes()
}

/// What stands below the options in `--help`, with examples and exit codes in sections of their own.
fn below_the_options(text: &str, command: &clap::Command) -> Roff {
    let mut roff = Roff::default();
    let mut has_notes = false;
    for paragraph in text.split("\n\n") {
        if let Some(examples) = paragraph.strip_prefix("Examples:\n") {
            roff.control("SH", ["EXAMPLES"]).control("EX", []);
            for line in examples.lines() {
                roff.text([roman(line)]);
            }
            roff.control("EE", []);
        } else if let Some(codes) = paragraph.strip_prefix("Exit codes: ") {
            roff.control("SH", ["EXIT STATUS"]).text([roman(codes.replace('\n', " "))]);
        } else if !paragraph.is_empty() {
            if has_notes {
                roff.control("PP", [])
            } else {
                roff.control("SH", ["NOTES"])
            };
            roff.text([roman(paragraph.replace('\n', " "))]);
            has_notes = true;
        }
    }
    if !command.has_subcommands() {
        roff.control("SH", ["SEE ALSO"]).text([bold("annals"), roman("(1)")]);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_can_be_read_by_troff() {
        assert_eq!(in_ascii("a … 港 🌊"), b"a \\[u2026] \\[u6E2F] \\[u1F30A]");
    }

    #[test]
    fn a_page_has_the_sections_of_a_page() {
        for command in commands() {
            let page = String::from_utf8(page(&command).unwrap()).unwrap();
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES"] {
                assert!(page.contains(&format!(".SH {section}\n")), "{section} of {}", command.get_name());
            }
            assert!(page.matches(".SH NOTES\n").count() <= 1, "{page}");
        }
    }
}
