//! What is done in a bucket for runs that died, while others are at work.
//!
//! In a folder, a repair holds the lock alone, and what a run replaces is removed at once. In a bucket nobody can be kept
//! out, so nothing is done that a run at work could mind:
//!
//! * Rows of the ledger that are lost are rebuilt in view of those that others add; a row that its own run adds a moment
//!   later comes to the same, or is newer and stands.
//! * A file that was replaced is removed when it was replaced long enough ago, as the log says, for readers to be through.
//! * A file that is not in the log is removed when it has lain there longer than any run needs from its upload to its
//!   commit. So is a part of served bytes that is in no list, and the mark of a run that died.

use chat::Timestamp;
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::error::Error;
use crate::layout;
use crate::ledger::Ledger;
use crate::raw;
use crate::remote::Remote;
use crate::repair::lost_rows;
use crate::table::Table;

/// The marks of runs that are at work, or died.
pub(crate) fn marks(remote: &Remote) -> Result<Vec<ObjectMeta>, Error> {
    list(remote, layout::TEMPORARY_FOLDER)
}

/// What looking after an archive in a bucket needs.
pub(crate) struct Sweeper<'a> {
    pub(crate) remote: &'a Remote,
    /// All tables that there are.
    pub(crate) tables: Vec<&'a Table>,
    pub(crate) ledger: &'a Ledger,
    pub(crate) now: Timestamp,
}

impl Sweeper<'_> {
    /// Makes good for the runs that left these marks: dead ones, and some that are still at work.
    pub(crate) async fn recover(&self, marks: &[ObjectMeta]) -> Result<(), Error> {
        let rows = self.ledger.recover(|newest, live| lost_rows(live, newest, self.now)).await?;
        tracing::info!(
            rows = rows.len(),
            marks = marks.len(),
            "looked after the archive beside the runs that left marks"
        );
        let old: Vec<_> = marks.iter().filter(|mark| self.is_orphan(mark)).collect();
        if !old.is_empty() {
            self.sweep().await?;
        }
        // Last: as long as one is there, the next to open the archive looks after it again.
        old.iter().try_for_each(|mark| self.remove(&mark.location))
    }

    /// Removes what is part of nothing any more, and tells how many files that were.
    pub(crate) async fn sweep(&self) -> Result<u64, Error> {
        let mut swept = 0;
        for table in &self.tables {
            swept += self.sweep_table(table).await?;
        }
        Ok(swept + self.sweep_raw()?)
    }

    fn sweep_raw(&self) -> Result<u64, Error> {
        let orphans = raw::orphans(self.remote, |part| self.is_orphan(part))?;
        orphans.iter().try_for_each(|location| self.remove_orphan(location))?;
        Ok(orphans.len() as u64)
    }

    async fn sweep_table(&self, table: &Table) -> Result<u64, Error> {
        // Before the look at the log: what is listed and not in the log then has not been committed since.
        let listed = list(self.remote, table.name())?;
        let removed = table.removed().await?;
        let live = table.live().await?;
        let is_wanted = |object: &ObjectMeta| {
            let path = within(table, &object.location);
            live.file(&path).is_some()
                || match removed.get(&path) {
                    Some(at) => *at > self.now - self.remote.grace().replaced,
                    None => !self.is_orphan(object),
                }
        };
        let is_ours = |object: &ObjectMeta| layout::is_our_data_file(object.location.as_ref());
        let mut swept = 0;
        for object in listed.iter().filter(|object| is_ours(object) && !is_wanted(object)) {
            self.remove_orphan(&object.location)?;
            swept += 1;
        }
        Ok(swept)
    }

    /// Whether what is part of nothing has lain there longer than any run needs it. The time is that of the store.
    fn is_orphan(&self, object: &ObjectMeta) -> bool {
        Timestamp::from(object.last_modified) < self.now - self.remote.grace().orphaned
    }

    fn remove_orphan(&self, location: &Path) -> Result<(), Error> {
        tracing::debug!(object = %location, "removing what is part of nothing any more");
        self.remove(location)
    }

    fn remove(&self, location: &Path) -> Result<(), Error> {
        self.remote.remove(location).map_err(Error::file("remove", &self.remote.path(location)))
    }
}

fn list(remote: &Remote, folder: &str) -> Result<Vec<ObjectMeta>, Error> {
    let prefix = Path::from(folder);
    remote.list(Some(&prefix)).map_err(Error::file("list", &remote.path(&prefix)))
}

/// The name of a file within its table.
fn within(table: &Table, location: &Path) -> String {
    location.as_ref().strip_prefix(table.name()).unwrap_or_default().trim_start_matches('/').to_owned()
}
