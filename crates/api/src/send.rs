//! Sending messages (section 6).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chat::MessageId;
use url::Url;

use crate::answer::Answer;
use crate::body::{Body, Ext};
use crate::call::{Prepared, Preview, Repeat};
use crate::client::Client;
use crate::config::Limits;
use crate::error::Error;
use crate::quota::{BROADCASTS, Quota};
use crate::unfit::{Unfit, group_id, user_list, user_name};
use crate::wire;

/// Who gets a message. Whether they exist is not checked by the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// Users, at most 600, each for himself.
    Users(Vec<String>),
    /// Groups, at most 3, by id.
    Groups(Vec<String>),
    /// Chat rooms, at most 10, by id.
    Rooms(Vec<String>),
    /// Some members of a group, at most 20: a directed message.
    InGroup {
        /// The id of the group.
        group: String,
        /// Their names.
        users: Vec<String>,
    },
    /// Some members of a chat room, at most 20: a directed message.
    InRoom {
        /// The id of the room.
        room: String,
        /// Their names.
        users: Vec<String>,
    },
}

/// How urgent a message is in a chat room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The last to be dropped when a room is busy.
    High,
    /// What the service assumes.
    Normal,
    /// The first to be dropped.
    Low,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

impl FromStr for Level {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = [Self::High, Self::Normal, Self::Low].into_iter().find(|level| level.word() == text);
        found.ok_or("a level is high, normal or low")
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A message to be sent (section 6.2).
#[derive(Debug, Clone)]
pub struct Draft {
    /// Who gets it.
    pub to: Recipients,
    /// Who it is from; `admin` where it is `None`.
    pub from: Option<String>,
    /// What it says. With `ext` at most [`Limits::message_bytes`] bytes of JSON.
    pub body: Body,
    /// What the app says beside it.
    pub ext: Option<Ext>,
    /// Whether who is not online now never gets it, in place of later. Not for rooms.
    pub online_only: bool,
    /// Whether the sender's own devices get it, too. The service does so with groups always, and not in rooms.
    pub sync_device: bool,
    /// Users, at most 20, who do not get it when they ask the service for earlier messages.
    pub roam_ignore_users: Vec<String>,
    /// Whether members of a group are to say that they read it. Groups only.
    pub need_group_ack: bool,
    /// How urgent it is. Rooms only.
    pub level: Option<Level>,
}

/// What the service made of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The recipient, as it was named.
    pub to: String,
    /// The id of the message; `None` when the answer has none for this recipient, who then most likely did not get it.
    pub id: Option<MessageId>,
}

impl Draft {
    /// A message with nothing set beside what it says.
    #[must_use]
    pub fn new(to: Recipients, body: Body) -> Self {
        Self {
            to,
            from: None,
            body,
            ext: None,
            online_only: false,
            sync_device: false,
            roam_ignore_users: Vec::new(),
            need_group_ack: false,
            level: None,
        }
    }

    /// What would be sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] as with [`Client::send`].
    pub fn preview(&self, base_url: &Url, limits: &Limits) -> Result<Preview, Error> {
        Ok(self.prepared(limits)?.preview(base_url))
    }

    fn prepared(&self, limits: &Limits) -> Result<Prepared, Unfit> {
        self.check()?;
        fits(&self.body, self.ext.as_ref(), limits)?;
        let json = |body| serde_json::to_string(&self.wire(body)).expect("texts and flags can be written as JSON");
        let (body, shown) = (json(&self.body.to_json()), json(&self.body.to_shown_json()));
        Ok(Prepared { body, shown, secrets: self.body.secrets(), ..Prepared::post(self.to.path(), String::new()) })
    }

    fn wire<'a>(&'a self, body: &'a serde_json::value::RawValue) -> wire::Send<'a> {
        wire::Send {
            from: self.from.as_deref(),
            to: self.to.ids(),
            users: self.to.members(),
            kind: self.body.kind(),
            body,
            ext: self.ext.as_ref().map(Ext::raw),
            sync_device: self.sync_device.then_some(true),
            routetype: self.online_only.then_some("ROUTE_ONLINE"),
            roam_ignore_users: &self.roam_ignore_users,
            need_group_ack: self.need_group_ack.then_some(true),
            chatroom_msg_level: self.level.map(Level::word),
        }
    }

