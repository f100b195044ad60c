//! What the log says of the columns of each file, so that files are left out unread.

use std::collections::HashSet;

use chat::{Timestamp, parse_time};
use datafusion::arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use store::TableFile;

use super::files::PARTITION;

/// The bounds of all files of a table, in the order of the files.
pub(super) struct Bounds {
    schema: SchemaRef,
    files: Vec<OfFile>,
}

struct OfFile {
    date: Option<String>,
    told: Told,
}

/// The `stats` of an `add` action in a Delta log.
#[derive(Deserialize, Default)]
struct Told {
    #[serde(rename = "numRecords")]
    rows: Option<u64>,
    #[serde(rename = "minValues", default)]
    least: Map<String, Value>,
    #[serde(rename = "maxValues", default)]
    greatest: Map<String, Value>,
    #[serde(rename = "nullCount", default)]
    nulls: Map<String, Value>,
}

/// The number of rows alone, without the bounds, which take longer to read.
#[derive(Deserialize)]
struct Rows {
    #[serde(rename = "numRecords")]
    rows: Option<u64>,
}

/// How many rows a file has, as the log says.
pub(super) fn rows(statistics: &str) -> Option<u64> {
    serde_json::from_str::<Rows>(statistics).ok()?.rows
}

impl Bounds {
    pub(super) fn of(schema: SchemaRef, files: &[TableFile]) -> Self {
        let told = |json: &String| serde_json::from_str(json).ok();
        let of_file = |file: &TableFile| OfFile {
            date: file.date.clone(),
            told: file.statistics.as_ref().and_then(told).unwrap_or_default(),
        };
        Self { schema, files: files.iter().map(of_file).collect() }
    }

    fn values<'a>(&'a self, column: &Column, bounds: impl Fn(&'a Told) -> &'a Map<String, Value>) -> Option<ArrayRef> {
        let data_type = self.schema.field_with_name(&column.name).ok()?.data_type();
        let value = |file: &'a OfFile| {
            let known = if column.name == PARTITION {
                file.date.as_ref().and_then(|date| ScalarValue::try_from_string(date.clone(), data_type).ok())
            } else {
                bounds(&file.told).get(&column.name).and_then(|value| scalar(value, data_type))
            };
            known.map_or_else(|| ScalarValue::try_from(data_type).ok(), Some)
        };
        ScalarValue::iter_to_array(self.files.iter().map(value).collect::<Option<Vec<_>>>()?).ok()
    }
}

impl PruningStatistics for Bounds {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |told| &told.least)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.values(column, |told| &told.greatest)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let nulls = |file: &OfFile| file.told.nulls.get(&column.name).and_then(Value::as_u64);
        Some(Arc::new(self.files.iter().map(nulls).collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.files.iter().map(|file| file.told.rows).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// A bound as a value of the column; `None` for what is none.
fn scalar(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    Some(match data_type {
        DataType::Utf8View => ScalarValue::Utf8View(Some(value.as_str()?.to_owned())),
        DataType::Int32 => ScalarValue::Int32(Some(i32::try_from(value.as_i64()?).ok()?)),
        DataType::Int64 => ScalarValue::Int64(Some(value.as_i64()?)),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let time: Timestamp = parse_time(value.as_str()?).ok()?;
            ScalarValue::TimestampMicrosecond(Some(time.timestamp_micros()), zone.clone())
        }
        _ => return None,
    })
}
