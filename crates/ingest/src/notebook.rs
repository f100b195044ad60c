//! Rows of the ledger that tell of attempts without data, gathered and written together.
//!
//! A row costs a commit, and a night has dozens of attempts that changed nothing. Losing some of these rows with the process
//! loses no data: the hours are asked for again. What is published writes its row by itself.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat::Entry;
use store::Archive;
use tokio::time::Instant;

use crate::error::Error;

/// Rows that are written together at the most.
const ROWS: usize = 64;
/// How long a row waits for others, so that a long run that is killed repeats little.
const PATIENCE: Duration = Duration::from_secs(60);

/// Rows that wait to be written.
#[derive(Default)]
pub(crate) struct Notebook {
    page: Mutex<Page>,
    /// Held while a page is written: an hour may have rows on two pages, and the last of them is to stand.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Page {
    /// The row that is to be there before any other.
    first: Option<Entry>,
    rows: Vec<Entry>,
    since: Option<Instant>,
}

impl Notebook {
    /// Notes a row, and writes all of them when there are many or they have waited for long. The answer is what stands of
    /// the hours of the rows that were written.
    pub(crate) async fn note(&self, row: Entry, archive: &Archive) -> Result<Vec<Entry>, Error> {
        let is_full = {
            let mut page = self.page();
            page.rows.push(row);
            let since = *page.since.get_or_insert_with(Instant::now);
            page.rows.len() >= ROWS || since.elapsed() >= PATIENCE
        };
        if is_full { self.write(archive).await } else { Ok(Vec::new()) }
    }

    /// Writes all rows.
    pub(crate) async fn write(&self, archive: &Archive) -> Result<Vec<Entry>, Error> {
        let _turn = self.writing.lock().await;
        let Page { first, rows, .. } = std::mem::take(&mut *self.page());
        let rows: Vec<_> = first.into_iter().chain(rows).collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        match archive.record(&rows).await {
            Ok(standing) => Ok(standing),
            Err(error) => {
                // They may still be written with others.
                self.page().rows.splice(..0, rows);
                Err(error.into())
            }
        }
    }

    /// Notes a row that cost no call and can be found out again: it waits for the others, however many there are.
    pub(crate) fn note_for_later(&self, row: Entry) {
        self.page().rows.push(row);
    }

    /// Notes the row that is written before any other.
    pub(crate) fn note_first(&self, row: Entry) {
        self.page().first = Some(row);
    }

    /// Writes the row of [`Notebook::note_first`] alone, if it is not written yet.
    pub(crate) async fn write_first(&self, archive: &Archive) -> Result<(), Error> {
        let _turn = self.writing.lock().await;
        let Some(first) = self.page().first.take() else { return Ok(()) };
        match archive.record(std::slice::from_ref(&first)).await {
            Ok(_) => Ok(()),
            Err(error) => {
                self.page().first = Some(first);
                Err(error.into())
            }
        }
    }

    /// Forgets all rows: they tell of other hours than they say.
    pub(crate) fn forget(&self) {
        *self.page() = Page::default();
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        // A page is whole after every statement.
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
