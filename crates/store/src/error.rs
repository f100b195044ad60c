//! What can go wrong with an archive.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};

use chat::{App, Hour};
use deltalake::DeltaTableError;

/// Why an archive could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bucket cannot be reached as the environment says.
    #[error("could not find a way to {address}")]
    Bucket {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// A live file is not what was written, so that its rows are not copied into another; nothing was changed.
    #[error(
        "{table}/{file} is not what was written: its SHA-256 is {found}, not {expected}; `annals verify` names all such files; \
         {remedy}"
    )]
    Changed {
        /// The table.
        table: &'static str,
        /// The file, relative to the table.
        file: String,
        /// The hash of the file.
        found: String,
        /// The hash that it had.
        expected: String,
        /// What helps.
        remedy: String,
    },
    /// Other writers were first every time.
    #[error("could not commit to table `{table}`: other writers were first {attempts} times")]
    Contended {
        /// The table.
        table: &'static str,
        /// How often it was tried.
        attempts: u32,
    },
    /// A file of the archive's own does not say what it should.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or folder could not be used.
    #[error("could not {action} {}", path.display())]
    File {
        /// What was to be done, as in "could not …".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The archive belongs to another app.
    #[error("the archive belongs to the app {archive}, not to {asked}")]
    ForeignApp {
        /// The app that the archive belongs to.
        archive: App,
        /// The app that was asked for.
        asked: App,
    },
    /// A file of a table is not where its log says.
    #[error("{file} of table `{table}` is missing: the log of the table names it, and it is not there")]
    Lost {
        /// The table.
        table: &'static str,
        /// The file, relative to the table.
        file: String,
    },
    /// The rows of an hour are not as many as the table's log says; nothing was changed.
    #[error(
        "could not rewrite {hour}: by its log table `{table}` has {said} rows of it, and there are {rows}; see `annals verify`"
    )]
    Miscounted {
        /// The table.
        table: &'static str,
        /// The hour.
        hour: Hour,
        /// The number that the table's log says.
        said: u64,
        /// The number of rows.
        rows: u64,
    },
    /// The archive was written by a newer version of the program.
    #[error("{} has format {found}, this program reads up to {newest}: use a newer version", path.display())]
    NewerFormat {
        /// The file or table.
        path: PathBuf,
        /// The number in it.
        found: u64,
        /// The newest number this program knows.
        newest: u64,
    },
    /// The folder is no archive.
    #[error("{} is no archive", path.display())]
    NoArchive {
        /// The folder.
        path: PathBuf,
    },
    /// The bucket is not there.
    #[error("there is no bucket {bucket}")]
    NoBucket {
        /// The address of the bucket alone.
        bucket: String,
    },
    /// Only an hour whose state is `done` can be published.
    #[error("could not publish {hour}: its entry does not say that it is done")]
    NotDone {
        /// The hour.
        hour: Hour,
    },
    /// The folder is no archive, and cannot become one: it holds something else.
    #[error("{} is no archive and holds {found:?}: an archive begins in a new or empty folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// The name of something that it holds.
        found: String,
    },
    /// A column cannot be promoted.
    #[error(transparent)]
    Promotion(#[from] archive::PromotionError),
    /// A note in a bucket was changed by another machine since it was read.
    #[error("{} was changed by another run just now: only one may work under a name", path.display())]
    Overtaken {
        /// The note.
        path: PathBuf,
    },
    /// A file of a table could not be written or read.
    #[error("could not write or read {file} of table `{table}`")]
    Rows {
        /// The table.
        table: &'static str,
        /// The file, relative to the table.
        file: String,
        /// Why.
        source: archive::Error,
    },
    /// The kept bytes of an hour are not those that were served.
    #[error("{} is not what was served: its SHA-256 is {found}, not {expected}", path.display())]
    NotAsServed {
        /// The file.
        path: PathBuf,
        /// The hash of the file.
        found: String,
        /// The hash that it had.
        expected: String,
    },
    /// Another program has put the rows of the hour into several files, or into one with other hours of which it does not say
    /// what this program says of each, so that it cannot be replaced alone.
    #[error(
        "could not replace {hour}: {file} of table `{table}` was not written by annals, and is not the only file that holds or \
         may hold rows of the hour"
    )]
    NotOurs {
        /// The table.
        table: &'static str,
        /// The hour.
        hour: Hour,
        /// The file, relative to the table.
        file: String,
    },
    /// The log of a table could not be read or written.
    #[error("could not use the log of table `{table}`")]
    Table {
        /// The table.
        table: &'static str,
        /// Why.
        source: Box<DeltaTableError>,
    },
    /// A table of an older format could not be given the columns that came since.
    #[error("could not bring table `{table}` from format {found} to {}", archive::FORMAT)]
    Upgrade {
        /// The table.
        table: &'static str,
        /// Its format.
        found: u32,
        /// Why.
        source: Box<DeltaTableError>,
    },
}

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Ask for another app, another folder or other rights.
    FixTheSettings,
    /// Nothing that a program could do.
    GiveUp,
    /// The same again may work.
    Retry,
}

