//! What in a file other engines would refuse, cut or misread.

use std::collections::BTreeMap;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Schema, TimeUnit};
use futures::TryStreamExt as _;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::ParquetMetaData;

use crate::error::Error;
use crate::guard::{guarded_batches, guarded_wait};

/// Bytes of a text that Redshift loads at the most, the least among the engines.
pub const LONGEST_CELL: usize = 65_535;
/// Bytes of a row that Redshift loads at the most, the least among the engines.
pub const LONGEST_ROW: usize = 4 << 20;
/// Characters of a name that PostgreSQL keeps, the least among the engines.
pub(crate) const LONGEST_NAME: usize = 63;

/// Beginnings of names that BigQuery keeps for itself, and names that Delta does.
pub(crate) const RESERVED: [&str; 8] =
    ["_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier", "_commit_", "_change_type"];

/// What a file has in it, as far as others care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portability {
    /// The columns with their types, in the order of the file.
    pub columns: Vec<(String, String)>,
    /// What others would choke on.
    pub faults: Vec<Fault>,
}

/// One thing that others would choke on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The column; empty for the row as a whole.
    pub column: String,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// What is wrong with a column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// Its type.
    #[error("has the type {found}, which {why}")]
    Type {
        /// The type.
        found: String,
        /// Who chokes on it.
        why: &'static str,
    },
    /// Its name.
    #[error("has a name that {0}")]
    Name(&'static str),
    /// It has no statistics in some row groups.
    #[error("has no statistics in {groups} row groups, so that no engine can skip any of it")]
    Statistics {
        /// In how many.
        groups: usize,
    },
    /// Some values are too long.
    #[error("has {values} values of more than {LONGEST_CELL} bytes, the longest of {longest}: Redshift refuses them")]
    LongCells {
        /// How many.
        values: u64,
        /// The bytes of the longest.
        longest: usize,
    },
    /// Some rows are too long.
    #[error("{rows} rows have more than {LONGEST_ROW} bytes, the longest {longest}: Redshift refuses them")]
    LongRows {
        /// How many.
        rows: u64,
        /// The bytes of the longest.
        longest: usize,
    },
}

/// Looks a whole file through, whatever wrote it.
///
/// # Errors
///
/// When it cannot be read.
pub async fn portability<R>(mut reader: R) -> Result<Portability, Error>
where
    R: AsyncFileReader + Unpin + Send + 'static,
{
    let options = ArrowReaderOptions::new();
    let metadata = guarded_wait(ArrowReaderMetadata::load_async(&mut reader, options)).await?;
    let schema = metadata.schema().clone();
    let columns = schema.fields().iter().map(|field| (field.name().clone(), field.data_type().to_string())).collect();
    let mut faults = of_types(&schema, metadata.metadata());
    faults.extend(of_names(&schema));
    faults.extend(of_statistics(metadata.metadata()));
    let mut batches = guarded_batches(ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata).build()?);
    let mut long = Lengths::default();
    while let Some(batch) = batches.try_next().await? {
        long.look_at(&batch);
    }
    faults.extend(long.faults());
    Ok(Portability { columns, faults })
}

fn fault(column: &str, kind: FaultKind) -> Fault {
    Fault { column: column.to_owned(), kind }
}

fn of_types(schema: &Schema, metadata: &ParquetMetaData) -> Vec<Fault> {
    let old_times = metadata.file_metadata().schema_descr().columns().iter().filter_map(|column| {
        let is_old = column.physical_type() == PhysicalType::INT96;
        is_old.then(|| type_fault(column.name(), "INT96", "is deprecated and has no zone"))
    });
    let wrong = schema.fields().iter().filter_map(|field| {
        let why = misfit(field.data_type())?;
        Some(type_fault(field.name(), &field.data_type().to_string(), why))
    });
    let mut faults: Vec<Fault> = old_times.collect();
    for fault in wrong {
        if !faults.iter().any(|known| known.column == fault.column) {
            faults.push(fault);
        }
    }
    faults
}

fn type_fault(column: &str, found: &str, why: &'static str) -> Fault {
    fault(column, FaultKind::Type { found: found.to_owned(), why })
}

