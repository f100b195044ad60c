//! `annals recall`.

use api::{ChatType, Recall, Recalled, Unrecalled};
use chat::MessageId;

use crate::commands::call::{CallArgs, Consent};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format};

/// Take messages back
///
/// The service takes a message back within 2 minutes, or as long as its console says; --force does so later. The file of a message
/// goes with it. What is archived stays archived. It asks first; where nobody can be asked it needs --yes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals recall 1028442084794698104 --to teo-77 --chat-type chat
  annals recall 1028442084794698104 --to 184524748161025 --chat-type groupchat --force --from mara_voss --yes
  annals recall 1028442084794698104 1028442084794698105 --to teo-77 --chat-type chat --dry-run

Exit codes: 0 all are taken back; 2 usage, or nobody consented; 3 the service could not be reached or has a fault; 4 it refused: \
the time is over, or it does not have the message.")]
pub(crate) struct Args {
    /// The ids of the messages, at most 30
    #[arg(value_name = "MSG_ID", required = true)]
    ids: Vec<String>,

    /// The user, group or room that they went to
    #[arg(long, value_name = "ID")]
    to: String,

    /// Which of them: chat, groupchat or chatroom
    #[arg(long, value_name = "TYPE")]
    chat_type: ChatType,

    /// Also after the time for it is over; --from is then to be who sent them
    #[arg(long)]
    force: bool,

    /// Who takes them back [default: the service takes `admin`]
    #[arg(long, value_name = "NAME")]
    from: Option<String>,

    /// Do not tell the sender's own devices
    #[arg(long)]
    no_sync_device: bool,

    /// A text that the recipients' apps get with the news
    #[arg(long, value_name = "TEXT")]
    extension: Option<String>,

    #[command(flatten)]
    consent: Consent,

    #[command(flatten)]
    call: CallArgs,
}

/// Takes messages back.
///
/// # Errors
///
/// When nobody consents, or the service refuses the call. What it says of a message is told, and in the exit code.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let recalls = args.recalls();
    let base_url = context.base_url()?;
    for preview in recalls.iter().map(|recall| recall.preview(base_url)).collect::<Result<Vec<_>, _>>()? {
        if args.call.dry_run {
            context.show_call(&preview, args.call.json)?;
        }
    }
    if args.call.dry_run {
        return Ok(Exit::Done);
    }
    args.consent.ask(context, &format!("take back {} of {}", counted(&args.ids), args.to))?;
    let client = context.client()?;
    let outcomes = match &*recalls {
        [recall] => client.recall(recall).await.map(|outcome| vec![outcome]),
        recalls => client.recall_batch(recalls).await,
    };
    let outcomes = outcomes.map_err(|error| CommandError::from(error).while_doing("could not recall"))?;
    told(&args, &outcomes, context)
}

fn counted(ids: &[String]) -> String {
    if let [id] = ids { format!("message {id}") } else { format!("{} messages", ids.len()) }
}

fn told(args: &Args, outcomes: &[Recalled], context: &Context) -> Result<Exit, CommandError> {
    let format = if args.call.json { Format::Jsonl } else { Format::Table };
    let mut rows = context.output.rows(format, &["msg_id", "recalled", "reason"]);
    for (id, outcome) in args.ids.iter().zip(outcomes) {
        let (word, reason) = match outcome {
            Recalled::Done => ("yes", None),
            Recalled::Not(reason) => ("no", Some(reason.to_string())),
        };
        rows.push(&[Cell::from(id.clone()), Cell::from(word), Cell::from(reason)])?;
    }
    rows.finish()?;
    Ok(Exit::worst(outcomes.iter().map(|outcome| match outcome {
        Recalled::Done => Exit::Done,
        Recalled::Not(Unrecalled::Fault | Unrecalled::Unanswered) => Exit::HoursFailed,
        Recalled::Not(_) => Exit::Refused,
    })))
}

impl Args {
    fn recalls(&self) -> Vec<Recall> {
        let one = |id: &String| Recall {
            from: self.from.clone(),
            force: self.force,
            sync_device: self.no_sync_device.then_some(false),
            extension: self.extension.clone(),
            ..Recall::new(MessageId::new(id.clone()), self.to.clone(), self.chat_type)
        };
        self.ids.iter().map(one).collect()
    }
}
