//! Messages: sent, imported, edited, called back (protocol sections 6, 9, 11 and 12).

mod body;
mod broadcast;
mod edit;
mod import;
mod recall;
mod send;

use serde_json::{Map, Value};

use crate::answer::Failure;
use crate::json::quoted;
use crate::messages::body::Content;
use crate::record::{Order, Record};
use crate::state::State;
use crate::talk::change::{Conversation, Line, Message, What};
use crate::talk::id::message_id;

pub(crate) use broadcast::BROADCAST;
pub(crate) use edit::EDIT;
pub(crate) use import::{TO_GROUP, TO_USER};
pub(crate) use recall::{BATCH_RECALL, RECALL};
pub(crate) use send::{DIRECTED_GROUPS, DIRECTED_ROOMS, GROUPS, ROOMS, USERS};

/// One message to each of some recipients.
struct Saying<'a> {
    conversation: Conversation,
    from: &'a str,
    to: &'a [&'a str],
    content: &'a Content,
    /// Milliseconds since 1970.
    time: i64,
    /// The moment whose hour file has it, if one has.
    filed: Option<i64>,
}

/// Says it, and returns the ids in the order of the recipients. All are there, or none.
fn say(state: &State, saying: &Saying<'_>) -> Result<Vec<String>, Failure> {
    let mut talk = state.talk();
    let numbers = talk.numbers(saying.to.len()).map_err(|refused| Failure::refused(&refused))?;
    let (now, next) = (state.now(), numbers.end);
    let ids: Vec<String> = numbers.map(|number| message_id(now, number)).collect();
    let each = || ids.iter().zip(saying.to);
    let messages = each().map(|(id, to)| saying.message(id, to)).collect();
    let lines = each().filter_map(|(id, to)| saying.line(id, to)).collect();
    talk.change(next, lines, What::Said(messages)).map_err(|refused| Failure::refused(&refused))?;
    drop(talk);
    Ok(ids)
}

impl Saying<'_> {
    fn message(&self, id: &str, to: &str) -> Message {
        Message {
            id: id.to_owned(),
            conversation: self.conversation,
            from: self.from.to_owned(),
            to: to.to_owned(),
            time: self.time,
            kind: self.content.kind.to_owned(),
            file: self.content.file(),
            edits: 0,
        }
    }

    fn line(&self, id: &str, to: &str) -> Option<Line> {
        let record = Record {
            chat_type: self.conversation.chat_type(),
            from: self.from.to_owned(),
            to: to.to_owned(),
            id: id.to_owned(),
            time: self.time,
            ext: self.content.ext.as_ref().map_or_else(|| "{}".to_owned(), Value::to_string),
            bodies: self.content.bodies(),
            direction: Some("outgoing"),
            ..Record::default()
        };
        self.filed.map(|at| filed(&record, at))
    }
}

/// The record as a line of the hour of this moment.
fn filed(record: &Record, at: i64) -> Line {
    let mut text = String::new();
    record.write(Order::Today, &mut text);
    Line { at, id: record.id.clone(), text }
}

/// A member of a record that has no field of its own.
fn member(key: &str, text: &str) -> String {
    format!("\"{key}\":{}", quoted(text))
}

/// The members of an object that each recipient has its id in.
fn by_recipient(to: &[&str], ids: Vec<String>) -> Value {
    let pairs = to.iter().zip(ids).map(|(to, id)| ((*to).to_owned(), Value::String(id)));
    Value::Object(pairs.collect::<Map<_, _>>())
}
