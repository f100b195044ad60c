//! Bringing messages of another system into the service's history (section 11).

use std::fmt;
use std::str::FromStr;

use chat::{MessageId, Secret};
use url::Url;

use crate::answer::Answer;
use crate::body::{Body, Ext, JsonBody};
use crate::call::{Prepared, Preview, Repeat};
use crate::client::Client;
use crate::config::Limits;
use crate::error::Error;
use crate::send::fits;
use crate::unfit::{Unfit, group_id, user_name};
use crate::wire;

/// What kind of conversation messages are imported into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportInto {
    /// Between two users: `target` is the other one.
    Users,
    /// Of a group: `target` is its id.
    Groups,
}

/// A message to be imported, in the form of the wire: a JSON object with `from`, `target`, `type`, `body` and perhaps
/// `ext`, `is_ack_read`, `msg_timestamp` (milliseconds since 1970) and `need_download`. Read from a line with
/// [`str::parse`], which keeps every digit as it was written and refuses names that the method does not have.
pub struct Import {
    wire: wire::Import,
    body: Body,
    ext: Option<Ext>,
}

impl FromStr for Import {
    type Err = Unfit;

    fn from_str(line: &str) -> Result<Self, Unfit> {
        let wire: wire::Import =
            serde_json::from_str(line).map_err(|error| Unfit::Record { what: in_one_line(&error) })?;
        let body = Body::Json(JsonBody::new(&wire.kind, wire.body.get())?);
        let ext = wire.ext.as_ref().map(|ext| ext.get().parse()).transpose()?;
        user_name(&wire.from)?;
        match wire.msg_timestamp {
            Some(milliseconds) if milliseconds < 1_000 => Err(Unfit::Timestamp { milliseconds }),
            _ => Ok(Self { wire, body, ext }),
        }
    }
}

/// What is wrong, and where: a record has one line, and the number of that is not said here.
fn in_one_line(error: &serde_json::Error) -> String {
    error.to_string().replacen(" at line 1 column ", " at column ", 1)
}

impl Import {
    /// Checks what reading alone does not: the target's form, and the size.
    ///
    /// # Errors
    ///
    /// What does not fit.
    pub fn check(&self, into: ImportInto, limits: &Limits) -> Result<(), Unfit> {
        match into {
            ImportInto::Users => user_name(&self.wire.target)?,
            ImportInto::Groups => group_id(&self.wire.target)?,
        }
        fits(&self.body, self.ext.as_ref(), limits)
    }

    /// What would be sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] as with [`Client::import`].
    pub fn preview(&self, into: ImportInto, base_url: &Url, limits: &Limits) -> Result<Preview, Error> {
        Ok(self.prepared(into, limits)?.preview(base_url))
    }

    fn prepared(&self, into: ImportInto, limits: &Limits) -> Result<Prepared, Unfit> {
        self.check(into, limits)?;
        let kind = match into {
            ImportInto::Users => "users",
            ImportInto::Groups => "chatgroups",
        };
        let json = |wire: &wire::Import| serde_json::to_string(wire).expect("what was read can be written");
        let shown = wire::Import { body: self.body.to_shown_json(), ..self.copy() };
        let prepared = Prepared::post(&["messages", kind, "import"], json(&self.wire));
        Ok(Prepared { shown: json(&shown), secrets: self.secrets(), ..prepared })
    }

    fn copy(&self) -> wire::Import {
        let wire::Import { from, target, kind, body, ext, is_ack_read, msg_timestamp, need_download } = &self.wire;
        wire::Import {
            from: from.clone(),
            target: target.clone(),
            kind: kind.clone(),
            body: body.clone(),
            ext: ext.clone(),
            is_ack_read: *is_ack_read,
            msg_timestamp: *msg_timestamp,
            need_download: *need_download,
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        self.body.secrets()
    }
}

/// Who and to whom: what it says belongs into no log.
impl fmt::Debug for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Import({} from {} to {})", self.wire.kind, self.wire.from, self.wire.target)
    }
}

impl Client {
    /// Imports a message and gives back its id. 100 calls a second. Creates no entry in anybody's list of
    /// conversations. A message without `msg_timestamp` gets the time of the import. Is made again as
    /// [`Client::send`] is, and like it is [`Error::Doubtful`] when the answer is lost.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] before anything is sent, [`Error::Declined`] when the service does not take it, and what remains
    /// after the retries.
    pub async fn import(&self, into: ImportInto, import: &Import) -> Result<MessageId, Error> {
        let prepared = import.prepared(into, &self.http.limits)?;
        let read = |answer: &Answer| {
            let data: wire::ImportedId = self.data(answer)?;
            let id = wire::id(&data.msg_id).map(MessageId::new);
            id.ok_or_else(|| answer.malformed("the id of the message is missing"))
        };
        self.change(&prepared, (&self.quotas.import, 1, Repeat::Never), read).await
    }
}
