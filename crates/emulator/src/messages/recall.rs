//! `POST …/messages/msg_recall` and `…/batch_recall` (protocol section 9).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::answer::Failure;
use crate::customs::{Kind, RecallFailure, Recalled};
use crate::messages::{filed, member};
use crate::method::{Call, Fields, Method, USUAL};
use crate::record::Record;
use crate::state::State;
use crate::talk::change::{Conversation, Line, Message, Recall, What};
use crate::talk::id::message_id;

pub(crate) static RECALL: Method = Method { name: "recall", limits: USUAL, answer: one };
pub(crate) static BATCH_RECALL: Method = Method { name: "recall", limits: USUAL, answer: batch };

/// Messages that one call recalls.
const BATCH: usize = 30;

fn one(call: &Call) -> Result<Value, Failure> {
    let wish = Wish::read(&call.fields)?;
    match (recall(&call.state, &wish), call.state.options().customs.recall_failure) {
        (Ok(()), _) => Ok(call.done(wish.granted())),
        (Err(failure), RecallFailure::Listed) if failure.status.is_client_error() => {
            Ok(json!({ "msgs": [wish.refused(&failure)] }))
        }
        (Err(failure), _) => Err(failure),
    }
}

/// Each is recalled or not, whatever becomes of the others.
fn batch(call: &Call) -> Result<Value, Failure> {
    let messages = call.fields.value("msgs").and_then(Value::as_array).filter(|messages| !messages.is_empty());
    let messages = messages.ok_or_else(|| cannot_be_empty("msgs"))?;
    if messages.len() > BATCH {
        return Err(recall_error(StatusCode::BAD_REQUEST, format!("params msgs's size can't exceed limit {BATCH}")));
    }
    let fields = messages.iter().map(Fields::of).collect::<Result<Vec<_>, _>>()?;
    let wishes = fields.iter().map(Wish::read).collect::<Result<Vec<_>, _>>()?;
    let answers = wishes.iter().map(|wish| match recall(&call.state, wish) {
        Ok(()) => Ok(wish.granted()),
        Err(failure) if failure.status.is_client_error() => Ok(wish.refused(&failure)),
        Err(failure) => Err(failure),
    });
    Ok(call.done(Value::Array(answers.collect::<Result<_, _>>()?)))
}

/// What is to be recalled.
struct Wish<'a> {
    id: &'a str,
    to: &'a str,
    from: Option<&'a str>,
    conversation: Conversation,
    force: bool,
}

impl<'a> Wish<'a> {
    fn read(fields: &'a Fields) -> Result<Self, Failure> {
        let id = fields.required("msg_id", || cannot_be_empty("msg_id"))?;
        let to = fields.name("to", || cannot_be_empty("to"))?;
        let chat_type = fields.required("chat_type", || cannot_be_empty("chat_type"))?;
        let conversation = Conversation::named(chat_type).ok_or_else(Failure::invalid_body)?;
        fields.flag("sync_device")?;
        fields.text("recallMessageExtensionInfo")?;
        let force = fields.flag("force")?.unwrap_or_default();
        Ok(Self { id, to, from: fields.text("from")?, conversation, force })
    }

    fn sender(&self) -> &str {
        self.from.filter(|from| !from.is_empty()).unwrap_or("admin")
    }

    fn granted(&self) -> Value {
        let chat_type = match self.conversation {
            Conversation::Group => "group_chat",
            other => other.chat_type(),
        };
        json!({ "recalled": "yes", "chattype": chat_type, "from": self.sender(), "to": self.to, "msg_id": self.id })
    }

    fn refused(&self, failure: &Failure) -> Value {
        json!({ "msg_id": self.id, "recalled": failure.description })
    }
}

fn recall(state: &State, wish: &Wish<'_>) -> Result<(), Failure> {
    let mut talk = state.talk();
    let message = talk.message(wish.id).ok_or_else(|| recall_error(StatusCode::FORBIDDEN, "not_found msg"))?;
    may_be_recalled(state, wish, message)?;
    let customs = &state.options().customs;
    let removed = customs.recalled == Recalled::Removed;
    let gone = Recall { id: message.id.clone(), removed, file: message.file.clone() };
    let numbers = talk.numbers(1).map_err(|refused| Failure::refused(&refused))?;
    let event = (!customs.left_out.contains(&Kind::Event)).then(|| event(state, wish, numbers.start));
    let lines = event.into_iter().collect();
    talk.change(numbers.end, lines, What::Recalled(vec![gone])).map_err(|refused| Failure::refused(&refused))
}

fn may_be_recalled(state: &State, wish: &Wish<'_>, message: &Message) -> Result<(), Failure> {
    if message.to != wish.to || message.conversation != wish.conversation {
        return Err(recall_error(StatusCode::BAD_REQUEST, "can't find msg to"));
    }
    let age = u128::try_from(state.now().timestamp_millis() - message.time).unwrap_or(0);
    if !wish.force && age > state.options().customs.recall_window.as_millis() {
        return Err(recall_error(StatusCode::FORBIDDEN, "exceed recall time limit"));
    }
    Ok(())
}

fn event(state: &State, wish: &Wish<'_>, number: u32) -> Line {
    let time = state.now();
    let record = Record {
        chat_type: "recall",
        from: wish.sender().to_owned(),
        to: wish.to.to_owned(),
        outer_only: true,
        id: message_id(time, number),
        time: time.timestamp_millis(),
        ext: "{}".to_owned(),
        bodies: "[]".to_owned(),
        payload_more: member("ack_message_id", wish.id),
        more: member("recall_id", wish.id),
        ..Record::default()
    };
    filed(&record, time.timestamp_millis())
}

fn recall_error(status: StatusCode, description: impl Into<String>) -> Failure {
    Failure::new(status, "message_recall_error", description)
}

fn cannot_be_empty(field: &str) -> Failure {
    recall_error(StatusCode::BAD_REQUEST, format!("param {field} can't be empty"))
}
