//! `annals delete-conversation`.

use api::{ChatType, Forget};
use serde_json::json;

use crate::commands::call::{CallArgs, Consent};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Have the service forget a conversation for one user
///
/// The other side keeps it, the files of the history stay as they are, and so does the archive. It asks first; where nobody can
/// be asked it needs --yes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals delete-conversation --user mara_voss --with teo-77 --type chat
  annals delete-conversation --user mara_voss --with 184524748161025 --type groupchat --delete-roaming --yes
  annals delete-conversation --user mara_voss --with teo-77 --type chat --dry-run

Exit codes: 0 done; 2 usage, or nobody consented; 3 the service could not be reached; 4 it refused.")]
pub(crate) struct Args {
    /// Whose conversation
    #[arg(long, value_name = "NAME")]
    user: String,

    /// The other user, or the id of the group
    #[arg(long, value_name = "ID")]
    with: String,

    /// Which of them: chat or groupchat
    #[arg(long = "type", value_name = "TYPE")]
    chat_type: ChatType,

    /// Delete the user's messages of the conversation, too, and not only its entry in the list
    #[arg(long)]
    delete_roaming: bool,

    #[command(flatten)]
    consent: Consent,

    #[command(flatten)]
    call: CallArgs,
}

/// Deletes a conversation.
///
/// # Errors
///
/// When nobody consents, or the service does not do it.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let forget =
        Forget { user: args.user, with: args.with, chat_type: args.chat_type, delete_roaming: args.delete_roaming };
    let preview = forget.preview(context.base_url()?)?;
    if args.call.dry_run {
        context.show_call(&preview, args.call.json)?;
        return Ok(Exit::Done);
    }
    let messages = if forget.delete_roaming { " with its messages" } else { "" };
    let what = format!("delete the conversation of {} with {}{messages}", forget.user, forget.with);
    args.consent.ask(context, &what)?;
    let deleted = context.client()?.delete_conversation(&forget).await;
    deleted.map_err(|error| CommandError::from(error).while_doing("could not delete the conversation"))?;
    if args.call.json {
        let (user, with) = (&forget.user, &forget.with);
        context
            .output
            .json(&json!({ "user": user, "with": with, "type": forget.chat_type.word(), "deleted": true }))?;
    } else {
        context.output.note("the service has forgotten it");
    }
    Ok(Exit::Done)
}
