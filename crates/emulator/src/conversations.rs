//! `DELETE …/users/{username}/user_channel`: a conversation, for one side (protocol section 10).
//!
//! It changes nothing that could be asked for here: hour files keep what was said.

use serde_json::{Value, json};

use crate::answer::Failure;
use crate::method::{Call, Method, USUAL, no_entities};
use crate::rate::{Counted, Limit};

pub(crate) static DELETE: Method = Method { name: "conversation", limits: USUAL, answer: delete };

/// Of one user.
const DELETIONS: &[Limit] = &[Limit::a_minute(5)];

fn delete(call: &Call) -> Result<Value, Failure> {
    let user = call.segments.get("user").cloned().filter(|user| is_user(user));
    let user = user.ok_or_else(|| Failure::illegal_argument("username is not legal"))?;
    if !call.state.admits(&Counted::Conversations(user), DELETIONS, 1) {
        return Err(Failure::over_rate());
    }
    let fields = &call.fields;
    fields.name("channel", || Failure::illegal_argument("field channel cannot be null or empty"))?;
    let kind = fields.required("type", || Failure::illegal_argument("field type cannot be null or empty"))?;
    if !["chat", "groupchat"].contains(&kind) {
        return Err(Failure::invalid_body());
    }
    fields.flag("delete_roam")?.ok_or_else(|| Failure::illegal_argument("field delete_roam cannot be null"))?;
    // The path lacks the user: so the service answers.
    let path = json!("/users/user_channel");
    Ok(call.done_with([("path", path), ("entities", no_entities()), ("data", json!({ "result": "ok" }))]))
}

/// Whether this may be the name of a user (protocol section 1.5); older pages allow capitals.
fn is_user(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}
