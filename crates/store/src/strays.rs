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
            strays.extend(strays_of(disk, table).await?);
        }
        // A run that began and ended meanwhile has named its files by now, or taken them away.
        strays.retain(|stray| disk.path(stray).is_file());
        let mut still = HashSet::new();
        for table in self.all_tables().await? {
            still.extend(table.live().await?.files().map(|file| table.location(file.path())));
            // Other programs leave what they replaced to a vacuum.
            still.extend(table.removed().await?.keys().map(|path| table.location(path)));
        }
        strays.retain(|stray| !still.contains(stray) && !is_hidden(stray));
        if repair::is_needed(disk)? { Ok(Vec::new()) } else { Ok(strays.iter().map(ToString::to_string).collect()) }
    }
}

/// Whether readers of the plain files pass a file over, as they do with those of Delta itself.
fn is_hidden(path: &Path) -> bool {
    path.parts().any(|part| part.as_ref().starts_with(['_', '.']))
}

/// The Parquet files in a table's folder that it does not name.
pub(crate) async fn strays_of(disk: &Disk, table: &Table) -> Result<Vec<Path>, Error> {
    let live = table.live().await?;
    let live: HashSet<Path> = live.files().map(|file| table.location(file.path())).collect();
    let folder = Path::from(table.name());
    let listed = disk.list(Some(&folder)).map_ok(|object| object.location).try_collect::<Vec<_>>().await;
    let listed = listed.map_err(|error| Error::file("list", &disk.path(&folder))(io::Error::other(error)))?;
    let is_of_the_log = |path: &Path| path.parts().any(|part| part.as_ref() == "_delta_log");
    let is_data = |path: &Path| path.extension() == Some("parquet") && !is_of_the_log(path);
    Ok(listed.into_iter().filter(|path| is_data(path) && !live.contains(path)).collect())
}
