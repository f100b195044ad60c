//! Deleting a conversation one way (section 10).

use reqwest::Method;
use url::Url;

use crate::answer::Answer;
use crate::call::{Prepared, Preview, Repeat};
use crate::client::Client;
use crate::error::Error;
use crate::recall::ChatType;
use crate::unfit::{Unfit, group_id, user_name};
use crate::wire;

/// A user's conversation that the service is to forget, for this user alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forget {
    /// Whose conversation.
    pub user: String,
    /// The other user, or the id of the group.
    pub with: String,
    /// Which of the two; rooms have no conversations.
    pub chat_type: ChatType,
    /// Whether the user's messages of the conversation go, too, and not only its entry in the list.
    pub delete_roaming: bool,
}

impl Forget {
    /// What would be sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] as with [`Client::delete_conversation`].
    pub fn preview(&self, base_url: &Url) -> Result<Preview, Error> {
        Ok(self.prepared()?.preview(base_url))
    }

    fn prepared(&self) -> Result<Prepared, Unfit> {
        user_name(&self.user)?;
        match self.chat_type {
            ChatType::Chat => user_name(&self.with)?,
            ChatType::GroupChat => group_id(&self.with)?,
            ChatType::ChatRoom => {
                return Err(Unfit::NotFor { what: "deleting a conversation", recipients: "chat rooms" });
            }
        }
        let request =
            wire::Channel { channel: &self.with, kind: self.chat_type.word(), delete_roam: self.delete_roaming };
        let body = serde_json::to_string(&request).expect("texts can be written as JSON");
        let prepared = Prepared::post(&["users", &self.user, "user_channel"], body);
        Ok(Prepared { verb: Method::DELETE, ..prepared })
    }
}

impl Client {
    /// Has the service forget a conversation for one of its users. The files of the history stay as they are. 100 calls
    /// a second and 5 a minute of one user, for which it waits. Is made again also when the answer was lost: what is
    /// deleted stays deleted.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] before anything is sent, [`Error::Declined`] when the service does not take it, and what remains
    /// after the retries.
    pub async fn delete_conversation(&self, forget: &Forget) -> Result<(), Error> {
        let prepared = forget.prepared()?;
        self.quotas.deletions_of_a_user.wait(&forget.user).await?;
        let terms = (&self.quotas.delete_conversation, 1, Repeat::Safely);
        self.change(&prepared, terms, |answer: &Answer| self.deleted(answer)).await
    }

    fn deleted(&self, answer: &Answer) -> Result<(), Error> {
        let said: serde_json::Value = self.data(answer)?;
        match said.get("result").and_then(|result| result.as_str()) {
            Some("ok") => Ok(()),
            _ => Err(answer.malformed("it does not say `ok`")),
        }
    }
}