/// Who chokes on a type; nobody on those of this program and the like.
fn misfit(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::Date32 => None,
        DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Millisecond, Some(_)) => None,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Some("Spark and Databricks do not read"),
        DataType::Timestamp(..) => Some("has no zone, so that engines read it as a local time"),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            Some("Redshift, Trino and Snowflake do not have")
        }
        DataType::Dictionary(..) => Some("is a dictionary of Arrow, which only readers of Arrow know"),
        DataType::Map(..) => Some("BigQuery and Redshift do not load"),
        _ => Some("not every warehouse loads into a column"),
    }
}

fn of_names(schema: &Schema) -> Vec<Fault> {
    let mut seen = BTreeMap::<String, usize>::new();
    for field in schema.fields() {
        *seen.entry(field.name().to_lowercase()).or_default() += 1;
    }
    let wrong = |name: &str| {
        let lower = name.to_lowercase();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if seen[&lower] > 1 {
            Some("another column has too, in other case: most engines take the two for one")
        } else if name.len() > LONGEST_NAME {
            Some("is longer than the 63 bytes that PostgreSQL keeps")
        } else if !name.bytes().all(is_plain) || name.is_empty() || name.as_bytes()[0].is_ascii_digit() {
            Some("has other characters than letters, digits and underscores, or begins with a digit")
        } else if name != lower {
            Some("is not in lower case, which some engines fold and others do not")
        } else if RESERVED.iter().any(|word| lower.starts_with(word)) {
            Some("BigQuery or Delta keep for themselves")
        } else {
            None
        }
    };
    let named = schema.fields().iter().filter_map(|field| Some((field.name(), wrong(field.name())?)));
    named.map(|(name, why)| fault(name, FaultKind::Name(why))).collect()
}

fn of_statistics(metadata: &ParquetMetaData) -> Vec<Fault> {
    let mut missing = BTreeMap::<&str, usize>::new();
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        if column.statistics().is_none() {
            *missing.entry(column.column_descr().name()).or_default() += 1;
        }
    }
    missing.into_iter().map(|(column, groups)| fault(column, FaultKind::Statistics { groups })).collect()
}

/// Values and rows that are too long.
#[derive(Default)]
struct Lengths {
    /// Of each column how many, and the bytes of the longest.
    cells: BTreeMap<String, (u64, usize)>,
    rows: (u64, usize),
}

impl Lengths {
    fn look_at(&mut self, batch: &RecordBatch) {
        let mut rows = vec![0; batch.num_rows()];
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let length: Box<dyn Fn(usize) -> usize> = match column.data_type() {
                DataType::Utf8 => Box::new(|row| column.as_string::<i32>().value(row).len()),
                DataType::LargeUtf8 => Box::new(|row| column.as_string::<i64>().value(row).len()),
                DataType::Binary => Box::new(|row| column.as_binary::<i32>().value(row).len()),
                DataType::LargeBinary => Box::new(|row| column.as_binary::<i64>().value(row).len()),
                _ => Box::new(|_| size_of::<i64>()),
            };
            for (row, bytes) in rows.iter_mut().enumerate().filter(|(row, _)| column.is_valid(*row)) {
                let of_cell = length(row);
                *bytes += of_cell;
                if of_cell > LONGEST_CELL && matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8) {
                    note(self.cells.entry(field.name().clone()).or_default(), of_cell);
                }
            }
        }
        rows.into_iter().filter(|bytes| *bytes > LONGEST_ROW).for_each(|bytes| note(&mut self.rows, bytes));
    }

    fn faults(self) -> Vec<Fault> {
        let cells = self
            .cells
            .into_iter()
            .map(|(column, (values, longest))| Fault { column, kind: FaultKind::LongCells { values, longest } });
        let (rows, longest) = self.rows;
        let rows = (rows > 0).then(|| fault("", FaultKind::LongRows { rows, longest }));
        cells.chain(rows).collect()
    }
}

fn note(known: &mut (u64, usize), bytes: usize) {
    *known = (known.0 + 1, known.1.max(bytes));
}
