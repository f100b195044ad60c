//! The rest of files that another program wrote anew.
//!
//! Tools of Delta put files together, sort them otherwise or take rows out. They keep our columns and drop our tags, so
//! such a file says neither which hours it holds nor of which publications they are. Its rows say the one; the ledger says
//! the other, as long as it has as many rows of an hour. So it is read and written as if its rows came anew, in our order.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use archive::{DeadLetterWriter, Settings, Writer};
use chat::{Entry, Hour, Sink as _, State};
use futures::TryStreamExt as _;
use tokio::runtime::Handle;

use crate::error::Error;
use crate::layout;
use crate::ledger::Ledger;
use crate::letters;
use crate::live::{Live, LiveFile};
use crate::reader::Reader;
use crate::site::Site;
use crate::staged::{NewFile, StagedFile};
use crate::table::{Kind, Table};
use crate::tags::{self, Tags};

/// Rows that were written, and how many each hour has.
struct Written {
    file: StagedFile,
    stats: String,
    promoted: Vec<String>,
    rows: BTreeMap<Hour, u64>,
}

/// Whether a file says of one of its hours what this program says of each.
pub(crate) fn is_told(kind: Kind, file: &LiveFile, hour: Hour) -> bool {
    match kind {
        Kind::DeadLetters => tags::origin(file.add.tags.as_ref(), hour).is_some(),
        Kind::Messages | Kind::Hours | Kind::Attachments => file.told(hour).is_some(),
    }
}

/// Refuses an hour that lies in several files of which none says what it holds of it: who looks for its rows reads one.
pub(crate) fn refuse_scattered(hour: Hour, live: &Live, table: &Table) -> Result<(), Error> {
    match live.holders(hour).iter().filter(|file| !is_told(table.kind(), file, hour)).nth(1) {
        Some(file) => Err(Error::NotOurs { table: table.name(), hour, file: file.path().to_owned() }),
        None => Ok(()),
    }
}

/// Writes the rows of files, without those of one hour, into one file; `None` when no others are there.
///
/// # Errors
///
/// [`Error::Miscounted`] when a file does not have as many rows as it says itself, [`Error::Changed`] when one is not what was
/// written; else when a file cannot be read or written.
pub(crate) async fn rest(
    hour: Hour,
    files: &[Arc<LiveFile>],
    table: &Table,
    ledger: &Ledger,
    site: &Site,
) -> Result<Option<NewFile>, Error> {
    let (mut readers, mut copies) = (Vec::new(), Vec::new());
    for file in files {
        // Files of this program may be among them, and say what they were.
        let proved = table.proved(file, site).await?;
        copies.extend(proved.copy);
        readers.push((file.path().to_owned(), proved.reader));
    }
    let (kind, site, promotions) = (table.kind(), site.clone(), table.promotions().await?);
    let written = tokio::task::spawn_blocking(move || {
        let written = match kind {
            Kind::DeadLetters => write_letters(hour, readers, &site),
            Kind::Messages | Kind::Hours | Kind::Attachments => write_messages(hour, readers, &site, &promotions),
        };
        drop(copies);
        written
    });
    let failed = |error| Error::File { action: "rewrite", path: table.name().into(), source: error };
    let Written { file, stats, promoted, rows } = written.await.map_err(io::Error::from).map_err(failed)??;
    let told = Told { hour, files, table, rows: &rows };
    let tags = match kind {
        Kind::DeadLetters => told.of_letters(&ledger.newest().await?)?,
        Kind::Messages | Kind::Hours | Kind::Attachments => told.of_messages(&ledger.newest().await?, &promoted)?,
    };
    let Some(first) = rows.keys().next().copied() else { return Ok(None) };
    Ok(Some(NewFile { file, path: layout::day_file(first), stats, tags, hour: first }))
}

fn write_messages(
    hour: Hour,
    readers: Vec<(String, Reader)>,
    site: &Site,
    promotions: &[archive::Promotion],
) -> Result<Written, Error> {
    let (table, mut rows) = (Kind::Messages.name(), BTreeMap::new());
    let failed = Error::rows(table, "new rows");
    let (out, spill) = (StagedFile::new(site)?, site.clone());
    let mut writer = match Writer::promoting(out, move || spill.unnamed(), Settings::default(), promotions) {
        Ok(writer) => writer,
        Err(error) => return Err(failed(error)),
    };
    for (path, reader) in readers {
        let copied: Result<(), archive::Error> = Handle::current().block_on(async {
            let mut batches = archive::read_all(reader).await?;
            while let Some(mut batch) = batches.try_next().await? {
                batch.retain(|message| message.position.source_hour != hour);
                batch.iter().for_each(|message| *rows.entry(message.position.source_hour).or_default() += 1);
                writer.write(&batch)?;
            }
            Ok(())
        });
        copied.map_err(Error::rows(table, &path))?;
    }
    let written = writer.finish().map_err(failed)?;
    let (stats, promoted) = (written.statistics.to_delta_json(), written.statistics.promoted);
    Ok(Written { file: written.out, stats, promoted, rows })
}

