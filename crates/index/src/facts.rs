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

use crate::fold::{fold, fold_case, fold_case_into};

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
pub(crate) fn facts(message: &Message<'_>, each: &mut dyn FnMut(&str)) {
    let mut facts = Facts { term: String::new(), left: VALUES, each };
    facts.of_chat(message);
    facts.of_body(message);
    if let Some(name) = &message.filename {
        facts.tell(fact::FILE, |term| fold(name, term));
    }
    if let Some(name) = &message.custom_event {
        facts.tell(fact::CUSTOM, |term| fold(name, term));
    }
    for (name, json) in [("custom", &message.custom_exts), ("ext", &message.ext)] {
        if let Some(json) = json {
            facts.left = VALUES;
            facts.term.clear();
            facts.term.push_str(name);
            facts.of_json(json);
        }
    }
}

/// How a name within attributes begins in a term: `ext.order.state`.
pub(crate) fn path(names: &str) -> String {
    fold_case(names)
}

struct Facts<'e> {
    /// The term to come: within a JSON text, the names that lead to where we are.
    term: String,
    /// Values of the JSON text that may still be handed over.
    left: usize,
    each: &'e mut dyn FnMut(&str),
}

impl Facts<'_> {
    fn of_chat(&mut self, message: &Message<'_>) {
        let place = message.conversation.as_deref().and_then(|key| key.split_once(':')).map(|(kind, _)| kind);
        let chat_type = message.chat_type.as_deref();
        let is_place = |word: &&str| matches!(*word, "chat" | "groupchat" | "chatroom");
        if let Some(kind) = place {
            self.tell(fact::CHAT, |term| term.push_str(kind));
        }
        if let Some(kind) = chat_type.filter(is_place).filter(|kind| Some(*kind) != place) {
            self.tell(fact::CHAT, |term| term.push_str(kind));
        }
        if let (Some(BodyType::Event), Some(name)) = (message.body_type, chat_type) {
            self.tell(fact::EVENT, |term| fold_case_into(name, term));
        }
    }

    fn of_body(&mut self, message: &Message<'_>) {
        let has_place = message.addr.is_some() || message.lat.is_some() || message.lng.is_some();
        for (name, has) in
            [(ATTACHMENT, message.url.is_some()), (LOCATION, has_place), (THUMBNAIL, message.thumb_url.is_some())]
        {
            if has {
                self.tell(fact::HAS, |term| term.push_str(name));
            }
        }
    }

    fn tell(&mut self, name: &str, value: impl FnOnce(&mut String)) {
        self.term.clear();
        self.term.push_str(name);
        value(&mut self.term);
        (self.each)(&self.term);
    }

    /// Hands the values of a JSON text over. What cannot be read has none.
    fn of_json(&mut self, json: &str) {
        let path = self.term.len();
        match json.trim_start().as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap_or_default();
                for (name, value) in members {
                    self.term.push('.');
                    fold_case_into(&name, &mut self.term);
                    self.of_json(value.get());
                    self.term.truncate(path);
                }
            }
            Some(b'[') => {
                let values: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
                values.into_iter().for_each(|value| self.of_json(value.get()));
            }
            Some(b'"') => {
                let text = serde_json::from_str::<Cow<'_, str>>(json);
                text.iter().for_each(|text| self.give(|term| fold(text, term)));
            }
            Some(_) => self.give(|term| term.push_str(json.trim())),
            None => {}
        }
    }

    fn give(&mut self, value: impl FnOnce(&mut String)) {
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        let path = self.term.len();
        self.term.push('=');
        value(&mut self.term);
        (self.each)(&self.term);
        self.term.truncate(path);
    }
}

#[cfg(test)]
mod tests {
    use chat::{Hour, Position};

    use super::*;

    fn facts_of(message: &Message<'_>) -> Vec<String> {
        let mut all = Vec::new();
        facts(message, &mut |fact| all.push(fact.to_owned()));
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
