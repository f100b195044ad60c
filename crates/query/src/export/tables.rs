//! Reading the rows of an hour while others publish.

use std::collections::BTreeMap;
use std::time::Duration;

use archive::{Batch, Key, Projection};
use chat::{Entry, Hour, Message, State};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use store::{Archive, DataFile, Snapshot};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::choice::Choice;
use super::error::ExportError;

/// Looks at an hour that is just being published: its rows are there before the ledger says so.
const LOOKS: u32 = 6;
/// The wait after the first look; it doubles with each.
const PAUSE: Duration = Duration::from_millis(20);

/// Batches that are read while one is written.
const AHEAD: usize = 2;

/// The ledger and the tables, as of when they were last looked at.
pub(super) struct Tables {
    archive: Archive,
    entries: BTreeMap<Hour, Entry>,
    snapshot: Snapshot,
}

impl Tables {
    pub(super) async fn open(archive: &Archive) -> Result<Self, ExportError> {
        let entries = archive.entries().await?;
        Ok(Self { archive: archive.clone(), entries, snapshot: archive.snapshot().await? })
    }

    /// The archived hours, in order, each with its publication.
    pub(super) fn publications(&self) -> BTreeMap<Hour, String> {
        let done = self.entries.values().filter(|entry| entry.state == State::Done);
        done.map(|entry| (entry.hour, entry.publication())).collect()
    }

    /// The file that holds an hour, when the hour has rows, and the publication that these are.
    pub(super) async fn locate(&mut self, hour: Hour) -> Result<(String, Option<DataFile>), ExportError> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(PAUSE * 2_u32.pow(look - 1)).await;
                self.refresh().await?;
            }
            match self.entries.get(&hour).filter(|entry| entry.state == State::Done) {
                None => return Ok((String::new(), None)),
                Some(entry) if entry.files.is_empty() => return Ok((entry.publication(), None)),
                Some(entry) if self.snapshot.holds(entry) => {
                    return Ok((entry.publication(), self.snapshot.file_of(hour).cloned()));
                }
                Some(_) => {}
            }
        }
        Err(ExportError::Moving { hour })
    }

    /// The rows of an hour that were sent in the span of the choice, in these columns or in all, in their order.
    pub(super) async fn read<'a>(
        &'a mut self,
        hour: Hour,
        columns: Option<&'a [&'a str]>,
        choice: Choice<'a>,
    ) -> Result<HourRows<'a>, ExportError> {
        let (publication, file) = self.locate(hour).await?;
        let mut rows = HourRows { tables: self, hour, columns, choice, publication, open: None, taken: 0, passed: 0 };
        rows.open(file).await?;
        Ok(rows)
    }

    /// The rows of an hour with these keys, which are sorted, and the publication that they are of.
    pub(super) async fn rows(
        &mut self,
        hour: Hour,
        keys: &[Key],
    ) -> Result<(String, Vec<Message<'static>>), ExportError> {
        for _ in 0..LOOKS {
            let (publication, file) = self.locate(hour).await?;
            let Some(file) = file else { return Ok((publication, Vec::new())) };
            match archive::read_keys(self.snapshot.reader(&file), keys, Projection::All).await {
                Ok(rows) => return Ok((publication, rows)),
                Err(error) if store::is_gone(&error) => self.refresh().await?,
                Err(source) => return Err(ExportError::Rows { file: file.path, source }),
            }
        }
        Err(ExportError::Moving { hour })
    }

    async fn refresh(&mut self) -> Result<(), ExportError> {
        self.entries = self.archive.entries().await?;
        self.snapshot = self.archive.snapshot().await?;
        Ok(())
    }
}

/// The rows of an hour, as they come.
pub(super) struct HourRows<'a> {
    tables: &'a mut Tables,
    hour: Hour,
    columns: Option<&'a [&'a str]>,
    choice: Choice<'a>,
    publication: String,
    /// The file that they are read from; `None` when there are no more.
    open: Option<(DataFile, Ahead)>,
    /// Rows that were handed out.
    taken: usize,
    /// Rows of the open file that were read. After a file was replaced these are behind, and are passed over.
    passed: usize,
}

