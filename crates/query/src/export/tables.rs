//! Reading the rows of an hour while others publish.

use std::collections::BTreeMap;
use std::time::Duration;

use archive::{Key, Projection, Sent};
use chat::{Entry, Hour, Message, State};
use futures::TryStreamExt as _;
use store::{Archive, DataFile, Snapshot};

use super::choice::Choice;
use super::error::ExportError;

/// Looks at an hour that is just being published: its rows are there before the ledger says so.
const LOOKS: u32 = 6;
/// The wait after the first look; it doubles with each.
const PAUSE: Duration = Duration::from_millis(20);

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
            match self.read_file(&found, hour, (columns, choice.sent()), &mut taken, &mut take).await {
                Err(error) if error.is_gone() => {}
                read => return read.map(|()| publication),
            }
            self.refresh().await?;
            let (now, moved) = self.locate(hour).await?;
            if now != publication {
                return Err(ExportError::Moving { hour });
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
        let mut batches = archive::read_sent(reader, columns, hour, sent).await.map_err(failed)?;
        let mut passed = 0;
        while let Some(mut batch) = batches.try_next().await.map_err(failed)? {
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