impl Error {
    /// What a caller can do.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Contended { .. } | Self::Overtaken { .. } => Advice::Retry,
            Self::Bucket { .. }
            | Self::ForeignApp { .. }
            | Self::NoArchive { .. }
            | Self::NoBucket { .. }
            | Self::NotEmpty { .. }
            | Self::NewerFormat { .. }
            | Self::Promotion(_) => Advice::FixTheSettings,
            Self::File { source, .. } if is_a_matter_of_rights(source) => Advice::FixTheSettings,
            error if is_read_only(error) => Advice::FixTheSettings,
            error if is_gone(error) => Advice::Retry,
            _ => Advice::GiveUp,
        }
    }

    /// Turns an I/O error into one that says what was to be done with which path.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }

    pub(crate) fn table(table: &'static str) -> impl FnOnce(DeltaTableError) -> Self {
        move |source| Self::Table { table, source: Box::new(source) }
    }

    pub(crate) fn rows(table: &'static str, file: &str) -> impl FnOnce(archive::Error) -> Self {
        move |source| Self::Rows { table, file: file.to_owned(), source }
    }
}

fn is_a_matter_of_rights(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotADirectory
    )
}

/// Whether an error means that a file was replaced while it was read: a fresh [`crate::Snapshot`] has its successor.
///
/// Looks through the whole chain of sources, so that the errors of the crates between can be asked too.
#[must_use]
pub fn is_gone(error: &(dyn StdError + 'static)) -> bool {
    is_by(error, |error| matches!(error, object_store::Error::NotFound { .. }))
}

/// Whether an error comes from a bucket that did not answer, or refused: not from what lies in it.
#[must_use]
pub fn is_of_a_bucket(error: &Error) -> bool {
    match error {
        Error::Bucket { .. } => true,
        Error::File { source, .. } => is_told_by_a_bucket(source),
        error => is_by(error, |error| match error {
            object_store::Error::Generic { store, .. } => *store != "Disk",
            object_store::Error::Unauthenticated { .. } => true,
            _ => false,
        }),
    }
}

/// Whether an error of a file is what a bucket answered, or that it did not.
#[must_use]
pub fn is_told_by_a_bucket(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<object_store::Error>())
}

/// Whether an error means that the archive may be read and not written.
pub(crate) fn is_read_only(error: &(dyn StdError + 'static)) -> bool {
    is_by(error, |error| matches!(error, object_store::Error::PermissionDenied { .. }))
}

/// Whether an error comes from such a one of the disk.
fn is_by(error: &(dyn StdError + 'static), is_it: fn(&object_store::Error) -> bool) -> bool {
    std::iter::successors(Some(error), |error| (*error).source()).any(|error| error.downcast_ref().is_some_and(is_it))
}
