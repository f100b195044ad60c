//! What can be wrong with an archive.

use std::path::PathBuf;

use chat::{AttachmentKind, Hour, Part};
use decode::{Difference, RebuildError};
use store::DataFile;

use crate::error::Error;

/// One thing that is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// Lines are not accounted for.
    #[error("{hour}: {lines} lines are not {accounted} messages, duplicates, dead letters and blank lines together")]
    Conservation {
        /// The hour.
        hour: Hour,
        /// Lines that were served.
        lines: u64,
        /// What they are said to have become.
        accounted: u64,
    },
    /// The rows of a table are not as many as the ledger says.
    #[error("{hour}: the ledger has {ledger} {what}, the table holds {table}")]
    Count {
        /// The hour.
        hour: Hour,
        /// `messages`, `dead letters` or `conflicts`.
        what: &'static str,
        /// The ledger's number.
        ledger: u64,
        /// The number of rows.
        table: u64,
    },
    /// The ledger says something of an hour that what it holds does not.
    #[error("{hour}: the ledger has {ledger} as `{what}`, the archive holds {found}")]
    Ledger {
        /// The hour.
        hour: Hour,
        /// The column of the ledger: `bytes`, `sha256`, `strays`, `retained`, `min_sent_at` or `max_sent_at`.
        what: &'static str,
        /// What the ledger says.
        ledger: String,
        /// What the served files and the rows say.
        found: String,
    },
    /// The served lines that became no row are not as many as the ledger says.
    #[error("{hour}: the ledger has {ledger} {what}, the served lines are {served}")]
    Lines {
        /// The hour.
        hour: Hour,
        /// `duplicates` or `blank lines`.
        what: &'static str,
        /// The ledger's number.
        ledger: u64,
        /// The number of lines.
        served: u64,
    },
    /// The index does not hold as many documents as the hour has rows.
    #[error("{hour}: the table holds {rows} messages, the index {documents}")]
    Documents {
        /// The hour.
        hour: Hour,
        /// The number of rows.
        rows: u64,
        /// The number of documents.
        documents: u64,
    },
    /// Rows that belong to an hour which the ledger does not have as `done`.
    #[error("{hour}: the table holds {rows} {what} of an hour that the ledger does not have as done")]
    Foreign {
        /// The hour.
        hour: Hour,
        /// `messages` or `dead letters`.
        what: &'static str,
        /// The number of rows.
        rows: u64,
    },
    /// No file of the table says that it holds what the ledger says was published of an hour.
    #[error(
        "{hour}: the table holds rows of it, and not as the publication that the ledger has: another program put them into \
         several files, or a run ended before it was done"
    )]
    Untold {
        /// The hour.
        hour: Hour,
    },
    /// A file of a table is not what was written.
    #[error("{name}: is not what was written: its SHA-256 is {found}, not {expected}")]
    Changed {
        /// The file, relative to the archive.
        name: String,
        /// The hash of the file.
        found: String,
        /// The hash that it had.
        expected: String,
    },
    /// A kept file is not what its list says was served.
    #[error("{hour}: {} is not what was served: its SHA-256 is {found}, not {expected}", .path.display())]
    Hash {
        /// The hour.
        hour: Hour,
        /// The file.
        path: PathBuf,
        /// The hash of the file.
        found: String,
        /// The hash that it had.
        expected: String,
    },
    /// The log of a table and a file of it do not agree on the format that the file was written in.
    #[error("{name}: the file says {file}, the log of the table says format {log}")]
    FileFormat {
        /// The file, relative to the archive.
        name: String,
        /// What the file says.
        file: String,
        /// What the log says.
        log: String,
    },
    /// A file is newer than the table that it is in.
    #[error("{name}: the file says {file}, the table is of format {table}")]
    TableFormat {
        /// The file, relative to the archive.
        name: String,
        /// What the file says.
        file: String,
        /// What the properties of the table say.
        table: String,
    },
    /// The index is damaged.
    #[error("the index is damaged: {why}")]
    Index {
        /// In which way.
        why: String,
    },
    /// Documents of an hour that the tables do not hold.
    #[error("{hour}: the index holds an hour that the tables do not")]
    Beyond {
        /// The hour.
        hour: Hour,
    },
    /// The log of a table says something of a file that its rows or its footer do not.
    #[error("{name}: the log of the table {what}")]
    Log {
        /// The file, relative to the archive.
        name: String,
        /// What it says, and what is so.
        what: String,
    },
    /// A file in the folder of a table that the table does not name.
    #[error("{name}: is no part of the table, and who reads the plain files takes its rows for more; move it away")]
    Stray {
        /// The file, relative to the archive.
        name: String,
    },
    /// A file in the folder of a table that another program has taken out of the table.
    #[error(
        "{name}: is no part of the table any more, another program has replaced it, and who reads the plain files takes its rows \
         for more"
    )]
    Replaced {
        /// The file, relative to the archive.
        name: String,
    },
    /// The kept bytes of an hour are not whole.
    #[error("{hour}: {}: {reason}", .path.display())]
    Raw {
        /// The hour.
        hour: Hour,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A line that was served and what is kept of it part.
    #[error("{hour}: part {part}, line {line}: {what}")]
    Line {
        /// The hour.
        hour: Hour,
        /// The part.
        part: Part,
        /// The line.
        line: u64,
        /// What is the matter.
        what: Astray,
    },
    /// More lines of the same hour, which are not named.
    #[error("{hour}: {lines} more lines are not kept as they were served")]
    MoreLines {
        /// The hour.
        hour: Hour,
        /// How many.
        lines: u64,
    },
    /// An attachment that is said to be stored is not there as it is said to be.
    #[error(
        "{hour}: the {kind} of the message of part {part}, line {line} {why}; the next `annals media fetch` asks for it \
         again while the service has it"
    )]
    Attachment {
        /// The hour of the message.
        hour: Hour,
        /// The part.
        part: Part,
        /// The line.
        line: u64,
        /// Which of its files.
        kind: AttachmentKind,
        /// What is missing.
        why: String,
    },
    /// More attachments that are not there, which are not named.
    #[error("{attachments} more attachments are not there as they are said to be; `annals media verify` names them")]
    MoreAttachments {
        /// How many.
        attachments: u64,
    },
    /// The index does not find what a scan of the tables finds.
    #[error("the query `{query}`: the index misses {missed}; and finds {wrong} that do not match")]
    Search {
        /// The query.
        query: String,
        /// How many match and are not found, and which.
        missed: String,
        /// How many are found and do not match, and which.
        wrong: String,
    },
    /// More queries of which index and tables do not find the same.
    #[error("{queries} more queries find other messages in the index than in the tables")]
    MoreSearches {
        /// How many.
        queries: u64,
    },
    /// A file could not be read.
    #[error("{name}: could not be read: {why}")]
    Unreadable {
        /// The file, relative to the archive.
        name: String,
        /// Why.
        why: String,
    },
}

