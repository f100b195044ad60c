//! What changes what was said. A change is written down as one line, so that none is ever there by halves.

use serde::{Deserialize, Serialize};

/// One call's doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// The number of the next id, after this.
    pub(crate) next: u32,
    /// Lines that come into hour files.
    pub(crate) lines: Vec<Line>,
    pub(crate) what: What,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// Messages were sent or imported.
    Said(Vec<Message>),
    /// Messages were called back.
    Recalled(Vec<Recall>),
    /// A message got another body.
    Edited { id: String, kind: String },
    /// A file was uploaded.
    Uploaded(Attachment),
}

/// A message that was called back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recall {
    pub(crate) id: String,
    /// Whether its line leaves the hour file.
    pub(crate) removed: bool,
    /// The uuid of its file, which goes too.
    pub(crate) file: Option<String>,
}

/// A line of an hour file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The moment, in milliseconds, whose hour has it and by which it is ordered.
    pub(crate) at: i64,
    pub(crate) id: String,
    /// The record as it is served; written down as it is, so that it never changes.
    pub(crate) text: String,
}

/// What is remembered of a message, beside its line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) conversation: Conversation,
    pub(crate) from: String,
    pub(crate) to: String,
    /// Milliseconds since 1970.
    pub(crate) time: i64,
    /// The type of its body.
    pub(crate) kind: String,
    /// The uuid of its file.
    pub(crate) file: Option<String>,
    #[serde(default)]
    pub(crate) edits: u32,
}

/// Between whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Conversation {
    Users,
    Group,
    Room,
}

impl Conversation {
    /// The word of records and requests.
    pub(crate) fn chat_type(self) -> &'static str {
        match self {
            Self::Users => "chat",
            Self::Group => "groupchat",
            Self::Room => "chatroom",
        }
    }

    pub(crate) fn named(chat_type: &str) -> Option<Self> {
        [Self::Users, Self::Group, Self::Room].into_iter().find(|kind| kind.chat_type() == chat_type)
    }
}

/// What is remembered of a file, beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) uuid: String,
    /// Milliseconds since 1970.
    pub(crate) time: i64,
    pub(crate) size: u64,
    /// Whether its secret is asked for.
    pub(crate) restricted: bool,
    /// Width and height within which its thumbnail fits.
    pub(crate) thumbnail: (u32, u32),
}
