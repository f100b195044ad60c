//! Files in the folders of the tables that are part of nothing.
//!
//! What a run that died leaves there is removed by a repair, see [`crate::running`]. Others come from outside: a copy of the
//! archive that was made over an older one, a file that somebody put there by hand.

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

impl Archive {
    /// The Parquet files in the folders of the tables that no table names, relative to the archive: who reads the plain files,
    /// and not the log, takes their rows for rows of the table.
    ///
    /// None is told while a run is at work or has died at it, because its files are not in the log yet, and none in a bucket,
    /// where files that were replaced stay for those who are reading them.
    ///
    /// # Errors
    ///
    /// When a folder cannot be listed, or the log of a table not read.
    pub async fn strays(&self) -> Result<Vec<String>, Error> {
        let Site::Disk(disk) = self.site() else { return Ok(Vec::new()) };
        let mut strays = Vec::new();
        for table in self.all_tables().await? {
            let files = data_files(disk, table).await?;
            // Asked behind the listing: a run that ended meanwhile has named its files by now, or taken them away. Other
            // programs leave what they replaced to a vacuum.
            let (live, removed) = (table.live().await?, table.removed().await?);
            let named = live.files().map(|file| file.path()).chain(removed.keys().map(String::as_str));
            let named: HashSet<Path> = named.map(|path| table.location(path)).collect();
            let is_stray = |path: &Path| !named.contains(path) && !is_hidden(path) && disk.path(path).is_file();
            strays.extend(files.into_iter().filter(is_stray));
        }
        if repair::is_needed(disk)? { Ok(Vec::new()) } else { Ok(strays.iter().map(ToString::to_string).collect()) }
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