    fn check(&self) -> Result<(), Unfit> {
        self.to.check()?;
        self.from.iter().try_for_each(|name| user_name(name))?;
        user_list("roam_ignore_users", &self.roam_ignore_users)?;
        let refuse =
            |is_set: bool, what, recipients| if is_set { Err(Unfit::NotFor { what, recipients }) } else { Ok(()) };
        let (is_to_rooms, is_to_groups) = (self.to.is_rooms(), self.to.is_groups());
        refuse(self.online_only && is_to_rooms, "online-only delivery", "chat rooms")?;
        refuse(self.sync_device && is_to_rooms, "sync_device", "chat rooms")?;
        refuse(self.need_group_ack && !is_to_groups, "need_group_ack", "users and chat rooms")?;
        refuse(self.level.is_some() && !is_to_rooms, "chatroom_msg_level", "users and groups")?;
        self.body.check()
    }
}

/// Whether body and ext are small enough together.
pub(crate) fn fits(body: &Body, ext: Option<&Ext>, limits: &Limits) -> Result<(), Unfit> {
    let bytes = body.to_json().get().len() + ext.map_or(0, |ext| ext.raw().get().len());
    let most = limits.message_bytes;
    if bytes > most { Err(Unfit::MessageTooLarge { bytes, most }) } else { Ok(()) }
}

impl Recipients {
    /// Users, groups and rooms that one call takes (section 6.1).
    const MOST: (usize, usize, usize) = (600, 3, 10);

    fn ids(&self) -> &[String] {
        match self {
            Self::Users(ids) | Self::Groups(ids) | Self::Rooms(ids) => ids,
            Self::InGroup { group: id, .. } | Self::InRoom { room: id, .. } => std::slice::from_ref(id),
        }
    }

    fn members(&self) -> Option<&[String]> {
        match self {
            Self::InGroup { users, .. } | Self::InRoom { users, .. } => Some(users),
            _ => None,
        }
    }

    fn is_rooms(&self) -> bool {
        matches!(self, Self::Rooms(_) | Self::InRoom { .. })
    }

    fn is_groups(&self) -> bool {
        matches!(self, Self::Groups(_) | Self::InGroup { .. })
    }

    fn path(&self) -> &'static [&'static str] {
        match self {
            Self::Users(_) => &["messages", "users"],
            Self::Groups(_) => &["messages", "chatgroups"],
            Self::Rooms(_) => &["messages", "chatrooms"],
            Self::InGroup { .. } => &["messages", "chatgroups", "users"],
            Self::InRoom { .. } => &["messages", "chatrooms", "users"],
        }
    }

    fn check(&self) -> Result<(), Unfit> {
        let (users, groups, rooms) = Self::MOST;
        let most = match self {
            Self::Users(_) => users,
            Self::Groups(_) | Self::InGroup { .. } => groups,
            Self::Rooms(_) | Self::InRoom { .. } => rooms,
        };
        let is_users = matches!(self, Self::Users(_));
        named_once(self.ids(), most)?;
        self.ids().iter().try_for_each(|id| if is_users { user_name(id) } else { group_id(id) })?;
        let Some(members) = self.members() else { return Ok(()) };
        named_once(members, usize::MAX)?;
        user_list("a directed message", members)
    }
}

fn named_once(names: &[String], most: usize) -> Result<(), Unfit> {
    if names.is_empty() {
        return Err(Unfit::NoRecipient);
    }
    if names.len() > most {
        return Err(Unfit::TooManyRecipients { count: names.len(), most });
    }
    let mut seen = BTreeSet::new();
    let twice = names.iter().find(|name| !seen.insert(name.to_ascii_lowercase()));
    twice.map_or(Ok(()), |name| Err(Unfit::NamedTwice { name: name.clone() }))
}

