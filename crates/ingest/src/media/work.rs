//! Fetching what is still to be had.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use api::{Client, Fetched, FileId, Picture};
use chat::{Attachment, AttachmentKind, AttachmentState, Hour, Message, Position, Secret, Timestamp};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use store::{AttachmentUpdate, BlobStage};

use super::order::{Prospect, failed_at, in_turn, is_refused};
use super::{Media, MediaReport};
use crate::arrival::Arrival;
use crate::error::{Error, in_one_line};
use crate::raw::on_a_thread;
use crate::report::CutShort;
use crate::workshop::Workshop;

/// What of a message a file is fetched with. The secrets are nowhere else.
const COLUMNS: [&str; 7] = ["source_hour", "part", "line", "url", "secret", "thumb_url", "thumb_secret"];
/// Attachments whose messages are looked up at a time.
const LOOKED_UP: usize = 1_000;
/// Attachments of which it is written down together what became of them: that many are fetched again after a kill.
const TOGETHER: usize = 256;
/// How long at the most they wait for that.
const AT_LATEST: Duration = Duration::from_secs(10);

/// A file that is to be fetched, and the attachments that it is.
struct Job {
    /// The hour of the first of them.
    hour: Hour,
    rows: Vec<Attachment>,
    url: String,
    secret: Option<Secret>,
    picture: Picture,
}

/// What came of a job.
struct Done {
    rows: Vec<Attachment>,
    /// Whether a run before asked for one of them in vain.
    failed_before: bool,
    error: Option<api::Error>,
}

impl Workshop {
    /// Fetches what is still to be had, see [`in_turn`], as long as the service gives something.
    pub(super) async fn fetch_attachments(
        &self,
        client: &Client,
        media: &Media,
        report: &mut MediaReport,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<(), Error> {
        let wanted = self.wanted(media).await?;
        let (all, mut had) = (wanted.len() as u64, 0);
        let (mut chunks, mut queue) = (wanted.chunks(LOOKED_UP), VecDeque::new());
        let (mut in_hand, mut done) = (FuturesUnordered::new(), Vec::new());
        let (mut prospect, mut written) = (Prospect::default(), Instant::now());
        loop {
            while report.cut_short.is_none() && in_hand.len() < media.workers.get() {
                if queue.is_empty() {
                    let Some(chunk) = chunks.next() else { break };
                    queue = self.jobs(chunk).await?;
                }
                in_hand.extend(queue.pop_front().map(|job| self.fetch_job(client, job)));
            }
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    report.cut_short = Some(CutShort::Interrupted);
                    break;
                }
                next = in_hand.next() => next,
            };
            let Some(outcome) = next else { break };
            let outcome = outcome?;
            had += outcome.rows.len() as u64;
            progress(had, all);
            if prospect.is_hopeless_after(outcome.error.as_ref(), outcome.failed_before) {
                report.cut_short = Some(CutShort::Hopeless);
                report.error = outcome.error;
            }
            outcome.rows.iter().for_each(|row| report.count(row));
            done.extend(outcome.rows);
            if done.len() >= TOGETHER || written.elapsed() >= AT_LATEST {
                self.write_down(&mut done).await?;
                written = Instant::now();
            }
        }
        self.write_down(&mut done).await
    }

    async fn write_down(&self, done: &mut Vec<Attachment>) -> Result<(), Error> {
        if done.is_empty() {
            return Ok(());
        }
        let update = AttachmentUpdate { rows: std::mem::take(done), ..AttachmentUpdate::default() };
        self.archive.update_attachments(&update).await?;
        store::step("media.noted");
        Ok(())
    }

    async fn wanted(&self, media: &Media) -> Result<Vec<Attachment>, Error> {
        let now = (self.clock)();
        let is_open = |row: &Attachment| match row.state {
            AttachmentState::Pending => true,
            // Its bytes may have been lost, or removed because they were damaged. Afterwards nobody has them any more.
            AttachmentState::Stored => row.deadline > now && !self.has_bytes_of(row),
            _ => media.asks_again(row),
        };
        let (mut wanted, mut settled) = (Vec::new(), Vec::new());
        let take = |mut row: Attachment| {
            if media.settle(&mut row) {
                settled.push(row.clone());
            }
            wanted.extend(is_open(&row).then_some(row));
        };
        self.archive.each_attachment(&media.hours, take).await?;
        self.write_down(&mut settled).await?;
        Ok(in_turn(wanted, now))
    }

    fn has_bytes_of(&self, row: &Attachment) -> bool {
        // What cannot be opened is there: `annals media verify` says what is wrong with it.
        row.sha256.as_ref().is_some_and(|sha256| !matches!(self.archive.has_blob(sha256), Ok(false)))
    }

    /// What is to be fetched for these attachments: each file once. One whose message is not there any more waits until
    /// the hour is looked through again.
    async fn jobs(&self, rows: &[Attachment]) -> Result<VecDeque<Job>, Error> {
        let hours: BTreeSet<_> = rows.iter().map(|row| row.position.source_hour).collect();
        let wanted: BTreeSet<Position> = rows.iter().map(|row| row.position).collect();
        let mut messages: HashMap<Position, Message<'static>> = HashMap::new();
        let take = |message: &Message<'_>| {
            if wanted.contains(&message.position) {
                messages.insert(message.position, message.clone().into_owned());
            }
        };
        self.each_message(&hours, &COLUMNS, take).await?;
        let (mut jobs, mut places) = (VecDeque::<Job>::new(), HashMap::new());
        for row in rows {
            let Some(job) = messages.get(&row.position).and_then(|message| Job::of(row, message)) else { continue };
            let secret = job.secret.as_ref().map(|secret| secret.reveal().to_owned());
            match places
                .get(&(job.url.clone(), secret.clone(), row.kind))
                .and_then(|place: &usize| jobs.get_mut(*place))
            {
                Some(same) => same.rows.extend(job.rows),
                None => {
                    places.insert((job.url.clone(), secret, row.kind), jobs.len());
                    jobs.push_back(job);
                }
            }
        }
        Ok(jobs)
    }

    async fn fetch_job(&self, client: &Client, job: Job) -> Result<Done, Error> {
        let (mut stage, tried_at) = (Arrival(self.archive.stage_blob()?), (self.clock)());
        let (news, error) = match job.fetch(client, &mut stage).await {
            Ok(Fetched::Whole { media_type, .. }) => (self.keep_blob(stage.0, media_type).await?, None),
            Ok(Fetched::Gone { status, said }) => (News::told(AttachmentState::Gone, status, said), None),
            Ok(Fetched::Denied { status, said }) => (News::told(AttachmentState::Denied, status, said), None),
            Err(source @ api::Error::Target { .. }) => return Err(Error::Api { hour: job.hour, source }),
            Err(error) => (News::failed(&error), Some(error)),
        };
        let failed_before = job.rows.iter().any(|row| failed_at(row).is_some());
        Ok(Done { rows: job.rows.into_iter().map(|row| news.of(row, tried_at)).collect(), failed_before, error })
    }

    /// Keeps bytes that arrived whole.
    async fn keep_blob(&self, stage: BlobStage, media_type: Option<String>) -> Result<News, Error> {
        let archive = self.archive.clone();
        on_a_thread(move || {
            let sealed = stage.seal();
            let kept = Some((sealed.sha256().to_owned(), sealed.length()));
            archive.keep_blob(sealed)?;
            store::step("media.kept");
            Ok(News { kept, media_type, ..News::told(AttachmentState::Stored, 200, None) })
        })
        .await
    }
}

