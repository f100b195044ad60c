//! Which messages of an hour were met before.

use std::fs::File;
use std::io;

use chat::Message;
use decode::Fingerprints;
use rustc_hash::FxHashSet;

use crate::firsts::{Firsts, number};

/// The messages of one hour met so far, all its parts together.
///
/// Files are sorted only after the duplicates are out, so there is no order to lean on here, but that in which the service
/// makes ids: of ids in that order all but the newest lie in a temporary file. Of ids of another making, and messages without
/// one, this grows with the hour by 16 bytes a message and the slack.
pub(crate) struct Seen {
    fingerprints: Fingerprints,
    /// Half of the fingerprint of the first message with an id, by the number of the id. Two messages that are taken for one
    /// agree in both: 128 bits, because that would lose a message.
    firsts: Firsts,
    /// Fingerprints of messages without an id, and of the further ones of an id.
    others: FxHashSet<u128>,
    /// What the messages say, whichever columns hold it; kept only where rows of an earlier publication are compared, which
    /// another version of the program may have written.
    values: Option<FxHashSet<u128>>,
}

/// What a message is to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// Its id was met with other content: both are kept.
    Conflict,
    /// The same message was met: it is dropped.
    Duplicate,
    /// Nothing like it was met.
    First,
}

impl Seen {
    pub(crate) fn new(temporary_file: impl FnMut() -> io::Result<File> + Send + 'static) -> Self {
        Self {
            fingerprints: Fingerprints::default(),
            firsts: Firsts::new(Box::new(temporary_file)),
            others: FxHashSet::default(),
            values: None,
        }
    }

    /// The same, which also knows messages again in the rows of other versions, at several times the cost, and 16 bytes more
    /// for each message and the slack.
    pub(crate) fn across_versions(self) -> Self {
        Self { values: Some(FxHashSet::default()), ..self }
    }

    /// With an id of which nothing could be told.
    #[cfg(test)]
    pub(crate) fn illegible() -> Self {
        Self { firsts: Firsts::illegible(), ..Self::new(tempfile::tempfile) }
    }

    /// Whether all that was told is true. Nothing may be published before it was asked.
    ///
    /// # Errors
    ///
    /// When the temporary file could not be read.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.firsts.check()
    }

    /// Looks a message up and remembers it. A message without an id is never a conflict.
    pub(crate) fn meet(&mut self, message: &Message<'_>) -> Meeting {
        let fingerprint = self.fingerprints.of(message);
        let meeting = self.meet_fingerprint(message.msg_id.as_deref(), fingerprint);
        if meeting != Meeting::Duplicate
            && let Some(values) = &mut self.values
        {
            // A message from which no record can be rebuilt is known by its columns alone.
            values.extend(decode::value_fingerprint(message).ok());
        }
        meeting
    }

    fn meet_fingerprint(&mut self, id: Option<&str>, fingerprint: u128) -> Meeting {
        let if_new = match id.map(|id| self.firsts.meet(number(id), half(fingerprint))) {
            None => Meeting::First,
            Some(None) => return Meeting::First,
            Some(Some(first)) if first == half(fingerprint) => return Meeting::Duplicate,
            Some(Some(_)) => Meeting::Conflict,
        };
        if self.others.insert(fingerprint) { if_new } else { Meeting::Duplicate }
    }

    /// Whether this very message was met.
    pub(crate) fn holds(&self, message: &Message<'_>) -> bool {
        let says_the_same =
            |values: &FxHashSet<u128>| decode::value_fingerprint(message).is_ok_and(|value| values.contains(&value));
        let fingerprint = decode::fingerprint(message);
        let is_first = |id: &str| self.firsts.get(number(id)) == Some(half(fingerprint));
        message.msg_id.as_deref().is_some_and(is_first)
            || self.others.contains(&fingerprint)
            || self.values.as_ref().is_some_and(says_the_same)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "half of the bits are wanted")]
fn half(fingerprint: u128) -> u64 {
    fingerprint as u64
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use chat::{Hour, Position};

    use super::*;

    fn seen() -> Seen {
        Seen::new(tempfile::tempfile)
    }

    fn message(line: u64, id: Option<&'static str>, text: &'static str) -> Message<'static> {
        let position = Position { source_hour: Hour::from_number(0), part: 0, line };
        Message { msg_id: id.map(Cow::Borrowed), text: Some(Cow::Borrowed(text)), ..Message::at(position) }
    }

    #[test]
    fn the_same_content_is_a_duplicate_and_other_content_a_conflict() {
        let mut seen = seen();
        assert_eq!(seen.meet(&message(1, Some("7"), "ahoy")), Meeting::First);
        assert_eq!(seen.meet(&message(2, Some("7"), "ahoy")), Meeting::Duplicate);
        assert_eq!(seen.meet(&message(3, Some("7"), "avast")), Meeting::Conflict);
        assert_eq!(seen.meet(&message(4, Some("7"), "avast")), Meeting::Duplicate);
        assert_eq!(seen.meet(&message(5, Some("8"), "ahoy")), Meeting::First);
        assert!(seen.holds(&message(9, Some("7"), "ahoy")) && !seen.holds(&message(9, Some("9"), "ahoy")));
    }

    #[test]
    fn a_row_of_another_version_is_known_by_what_it_says() {
        // What this version has in a column, another one had in `rest`.
        let served = message(1, Some("7"), "ahoy");
        let served = Message { body_type: Some(chat::BodyType::Txt), ..served };
        let record = decode::rebuild(&served).unwrap();
        let rest = r#"{"record":{"msg_id":"7"}}"#;
        let older = Message { msg_id: None, rest: Some(Cow::Borrowed(rest)), ..served.clone() };
        assert_eq!(decode::rebuild(&older).map(|older| older.len()), Ok(record.len()), "{record}");
        let other = Message { rest: Some(Cow::Borrowed(r#"{"record":{"msg_id":"8"}}"#)), ..older.clone() };
        for (mut seen, knows) in [(seen(), false), (seen().across_versions(), true)] {
            seen.meet(&served);
            assert_eq!((seen.holds(&older), seen.holds(&other), seen.holds(&served)), (knows, false, true));
        }
    }

    #[test]
    fn messages_without_an_id_are_told_apart_by_content_alone() {
        let mut seen = seen();
        assert_eq!(seen.meet(&message(1, None, "ahoy")), Meeting::First);
        assert_eq!(seen.meet(&message(2, None, "avast")), Meeting::First);
        assert_eq!(seen.meet(&message(3, None, "ahoy")), Meeting::Duplicate);
    }
}
