//! Messages for eyes that are not to see who said what.

use std::borrow::Cow;

use chat::Message;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::manifest::MaskFacts;
use super::redact::redacted;

/// Bytes that a key has at least: shorter ones can be guessed, and with the key all that it hides.
const SHORTEST_KEY: usize = 16;

/// What becomes of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskText {
    /// They are left out.
    Drop,
    /// Addresses and numbers in them are replaced.
    Redact,
}

/// A key that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key of a mask has {SHORTEST_KEY} bytes at the least")]
pub struct ShortKey;

/// Hides who a message is of, see docs/export.md for what becomes of each column.
#[derive(Clone)]
pub struct Mask {
    mac: Hmac<Sha256>,
    /// What becomes of texts.
    pub text: MaskText,
}

impl Mask {
    /// A mask with a key; whoever has it can find out which hash is whose.
    ///
    /// # Errors
    ///
    /// [`ShortKey`].
    pub fn new(key: &[u8], text: MaskText) -> Result<Self, ShortKey> {
        if key.len() < SHORTEST_KEY {
            return Err(ShortKey);
        }
        let mac = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        Ok(Self { mac, text })
    }

    /// How it masks, without the key.
    pub(super) fn facts(&self) -> MaskFacts {
        let text = match self.text {
            MaskText::Drop => "drop",
            MaskText::Redact => "redact",
        };
        MaskFacts { text: text.to_owned(), key_id: self.key_id() }
    }

    /// What tells one key from another and nothing else.
    fn key_id(&self) -> String {
        let mut hash = self.hash("annals: which key is this?");
        hash.truncate(16);
        hash
    }

    /// The message as it may be seen.
    pub(super) fn masked<'a>(&self, message: Message<'a>) -> Message<'a> {
        Message {
            msg_id: message.msg_id,
            sent_at: message.sent_at,
            chat_type: message.chat_type.map(Self::chat_type),
            sender: message.sender.map(|id| self.hash(&id).into()),
            recipient: message.recipient.map(|id| self.hash(&id).into()),
            conversation: message.conversation.map(|key| self.conversation(&key).into()),
            direction: message.direction.and_then(Self::direction),
            body_type: message.body_type,
            text: self.said(message.text),
            filename: self.said(message.filename),
            file_length: message.file_length,
            duration_s: message.duration_s,
            width: message.width,
            height: message.height,
            action: self.said(message.action),
            custom_event: self.said(message.custom_event),
            retained_at: message.retained_at,
            about: message.about,
            // All else could hold anything: addresses of files with the ids of their owners, places, JSON of the app.
            ..Message::at(message.position)
        }
    }

    /// The word, if it is one of the service's.
    pub(crate) fn chat_type(word: Cow<'_, str>) -> Cow<'_, str> {
        known(word, &CHAT_TYPES).unwrap_or(Cow::Borrowed("other"))
    }

    /// The word, if it is one of the service's.
    pub(crate) fn direction(word: Cow<'_, str>) -> Option<Cow<'_, str>> {
        known(word, &DIRECTIONS)
    }

    /// What somebody wrote.
    pub(crate) fn said<'a>(&self, text: Option<Cow<'a, str>>) -> Option<Cow<'a, str>> {
        match self.text {
            MaskText::Drop => None,
            MaskText::Redact => text.map(|text| redacted(&text).into()),
        }
    }

    /// The key of a conversation with a hash in place of each id, those of two users in order again.
    pub(crate) fn conversation(&self, key: &str) -> String {
        let (kind, ids) = key.split_once(':').unwrap_or((key, ""));
        let mut hashes: Vec<_> = ids.split(':').map(|id| self.hash(&unescaped(id))).collect();
        hashes.sort();
        format!("{kind}:{}", hashes.join(":"))
    }

    /// An id, of whom nobody sees whose.
    pub(crate) fn hash(&self, id: &str) -> String {
        let bytes = self.mac.clone().chain_update(id).finalize().into_bytes();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// As `chat::Conversation` escapes them.
fn unescaped(id: &str) -> String {
    id.replace("%3A", ":").replace("%25", "%")
}

/// The word, if it is one of these: others could be anything that somebody put there.
fn known<'a>(word: Cow<'a, str>, words: &[&str]) -> Option<Cow<'a, str>> {
    words.contains(&&*word).then_some(word)
}

