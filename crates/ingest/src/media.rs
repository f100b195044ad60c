//! Attachments, while the service has them: the files that messages speak of are fetched and kept by their hashes.
//!
//! First the messages are looked through whose publication is new since the last time ([`listing`]); then what is still
//! to be had is fetched ([`work`]), in the [`order`] of deadlines, and what failed before behind that. What becomes of each is written down some at a
//! time, after its bytes are kept: a run that is killed fetches at most those once more.

mod listing;
mod order;
mod standing;
mod work;

use std::num::NonZero;
use std::ops::Range;
use std::time::Duration;

use api::Client;
use chat::{Attachment, AttachmentKind, AttachmentState, Hour, Timestamp};

pub use self::standing::{MediaCount, MediaStanding};
use crate::error::Error;
use crate::report::CutShort;
use crate::workshop::Workshop;

/// Time until the next run. What is gone by then, and was not fetched, has failed.
const NEXT_RUN: Duration = Duration::from_secs(24 * 3600);

/// Which attachments are fetched, and how.
#[derive(Debug, Clone)]
pub struct Media {
    /// The hours whose messages speak of them.
    pub hours: Range<Hour>,
    /// Whether thumbnails are fetched too. Those that are not count as refused.
    pub thumbnails: bool,
    /// How long the service keeps a file after it was sent.
    pub lifetime: Duration,
    /// Files that are fetched at the same time.
    pub workers: NonZero<usize>,
    /// Whether those that are gone, denied or refused are asked for again.
    pub again: bool,
}

/// What a run over attachments came to.
#[derive(Debug, Default)]
pub struct MediaReport {
    /// Hours whose messages were looked through.
    pub listed: u64,
    /// Attachments that were found in them and were not known.
    pub found: u64,
    /// Attachments that were fetched.
    pub fetched: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Attachments of which this run learned that the service does not have them.
    pub gone: u64,
    /// Attachments that the service does not give to us.
    pub denied: u64,
    /// Attachments that the settings do not allow.
    pub refused: u64,
    /// Attachments that were asked for in vain, and may be had later.
    pub failed: u64,
    /// Attachments that are still to be had after this run.
    pub pending: u64,
    /// Those of them that the service will have deleted before the next run.
    pub in_danger: u64,
    /// Why the run ended early.
    pub cut_short: Option<CutShort>,
    /// The error that ended it.
    pub error: Option<api::Error>,
}

impl Workshop {
    /// Fetches the attachments that the messages of a range speak of. It may be stopped at any time and run again.
    ///
    /// # Errors
    ///
    /// When the archive belongs to another app or cannot be used, or another fetch is at work and is not waited for. What
    /// keeps a single attachment is written down with it.
    pub async fn media(
        &self,
        client: &Client,
        media: &Media,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<MediaReport, Error> {
        self.belongs_to(&client.app())?;
        let mut report = MediaReport::default();
        let Some(turn) = self.turn().await? else {
            report.cut_short = Some(CutShort::Interrupted);
            return Ok(report);
        };
        self.list_attachments(media, &mut report).await?;
        self.fetch_attachments(client, media, &mut report, progress).await?;
        drop(turn);
        self.count_pending(media, &mut report).await?;
        Ok(report)
    }

    async fn count_pending(&self, media: &Media, report: &mut MediaReport) -> Result<(), Error> {
        let now = (self.clock)();
        let take = |row: Attachment| {
            report.pending += u64::from(is_pending(&row));
            report.in_danger += u64::from(is_in_danger(&row, now));
        };
        Ok(self.archive.each_attachment(&media.hours, take).await?)
    }
}

/// What a row says that the settings leave out.
const LEFT_OUT: &str = "thumbnails are left out (media.thumbnails)";

impl Media {
    /// Leaves an attachment out that the settings leave out, and takes it back once they no longer do. Says whether that
    /// changed it.
    fn settle(&self, row: &mut Attachment) -> bool {
        let is_left_out = !self.thumbnails && row.kind == AttachmentKind::Thumbnail;
        let was_left_out = row.state == AttachmentState::Refused && row.error.as_deref() == Some(LEFT_OUT);
        let (state, error) = match (row.state, is_left_out) {
            (AttachmentState::Pending, true) => (AttachmentState::Refused, Some(LEFT_OUT.to_owned())),
            (AttachmentState::Refused, false) if was_left_out => (AttachmentState::Pending, None),
            _ => return false,
        };
        (row.state, row.error) = (state, error);
        true
    }

    /// Whether it is asked for again although it is known what becomes of it.
    fn asks_again(&self, row: &Attachment) -> bool {
        self.again && (self.thumbnails || row.kind == AttachmentKind::File)
    }
}

impl MediaReport {
    fn count(&mut self, row: &Attachment) {
        match row.state {
            AttachmentState::Stored => {
                self.fetched += 1;
                self.bytes += row.length.unwrap_or(0);
            }
            AttachmentState::Gone => self.gone += 1,
            AttachmentState::Denied => self.denied += 1,
            AttachmentState::Refused => self.refused += 1,
            AttachmentState::Pending => self.failed += 1,
        }
    }
}

fn is_pending(row: &Attachment) -> bool {
    row.state == AttachmentState::Pending
}

/// Whether an attachment is still to be had, and will not be any more by the time of the next run.
fn is_in_danger(row: &Attachment, now: Timestamp) -> bool {
    is_pending(row) && row.deadline <= now + NEXT_RUN
}
