//! `PUT …/messages/rewrite/{msg_id}`: another body for a message (protocol sections 4.4 and 12).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Failure;
use crate::customs::Kind;
use crate::messages::body::{Content, cannot_be_empty};
use crate::messages::{filed, member};
use crate::method::{Call, Method, USUAL};
use crate::record::Record;
use crate::state::State;
use crate::talk::change::{Conversation, Line, Message, What};
use crate::talk::id::message_id;

pub(crate) static EDIT: Method = Method { name: "edit", limits: USUAL, answer: edit };

/// How often a message can be edited.
const EDITS: u32 = 10;

fn edit(call: &Call) -> Result<Value, Failure> {
    let fields = &call.fields;
    let id = call.segments.get("id").map(String::as_str).unwrap_or_default();
    let user = fields.text("user")?.unwrap_or_default();
    let content = content(call)?;
    let state = &call.state;
    let mut talk = state.talk();
    let not_found = || Failure::new(StatusCode::NOT_FOUND, "entity_not_found", "message not found");
    let message = talk.message(id).ok_or_else(not_found)?;
    if message.kind != content.kind {
        return Err(Failure::new(StatusCode::BAD_REQUEST, "invalid_parameter", "the type cannot be changed"));
    }
    if message.edits >= EDITS {
        return Err(Failure::new(StatusCode::FORBIDDEN, "exceed_limit", "message edit reach limit"));
    }
    let numbers = talk.numbers(1).map_err(|refused| Failure::refused(&refused))?;
    let left_out = state.options().customs.left_out.contains(&Kind::Event);
    let event = (!left_out).then(|| event(state, message, &content, user, numbers.start));
    let (lines, what) =
        (event.into_iter().collect(), What::Edited { id: message.id.clone(), kind: message.kind.clone() });
    talk.change(numbers.end, lines, what).map_err(|refused| Failure::refused(&refused))?;
    drop(talk);
    Ok(call.done(json!("success")))
}

fn content(call: &Call) -> Result<Content, Failure> {
    let fields = &call.fields;
    fields.flag("is_combine_ext")?;
    let mut body = fields.value("new_msg").and_then(Value::as_object).cloned().ok_or_else(Failure::invalid_body)?;
    let kind = body.remove("type");
    let kind = kind.as_ref().and_then(Value::as_str).filter(|kind| ["txt", "custom"].contains(kind));
    let ext = match fields.value("new_ext") {
        Some(ext) if !ext.is_object() => return Err(Failure::invalid_body()),
        ext => ext.cloned(),
    };
    Content::of(kind.ok_or_else(Failure::invalid_body)?, body, ext, cannot_be_empty)
}

fn event(state: &State, message: &Message, content: &Content, user: &str, number: u32) -> Line {
    let now = state.now();
    let operator = if user.is_empty() { "easemob_rest_app_admin" } else { user };
    let about = match message.conversation {
        Conversation::Users => "chat:user",
        Conversation::Group => "chat:group",
        Conversation::Room => "chat:room",
    };
    let meta = json!({ "edit_msg": {
        "count": message.edits + 1,
        "edit_time": now.timestamp_millis(),
        "send_time": message.time,
        "operator": operator,
        "sender": message.from,
        "chat_type": about,
    } });
    let record = Record {
        chat_type: "edit",
        from: message.from.clone(),
        to: message.to.clone(),
        id: message_id(now, number),
        time: now.timestamp_millis(),
        ext: content.ext.as_ref().map(Value::to_string).unwrap_or_default(),
        bodies: content.bodies(),
        payload_type: "edit",
        meta: meta.to_string(),
        payload_more: member("edit_message_id", &message.id),
        ..Record::default()
    };
    filed(&record, now.timestamp_millis())
}