fn write_letters(hour: Hour, readers: Vec<(String, Reader)>, site: &Site) -> Result<Written, Error> {
    let (table, mut rows) = (Kind::DeadLetters.name(), BTreeMap::new());
    let failed = Error::rows(table, "new rows");
    let mut writer = match DeadLetterWriter::new(StagedFile::new(site)?, Settings::default()) {
        Ok(writer) => writer,
        Err(error) => return Err(failed(error)),
    };
    for (path, reader) in readers {
        let copied: Result<(), archive::Error> = Handle::current().block_on(async {
            let mut batches = archive::read_dead_letters(reader).await?;
            while let Some(mut batch) = batches.try_next().await? {
                batch.retain(|letter| letter.position.source_hour != hour);
                batch.iter().for_each(|letter| *rows.entry(letter.position.source_hour).or_default() += 1);
                writer.write(&batch)?;
            }
            Ok(())
        });
        copied.map_err(Error::rows(table, &path))?;
    }
    let written = writer.finish().map_err(failed)?;
    Ok(Written { stats: letters::stats_of(written.rows), file: written.out, promoted: Vec::new(), rows })
}

/// What the new file can say of its hours.
struct Told<'a> {
    /// The one that it does not hold.
    hour: Hour,
    files: &'a [Arc<LiveFile>],
    table: &'a Table,
    rows: &'a BTreeMap<Hour, u64>,
}

impl Told<'_> {
    fn of_messages(&self, ledger: &BTreeMap<Hour, Entry>, promoted: &[String]) -> Result<Tags, Error> {
        let own = self.by_files(|file, hour| file.told(hour).cloned());
        let entries = self.counted(own, ledger, |entry| entry, |entry| Some(entry.tally.rows()))?;
        let mut tags = tags::of_entries(&entries.into_values().collect::<Vec<_>>(), promoted);
        tags.extend(self.hours());
        Ok(tags)
    }

    fn of_letters(&self, ledger: &BTreeMap<Hour, Entry>) -> Result<Tags, Error> {
        let own = self.by_files(|file, hour| tags::origin(file.add.tags.as_ref(), hour));
        let origins = self.counted(own, ledger, |entry| tags::origin_of(&entry), |origin| tags::letters_in(origin))?;
        let mut tags = tags::of_letters(&origins);
        tags.extend(self.hours());
        Ok(tags)
    }

    /// All hours, also those of which nothing else is said.
    fn hours(&self) -> Tags {
        tags::of_hours(&self.rows.keys().copied().collect::<Vec<_>>())
    }

    /// What the files say themselves of hours that stay.
    fn by_files<T>(&self, told: impl Fn(&LiveFile, Hour) -> Option<T>) -> BTreeMap<Hour, T> {
        let hours = self.files.iter().flat_map(|file| file.hours().iter().map(move |hour| (file, *hour)));
        let stay = hours.filter(|(_, hour)| *hour != self.hour);
        stay.filter_map(|(file, hour)| Some((hour, told(file, hour)?))).collect()
    }

    /// Completes what the files say by what the ledger says of hours that have as many rows. Of another the file says nothing:
    /// rows of it were taken out by somebody, as `annals verify` tells, and it can be replaced as any.
    fn counted<T>(
        &self,
        own: BTreeMap<Hour, T>,
        ledger: &BTreeMap<Hour, Entry>,
        of: impl Fn(Entry) -> T,
        said: impl Fn(&T) -> Option<u64>,
    ) -> Result<BTreeMap<Hour, T>, Error> {
        let found = |hour: &Hour| self.rows.get(hour).copied().unwrap_or(0);
        for (hour, told) in &own {
            if let Some(said) = said(told).filter(|said| *said != found(hour)) {
                return Err(Error::Miscounted { table: self.table.name(), hour: *hour, said, rows: found(hour) });
            }
        }
        let others = self.rows.keys().filter(|hour| !own.contains_key(hour));
        let known = others.filter_map(|hour| ledger.get(hour)).filter(|entry| entry.state == State::Done);
        let known = known.map(|entry| (entry.hour, of(entry.clone())));
        let known: Vec<_> = known.filter(|(hour, told)| said(told) == Some(found(hour))).collect();
        Ok(own.into_iter().chain(known).collect())
    }
}
