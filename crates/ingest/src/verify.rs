//! Proving an archive: counts, hashes, tables against ledger against index, and rows against the lines that were served.

mod conflicts;
mod facts;
mod finding;
mod formats;
mod log;
mod media;
mod questions;
mod reading;
mod round_trip;
mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;

use chat::{Entry, Hour, State};
use futures::TryStreamExt as _;
use index::Catalogue;
use sha2::{Digest as _, Sha256};
use store::{DataFile, RawHour, RawPart, Snapshot, Strays, TableFile};

use self::conflicts::Conflicts;
use self::facts::FactsOfHours;
use self::finding::why;
pub use self::finding::{Astray, Finding};
pub use self::formats::{FileFormat, FormatCount};
use self::formats::{concerns, name};
pub use self::media::AttachmentProof;
pub use self::round_trip::RoundTrip;
pub use self::search::{Searched, Searches};
use crate::error::Error;
use crate::follow::Lag;
use crate::raw::{are, on_a_thread};
use crate::workshop::Workshop;

/// How much is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// That the numbers and the hashes agree.
    Counts,
    /// Also that every row gives back the line that was served, and every line is kept.
    RoundTrip,
}

/// What a proof looked at, and what it found wrong.
#[derive(Debug, Default)]
pub struct Verified {
    /// Hours that the ledger has as `done`.
    pub hours: u64,
    /// Rows read from the data files.
    pub rows: u64,
    /// Rows whose id another row of the same hour has with other content; no fault, the service served both.
    pub conflicts: u64,
    /// Dead letters read.
    pub dead_letters: u64,
    /// Parts of `raw/` whose hash was taken.
    pub raw_parts: u64,
    /// Hours of which bytes are kept that are not published, or newer ones than are; no fault, a fetch of these hours publishes
    /// them.
    pub unpublished: u64,
    /// Hours whose served bytes are no longer kept; no fault.
    pub without_raw: u64,
    /// Documents in the index; `None` when there is no index.
    pub documents: Option<u64>,
    /// Hours that the index has not taken in; no fault, following mends it.
    pub not_indexed: u64,
    /// What is known of attachments; `None` as long as the archive has no table of them.
    pub attachments: Option<AttachmentProof>,
    /// The files that hold these hours, and those of the ledger, in the order of the tables.
    pub files: Vec<FileFormat>,
    /// What became of the served lines; `None` when that was not asked for.
    pub round_trip: Option<RoundTrip>,
    /// Hours with messages whose columns would be others today, in order; no fault, see [`RoundTrip::read_otherwise`].
    pub read_otherwise: Vec<Hour>,
    /// What is wrong; empty for a sound archive.
    pub findings: Vec<Finding>,
    damaged: Damaged,
}

/// The hours of damaged files: what else of them does not agree follows from that, and is not said.
#[derive(Debug, Default)]
struct Damaged {
    messages: BTreeSet<Hour>,
    dead_letters: BTreeSet<Hour>,
}

impl Workshop {
    /// Reads everything that the archive holds of these hours, and holds it against itself.
    ///
    /// An archive that another process changes meanwhile is looked at again, so that a finding is one.
    ///
    /// # Errors
    ///
    /// When the log of the messages, or anything at all, cannot be read; what is damaged is a [`Finding`].
    pub async fn verify(&self, range: Range<Hour>, proof: Proof) -> Result<Verified, Error> {
        let mut looks = 0;
        loop {
            looks += 1;
            let before = self.state().await;
            let verified = match self.verify_once(&range, proof).await {
                // A file that was replaced meanwhile has a successor; one that is missing has none next time either.
                Err(Error::Store(error)) if store::is_gone(&error) && looks < LOOKS => continue,
                Err(Error::Store(error)) => of_damaged_table(error)?,
                verified => verified?,
            };
            if verified.findings.is_empty() || looks == LOOKS || self.state().await == before {
                return Ok(verified);
            }
        }
    }

    /// The version of `messages`, and what the ledger says; `None` where it cannot be told, which is damaged then.
    async fn state(&self) -> Option<(u64, BTreeMap<Hour, Entry>)> {
        Some((self.archive.snapshot().await.ok()?.version(), self.archive.entries().await.ok()?))
    }

