//! `POST …/messages/chatrooms/broadcast`: to all rooms (protocol section 6.1).

use serde_json::{Map, Number, Value};

use crate::answer::Failure;
use crate::customs::Kind;
use crate::messages::body::{Content, cannot_be_empty, ext};
use crate::messages::send::{level, sender};
use crate::messages::{Saying, say};
use crate::method::{Call, Method};
use crate::rate::Limit;
use crate::talk::change::Conversation;

pub(crate) static BROADCAST: Method =
    Method { name: "broadcast", limits: &[Limit::a_minute(10), Limit::a_day(100)], answer: broadcast };

/// Which rooms there are is not known here: the one record has this in the place of a room.
const ALL_ROOMS: &str = "*";

fn broadcast(call: &Call) -> Result<Value, Failure> {
    let fields = &call.fields;
    let from = sender(fields)?;
    level(fields)?;
    let msg = fields.value("msg").and_then(Value::as_object).ok_or_else(|| cannot_be_empty("msg"))?;
    let mut body: Map<_, _> = msg.clone();
    let kind = match body.remove("type") {
        Some(Value::String(kind)) if !kind.is_empty() => kind,
        None => return Err(cannot_be_empty("type")),
        Some(_) => return Err(Failure::invalid_body()),
    };
    let content = Content::of(&kind, body, ext(fields)?, cannot_be_empty)?;
    let customs = &call.state.options().customs;
    let left_out = customs.left_out.contains(&Kind::Broadcast)
        || content.kind == "cmd" && customs.left_out.contains(&Kind::Command);
    let time = call.state.now().timestamp_millis();
    let filed = (!left_out).then_some(time);
    let saying = Saying { conversation: Conversation::Room, from, to: &[ALL_ROOMS], content: &content, time, filed };
    let id = say(&call.state, &saying)?.pop().and_then(|id| id.parse::<u64>().ok()).unwrap_or_default();
    // A bare number above 2^53: so the service answers, and clients have to bear it.
    Ok(call.done(serde_json::json!({ "id": Number::from(id) })))
}
