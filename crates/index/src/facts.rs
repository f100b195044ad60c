//! What is known of a message besides its words: facts, each a term like `chat=groupchat` or `ext.order.state=paid`.
//!
//! | term | of |
//! | --- | --- |
//! | `chat=` | the kind of its conversation and its chat type: `chat`, `groupchat`, `chatroom`, `thread` |
//! | `event=` | the name of an event |
//! | `has=` | `attachment`, `location`, `thumbnail` |
//! | `file=` | the whole name of the attached file |
//! | `custom=` | the name of a custom event |
//! | `custom.…=`, `ext.…=` | a value of its attributes or of the app's own, by the names that lead to it |
//!
//! Names are folded by case alone, values as texts are. The values of a list are all of the list's name. Of one JSON text
//! no more than [`VALUES`] values are terms.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chat::{BodyType, Message};
use serde_json::value::RawValue;

use crate::fold::{fold_case, folded};

/// Values of one JSON text that can be searched: an app that sends a table as attributes must not swell the index.
const VALUES: usize = 100;

/// Where a fact is asked for, with its `=`.
pub(crate) mod fact {
    pub(crate) const CHAT: &str = "chat=";
    pub(crate) const CUSTOM: &str = "custom=";
    pub(crate) const EVENT: &str = "event=";
    pub(crate) const FILE: &str = "file=";
    pub(crate) const HAS: &str = "has=";
}

/// What a message can have, in the words of a query.
pub(crate) const ATTACHMENT: &str = "attachment";
pub(crate) const LOCATION: &str = "location";
pub(crate) const THUMBNAIL: &str = "thumbnail";

/// Hands over each fact of a message.
pub(crate) fn facts(message: &Message<'_>, each: &mut dyn FnMut(String)) {
    of_chat(message, each);
    of_body(message, each);
    if let Some(name) = &message.filename {
        each(format!("{}{}", fact::FILE, folded(name)));
    }
    if let Some(name) = &message.custom_event {
        each(format!("{}{}", fact::CUSTOM, folded(name)));
    }
    for (name, json) in [("custom", &message.custom_exts), ("ext", &message.ext)] {
        if let Some(json) = json {
            Walk { left: VALUES, each }.value(name, json);
        }
    }
}

fn of_chat(message: &Message<'_>, each: &mut dyn FnMut(String)) {
    let place = message.conversation.as_deref().and_then(|key| key.split_once(':')).map(|(kind, _)| kind);
    let chat_type = message.chat_type.as_deref();
    let is_place = |word: &&str| matches!(*word, "chat" | "groupchat" | "chatroom");
    if let Some(kind) = place {
        each(format!("{}{kind}", fact::CHAT));
    }
    if let Some(kind) = chat_type.filter(is_place).filter(|kind| Some(*kind) != place) {
        each(format!("{}{kind}", fact::CHAT));
    }
    if let (Some(BodyType::Event), Some(name)) = (message.body_type, chat_type) {
        each(format!("{}{}", fact::EVENT, fold_case(name)));
    }
}

fn of_body(message: &Message<'_>, each: &mut dyn FnMut(String)) {
    let has_place = message.addr.is_some() || message.lat.is_some() || message.lng.is_some();
    for (name, has) in
        [(ATTACHMENT, message.url.is_some()), (LOCATION, has_place), (THUMBNAIL, message.thumb_url.is_some())]
    {
        if has {
            each(format!("{}{name}", fact::HAS));
        }
    }
}

/// How a name within attributes begins in a term: `ext.order.state`.
pub(crate) fn path(names: &str) -> String {
    fold_case(names)
}

struct Walk<'e> {
    /// Values that may still be handed over.
    left: usize,
    each: &'e mut dyn FnMut(String),
}

impl Walk<'_> {
    /// Hands the values of a JSON text over. What cannot be read has none.
    fn value(&mut self, path: &str, json: &str) {
        match json.trim_start().as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap_or_default();
                for (name, value) in members {
                    self.value(&format!("{path}.{}", fold_case(&name)), value.get());
                }
            }
            Some(b'[') => {
                let values: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
                values.into_iter().for_each(|value| self.value(path, value.get()));
            }
            Some(b'"') => {
                let text = serde_json::from_str::<Cow<'_, str>>(json);
                text.iter().for_each(|text| self.give(path, &folded(text)));
            }
            Some(_) => self.give(path, json.trim()),
            None => {}
        }
    }

    fn give(&mut self, path: &str, value: &str) {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            (self.each)(format!("{path}={value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::{Hour, Position};

    use super::*;

    fn facts_of(message: &Message<'_>) -> Vec<String> {
        let mut all = Vec::new();
        facts(message, &mut |fact| all.push(fact));
        all
    }

    fn message() -> Message<'static> {
        Message::at(Position { source_hour: Hour::from_number(0), part: 0, line: 1 })
    }

    #[test]
    fn attributes_are_named_by_the_way_to_them() {
        let ext =
            r#"{"Order":{"State":"PAID","lines":[1,2.50,[null]],"empty":{}},"ok":true,"big":123456789012345678901}"#;
        let message = Message { ext: Some(ext.into()), ..message() };
        let expected = [
            "ext.order.state=paid",
            "ext.order.lines=1",
            "ext.order.lines=2.50",
            "ext.order.lines=null",
            "ext.big=123456789012345678901",
            "ext.ok=true",
        ];
        let mut sorted = facts_of(&message);
        sorted.sort_unstable();
        let mut wanted = expected.to_vec();
        wanted.sort_unstable();
        assert_eq!(sorted, wanted);
    }

    #[test]
    fn what_is_no_json_has_no_values_and_a_table_has_some() {
        for broken in ["", "{", "{\"a\":", "[1,", "\"x"] {
            assert_eq!(facts_of(&Message { ext: Some(broken.into()), ..message() }), [""; 0], "{broken}");
        }
        let table = format!("[{}]", vec!["1"; VALUES + 5].join(","));
        assert_eq!(facts_of(&Message { ext: Some(table.into()), ..message() }).len(), VALUES);
    }

    #[test]
    fn a_message_knows_where_it_was_said_and_what_it_has() {
        let message = Message {
            chat_type: Some("groupchat".into()),
            conversation: Some("thread:7".into()),
            body_type: Some(BodyType::Img),
            url: Some("https://files.example.com/1".into()),
            filename: Some("North Mole.JPG".into()),
            ..message()
        };
        assert_eq!(facts_of(&message), ["chat=thread", "chat=groupchat", "has=attachment", "file=north mole.jpg"]);
    }

    #[test]
    fn an_event_is_known_by_its_name() {
        let message = Message {
            chat_type: Some("recall".into()),
            conversation: Some("chat:a:b".into()),
            body_type: Some(BodyType::Event),
            ..message()
        };
        assert_eq!(facts_of(&message), ["chat=chat", "event=recall"]);
    }
}