impl Finding {
    /// A file of messages that could not be read.
    pub(super) fn unreadable(file: &DataFile, error: &archive::Error) -> Self {
        Self::Unreadable { name: format!("messages/{}", file.path), why: why(error) }
    }

    /// The file that it says is damaged, relative to the archive.
    pub(super) fn damaged_file(&self) -> Option<&str> {
        match self {
            Self::Changed { name, .. } | Self::Unreadable { name, .. } => Some(name),
            _ => None,
        }
    }

    /// A damaged file of the ledger, or a damaged log of a table: without it nothing can be said of the rest.
    pub(super) fn of_table(error: &store::Error) -> Option<Self> {
        // A store that cannot be reached, or may not be read, is whole for all that is known.
        if store::is_of_a_bucket(error) || !store::is_gone(error) && error.advice() != store::Advice::GiveUp {
            return None;
        }
        let name = match error {
            store::Error::Rows { table, file, .. } => format!("{table}/{file}"),
            store::Error::Table { table, .. } => format!("{table}/_delta_log"),
            store::Error::Damaged { path, .. } => path.display().to_string(),
            _ => return None,
        };
        Some(Self::Unreadable { name, why: why(error) })
    }

    /// What the operator can do about it, where the finding itself does not say so.
    #[must_use]
    pub fn next_step(&self) -> Option<&'static str> {
        match self {
            Self::Conservation { .. }
            | Self::Count { .. }
            | Self::Foreign { .. }
            | Self::Ledger { .. }
            | Self::Line { .. }
            | Self::Lines { .. }
            | Self::Log { .. }
            | Self::MoreLines { .. }
            | Self::Untold { .. } => Some(
                "publish the hour anew: `annals load --again` with its file, for which that in `raw/` will do, or `annals fetch \
                 --again` while the service has it",
            ),
            Self::Changed { name, .. }
            | Self::FileFormat { name, .. }
            | Self::TableFormat { name, .. }
            | Self::Unreadable { name, .. } => mend(name),
            Self::Hash { .. } | Self::Raw { .. } => Some(
                "put the served file and its list in `raw/` back from a backup, or `annals load --again` the hour's file if there is \
                 a sound one, or `annals fetch --again` the hour while the service has it; the rows of the tables are not concerned",
            ),
            Self::Beyond { .. }
            | Self::Documents { .. }
            | Self::Index { .. }
            | Self::MoreSearches { .. }
            | Self::Search { .. } => Some("`annals index rebuild` makes the index anew from the tables"),
            // Without the two arguments it would leave what is younger than an hour, which a table in a folder remembers.
            Self::Replaced { .. } => Some(
                "once nobody reads the table as it was before, in the folder of the archive, and for each table that is named: \
                 `python3 -c 'from deltalake import DeltaTable; DeltaTable(\"messages\").vacuum(retention_hours=0, \
                 enforce_retention_duration=False, dry_run=False)'`",
            ),
            Self::Attachment { .. } | Self::MoreAttachments { .. } | Self::Stray { .. } => None,
        }
    }

    /// What is wrong with an index: one that only cannot be read is not damaged, and nobody is to delete it.
    #[must_use]
    pub fn of_index(error: index::Error) -> Self {
        let is_damaged = error.rebuild_helps();
        let why = Error::Index(error).in_one_line();
        if is_damaged { Self::Index { why } } else { Self::Unreadable { name: "index".to_owned(), why } }
    }
}

