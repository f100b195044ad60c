//! Some columns of messages for other programs, seen with a stranger's eye.

use std::io::Cursor;

use archive::{Error, Extract, Form};
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::ipc::reader::FileReader;
use chat::{Message, Sink as _};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::messages::{hour, ordinary_hour, position};

const COLUMNS: [&str; 3] = ["line", "text", "sent_at"];

fn extracted(form: Form, messages: &[Message<'_>]) -> Vec<u8> {
    let mut extract = Extract::new(Vec::new(), form, &COLUMNS).unwrap();
    messages.chunks(700).for_each(|batch| extract.write(batch).unwrap());
    extract.finish().unwrap()
}

fn check(batches: &[RecordBatch], messages: &[Message<'_>]) {
    let schema = batches[0].schema();
    assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), COLUMNS);
    assert_eq!(schema.field(2).data_type().to_string(), "Timestamp(µs, \"UTC\")");
    let lines = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    let texts = batches.iter().flat_map(|batch| {
        batch.column(1).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
    });
    let rows: Vec<_> = lines.zip(texts).collect();
    let line = |message: &Message<'_>| i64::try_from(message.position.line).unwrap();
    let expected: Vec<_> =
        messages.iter().map(|message| (line(message), message.text.as_deref().map(String::from))).collect();
    assert_eq!(rows, expected);
}

/// In the order given, which is not the archive's.
fn messages() -> Vec<Message<'static>> {
    let mut messages = ordinary_hour(hour(), 20_000);
    messages.reverse();
    messages.push(Message::at(position(20_001)));
    messages
}

#[test]
fn parquet_has_the_columns_and_the_order_asked_for() {
    let messages = messages();
    let file = bytes::Bytes::from(extracted(Form::Parquet, &messages));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let metadata = reader.metadata().file_metadata();
    assert!(metadata.key_value_metadata().is_none(), "it is no file of the archive");
    assert!(reader.metadata().row_groups().iter().all(|group| group.sorting_columns().is_none()));
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    check(&batches, &messages);
}

/// One is packed while the next is filled.
#[test]
fn row_groups_follow_each_other() {
    let messages = ordinary_hour(hour(), 140_000);
    let file = bytes::Bytes::from(extracted(Form::Parquet, &messages));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 3);
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    check(&batches, &messages);
}

#[test]
fn an_arrow_file_has_them_too() {
    let messages = messages();
    let reader = FileReader::try_new(Cursor::new(extracted(Form::Arrow, &messages)), None).unwrap();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    check(&batches, &messages);
}

#[test]
fn csv_has_a_line_for_each_message_and_a_header() {
    let messages = messages();
    let csv = String::from_utf8(extracted(Form::Csv, &messages)).unwrap();
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!((lines[0], lines.len()), ("line,text,sent_at", messages.len() + 1));
    assert_eq!(lines[messages.len()], "20001,,");
    assert!(lines[1].starts_with("20000,潮汐表 "), "{}", lines[1]);
}

#[test]
fn a_column_that_is_not_there_is_an_error() {
    let error = Extract::new(Vec::new(), Form::Csv, &["line", "colour"]).map(drop).unwrap_err();
    assert!(matches!(error, Error::NoColumn(name) if name == "colour"));
}
