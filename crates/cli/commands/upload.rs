//! `annals upload`.

use std::path::PathBuf;

use api::Upload;
use clap::ValueHint;

use crate::commands::call::{CallArgs, size};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format};

/// Upload a file for a message to speak of
///
/// Prints the file's uuid, its URL, and the share secret if there is one: whoever has URL and secret can download it. The service
/// keeps files for 7 days unless its console says otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals upload tide.png
  annals upload tide.png --restrict-access --thumbnail 180x180 --json
  annals upload tide.png --dry-run

Exit codes: 0 done; 2 the file cannot be read or is too large; 3 the service could not be reached; 4 it refused.")]
pub(crate) struct Args {
    /// The file
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,

    /// Have the service give a secret, without which nobody can download the file
    #[arg(long)]
    restrict_access: bool,

    /// How large the thumbnail of a picture may be, in pixels [default: the service takes 170x170]
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    thumbnail: Option<(u32, u32)>,

    #[command(flatten)]
    call: CallArgs,
}

/// Uploads a file.
///
/// # Errors
///
/// When the file cannot be read or is too large, or the service does not take it.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let upload = Upload { path: args.file, restrict_access: args.restrict_access, thumbnail: args.thumbnail };
    let preview = upload.preview(context.base_url()?, &context.limits())?;
    if args.call.dry_run {
        context.show_call(&preview, args.call.json)?;
        return Ok(Exit::Done);
    }
    let failed = |error| CommandError::from(error).while_doing(format!("could not upload {}", upload.path.display()));
    let uploaded = context.client()?.upload(&upload).await.map_err(failed)?;
    let format = if args.call.json { Format::Jsonl } else { Format::Table };
    let mut rows = context.output.rows(format, &["uuid", "url", "share_secret"]);
    let secret = uploaded.secret.as_ref().map(|secret| secret.reveal().to_owned());
    rows.push(&[Cell::from(uploaded.uuid.clone()), Cell::from(uploaded.url()), Cell::from(secret)])?;
    rows.finish()?;
    Ok(Exit::Done)
}
