//! The archive, read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use archive::{Key, Projection, Promotion};
use chat::{Hour, Message};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use index::{Catalogue, Changes, Hit};
use store::{Archive, DataFile, Snapshot};

use crate::coverage::Coverage;
use crate::question::{Answer, Found, Question};

/// Files from which an answer's rows are read at the same time; each costs some pages, and perhaps a footer.
const READ_AT_ONCE: usize = 8;

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index could not be read.
    #[error("could not search the index")]
    Index(#[from] index::Error),
    /// A hit has no row: the index and the tables disagree.
    #[error("the index names a message in {hour} that the tables do not hold")]
    NoRow {
        /// The hour that the index names.
        hour: Hour,
    },
    /// A data file could not be read.
    #[error("could not read the data file {file}")]
    Rows {
        /// The file, relative to the table `messages`.
        file: String,
        /// What went wrong.
        source: archive::Error,
    },
    /// The tables could not be opened.
    #[error("could not read the tables")]
    Store(#[from] store::Error),
}

impl Error {
    /// Whether an hour that was published anew meanwhile explains it.
    pub(crate) fn may_be_gone(&self) -> bool {
        match self {
            Self::NoRow { .. } => true,
            Self::Rows { source, .. } => store::is_gone(source),
            _ => false,
        }
    }
}

/// An archive open for questions.
pub struct Library {
    pub(crate) archive: Archive,
    pub(crate) catalogue: Option<Catalogue>,
}

impl Library {
    /// An archive and its index, as they stand; there may be no index yet.
    #[must_use]
    pub fn new(archive: Archive, catalogue: Option<Catalogue>) -> Self {
        Self { archive, catalogue }
    }

    /// The promoted columns of the archive, in their order.
    ///
    /// # Errors
    ///
    /// When the log of `messages` cannot be read.
    pub async fn promotions(&self) -> Result<Vec<Promotion>, Error> {
        Ok(self.archive.promotions().await?)
    }

    /// Searches, and reads the rows of the hits. Only hours that the index holds as they are now are searched.
    ///
    /// # Errors
    ///
    /// When the index or the tables cannot be read, or disagree even on a second, fresh look.
    pub async fn ask(&self, question: &Question) -> Result<Answer, Error> {
        match self.ask_once(question).await {
            // An hour published anew between the search and the reading: look again, once.
            Err(error) if error.may_be_gone() => {
                self.refresh()?;
                self.ask_once(question).await
            }
            answer => answer,
        }
    }

    /// Every row with this id, the earliest hour first. Hours that the index does not hold as they are now are read.
    ///
    /// # Errors
    ///
    /// As [`Library::ask`].
    pub async fn with_id(&self, msg_id: &str) -> Result<Vec<Message<'static>>, Error> {
        match self.with_id_once(msg_id).await {
            Err(error) if error.may_be_gone() => {
                self.refresh()?;
                self.with_id_once(msg_id).await
            }
            rows => rows,
        }
    }

    /// What became of the message with this id, as far as the index knows; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As [`Library::ask`].
    pub async fn changes_of(&self, msg_id: &str) -> Result<Option<Changes>, Error> {
        let Some(catalogue) = &self.catalogue else { return Ok(None) };
        Ok(Some(catalogue.changes_of(msg_id, &self.coverage().await?.stale)?))
    }

    async fn ask_once(&self, question: &Question) -> Result<Answer, Error> {
        let coverage = self.coverage().await?;
        let request = question.request(&coverage.stale);
        let found = self.catalogue.as_ref().map(|catalogue| catalogue.search(&request)).transpose()?;
        let index::Found { mut hits, total, counts_copies, counts } = found.unwrap_or_default();
        let are_more = hits.len() > question.limit;
        hits.truncate(question.limit);
        let next = hits.last().filter(|_| are_more).map(Hit::place);
        let rows = self.rows(&hits, question.projection).await?;
        let hits = hits.iter().zip(rows).map(|(hit, message)| self.found(hit.score, message, &coverage));
        let hits = hits.collect::<Result<_, _>>()?;
        Ok(Answer { hits, total, counts_copies, counts, next, not_indexed: coverage.missing })
    }

    fn found(&self, score: f32, message: Message<'static>, coverage: &Coverage) -> Result<Found, Error> {
        let changes = self.changes(&message, coverage)?;
        Ok(Found { message, score, changes })
    }

    /// What became of a message, as far as the index knows.
    pub(crate) fn changes(&self, message: &Message<'_>, coverage: &Coverage) -> Result<Changes, Error> {
        match (&self.catalogue, &message.msg_id) {
            (Some(catalogue), Some(msg_id)) => Ok(catalogue.changes_of(msg_id, &coverage.stale)?),
            _ => Ok(Changes::default()),
        }
    }

    async fn with_id_once(&self, msg_id: &str) -> Result<Vec<Message<'static>>, Error> {
        let coverage = self.coverage().await?;
        let named = self.catalogue.as_ref().map(|catalogue| catalogue.find_id(msg_id)).transpose()?;
        let mut hits = named.unwrap_or_default();
        hits.retain(|hit| coverage.held.contains(&hit.source_hour));
        let mut rows = self.rows(&hits, Projection::All).await?;
        // The index knows an id by its fingerprint.
        rows.retain(|row| row.msg_id.as_deref() == Some(msg_id));
        rows.extend(self.with_id_in(msg_id, &coverage.missing.into_iter().collect()).await?);
        rows.sort_by_key(|row| row.position);
        Ok(rows)
    }

    /// The rows with an id in hours that the index cannot speak for.
    async fn with_id_in(&self, msg_id: &str, hours: &BTreeSet<Hour>) -> Result<Vec<Message<'static>>, Error> {
        if hours.is_empty() {
            return Ok(Vec::new());
        }
        let snapshot = self.archive.snapshot().await?;
        let mut rows = Vec::new();
        for file in snapshot.files().iter().filter(|file| file.hours.iter().any(|hour| hours.contains(hour))) {
            let found = archive::find_ids(snapshot.reader(file), &[msg_id]).await;
            let found = found.map_err(|source| Error::Rows { file: file.path.clone(), source })?;
            rows.extend(found.into_iter().filter(|row| hours.contains(&row.position.source_hour)));
        }
        Ok(rows)
    }

    pub(crate) async fn coverage(&self) -> Result<Coverage, Error> {
        let indexed = self.catalogue.as_ref().map(Catalogue::hours).transpose()?.unwrap_or_default();
        if self.archive.holds_just(&indexed).await? {
            return Ok(Coverage::whole(indexed));
        }
        Ok(Coverage::of(&self.archive.entries().await?, &indexed))
    }

    pub(crate) fn refresh(&self) -> Result<(), Error> {
        Ok(self.catalogue.as_ref().map_or(Ok(()), Catalogue::refresh)?)
    }

    /// Reads the rows of the hits, from several files at a time, and puts them back in the hits' order.
    pub(crate) async fn rows(&self, hits: &[Hit], projection: Projection) -> Result<Vec<Message<'static>>, Error> {
        let snapshot = self.archive.snapshot().await?;
        let batches: Vec<Vec<Message<'static>>> = stream::iter(keys_of_files(hits, &snapshot)?)
            .map(|(file, keys)| rows_of(snapshot.clone(), file, keys, projection))
            .buffer_unordered(READ_AT_ONCE)
            .try_collect()
            .await?;
        let mut rows: HashMap<_, _> = batches.into_iter().flatten().map(|row| (row.position, row)).collect();
        let row = |hit: &Hit| rows.remove(&hit.position()).ok_or(Error::NoRow { hour: hit.source_hour });
        hits.iter().map(row).collect()
    }
}

