//! Users and groups that are called otherwise in the other app.

use std::collections::{BTreeMap, BTreeSet};

use chat::Message;

/// Names of the archive, each with the one in the app. What is not among them keeps its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renaming {
    to: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

/// Why a name cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenamingError {
    /// One of the two is empty.
    #[error("a name is empty")]
    Empty,
    /// It is renamed already.
    #[error("`{from}` is renamed twice")]
    Twice {
        /// Who.
        from: String,
    },
    /// Another one got the name already.
    #[error("two are renamed to `{to}`: what they said would become one's")]
    Taken {
        /// The name.
        to: String,
    },
}

impl Renaming {
    /// Adds one.
    ///
    /// # Errors
    ///
    /// [`RenamingError`]; then nothing was added.
    pub fn add(&mut self, from: &str, to: &str) -> Result<(), RenamingError> {
        if from.is_empty() || to.is_empty() {
            return Err(RenamingError::Empty);
        }
        if self.to.contains_key(from) {
            return Err(RenamingError::Twice { from: from.to_owned() });
        }
        if !self.taken.insert(to.to_owned()) {
            return Err(RenamingError::Taken { to: to.to_owned() });
        }
        self.to.insert(from.to_owned(), to.to_owned());
        Ok(())
    }

    /// The name in the app.
    fn of<'a>(&'a self, name: &'a str) -> &'a str {
        self.to.get(name).map_or(name, String::as_str)
    }

    /// Whether a name of the archive stays what another becomes.
    fn is_merged(&self, name: &str) -> bool {
        self.taken.contains(name) && !self.to.contains_key(name)
    }
}

/// How users and groups are called in the app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Of users.
    pub users: Renaming,
    /// Of groups, by id.
    pub groups: Renaming,
}

impl Names {
    pub(crate) fn user<'a>(&'a self, name: &'a str) -> &'a str {
        self.users.of(name)
    }

    pub(crate) fn group<'a>(&'a self, id: &'a str) -> &'a str {
        self.groups.of(id)
    }

    /// The name in a message that two would have: the one who has it, and one who is renamed to it.
    pub(crate) fn merged<'a>(&self, message: &'a Message<'_>) -> Option<&'a str> {
        let is_group = message.chat_type.as_deref() == Some("groupchat");
        let recipients = if is_group { &self.groups } else { &self.users };
        let sender = message.sender.as_deref().filter(|name| self.users.is_merged(name));
        sender.or_else(|| message.recipient.as_deref().filter(|name| recipients.is_merged(name)))
    }
}

#[cfg(test)]
mod tests {
    use chat::{Hour, Position};

    use super::*;

    #[test]
    fn nobody_is_renamed_twice_and_no_two_become_one() {
        let mut names = Renaming::default();
        assert_eq!(names.add("mara", "mara.voss"), Ok(()));
        assert_eq!(names.add("teo", "mara"), Ok(()), "the name is free: she has another");
        assert_eq!(names.add("mara", "x"), Err(RenamingError::Twice { from: "mara".to_owned() }));
        assert_eq!(names.add("lin", "mara"), Err(RenamingError::Taken { to: "mara".to_owned() }));
        assert_eq!(names.add("", "x"), Err(RenamingError::Empty));
        assert_eq!(names.add("x", ""), Err(RenamingError::Empty));
        assert_eq!((names.of("mara"), names.of("teo"), names.of("lin")), ("mara.voss", "mara", "lin"));
    }

    #[test]
    fn a_name_that_somebody_has_is_seen() {
        let mut names = Names::default();
        names.users.add("mara", "teo").unwrap();
        names.groups.add("1", "2").unwrap();
        let merged = |kind: &str, sender: &str, recipient: &str| {
            let mut message = Message::at(Position { source_hour: Hour::from_number(0), part: 0, line: 1 });
            message.chat_type = Some(kind.to_owned().into());
            (message.sender, message.recipient) = (Some(sender.to_owned().into()), Some(recipient.to_owned().into()));
            names.merged(&message).map(str::to_owned)
        };
        assert_eq!(merged("chat", "mara", "lin"), None);
        assert_eq!(merged("chat", "lin", "teo").as_deref(), Some("teo"));
        assert_eq!(merged("groupchat", "teo", "1").as_deref(), Some("teo"));
        assert_eq!(merged("groupchat", "lin", "2").as_deref(), Some("2"));
        assert_eq!(merged("chat", "lin", "2"), None);
    }
}
