//! `POST …/messages/users/import` and `…/chatgroups/import` (protocol section 11).

use serde_json::{Value, json};

use crate::answer::Failure;
use crate::customs::{Imports, Kind};
use crate::messages::body::Content;
use crate::messages::{Saying, say};
use crate::method::{Call, Method, USUAL, no_entities};
use crate::talk::change::Conversation;

pub(crate) static TO_USER: Method =
    Method { name: "import", limits: USUAL, answer: |call| import(call, Conversation::Users) };
pub(crate) static TO_GROUP: Method =
    Method { name: "import", limits: USUAL, answer: |call| import(call, Conversation::Group) };

/// The least time that is taken: a smaller one is most likely in seconds.
const LEAST_TIME: i64 = 1000;
/// The greatest: the last millisecond of the year 9999.
const GREATEST_TIME: i64 = 253_402_300_799_999;

/// `need_download` would fetch from anywhere; the address stays as it is.
fn import(call: &Call, conversation: Conversation) -> Result<Value, Failure> {
    let fields = &call.fields;
    let from = fields.name("from", || cannot_be_empty("from"))?;
    let target = fields.name("target", || cannot_be_empty("target"))?;
    let content = Content::read(fields, cannot_be_empty)?;
    for flag in ["is_ack_read", "need_download"] {
        fields.flag(flag)?;
    }
    let now = call.state.now().timestamp_millis();
    let time = fields.number("msg_timestamp")?.unwrap_or(now);
    if !(LEAST_TIME..=GREATEST_TIME).contains(&time) {
        return Err(Failure::illegal_argument("msg_timestamp is illegal"));
    }
    let customs = &call.state.options().customs;
    let filed = match customs.imports {
        Imports::Stamped => Some(time),
        Imports::Arrival => Some(now),
        Imports::Nowhere => None,
    };
    let filed = filed.filter(|_| content.kind != "cmd" || !customs.left_out.contains(&Kind::Command));
    let saying = Saying { conversation, from, to: &[target], content: &content, time, filed };
    let id = say(&call.state, &saying)?.pop();
    // The path says users for groups too: so the service answers.
    let path = json!("/messages/users/import");
    Ok(call.done_with([("path", path), ("entities", no_entities()), ("data", json!({ "msg_id": id }))]))
}

fn cannot_be_empty(field: &str) -> Failure {
    Failure::illegal_argument(match field {
        "body" => "message body not allow empty".to_owned(),
        field => format!("{field} not allow empty"),
    })
}
