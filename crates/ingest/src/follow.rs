//! The index catches up with the tables.

use std::collections::BTreeMap;

use archive::Sent;
use chat::{Entry, Hour, Sink as _, State};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use index::Catalogue;
use store::Reader;
use tokio::runtime::Handle;

use crate::error::Error;
use crate::raw::on_a_thread;
use crate::workshop::Workshop;

/// What following did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Followed {
    /// Hours whose documents were built anew.
    pub indexed: u64,
    /// Hours that the index held and the tables do not.
    pub dropped: u64,
    /// Hours whose rows could not be read; they stay behind.
    pub unreadable: u64,
}

/// What the index lacks and has too much of, against the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lag {
    /// Hours that the tables hold and the index does not, or holds in another version.
    pub behind: Vec<Hour>,
    /// Hours that the index holds and the tables do not.
    pub beyond: Vec<Hour>,
}

impl Lag {
    /// Compares the ledger with the hours of the index.
    #[must_use]
    pub fn between(entries: &BTreeMap<Hour, Entry>, indexed: &BTreeMap<Hour, String>) -> Self {
        let done = |hour: &Hour| entries.get(hour).filter(|entry| entry.state == State::Done);
        let behind = entries
            .values()
            .filter(|entry| entry.state == State::Done && indexed.get(&entry.hour) != Some(&entry.publication()))
            .map(|entry| entry.hour)
            .collect();
        let beyond = indexed.keys().copied().filter(|hour| done(hour).is_none()).collect();
        Self { behind, beyond }
    }

    /// Whether the index holds just what the tables hold.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.behind.is_empty() && self.beyond.is_empty()
    }
}

impl Workshop {
    /// Brings the index up to the tables: what is missing is built from the rows, an hour on each core, what is too much is
    /// dropped.
    ///
    /// Does nothing when the workshop has no catalogue.
    ///
    /// # Errors
    ///
    /// When the tables cannot be read or the index cannot be written. What was indexed until then stays.
    pub async fn follow(&self) -> Result<Followed, Error> {
        let Some(catalogue) = &self.catalogue else { return Ok(Followed::default()) };
        let entries = self.archive.entries().await?;
        let lag = Lag::between(&entries, &catalogue.hours()?);
        let mut followed = Followed { dropped: lag.beyond.len() as u64, ..Followed::default() };
        if !lag.beyond.is_empty() {
            let catalogue = catalogue.clone();
            on_a_thread(move || Ok(catalogue.drop_hours(&lag.beyond)?)).await?;
        }
        let behind = lag.behind.iter().filter_map(|hour| entries.get(hour)).take_while(|_| !self.stop.is_cancelled());
        let mut indexed = stream::iter(behind)
            .map(|entry| async move { (entry.hour, self.index_hour(catalogue, entry).await) })
            .buffer_unordered(self.settings.workers.get());
        while let Some((hour, outcome)) = indexed.next().await {
            match outcome {
                Ok(()) => followed.indexed += 1,
                Err(error @ Error::Rows { .. }) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(%hour, error, "the hour could not be indexed; `annals verify` says more");
                    followed.unreadable += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(followed)
    }

    /// What the index lacks and has too much of just now; nothing, when the workshop has no catalogue.
    ///
    /// # Errors
    ///
    /// When the ledger or the index cannot be read.
    pub async fn lag(&self) -> Result<Lag, Error> {
        let Some(catalogue) = &self.catalogue else { return Ok(Lag::default()) };
        Ok(Lag::between(&self.archive.entries().await?, &catalogue.hours()?))
    }

    /// Sees the index to its end: waits for its merges and lets other processes write to it.
    ///
    /// # Errors
    ///
    /// When a merge failed; the documents are there all the same.
    pub async fn close_index(&self) -> Result<(), Error> {
        let Some(catalogue) = self.catalogue.clone() else { return Ok(()) };
        on_a_thread(move || Ok(catalogue.close()?)).await
    }

    /// Builds the documents of an hour. A file that is gone was replaced meanwhile: then once more, from what is there now.
    async fn index_hour(&self, catalogue: &Catalogue, entry: &Entry) -> Result<(), Error> {
        match self.index_rows(catalogue, entry).await {
            Err(Error::Rows { source, .. }) if store::is_gone(&source) => {
                let entries = self.archive.entries().await?;
                self.index_rows(catalogue, entries.get(&entry.hour).unwrap_or(entry)).await
            }
            result => result,
        }
    }

    /// Rows are read and taken in on one thread: what one thread allocates and another frees costs both, and a builder's
    /// memory is in the cache of the core that fills it.
    async fn index_rows(&self, catalogue: &Catalogue, entry: &Entry) -> Result<(), Error> {
        let hour = entry.hour;
        let writer = catalogue.take_in(hour, &entry.publication())?;
        let snapshot = self.archive.snapshot().await?;
        let reader = snapshot.file_of(hour).map(|file| snapshot.reader(file));
        let runtime = Handle::current();
        on_a_thread(move || runtime.block_on(fill(writer, reader, hour))).await
    }
}

/// Takes the rows of an hour in, and shows them.
async fn fill(mut writer: index::Writer, file: Option<Reader>, hour: Hour) -> Result<(), Error> {
    if let Some(file) = file {
        let failed = |source| Error::Rows { hour, source };
        let rows = archive::read_sent(file, Some(index::COLUMNS), hour, Sent::default()).await;
        let mut batches = rows.map_err(failed)?;
        while let Some(batch) = batches.try_next().await.map_err(failed)? {
            for messages in batch.messages() {
                writer.write(&messages.map_err(failed)?)?;
            }
        }
    }
    writer.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(hour: Hour, state: State) -> Entry {
        Entry { files: vec![format!("{hour}.parquet")], ..Entry::new(hour, hour.end(), state) }
    }

    #[test]
    fn the_lag_is_what_differs() {
        let hours: Vec<Hour> = (0..5).map(|at| Hour::from_number(500_000).plus(at)).collect();
        let states = [State::Done, State::Done, State::Done, State::Empty];
        let entries: BTreeMap<_, _> =
            hours.iter().zip(states).map(|(hour, state)| (*hour, entry(*hour, state))).collect();
        let indexed = [
            (hours[0], entries[&hours[0]].publication()),
            (hours[1], "another version".to_owned()),
            (hours[3], "of an hour that is empty now".to_owned()),
            (hours[4], "of an hour that the ledger does not know".to_owned()),
        ];
        let lag = Lag::between(&entries, &indexed.into_iter().collect());
        assert_eq!(lag, Lag { behind: vec![hours[1], hours[2]], beyond: vec![hours[3], hours[4]] });
    }
}