/// What can be done about a damaged file.
fn mend(name: &str) -> Option<&'static str> {
    match name.split_once('/') {
        Some(("messages" | "dead_letters", file)) if !file.starts_with("_delta_log") => Some(
            "put the file back from a backup; one of `messages` or `dead_letters` that holds a single hour is also written anew by \
             `annals load --again` with the file of that hour, for which that in `raw/` will do",
        ),
        // An index that cannot be read just now says why.
        None => None,
        Some(_) => Some("put the file back from a backup"),
    }
}

/// What an error comes down to: that a file is missing, or else its last cause.
pub(super) fn why(error: &(dyn std::error::Error + 'static)) -> String {
    if store::is_gone(error) {
        return "it is missing".to_owned();
    }
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.last().map_or_else(String::new, ToString::to_string)
}

/// In which way a line that was served and what is kept of it part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Astray {
    /// The row gives back the value that was served, and a column of it is not what the line is read as. This is the first.
    #[error("the message is not what its line gives: the column `{column}` has {row}, and the line gives {line}")]
    Column {
        /// The column.
        column: &'static str,
        /// What the row has there, cut to a few words.
        row: String,
        /// What the line gives, the same.
        line: String,
    },
    /// The row does not give back the value that was served. This is the first difference.
    #[error("the message is not what was served: {0}")]
    Differs(Difference),
    /// The dead letter is another.
    #[error("the dead letter is not what was served: its {0} differs")]
    Letter(&'static str),
    /// There is a dead letter, and the line is a message.
    #[error("the table holds a dead letter, and what was served is a message")]
    NoLetter,
    /// There is a row, and the line is no message.
    #[error("the table holds a message, and what was served is none")]
    NoMessage,
    /// Nothing is kept of the line.
    #[error("what was served is no message of the table, no copy of one, and no dead letter")]
    NotKept,
    /// A row or letter that is not marked as served no more, and was not served.
    #[error("the table holds a {0} that was not served")]
    NotServed(&'static str),
    /// The line is longer than the limit, so that it was not compared.
    #[error("the line is longer than `decode.line_limit` is now, and was not compared")]
    TooLong,
    /// No record can be made of the row.
    #[error("no record can be made of the message: {0}")]
    Unmade(RebuildError),
}
