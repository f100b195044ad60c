//! The files of messages: which of them the archive has.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use api::Limits;
use chat::{Attachment, AttachmentKind, AttachmentState, Hour, Message, Position};
use store::Archive;

use crate::draft::Draft;
use crate::error::Error;
use crate::reason::{Objection, Reason};

/// A file that is to be uploaded.
pub(crate) struct Found {
    pub(crate) kind: AttachmentKind,
    pub(crate) is_restricted: bool,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
}

/// What is known of the attachments of some hours.
#[derive(Default)]
pub(crate) struct Kept {
    of_hours: BTreeMap<Hour, HashMap<(Position, AttachmentKind), Attachment>>,
}

impl Kept {
    /// Looks up the attachments of these hours, and forgets those of others.
    pub(crate) async fn turn_to(&mut self, archive: &Archive, hours: &BTreeSet<Hour>) -> Result<(), Error> {
        self.of_hours.retain(|hour, _| hours.contains(hour));
        for hour in hours {
            if !self.of_hours.contains_key(hour) {
                let rows = archive.attachments(&(*hour..hour.next())).await?;
                let stored = rows.into_iter().filter(|row| row.state == AttachmentState::Stored);
                self.of_hours.insert(*hour, stored.map(|row| (row.key(), row)).collect());
            }
        }
        Ok(())
    }

    /// The files of a message that are to be uploaded. Those that it can do without and the archive has not are taken out of the
    /// draft; with `keeps_addresses`, they stay where they were.
    pub(crate) fn settle(
        &self,
        archive: &Archive,
        message: &Message<'_>,
        draft: &mut Draft,
        (limits, keeps_addresses): (&Limits, bool),
    ) -> Result<Vec<Found>, Objection> {
        let mut found = Vec::new();
        for (kind, is_restricted) in draft.files() {
            let kept = self.of(message, kind).filter(|(sha256, _)| !archive.lacks_blob(sha256));
            match kept {
                Some((sha256, bytes)) => {
                    if bytes > limits.upload_bytes {
                        let (path, most) = (sha256.into(), limits.upload_bytes);
                        return Err(api::Unfit::FileTooLarge { path, bytes, most }.into());
                    }
                    found.push(Found { kind, is_restricted, sha256: sha256.to_owned(), bytes });
                }
                None if keeps_addresses => {}
                None if kind == AttachmentKind::Thumbnail => draft.forget_file(kind),
                None => return Err(Reason::AttachmentNotKept.into()),
            }
        }
        Ok(found)
    }

    /// The SHA-256 of a message's file, and how many bytes it has. A row of an earlier publication of the hour may speak of another message.
    fn of(&self, message: &Message<'_>, kind: AttachmentKind) -> Option<(&str, u64)> {
        let row = self.of_hours.get(&message.position.source_hour)?.get(&(message.position, kind))?;
        let url = match kind {
            AttachmentKind::File => message.url.as_deref(),
            AttachmentKind::Thumbnail => message.thumb_url.as_deref(),
        };
        let is_its = row.msg_id.as_deref() == message.msg_id.as_deref()
            && url.is_some_and(|url| api::public_part(url) == row.url);
        is_its.then_some((row.sha256.as_deref()?, row.length?))
    }
}
