//! A sorted run that is handed out up to one key after another.

use arrow::array::RecordBatch;

use super::Run;
use super::chunk::{Chunk, SortKey};
use crate::error::Error;

/// What is left of a run.
pub(crate) struct Tail<'a> {
    run: Run<'a>,
    /// Rows that were read and not handed out, at least one.
    next: Option<Chunk>,
}

impl<'a> Tail<'a> {
    pub(crate) fn new(run: Run<'a>) -> Self {
        Self { run, next: None }
    }

    /// Whether there is a row that does not come after this key.
    pub(crate) fn has(&mut self, key: &SortKey<'_>) -> Result<bool, Error> {
        self.read()?;
        Ok(self.next.as_ref().is_some_and(|chunk| chunk.key(0) <= *key))
    }

    /// The rows that do not come after this key.
    pub(crate) fn up_to<'t>(
        &'t mut self,
        key: &'t SortKey<'t>,
    ) -> impl Iterator<Item = Result<RecordBatch, Error>> + Send + use<'t, 'a> {
        std::iter::from_fn(move || self.batch_up_to(key).transpose())
    }

    /// All that is left.
    pub(crate) fn into_run(self) -> impl Iterator<Item = Result<RecordBatch, Error>> + use<'a> {
        self.next.map(|chunk| Ok(chunk.rest(0))).into_iter().chain(self.run)
    }

    fn batch_up_to(&mut self, key: &SortKey<'_>) -> Result<Option<RecordBatch>, Error> {
        self.read()?;
        let Some(chunk) = self.next.take() else { return Ok(None) };
        let rows = chunk.rows_up_to(key);
        if rows < chunk.rows() {
            self.next = Some(Chunk::new(chunk.rest(rows))?);
        }
        Ok((rows > 0).then(|| chunk.rest(0).slice(0, rows)))
    }

    fn read(&mut self) -> Result<(), Error> {
        while self.next.is_none()
            && let Some(batch) = self.run.next()
        {
            self.next = Some(Chunk::new(batch?)?).filter(|chunk| chunk.rows() > 0);
        }
        Ok(())
    }
}
