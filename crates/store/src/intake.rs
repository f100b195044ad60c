//! Bytes on their way into the archive, hashed while they arrive.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use object_store::path::Path;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::error::Error;
use crate::layout;
use crate::site::Site;

/// A place for bytes while they arrive, perhaps in several tries.
pub trait Stage: Write + Send {
    /// Forgets what was written, for another try.
    ///
    /// # Errors
    ///
    /// When the file cannot be emptied.
    fn restart(&mut self) -> io::Result<()>;
}

/// Bytes that are arriving, under a temporary name; removed when dropped.
#[derive(Debug)]
pub(crate) struct Intake {
    file: NamedTempFile,
    hash: Sha256,
    length: u64,
}

/// Bytes that arrived whole, still under a temporary name; removed when dropped. They last through a power failure when they
/// have their own name.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) file: NamedTempFile,
    pub(crate) sha256: String,
    pub(crate) length: u64,
}

impl Intake {
    pub(crate) fn new(site: &Site) -> Result<Self, Error> {
        let folder = site.path(&Path::from(layout::TEMPORARY_FOLDER));
        let file = site.temporary().map_err(Error::file("write into", &folder))?;
        Ok(Self { file, hash: Sha256::new(), length: 0 })
    }

    /// Forgets what was written.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        self.file.as_file().set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hash = Sha256::new();
        self.length = 0;
        Ok(())
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Where the bytes are meanwhile.
    pub(crate) fn path(&self) -> &std::path::Path {
        self.file.path()
    }

    /// SHA-256 of what was written so far, lower-case hex.
    pub(crate) fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// What was written so far, for reading from the start; it stays readable when the file is removed.
    pub(crate) fn open(&self) -> io::Result<File> {
        self.file.reopen()
    }

    /// Says of what was written that it is all.
    pub(crate) fn seal(self) -> Taken {
        Taken { file: self.file, sha256: hex(&self.hash.finalize()), length: self.length }
    }
}

impl Write for Intake {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or(bytes));
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}
