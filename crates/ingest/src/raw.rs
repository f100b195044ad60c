//! The served bytes of an hour: kept before anything of it is published, and held against what is there.

use std::path::PathBuf;

use chat::{Entry, Hour};
use store::{RawPart, SealedRaw};

use crate::error::Error;
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

    /// Keeps bytes of an hour that could not be decoded, for a person to look at; gives the place of the first part.
    pub(crate) async fn keep_undecoded(&self, hour: Hour, raw: Vec<SealedRaw>) -> Result<PathBuf, Error> {
        let archive = self.archive.clone();
        on_a_thread(move || Ok(archive.keep_undecoded(hour, raw)?)).await
    }

    /// Removes bytes of an hour that could not be decoded: it has arrived sound.
    pub(crate) async fn forget_undecoded(&self, hour: Hour) {
        let archive = self.archive.clone();
        if let Err(error) = on_a_thread(move || Ok(archive.forget_undecoded(hour)?)).await {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(%hour, error, "what could not be decoded before is still kept");
        }
    }

    /// Keeps the bytes of an hour unless just these are kept already, as their list says.
    pub(crate) async fn keep_if_other(&self, hour: Hour, raw: Vec<SealedRaw>) -> Result<(), Error> {
        let sha256: Vec<String> = raw.iter().map(|part| part.sha256().to_owned()).collect();
        let archive = self.archive.clone();
        on_a_thread(move || match archive.raw_parts(hour)? {
            Some(parts) if are(&parts, &sha256) => Ok(()),
            _ => Ok(archive.keep_raw(hour, raw)?),
        })
        .await
    }

    /// Whether an entry is of a publication of these bytes: as it says, or as the log of the messages says of the same publication
    /// where somebody has changed the ledger.
    pub(crate) async fn is_of(&self, entry: &Entry, sha256: &[String]) -> Result<bool, Error> {
        if entry.sha256 == sha256 {
            return Ok(true);
        }
        let snapshot = self.archive.snapshot().await?;
        Ok(snapshot.told(entry.hour).is_some_and(|told| told.files == entry.files && told.sha256 == sha256))
    }

    /// Whether the tables hold what an entry says that it published, messages and dead letters, for all that their logs tell.
    /// No file is read for that: who wants an hour again has it published anew without asking.
    pub(crate) async fn has(&self, entry: &Entry) -> Result<bool, Error> {
        Ok(self.archive.holds(entry).await? && self.archive.holds_letters(entry).await?)
    }
}

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
