//! What a file says about its rows without being read.

use chat::Timestamp;
use parquet::file::metadata::RowGroupMetaData;
use parquet::schema::types::SchemaDescriptor;
use serde_json::{Map, json};

use crate::bounds::{Bound, Stretch};
use crate::table::{Bounds, Cell, Field, Table};

/// The statistics of a file: what a table's log keeps, so that readers skip files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// Rows of the file.
    pub rows: u64,
    /// Those of the columns by which a reader would skip files, in the order of the columns.
    pub columns: Vec<ColumnStatistics>,
    /// The columns behind those of the table: the promoted ones, in a file of this program.
    pub promoted: Vec<String>,
}

/// Bounds and nulls of one column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnStatistics {
    /// The column.
    pub name: &'static str,
    /// Rows where it is null. `None` when the file does not say.
    pub nulls: Option<u64>,
    /// No value is less. `None` when there is no value, or the file does not say.
    pub min: Option<Value>,
    /// No value is greater. `None` as above.
    pub max: Option<Value>,
}

/// A bound.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A text of at most 33 characters. A longer value is cut; it still is a bound, but no value.
    Text(String),
    /// An instant, to the microsecond.
    Time(Timestamp),
}

impl Statistics {
    /// The `stats` of an `add` action in a Delta log: `numRecords`, `minValues`, `maxValues`, `nullCount`.
    ///
    /// Times have milliseconds there, so a least one is rounded down and a greatest one up.
    #[must_use]
    pub fn to_delta_json(&self) -> String {
        let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
        for column in &self.columns {
            let name = || column.name.to_owned();
            least.extend(column.min.as_ref().and_then(Value::to_delta_min).map(|value| (name(), value)));
            greatest.extend(column.max.as_ref().and_then(Value::to_delta_max).map(|value| (name(), value)));
            nulls.extend(column.nulls.map(|count| (name(), json!(count))));
        }
        json!({ "numRecords": self.rows, "minValues": least, "maxValues": greatest, "nullCount": nulls }).to_string()
    }

    /// The statistics of a column, if they are kept.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnStatistics> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The least and the greatest time of a column.
    pub(crate) fn times(&self, name: &str) -> (Option<Timestamp>, Option<Timestamp>) {
        let time = |bound: &Option<Value>| match bound {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        };
        self.column(name).map(|column| (time(&column.min), time(&column.max))).unwrap_or_default()
    }

    /// The statistics of a file with these row groups.
    pub(crate) fn of<T: Table>(schema: &SchemaDescriptor, groups: &[RowGroupMetaData]) -> Self {
        let rows = groups.iter().map(|group| u64::try_from(group.num_rows()).unwrap_or(0)).sum();
        let columns = T::FIELDS
            .iter()
            .filter(|field| field.bounds != Bounds::Groups)
            .map(|field| ColumnStatistics::of(field, groups))
            .collect();
        let is_own = |name: &str| T::FIELDS.iter().any(|field| field.name == name);
        let others = schema.columns().iter().map(|column| column.name()).filter(|name| !is_own(name));
        Self { rows, columns, promoted: others.map(str::to_owned).collect() }
    }
}

impl ColumnStatistics {
    fn of<T: Table>(field: &Field<T>, groups: &[RowGroupMetaData]) -> Self {
        let chunks: Option<Vec<_>> = groups.iter().map(|group| Stretch::of_group(group, field.name)).collect();
        let Some(chunks) = chunks else {
            return Self { name: field.name, nulls: None, min: None, max: None };
        };
        let nulls = chunks.iter().map(|chunk| chunk.nulls).sum();
        // A chunk of nulls has no bounds and does not take away those of the others.
        let valued = || chunks.iter().filter(|chunk| !chunk.is_null());
        let least: Option<Vec<_>> = valued().map(|chunk| chunk.min.clone()).collect();
        let greatest: Option<Vec<_>> = valued().map(|chunk| chunk.max.clone()).collect();
        let min = least.and_then(|bounds| bounds.into_iter().min()).and_then(|bound| bound.to_min(&field.cell));
        let max = greatest.and_then(|bounds| bounds.into_iter().max()).and_then(|bound| bound.to_max(&field.cell));
        Self { name: field.name, nulls, min, max }
    }
}

impl Value {
    fn to_delta_min(&self) -> Option<serde_json::Value> {
        self.to_delta(|time| time.timestamp_millis())
    }

    fn to_delta_max(&self) -> Option<serde_json::Value> {
        self.to_delta(|time| {
            let below = time.timestamp_millis();
            below + i64::from(time.timestamp_micros() > below * 1_000)
        })
    }

    fn to_delta(&self, millis: impl Fn(&Timestamp) -> i64) -> Option<serde_json::Value> {
        match self {
            Self::Int(number) => Some(json!(number)),
            Self::Text(text) => Some(json!(text)),
            Self::Time(time) => {
                let time = Timestamp::from_timestamp_millis(millis(time))?;
                let plain = YEARS_OF_FOUR_DIGITS.contains(&time.timestamp());
                plain.then(|| json!(time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
            }
        }
    }
}

/// Seconds since 1970 of the years 1 to 9999, outside of which readers of Delta logs do not agree on how to write time.
const YEARS_OF_FOUR_DIGITS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Characters of a text that Delta's own writers keep in a log.
const CHARACTERS: usize = 32;

impl Bound {
    fn to_min<T: Table>(&self, cell: &Cell<T>) -> Option<Value> {
        match self {
            Self::Bytes(bytes) => Some(Value::Text(start(bytes)?.0)),
            Self::Int(number) => whole(*number, cell),
        }
    }

    fn to_max<T: Table>(&self, cell: &Cell<T>) -> Option<Value> {
        match self {
            Self::Bytes(bytes) => match start(bytes)? {
                (text, None) => Some(Value::Text(text)),
                // What was cut off is less than the greatest character, or there is no bound.
                (_, Some(char::MAX)) => None,
                (mut text, Some(_)) => {
                    text.push(char::MAX);
                    Some(Value::Text(text))
                }
            },
            Self::Int(number) => whole(*number, cell),
        }
    }
}

/// The first characters of a text, and the first that is left out.
fn start(bytes: &[u8]) -> Option<(String, Option<char>)> {
    let mut characters = str::from_utf8(bytes).ok()?.chars();
    let kept = characters.by_ref().take(CHARACTERS).collect();
    Some((kept, characters.next()))
}

fn whole<T: Table>(number: i64, cell: &Cell<T>) -> Option<Value> {
    match cell {
        Cell::Time { .. } => Timestamp::from_timestamp_micros(number).map(Value::Time),
        _ => Some(Value::Int(number)),
    }
}
