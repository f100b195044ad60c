//! Members of messages in columns of their own: what the columns would hold, and filling them in files of before.

use std::collections::BTreeSet;

use archive::{Fit, Promotion};
use chat::{Hour, Message};
use futures::TryStreamExt as _;
use store::{Compacted, Compaction, DataFile};

use crate::error::Error;
use crate::workshop::Workshop;

/// How often the tables are looked at again while others replace their files.
const LOOKS: usize = 3;
/// The columns that are read.
const COLUMNS: [&str; 3] = ["source_hour", "ext", "rest"];

/// What the rows of an archive have for promoted columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fitting {
    /// Messages that were read.
    pub messages: u64,
    /// The columns, in their order.
    pub columns: Vec<Fitted>,
}

/// What the rows have for one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    /// The column.
    pub promotion: Promotion,
    /// Rows that have a value for it.
    pub filled: u64,
    /// Rows that have a value of another type there: the column is null, and the value where it was.
    pub unfit: u64,
}

/// What filling came to.
#[derive(Debug, Default)]
pub struct Filled {
    /// What was replaced by what.
    pub written: Compacted,
    /// Files that lack a column still, because the run was stopped or they failed.
    pub left: u64,
    /// Files that lack a column and stay as they are, because another program wrote them.
    pub foreign: u64,
    /// Files that could not be written anew, each by its name, and why.
    pub failures: Vec<(String, store::Error)>,
}

impl Fitting {
    /// For these columns, before any row.
    #[must_use]
    pub fn of(promotions: &[Promotion]) -> Self {
        let fitted = |promotion: &Promotion| Fitted { promotion: promotion.clone(), filled: 0, unfit: 0 };
        Self { messages: 0, columns: promotions.iter().map(fitted).collect() }
    }

    /// Counts a row.
    pub(crate) fn take(&mut self, message: &Message<'_>) {
        self.messages += 1;
        for Fitted { promotion, filled, unfit } in &mut self.columns {
            match promotion.fit(message.ext.as_deref(), message.rest.as_deref()) {
                Fit::Absent => {}
                Fit::Unfit => *unfit += 1,
                Fit::Value(_) => *filled += 1,
            }
        }
    }
}

impl Workshop {
    /// Reads all messages for what they have for these columns: three columns of each, a batch at a time.
    ///
    /// # Errors
    ///
    /// When the log or a file cannot be read.
    pub async fn fit(&self, promotions: &[Promotion]) -> Result<Fitting, Error> {
        for _look in 1..LOOKS {
            match self.fit_once(promotions).await {
                // Another writer has replaced a file meanwhile.
                Err(error) if store::is_gone(&error) => {}
                other => return other,
            }
        }
        self.fit_once(promotions).await
    }

    async fn fit_once(&self, promotions: &[Promotion]) -> Result<Fitting, Error> {
        let snapshot = self.archive.snapshot().await?;
        let mut fitting = Fitting::of(promotions);
        for file in snapshot.files() {
            let Some(hour) = file.hours.first().copied() else { continue };
            let failed = |source| Error::Rows { hour, source };
            let hours: BTreeSet<Hour> = file.hours.iter().copied().collect();
            let read = archive::read_columns(snapshot.reader(file), &COLUMNS, &hours).await;
            let mut batches = read.map_err(failed)?;
            while let Some(batch) = batches.try_next().await.map_err(failed)? {
                batch.iter().for_each(|message| fitting.take(message));
            }
        }
        Ok(fitting)
    }

    /// Writes the files that lack a promoted column anew, one after the other. Hours stay archived as they are. It may be
    /// stopped at any time and goes on from there; other runs may be at work on the archive.
    ///
    /// # Errors
    ///
    /// When the log of `messages` cannot be read. A file that fails is counted, and stays as it is.
    pub async fn fill(&self, compaction: Compaction) -> Result<Filled, Error> {
        let mut filled = Filled::default();
        // Others, who read before which columns there are, may have written files meanwhile.
        for _look in 0..LOOKS {
            let files = self.archive.unfilled().await?.files;
            if files.is_empty() || self.stop.is_cancelled() || !filled.failures.is_empty() {
                break;
            }
            for file in files {
                if self.stop.is_cancelled() {
                    break;
                }
                self.fill_file(&file, compaction, &mut filled).await;
            }
        }
        let unfilled = self.archive.unfilled().await?;
        (filled.left, filled.foreign) = (unfilled.files.len() as u64, unfilled.foreign.len() as u64);
        Ok(filled)
    }

    async fn fill_file(&self, file: &DataFile, compaction: Compaction, filled: &mut Filled) {
        tracing::debug!(file = file.path, rows = file.rows, "filling promoted columns");
        match self.archive.fill(file, compaction).await {
            Ok(written) => filled.written.add(&written.unwrap_or_default()),
            Err(error) => filled.failures.push((file.path.clone(), error)),
        }
    }
}