impl Job {
    /// What is to be fetched for an attachment of a message.
    fn of(row: &Attachment, message: &Message<'_>) -> Option<Self> {
        let (url, secret) = match row.kind {
            AttachmentKind::File => (given(&message.url), given(&message.secret)),
            AttachmentKind::Thumbnail => {
                (given(&message.thumb_url), given(&message.thumb_secret).or_else(|| given(&message.secret)))
            }
        };
        // The thumbnail that the service makes has the name of its picture; one that a sender made is a file of its own.
        let is_made = row.kind == AttachmentKind::Thumbnail && url == given(&message.url);
        let url = url.filter(|url| api::public_part(url) == row.url)?.to_owned();
        Some(Self {
            hour: row.position.source_hour,
            rows: vec![row.clone()],
            url,
            secret: secret.map(Secret::new),
            picture: if is_made { Picture::Thumbnail } else { Picture::Original },
        })
    }

    async fn fetch(&self, client: &Client, into: &mut Arrival<BlobStage>) -> Result<Fetched, api::Error> {
        match self.url.parse::<FileId>() {
            Ok(file) => client.fetch_file(&file.with_secret(self.secret.clone()), self.picture, into).await,
            Err(unfit) => match self.url.parse() {
                Ok(url) => client.fetch_outside(&url, into).await,
                Err(_) => Err(unfit.into()),
            },
        }
    }
}

/// A text that is not empty.
fn given<'a>(text: &'a Option<Cow<'_, str>>) -> Option<&'a str> {
    text.as_deref().filter(|text| !text.is_empty())
}

/// What a try says of an attachment.
struct News {
    state: AttachmentState,
    /// SHA-256 and length of what is kept.
    kept: Option<(String, u64)>,
    media_type: Option<String>,
    http_status: Option<u16>,
    error: Option<String>,
}

impl News {
    fn told(state: AttachmentState, status: u16, said: Option<String>) -> Self {
        Self { state, kept: None, media_type: None, http_status: Some(status), error: said }
    }

    fn failed(error: &api::Error) -> Self {
        let state = if is_refused(error) { AttachmentState::Refused } else { AttachmentState::Pending };
        let (http_status, error) = (error.http_status(), Some(in_one_line(error)));
        Self { state, kept: None, media_type: None, http_status, error }
    }

    /// The row after a try at this time.
    fn of(&self, row: Attachment, tried_at: Timestamp) -> Attachment {
        let (sha256, length) = self.kept.clone().unzip();
        // The table holds microseconds.
        let tried_at = Timestamp::from_timestamp_micros(tried_at.timestamp_micros()).unwrap_or(tried_at);
        Attachment {
            state: self.state,
            fetched_at: sha256.is_some().then_some(tried_at),
            sha256,
            length,
            media_type: self.media_type.clone(),
            http_status: self.http_status,
            tried_at: Some(tried_at),
            error: self.error.clone(),
            ..row
        }
    }
}
