//! A file that is being written and is not part of anything yet.

use std::fs::File;
use std::io::{self, Write};

use chat::{Hour, Timestamp};
use deltalake::kernel::Add;
use object_store::path::Path;

use crate::disk::Present;
use crate::error::Error;
use crate::intake::Intake;
use crate::layout;
use crate::site::Site;
use crate::table::{Table, addition};
use crate::tags::{self, Tags};

/// A data file under its temporary name; removed when dropped before it is published.
#[derive(Debug)]
pub struct StagedFile(Intake);

impl StagedFile {
    pub(crate) fn new(site: &Site) -> Result<Self, Error> {
        Intake::new(site).map(Self)
    }

    /// Bytes written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.length()
    }

    /// SHA-256 of the bytes written so far, lower-case hex.
    pub(crate) fn sha256(&self) -> String {
        self.0.sha256()
    }

    /// Its bytes, for reading from the start; they stay readable when the file is removed.
    pub(crate) fn open(&self) -> io::Result<File> {
        self.0.open()
    }

    /// Gives the file its name, for good.
    pub(crate) fn place(self, site: &Site, location: &Path) -> io::Result<()> {
        site.place(self.0.seal().file, location, Present::Keep)
    }
}

/// A file that is to get a name in a table.
pub(crate) struct NewFile {
    pub(crate) file: StagedFile,
    /// The name, relative to the table.
    pub(crate) path: String,
    /// The statistics for the table's log, as JSON.
    pub(crate) stats: String,
    /// What else the log is to say of it.
    pub(crate) tags: Tags,
    /// An hour of the day that its rows are of.
    pub(crate) hour: Hour,
}

impl NewFile {
    /// Gives the file its name, for good. It is in the table once the answer is committed. `data_change` is false when no row is added or taken away.
    pub(crate) async fn place(
        self,
        site: &Site,
        table: &Table,
        at: Timestamp,
        data_change: bool,
    ) -> Result<Add, Error> {
        let Self { file, path, stats, mut tags, hour } = self;
        tags::put_sha256(&mut tags, file.sha256());
        let (site, location, size) = (site.clone(), table.location(&path), file.length());
        let target = site.path(&location);
        let placed = tokio::task::spawn_blocking(move || file.place(&site, &location)).await;
        placed.map_err(io::Error::from).flatten().map_err(Error::file("write", &target))?;
        let mut add = addition(path, size, at, stats, data_change);
        add.partition_values.insert(layout::PARTITION.to_owned(), Some(layout::partition(hour)));
        add.tags = Some(tags);
        Ok(add)
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
