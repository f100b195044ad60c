//! Which attachments the messages speak of.
//!
//! Of each hour the table notes the publication that was looked through, so that a nightly run reads the new hours
//! alone, and of these a few columns. An hour that was published anew is looked through again: what is known of an
//! attachment stays, found by the message's id and the URL wherever its line is now.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chat::{Attachment, AttachmentKind, Entry, Hour, Message, State};
use futures::TryStreamExt as _;
use store::{AttachmentUpdate, is_gone};

use super::{Media, MediaReport};
use crate::error::Error;
use crate::workshop::Workshop;

/// What of a message says where its files are.
const COLUMNS: [&str; 7] = ["source_hour", "part", "line", "msg_id", "sent_at", "url", "thumb_url"];

/// Looks at a day's hours whose files another writer replaces meanwhile.
const LOOKS: usize = 10;

/// By what an attachment is known wherever it stands.
type Identity = (Hour, Option<String>, AttachmentKind, String);

impl Workshop {
    /// Writes down the attachments of the hours of which nobody has yet.
    pub(super) async fn list_attachments(&self, media: &Media, report: &mut MediaReport) -> Result<(), Error> {
        let (entries, listed) = (self.archive.entries().await?, self.archive.listed().await?);
        let is_new =
            |entry: &&Entry| entry.state == State::Done && listed.get(&entry.hour) != Some(&entry.publication());
        let mut days: BTreeMap<_, BTreeMap<Hour, String>> = BTreeMap::new();
        for entry in entries.values().filter(|entry| media.hours.contains(&entry.hour)).filter(is_new) {
            days.entry(entry.hour.date()).or_default().insert(entry.hour, entry.publication());
        }
        for hours in days.into_values() {
            if self.stop.is_cancelled() {
                break;
            }
            report.listed += hours.len() as u64;
            report.found += self.list_day(hours, media).await?;
        }
        Ok(())
    }

    /// Writes down the attachments of hours of a day, and counts those that were not known.
    async fn list_day(&self, hours: BTreeMap<Hour, String>, media: &Media) -> Result<u64, Error> {
        let mut rows = self.attachments_of(hours.keys().copied().collect(), media).await?;
        let (Some(first), Some(last)) = (hours.keys().next(), hours.keys().next_back()) else { return Ok(0) };
        let known = self.archive.attachments(&(*first..last.next())).await?;
        let mut known: HashMap<Identity, Attachment> = known.into_iter().map(|row| (identity(&row), row)).collect();
        let mut found = 0;
        for row in &mut rows {
            match known.remove(&identity(row)) {
                Some(before) => *row = Attachment { position: row.position, ..before },
                None => found += 1,
            }
        }
        self.archive.update_attachments(&AttachmentUpdate { listed: hours, rows }).await?;
        Ok(found)
    }

    async fn attachments_of(&self, hours: BTreeSet<Hour>, media: &Media) -> Result<Vec<Attachment>, Error> {
        let mut rows = Vec::new();
        let take = |message: &Message<'_>| rows.extend(named(message, media));
        self.each_message(&hours, &COLUMNS, take).await?;
        Ok(rows)
    }

    /// Hands out the messages of hours, in some columns.
    pub(super) async fn each_message(
        &self,
        hours: &BTreeSet<Hour>,
        columns: &[&str],
        mut take: impl FnMut(&Message<'_>),
    ) -> Result<(), Error> {
        for hour in hours {
            let mut looks = 1;
            let messages = loop {
                match self.messages_of(*hour, columns).await {
                    Err(error) if is_gone(&error) && looks < LOOKS => looks += 1,
                    other => break other?,
                }
            };
            messages.iter().for_each(&mut take);
        }
        Ok(())
    }

    async fn messages_of(&self, hour: Hour, columns: &[&str]) -> Result<Vec<Message<'static>>, Error> {
        let snapshot = self.archive.snapshot().await?;
        let Some(file) = snapshot.file_of(hour) else { return Ok(Vec::new()) };
        let failed = |source| Error::Rows { hour, source };
        let mut batches =
            archive::read_columns(snapshot.reader(file), columns, &BTreeSet::from([hour])).await.map_err(failed)?;
        let mut messages = Vec::new();
        while let Some(batch) = batches.try_next().await.map_err(failed)? {
            messages.extend(batch.into_iter().filter(|message| message.url.is_some() || message.thumb_url.is_some()));
        }
        Ok(messages)
    }
}

fn identity(row: &Attachment) -> Identity {
    (row.position.source_hour, row.msg_id.clone(), row.kind, row.url.clone())
}

/// The attachments that a message names.
fn named(message: &Message<'_>, media: &Media) -> Vec<Attachment> {
    let sent_at = message.sent_at.unwrap_or_else(|| message.position.source_hour.start());
    let of = |kind, url: Option<&str>| {
        let url = url.filter(|url| !url.is_empty())?;
        let mut row = Attachment::new(message.position, kind, api::public_part(url), sent_at + media.lifetime);
        row.msg_id = message.msg_id.as_deref().map(str::to_owned);
        media.settle(&mut row);
        Some(row)
    };
    let file = of(AttachmentKind::File, message.url.as_deref());
    let thumbnail = of(AttachmentKind::Thumbnail, message.thumb_url.as_deref());
    file.into_iter().chain(thumbnail).collect()
}