/// Those of conversations, and the events of the service (protocol section 4.4).
const CHAT_TYPES: [&str; 11] = [
    "chat",
    "groupchat",
    "chatroom",
    "recall",
    "edit",
    "read_ack",
    "delivery_ack",
    "channel_ack",
    "notify",
    "muc",
    "roster",
];

const DIRECTIONS: [&str; 2] = ["outgoing", "incoming"];

#[cfg(test)]
mod tests {
    use chat::{BodyType, Conversation, Hour, Position};

    use super::*;

    fn mask(text: MaskText) -> Mask {
        Mask::new(b"a key of sixteen bytes", text).unwrap()
    }

    /// A message of which every text column says `mara`.
    fn telling() -> Message<'static> {
        let text = || Some(Cow::Borrowed("mara 13800138000"));
        let id = || Some(Cow::Borrowed("mara"));
        Message {
            msg_id: Some("7".into()),
            chat_type: id(),
            sender: id(),
            recipient: Some("teo".into()),
            conversation: Some(Conversation::Chat("mara", "teo").key().into()),
            direction: id(),
            body_type: Some(BodyType::Txt),
            text: text(),
            filename: text(),
            url: text(),
            secret: text(),
            thumb_url: text(),
            thumb_secret: text(),
            lat: Some(1.0),
            lng: Some(2.0),
            addr: text(),
            action: text(),
            custom_event: text(),
            custom_exts: text(),
            ext: text(),
            rest: text(),
            ..Message::at(Position { source_hour: Hour::from_number(500_000), part: 0, line: 1 })
        }
    }

    #[test]
    fn nothing_says_who_it_is() {
        let dropped = format!("{:?}", mask(MaskText::Drop).masked(telling()));
        assert!(!dropped.contains("mara") && !dropped.contains("teo") && !dropped.contains("138"), "{dropped}");
        let redacted = mask(MaskText::Redact).masked(telling());
        assert_eq!(redacted.text.as_deref(), Some("mara [phone]"));
        assert!(!format!("{redacted:?}").contains("138"), "{redacted:?}");
        assert_eq!((redacted.lat, redacted.lng, redacted.ext, redacted.url), (None, None, None, None));
    }

    /// HMAC-SHA256 as every other program computes it.
    #[test]
    fn a_user_has_one_hash_wherever_he_stands() {
        let masked = mask(MaskText::Drop).masked(telling());
        let (sender, recipient) = (masked.sender.unwrap(), masked.recipient.unwrap());
        assert_eq!(sender, "bd1ac243b5e5b3a9934caaaeeffdc6816775ee1aa85b7e8e8b9ad74449817bd2");
        let mut pair = [sender.as_ref(), recipient.as_ref()];
        pair.sort_unstable();
        assert_eq!(masked.conversation.unwrap(), format!("chat:{}:{}", pair[0], pair[1]));
        let odd = mask(MaskText::Drop);
        let key = Conversation::Chat("a:b", "50%3A").key();
        assert!(
            odd.conversation(&key).contains(&odd.hash("a:b")) && odd.conversation(&key).contains(&odd.hash("50%3A"))
        );
        assert_eq!(odd.conversation("groupchat:7"), format!("groupchat:{}", odd.hash("7")));
    }

    #[test]
    fn another_key_gives_other_hashes() {
        let other = Mask::new(b"another key of its own", MaskText::Drop).unwrap();
        let one = mask(MaskText::Drop);
        assert_ne!(one.hash("mara"), other.hash("mara"));
        assert!(one.key_id() != other.key_id() && one.key_id().len() == 16);
        assert!(Mask::new(b"short", MaskText::Drop).is_err());
    }
}
