//! Proving an archive: counts, hashes, tables against ledger against index.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;

use chat::{Entry, Hour, State};
use futures::TryStreamExt as _;
use index::Catalogue;
use sha2::{Digest as _, Sha256};
use store::{DataFile, RawHour, Snapshot};

use crate::error::Error;
use crate::follow::Lag;
use crate::raw::are;
use crate::workshop::Workshop;

/// What a proof looked at, and what it found wrong.
#[derive(Debug, Default)]
pub struct Verified {
    /// Hours that the ledger has as `done`.
    pub hours: u64,
    /// Rows read from the data files.
    pub rows: u64,
    /// Dead letters read.
    pub dead_letters: u64,
    /// Parts of `raw/` whose hash was taken.
    pub raw_parts: u64,
    /// Hours of which newer bytes are kept than are published; no fault, the next run publishes them.
    pub unpublished: u64,
    /// Hours whose served bytes are no longer kept; no fault.
    pub without_raw: u64,
    /// Documents in the index; `None` when there is no index.
    pub documents: Option<u64>,
    /// Hours that the index has not taken in; no fault, following mends it.
    pub not_indexed: u64,
    /// What is wrong; empty for a sound archive.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// Lines are not accounted for.
    #[error("{hour}: {lines} lines are not {accounted} messages, duplicates, dead letters and blank lines together")]
    Conservation {
        /// The hour.
        hour: Hour,
        /// Lines that were served.
        lines: u64,
        /// What they are said to have become.
        accounted: u64,
    },
    /// The rows of a table are not as many as the ledger says.
    #[error("{hour}: the ledger has {ledger} {what}, the table holds {table}")]
    Count {
        /// The hour.
        hour: Hour,
        /// `messages` or `dead letters`.
        what: &'static str,
        /// The ledger's number.
        ledger: u64,
        /// The number of rows.
        table: u64,
    },
    /// The index does not hold as many documents as the hour has rows.
    #[error("{hour}: the table holds {rows} messages, the index {documents}")]
    Documents {
        /// The hour.
        hour: Hour,
        /// The number of rows.
        rows: u64,
        /// The number of documents.
        documents: u64,
    },
    /// Rows that belong to an hour which the ledger does not have as `done`.
    #[error("{hour}: the table holds {rows} {what} of an hour that the ledger does not have as done")]
    Foreign {
        /// The hour.
        hour: Hour,
        /// `messages` or `dead letters`.
        what: &'static str,
        /// The number of rows.
        rows: u64,
    },
    /// A kept file is not what its list says was served.
    #[error("{hour}: {} is not what was served: its SHA-256 is {found}, not {expected}", .path.display())]
    Hash {
        /// The hour.
        hour: Hour,
        /// The file.
        path: PathBuf,
        /// The hash of the file.
        found: String,
        /// The hash that it had.
        expected: String,
    },
    /// The index is damaged.
    #[error("the index is damaged: {why}")]
    Index {
        /// In which way.
        why: String,
    },
    /// Documents of an hour that the tables do not hold.
    #[error("{hour}: the index holds an hour that the tables do not")]
    Beyond {
        /// The hour.
        hour: Hour,
    },
    /// The kept bytes of an hour are not whole.
    #[error("{hour}: {}: {reason}", .path.display())]
    Raw {
        /// The hour.
        hour: Hour,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read.
    #[error("{name}: could not be read: {why}")]
    Unreadable {
        /// The file, relative to the archive.
        name: String,
        /// Why.
        why: String,
    },
}

impl Finding {
    /// What is wrong with an index: one that only cannot be read is not damaged, and nobody is to delete it.
    #[must_use]
    pub fn of_index(error: index::Error) -> Self {
        let is_damaged = error.rebuild_helps();
        let why = Error::Index(error).in_one_line();
        if is_damaged { Self::Index { why } } else { Self::Unreadable { name: "index".to_owned(), why } }
    }
}

impl Workshop {
    /// Reads everything that the archive holds of these hours, and holds it against itself.
    ///
    /// An archive that another process changes meanwhile is looked at again, so that a finding is one.
    ///
    /// # Errors
    ///
    /// When the ledger or the log of the tables cannot be read at all; damage to single files is a [`Finding`].
    pub async fn verify(&self, range: Range<Hour>) -> Result<Verified, Error> {
        let mut looks = 0;
        loop {
            looks += 1;
            let version = self.archive.snapshot().await?.version();
            let verified = self.verify_once(&range).await?;
            let is_still = self.archive.snapshot().await?.version() == version;
            if verified.findings.is_empty() || is_still || looks == LOOKS {
                return Ok(verified);
            }
        }
    }

    async fn verify_once(&self, range: &Range<Hour>) -> Result<Verified, Error> {
        let mut entries = self.archive.entries().await?;
        entries.retain(|hour, _| range.contains(hour));
        let snapshot = self.archive.snapshot().await?;
        let mut verified = Verified::default();
        let mut rows = verified.count_rows(&snapshot, range).await;
        rows.retain(|hour, _| range.contains(hour));
        let mut dead_letters = verified.count_dead_letters(self, range).await?;
        for entry in entries.values().filter(|entry| entry.state == State::Done) {
            verified.hold_against_ledger(entry, &rows, &dead_letters);
            self.hash_raw(entry, &mut verified).await?;
        }
        verified.find_foreign(&entries, "messages", &rows);
        // Dead letters go before the messages: an hour whose bytes are kept is on its way, or is taken up by the next run.
        let is_on_its_way = |hour: &Hour| matches!(self.archive.raw_hour(*hour), Ok(RawHour::Whole(_)));
        let is_done = |hour: &Hour| entries.get(hour).is_some_and(|entry| entry.state == State::Done);
        dead_letters.retain(|hour, _| is_done(hour) || !is_on_its_way(hour));
        verified.find_foreign(&entries, "dead letters", &dead_letters);
        if let Some(catalogue) = &self.catalogue {
            verified.hold_against_index(catalogue, &entries, &rows, range)?;
        }
        Ok(verified)
    }

