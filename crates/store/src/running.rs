//! How a repair knows that a run died: it left a mark in `tmp/`.
//!
//! A handle sets its mark before its first change and takes it away when it is dropped with nothing half done. So
//! `tmp/` is empty exactly when there is nothing to repair, and opening an archive costs no walk through its files.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use deltalake::kernel::Add;
use object_store::path::Path;

use crate::error::Error;
use crate::layout;
use crate::site::Site;
use crate::table::Table;

/// The mark of one handle, and the work that is half done.
#[derive(Debug)]
pub(crate) struct Running {
    site: Site,
    mark: Mutex<Option<Path>>,
    half_done: AtomicU64,
}

/// A piece of work on the archive. Dropping it without [`Work::done`], by an error or a cancelled task, leaves the mark.
#[must_use]
pub(crate) struct Work<'a> {
    running: &'a Running,
}

impl Running {
    pub(crate) fn new(site: Site) -> Self {
        Self { site, mark: Mutex::default(), half_done: AtomicU64::new(0) }
    }

    /// Sets the mark, if it is not set yet.
    pub(crate) fn begin(&self) -> Result<Work<'_>, Error> {
        let folder = self.site.path(&Path::from(layout::TEMPORARY_FOLDER));
        let mut mark = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        if mark.is_none() {
            *mark = Some(self.site.mark().map_err(Error::file("write into", &folder))?);
        }
        self.half_done.fetch_add(1, Ordering::Relaxed);
        Ok(Work { running: self })
    }

    /// Removes files of a table that are part of nothing any more. What cannot be removed is left, with the mark, to a
    /// repair; in a bucket everything is left, for those who are reading it, to a sweep.
    pub(crate) async fn discard(&self, table: &Table, files: &[Add]) {
        let Site::Disk(disk) = self.site.clone() else { return };
        let paths: Vec<_> = files.iter().map(|file| disk.path(&table.location(&file.path))).collect();
        let remove = move || paths.iter().try_for_each(|path| disk.remove_if_there(path));
        let removed = tokio::task::spawn_blocking(remove).await.map_err(io::Error::from).flatten();
        if let Err(error) = removed {
            self.leave_mark();
            tracing::warn!(%error, "could not remove a file that was replaced");
        }
    }

    /// Leaves the mark to the end, for the next to open the archive.
    pub(crate) fn leave_mark(&self) {
        self.half_done.fetch_add(1, Ordering::Relaxed);
    }
}

impl Work<'_> {
    /// Nothing of this work needs a repair.
    pub(crate) fn done(self) {
        self.running.half_done.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mark = self.mark.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mark) = mark.filter(|_| *self.half_done.get_mut() == 0)
            && let Err(error) = self.site.remove(&mark)
        {
            tracing::warn!(%error, "could not take away the mark of this run");
        }
    }
}
