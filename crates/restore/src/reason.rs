//! Why a message is not played back.

use chat::Position;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)+) => {
        /// Why a message is not played back: a closed list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $variant,)+ }

        impl Reason {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word for it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

reasons! {
    /// Said in a chat room; there is no method for it.
    ChatRoom => "chat_room",
    /// Said in a thread; there is no method for it.
    Thread => "thread",
    /// No message: a recall, an edit, an acknowledgement, a reaction.
    Event => "event",
    /// It was called back.
    Recalled => "recalled",
    /// Its type, or that of its conversation, is none that the method takes.
    UnknownType => "unknown_type",
    /// Forwarded messages in a bundle, which the method does not take.
    Combined => "combined",
    /// It has several bodies; the method takes one.
    SeveralBodies => "several_bodies",
    /// It has no body.
    NoBody => "no_body",
    /// Nobody said it.
    NoSender => "no_sender",
    /// It was said to nobody.
    NoRecipient => "no_recipient",
    /// It has no time, or none that the method takes.
    NoTime => "no_time",
    /// The sender or the recipient has a name that the service does not take.
    UnfitName => "unfit_name",
    /// The body or the attributes are not what the method takes.
    UnfitBody => "unfit_body",
    /// Body and attributes are larger than the service takes.
    TooLarge => "too_large",
    /// The bytes of its file are not in the archive.
    AttachmentNotKept => "attachment_not_kept",
    /// Its file is larger than the service takes.
    AttachmentTooLarge => "attachment_too_large",
    /// The service did not take it.
    Declined => "declined",
    /// Whether it was imported is not known.
    InDoubt => "in_doubt",
}

/// A message that is not played back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands.
    pub position: Position,
    /// Its id.
    pub msg_id: Option<String>,
    /// Why.
    pub reason: Reason,
    /// What the reason alone does not say.
    pub detail: Option<String>,
}

/// A reason with what it alone does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Objection {
    pub(crate) reason: Reason,
    pub(crate) detail: Option<String>,
}

impl Objection {
    pub(crate) fn because(reason: Reason, detail: impl ToString) -> Self {
        Self { reason, detail: Some(detail.to_string()) }
    }

    pub(crate) fn of(self, message: &chat::Message<'_>) -> LeftOut {
        LeftOut {
            position: message.position,
            msg_id: message.msg_id.as_deref().map(str::to_owned),
            reason: self.reason,
            detail: self.detail,
        }
    }
}

impl From<Reason> for Objection {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: None }
    }
}

impl From<api::Unfit> for Objection {
    fn from(unfit: api::Unfit) -> Self {
        let reason = match unfit {
            api::Unfit::UserName { .. } | api::Unfit::GroupId { .. } => Reason::UnfitName,
            api::Unfit::MessageTooLarge { .. } => Reason::TooLarge,
            api::Unfit::FileTooLarge { .. } => Reason::AttachmentTooLarge,
            api::Unfit::Timestamp { .. } => Reason::NoTime,
            api::Unfit::Kind { .. } => Reason::UnknownType,
            _ => Reason::UnfitBody,
        };
        Self::because(reason, unfit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
    }
}