impl HourRows<'_> {
    /// Which publication of the hour they are.
    pub(super) fn publication(&self) -> &str {
        &self.publication
    }

    /// The file that they are read from now.
    pub(super) fn file(&self) -> &str {
        self.open.as_ref().map_or("", |(file, _)| &file.path)
    }

    /// The error for rows that came from the file, and cannot be understood.
    pub(super) fn unreadable(&self, source: archive::Error) -> ExportError {
        ExportError::Rows { file: self.file().to_owned(), source }
    }

    /// The next rows; `None` when there are no more. A file that is replaced meanwhile, as when its day is put together, is
    /// looked for again and read on.
    pub(super) async fn next(&mut self) -> Result<Option<Batch>, ExportError> {
        while let Some((file, batches)) = &mut self.open {
            match batches.next().await {
                Ok(Some(batch)) => {
                    let (known, rows) = (self.taken.saturating_sub(self.passed), batch.rows());
                    self.passed += rows;
                    self.taken = self.taken.max(self.passed);
                    return Ok(Some(batch.without_first(known.min(rows))));
                }
                Ok(None) => self.open = None,
                Err(source) => {
                    let lost = file.clone();
                    self.look_again(&lost, source).await?;
                }
            }
        }
        Ok(None)
    }

    async fn open(&mut self, file: Option<DataFile>) -> Result<(), ExportError> {
        (self.open, self.passed) = (None, 0);
        let Some(file) = file.filter(|file| self.choice.may_be_in(file)) else { return Ok(()) };
        let reader = self.tables.snapshot.reader(&file);
        match archive::read_sent(reader, self.columns, self.hour, self.choice.sent()).await {
            Ok(batches) => {
                self.open = Some((file, Ahead::of(batches)));
                Ok(())
            }
            Err(source) => Box::pin(self.look_again(&file, source)).await,
        }
    }

    /// Opens the file that has taken the place of one that is gone.
    async fn look_again(&mut self, file: &DataFile, source: archive::Error) -> Result<(), ExportError> {
        let error = ExportError::Rows { file: file.path.clone(), source };
        if !error.is_gone() {
            return Err(error);
        }
        self.tables.refresh().await?;
        let (publication, moved) = self.tables.locate(self.hour).await?;
        if publication != self.publication {
            return Err(ExportError::Moving { hour: self.hour });
        }
        if moved.as_ref().is_some_and(|moved| moved.path == file.path) {
            // Nobody has replaced it: it is lost.
            return Err(error);
        }
        self.open(moved).await
    }
}

/// Rows that are read beside the one who writes them, on another core.
struct Ahead<T = Batch> {
    batches: mpsc::Receiver<Result<T, archive::Error>>,
    reading: JoinHandle<()>,
}

impl<T: Send + 'static> Ahead<T> {
    fn of(mut rows: BoxStream<'static, Result<T, archive::Error>>) -> Self {
        let (hand_on, batches) = mpsc::channel(AHEAD);
        let reading = tokio::spawn(async move {
            while let Some(batch) = rows.next().await {
                if hand_on.send(batch).await.is_err() {
                    // Whoever wanted them has gone.
                    return;
                }
            }
        });
        Self { batches, reading }
    }

    async fn next(&mut self) -> Result<Option<T>, archive::Error> {
        if let Some(batch) = self.batches.recv().await {
            return batch.map(Some);
        }
        // A reader that died is not one that came to the end.
        match (&mut self.reading).await {
            Err(died) if died.is_panic() => std::panic::resume_unwind(died.into_panic()),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn what_is_read_ahead_comes_whole_and_in_order() {
        let mut ahead = Ahead::of(stream::iter((0..100).map(Ok)).boxed());
        for line in 0..100 {
            assert_eq!(ahead.next().await.unwrap(), Some(line));
        }
        assert!(ahead.next().await.unwrap().is_none());
    }

    #[tokio::test]
    #[should_panic(expected = "the reader died")]
    async fn a_reader_that_died_did_not_come_to_the_end() {
        let dying = |line| if line == 1 { panic!("the reader died") } else { Ok(line) };
        let mut ahead = Ahead::of(stream::iter((0..3).map(dying)).boxed());
        assert!(ahead.next().await.unwrap().is_some());
        let _never = ahead.next().await;
    }
}