impl Client {
    /// Sends a message (sections 6.1 to 6.4) and says what became of it for each recipient, in their order.
    ///
    /// Waits for the quota first: 6,000 messages to users in a minute, 20 to groups and 100 to rooms in a second. Is made
    /// again when the service cannot be reached, asks for fewer calls or messages, or refuses a token that can be
    /// renewed: nothing was sent then. When the answer is lost the message may be on its way, and it is
    /// [`Error::Doubtful`].
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] before anything is sent, [`Error::Declined`] when the service does not take it, and what
    /// remains after the retries.
    pub async fn send(&self, draft: &Draft) -> Result<Vec<Receipt>, Error> {
        let prepared = draft.prepared(&self.http.limits)?;
        let messages = u32::try_from(draft.to.ids().len()).unwrap_or(u32::MAX);
        let terms = (self.send_quota(&draft.to), messages, Repeat::Never);
        self.change(&prepared, terms, |answer| self.receipts(answer, draft.to.ids())).await
    }

    fn send_quota(&self, to: &Recipients) -> &Quota {
        match to {
            Recipients::Users(_) => &self.quotas.to_users,
            Recipients::Groups(_) | Recipients::InGroup { .. } => &self.quotas.to_groups,
            Recipients::Rooms(_) | Recipients::InRoom { .. } => &self.quotas.to_rooms,
        }
    }

    fn receipts(&self, answer: &Answer, to: &[String]) -> Result<Vec<Receipt>, Error> {
        let ids: wire::Ids = self.data(answer)?;
        let id_of = |name: &String| {
            let given =
                ids.get(name).or_else(|| ids.iter().find(|(to, _)| to.eq_ignore_ascii_case(name)).map(|(_, id)| id));
            given.and_then(|raw| wire::id(raw)).map(MessageId::new)
        };
        Ok(to.iter().map(|name| Receipt { to: name.clone(), id: id_of(name) }).collect())
    }

    /// The `data` of a success; of anything else what it means.
    pub(crate) fn data<T: serde::de::DeserializeOwned>(&self, answer: &Answer) -> Result<T, Error> {
        if answer.status != 200 {
            return Err(answer.fault(&self.app().to_string()));
        }
        Ok(answer.json::<wire::Data<T>>()?.data)
    }
}

/// A message to every chat room of the app (section 6.1).
#[derive(Debug, Clone)]
pub struct Broadcast {
    /// Who it is from; `admin` where it is `None`.
    pub from: Option<String>,
    /// What it says. With `ext` at most [`Limits::message_bytes`] bytes of JSON.
    pub body: Body,
    /// What the app says beside it.
    pub ext: Option<Ext>,
    /// How urgent it is.
    pub level: Option<Level>,
}

impl Broadcast {
    /// What would be sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unfit`] as with [`Client::broadcast`].
    pub fn preview(&self, base_url: &Url, limits: &Limits) -> Result<Preview, Error> {
        Ok(self.prepared(limits)?.preview(base_url))
    }

    fn prepared(&self, limits: &Limits) -> Result<Prepared, Unfit> {
        self.from.iter().try_for_each(|name| user_name(name))?;
        self.body.check()?;
        fits(&self.body, self.ext.as_ref(), limits)?;
        let json = |is_shown| {
            let request = wire::Broadcast {
                chatroom_msg_level: self.level.map(Level::word),
                from: self.from.as_deref(),
                msg: self.body.to_typed_fields(is_shown),
                ext: self.ext.as_ref().map(Ext::raw),
            };
            serde_json::to_string(&request).expect("texts can be written as JSON")
        };
        let plain = Prepared::post(&["messages", "chatrooms", "broadcast"], json(false));
        Ok(Prepared { shown: json(true), secrets: self.body.secrets(), ..plain })
    }
}

impl Client {
    /// Sends a message to every chat room. Ten in a minute, which it waits for, and a hundred in a day, which it does not:
    /// one beyond is [`Unfit::NoBroadcastLeft`]. Is made again as [`Client::send`] is.
    ///
    /// # Errors
    ///
    /// As [`Client::send`].
    pub async fn broadcast(&self, broadcast: &Broadcast) -> Result<MessageId, Error> {
        let prepared = broadcast.prepared(&self.http.limits)?;
        if let Err(until) = self.quotas.broadcasts_of_a_day.take("").await? {
            return Err(Unfit::NoBroadcastLeft { most: BROADCASTS, until }.into());
        }
        let read = |answer: &Answer| {
            let data: wire::BroadcastId = self.data(answer)?;
            wire::id(&data.id).map(MessageId::new).ok_or_else(|| answer.malformed("the id of the message is missing"))
        };
        self.change(&prepared, (&self.quotas.broadcast, 1, Repeat::Never), read).await
    }
}
