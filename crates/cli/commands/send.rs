//! `annals send`.

mod body;

use api::{Broadcast, Draft, Ext, Level, Receipt, Recipients};

use crate::commands::call::{CallArgs, Consent};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format};
use body::{BodyArgs, Ready};

/// Send a message to users, groups or chat rooms
///
/// What it says is one of --text, --image, --voice, --video, --file, --location, --command, --custom and --body. A file of this
/// machine is uploaded first; a URL is sent as it is. Prints the id of the message for each recipient, or that the service gave
/// none. Each send is spaced by what the service allows in a minute or second.
///
/// A message is never sent twice: when the answer is lost, it may have arrived, and the command ends with 3 and says so. It asks
/// first when there are more than ten recipients, or all chat rooms are meant.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("recipients").required(true), after_help = "\
Examples:
  annals send --to-user teo-77 ana --from mara_voss --text 'low tide at six'
  annals send --to-group 184524748161025 --image tide.png --restrict-access
  annals send --to-room 184524748161025 --level high --custom tide/turn --attribute tide=low
  annals send --to-user teo-77 --location '54.1,-7.5,the quay' --dry-run
  annals send --to-user teo-77 --body '{\"type\":\"txt\",\"msg\":\"hi\"}' --ext '{\"em_ignore_notification\":true}'

Exit codes: 0 every recipient has an id; 2 a limit is not kept, nothing was sent; 3 it is not known whether it was sent, or a \
recipient has no id; 4 the service refused.")]
pub(crate) struct Args {
    /// The users, at most 600
    #[arg(long, value_name = "NAME", num_args = 1.., group = "recipients")]
    to_user: Vec<String>,

    /// The groups by id, at most 3
    #[arg(long, value_name = "ID", num_args = 1.., group = "recipients")]
    to_group: Vec<String>,

    /// The chat rooms by id, at most 10
    #[arg(long, value_name = "ID", num_args = 1.., group = "recipients")]
    to_room: Vec<String>,

    /// All chat rooms of the app
    #[arg(long, group = "recipients")]
    to_all_rooms: bool,

    /// Only these members of the one group or room, at most 20
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with_all = ["to_user", "to_all_rooms"])]
    only: Vec<String>,

    /// The sender [default: the service takes `admin`]
    #[arg(long, value_name = "NAME")]
    from: Option<String>,

    #[command(flatten)]
    body: BodyArgs,

    /// What the app says beside the message: a JSON object
    #[arg(long, value_name = "JSON")]
    ext: Option<String>,

    /// Only to those who are online now; not for rooms
    #[arg(long)]
    online_only: bool,

    /// Also to the sender's own devices; not for rooms
    #[arg(long)]
    sync_device: bool,

    /// Users who do not get it when they fetch earlier messages, at most 20
    #[arg(long, value_name = "NAME", num_args = 1..)]
    roam_ignore_user: Vec<String>,

    /// Ask the members of a group to say that they read it
    #[arg(long)]
    need_group_ack: bool,

    /// How urgent it is in a chat room: high, normal or low
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,

    #[command(flatten)]
    consent: Consent,

    #[command(flatten)]
    call: CallArgs,
}

/// More recipients than this are asked about, in case a list was longer than thought.
const MANY: usize = 10;

/// Sends a message.
///
/// # Errors
///
/// When a limit is not kept, the service refuses, or it is not known whether the message was sent.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    // Everything that can be said against it is said before a file is uploaded for it.
    let secret = args.body.secret()?;
    let stand_in = args.body.without_upload(context, &secret)?;
    if args.call.dry_run {
        for upload in args.body.uploads() {
            context.show_call(&upload.preview(context.base_url()?, &context.limits())?, args.call.json)?;
        }
    }
    let preview = args.preview(context, stand_in)?;
    if args.call.dry_run {
        context.show_call(&preview, args.call.json)?;
        return Ok(Exit::Done);
    }
    args.ask(context)?;
    let client = context.client()?;
    let body = args.body.ready(context, &client, &secret).await?;
    let sent = if args.to_all_rooms {
        let id = client.broadcast(&args.broadcast(body)?).await;
        id.map(|id| vec![Receipt { to: "all chat rooms".to_owned(), id: Some(id) }])
    } else {
        client.send(&args.draft(body)?).await
    };
    let sent = sent.map_err(|error| CommandError::from(error).while_doing("could not send the message"))?;
    told(&sent, args.call.json, context)
}

fn told(sent: &[Receipt], as_json: bool, context: &Context) -> Result<Exit, CommandError> {
    let format = if as_json { Format::Jsonl } else { Format::Table };
    let mut rows = context.output.rows(format, &["to", "msg_id"]);
    for receipt in sent {
        let id = receipt.id.as_ref().map(|id| id.as_str().to_owned());
        rows.push(&[Cell::from(receipt.to.clone()), Cell::from(id)])?;
    }
    rows.finish()?;
    let without: Vec<&str> =
        sent.iter().filter(|receipt| receipt.id.is_none()).map(|receipt| receipt.to.as_str()).collect();
    if without.is_empty() {
        return Ok(Exit::Done);
    }
    context.output.warn(format_args!("the service gave no id for {}: send it to them again", without.join(", ")));
    Ok(Exit::HoursFailed)
}

impl Args {
    fn ask(&self, context: &Context) -> Result<(), CommandError> {
        let count = self.to_user.len();
        if self.to_all_rooms {
            return self.consent.ask(context, "send a message to all chat rooms");
        }
        if count > MANY {
            return self.consent.ask(context, &format!("send a message to {count} users"));
        }
        Ok(())
    }

    fn preview(&self, context: &Context, body: Ready) -> Result<api::Preview, CommandError> {
        let (base_url, limits) = (context.base_url()?, context.limits());
        if self.to_all_rooms {
            return Ok(self.broadcast(body)?.preview(base_url, &limits)?);
        }
        Ok(self.draft(body)?.preview(base_url, &limits)?)
    }

    fn broadcast(&self, body: Ready) -> Result<Broadcast, CommandError> {
        Ok(Broadcast { from: self.from.clone(), body: body.0, ext: self.ext()?, level: self.level })
    }

    /// Read here and not by clap, which quotes what it cannot read: people's words and secrets belong into no log.
    fn ext(&self) -> Result<Option<Ext>, CommandError> {
        Ok(self.ext.as_ref().map(|text| text.parse()).transpose()?)
    }

    fn draft(&self, body: Ready) -> Result<Draft, CommandError> {
        Ok(Draft {
            to: self.recipients()?,
            from: self.from.clone(),
            body: body.0,
            ext: self.ext()?,
            online_only: self.online_only,
            sync_device: self.sync_device,
            roam_ignore_users: self.roam_ignore_user.clone(),
            need_group_ack: self.need_group_ack,
            level: self.level,
        })
    }

    fn recipients(&self) -> Result<Recipients, CommandError> {
        let users = self.only.clone();
        match (&*self.to_user, &*self.to_group, &*self.to_room, users.is_empty()) {
            ([], [], rooms, true) => Ok(Recipients::Rooms(rooms.to_vec())),
            ([], groups, _, true) => Ok(Recipients::Groups(groups.to_vec())),
            (users, _, _, true) => Ok(Recipients::Users(users.to_vec())),
            (_, [group], _, false) => Ok(Recipients::InGroup { group: group.clone(), users }),
            (_, _, [room], false) => Ok(Recipients::InRoom { room: room.clone(), users }),
            _ => Err(CommandError::usage("--only goes with one group or one room")),
        }
    }
}
