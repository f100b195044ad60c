//! What is done for an archive whose last run died: rows of the ledger that are lost, or say other than the tables, are
//! rebuilt, what is part of nothing is removed. Only under the exclusive lock, for a run that is alive has unfinished files too.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::PathBuf;

use chat::{Entry, Hour, State, Timestamp};
use object_store::path::Path;

use crate::attachments::Attachments;
use crate::disk::Disk;
use crate::error::Error;
use crate::layout;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::open::Archive;
use crate::site::Site;
use crate::standing::{published, withdrawn};
use crate::strays::data_files;
use crate::table::Table;

/// Whether the last run left something unfinished, see [`crate::running`].
pub(crate) fn is_needed(disk: &Disk) -> Result<bool, Error> {
    Ok(!unfinished(disk)?.is_empty())
}

impl Archive {
    /// Whether a run is at work on the archive, or has died at it: rows of an hour may be there of which the ledger knows nothing
    /// yet. Of a bucket that is not known, and said to be false.
    ///
    /// # Errors
    ///
    /// When the folder of marks cannot be read.
    pub fn is_unfinished(&self) -> Result<bool, Error> {
        match self.site() {
            Site::Disk(disk) => is_needed(disk),
            Site::Remote(_) => Ok(false),
        }
    }
}

/// Repairs the archive.
pub(crate) async fn repair(
    disk: &Disk,
    messages: &Table,
    dead_letters: &Table,
    ledger: &Ledger,
    attachments: &Attachments,
    now: Timestamp,
) -> Result<(), Error> {
    let live = messages.live().await?;
    let known = ledger.newest().await?;
    let rows = lost_rows(&live, &known, now);
    tracing::info!(rows = rows.len(), "repairing the archive after a run that did not end well");
    for row in &rows {
        tracing::debug!(hour = %row.hour, state = %row.state, source = row.source, "rebuilding a row of the ledger");
    }
    ledger.correct(&rows).await?;
    let tables = [dead_letters, messages, ledger.table()];
    for table in tables.into_iter().chain(attachments.existing().await?) {
        sweep(disk, table).await?;
    }
    // Last: as long as something is in there, the next to open the archive repairs again.
    for path in unfinished(disk)? {
        disk.remove_all_if_there(&path).map_err(Error::file("remove", &path))?;
    }
    Ok(())
}

/// The rows that the ledger lacks: of hours whose file it does not name, and of hours whose file is gone.
pub(crate) fn lost_rows(live: &Live, known: &BTreeMap<Hour, Entry>, now: Timestamp) -> Vec<Entry> {
    let gone = known.values().filter(|entry| entry.state == State::Done && entry.tally.rows() > 0);
    let gone = gone.filter(|entry| live.holders(entry.hour).is_empty()).map(|entry| withdrawn(entry, now));
    let told = live.hours().filter_map(|hour| published(hour, known.get(&hour), live, now));
    let lost = told.filter_map(|standing| standing.new_row().cloned());
    lost.chain(gone).collect()
}

/// Removes the files of this program that are in a table's folder but not in the table.
async fn sweep(disk: &Disk, table: &Table) -> Result<(), Error> {
    let live = table.live().await?;
    let live: HashSet<Path> = live.files().map(|file| table.location(file.path())).collect();
    for location in data_files(disk, table).await? {
        if layout::is_our_data_file(location.as_ref()) && !live.contains(&location) {
            let path = disk.path(&location);
            tracing::debug!(path = %path.display(), "removing a file that is part of nothing");
            disk.remove_if_there(&path).map_err(Error::file("remove", &path))?;
        }
    }
    Ok(())
}

/// What is in `tmp/`.
fn unfinished(disk: &Disk) -> Result<Vec<PathBuf>, Error> {
    let folder = disk.path(&Path::from(layout::TEMPORARY_FOLDER));
    match fs::read_dir(&folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(Error::file("list", &folder)),
    }
}
