//! Where the hits of a saved search go: to stdout, or to a webhook in batches.
//!
//! What is posted and what the archive knows to be told cannot change in one step: the archive is told afterwards. Whoever is
//! killed in between posts the same batch once more, under the same `delivery`.

use api::{Error, Retries, Webhook};
use chat::Hour;
use index::Query;
use query::{Found, mark};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::commands::message::{COLUMNS, cells};
use crate::commands::query::{CHANGES, marks, table_row};
use crate::context::Context;
use crate::error::CommandError;
use crate::output::{Cell, Format};

/// Hits in one post.
const BATCH: usize = 100;

/// Bytes of the hits in one post, unless a single one is larger.
const BATCH_BYTES: usize = 1 << 20;

/// Hits that are printed before the archive is told so.
const PRINTED: usize = 1_000;

/// Hits that are to be told together.
#[derive(Default)]
pub(super) struct Batch {
    hits: Vec<Found>,
    bytes: usize,
}

/// Where hits go.
pub(super) enum Receiver {
    Print(Format),
    Post(Webhook),
}

/// What is told of every hit: the search that it is one of.
pub(super) struct Subject<'a> {
    pub(super) name: String,
    pub(super) text: &'a str,
    pub(super) query: &'a Query,
}

/// The hour that the hits of a post are of.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) hour: Hour,
    pub(super) publication: &'a str,
    /// Whether the hour has more of them.
    pub(super) truncated: bool,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.hits.is_empty()
    }

    pub(super) fn push(&mut self, hit: Found) {
        self.bytes += size(&hit);
        self.hits.push(hit);
    }
}

/// About what a hit takes in a post.
fn size(hit: &Found) -> usize {
    let message = &hit.message;
    let texts = [&message.text, &message.ext, &message.rest, &message.custom_exts, &message.url];
    texts.into_iter().flatten().map(|text| text.len()).sum::<usize>() + COLUMNS.len() * 16
}

impl Receiver {
    /// Whether the batch is to be told before this hit is added to it.
    pub(super) fn is_full(&self, batch: &Batch, hit: &Found) -> bool {
        match self {
            Self::Print(_) => batch.hits.len() >= PRINTED,
            Self::Post(_) => {
                let has_room = batch.hits.len() < BATCH && batch.bytes + size(hit) <= BATCH_BYTES;
                !batch.is_empty() && !has_room
            }
        }
    }

    /// Whether each hour is told by itself, so that a batch is the same when it comes again.
    pub(super) fn parts_hours(&self) -> bool {
        matches!(self, Self::Post(_))
    }

    /// Tells the hits of a batch and empties it.
    ///
    /// # Errors
    ///
    /// When the receiver did not take them.
    pub(super) async fn tell(
        &self,
        batch: &mut Batch,
        of: Of<'_>,
        subject: &Subject<'_>,
        context: &Context,
    ) -> Result<(), CommandError> {
        let hits = std::mem::take(batch).hits;
        match self {
            Self::Print(format) => print(hits, *format, subject, context),
            Self::Post(webhook) => {
                let delivery = delivery(&subject.name, of, &hits);
                let body = body(hits, of, subject, &delivery).to_string();
                webhook.post(&body, &delivery).await.map_err(|error| not_posted(error, webhook))
            }
        }
    }
}

fn print(hits: Vec<Found>, format: Format, subject: &Subject<'_>, context: &Context) -> Result<(), CommandError> {
    let name = || Cell::from(subject.name.as_str());
    if format == Format::Table {
        let mut rows = context.output.rows(format, &["watch", "sent_at", "sender", "conversation", "text"]);
        for hit in &hits {
            let [sent_at, sender, conversation, text] = table_row(&hit.message, hit.changes, subject.query);
            rows.push(&[name(), sent_at, sender, conversation, text])?;
        }
        return Ok(rows.finish()?);
    }
    let columns: Vec<_> = ["watch"].into_iter().chain(COLUMNS).chain(CHANGES).collect();
    let mut rows = context.output.rows(format, &columns);
    for hit in hits {
        let row: Vec<_> = [name()].into_iter().chain(cells(hit.message)).chain(marks(hit.changes)).collect();
        rows.push(&row)?;
    }
    Ok(rows.finish()?)
}

/// The same for the same hits of the same publication.
fn delivery(name: &str, of: Of<'_>, hits: &[Found]) -> String {
    let mut hasher = Sha256::new();
    for text in [name, &of.hour.key(), of.publication] {
        hasher.update(text);
        hasher.update([0]);
    }
    hits.iter().for_each(|hit| hasher.update(mark(&hit.message).to_be_bytes()));
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn body(hits: Vec<Found>, of: Of<'_>, subject: &Subject<'_>, delivery: &str) -> Value {
    let hits: Vec<Value> = hits.into_iter().map(object).collect();
    json!({
        "version": 1,
        "watch": subject.name,
        "query": subject.text,
        "delivery": delivery,
        "source_hour": of.hour.key(),
        "count": hits.len(),
        "truncated": of.truncated,
        "hits": hits,
    })
}

/// A hit with the members of `query --format jsonl`.
fn object(hit: Found) -> Value {
    let values = cells(hit.message).into_iter().chain(marks(hit.changes)).map(|cell| cell.to_json());
    let names = COLUMNS.into_iter().chain(CHANGES).map(str::to_owned);
    Value::Object(names.zip(values).collect::<Map<_, _>>())
}

/// What posts to this address.
///
/// # Errors
///
/// When it is none that may be posted to, or the secret cannot be read.
pub(super) fn webhook(address: &str, context: &Context) -> Result<Webhook, CommandError> {
    let (watch, api) = (&context.settings.watch, &context.settings.api);
    let secret = watch.secret.read("watch.webhook_secret")?;
    let retries = Retries {
        attempts: api.attempts.min(ATTEMPTS),
        first_pause: api.first_pause,
        longest_pause: api.longest_pause,
        ..Retries::default()
    };
    Webhook::new(address, watch.reach, secret, retries, context.clock.handed_over()).map_err(|error| {
        CommandError::usage(error).hint("docs/watch.md tells of `watch.allow_http` and `watch.allow_private`")
    })
}

/// A receiver that is down for long is told in the next run.
const ATTEMPTS: u32 = 4;

fn not_posted(error: Error, webhook: &Webhook) -> CommandError {
    let error = CommandError::new(crate::exit::Exit::HoursFailed, error);
    let error = error.while_doing(format!("could not post to {}", webhook.host()));
    error.hint("the hits stay due: the next run posts them")
}
