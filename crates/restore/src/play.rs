//! The messages, one after the other in each conversation, into the app.
//!
//! Some hundreds of rows are looked up at a time, in the order in which they were sent. Of these, several conversations are
//! played at once, each from its oldest message on; what a later batch has of one comes behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use api::{Client, Upload};
use chat::Message;
use futures::stream::{self, StreamExt as _};
use store::{BlobCopy, RestoreJournal, RestoreKey, Restored, RestoredFile, step};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::files::{Found, Kept};
use crate::reason::{LeftOut, Objection, Reason};
use crate::survey::{Restore, Survey, key_of};

/// Rows that are looked up at a time.
const TOGETHER: usize = 512;

/// Conversations that are played at once: with answers within 80 ms, as many calls as the service allows in a second.
const AT_ONCE: usize = 8;

/// Files that may be uploaded at once: several times the conversations, so that few wait for one with other bytes.
const UPLOADS: usize = 64;

/// What came of it.
#[derive(Debug)]
pub struct Played {
    /// The counts.
    pub counts: PlayedCounts,
    /// What ended it before all was played.
    pub error: Option<Error>,
}

/// What came of the messages that were to be played.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlayedCounts {
    /// Imported.
    pub imported: u64,
    /// The service did not take them.
    pub declined: u64,
    /// Nobody knows whether they were imported.
    pub in_doubt: u64,
    /// Their hours were published anew meanwhile; another run finds them.
    pub moved: u64,
    /// Left out after all, by the reason.
    pub left_out: BTreeMap<Reason, u64>,
    /// Files that were uploaded.
    pub files: u64,
    /// How large they are together.
    pub bytes: u64,
}

/// What happens to a message while they are played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// It is done.
    Done,
    /// It is left out.
    LeftOut(LeftOut),
}

/// Why a message is not imported.
enum Obstacle {
    /// It alone.
    Objection(Objection),
    /// All is at an end.
    End(Error),
}

impl From<Objection> for Obstacle {
    fn from(objection: Objection) -> Self {
        Self::Objection(objection)
    }
}

impl From<store::Error> for Obstacle {
    fn from(error: store::Error) -> Self {
        Self::End(error.into())
    }
}

impl Restore {
    /// Plays what a survey found, and tells of each message. An end that is asked for comes when the calls under way are answered.
    ///
    /// The answer of a call that is lost ends it as well: the service is in trouble, and each further message might be in doubt.
    pub async fn play(
        &self,
        survey: Survey,
        client: &Client,
        journal: RestoreJournal,
        tell: &mut (dyn FnMut(Turn) + Send),
        stop: &CancellationToken,
    ) -> Played {
        let desk = Mutex::new(Desk { journal, tell, counts: PlayedCounts::default(), error: None });
        let uploading = std::array::from_fn(|_| tokio::sync::Mutex::default());
        let is_over = AtomicBool::new(false);
        let stage = Stage { restore: self, client, desk, uploading, is_over, stop };
        if let Err(error) = stage.all(survey).await {
            stage.end(error);
        }
        let Desk { counts, error, .. } = stage.desk.into_inner().unwrap_or_else(PoisonError::into_inner);
        Played { counts, error }
    }
}

/// What messages are played with.
struct Stage<'a> {
    restore: &'a Restore,
    client: &'a Client,
    desk: Mutex<Desk<'a>>,
    /// One is held while a file is uploaded, so that the same bytes are not twice: always the same one for the same bytes.
    uploading: [tokio::sync::Mutex<()>; UPLOADS],
    is_over: AtomicBool,
    stop: &'a CancellationToken,
}

/// What is written down.
struct Desk<'a> {
    journal: RestoreJournal,
    tell: &'a mut (dyn FnMut(Turn) + Send),
    counts: PlayedCounts,
    error: Option<Error>,
}

impl<'a> Stage<'a> {
    async fn all(&self, survey: Survey) -> Result<(), Error> {
        let Survey { mut chronicle, places, .. } = survey;
        let mut kept = Kept::default();
        for batch in places.chunks(TOGETHER) {
            if self.is_over() {
                break;
            }
            let rows = chronicle.rows(batch).await?;
            self.desk().counts.moved += (batch.len() - rows.len()) as u64;
            let hours: BTreeSet<_> = rows.iter().map(|row| row.position.source_hour).collect();
            kept.turn_to(&self.restore.archive, &hours).await?;
            let conversations = stream::iter(by_conversation(rows));
            conversations.for_each_concurrent(AT_ONCE, |rows| self.conversation(rows, &kept)).await;
        }
        Ok(())
    }

    async fn conversation(&self, rows: Vec<Message<'static>>, kept: &Kept) {
        for row in &rows {
            if self.is_over() {
                return;
            }
            match self.one(row, kept).await {
                Ok(()) => (self.desk().tell)(Turn::Done),
                Err(Obstacle::Objection(objection)) => self.desk().leave_out(objection.of(row)),
                Err(Obstacle::End(error)) => self.end(error),
            }
        }
    }

