//! Files in the folders of the tables that are part of nothing.
//!
//! What a run that died leaves there is removed by a repair, see [`crate::running`]. Others come from outside: a copy of the
//! archive that was made over an older one, a file that somebody put there by hand, and what other programs have replaced and
//! leave to a vacuum. Such a vacuum is theirs: who takes rows out by mistake gets them back from these files.

use std::collections::HashSet;
use std::io;

use futures::TryStreamExt as _;
use object_store::ObjectStore as _;
use object_store::path::Path;

use crate::disk::Disk;
use crate::error::Error;
use crate::open::Archive;
use crate::repair;
use crate::site::Site;
use crate::table::Table;

/// Parquet files in the folders of the tables that are no part of them, relative to the archive: who reads the plain files, and
/// not the log, takes their rows for rows of the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Strays {
    /// Those that no table names.
    pub unknown: Vec<String>,
    /// Those that another program has taken out of a table, as far as the log still says.
    pub replaced: Vec<String>,
}

impl Archive {
    /// The files that lie beside those of the tables.
    ///
    /// None is told while a run is at work or has died at it, because its files are not in the log yet, and none in a bucket,
    /// where files that were replaced stay for those who are reading them.
    ///
    /// # Errors
    ///
    /// When a folder cannot be listed, or the log of a table not read.
    pub async fn strays(&self) -> Result<Strays, Error> {
        let Site::Disk(disk) = self.site() else { return Ok(Strays::default()) };
        let (mut unknown, mut replaced) = (Vec::new(), Vec::new());
        for table in self.all_tables().await? {
            let files = data_files(disk, table).await?;
            // Asked behind the listing: a run that ended meanwhile has named its files by now, or taken them away.
            let (live, removed) = (table.live().await?, table.removed().await?);
            let live: HashSet<Path> = live.files().map(|file| table.location(file.path())).collect();
            let removed: HashSet<Path> = removed.keys().map(|path| table.location(path)).collect();
            let strays = files.into_iter().filter(|path| !live.contains(path) && !is_hidden(path));
            let (theirs, others): (Vec<_>, Vec<_>) = strays.partition(|path| removed.contains(path));
            replaced.extend(theirs);
            unknown.extend(others);
        }
        if repair::is_needed(disk)? {
            return Ok(Strays::default());
        }
        // Asked last: what a run has replaced that was at it then, and is at its end now, is gone.
        let still_there = |paths: Vec<Path>| {
            paths.into_iter().filter(|path| disk.path(path).is_file()).map(|path| path.to_string()).collect()
        };
        Ok(Strays { unknown: still_there(unknown), replaced: still_there(replaced) })
    }
}

/// Whether readers of the plain files pass a file over, as they do with those of Delta itself.
fn is_hidden(path: &Path) -> bool {
    path.parts().any(|part| part.as_ref().starts_with(['_', '.']))
}

/// The Parquet files in a table's folder, but for those of its log.
pub(crate) async fn data_files(disk: &Disk, table: &Table) -> Result<Vec<Path>, Error> {
    let folder = Path::from(table.name());
    let listed = disk.list(Some(&folder)).map_ok(|object| object.location).try_collect::<Vec<_>>().await;
    let listed = listed.map_err(|error| Error::file("list", &disk.path(&folder))(io::Error::other(error)))?;
    let is_of_the_log = |path: &Path| path.parts().any(|part| part.as_ref() == "_delta_log");
    Ok(listed.into_iter().filter(|path| path.extension() == Some("parquet") && !is_of_the_log(path)).collect())
}
