//! Promoted columns, seen with a stranger's eye.

use std::collections::BTreeSet;

use archive::{Extract, Form, Piece, Promotion, Writer, merge_messages, read_all};
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use chat::{Message, Sink as _};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::merge::{columns, metadata};
use crate::messages::{hour, ordinary_hour, small};
use crate::reader::{Reader, all};

const ROWS: u64 = 8_000;

/// Every row has a number, but each tenth has a text that is none, and each seventh nothing.
fn messages() -> Vec<Message<'static>> {
    let ext = |number: usize| match number {
        number if number.is_multiple_of(7) => None,
        number if number.is_multiple_of(10) => Some(format!(r#"{{"order":{{"id":"no {number}"}}}}"#)),
        number => Some(format!(r#"{{"order":{{"id":{number},"note":"x"}}}}"#)),
    };
    let rows = ordinary_hour(hour(), ROWS).into_iter().enumerate();
    rows.map(|(number, message)| Message { ext: ext(number).map(Into::into), ..message }).collect()
}

fn promotions() -> Vec<Promotion> {
    ["ext.order.id:int64", "ext.order:json"].map(|text| Promotion::new(text, None).unwrap()).to_vec()
}

fn file(messages: &[Message<'_>], promotions: &[Promotion]) -> Vec<u8> {
    let mut writer = Writer::promoting(Vec::new(), tempfile::tempfile, small(), promotions).unwrap();
    messages.chunks(900).for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap().out
}

fn merged(file: &[u8], promotions: &[Promotion]) -> Vec<u8> {
    let piece = Piece { reader: Reader::new(file.to_vec()), hours: hour()..=hour() };
    merge_messages(vec![piece], &BTreeSet::from([hour()]), Vec::new(), &small(), promotions).unwrap().file.out
}

fn batches(file: &[u8]) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file)).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// The last two columns of a file, as they must be.
fn check(file: &[u8], messages: &[Message<'_>]) {
    let batches = batches(file);
    let schema = batches[0].schema();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names[names.len() - 2..], ["ext_order_id", "ext_order"]);
    let mut rows = messages.iter().enumerate();
    for batch in batches {
        let ids = batch.column_by_name("ext_order_id").unwrap().as_primitive::<Int64Type>();
        let orders = batch.column_by_name("ext_order").unwrap().as_string::<i32>();
        for (id, order) in ids.iter().zip(orders) {
            let (number, message) = rows.next().unwrap();
            let is_number = !number.is_multiple_of(7) && !number.is_multiple_of(10);
            assert_eq!(id, is_number.then(|| i64::try_from(number).unwrap()));
            assert_eq!(
                order,
                message.ext.as_deref().and_then(|ext| ext.strip_prefix(r#"{"order":"#)?.strip_suffix('}'))
            );
        }
    }
    assert!(rows.next().is_none());
}

#[test]
fn promoted_columns_come_last_and_repeat_what_a_row_says() {
    let messages = messages();
    let file = file(&messages, &promotions());
    check(&file, &messages);
    assert!(all(read_all(Reader::new(file))) == messages, "a reader that knows nothing of them reads the same rows");
}

#[test]
fn a_file_that_is_written_anew_gets_them() {
    let messages = messages();
    let before = file(&messages, &promotions()[..1]);
    let after = merged(&before, &promotions());
    check(&after, &messages);
    let again = merged(&after, &promotions());
    for (group, copy) in metadata(&after).row_groups().iter().zip(metadata(&again).row_groups()) {
        assert!(columns(&after, group) == columns(&again, copy), "what has them is copied");
    }
    let without = merged(&after, &[]);
    assert!(batches(&without)[0].column_by_name("ext_order").is_none());
    assert!(all(read_all(Reader::new(without))) == messages);
}

#[test]
fn an_extract_has_those_that_are_asked_for() {
    let messages = messages();
    let columns = ["ext_order_id", "msg_id"];
    let mut extract = Extract::promoting(Vec::new(), Form::Csv, &columns, &promotions()).unwrap();
    extract.write(&messages[..3]).unwrap();
    let csv = String::from_utf8(extract.finish().unwrap()).unwrap();
    let lines: Vec<_> = csv.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(lines, ["ext_order_id", "", "1", "2"]);
    let mut extract = Extract::promoting(Vec::new(), Form::Parquet, &columns, &promotions()).unwrap();
    extract.write(&messages).unwrap();
    let file = extract.finish().unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
    let schema = reader.schema().clone();
    assert_eq!(schema.fields().len(), 2);
    assert_eq!(schema.field(0).data_type().to_string(), "Int64");
    assert!(Extract::new(Vec::new(), Form::Csv, &columns).is_err(), "it is no column of the program");
}
