//! The served bytes of an hour: kept before anything of it is published, and held against what is there.

use std::collections::BTreeSet;

use chat::{Entry, Hour};
use futures::TryStreamExt as _;
use store::{RawPart, SealedRaw};

use crate::error::Error;
use crate::hour::addresses;
use crate::plan::Settled;
use crate::workshop::Workshop;

impl Workshop {
    /// Keeps the bytes of an hour under their final names.
    pub(crate) async fn keep(&self, hour: Hour, raw: Vec<SealedRaw>) -> Result<(), Error> {
        let archive = self.archive.clone();
        on_a_thread(move || Ok(archive.keep_raw(hour, raw)?)).await
    }

    /// Keeps the bytes of an hour of which none are kept; `false` when others are, which stay.
    pub(crate) async fn keep_first(&self, hour: Hour, raw: Vec<SealedRaw>) -> Result<bool, Error> {
        let archive = self.archive.clone();
        on_a_thread(move || Ok(archive.keep_first_raw(hour, raw)?)).await
    }

    /// Keeps the bytes of an hour unless just these are kept already. Whether those that are kept are still what they were is
    /// looked at when somebody wants the hour again.
    pub(crate) async fn keep_if_other(&self, hour: Hour, raw: Vec<SealedRaw>, settled: Settled) -> Result<(), Error> {
        let sha256: Vec<String> = raw.iter().map(|part| part.sha256().to_owned()).collect();
        let archive = self.archive.clone();
        let are_sound =
            move |parts: &[RawPart]| settled == Settled::Keep || parts.iter().all(|part| part.open_proved().is_ok());
        on_a_thread(move || match archive.raw_parts(hour)? {
            Some(parts) if are(&parts, &sha256) && are_sound(&parts) => Ok(()),
            _ => Ok(archive.keep_raw(hour, raw)?),
        })
        .await
    }

    /// Whether the tables hold what an entry says that it published. When somebody wants the hour again, its files are read
    /// through for that: one that is not what was written is mended by publishing the hour once more, and so is one from when it
    /// was not known whose the addresses are.
    pub(crate) async fn has(&self, entry: &Entry, settled: Settled) -> Result<bool, Error> {
        if !self.archive.holds(entry).await? {
            return Ok(false);
        }
        if settled == Settled::Keep {
            return Ok(true);
        }
        match self.archive.prove(entry.hour).await {
            Ok(()) => Ok(!self.has_decorated(entry.hour).await?),
            Err(store::Error::Changed { .. } | store::Error::Rows { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether some row of an hour has an address with the decoration of the app, which was not known then.
    async fn has_decorated(&self, hour: Hour) -> Result<bool, Error> {
        let Some(app) = &self.app else { return Ok(false) };
        let failed = |source| Error::Rows { hour, source };
        let snapshot = self.archive.snapshot().await?;
        for file in snapshot.files().iter().filter(|file| file.hours.contains(&hour)) {
            let read = archive::read_columns(snapshot.reader(file), &NAMES, &BTreeSet::from([hour])).await;
            let mut batches = read.map_err(failed)?;
            while let Some(batch) = batches.try_next().await.map_err(failed)? {
                let is_decorated = |address: &str| app.undecorated(address) != address;
                // What is kept of earlier bytes is not read from bytes again.
                let mut served = batch.iter().filter(|message| message.retained_at.is_none());
                if served.any(|message| addresses(message).any(is_decorated)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// The columns of addresses, with what it takes to know the rows that are served.
const NAMES: [&str; 4] = ["source_hour", "sender", "recipient", "retained_at"];

/// Does something else with bytes while the disk writes them, for which keeping them would have to wait.
pub(crate) async fn while_written<T>(
    raw: &[SealedRaw],
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let parts: Vec<_> = raw.iter().map(SealedRaw::write_out).collect::<Result<_, _>>()?;
    let written = on_a_thread(move || Ok(parts.into_iter().try_for_each(|write_out| write_out())?));
    let (done, ()) = tokio::try_join!(work, written)?;
    Ok(done)
}

/// Whether the parts have just these hashes.
pub(crate) fn are(parts: &[RawPart], sha256: &[String]) -> bool {
    parts.iter().map(|part| &part.sha256).eq(sha256)
}

/// Runs what waits for the disk where it holds nobody up.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::Thread { source })?
}
