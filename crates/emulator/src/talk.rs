//! What was said through the service: messages, files, and the lines that they leave in hour files.
//!
//! Everything that happens is a [`Change`]: written to the journal if there is one, then applied. What is known is what
//! the changes so far amount to, so a restart knows the same.

mod blobs;
pub(crate) mod change;
pub(crate) mod id;
mod journal;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use bytes::Bytes;
use chat::{Hour, Timestamp};

use crate::talk::blobs::Blobs;
use crate::talk::change::{Attachment, Change, Line, Message, What};
use crate::talk::id::NUMBERS;
use crate::talk::journal::Journal;

/// Bytes of lines that are kept in memory.
const SAID_BYTES: usize = 256 << 20;
/// Bytes of files that are kept.
const UPLOADED_BYTES: u64 = 1 << 30;

/// What was said, and where it is written down.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    messages: HashMap<String, Message>,
    /// By the moment that files them, then in order of arrival.
    lines: BTreeMap<(i64, u64), Line>,
    /// `bytes` is the sum of the lengths of `lines`.
    bytes: usize,
    arrived: u64,
    removals: u64,
    attachments: HashMap<String, Attachment>,
    blobs: Blobs,
    /// The number of the next id: `next <= NUMBERS`.
    next: u32,
    journal: Option<Journal>,
}

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum Refused {
    /// A bound is reached.
    Full,
    /// It could not be written down.
    Disk(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Which state of an hour a file was made of: it differs when the hour's lines do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edition {
    lines: usize,
    removals: u64,
}

impl Talk {
    /// What was said, from the folder in which it is kept.
    pub(crate) fn open(folder: &Path, app: &str) -> io::Result<Self> {
        let mut talk = Self { blobs: Blobs::open(folder)?, ..Self::default() };
        let journal = Journal::open(folder, app, |change| talk.apply(change))?;
        talk.blobs.keep_only(|uuid| talk.attachments.contains_key(uuid))?;
        Ok(Self { journal: Some(journal), ..talk })
    }

    /// The lines of an hour, in order.
    pub(crate) fn lines(&self, hour: Hour) -> Vec<Line> {
        self.of(hour).cloned().collect()
    }

    pub(crate) fn edition(&self, hour: Hour) -> Edition {
        Edition { lines: self.of(hour).count(), removals: self.removals }
    }

    /// Whether anything was said in the hour.
    pub(crate) fn is_heard(&self, hour: Hour) -> bool {
        self.of(hour).next().is_some()
    }

    fn of(&self, hour: Hour) -> impl Iterator<Item = &Line> {
        let edge = |time: Timestamp| (time.timestamp_millis(), 0);
        self.lines.range(edge(hour.start())..edge(hour.end())).map(|(_, line)| line)
    }

    pub(crate) fn message(&self, id: &str) -> Option<&Message> {
        self.messages.get(id)
    }

    pub(crate) fn attachment(&self, uuid: &str) -> Option<&Attachment> {
        self.attachments.get(uuid)
    }

    pub(crate) fn bytes_of(&self, uuid: &str) -> io::Result<Option<Bytes>> {
        self.blobs.read(uuid)
    }

    /// The numbers of the next ids.
    ///
    /// # Errors
    ///
    /// When there are no more.
    pub(crate) fn numbers(&self, count: usize) -> Result<std::ops::Range<u32>, Refused> {
        let end = u32::try_from(count).ok().and_then(|count| self.next.checked_add(count)).ok_or(Refused::Full)?;
        if end > NUMBERS { Err(Refused::Full) } else { Ok(self.next..end) }
    }

    /// Makes a change: written down first, then known.
    pub(crate) fn change(&mut self, next: u32, lines: Vec<Line>, what: What) -> Result<(), Refused> {
        let more: usize = lines.iter().map(|line| line.text.len()).sum();
        if self.bytes + more > SAID_BYTES {
            return Err(Refused::Full);
        }
        let change = Change { next, lines, what };
        if let Some(journal) = &mut self.journal {
            journal.append(&change)?;
        }
        self.apply(change);
        Ok(())
    }

    /// Keeps a file. Its bytes are there before anything speaks of them.
    pub(crate) fn upload(&mut self, next: u32, attachment: Attachment, bytes: Bytes) -> Result<(), Refused> {
        if self.blobs.size() + attachment.size > UPLOADED_BYTES {
            return Err(Refused::Full);
        }
        self.blobs.write(&attachment.uuid, bytes)?;
        self.change(next, Vec::new(), What::Uploaded(attachment))
    }

    /// Drops the bytes of files that are older than this; that they were there is still known.
    pub(crate) fn drop_files_before(&mut self, time: Timestamp) {
        let old = self.attachments.values().filter(|file| file.time < time.timestamp_millis());
        old.for_each(|file| self.blobs.remove(&file.uuid));
    }

    fn apply(&mut self, change: Change) {
        self.next = change.next;
        for line in change.lines {
            self.bytes += line.text.len();
            self.arrived += 1;
            self.lines.insert((line.at, self.arrived), line);
        }
        match change.what {
            What::Said(messages) => {
                self.messages.extend(messages.into_iter().map(|message| (message.id.clone(), message)));
            }
            What::Recalled(recalls) => recalls.into_iter().for_each(|recall| self.forget(&recall)),
            What::Edited { id, kind } => {
                if let Some(message) = self.messages.get_mut(&id) {
                    message.kind = kind;
                    message.edits += 1;
                }
            }
            What::Uploaded(attachment) => {
                self.attachments.insert(attachment.uuid.clone(), attachment);
            }
        }
    }

    fn forget(&mut self, recall: &change::Recall) {
        self.messages.remove(&recall.id);
        if recall.removed {
            self.lines.retain(|_, line| line.id != recall.id);
            self.bytes = self.lines.values().map(|line| line.text.len()).sum();
            self.removals += 1;
        }
        if let Some(uuid) = &recall.file {
            self.attachments.remove(uuid);
            self.blobs.remove(uuid);
        }
    }
}
