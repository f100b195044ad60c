//! From files on disk into the archive.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use chat::{Entry, Hour, Part, State};
use store::SealedRaw;

use crate::cores::Cores;
use crate::error::Error;
use crate::hour::{Bytes, Provenance};
use crate::plan::Settled;
use crate::raw::{on_a_thread, while_written};
use crate::report::Report;
use crate::run::{Outcome, Progress};
use crate::workshop::Workshop;

impl Workshop {
    /// Archives hour files, sorted into hours by [`crate::hours_of_files`].
    ///
    /// An hour that is archived from the same bytes is left as it is; one that is archived from other bytes, or of which other
    /// bytes are kept, is a failure. If `settled` says [`Settled::Again`], each hour is published anew, whatever is there of it:
    /// what the tables hold is then what these bytes give today.
    /// The report speaks of the files: an hour whose files were not taken in has failed, whatever is archived of it.
    ///
    /// An app that is known becomes the archive's with the first hour.
    ///
    /// # Errors
    ///
    /// When the archive belongs to another app or cannot be used.
    pub async fn load(
        &self,
        files: BTreeMap<Hour, Vec<PathBuf>>,
        settled: Settled,
        progress: Progress<'_>,
    ) -> Result<Report, Error> {
        self.app.as_ref().map_or(Ok(()), |app| self.belongs_to(app))?;
        let entries = self.archive.entries().await?;
        let hours: Vec<Hour> = files.keys().copied().collect();
        let cores = Cores::new(self.settings.workers)?;
        let run = Run { workshop: self, entries: &entries, settled, cores };
        let work = files.into_iter().map(|(hour, paths)| run.settle(hour, paths));
        let mut report = Report::default();
        self.gather(&mut report, work, self.settings.workers.get() + 1, progress).await;
        let failed: BTreeSet<Hour> = report.failures.iter().map(|failure| failure.hour).collect();
        let others = hours.into_iter().filter(|hour| !failed.contains(hour));
        report.look_up(others, &self.archive.entries().await?, self);
        report.states.extend(failed.into_iter().map(|hour| (hour, State::Failed)));
        Ok(report)
    }

    /// Makes the archive the app's, if it is known whose the files are.
    async fn claim(&self) -> Result<(), Error> {
        match &self.app {
            Some(app) => Ok(self.archive.claim(app).await?),
            None => Ok(()),
        }
    }
}

const LOADED: Provenance = Provenance { source: "load", http_status: None, retains: false };

struct Run<'a> {
    workshop: &'a Workshop,
    entries: &'a BTreeMap<Hour, Entry>,
    settled: Settled,
    cores: Cores,
}

impl Run<'_> {
    async fn settle(&self, hour: Hour, paths: Vec<PathBuf>) -> Outcome {
        let before = self.entries.get(&hour).map_or(State::Pending, |entry| entry.state);
        let began = tokio::time::Instant::now();
        let outcome = match self.take_in(hour, paths).await {
            Ok(outcome) => outcome,
            // A file that is no hour file says nothing about the hour: the ledger keeps what it knows.
            Err(error) => {
                let state = if before == State::Done { State::Done } else { State::Failed };
                Outcome { error: Some(error), ..Outcome::unchanged(hour, state) }
            }
        };
        outcome.tell(LOADED.source, began.elapsed());
        outcome
    }

    async fn take_in(&self, hour: Hour, paths: Vec<PathBuf>) -> Result<Outcome, Error> {
        let raw = self.copy(hour, paths).await?;
        let bytes = Bytes::of_sealed(&raw)?;
        let length = bytes.length;
        let archived = self.entries.get(&hour).filter(|entry| entry.state == State::Done);
        let is_archived = match archived {
            Some(entry) => self.workshop.is_of(entry, &bytes.sha256).await?,
            None => false,
        };
        if let Some(entry) = archived.filter(|_| self.settled == Settled::Keep) {
            if !is_archived {
                return Err(Error::OtherBytes { hour });
            }
            if self.workshop.has(entry).await? {
                self.workshop.claim().await?;
                self.workshop.keep_if_other(hour, raw).await?;
                return Ok(Outcome { bytes: length, ..Outcome::unchanged(hour, State::Done) });
            }
        }
        // Who loads the bytes that are archived replaces nothing: what earlier ones had besides stays.
        let provenance = Provenance { retains: is_archived, ..LOADED };
        let decoding = self.workshop.decode_on(&self.cores, hour, bytes, provenance, archived.cloned());
        let decoded = while_written(&raw, decoding).await?;
        let decorated = decoded.decorated;
        self.workshop.claim().await?;
        // Of two runs that load one hour from different files, the second must not take the bytes of the first away.
        if archived.is_some() || self.settled == Settled::Again {
            self.workshop.keep(hour, raw).await?;
        } else if !self.workshop.keep_first(hour, raw).await? {
            return Err(Error::OtherBytesKept { hour });
        }
        let published = self.workshop.publish_kept(&self.cores, hour, decoded, provenance).await?;
        let has_grown = archived.is_some() && !is_archived;
        Ok(Outcome { has_grown, decorated, ..Outcome::of(published, hour, length) })
    }

    /// Copies the files beside the raw bytes of the archive, still under temporary names.
    async fn copy(&self, hour: Hour, paths: Vec<PathBuf>) -> Result<Vec<SealedRaw>, Error> {
        let archive = self.workshop.archive.clone();
        on_a_thread(move || {
            let parts = (0..).zip(&paths);
            parts.map(|(part, path)| copy(&archive, hour, part, path)).collect()
        })
        .await
    }
}

/// Bytes that are copied at a time.
const COPIED: usize = 256 << 10;

fn copy(archive: &store::Archive, hour: Hour, part: Part, path: &Path) -> Result<SealedRaw, Error> {
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut stage = archive.stage_raw(hour, part)?;
    // With a buffer of its own: the one of the standard library has 8 KB.
    let mut buffer = vec![0; COPIED];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => stage.write_all(&buffer[..count]).map_err(|error| stage.failed(error))?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(stage.seal())
}
