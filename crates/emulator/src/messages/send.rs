//! `POST …/messages/users`, `…/chatgroups`, `…/chatrooms`, and `…/users` of the latter two (protocol section 6).

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::Value;

use crate::answer::Failure;
use crate::customs::Kind;
use crate::messages::body::{Content, cannot_be_empty, send_error};
use crate::messages::{Saying, by_recipient, say};
use crate::method::{Call, Fields, Method};
use crate::rate::{Counted, Limit};
use crate::talk::change::Conversation;

/// Whom a method sends to.
struct Audience {
    conversation: Conversation,
    /// Recipients of one call.
    most: usize,
    /// By which its messages are counted.
    name: &'static str,
    messages: Limit,
    /// Whether only the members named in `users` get it.
    directed: bool,
}

const TO_USERS: Audience = Audience {
    conversation: Conversation::Users,
    most: 600,
    name: "users",
    messages: Limit::a_minute(6000),
    directed: false,
};
const TO_GROUPS: Audience = Audience {
    conversation: Conversation::Group,
    most: 3,
    name: "groups",
    messages: Limit::a_second(20),
    directed: false,
};
const TO_ROOMS: Audience = Audience {
    conversation: Conversation::Room,
    most: 10,
    name: "rooms",
    messages: Limit::a_second(100),
    directed: false,
};

const FEW: &[Limit] = &[Limit::a_second(20)];

pub(crate) static USERS: Method =
    Method { name: "users", limits: crate::method::USUAL, answer: |call| send(call, &TO_USERS) };
pub(crate) static GROUPS: Method = Method { name: "groups", limits: FEW, answer: |call| send(call, &TO_GROUPS) };
pub(crate) static ROOMS: Method = Method { name: "rooms", limits: FEW, answer: |call| send(call, &TO_ROOMS) };
pub(crate) static DIRECTED_GROUPS: Method = Method {
    name: "groups",
    limits: FEW,
    answer: |call| send(call, &Audience { most: 1, directed: true, ..TO_GROUPS }),
};
pub(crate) static DIRECTED_ROOMS: Method =
    Method { name: "rooms", limits: FEW, answer: |call| send(call, &Audience { most: 1, directed: true, ..TO_ROOMS }) };

/// The most members that a directed message is for, and that are left out when messages are pulled.
const MEMBERS: usize = 20;

fn send(call: &Call, audience: &Audience) -> Result<Value, Failure> {
    let fields = &call.fields;
    let from = sender(fields)?;
    let to = recipients(fields, audience.most)?;
    let content = Content::read(fields, cannot_be_empty)?;
    let kinds = kinds(fields, &content, audience)?;
    let weight = u32::try_from(to.len()).unwrap_or(u32::MAX);
    if !call.state.admits(&Counted::Messages(audience.name), &[audience.messages], weight) {
        return Err(Failure::new(StatusCode::FORBIDDEN, "message_send_error", "message send reach limit"));
    }
    let time = call.state.now().timestamp_millis();
    let left_out = kinds.iter().any(|kind| call.state.options().customs.left_out.contains(kind));
    let filed = (!left_out).then_some(time);
    let saying = Saying { conversation: audience.conversation, from, to: &to, content: &content, time, filed };
    Ok(call.done(by_recipient(&to, say(&call.state, &saying)?)))
}

/// `admin` unless somebody else is named.
pub(super) fn sender(fields: &Fields) -> Result<&str, Failure> {
    if fields.value("from").is_none() { Ok("admin") } else { fields.name("from", || cannot_be_empty("from")) }
}

/// Each recipient once.
fn recipients(fields: &Fields, most: usize) -> Result<Vec<&str>, Failure> {
    let to = fields.names("to")?.filter(|to| !to.is_empty()).ok_or_else(|| cannot_be_empty("to"))?;
    if to.len() > most {
        return Err(send_error(format!("params to's size can't exceed limit {most}")));
    }
    let mut seen = BTreeSet::new();
    Ok(to.into_iter().filter(|name| seen.insert(*name)).collect())
}

/// What the message is besides ordinary; checks the fields that say so.
fn kinds(fields: &Fields, content: &Content, audience: &Audience) -> Result<Vec<Kind>, Failure> {
    for flag in ["sync_device", "need_group_ack"] {
        fields.flag(flag)?;
    }
    if fields.names("roam_ignore_users")?.is_some_and(|users| users.len() > MEMBERS) {
        return Err(send_error(format!("params roam_ignore_users's size can't exceed limit {MEMBERS}")));
    }
    level(fields)?;
    let online = match fields.text("routetype")? {
        None => false,
        Some("ROUTE_ONLINE") => true,
        Some(_) => return Err(Failure::invalid_body()),
    };
    if audience.directed {
        let users = fields.names("users")?.filter(|users| !users.is_empty());
        if users.ok_or_else(|| cannot_be_empty("users"))?.len() > MEMBERS {
            return Err(send_error(format!("params users's size can't exceed limit {MEMBERS}")));
        }
    }
    let all = [(content.kind == "cmd", Kind::Command), (online, Kind::Online), (audience.directed, Kind::Directed)];
    Ok(all.into_iter().filter_map(|(is, kind)| is.then_some(kind)).collect())
}

/// How urgent a message to a room is; nothing here depends on it.
pub(super) fn level(fields: &Fields) -> Result<(), Failure> {
    match fields.text("chatroom_msg_level")? {
        None | Some("high" | "normal" | "low") => Ok(()),
        Some(_) => Err(Failure::invalid_body()),
    }
}
