//! The values of a message that are searched whole, the same for documents and scans.

use std::borrow::Cow;

use chat::Message;

use crate::facts::facts;
use crate::fields::name_term;
use crate::fold::fold_case;
use crate::query::{bare_term, conversation_term};

/// Where whole values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// The sender, without case.
    From,
    /// The recipient, without case.
    To,
    /// The conversation's key, and the bare id of a group, room or thread.
    In,
    /// The type of the first body.
    Type,
    /// All else that is known, see [`crate::facts`].
    Facts,
}

impl Column {
    pub(crate) const ALL: [Self; 5] = [Self::From, Self::To, Self::In, Self::Type, Self::Facts];

    /// Hands over the terms that a message has in this column.
    pub(crate) fn each_term(self, message: &Message<'_>, each: &mut dyn FnMut(&str)) {
        let mut give = |name: Option<String>| name.iter().for_each(|name| each(&name_term(name)));
        let folded = |name: &Option<Cow<'_, str>>| name.as_deref().map(fold_case);
        match self {
            Self::From => give(folded(&message.sender)),
            Self::To => give(folded(&message.recipient)),
            Self::In => {
                give(message.conversation.as_deref().map(conversation_term));
                give(message.conversation.as_deref().and_then(bare_term));
            }
            Self::Type => message.body_type.iter().for_each(|body| each(body.word())),
            Self::Facts => facts(message, &mut |fact| each(&name_term(fact))),
        }
    }
}
