//! `annals init`.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::settings::FILE;

/// Make an archive: a folder with a settings file in it
///
/// Writes `annals.toml` with every setting, its reason and its default, switched off except for those that are given here,
/// with --set or in the environment. Secrets are not written. It is not needed before `fetch`, which works from the environment
/// alone. A settings file that is there already is left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals init
  annals init --base-url https://a1.easemob.com/harbor-org/lantern --zone +08:00")]
pub(crate) struct Args {
    /// Where the Chat service is: everything before `/chatmessages`
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// The zone in which the service names its hours: UTC or +08:00
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub(crate) zone: Option<chat::Zone>,
}

impl Args {
    /// The flags as settings, in the form of `--set`.
    pub(super) fn settings(&self) -> Vec<String> {
        let base_url = self.base_url.as_ref().map(|url| format!("api.base_url={url}"));
        let zone = self.zone.map(|zone| format!("api.zone={zone}"));
        base_url.into_iter().chain(zone).collect()
    }
}

/// Makes an archive.
///
/// # Errors
///
/// When the folder or the file cannot be made, or a settings file is there already.
pub(crate) async fn run(_args: Args, context: &Context) -> Result<Exit, CommandError> {
    let path = context.archive.join(FILE);
    let failed = |error| could_not_write(error, &path);
    folder_builder().create(&context.archive).map_err(failed)?;
    let mut file = file_options().open(&path).map_err(failed)?;
    file.write_all(context.settings.to_file().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    context.output.note(format_args!("wrote {}; `annals doctor` says what is still missing", path.display()));
    Ok(Exit::Done)
}

fn could_not_write(error: io::Error, path: &Path) -> CommandError {
    let exists = error.kind() == io::ErrorKind::AlreadyExists;
    let error = CommandError::usage(error).while_doing(format!("could not write {}", path.display()));
    if exists { error.hint("the archive has its settings already: edit that file") } else { error }
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
