//! Taking messages back (section 9).

use std::fmt;
use std::str::FromStr;

use chat::MessageId;
use url::Url;

use crate::answer::Answer;
use crate::call::{Prepared, Preview, Repeat};
use crate::client::Client;
use crate::error::Error;
use crate::unfit::{Unfit, group_id, message_id, user_name};
use crate::wire::{self, Fault, RecallFailures, RecallOutcome};

/// Between whom a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatType {
    /// Two users.
    Chat,
    /// The members of a group.
    GroupChat,
    /// Those in a chat room.
    ChatRoom,
}

impl ChatType {
    const ALL: [Self; 3] = [Self::Chat, Self::GroupChat, Self::ChatRoom];

    /// The word of the wire: `chat`, `groupchat`, `chatroom`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::GroupChat => "groupchat",
            Self::ChatRoom => "chatroom",
        }
    }

    fn check(self, id: &str) -> Result<(), Unfit> {
        if self == Self::Chat { user_name(id) } else { group_id(id) }
    }
}

impl FromStr for ChatType {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or("a type is chat, groupchat or chatroom")
    }
}

impl fmt::Display for ChatType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A message to be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// Which one.
    pub id: MessageId,
    /// The user, group or room it went to.
    pub to: String,
    /// Which of them.
    pub chat_type: ChatType,
    /// Who takes it back; `admin` where it is `None`.
    pub from: Option<String>,
    /// Whether to take it back after the time for it is over (2 minutes, up to 7 days by the console), or after the
    /// service has forgotten it; then `from` has to be who sent it, and only the clients drop it.
    pub force: bool,
    /// Whether the sender's own devices are told; the service does so where it is `None`.
    pub sync_device: Option<bool>,
    /// A text that the recipients' apps get with the news.
    pub extension: Option<String>,
}

/// What became of a recall. That it comes too late is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recalled {
    /// The message is taken back, and its file, if it has one.
    Done,
    /// It is not.
    Not(Unrecalled),
}

/// Why a message was not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unrecalled {
    /// The service does not know the message, or no longer.
    NotFound,
    /// The message did not go to whom the recall says.
    WrongRecipient,
    /// The time for it is over.
    TooLate,
    /// The service could not; it may later.
    Fault,
    /// The service said something else.
    Other(String),
    /// The answer does not speak of the message.
    Unanswered,
}

impl fmt::Display for Unrecalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("the service does not have the message"),
            Self::WrongRecipient => f.write_str("the message did not go to this recipient"),
            Self::TooLate => f.write_str("the time for it is over"),
            Self::Fault => f.write_str("the service has a fault"),
            Self::Other(said) => write!(f, "the service says: {said}"),
            Self::Unanswered => f.write_str("the service did not say"),
        }
    }
}

impl Unrecalled {
    /// By what the words contain: editions differ in the rest.
    fn read(words: &str, answer: &Answer) -> Self {
        let says = |part: &str| words.to_ascii_lowercase().contains(part);
        if says("not_found") || says("not found") {
            Self::NotFound
        } else if says("time limit") {
            Self::TooLate
        } else if says("can't find") || says("cannot find") {
            Self::WrongRecipient
        } else if says("internal error") {
            Self::Fault
        } else {
            Self::Other(answer.presentable(words))
        }
    }
}

impl Recall {
    /// A recall by the admin, in time.
    #[must_use]
    pub fn new(id: MessageId, to: impl Into<String>, chat_type: ChatType) -> Self {
        Self { id, to: to.into(), chat_type, from: None, force: false, sync_device: None, extension: None }
    }

    /// What would be sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] as with [`Client::recall`].
    pub fn preview(&self, base_url: &Url) -> Result<Preview, Error> {
        Ok(self.prepared()?.preview(base_url))
    }

    fn prepared(&self) -> Result<Prepared, Unfit> {
        let body = serde_json::to_string(&self.wire()?).expect("texts can be written as JSON");
        Ok(Prepared::post(&["messages", "msg_recall"], body))
    }

