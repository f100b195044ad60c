//! The index against the tables: searches must find what a scan of the rows finds.
//!
//! Queries are made of what the rows themselves say, or given. Each is put to the index, and all of them together to each row,
//! once. Of each query only a count and a sum over the rows that match are kept; where the two sides differ, the rows are
//! read once more for these queries alone, and named.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chat::{Entry, Hour, Message, Position, State};
use futures::TryStreamExt as _;
use index::{Catalogue, Query, Sieve};
use rustc_hash::FxHashSet;
use store::Snapshot;

use super::finding::Finding;
use super::questions::{Questions, Sample};
use crate::error::Error;
use crate::follow::Lag;
use crate::workshop::Workshop;

/// What is to be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Searches {
    /// How many queries are made of what the rows say. There may be fewer when the rows say little.
    pub made: usize,
    /// What they are drawn by: the same seed over the same rows makes the same queries.
    pub seed: u64,
    /// Queries that are asked besides, each as it was written.
    pub given: Vec<(String, Query)>,
}

/// What was asked, and of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Searched {
    /// Queries that were asked.
    pub queries: u64,
    /// Queries of which index and tables do not find the same.
    pub differing: u64,
    /// Messages that each of them was put to.
    pub messages: u64,
    /// Matches that the index and the tables agree on, over all queries.
    pub matches: u64,
    /// Hours that were asked about.
    pub hours: u64,
    /// Hours with messages that the index does not hold as they are, and that were left out.
    pub not_indexed: Vec<Hour>,
}

/// Queries that are named when index and tables differ on them; the others are counted.
const NAMED_QUERIES: usize = 20;

/// Messages that are named of each.
const NAMED_MESSAGES: usize = 10;

impl Workshop {
    /// Puts queries to the index and to every row of these hours. What differs is a finding.
    ///
    /// An archive that another process changes meanwhile is looked at again, so that a finding is one.
    ///
    /// # Errors
    ///
    /// When the ledger, the rows or the index cannot be read.
    pub async fn verify_search(
        &self,
        range: Range<Hour>,
        searches: &Searches,
    ) -> Result<(Searched, Vec<Finding>), Error> {
        let mut looks = 0;
        loop {
            looks += 1;
            let version = self.archive.snapshot().await?.version();
            let (searched, findings) = self.search_once(&range, searches).await?;
            let is_still = self.archive.snapshot().await?.version() == version;
            if findings.is_empty() || is_still || looks == super::LOOKS {
                return Ok((searched, findings));
            }
            self.catalogue.as_ref().map_or(Ok(()), Catalogue::refresh)?;
        }
    }

    async fn search_once(&self, range: &Range<Hour>, searches: &Searches) -> Result<(Searched, Vec<Finding>), Error> {
        let mut entries = self.archive.entries().await?;
        entries.retain(|hour, entry| range.contains(hour) && entry.state == State::Done);
        let indexed = self.catalogue.as_ref().map(Catalogue::hours).transpose()?.unwrap_or_default();
        let (hours, not_indexed) = divided(&entries, &indexed);
        let mut searched = Searched { hours: hours.len() as u64, not_indexed, ..Searched::default() };
        let Some(catalogue) = &self.catalogue else { return Ok((searched, Vec::new())) };
        let rows = Rows { snapshot: self.archive.snapshot().await?, hours };
        let questions = rows.questions(searches).await?;
        let findings = questions_put(&rows, catalogue, questions, &mut searched).await?;
        Ok((searched, findings))
    }
}

/// The hours that the index holds as they are, and those with messages that it does not.
fn divided(entries: &BTreeMap<Hour, Entry>, indexed: &BTreeMap<Hour, String>) -> (BTreeSet<Hour>, Vec<Hour>) {
    let behind: BTreeSet<Hour> = Lag::between(entries, indexed).behind.into_iter().collect();
    let with_messages = |hour: &&Hour| entries.get(*hour).is_some_and(|entry| entry.tally.rows() > 0);
    let held = entries.keys().copied().filter(|hour| !behind.contains(hour)).collect();
    (held, behind.iter().filter(with_messages).copied().collect())
}

async fn questions_put(
    rows: &Rows,
    catalogue: &Catalogue,
    questions: Questions,
    searched: &mut Searched,
) -> Result<Vec<Finding>, Error> {
    let (texts, queries) = questions.into_parts();
    let sieve = Sieve::new(queries);
    let in_tables = rows.scanned(&sieve, &mut searched.messages).await?;
    let mut differing = Vec::new();
    for (number, query) in sieve.queries().iter().enumerate() {
        let found = rows.found(catalogue, query)?;
        searched.queries += 1;
        if found == in_tables[number] {
            searched.matches += found.count;
        } else {
            differing.push(number);
        }
    }
    searched.differing = differing.len() as u64;
    differing.truncate(NAMED_QUERIES);
    let mut findings = Vec::new();
    let differences = rows.differences(catalogue, &sieve, &differing).await?;
    for (number, difference) in differing.into_iter().zip(differences) {
        findings.push(difference.finding(texts[number].clone()));
    }
    if searched.differing > findings.len() as u64 {
        findings.push(Finding::MoreSearches { queries: searched.differing - findings.len() as u64 });
    }
    Ok(findings)
}

