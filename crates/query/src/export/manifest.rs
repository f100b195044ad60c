//! `manifest.json`: what an export holds, and what it was asked for.

use serde::{Deserialize, Serialize};

/// The version of the manifest.
pub(super) const VERSION: u64 = 1;

/// What an export holds. Written beside its files as JSON with these keys; docs/export.md says what they mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this object.
    pub version: u64,
    /// The program that made it.
    pub program: String,
    /// When it was made, RFC 3339 in UTC.
    pub created_at: String,
    /// The app that the archive belongs to, `org#app`; null in an archive that is nobody's.
    pub app: Option<String>,
    /// `parquet`, `csv`, `ndjson` or `arrow`.
    pub format: String,
    /// What was asked for.
    pub options: Options,
    /// The export that goes on from the last one of its name, and which one this is.
    pub since_last: Option<SinceLast>,
    /// The columns; none for the records of `ndjson`.
    pub schema: Vec<ColumnFacts>,
    /// By what a row of an hour that was handed out before is replaced: delete the rows with the hour, then insert. Null for
    /// the answer to a query, unless it goes on from the last one.
    pub merge_key: Option<String>,
    /// Rows of all files.
    pub rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// The files, in the order of their rows.
    pub files: Vec<FileFacts>,
    /// The hours that were looked through, in order.
    pub hours: Vec<HourFacts>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Only messages sent at or after this time.
    pub since: Option<String>,
    /// Only messages sent before this time.
    pub until: Option<String>,
    /// Only messages that match.
    pub query: Option<String>,
    /// The query in SQL, whose answer the rows are; not there for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// Whether each message is there once.
    pub once: bool,
    /// Whether share secrets are there.
    pub with_secrets: bool,
    /// How it was masked.
    pub mask: Option<MaskFacts>,
    /// The columns, in their order; none for the records of `ndjson`, nor for an answer, whose columns its query names.
    pub columns: Vec<String>,
}

/// How an export was masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskFacts {
    /// `drop` or `redact`.
    pub text: String,
    /// What tells the key from others.
    pub key_id: String,
}

/// Which export of a name it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinceLast {
    /// The name.
    pub name: String,
    /// Counted from 1.
    pub number: u64,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnFacts {
    /// Its name.
    pub name: String,
    /// Its type in the words of SQL.
    #[serde(rename = "type")]
    pub type_word: String,
    /// Whether it may be null.
    pub nullable: bool,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its name, in the folder of the manifest.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Its hash, lower-case hex.
    pub sha256: String,
}

/// An hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourFacts {
    /// `yyyyMMddHH` in UTC.
    pub hour: String,
    /// The publication that its rows are; empty when it is archived no more.
    pub publication: String,
    /// Its rows in this export.
    pub rows: u64,
    /// Whether an export of this name has handed out rows of it before, which these replace.
    pub replaces: bool,
}