    /// Takes the hashes of the kept bytes of an hour.
    async fn hash_raw(&self, entry: &Entry, verified: &mut Verified) -> Result<(), Error> {
        let hour = entry.hour;
        let parts = match self.archive.raw_hour(hour)? {
            RawHour::Absent => {
                verified.without_raw += 1;
                return Ok(());
            }
            RawHour::Broken { path, reason } => {
                verified.findings.push(Finding::Raw { hour, path, reason });
                return Ok(());
            }
            RawHour::Whole(parts) => parts,
        };
        // Bytes that are others than the published ones, whole by their own list: a run ended between the two, and the next
        // goes on from them.
        verified.unpublished += u64::from(!are(&parts, &entry.sha256));
        for part in parts {
            let expected = part.sha256.clone();
            verified.raw_parts += 1;
            let path = part.path.clone();
            let hashed = tokio::task::spawn_blocking(move || sha256_of(&path)).await;
            match hashed.map_err(|source| Error::Thread { source })? {
                Ok(found) if found == expected => {}
                Ok(found) => {
                    let path = part.path;
                    verified.findings.push(Finding::Hash { hour, path, found, expected });
                }
                Err(error) => {
                    let name = part.path.display().to_string();
                    verified.findings.push(Finding::Unreadable { name, why: error.to_string() });
                }
            }
        }
        Ok(())
    }
}

/// How often an archive is looked at that others change meanwhile.
const LOOKS: usize = 3;

type Counts = BTreeMap<Hour, u64>;

impl Verified {
    async fn count_rows(&mut self, snapshot: &Snapshot, range: &Range<Hour>) -> Counts {
        let mut counts = Counts::new();
        for file in snapshot.files().iter().filter(|file| file.hours.iter().any(|hour| range.contains(hour))) {
            if let Err(error) = self.count_file(snapshot, file, &mut counts).await {
                let name = format!("messages/{}", file.path);
                self.findings.push(Finding::Unreadable { name, why: error.to_string() });
            }
        }
        counts
    }

    async fn count_file(
        &mut self,
        snapshot: &Snapshot,
        file: &DataFile,
        counts: &mut Counts,
    ) -> Result<(), archive::Error> {
        let mut batches = std::pin::pin!(archive::read_all(snapshot.reader(file)).await?);
        while let Some(batch) = batches.try_next().await? {
            self.rows += batch.len() as u64;
            for message in batch {
                *counts.entry(message.position.source_hour).or_default() += 1;
            }
        }
        Ok(())
    }

    async fn count_dead_letters(&mut self, workshop: &Workshop, range: &Range<Hour>) -> Result<Counts, Error> {
        let mut counts = Counts::new();
        let mut letters = workshop.archive.dead_letters(None).await?;
        letters.retain(|letter| range.contains(&letter.position.source_hour));
        for letter in letters {
            self.dead_letters += 1;
            *counts.entry(letter.position.source_hour).or_default() += 1;
        }
        Ok(counts)
    }

    fn hold_against_ledger(&mut self, entry: &Entry, rows: &Counts, dead_letters: &Counts) {
        self.hours += 1;
        let (hour, tally) = (entry.hour, entry.tally);
        if !tally.is_conserved() {
            let accounted = tally.messages + tally.duplicates + tally.dead_letters + tally.blank_lines;
            self.findings.push(Finding::Conservation { hour, lines: tally.lines, accounted });
        }
        let pairs = [("messages", tally.rows(), rows), ("dead letters", tally.dead_letters, dead_letters)];
        for (what, ledger, counts) in pairs {
            let table = counts.get(&hour).copied().unwrap_or(0);
            if table != ledger {
                self.findings.push(Finding::Count { hour, what, ledger, table });
            }
        }
    }

    fn find_foreign(&mut self, entries: &BTreeMap<Hour, Entry>, what: &'static str, rows: &Counts) {
        let is_done = |hour| entries.get(hour).is_some_and(|entry| entry.state == State::Done);
        let foreign = rows.iter().filter(|(hour, _)| !is_done(hour));
        self.findings.extend(foreign.map(|(&hour, &rows)| Finding::Foreign { hour, what, rows }));
    }

    fn hold_against_index(
        &mut self,
        catalogue: &Catalogue,
        entries: &BTreeMap<Hour, Entry>,
        rows: &Counts,
        range: &Range<Hour>,
    ) -> Result<(), Error> {
        let mut indexed = catalogue.hours()?;
        indexed.retain(|hour, _| range.contains(hour));
        let lag = Lag::between(entries, &indexed);
        self.not_indexed = lag.behind.len() as u64;
        self.findings.extend(lag.beyond.iter().map(|&hour| Finding::Beyond { hour }));
        if let Err(error) = catalogue.verify() {
            self.findings.push(Finding::of_index(error));
            return Ok(());
        }
        self.documents = Some(catalogue.documents()?);
        for hour in indexed.into_keys().filter(|hour| !lag.behind.contains(hour) && !lag.beyond.contains(hour)) {
            let documents = catalogue.documents_of(hour)?;
            let rows = rows.get(&hour).copied().unwrap_or(0);
            if documents != rows {
                self.findings.push(Finding::Documents { hour, rows, documents });
            }
        }
        Ok(())
    }
}

fn sha256_of(path: &std::path::Path) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
