//! A file that is being written and is not part of anything yet.

use std::fs::File;
use std::io::{self, Write};

use object_store::path::Path;
use tempfile::NamedTempFile;

use crate::disk::{Disk, Present};

/// A data file under its temporary name; removed when dropped before it is published.
#[derive(Debug)]
pub struct StagedFile {
    file: NamedTempFile,
    length: u64,
}

impl StagedFile {
    pub(crate) fn new(disk: &Disk) -> io::Result<Self> {
        Ok(Self { file: disk.temporary()?, length: 0 })
    }

    /// Bytes written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its bytes, for reading from the start; they stay readable when the file is removed.
    pub(crate) fn open(&self) -> io::Result<File> {
        self.file.reopen()
    }

    /// Gives the file its name, for good.
    pub(crate) fn place(self, disk: &Disk, location: &Path) -> io::Result<()> {
        disk.place(self.file, location, Present::Keep)
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
