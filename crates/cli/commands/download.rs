//! `annals download`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use api::{Fetched, FileId, Picture};
use clap::ValueHint;
use serde_json::json;

use crate::commands::call::{CallArgs, SecretArgs};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output;

/// Download a file that a message speaks of
///
/// Of a URL the file's uuid counts: it is fetched from the service in the settings, wherever the URL points. The file is there
/// whole or not at all, under the name that --output gives; a file of that name is replaced. What a name in a message says is
/// never used. A `share-secret` in the URL is taken as the secret.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals download 5fd74830-58b7-11e9-822a-81ea50bb049d --output tide.png
  annals download https://a1.easemob.com/o/a/chatfiles/5fd74830-58b7-11e9-822a-81ea50bb049d --secret-file secret --output t.png
  annals download 5fd74830-58b7-11e9-822a-81ea50bb049d --secret-file - --thumbnail --output small.png

Exit codes: 0 done; 1 the service does not have the file, or no longer; 2 the file cannot be written; 3 the service could not \
be reached; 4 it refused: the token, or the secret is missing or wrong.")]
pub(crate) struct Args {
    /// The file, by its URL or uuid
    #[arg(value_name = "URL-or-UUID")]
    file: String,

    #[command(flatten)]
    secret: SecretArgs,

    /// The thumbnail of a picture in place of itself
    #[arg(long)]
    thumbnail: bool,

    /// Where to put it
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: PathBuf,

    #[command(flatten)]
    call: CallArgs,
}

/// Downloads a file.
///
/// # Errors
///
/// When the service refuses or cannot be reached, or the file cannot be written.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    // Not read by clap, which quotes what it cannot read: a URL may hold a secret.
    let file = args.file.parse::<FileId>()?.with_secret(args.secret.read()?);
    let picture = if args.thumbnail { Picture::Thumbnail } else { Picture::Original };
    let preview = file.preview(context.base_url()?, picture)?;
    if args.call.dry_run {
        context.show_call(&preview, args.call.json)?;
        return Ok(Exit::Done);
    }
    let unwritten = |error| could_not_write(error, &args.output);
    let folder = folder_of(&args.output).map_err(unwritten)?;
    let mut temporary =
        tempfile::Builder::new().prefix(".annals-").suffix(".tmp").tempfile_in(&folder).map_err(unwritten)?;
    let doing = format!("could not download {}", file.uuid());
    let client = context.client()?;
    let stop = context.stop.token();
    let fetched = tokio::select! {
        fetched = client.fetch_file(&file, picture, temporary.as_file_mut()) => fetched,
        // The temporary file goes with its name.
        () = stop.cancelled() => return Ok(Exit::Interrupted),
    };
    match fetched.map_err(|error| CommandError::from(error).while_doing(&doing))? {
        Fetched::Whole { bytes, .. } => {
            temporary.as_file().sync_all().map_err(unwritten)?;
            temporary.persist(&args.output).map_err(|error| unwritten(error.error))?;
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritten)?;
            told(file.uuid(), bytes, &args.output, args.call.json, context)
        }
        Fetched::Gone { status, said } => {
            let text = format!("the service does not have the file ({status}{})", words(said));
            let error = CommandError::new(Exit::NothingFound, text).while_doing(&doing);
            Err(error.hint("the service keeps files for 7 days unless its console says otherwise"))
        }
        Fetched::Denied { status, said } => {
            let text = format!("the service refuses the file ({status}{})", words(said));
            let error = CommandError::new(Exit::Refused, text).while_doing(&doing);
            Err(error
                .hint("give the share secret of the file with --secret-file; the message that speaks of it has it"))
        }
    }
}

fn words(said: Option<String>) -> String {
    said.map(|said| format!(": {said}")).unwrap_or_default()
}

fn told(uuid: &str, length: u64, path: &Path, as_json: bool, context: &Context) -> Result<Exit, CommandError> {
    if as_json {
        context.output.json(&json!({ "uuid": uuid, "bytes": length, "file": path.display().to_string() }))?;
    } else {
        context.output.note(format_args!("wrote {} ({})", path.display(), output::bytes(length)));
    }
    Ok(Exit::Done)
}

/// The folder that the file will be in. A folder or a device in its place is not replaced.
fn folder_of(path: &Path) -> io::Result<PathBuf> {
    if path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_symlink()) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no file is in the way"));
    }
    if path.file_name().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(folder.unwrap_or(Path::new(".")).to_owned())
}

fn could_not_write(error: io::Error, path: &Path) -> CommandError {
    let error = CommandError::usage(error).while_doing(format!("could not write {}", path.display()));
    error.hint("name a file in a folder that is there and can be written to")
}
