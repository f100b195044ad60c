//! Rows that are in the table already, in files of another cut.
//!
//! A file that holds several hours carries the ledger entry, or the origin of the dead letters, of each in its tags, as
//! the files that they were published in did. So an hour stays the publication that it was, whatever file its rows lie in.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use archive::{Piece, Settings};
use chat::{Entry, Hour, Timestamp};
use deltalake::kernel::Add;

use crate::error::Error;
use crate::layout;
use crate::letters;
use crate::live::LiveFile;
use crate::reader::Reader;
use crate::site::Site;
use crate::staged::{NewFile, StagedFile};
use crate::table::{Kind, Table};
use crate::tags::{self, Tags};

/// A file of rewritten rows that is not in the table yet.
pub(crate) struct Rewritten {
    pub(crate) file: StagedFile,
    pub(crate) rows: u64,
    stats: String,
    tags: Tags,
    first: Hour,
}

/// The rows of some hours of some files of a table.
pub(crate) struct Selection<'a> {
    pub(crate) table: &'a Table,
    pub(crate) files: &'a [Arc<LiveFile>],
    pub(crate) hours: BTreeSet<Hour>,
}

impl Selection<'_> {
    /// Writes them into one file, sorted.
    ///
    /// # Errors
    ///
    /// [`Error::NotOurs`] when a file does not say of one of the hours what this program says of each; [`Error::Changed`] when
    /// one is not what was written; one that is gone meanwhile, see [`crate::is_gone`]; else when a file cannot be read or
    /// written.
    pub(crate) async fn write(&self, site: &Site, settings: Settings) -> Result<Rewritten, Error> {
        let told = self.told()?;
        let promotions = self.table.promotions().await?;
        let first = *self.hours.first().expect("something is selected");
        let (kind, desk, hours) = (self.table.kind(), site.clone(), self.hours.clone());
        let (mut pieces, mut copies) = (Vec::new(), Vec::new());
        for file in self.files {
            let source = self.table.source(file, site).await?;
            copies.extend(source.copy);
            pieces.extend(piece(file, source.reader));
        }
        let written = tokio::task::spawn_blocking(move || {
            let out = StagedFile::new(&desk)?;
            let merged = match kind {
                Kind::DeadLetters => archive::merge_dead_letters(pieces, &hours, out, &settings),
                Kind::Messages | Kind::Hours | Kind::Attachments => {
                    archive::merge_messages(pieces, &hours, out, &settings, &promotions)
                }
            };
            drop(copies);
            merged.map_err(Error::rows(kind.name(), &names(&hours)))
        });
        let failed = |error| Error::File { action: "rewrite", path: self.table.name().into(), source: error };
        let (proved, written) = tokio::join!(self.prove(site), written);
        // Of a file that is not what was written, anything may have come meanwhile.
        proved?;
        let merged = written.map_err(io::Error::from).map_err(failed)??;
        self.check(&merged.rows)?;
        let written = merged.file;
        let stats = match kind {
            Kind::DeadLetters => letters::stats_of(written.rows),
            Kind::Messages | Kind::Hours | Kind::Attachments => written.statistics.to_delta_json(),
        };
        let tags = told.tags(&written.statistics.promoted);
        Ok(Rewritten { file: written.out, rows: written.rows, stats, tags, first })
    }

    /// Holds the files against the log that were not held when they were opened.
    async fn prove(&self, site: &Site) -> Result<(), Error> {
        for file in self.files {
            self.table.prove_on_disk(file, site).await?;
        }
        Ok(())
    }

    /// What is said of each hour, by the files that its rows are from.
    fn told(&self) -> Result<Told, Error> {
        let teller = |hour: &Hour| self.files.iter().find(|file| file.hours().contains(hour));
        let untold = |hour: &Hour| {
            let file = teller(hour).map_or_else(String::new, |file| file.path().to_owned());
            Error::NotOurs { table: self.table.name(), hour: *hour, file }
        };
        match self.table.kind() {
            Kind::DeadLetters => {
                let origin = |hour: &Hour| teller(hour).and_then(|file| tags::origin(file.add.tags.as_ref(), *hour));
                let told = self.hours.iter().map(|hour| Ok((*hour, origin(hour).ok_or_else(|| untold(hour))?)));
                Ok(Told::Letters(told.collect::<Result<_, Error>>()?))
            }
            Kind::Messages | Kind::Hours | Kind::Attachments => {
                let entry = |hour: &Hour| teller(hour).and_then(|file| file.told(*hour)).cloned();
                let told = self.hours.iter().map(|hour| entry(hour).ok_or_else(|| untold(hour)));
                Ok(Told::Entries(told.collect::<Result<_, Error>>()?))
            }
        }
    }

    /// Holds what was written against what is said of each hour, so that no row can get lost on the way.
    fn check(&self, rows: &BTreeMap<Hour, u64>) -> Result<(), Error> {
        let found = |hour: &Hour| rows.get(hour).copied().unwrap_or(0);
        let wrong = self
            .hours
            .iter()
            .find_map(|hour| Some((*hour, self.said(*hour)?)).filter(|(_, said)| *said != found(hour)));
        let Some((hour, said)) = wrong else { return Ok(()) };
        Err(Error::Miscounted { table: self.table.name(), hour, said, rows: found(&hour) })
    }

    /// How many rows an hour is said to have.
    fn said(&self, hour: Hour) -> Option<u64> {
        let file = self.files.iter().find(|file| file.hours().contains(&hour))?;
        match self.table.kind() {
            Kind::DeadLetters => tags::letters_in(&tags::origin(file.add.tags.as_ref(), hour)?),
            Kind::Messages | Kind::Hours | Kind::Attachments => file.told(hour).map(|entry| entry.tally.rows()),
        }
    }
}

/// What is said of the hours of a file.
enum Told {
    Entries(Vec<Entry>),
    Letters(BTreeMap<Hour, String>),
}

impl Told {
    fn tags(&self, promoted: &[String]) -> Tags {
        match self {
            Self::Entries(entries) => tags::of_entries(entries, promoted),
            Self::Letters(origins) => tags::of_letters(origins),
        }
    }
}

impl Rewritten {
    /// Gives the file its name in the table, for good. `data_change` is false when no row is added or taken away.
    pub(crate) async fn place(
        self,
        site: &Site,
        table: &Table,
        at: Timestamp,
        data_change: bool,
    ) -> Result<Add, Error> {
        let Self { file, stats, tags, first: hour, rows: _ } = self;
        NewFile { file, path: layout::day_file(hour), stats, tags, hour }.place(site, table, at, data_change).await
    }
}

fn piece(file: &LiveFile, reader: Reader) -> Option<Piece<Reader>> {
    let (first, last) = (*file.hours().first()?, *file.hours().last()?);
    Some(Piece { reader, hours: first..=last })
}

/// Hours, for a message: the first and the last.
fn names(hours: &BTreeSet<Hour>) -> String {
    match (hours.first(), hours.last()) {
        (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
        (Some(hour), _) => hour.to_string(),
        _ => String::new(),
    }
}