    async fn verify_once(&self, range: &Range<Hour>, proof: Proof) -> Result<Verified, Error> {
        // Asked first: a run that has ended by the next line has written its rows of the ledger.
        let is_unfinished = self.archive.is_unfinished()?;
        let mut entries = self.archive.entries().await?;
        entries.retain(|hour, _| range.contains(hour));
        let snapshot = self.archive.snapshot().await?;
        let round_trip = (proof == Proof::RoundTrip).then(RoundTrip::default);
        let mut verified = Verified { round_trip, ..Verified::default() };
        // First, so that a damaged file is said to be one before anything that follows from it.
        verified.read_formats(self, range).await?;
        let Rows { counts: mut rows, conflicts, facts } = verified.count_rows(&snapshot, range).await;
        rows.retain(|hour, _| range.contains(hour));
        let mut dead_letters = verified.count_dead_letters(self, range).await?;
        for entry in entries.values().filter(|entry| entry.state == State::Done) {
            verified.hold_against_ledger(entry, &rows, &dead_letters);
            verified.hold_conflicts(entry, &conflicts);
            let is_legible = !verified.damaged.messages.contains(&entry.hour);
            if is_legible && rows.get(&entry.hour).copied().unwrap_or(0) == entry.tally.rows() {
                let facts = facts.get(&entry.hour).copied().unwrap_or_default();
                verified.findings.extend(facts.hold_against(entry));
            }
            // It may have been published anew since the ledger was read.
            if rows.contains_key(&entry.hour)
                && !snapshot.holds(entry)
                && self.archive.entry(entry.hour).await?.as_ref() == Some(entry)
            {
                verified.findings.push(Finding::Untold { hour: entry.hour });
            }
            let published = self.hash_raw(entry, &snapshot, &mut verified).await?;
            if let (Proof::RoundTrip, Some(parts)) = (proof, published) {
                let (told, findings) = self.round_trip(&snapshot, entry, parts).await?;
                if findings.is_empty() {
                    verified.hold_lines(entry, &told);
                }
                verified.take_round_trip(entry.hour, told, findings);
            }
        }
        verified.unpublished += self.kept_alone(range, &entries).await?;
        // Rows go before the row of the ledger, and dead letters before the messages: an hour whose bytes are kept is on its way, or is
        // taken up by the next run.
        let is_on_its_way = |hour: &Hour| matches!(self.archive.raw_hour(*hour), Ok(RawHour::Whole(_)));
        let mut settled = rows.clone();
        settled.retain(|hour, _| !(is_unfinished && is_on_its_way(hour)));
        verified.find_foreign(&entries, "messages", &settled);
        let is_done = |hour: &Hour| entries.get(hour).is_some_and(|entry| entry.state == State::Done);
        dead_letters.retain(|hour, _| is_done(hour) || !is_on_its_way(hour));
        verified.find_foreign(&entries, "dead letters", &dead_letters);
        verified.find_strays(self).await?;
        verified.hold_attachments(self, range).await?;
        if let Some(catalogue) = &self.catalogue {
            verified.hold_against_index(catalogue, &entries, &rows, range)?;
        }
        Ok(verified)
    }

    /// How many hours of a range have whole bytes and no rows: a run died between the two.
    async fn kept_alone(&self, range: &Range<Hour>, entries: &BTreeMap<Hour, Entry>) -> Result<u64, Error> {
        let archive = self.archive.clone();
        let kept = on_a_thread(move || Ok(archive.raw_hours()?)).await?;
        let is_done = |hour: &Hour| entries.get(hour).is_some_and(|entry| entry.state == State::Done);
        Ok(kept.iter().filter(|hour| range.contains(hour) && !is_done(hour)).count() as u64)
    }

