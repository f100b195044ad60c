//! A row as the import method takes it.

use std::collections::BTreeMap;

use api::{Import, ImportInto};
use chat::{AttachmentKind, BodyType, Message, Secret};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::body::{self, Fields, text, text_of};
use crate::names::Names;
use crate::reason::{Objection, Reason};

/// A message on its way: everything but where its files are now.
pub struct Draft {
    into: ImportInto,
    from: String,
    target: String,
    kind: BodyType,
    fields: Fields,
    ext: Option<Box<RawValue>>,
    milliseconds: i64,
}

/// The form of the wire.
#[derive(Serialize)]
struct Record<'a> {
    from: &'a str,
    target: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    body: &'a Fields,
    #[serde(skip_serializing_if = "Option::is_none")]
    ext: Option<&'a RawValue>,
    msg_timestamp: i64,
}

impl Draft {
    /// Reads a row.
    pub(crate) fn of(message: &Message<'_>, names: &Names, ext_key: Option<&str>) -> Result<Self, Objection> {
        let into = conversation(message)?;
        let kind = kind(message)?;
        let from = filled(message.sender.as_deref()).ok_or(Reason::NoSender)?;
        let target = filled(message.recipient.as_deref()).ok_or(Reason::NoRecipient)?;
        let milliseconds = message.sent_at.ok_or(Reason::NoTime)?.timestamp_millis();
        let record = decode::rebuild(message).map_err(|error| Objection::because(Reason::UnfitBody, error))?;
        let fields = body::of(message, &record)?;
        let ext = ext(message, ext_key)?;
        let target = match into {
            ImportInto::Users => names.user(target),
            ImportInto::Groups => names.group(target),
        };
        Ok(Self { into, from: names.user(from).to_owned(), target: target.to_owned(), kind, fields, ext, milliseconds })
    }

    /// What kind of conversation it is said in.
    pub(crate) fn conversation_kind(&self) -> ImportInto {
        self.into
    }

    /// The word for it in a record.
    pub(crate) fn chat_type(&self) -> &'static str {
        match self.into {
            ImportInto::Users => "chat",
            ImportInto::Groups => "groupchat",
        }
    }

    /// The type of what it says.
    pub(crate) fn body_type(&self) -> BodyType {
        self.kind
    }

    /// The files that it speaks of, and whether it takes a secret to see them.
    pub(crate) fn files(&self) -> Vec<(AttachmentKind, bool)> {
        if !matches!(self.kind, BodyType::Img | BodyType::Audio | BodyType::Video | BodyType::File) {
            return Vec::new();
        }
        let has = |name| text_of(&self.fields, name).is_some();
        let named = AttachmentKind::ALL.into_iter().map(|kind| (kind, names_of(kind)));
        named.filter(|(_, (url, _))| has(url)).map(|(kind, (_, secret))| (kind, has(secret))).collect()
    }

    /// Says where a file is now.
    pub(crate) fn set_file(&mut self, kind: AttachmentKind, url: &str, secret: Option<&Secret>) {
        let (of_url, of_secret) = names_of(kind);
        self.fields.insert(of_url.to_owned(), text(url));
        match secret {
            Some(secret) => drop(self.fields.insert(of_secret.to_owned(), text(secret.reveal()))),
            None => drop(self.fields.remove(of_secret)),
        }
    }

    /// Leaves out a file that the message can do without.
    pub(crate) fn forget_file(&mut self, kind: AttachmentKind) {
        let (of_url, of_secret) = names_of(kind);
        self.fields.remove(of_url);
        self.fields.remove(of_secret);
    }

    /// What is asked of the service.
    pub(crate) fn import(&self) -> Result<Import, Objection> {
        let record = Record {
            from: &self.from,
            target: &self.target,
            kind: self.kind.word(),
            body: &self.fields,
            ext: self.ext.as_deref(),
            msg_timestamp: self.milliseconds,
        };
        let line = serde_json::to_string(&record).expect("what was read can be written");
        Ok(line.parse::<Import>()?)
    }
}

/// The fields of the address and of the secret.
fn names_of(kind: AttachmentKind) -> (&'static str, &'static str) {
    match kind {
        AttachmentKind::File => ("url", "secret"),
        AttachmentKind::Thumbnail => ("thumb", "thumb_secret"),
    }
}

fn filled(name: Option<&str>) -> Option<&str> {
    name.filter(|name| !name.is_empty())
}

fn conversation(message: &Message<'_>) -> Result<ImportInto, Objection> {
    if message.body_type == Some(BodyType::Event) {
        return Err(Objection { reason: Reason::Event, detail: message.chat_type.as_deref().map(str::to_owned) });
    }
    if message.conversation.as_deref().is_some_and(|key| key.starts_with("thread:")) {
        return Err(Reason::Thread.into());
    }
    match message.chat_type.as_deref() {
        // Records of before 2017 may not say it.
        None | Some("chat") => Ok(ImportInto::Users),
        Some("groupchat") => Ok(ImportInto::Groups),
        Some("chatroom") => Err(Reason::ChatRoom.into()),
        Some(other) => Err(Objection::because(Reason::UnknownType, format_args!("chat_type {other}"))),
    }
}

