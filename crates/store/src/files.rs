//! The live files of all tables, each with what the log says of it.

use std::fmt;
use std::sync::Arc;

use chat::Hour;

use crate::error::Error;
use crate::layout::PARTITION;
use crate::live::LiveFile;
use crate::open::Archive;
use crate::proof::hash;
use crate::reader::Reader;
use crate::table::Table;
use crate::tags;

/// A live file of one of the tables.
#[derive(Clone)]
pub struct TableFile {
    /// The table.
    pub table: &'static str,
    /// Its name, relative to the table.
    pub path: String,
    /// How many bytes it has.
    pub size: u64,
    /// The day that all its rows are of, `2026-03-14`; `None` in a table without that partition.
    pub date: Option<String>,
    /// The hours that it holds, in order; none for a file of the ledger.
    pub hours: Vec<Hour>,
    /// The bounds of its columns as the log has them: the `stats` of an `add` action, which is JSON.
    pub statistics: Option<String>,
    /// The format that the log says the file was written in; not said of files of the ledger, of files of before, and of
    /// those that other programs wrote.
    pub format_in_log: Option<String>,
    /// The format of the table, from its properties.
    pub format_of_table: Option<String>,
    /// The SHA-256 of the file as it was written, lower-case hex; not said of files of before, and of those that other programs
    /// wrote.
    pub sha256: Option<String>,
    reader: Reader,
    live: Arc<LiveFile>,
}

impl TableFile {
    fn new(table: &Table, file: &Arc<LiveFile>, format_of_table: Option<&String>) -> Self {
        Self {
            table: table.name(),
            path: file.path().to_owned(),
            size: file.size(),
            date: file.add.partition_values.get(PARTITION).cloned().flatten(),
            statistics: file.add.stats.clone(),
            hours: file.hours().to_vec(),
            format_in_log: tags::format(file.add.tags.as_ref()).map(str::to_owned),
            format_of_table: format_of_table.cloned(),
            sha256: tags::sha256(file.add.tags.as_ref()).map(str::to_owned),
            reader: table.reader(file.path(), file.size()),
            live: Arc::clone(file),
        }
    }

    /// A reader of the file, for `archive::read_footer` and whatever else reads Parquet.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// How many bytes the file has now; [`TableFile::size`] is what it was written with.
    ///
    /// # Errors
    ///
    /// When it cannot be looked at.
    pub async fn length(&self) -> Result<u64, Error> {
        self.reader.length().await.map_err(|error| Error::rows(self.table, &self.path)(error.into()))
    }

    /// The SHA-256 of the file as it is now, lower-case hex. Reads all of it.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn hashed(&self) -> Result<String, Error> {
        hash(&mut self.reader(), (self.table, &self.path), |_bytes| Ok(())).await
    }

    /// Whether the rows that it has of an hour are this publication's, as [`chat::Entry::files`] names it.
    #[must_use]
    pub fn holds(&self, hour: Hour, publication: &str) -> bool {
        self.hours.contains(&hour) && self.live.publications(hour).any(|name| name == publication)
    }

    /// Whether it says of which publication the messages are that it has of an hour. A file that another program wrote anew does not.
    #[must_use]
    pub fn tells(&self, hour: Hour) -> bool {
        self.live.told(hour).is_some()
    }
}

impl fmt::Debug for TableFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableFile").field("table", &self.table).field("path", &self.path).finish_non_exhaustive()
    }
}

impl Archive {
    /// The live files of `messages`, `dead_letters`, `hours` and, if there is such a table, `attachments`.
    ///
    /// # Errors
    ///
    /// When the log of a table cannot be read.
    pub async fn files(&self) -> Result<Vec<TableFile>, Error> {
        let mut files = Vec::new();
        for table in self.all_tables().await? {
            let (live, format) = (table.live().await?, table.format().await?);
            files.extend(live.files().map(|file| TableFile::new(table, file, format.as_ref())));
        }
        Ok(files)
    }
}
