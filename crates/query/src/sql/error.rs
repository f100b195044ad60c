//! Why a query in SQL was not answered.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::common::diagnostic::Diagnostic;
use datafusion::error::DataFusionError;

/// Why a query was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The query makes no sense.
    #[error("{message}")]
    Query {
        /// What is wrong with it.
        message: String,
        /// The line and column, each counted from 1, where that is known.
        at: Option<(u64, u64)>,
        /// A name in it that nothing has, with those that would have done.
        unknown: Option<(String, Vec<String>)>,
    },
    /// A full-text query within it makes no sense.
    #[error("could not read the full-text query")]
    FullText(#[source] index::QueryError),
    /// It needs more memory than it may use, and cannot put it on disk.
    #[error("the query needs more memory than it may use: {message}")]
    Memory {
        /// What needed it.
        message: String,
    },
    /// An hour was published anew while it was read.
    #[error("hours were published anew while the query read them")]
    Moving {
        /// Whether some of the answer was written before.
        has_begun: bool,
    },
    /// The index could not be read.
    #[error("could not search the index")]
    Index(#[from] index::Error),
    /// The archive could not be read.
    #[error("could not read the tables")]
    Store(#[from] store::Error),
    /// The answer could not be written.
    #[error("could not write the answer")]
    Write(#[from] archive::Error),
    /// A file could not be written.
    #[error("could not write {}", path.display())]
    Target {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The output takes nothing.
    #[error("could not write the answer")]
    Output(#[from] std::io::Error),
    /// Something else went wrong while it was answered.
    #[error("could not answer the query: {message}")]
    Engine {
        /// What the engine says.
        message: String,
    },
}

impl SqlError {
    /// The same where some of the answer was written before.
    pub(crate) fn after_beginning(self) -> Self {
        match self {
            Self::Moving { .. } => Self::Moving { has_begun: true },
            other => other,
        }
    }

    pub(super) fn of(error: DataFusionError, tables: &[String]) -> Self {
        if store::is_gone(&error) {
            return Self::Moving { has_begun: false };
        }
        let (at, error) = apart(error, None);
        let query = |message: String, unknown| Self::Query { message, at, unknown };
        match error {
            DataFusionError::External(cause) => match cause.downcast::<index::QueryError>() {
                Ok(error) => Self::FullText(*error),
                Err(cause) => match cause.downcast::<index::Error>() {
                    Ok(error) => Self::Index(*error),
                    Err(cause) => Self::Engine { message: cause.to_string() },
                },
            },
            DataFusionError::ResourcesExhausted(message) => Self::Memory { message },
            DataFusionError::SQL(error, _) => query(without_prefix(&error.to_string()), None),
            DataFusionError::SchemaError(error, _) => {
                let unknown = unknown_column(&error);
                let message = unknown.as_ref().map(|(name, _)| format!("there is no column `{name}`"));
                query(message.unwrap_or_else(|| error.to_string()), unknown)
            }
            DataFusionError::Plan(message) => match unknown_table(&message) {
                Some(name) => query(format!("there is no table `{name}`"), Some((name, tables.to_vec()))),
                None => query(message, None),
            },
            DataFusionError::NotImplemented(message) | DataFusionError::Execution(message) => query(message, None),
            DataFusionError::ArrowError(error, _) => query(error.to_string(), None),
            other => Self::Engine { message: other.strip_backtrace() },
        }
    }
}

/// The cause itself, and the place in the query that goes with it.
fn apart(error: DataFusionError, at: Option<(u64, u64)>) -> (Option<(u64, u64)>, DataFusionError) {
    match error {
        DataFusionError::Context(_, cause) => apart(*cause, at),
        DataFusionError::Diagnostic(diagnostic, cause) => apart(*cause, place(&diagnostic).or(at)),
        DataFusionError::Collection(causes) => match causes.into_iter().next() {
            Some(cause) => apart(cause, at),
            None => (at, DataFusionError::Execution("no cause was told".to_owned())),
        },
        DataFusionError::Shared(cause) => match Arc::try_unwrap(cause) {
            Ok(cause) => apart(cause, at),
            Err(cause) => (at, shared(&cause)),
        },
        DataFusionError::External(cause) => match cause.downcast::<DataFusionError>() {
            Ok(cause) => apart(*cause, at),
            Err(cause) => (at, DataFusionError::External(cause)),
        },
        DataFusionError::ArrowError(cause, text) => match *cause {
            ArrowError::ExternalError(cause) => match cause.downcast::<DataFusionError>() {
                Ok(cause) => apart(*cause, at),
                Err(cause) => (at, DataFusionError::External(cause)),
            },
            cause => (at, DataFusionError::ArrowError(Box::new(cause), text)),
        },
        other => (at, other),
    }
}

/// What several parts of the plan wait for fails for all of them.
fn shared(cause: &DataFusionError) -> DataFusionError {
    match cause.find_root() {
        DataFusionError::ResourcesExhausted(message) => DataFusionError::ResourcesExhausted(message.clone()),
        other => DataFusionError::Execution(other.strip_backtrace()),
    }
}

fn place(diagnostic: &Diagnostic) -> Option<(u64, u64)> {
    diagnostic.span.map(|span| (span.start.line, span.start.column))
}

fn unknown_column(error: &SchemaError) -> Option<(String, Vec<String>)> {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known = valid_fields.iter().map(|column| column.name.clone()).collect();
            Some((field.name.clone(), known))
        }
        _ => None,
    }
}

/// The name in `table 'datafusion.public.mesages' not found`.
fn unknown_table(message: &str) -> Option<String> {
    let name = message.strip_prefix("table '")?.strip_suffix("' not found")?;
    Some(name.rsplit('.').next().unwrap_or(name).to_owned())
}

fn without_prefix(message: &str) -> String {
    message.trim_start_matches("sql parser error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_not_there_is_named_as_it_was_written() {
        assert_eq!(unknown_table("table 'datafusion.public.mesages' not found").as_deref(), Some("mesages"));
        assert_eq!(unknown_table("table function 'x' not found"), None);
    }
}