    async fn one(&self, row: &Message<'_>, kept: &Kept) -> Result<(), Obstacle> {
        let key = key_of(row).map_err(|error| Objection::because(Reason::UnfitBody, error))?;
        // Two rows of an hour can have one id.
        if self.desk().journal.state(key) == Some(Restored::Imported) {
            return Ok(());
        }
        let (mut draft, files) = self.restore.draft(row, kept)?;
        for file in &files {
            let now = self.uploaded(file).await?;
            draft.set_file(file.kind, &now.url, now.secret.as_ref());
        }
        let (into, import) = (draft.conversation_kind(), draft.import()?);
        import.check(into, &self.restore.target.limits).map_err(Objection::from)?;
        self.desk().journal.will_ask(key, row.position, row.msg_id.as_deref())?;
        step("restore.asked");
        let answer = self.client.import(into, &import).await;
        step("restore.answered");
        let mut desk = self.desk();
        match answer {
            Ok(id) => {
                desk.journal.imported(key, &id)?;
                desk.counts.imported += 1;
                drop(desk);
                step("restore.noted");
                Ok(())
            }
            Err(error @ api::Error::Doubtful { .. }) => {
                desk.leave_out(Objection::because(Reason::InDoubt, in_one_line(&error)).of(row));
                Err(Obstacle::End(error.into()))
            }
            Err(error) => {
                // Nothing was done.
                desk.journal.declined(key)?;
                Err(refused(error, "the service did not take it"))
            }
        }
    }

    /// Where a file of the archive is at the service; it is uploaded if it is not there yet.
    async fn uploaded(&self, file: &Found) -> Result<RestoredFile, Obstacle> {
        let key = RestoreKey::of_upload(&file.sha256, file.is_restricted);
        let _alone = self.uploading[key.slot(UPLOADS)].lock().await;
        let target = &self.restore.target;
        let is_kept = |earlier: &RestoredFile| earlier.at + target.file_life / 2 > (target.clock)();
        if let Some(earlier) = self.desk().journal.upload(key)?.filter(is_kept) {
            return Ok(earlier);
        }
        let copy = self.proved(file).await?;
        let upload = Upload { path: copy.path.clone(), restrict_access: file.is_restricted, thumbnail: None };
        let uploaded =
            self.client.upload(&upload).await.map_err(|error| refused(error, "the service did not take its file"))?;
        step("restore.uploaded");
        let file_now = RestoredFile { url: uploaded.url().to_owned(), secret: uploaded.secret, at: (target.clock)() };
        let mut desk = self.desk();
        desk.journal.uploaded(key, &file_now)?;
        desk.counts.files += 1;
        desk.counts.bytes += file.bytes;
        Ok(file_now)
    }

    /// Looks whether the bytes are those that were archived: what a disk has damaged is not handed on.
    async fn proved(&self, file: &Found) -> Result<BlobCopy, Obstacle> {
        let (archive, sha256) = (self.restore.archive.clone(), file.sha256.clone());
        let read = tokio::task::spawn_blocking(move || archive.blob_file(&sha256)).await;
        match read.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))? {
            Some(copy) if copy.sha256 == file.sha256 => Ok(copy),
            Some(_) => Err(Objection::because(Reason::AttachmentNotKept, "its bytes are damaged").into()),
            None => Err(Objection::from(Reason::AttachmentNotKept).into()),
        }
    }

    fn is_over(&self) -> bool {
        self.stop.is_cancelled() || self.is_over.load(Ordering::Relaxed)
    }

    /// Ends all, when the calls under way are answered.
    fn end(&self, error: Error) {
        self.is_over.store(true, Ordering::Relaxed);
        self.desk().error.get_or_insert(error);
    }

    fn desk(&self) -> MutexGuard<'_, Desk<'a>> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk<'_> {
    fn leave_out(&mut self, row: LeftOut) {
        match row.reason {
            Reason::Declined => self.counts.declined += 1,
            Reason::InDoubt => self.counts.in_doubt += 1,
            reason => *self.counts.left_out.entry(reason).or_default() += 1,
        }
        (self.tell)(Turn::LeftOut(row));
    }
}

/// What an error of a call that did nothing means: for the message alone, or for all.
fn refused(error: api::Error, what: &str) -> Obstacle {
    match error {
        api::Error::Unfit(unfit) => Objection::from(unfit).into(),
        api::Error::Source { .. } => Objection::because(Reason::AttachmentNotKept, in_one_line(&error)).into(),
        api::Error::Declined { .. } => Objection::because(Reason::Declined, format_args!("{what}: {error}")).into(),
        other => Obstacle::End(other.into()),
    }
}

/// An error with its causes.
fn in_one_line(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The rows of each conversation, in their order.
fn by_conversation(rows: Vec<Message<'static>>) -> Vec<Vec<Message<'static>>> {
    let mut conversations: BTreeMap<String, Vec<Message<'static>>> = BTreeMap::new();
    for row in rows {
        let key = row.conversation.as_deref().unwrap_or_default().to_owned();
        conversations.entry(key).or_default().push(row);
    }
    conversations.into_values().collect()
}