/// How many rows match, and a sum over their places in which no order counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Found {
    count: u64,
    sum: u64,
}

impl Found {
    fn add(&mut self, position: Position) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(super::questions::mixed(position, 0));
    }
}

/// The rows of the hours that the index speaks for.
struct Rows {
    snapshot: Snapshot,
    hours: BTreeSet<Hour>,
}

impl Rows {
    async fn questions(&self, searches: &Searches) -> Result<Questions, Error> {
        let mut sample = Sample::of(searches.made, searches.seed);
        if searches.made > 0 {
            self.each(|message| sample.offer(message)).await?;
        }
        Ok(sample.questions(searches))
    }

    /// What each query finds in the tables.
    async fn scanned(&self, sieve: &Sieve, messages: &mut u64) -> Result<Vec<Found>, Error> {
        let mut found = vec![Found::default(); sieve.queries().len()];
        self.each(|message| {
            *messages += 1;
            sieve.each_match(message, |number| found[number].add(message.position));
        })
        .await?;
        Ok(found)
    }

    /// What a query finds in the index.
    fn found(&self, catalogue: &Catalogue, query: &Query) -> Result<Found, Error> {
        let mut found = Found::default();
        catalogue.each_row(query, |row| {
            if self.hours.contains(&row.source_hour) {
                found.add(row.position());
            }
        })?;
        Ok(found)
    }

    /// What index and tables differ in, for each of these queries.
    async fn differences(
        &self,
        catalogue: &Catalogue,
        sieve: &Sieve,
        numbers: &[usize],
    ) -> Result<Vec<Difference>, Error> {
        let mut differences = Vec::new();
        for number in numbers {
            let mut difference = Difference::default();
            catalogue.each_row(&sieve.queries()[*number], |row| {
                if self.hours.contains(&row.source_hour) {
                    difference.in_index.insert(row.position());
                }
            })?;
            differences.push(difference);
        }
        if numbers.is_empty() {
            return Ok(differences);
        }
        self.each(|message| {
            for (number, difference) in numbers.iter().zip(&mut differences) {
                difference.compare(message, sieve.queries()[*number].matches(message));
            }
        })
        .await?;
        Ok(differences)
    }

    /// Hands over every row, in the columns that matter.
    async fn each(&self, mut each: impl FnMut(&Message<'static>)) -> Result<(), Error> {
        for file in self.snapshot.files().iter().filter(|file| file.hours.iter().any(|hour| self.hours.contains(hour)))
        {
            let hour = file.hours.first().copied().unwrap_or(Hour::from_number(0));
            let failed = |source| Error::Rows { hour, source };
            let batches = archive::read_columns(self.snapshot.reader(file), index::COLUMNS, &self.hours).await;
            let mut batches = batches.map_err(failed)?;
            while let Some(batch) = batches.try_next().await.map_err(failed)? {
                batch.iter().for_each(&mut each);
            }
        }
        Ok(())
    }
}

/// What one query finds on one side only.
#[derive(Debug, Default)]
struct Difference {
    /// What the index finds and no row was held against yet.
    in_index: FxHashSet<Position>,
    missed: Named,
    wrong: Named,
}

impl Difference {
    fn compare(&mut self, message: &Message<'_>, matches: bool) {
        match (self.in_index.remove(&message.position), matches) {
            (true, false) => self.wrong.add(message.position, message.msg_id.as_deref()),
            (false, true) => self.missed.add(message.position, message.msg_id.as_deref()),
            _ => {}
        }
    }

    fn finding(mut self, query: String) -> Finding {
        let mut without_row: Vec<_> = self.in_index.into_iter().collect();
        without_row.sort_unstable();
        without_row.into_iter().for_each(|position| self.wrong.add(position, None));
        let (missed, wrong) = (self.missed.to_string(), self.wrong.to_string());
        Finding::Search { query, missed, wrong }
    }
}

/// Messages by name, as far as there is room, and how many there are.
#[derive(Debug, Default)]
struct Named {
    names: Vec<String>,
    count: u64,
}

impl Named {
    fn add(&mut self, position: Position, msg_id: Option<&str>) {
        self.count += 1;
        if self.names.len() < NAMED_MESSAGES {
            let Position { source_hour, part, line } = position;
            let id = msg_id.unwrap_or("without an id");
            self.names.push(format!("{id} ({source_hour}, part {part}, line {line})"));
        }
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.count)?;
        if !self.names.is_empty() {
            let more = if self.count > self.names.len() as u64 { ", …" } else { "" };
            write!(f, ": {}{more}", self.names.join(", "))?;
        }
        Ok(())
    }
}
