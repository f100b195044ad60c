//! What is known of the files that messages speak of.

use std::fmt;
use std::str::FromStr;

use crate::message::Position;
use crate::time::Timestamp;

/// What is known of a file that a message speaks of. Its share secret is not: that stays with the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Where the message stood.
    pub position: Position,
    /// The service's id of the message.
    pub msg_id: Option<String>,
    /// Which of the message's files it is.
    pub kind: AttachmentKind,
    /// Where the message says that it is, without user, query and fragment, which may be secret.
    pub url: String,
    /// What became of it.
    pub state: AttachmentState,
    /// Until when the service keeps it, by the lifetime of the settings.
    pub deadline: Timestamp,
    /// The SHA-256 of its bytes, lower-case hex, once they are stored.
    pub sha256: Option<String>,
    /// How many bytes it has, once they are stored.
    pub length: Option<u64>,
    /// What the service says that it is. Nobody should trust it.
    pub media_type: Option<String>,
    /// The status of the last answer, if there was one.
    pub http_status: Option<u16>,
    /// When it was last asked for.
    pub tried_at: Option<Timestamp>,
    /// When its bytes were stored.
    pub fetched_at: Option<Timestamp>,
    /// What went wrong at the last try, in words.
    pub error: Option<String>,
}

/// Which of a message's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttachmentKind {
    /// The file itself.
    File,
    /// The small picture of it.
    Thumbnail,
}

/// What became of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttachmentState {
    /// It is still to be had, as far as anybody knows.
    Pending,
    /// Its bytes are in the archive.
    Stored,
    /// The service does not have it, or no longer.
    Gone,
    /// The service does not give it to us: its share secret is missing or wrong.
    Denied,
    /// The settings do not allow it: its host, or its size.
    Refused,
}

impl AttachmentKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::File, Self::Thumbnail];

    /// The word in the column `kind`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Thumbnail => "thumbnail",
        }
    }
}

impl AttachmentState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Stored, Self::Gone, Self::Denied, Self::Refused];

    /// The word in the column `state`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Stored => "stored",
            Self::Gone => "gone",
            Self::Denied => "denied",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for AttachmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for AttachmentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for AttachmentKind {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.word() == word).ok_or(())
    }
}

impl FromStr for AttachmentState {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.word() == word).ok_or(())
    }
}

impl Attachment {
    /// One that nobody has asked for yet.
    #[must_use]
    pub fn new(position: Position, kind: AttachmentKind, url: String, deadline: Timestamp) -> Self {
        Self {
            position,
            msg_id: None,
            kind,
            url,
            state: AttachmentState::Pending,
            deadline,
            sha256: None,
            length: None,
            media_type: None,
            http_status: None,
            tried_at: None,
            fetched_at: None,
            error: None,
        }
    }

    /// By what it is told from every other.
    #[must_use]
    pub fn key(&self) -> (Position, AttachmentKind) {
        (self.position, self.kind)
    }
}