    /// Takes the hashes of the kept bytes of an hour. Gives its parts when they are those that were published.
    async fn hash_raw(
        &self,
        entry: &Entry,
        snapshot: &Snapshot,
        verified: &mut Verified,
    ) -> Result<Option<Vec<RawPart>>, Error> {
        let hour = entry.hour;
        let told = snapshot.told(hour).filter(|told| told.files == entry.files && told.sha256 != entry.sha256);
        if let Some(told) = told {
            let (ledger, found) = (entry.sha256.join(" "), told.sha256.join(" "));
            verified.findings.push(Finding::Ledger { hour, what: "sha256", ledger, found });
        }
        let parts = match self.archive.raw_hour(hour)? {
            RawHour::Absent => {
                verified.without_raw += 1;
                return Ok(None);
            }
            RawHour::Broken { path, reason } => {
                verified.findings.push(Finding::Raw { hour, path, reason });
                return Ok(None);
            }
            RawHour::Whole(parts) => parts,
        };
        // Bytes that are others than the published ones, whole by their own list: a run ended between the two, and the next
        // goes on from them.
        let is_published = are(&parts, told.map_or(&entry.sha256, |told| &told.sha256));
        verified.unpublished += u64::from(!is_published);
        let bytes: u64 = parts.iter().map(|part| part.length).sum();
        if is_published && bytes != entry.bytes {
            let (ledger, found) = (entry.bytes.to_string(), bytes.to_string());
            verified.findings.push(Finding::Ledger { hour, what: "bytes", ledger, found });
        }
        for part in &parts {
            let expected = part.sha256.clone();
            verified.raw_parts += 1;
            let opened = part.clone();
            let hashed = tokio::task::spawn_blocking(move || sha256_of(opened.open()?)).await;
            match hashed.map_err(|source| Error::Thread { source })? {
                Ok(found) if found == expected => {}
                Ok(found) => {
                    let path = part.path.clone();
                    verified.findings.push(Finding::Hash { hour, path, found, expected });
                }
                Err(error) => {
                    let (path, reason) = (part.path.clone(), error.to_string());
                    verified.findings.push(Finding::Raw { hour, path, reason });
                }
            }
        }
        Ok(is_published.then_some(parts))
    }
}

/// How often an archive is looked at that others change meanwhile.
const LOOKS: usize = 3;

type Counts = BTreeMap<Hour, u64>;

/// What the rows of `messages` say of each hour.
#[derive(Default)]
struct Rows {
    counts: Counts,
    conflicts: Conflicts,
    facts: FactsOfHours,
}

/// The table of messages, of whose files the log knows bounds.
const MESSAGES: &str = "messages";

/// The table of lines that were set aside.
const DEAD_LETTERS: &str = "dead_letters";

/// All that can be said of an archive with a damaged ledger, or a table with a damaged log.
fn of_damaged_table(error: store::Error) -> Result<Verified, Error> {
    let finding = Finding::of_table(&error).ok_or(Error::Store(error))?;
    Ok(Verified { findings: vec![finding], ..Verified::default() })
}

impl Verified {
    async fn count_rows(&mut self, snapshot: &Snapshot, range: &Range<Hour>) -> Rows {
        let mut rows = Rows::default();
        for file in snapshot.files().iter().filter(|file| file.hours.iter().any(|hour| range.contains(hour))) {
            if let Err(error) = self.count_file(snapshot, file, &mut rows).await {
                self.find_damage(MESSAGES, &file.hours, Finding::unreadable(file, &error));
            }
            rows.conflicts.end_file();
        }
        rows
    }

    async fn count_file(
        &mut self,
        snapshot: &Snapshot,
        file: &DataFile,
        rows: &mut Rows,
    ) -> Result<(), archive::Error> {
        let mut batches = std::pin::pin!(archive::read_all(snapshot.reader(file)).await?);
        while let Some(batch) = batches.try_next().await? {
            self.rows += batch.len() as u64;
            for message in batch {
                self.find_unlogged(&file.path, &file.hours, message.position.source_hour);
                *rows.counts.entry(message.position.source_hour).or_default() += 1;
                rows.facts.entry(message.position.source_hour).or_default().add(&message);
                rows.conflicts.add(&message);
            }
        }
        Ok(())
    }

    async fn count_dead_letters(&mut self, workshop: &Workshop, range: &Range<Hour>) -> Result<Counts, Error> {
        let mut counts = Counts::new();
        let is_wanted = |file: &TableFile| file.table == DEAD_LETTERS && concerns(file, range);
        for file in workshop.archive.files().await?.into_iter().filter(is_wanted) {
            if let Err(error) = self.count_letters(&file, range, &mut counts).await {
                let finding = Finding::Unreadable { name: name(&file), why: why(&error) };
                self.find_damage(DEAD_LETTERS, &file.hours, finding);
            }
        }
        Ok(counts)
    }

