//! Files whose rows are about to move into others, held against what was written.
//!
//! Pages have no check sums, so a bit that changed in one may still decode. Copied into a new file it would get a new SHA-256,
//! and nobody could tell any more. So whoever takes rows out of a live file for one in its place reads it through before that
//! one gets its name. Files of before have no SHA-256 in the log: they are taken as they are.

use std::io::Write as _;
use std::sync::Arc;

use chat::Hour;
use object_store::path::Path;
use parquet::arrow::async_reader::AsyncFileReader as _;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::error::Error;
use crate::intake::{Intake, hex};
use crate::layout;
use crate::live::LiveFile;
use crate::open::Archive;
use crate::reader::Reader;
use crate::site::Site;
use crate::table::Table;
use crate::tags;

/// Bytes that are read at a time to be hashed.
const HASHED_AT_ONCE: u64 = 4 << 20;

/// A live file whose rows are to be copied.
pub(crate) struct Source {
    pub(crate) reader: Reader,
    /// What `reader` reads of a file in a bucket; removed when dropped.
    pub(crate) copy: Option<NamedTempFile>,
}

impl Table {
    /// Opens a live file that is what was written, as far as the log tells.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`]; else when the file cannot be read, or not be copied here.
    pub(crate) async fn proved(&self, file: &LiveFile, site: &Site) -> Result<Source, Error> {
        self.prove_on_disk(file, site).await?;
        self.source(file, site).await
    }

    /// Opens a live file for a caller who meanwhile has [`Table::prove_on_disk`] look at it. One in a bucket is downloaded and
    /// held against the log at once, so that it is not asked for twice.
    ///
    /// # Errors
    ///
    /// As [`Table::proved`].
    pub(crate) async fn source(&self, file: &LiveFile, site: &Site) -> Result<Source, Error> {
        let mut reader = self.reader(file.path(), file.size());
        let (Site::Remote(remote), Some(expected)) = (site, sha256(file)) else {
            return Ok(Source { reader, copy: None });
        };
        let mut intake = Intake::new(site)?;
        let failed = |error| Error::file("write into", remote.desk().root())(error);
        hash(&mut reader, (self.name(), file.path()), |bytes| intake.write_all(bytes).map_err(failed)).await?;
        let taken = intake.seal();
        self.compare(file, taken.sha256, expected)?;
        let name = taken.file.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let location = Path::from(layout::TEMPORARY_FOLDER).join(name);
        let reader = Reader::new(Arc::new(remote.desk().clone()), location, taken.length, Arc::default());
        Ok(Source { reader, copy: Some(taken.file) })
    }

    /// Holds a live file against the log, unless it is in a bucket.
    ///
    /// # Errors
    ///
    /// As [`Table::prove`].
    pub(crate) async fn prove_on_disk(&self, file: &LiveFile, site: &Site) -> Result<(), Error> {
        match site {
            Site::Remote(_) => Ok(()),
            Site::Disk(_) => self.prove(file).await,
        }
    }

    /// Holds a live file against the log.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`]; else when the file cannot be read.
    pub(crate) async fn prove(&self, file: &LiveFile) -> Result<(), Error> {
        let Some(expected) = sha256(file) else { return Ok(()) };
        let mut reader = self.reader(file.path(), file.size());
        let found = hash(&mut reader, (self.name(), file.path()), |_bytes| Ok(())).await?;
        self.compare(file, found, expected)
    }

    fn compare(&self, file: &LiveFile, found: String, expected: &str) -> Result<(), Error> {
        if found == expected {
            return Ok(());
        }
        let remedy = match file.hours() {
            [hour] => format!("fetch or load {hour} again, with --again"),
            _ => "put the file back from a backup".to_owned(),
        };
        let (table, file, expected) = (self.name(), file.path().to_owned(), expected.to_owned());
        Err(Error::Changed { table, file, found, expected, remedy })
    }
}

fn sha256(file: &LiveFile) -> Option<&str> {
    tags::sha256(file.add.tags.as_ref())
}

/// The SHA-256 of a file of a table as it is now, lower-case hex. Hands out its bytes on the way.
pub(crate) async fn hash(
    reader: &mut Reader,
    (table, file): (&'static str, &str),
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<String, Error> {
    let (mut hash, mut start) = (Sha256::new(), 0);
    while start < reader.size() {
        let end = reader.size().min(start + HASHED_AT_ONCE);
        let bytes = reader.get_bytes(start..end).await;
        let bytes = bytes.map_err(|error| Error::rows(table, file)(error.into()))?;
        hash.update(&bytes);
        take(&bytes)?;
        start = end;
    }
    Ok(hex(&hash.finalize()))
}

impl Archive {
    /// Holds the files with the messages of an hour against what was written, for whoever is to take rows out of them.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] for one that is not; else when it cannot be read.
    pub async fn prove_messages(&self, hour: Hour) -> Result<(), Error> {
        prove_all(self.message_table(), hour, |_file| true).await
    }

    /// The same for its messages and its dead letters.
    ///
    /// # Errors
    ///
    /// As [`Archive::prove_messages`].
    pub async fn prove(&self, hour: Hour) -> Result<(), Error> {
        prove_all(self.dead_letter_table(), hour, |_file| true).await?;
        self.prove_messages(hour).await
    }

    /// The same for those that hold other hours too, which stay when this one is replaced. Asked before anything of an hour is
    /// published: its dead letters are replaced before its messages.
    pub(crate) async fn prove_rest(&self, hour: Hour) -> Result<(), Error> {
        let is_shared = |file: &LiveFile| file.hours().len() > 1;
        prove_all(self.dead_letter_table(), hour, is_shared).await?;
        prove_all(self.message_table(), hour, is_shared).await
    }
}

async fn prove_all(table: &Table, hour: Hour, is_asked: impl Fn(&LiveFile) -> bool) -> Result<(), Error> {
    let live = table.live().await?;
    for file in live.holders(hour).iter().filter(|file| is_asked(file)) {
        match table.prove(file).await {
            // Another writer has replaced it: whoever needs its rows will find out.
            Err(error) if crate::is_gone(&error) => {}
            other => other?,
        }
    }
    Ok(())
}
