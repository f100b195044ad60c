//! What is noted of an attempt that published nothing.

use std::sync::atomic::Ordering;

use chat::{Entry, Hour, State};

use crate::attempt::{FETCHED, Run};
use crate::doubt::Doubt;
use crate::error::Error;
use crate::run::Outcome;

impl Run<'_> {
    /// Notes that the service had no file. What is archived stays, and an hour that was empty is not lost. One that is
    /// called empty for the first time is doubted until the others have had their turn.
    pub(crate) async fn nothing(
        &self,
        hour: Hour,
        state: State,
        status: u16,
        is_first: bool,
    ) -> Result<Outcome, Error> {
        let before = self.entries.get(&hour);
        if let Some(archived) = self.archived(hour) {
            return self.unchanged(archived, Some(status)).await;
        }
        let state = match (before.map(|entry| entry.state), state) {
            (Some(State::Empty), State::Lost | State::Failed | State::Empty) => State::Empty,
            (_, State::Failed) => return Err(Error::Gap { hour, status }),
            (_, State::Empty) if is_first => self.doubt(hour, Doubt::Empty { status }),
            (_, state) => state,
        };
        let row = match state {
            State::Lost => Entry { http_status: Some(status), ..self.lost(hour) },
            state => Entry { http_status: Some(status), ..self.entry(hour, state) },
        };
        self.note(row.clone()).await?;
        Ok(Outcome { row: Some(row), ..Outcome::unchanged(hour, state) })
    }

    /// Notes that an archived hour was asked for again and is as it was.
    pub(crate) async fn unchanged(&self, archived: &Entry, http_status: Option<u16>) -> Result<Outcome, Error> {
        let row = Entry { http_status, error: None, ..self.another_look(archived) };
        self.note(row.clone()).await?;
        Ok(Outcome { row: Some(row), ..Outcome::unchanged(archived.hour, State::Done) })
    }

    /// Notes a failure, unless the run was told to stop. What is archived or empty stays so, and is asked for again.
    pub(crate) async fn failed(&self, hour: Hour, error: Error) -> Outcome {
        let settled = self.entries.get(&hour).filter(|entry| matches!(entry.state, State::Done | State::Empty));
        let state = settled.map_or(State::Failed, |entry| entry.state);
        let row = Entry {
            http_status: error.http_status(),
            error: Some(error.in_one_line()),
            ..settled.map_or_else(|| self.entry(hour, State::Failed), |entry| self.another_look(entry))
        };
        if !matches!(error, Error::Stopped { .. })
            && let Err(trouble) = self.note(row.clone()).await
        {
            let error: &dyn std::error::Error = &trouble;
            tracing::warn!(%hour, error, "the failure could not be recorded");
        }
        Outcome { row: Some(row), error: Some(error), ..Outcome::unchanged(hour, state) }
    }

    /// Notes that an hour is lost which the service was not asked for: it has deleted younger ones.
    pub(crate) fn lost_unasked(&self, hour: Hour) -> Outcome {
        self.notebook.note_for_later(self.lost(hour));
        Outcome::unchanged(hour, State::Lost)
    }

    pub(crate) async fn note(&self, row: Entry) -> Result<(), Error> {
        let standing = self.notebook.note(row, &self.workshop.archive).await?;
        self.count_lost(&standing);
        Ok(())
    }

    /// Writes what waits in the notebook.
    pub(crate) async fn write_notes(&self) -> Result<(), Error> {
        let standing = self.notebook.write(&self.workshop.archive).await?;
        self.count_lost(&standing);
        Ok(())
    }

    fn count_lost(&self, standing: &[Entry]) {
        let was_lost = |hour| self.entries.get(&hour).is_some_and(|entry| entry.state == State::Lost);
        let new = standing.iter().filter(|row| row.state == State::Lost && !was_lost(row.hour)).count();
        self.newly_lost.fetch_add(new as u64, Ordering::Relaxed);
    }

    /// A row for one more attempt at an hour whose state it leaves as it was.
    fn another_look(&self, entry: &Entry) -> Entry {
        Entry { at: (self.workshop.clock)(), version: self.workshop.version.to_owned(), ..entry.clone() }
    }

    pub(crate) fn entry(&self, hour: Hour, state: State) -> Entry {
        let entry = Entry::new(hour, (self.workshop.clock)(), state);
        Entry { source: FETCHED.source.to_owned(), version: self.workshop.version.to_owned(), ..entry }
    }

    /// A row for an hour that is lost, with what kept it from being archived as long as it was there.
    fn lost(&self, hour: Hour) -> Entry {
        let error = self.entries.get(&hour).and_then(|before| before.error.clone());
        Entry { error, ..self.entry(hour, State::Lost) }
    }

    /// The entry of an hour that was archived when the run began.
    pub(crate) fn archived(&self, hour: Hour) -> Option<&Entry> {
        self.entries.get(&hour).filter(|entry| entry.state == State::Done)
    }
}
