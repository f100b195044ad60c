//! What other engines would choke on is found, and nothing in our own files.

use std::sync::Arc;

use archive::{Fault, FaultKind, portability};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt32Array};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::messages::{file_of, hour, ordinary_hour, position};

fn faults(file: Vec<u8>) -> Vec<Fault> {
    let found = futures::executor::block_on(portability(std::io::Cursor::new(file))).unwrap();
    found.faults
}

/// A file that somebody else made.
fn foreign(columns: Vec<(&str, ArrayRef)>, statistics: EnabledStatistics) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_statistics_enabled(statistics).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn numbers() -> ArrayRef {
    Arc::new(Int64Array::from(vec![1, 2]))
}

#[test]
fn our_own_files_load_everywhere() {
    assert_eq!(faults(file_of(&ordinary_hour(hour(), 3_000))), []);
    assert_eq!(faults(file_of(&[])), []);
}

#[test]
fn types_that_somebody_does_not_read_are_found() {
    let nanos: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1]).with_timezone("UTC"));
    let unsigned: ArrayRef = Arc::new(UInt32Array::from(vec![1]));
    let words: ArrayRef = arrow::compute::cast(
        &StringArray::from(vec!["a"]),
        &arrow::datatypes::DataType::Dictionary(
            Box::new(arrow::datatypes::DataType::Int32),
            Box::new(arrow::datatypes::DataType::Utf8),
        ),
    )
    .unwrap();
    let found = faults(foreign(vec![("a", nanos), ("b", unsigned), ("c", words)], EnabledStatistics::Page));
    let types: Vec<_> = found.iter().map(|fault| (fault.column.as_str(), fault.kind.to_string())).collect();
    assert_eq!(types.len(), 3, "{types:?}");
    for ((column, text), (name, word)) in types.iter().zip([("a", "ns"), ("b", "UInt32"), ("c", "Dictionary")]) {
        assert!(*column == name && text.contains(word), "{types:?}");
    }
}

#[test]
fn names_that_are_no_names_somewhere_are_found() {
    let long = "x".repeat(64);
    let names = ["a", "A", "b c", "_table_x", "Odd", "7th", long.as_str(), "plain_1"];
    let columns = names.iter().map(|name| (*name, numbers())).collect();
    let found = faults(foreign(columns, EnabledStatistics::Page));
    let columns: Vec<_> = found.iter().map(|fault| fault.column.as_str()).collect();
    assert_eq!(columns, ["a", "A", "b c", "_table_x", "Odd", "7th", long.as_str()], "{found:?}");
}

#[test]
fn missing_statistics_are_found() {
    let found = faults(foreign(vec![("a", numbers())], EnabledStatistics::None));
    assert_eq!(found, [Fault { column: "a".to_owned(), kind: FaultKind::Statistics { groups: 1 } }]);
}

#[test]
fn what_is_too_long_is_found() {
    let mut messages = ordinary_hour(hour(), 3);
    let mut long = chat::Message::at(position(9));
    long.text = Some("x".repeat(65_536).into());
    messages.push(long.clone());
    long.text = Some("x".repeat(65_535).into());
    messages.push(long.clone());
    let of_text = Fault { column: "text".to_owned(), kind: FaultKind::LongCells { values: 1, longest: 65_536 } };
    assert_eq!(faults(file_of(&messages)), [of_text]);
    long.ext = Some("x".repeat(4 << 20).into());
    let found = faults(file_of(&[long]));
    assert!(
        matches!(
            found[..],
            [Fault { kind: FaultKind::LongCells { .. }, .. }, Fault { kind: FaultKind::LongRows { rows: 1, .. }, .. }]
        ),
        "{found:?}"
    );
}