    fn wire(&self) -> Result<wire::Recall<'_>, Unfit> {
        message_id(self.id.as_str())?;
        self.chat_type.check(&self.to)?;
        self.from.iter().try_for_each(|name| user_name(name))?;
        Ok(wire::Recall {
            msg_id: self.id.as_str(),
            to: &self.to,
            from: self.from.as_deref(),
            chat_type: self.chat_type.word(),
            force: self.force,
            sync_device: self.sync_device,
            extension: self.extension.as_deref(),
        })
    }
}

/// Messages that one call takes back (section 9).
const BATCH: usize = 30;

impl Client {
    /// Takes a message back. 100 calls a second. Is made again also when the answer was lost: a message is not taken back
    /// twice, but the second answer may say that it is no longer there.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] before anything is sent, [`Error::Refused`] when the app may not recall, and what remains after
    /// the retries.
    pub async fn recall(&self, recall: &Recall) -> Result<Recalled, Error> {
        let prepared = recall.prepared()?;
        let terms = (&self.quotas.recall, 1, Repeat::Safely);
        self.change(&prepared, terms, |answer| self.recalled(answer)).await
    }

    /// Takes up to 30 messages back in one call, and says of each what became of it, in their order. Otherwise as
    /// [`Client::recall`].
    ///
    /// # Errors
    ///
    /// As [`Client::recall`].
    pub async fn recall_batch(&self, recalls: &[Recall]) -> Result<Vec<Recalled>, Error> {
        if recalls.is_empty() {
            return Ok(Vec::new());
        }
        if recalls.len() > BATCH {
            return Err(Unfit::TooManyRecalls { count: recalls.len(), most: BATCH }.into());
        }
        let msgs = recalls.iter().map(Recall::wire).collect::<Result<_, _>>()?;
        let body = serde_json::to_string(&wire::Recalls { msgs }).expect("texts can be written as JSON");
        let prepared = Prepared::post(&["messages", "batch_recall"], body);
        let terms = (&self.quotas.recall, 1, Repeat::Safely);
        self.change(&prepared, terms, |answer| self.recalled_batch(answer, recalls)).await
    }

    /// One answer in any of its styles: a success, the list without an envelope, the envelope of an error.
    fn recalled(&self, answer: &Answer) -> Result<Recalled, Error> {
        if let Ok(failures) = answer.json::<RecallFailures>()
            && let Some(failure) = failures.msgs.first()
        {
            return Ok(outcome(failure, answer));
        }
        let fault = Fault::read(&answer.body);
        let is_of_recall = matches!(answer.status, 400 | 403) && fault.error == "message_recall_error";
        // "param … can't be empty" is a fault of ours, not of the message.
        if is_of_recall && !fault.description.to_ascii_lowercase().contains("param") {
            return Ok(Recalled::Not(Unrecalled::read(&fault.description, answer)));
        }
        Ok(outcome(&self.data::<RecallOutcome>(answer)?, answer))
    }

    fn recalled_batch(&self, answer: &Answer, recalls: &[Recall]) -> Result<Vec<Recalled>, Error> {
        let outcomes = match answer.json::<RecallFailures>() {
            Ok(failures) => failures.msgs,
            Err(_) => self.data::<Vec<RecallOutcome>>(answer)?,
        };
        let of = |recall: &Recall| {
            let is_of = |outcome: &&RecallOutcome| {
                outcome.msg_id.as_ref().and_then(|raw| wire::id(raw)).as_deref() == Some(recall.id.as_str())
            };
            let found = outcomes.iter().find(is_of);
            found.map_or(Recalled::Not(Unrecalled::Unanswered), |found| outcome(found, answer))
        };
        Ok(recalls.iter().map(of).collect())
    }
}

fn outcome(outcome: &RecallOutcome, answer: &Answer) -> Recalled {
    if outcome.recalled.eq_ignore_ascii_case("yes") {
        return Recalled::Done;
    }
    Recalled::Not(Unrecalled::read(&outcome.recalled, answer))
}