/// The keys of the hits in each file.
fn keys_of_files(hits: &[Hit], snapshot: &Snapshot) -> Result<Vec<(DataFile, Vec<Key>)>, Error> {
    let mut of_files: BTreeMap<&str, (&DataFile, Vec<Key>)> = BTreeMap::new();
    for hit in hits {
        let file = snapshot.file_of(hit.source_hour).ok_or(Error::NoRow { hour: hit.source_hour })?;
        of_files.entry(&file.path).or_insert_with(|| (file, Vec::new())).1.push(key(hit));
    }
    Ok(of_files.into_values().map(|(file, keys)| (file.clone(), keys)).collect())
}

/// On a task of its own, because unpacking pages is work.
async fn rows_of(
    snapshot: Snapshot,
    file: DataFile,
    keys: Vec<Key>,
    projection: Projection,
) -> Result<Vec<Message<'static>>, Error> {
    let reader = snapshot.reader(&file);
    let rows = tokio::spawn(async move { archive::read_keys(reader, &keys, projection).await }).await;
    let rows = rows.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    rows.map_err(|source| Error::Rows { file: file.path, source })
}

fn key(hit: &Hit) -> Key {
    Key { source_hour: hit.source_hour, sent_at: hit.sent_at, part: hit.part, line: hit.line }
}
