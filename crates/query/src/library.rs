//! The archive, read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use archive::Key;
use chat::{Hour, Message, Position, State};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use index::{Catalogue, Hit, Request};
use store::{Archive, Snapshot};

use crate::question::{Answer, Found, Question};

/// Files that are read at the same time; each costs a footer and a page or two.
const FILES_AT_ONCE: usize = 8;

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
    fn may_be_gone(&self) -> bool {
        match self {
            Self::NoRow { .. } => true,
            Self::Rows { source, .. } => store::is_gone(source),
            _ => false,
        }
    }
}

/// An archive open for questions.
pub struct Library {
    archive: Archive,
    catalogue: Option<Catalogue>,
}

impl Library {
    /// An archive and its index, as they stand; there may be no index yet.
    #[must_use]
    pub fn new(archive: Archive, catalogue: Option<Catalogue>) -> Self {
        Self { archive, catalogue }
    }

    /// Searches, and reads the rows of the hits.
    ///
    /// # Errors
    ///
    /// When the index or the tables cannot be read, or disagree even on a second, fresh look.
    pub async fn ask(&self, question: &Question) -> Result<Answer, Error> {
        match self.ask_once(question).await {
            // A hour published anew between the search and the reading: look again, once.
            Err(error) if error.may_be_gone() => {
                if let Some(catalogue) = &self.catalogue {
                    catalogue.refresh()?;
                }
                self.ask_once(question).await
            }
            answer => answer,
        }
    }

    /// Every row with this id, the earliest hour first.
    ///
    /// # Errors
    ///
    /// When the index or the tables cannot be read.
    pub async fn with_id(&self, msg_id: &str) -> Result<Vec<Message<'static>>, Error> {
        let snapshot = self.archive.snapshot().await?;
        let hours = self.hours_to_look_in(msg_id).await?;
        let mut rows = Vec::new();
        for file in snapshot.files().iter().filter(|file| file.hours.iter().any(|hour| hours.contains(hour))) {
            let found = archive::find_ids(snapshot.reader(file), &[msg_id]).await;
            rows.extend(found.map_err(|source| Error::Rows { file: file.path.clone(), source })?);
        }
        rows.sort_by_key(|row| row.position);
        Ok(rows)
    }

    /// The hours that the index names for an id, and those that it does not know.
    async fn hours_to_look_in(&self, msg_id: &str) -> Result<BTreeSet<Hour>, Error> {
        let Some(catalogue) = &self.catalogue else {
            return Ok(self.hours_not_in(&BTreeMap::new()).await?.into_iter().collect());
        };
        let named = catalogue.find_id(msg_id)?.into_iter().map(|hit| hit.source_hour);
        let unknown = self.hours_not_in(&catalogue.hours()?).await?;
        Ok(named.chain(unknown).collect())
    }

    async fn ask_once(&self, question: &Question) -> Result<Answer, Error> {
        let Some(catalogue) = &self.catalogue else {
            let not_indexed = self.hours_not_in(&BTreeMap::new()).await?;
            return Ok(Answer { hits: Vec::new(), total: 0, not_indexed });
        };
        let request = Request {
            query: question.query.clone(),
            since: question.since,
            until: question.until,
            limit: question.limit,
            order: question.order,
        };
        let found = catalogue.search(&request)?;
        let not_indexed = self.hours_not_in(&catalogue.hours()?).await?;
        let hits = self.rows(&found.hits).await?;
        Ok(Answer { hits, total: found.total, not_indexed })
    }

    async fn hours_not_in(&self, indexed: &BTreeMap<Hour, String>) -> Result<Vec<Hour>, Error> {
        let entries = self.archive.entries().await?;
        let done = entries.into_values().filter(|entry| entry.state == State::Done && entry.tally.messages > 0);
        Ok(done.map(|entry| entry.hour).filter(|hour| !indexed.contains_key(hour)).collect())
    }

    /// Reads the rows of the hits, file by file, and puts them back in the hits' order.
    async fn rows(&self, hits: &[Hit]) -> Result<Vec<Found>, Error> {
        let snapshot = self.archive.snapshot().await?;
        let mut keys: BTreeMap<Hour, Vec<Key>> = BTreeMap::new();
        for hit in hits {
            keys.entry(hit.source_hour).or_default().push(key(hit));
        }
        let batches: Vec<Vec<Message<'static>>> = stream::iter(keys)
            .map(|(hour, keys)| rows_of(&snapshot, hour, keys))
            .buffer_unordered(FILES_AT_ONCE)
            .try_collect()
            .await?;
        let mut rows: HashMap<_, _> = batches.into_iter().flatten().map(|row| (row.position, row)).collect();
        hits.iter()
            .map(|hit| {
                let message = rows.remove(&position(hit)).ok_or(Error::NoRow { hour: hit.source_hour })?;
                Ok(Found { message, score: hit.score })
            })
            .collect()
    }
}

async fn rows_of(snapshot: &Snapshot, hour: Hour, keys: Vec<Key>) -> Result<Vec<Message<'static>>, Error> {
    let file = snapshot.file_of(hour).ok_or(Error::NoRow { hour })?;
    let rows = archive::read_keys(snapshot.reader(file), &keys).await;
    rows.map_err(|source| Error::Rows { file: file.path.clone(), source })
}

fn position(hit: &Hit) -> Position {
    Position { source_hour: hit.source_hour, part: hit.part, line: hit.line }
}

fn key(hit: &Hit) -> Key {
    Key { source_hour: hit.source_hour, sent_at: hit.sent_at, part: hit.part, line: hit.line }
}
