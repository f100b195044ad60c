//! `annals init`.

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Make an archive: a folder with a settings file in it
///
/// Writes `annals.toml` with every setting, its reason and its default, switched off except for those given here. It is not
/// needed before `fetch`, which works from the environment alone. A settings file that is there already is left alone.
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

/// Makes an archive.
///
/// # Errors
///
/// When the folder or the file cannot be made, or a settings file is there already.
pub(crate) async fn run(_args: Args, _context: &Context) -> Result<Exit, CommandError> {
    Err(CommandError::unfinished("init"))
}
