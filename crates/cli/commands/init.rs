//! `annals init`.

mod interview;
mod next_steps;

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::ValueHint;
use store::Place;

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::settings::{FILE, Settings};
use interview::Interview;
use next_steps::next_steps;

/// Make an archive: a folder with a settings file in it
///
/// Writes `annals.toml` with every setting, its reason and its default, switched off except for those that are given here,
/// with --set or in the environment, and says what to do next, up to the line for cron. On a terminal and without flags it
/// asks for what an archive needs. Secrets are neither asked for nor written: the settings name the file that holds one. A
/// settings file that is there already is left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals init --archive /srv/chat
  annals init --base-url https://a1.easemob.com/harbor-org/lantern --zone +08:00
  annals init --base-url https://a41.chat.agora.io/harbor-org/lantern --client-id YXA6 --client-secret-file chat.secret

Exit codes: 0 done; 2 it has settings already, an answer does not fit, or the folder cannot be written to.")]
pub(crate) struct Args {
    /// Where the Chat service is: everything before `/chatmessages`
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    base_url: Option<String>,

    /// The zone in which the service names its hours: UTC or +08:00
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    zone: Option<chat::Zone>,

    /// How long the service keeps an hour: 3d, unless your plan says longer
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    retention: Option<String>,

    /// The client id of the app
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// The file that holds, or will hold, the client secret of the app
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    client_secret_file: Option<PathBuf>,

    /// The Agora app id
    #[arg(long, value_name = "ID")]
    app_id: Option<String>,

    /// The file that holds, or will hold, the primary certificate of the Agora project
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    app_certificate_file: Option<PathBuf>,

    /// The file that holds, or will hold, a ready token
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    token_file: Option<PathBuf>,
}

impl Args {
    /// The flags as settings, in the form of `--set`.
    pub(super) fn settings(&self) -> Vec<String> {
        let file = |path: &Option<PathBuf>| path.as_ref().map(|path| from_the_root(path).display().to_string());
        let given = [
            ("api.base_url", self.base_url.clone()),
            ("api.zone", self.zone.map(|zone| zone.to_string())),
            ("hours.retention", self.retention.clone()),
            ("api.client_id", self.client_id.clone()),
            ("api.client_secret_file", file(&self.client_secret_file)),
            ("api.app_id", self.app_id.clone()),
            ("api.app_certificate_file", file(&self.app_certificate_file)),
            ("api.token_file", file(&self.token_file)),
        ];
        given.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect()
    }
}

/// Makes an archive.
///
/// # Errors
///
/// When the folder or the file cannot be made, a settings file is there already, or the answers break off.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let archive = from_the_root(&context.archive);
    let path = archive.join(FILE);
    if path.try_exists().is_ok_and(|exists| exists) {
        return Err(could_not_write(io::ErrorKind::AlreadyExists.into(), &path));
    }
    let settings = if args.settings().is_empty() && context.output.can_ask() {
        interview(context, &archive)?
    } else {
        context.settings.clone()
    };
    write(&settings, &path).map_err(|error| could_not_write(error, &path))?;
    context.output.note(format_args!("wrote {}", path.display()));
    let program = std::env::current_exe().unwrap_or_else(|_| "annals".into());
    let place = match &context.place {
        Place::Bucket(bucket) => bucket.to_string(),
        Place::Folder(_) => archive.to_string_lossy().into_owned(),
    };
    context.output.note(next_steps(&settings, &program, &place, &path));
    Ok(Exit::Done)
}

fn interview(context: &Context, archive: &Path) -> Result<Settings, CommandError> {
    context.output.note(format_args!(
        "An archive is made in {}. Enter takes what stands in brackets; Ctrl-C stops, and nothing is written.",
        archive.display()
    ));
    Interview::new(&context.settings, |prompt| context.output.ask(prompt)).hold(archive)
}

/// The path as every folder sees it. One that begins with `~` is left as it is: the settings refuse it.
fn from_the_root(path: &Path) -> PathBuf {
    if path.starts_with("~") { path.to_owned() } else { std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) }
}

fn write(settings: &Settings, path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        folder_builder().create(folder)?;
    }
    let mut file = file_options().open(path)?;
    file.write_all(settings.to_file().as_bytes())?;
    file.sync_all()
}

fn could_not_write(error: io::Error, path: &Path) -> CommandError {
    let exists = error.kind() == io::ErrorKind::AlreadyExists;
    let error = CommandError::usage(error).while_doing(format!("could not write {}", path.display()));
    match path.parent() {
        Some(archive) if archive.is_file() => error.hint("a file is in the way: name a folder with --archive"),
        _ if exists => error.hint("the archive has its settings already: edit that file"),
        _ => error,
    }
}

/// Folders for their owner alone (decision D8).
fn folder_builder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// A new file for its owner alone.
fn file_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        file_options().open(&path).unwrap();
        let error = could_not_write(file_options().open(&path).unwrap_err(), &path).render();
        assert!(error.contains("hint: the archive has its settings already"), "{error}");
        let error = could_not_write(write_below(&path).unwrap_err(), &path.join(FILE)).render();
        assert!(error.contains("hint: a file is in the way: name a folder with --archive"), "{error}");
    }

    fn write_below(file: &Path) -> io::Result<()> {
        folder_builder().create(file)
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_file_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a/b");
        folder_builder().create(&archive).unwrap();
        let file = file_options().open(archive.join(FILE)).unwrap();
        assert_eq!(archive.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