    async fn count_letters(
        &mut self,
        file: &TableFile,
        range: &Range<Hour>,
        counts: &mut Counts,
    ) -> Result<(), archive::Error> {
        let mut batches = archive::read_dead_letters(file.reader()).await?;
        while let Some(letters) = batches.try_next().await? {
            for letter in letters.iter().filter(|letter| range.contains(&letter.position.source_hour)) {
                self.dead_letters += 1;
                *counts.entry(letter.position.source_hour).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Notes files that lie in the folders of the tables and are part of none.
    async fn find_strays(&mut self, workshop: &Workshop) -> Result<(), Error> {
        let Strays { unknown, replaced } = workshop.archive.strays().await?;
        self.findings.extend(unknown.into_iter().map(|name| Finding::Stray { name }));
        self.findings.extend(replaced.into_iter().map(|name| Finding::Replaced { name }));
        Ok(())
    }

    fn hold_against_ledger(&mut self, entry: &Entry, rows: &Counts, dead_letters: &Counts) {
        self.hours += 1;
        let (hour, tally) = (entry.hour, entry.tally);
        if !tally.is_conserved() {
            let accounted = tally.messages + tally.duplicates + tally.dead_letters + tally.blank_lines;
            self.findings.push(Finding::Conservation { hour, lines: tally.lines, accounted });
        }
        let Damaged { messages: damaged, dead_letters: damaged_letters } = &self.damaged;
        let pairs = [
            ("messages", tally.rows(), rows, damaged.contains(&hour)),
            ("dead letters", tally.dead_letters, dead_letters, damaged_letters.contains(&hour)),
        ];
        for (what, ledger, counts, is_damaged) in pairs {
            let table = counts.get(&hour).copied().unwrap_or(0);
            if table != ledger && !is_damaged {
                self.findings.push(Finding::Count { hour, what, ledger, table });
            }
        }
    }

    fn hold_conflicts(&mut self, entry: &Entry, conflicts: &Conflicts) {
        let (hour, ledger) = (entry.hour, entry.tally.conflicts);
        // A row of the ledger that was made up from the table knows of none.
        let is_told = !entry.sha256.is_empty() && !self.damaged.messages.contains(&hour);
        let Some(table) = conflicts.of(hour) else { return };
        self.conflicts += table;
        if is_told && table != ledger {
            self.findings.push(Finding::Count { hour, what: "conflicts", ledger, table });
        }
    }

    /// Holds the lines that became no row against the ledger.
    fn hold_lines(&mut self, entry: &Entry, told: &RoundTrip) {
        let (hour, tally) = (entry.hour, entry.tally);
        for (what, ledger, served) in
            [("duplicates", tally.duplicates, told.duplicates), ("blank lines", tally.blank_lines, told.blank_lines)]
        {
            if ledger != served {
                self.findings.push(Finding::Lines { hour, what, ledger, served });
            }
        }
    }

    fn take_round_trip(&mut self, hour: Hour, told: RoundTrip, findings: Vec<Finding>) {
        self.read_otherwise.extend((told.read_otherwise > 0).then_some(hour));
        self.round_trip.get_or_insert_default().add(told);
        findings.into_iter().for_each(|finding| self.find(finding));
    }

    /// Notes a finding, unless it was said before: that a file is damaged is met by whoever reads it.
    fn find(&mut self, finding: Finding) {
        let file = finding.damaged_file();
        let is_said = |said: &Finding| *said == finding || file.is_some() && said.damaged_file() == file;
        if !self.findings.iter().any(is_said) {
            self.findings.push(finding);
        }
    }

    /// Notes that a file of these hours is damaged.
    fn find_damage(&mut self, table: &str, hours: &[Hour], finding: Finding) {
        match table {
            MESSAGES => self.damaged.messages.extend(hours),
            DEAD_LETTERS => self.damaged.dead_letters.extend(hours),
            _ => {}
        }
        self.find(finding);
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
            if documents != rows && !self.damaged.messages.contains(&hour) {
                self.findings.push(Finding::Documents { hour, rows, documents });
            }
        }
        Ok(())
    }
}

fn sha256_of(mut bytes: File) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut bytes, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
