//! The tables with their columns, and what there is to call, in words.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::DataType;
use datafusion::prelude::SessionContext;

use super::functions::INNER;
use super::lookup::Search;

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumns {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<ColumnType>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnType {
    /// Its name.
    pub name: String,
    /// Its type in the words of SQL.
    pub type_word: String,
}

/// The names of all functions that a query may call, in order.
pub(super) fn functions(context: &SessionContext) -> Vec<String> {
    let state = context.state();
    let (scalar, aggregate, window) =
        (state.scalar_functions().keys(), state.aggregate_functions().keys(), state.window_functions().keys());
    let names: BTreeSet<&String> = scalar.chain(aggregate).chain(window).collect();
    let names = names.into_iter().filter(|name| !INNER.contains(&name.as_str())).cloned();
    let mut names: Vec<String> = names.chain([Search::NAME.to_owned()]).collect();
    names.sort();
    names
}

/// A type in the words of SQL, as the columns of the tables have them; what has no such word in those of Arrow.
pub(crate) fn type_word(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Decimal128(digits, scale) => format!("decimal({digits},{scale})"),
        other => other.to_string(),
    }
}