fn kind(message: &Message<'_>) -> Result<BodyType, Objection> {
    match message.body_type {
        None => Err(Reason::NoBody.into()),
        Some(BodyType::Combine) => Err(Reason::Combined.into()),
        Some(BodyType::Unknown | BodyType::Event) => Err(Reason::UnknownType.into()),
        Some(kind) => Ok(kind),
    }
}

/// The app's own attributes as they were written, with the id that the message had, if it is asked for.
fn ext(message: &Message<'_>, key: Option<&str>) -> Result<Option<Box<RawValue>>, Objection> {
    let ext = message.ext.as_deref().filter(|text| *text != "null");
    let (Some(key), Some(id)) = (key, &message.msg_id) else {
        let raw = ext.map(|text| RawValue::from_string(text.to_owned())).transpose();
        return raw.map_err(|error| Objection::because(Reason::UnfitBody, format_args!("ext: {error}")));
    };
    let members: Result<BTreeMap<String, Box<RawValue>>, _> = serde_json::from_str(ext.unwrap_or("{}"));
    let mut members = members.map_err(|error| Objection::because(Reason::UnfitBody, format_args!("ext: {error}")))?;
    members.insert(key.to_owned(), text(id));
    Ok(Some(to_raw_value(&members).expect("what was read can be written")))
}

#[cfg(test)]
mod tests {
    use chat::{Hour, Position, Timestamp};

    use super::*;

    fn message(kind: BodyType) -> Message<'static> {
        let mut message = Message::at(Position { source_hour: Hour::from_number(0), part: 0, line: 1 });
        message.msg_id = Some("7".into());
        message.chat_type = Some("chat".into());
        (message.sender, message.recipient) = (Some("mara".into()), Some("teo".into()));
        message.sent_at = Timestamp::from_timestamp_millis(1_773_478_890_010);
        message.body_type = Some(kind);
        message.text = Some("tide".into());
        message
    }

    fn reason(message: &Message<'_>) -> Option<Reason> {
        Draft::of(message, &Names::default(), None).err().map(|objection| objection.reason)
    }

    #[test]
    fn what_the_method_has_no_place_for_is_left_out() {
        let changed = |change: fn(&mut Message<'static>)| {
            let mut message = message(BodyType::Txt);
            change(&mut message);
            message
        };
        assert_eq!(reason(&message(BodyType::Txt)), None);
        for (expected, message) in [
            (Reason::ChatRoom, changed(|message| message.chat_type = Some("chatroom".into()))),
            (Reason::UnknownType, changed(|message| message.chat_type = Some("poke".into()))),
            (Reason::Thread, changed(|message| message.conversation = Some("thread:7".into()))),
            (Reason::NoSender, changed(|message| message.sender = None)),
            (Reason::NoRecipient, changed(|message| message.recipient = Some("".into()))),
            (Reason::NoTime, changed(|message| message.sent_at = None)),
            (Reason::NoBody, changed(|message| message.body_type = None)),
            (Reason::Event, message(BodyType::Event)),
            (Reason::Combined, message(BodyType::Combine)),
            (Reason::UnknownType, message(BodyType::Unknown)),
        ] {
            assert_eq!(reason(&message), Some(expected));
        }
    }

    #[test]
    fn names_are_the_apps_and_ext_is_carried() {
        let mut names = Names::default();
        names.users.add("mara", "mara.voss").unwrap();
        names.users.add("7", "not-a-group").unwrap();
        names.groups.add("7", "8").unwrap();
        let mut message = message(BodyType::Txt);
        message.ext = Some(r#"{"n":1.50}"#.into());
        let draft = Draft::of(&message, &names, None).unwrap();
        assert_eq!((draft.from.as_str(), draft.target.as_str()), ("mara.voss", "teo"));
        assert_eq!(draft.ext.unwrap().get(), r#"{"n":1.50}"#);
        message.chat_type = Some("groupchat".into());
        message.recipient = Some("7".into());
        let draft = Draft::of(&message, &names, Some("was")).unwrap();
        assert_eq!(draft.target, "8");
        assert_eq!(draft.ext.unwrap().get(), r#"{"n":1.50,"was":"7"}"#);
        message.ext = None;
        assert_eq!(Draft::of(&message, &names, Some("was")).unwrap().ext.unwrap().get(), r#"{"was":"7"}"#);
    }

    #[test]
    fn a_file_is_where_it_is_now() {
        let mut message = message(BodyType::Video);
        message.text = None;
        (message.url, message.secret) = (Some("https://old/x".into()), Some("hush".into()));
        message.thumb_url = Some("https://old/y".into());
        let mut draft = Draft::of(&message, &Names::default(), None).unwrap();
        assert_eq!(draft.files(), [(AttachmentKind::File, true), (AttachmentKind::Thumbnail, false)]);
        draft.set_file(AttachmentKind::File, "https://new/x", None);
        draft.set_file(AttachmentKind::Thumbnail, "https://new/y", Some(&Secret::new("new")));
        let fields = serde_json::to_string(&draft.fields).unwrap();
        assert_eq!(fields, r#"{"thumb":"https://new/y","thumb_secret":"new","url":"https://new/x"}"#);
        draft.forget_file(AttachmentKind::Thumbnail);
        assert_eq!(draft.files().len(), 1);
    }
}
