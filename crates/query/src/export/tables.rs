//! Reading the rows of an hour while others publish.

use std::collections::BTreeMap;
use std::time::Duration;

use archive::{Key, Projection, Rows, Sent};
use chat::{Entry, Hour, Message, State};
use futures::StreamExt as _;
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

    /// Hands out the rows of an hour that were sent in the span of the choice, in these columns or in all, in their order, and says
    /// which publication they are. A file that is replaced meanwhile, as when its day is put together, is looked for again and
    /// read on.
    pub(super) async fn read(
        &mut self,
        hour: Hour,
        columns: Option<&[&str]>,
        choice: Choice<'_>,
        mut take: impl FnMut(Vec<Message<'static>>) -> Result<(), ExportError>,
    ) -> Result<String, ExportError> {
        let (publication, mut file) = self.locate(hour).await?;
        let mut taken = 0;
        while let Some(found) = file.filter(|file| choice.may_be_in(file)) {
            let error = match self.read_file(&found, hour, (columns, choice.sent()), &mut taken, &mut take).await {
                Err(error) if error.is_gone() => error,
                read => return read.map(|()| publication),
            };
            self.refresh().await?;
            let (now, moved) = self.locate(hour).await?;
            if now != publication {
                return Err(ExportError::Moving { hour });
            }
            if moved.as_ref().is_some_and(|file| file.path == found.path) {
                // Nobody has replaced it: it is lost.
                return Err(error);
            }
            file = moved;
        }
        Ok(publication)
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

    /// `taken` rows were handed out before; they are passed over.
    async fn read_file(
        &self,
        file: &DataFile,
        hour: Hour,
        (columns, sent): (Option<&[&str]>, Sent),
        taken: &mut usize,
        take: &mut impl FnMut(Vec<Message<'static>>) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let failed = |source| ExportError::Rows { file: file.path.clone(), source };
        let reader = self.snapshot.reader(file);
        let mut batches = Ahead::of(archive::read_sent(reader, columns, hour, sent).await.map_err(failed)?);
        let mut passed = 0;
        while let Some(mut batch) = batches.next().await.map_err(failed)? {
            let known = taken.saturating_sub(passed).min(batch.len());
            passed += batch.len();
            batch.drain(..known);
            *taken = passed.max(*taken);
            take(batch)?;
        }
        Ok(())
    }

    async fn refresh(&mut self) -> Result<(), ExportError> {
        self.entries = self.archive.entries().await?;
        self.snapshot = self.archive.snapshot().await?;
        Ok(())
    }
}

/// Rows that are read beside the one who writes them, on another core.
struct Ahead {
    batches: mpsc::Receiver<Result<Batch, archive::Error>>,
    reading: JoinHandle<()>,
}

type Batch = Vec<Message<'static>>;

impl Ahead {
    fn of(mut rows: Rows<Message<'static>>) -> Self {
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

    async fn next(&mut self) -> Result<Option<Batch>, archive::Error> {
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
    use chat::Position;
    use futures::stream;

    use super::*;

    fn batch(line: u64) -> Batch {
        vec![Message::at(Position { source_hour: Hour::from_number(500_000), part: 0, line })]
    }

    #[tokio::test]
    async fn what_is_read_ahead_comes_whole_and_in_order() {
        let mut ahead = Ahead::of(stream::iter((0..100).map(|line| Ok(batch(line)))).boxed());
        for line in 0..100 {
            assert_eq!(ahead.next().await.unwrap(), Some(batch(line)));
        }
        assert!(ahead.next().await.unwrap().is_none());
    }

    #[tokio::test]
    #[should_panic(expected = "the reader died")]
    async fn a_reader_that_died_did_not_come_to_the_end() {
        let dying = |line| if line == 1 { panic!("the reader died") } else { Ok(batch(line)) };
        let mut ahead = Ahead::of(stream::iter((0..3).map(dying)).boxed());
        assert!(ahead.next().await.unwrap().is_some());
        let _never = ahead.next().await;
    }
}
