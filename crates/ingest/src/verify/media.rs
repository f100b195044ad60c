//! Whether the bytes are there of the attachments that are said to be stored. Whether they are still the same is read by
//! `annals media verify`.

use std::ops::Range;

use chat::{Attachment, AttachmentState, Hour};
use store::Archive;

use super::{Finding, Verified};
use crate::error::Error;
use crate::media::{MediaCount, MediaStanding};
use crate::workshop::Workshop;

/// Attachments without their bytes that a proof names.
const NAMED: u64 = 20;

/// What is known of the attachments of the hours that were proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttachmentProof {
    /// All of them, and the bytes that are said to be stored.
    pub all: MediaCount,
    /// Those that are said to be stored, and their bytes.
    pub stored: MediaCount,
    /// Archived hours that no fetch has looked through for attachments; no fault, the next one does.
    pub unlisted: u64,
}

impl Verified {
    /// Looks for the bytes of each attachment of these hours that is said to be stored.
    pub(super) async fn hold_attachments(&mut self, workshop: &Workshop, range: &Range<Hour>) -> Result<(), Error> {
        let archive = &workshop.archive;
        let mut missing = 0;
        let look = |row: &Attachment| {
            if let Some(why) = what_is_missing(archive, row) {
                missing += 1;
                if missing <= NAMED {
                    let (hour, part, line) = (row.position.source_hour, row.position.part, row.position.line);
                    self.find(Finding::Attachment { hour, part, line, kind: row.kind, why });
                }
            }
        };
        let standing = MediaStanding::while_looking(archive, range, (workshop.clock)(), look).await?;
        let Some(standing) = standing else { return Ok(()) };
        if missing > NAMED {
            self.find(Finding::MoreAttachments { attachments: missing - NAMED });
        }
        let MediaStanding { all, unlisted, .. } = standing;
        self.attachments = Some(AttachmentProof { all, stored: standing.count(AttachmentState::Stored), unlisted });
        Ok(())
    }
}

/// What is missing of an attachment that is said to be stored.
fn what_is_missing(archive: &Archive, row: &Attachment) -> Option<String> {
    if row.state != AttachmentState::Stored {
        return None;
    }
    let Some((sha256, length)) = row.sha256.as_ref().zip(row.length) else {
        return Some("is said to be stored, and nothing says under which SHA-256".to_owned());
    };
    let found = archive.open_blob(sha256).map(|file| file.map(|file| file.metadata().map(|about| about.len())));
    match found {
        Ok(None) => Some(format!("is said to be stored, and no file has its SHA-256 {sha256}")),
        Ok(Some(Ok(found))) if found == length => None,
        Ok(Some(Ok(found))) => Some(format!("has {length} bytes, and the file {sha256} has {found}")),
        Ok(Some(Err(error))) => Some(format!("the file {sha256} could not be read: {error}")),
        Err(error) => Some(format!("the file {sha256} could not be read: {error}")),
    }
}
