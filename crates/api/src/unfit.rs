//! Calls that are not made, because the service would refuse them or do something else than was meant.

use std::path::PathBuf;

use chat::Timestamp;

/// Why a call was not made: a limit of section 13, or a form of section 1.5, is not kept. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Nobody to send to.
    #[error("there is no recipient")]
    NoRecipient,
    /// More recipients than one call may have: 600 users, 3 groups, 10 rooms (section 6.1).
    #[error("{count} recipients are too many: one call takes {most}")]
    TooManyRecipients {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// All broadcasts of a day were made: 100 (section 13.1).
    #[error("{most} broadcasts were made within a day: there is none before {until}")]
    NoBroadcastLeft {
        /// How many a day has.
        most: usize,
        /// When the earliest of them is a day ago.
        until: Timestamp,
    },
    /// The same recipient more than once: the answer has one id for each.
    #[error("`{name}` is named twice")]
    NamedTwice {
        /// Who.
        name: String,
    },
    /// No name of a user: 1 to 64 of letters, digits, `_`, `-` and `.` (section 1.5).
    #[error("`{name}` is no user name: it has 1 to 64 letters, digits, `_`, `-` or `.`")]
    UserName {
        /// The text.
        name: String,
    },
    /// No id of a group or room: digits alone (section 1.5).
    #[error("`{id}` is no id of a group or room: it has digits alone")]
    GroupId {
        /// The text.
        id: String,
    },
    /// No id of a message.
    #[error("`{id}` is no id of a message")]
    MessageId {
        /// The text.
        id: String,
    },
    /// A list of users is too long: 20 (section 13.2).
    #[error("{count} users are too many for {list}: it takes {most}")]
    TooManyUsers {
        /// Which list.
        list: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// `body` and `ext` together are too large (section 6.4).
    #[error("the message is too large: body and ext have {bytes} bytes as JSON, {most} are allowed")]
    MessageTooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be, see [`crate::Limits::message_bytes`].
        most: usize,
    },
    /// A custom message with too many attributes: 16 (section 6.3).
    #[error("{count} attributes are too many: a custom message takes {most}")]
    TooManyAttributes {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// No name of a custom event (section 6.3).
    #[error("`{name}` is no name of an event: it has 1 to 32 letters, digits, `-`, `_`, `/` or `.`")]
    EventName {
        /// The text.
        name: String,
    },
    /// A host of files that the settings do not name.
    #[error("files of {host} are not fetched: it is not the service, and the settings do not name it")]
    Host {
        /// Host and port.
        host: String,
    },
    /// A type of body that nobody knows.
    #[error("`{kind}` is no type of a message: it is one of txt, img, audio, video, file, loc, cmd, custom")]
    Kind {
        /// The text.
        kind: String,
    },
    /// A body lacks what its type requires (section 6.3).
    #[error("a body of type {kind} needs `{field}`")]
    MissingField {
        /// The type.
        kind: String,
        /// The field.
        field: &'static str,
    },
    /// A JSON object was expected.
    #[error("{what} is no JSON object")]
    NoObject {
        /// Of what.
        what: &'static str,
    },
    /// No place on the globe.
    #[error("`{latitude},{longitude}` is no place: -90 to 90 and -180 to 180 degrees")]
    Coordinates {
        /// Degrees north.
        latitude: String,
        /// Degrees east.
        longitude: String,
    },
    /// The flag or field is not for these recipients.
    #[error("{what} is not for {recipients}")]
    NotFor {
        /// What.
        what: &'static str,
        /// For whom it is not.
        recipients: &'static str,
    },
    /// A file is larger than the service takes (section 7).
    #[error("{} is too large: it has {bytes} bytes, {most} are allowed", path.display())]
    FileTooLarge {
        /// The file.
        path: PathBuf,
        /// How large it is.
        bytes: u64,
        /// How large it may be, see [`crate::Limits::upload_bytes`].
        most: u64,
    },
    /// A folder, a pipe or a device.
    #[error("{} is no file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// Neither the uuid of a file nor the URL of one. The text is not shown: its query may hold a secret.
    #[error("that is neither the uuid of a file nor a URL that ends in /chatfiles/ and one")]
    FileUrl,
    /// A secret has characters that no header can carry.
    #[error("the share secret has characters that cannot be sent in a header")]
    ShareSecret,
    /// A time that the import does not take (section 11).
    #[error("msg_timestamp {milliseconds} is too early: it counts milliseconds since 1970, from 1000 on")]
    Timestamp {
        /// The number.
        milliseconds: i64,
    },
    /// A record of an import that cannot be read.
    #[error("the record cannot be read: {what}")]
    Record {
        /// Why, with the column.
        what: String,
    },
    /// More messages than one call recalls: 30 (section 9).
    #[error("{count} messages are too many: one call recalls {most}")]
    TooManyRecalls {
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
}

/// Checks a user's name (section 1.5); capitals are taken, as old apps have them.
///
/// # Errors
///
/// [`Unfit::UserName`].
pub fn user_name(name: &str) -> Result<(), Unfit> {
    let is_fit = |letter: u8| letter.is_ascii_alphanumeric() || b"_-.".contains(&letter);
    let is_name = (1..=64).contains(&name.len()) && name.bytes().all(is_fit);
    is_name.then_some(()).ok_or_else(|| Unfit::UserName { name: name.to_owned() })
}

/// Checks the id of a group or room (section 1.5). How many digits it has is not checked: documents say 12 to 18, and nothing
/// promises it.
///
/// # Errors
///
/// [`Unfit::GroupId`].
pub fn group_id(id: &str) -> Result<(), Unfit> {
    let is_id = (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then_some(()).ok_or_else(|| Unfit::GroupId { id: id.to_owned() })
}

/// The id of a message: one word of any of its known shapes.
pub(crate) fn message_id(id: &str) -> Result<(), Unfit> {
    let is_id = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_id.then_some(()).ok_or_else(|| Unfit::MessageId { id: id.to_owned() })
}

/// A list of users beside the recipients, at most [`LISTED`] long.
pub(crate) fn user_list(list: &'static str, users: &[String]) -> Result<(), Unfit> {
    /// Section 13.2.
    const LISTED: usize = 20;
    if users.len() > LISTED {
        return Err(Unfit::TooManyUsers { list, count: users.len(), most: LISTED });
    }
    users.iter().try_for_each(|name| user_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_have_forms() {
        for name in ["mara_voss", "teo-77", "A.b", "0", &"x".repeat(64)] {
            assert_eq!(user_name(name), Ok(()), "{name}");
        }
        for name in ["", "a b", "a/b", "../x", "ö", "a\n", &"x".repeat(65)] {
            assert!(user_name(name).is_err(), "{name}");
        }
        assert_eq!((group_id("231904417783810"), group_id("0")), (Ok(()), Ok(())));
        for id in ["", "12a", "-1", "1.5", "123456789012345678901", "١٢"] {
            assert!(group_id(id).is_err(), "{id}");
        }
        for id in ["1028442084794698104", "5I02W-16-8278a", "1F4MXq0dT7kLFnZ3Hm8vrcb5Uwe"] {
            assert_eq!(message_id(id), Ok(()), "{id}");
        }
        for id in ["", "1 2", "a/b", "\u{202e}1"] {
            assert!(message_id(id).is_err(), "{id}");
        }
    }

    #[test]
    fn a_list_of_users_has_an_end() {
        let users = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        assert_eq!(user_list("x", &users(20)), Ok(()));
        assert_eq!(user_list("x", &users(21)).unwrap_err().to_string(), "21 users are too many for x: it takes 20");
    }
}
