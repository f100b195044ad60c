//! The schemas are a promise to every reader of the tables.

use std::fmt::Write as _;

use arrow::datatypes::Schema;
use parquet::file::reader::{FileReader as _, SerializedFileReader};

use crate::messages::file_of;

fn written(schema: &Schema) -> String {
    schema.fields().iter().fold(String::new(), |mut lines, field| {
        let null = if field.is_nullable() { "" } else { " not null" };
        writeln!(lines, "{} {}{null}", field.name(), field.data_type()).unwrap();
        lines
    })
}

#[test]
fn messages_have_the_columns_of_the_design_in_its_order() {
    let expected = "\
msg_id Utf8
sent_at Timestamp(µs, \"UTC\")
source_hour Utf8 not null
part Int32 not null
line Int64 not null
chat_type Utf8
sender Utf8
recipient Utf8
conversation Utf8
direction Utf8
body_type Utf8
text Utf8
filename Utf8
file_length Int64
duration_s Float64
width Float64
height Float64
url Utf8
secret Utf8
thumb_url Utf8
thumb_secret Utf8
lat Float64
lng Float64
addr Utf8
action Utf8
custom_event Utf8
custom_exts Utf8
ext Utf8
rest Utf8
retained_at Timestamp(µs, \"UTC\")
about Utf8
";
    assert_eq!(written(&archive::message_schema()), expected);
}

#[test]
fn dead_letters_have_their_columns() {
    let expected = "\
source_hour Utf8 not null
part Int32 not null
line Int64 not null
offset Int64 not null
reason Utf8 not null
bytes Binary not null
";
    assert_eq!(written(&archive::dead_letter_schema()), expected);
}

#[test]
fn attachments_have_their_columns_and_no_secret() {
    let expected = "\
msg_id Utf8
source_hour Utf8 not null
part Int32 not null
line Int64 not null
kind Utf8 not null
url Utf8 not null
state Utf8 not null
deadline Timestamp(µs, \"UTC\") not null
sha256 Utf8
length Int64
media_type Utf8
http_status Int32
tried_at Timestamp(µs, \"UTC\")
fetched_at Timestamp(µs, \"UTC\")
error Utf8
";
    assert_eq!(written(&archive::attachment_schema()), expected);
}

#[test]
fn the_ledger_has_its_columns() {
    let expected = "\
source_hour Utf8 not null
recorded_at Timestamp(µs, \"UTC\") not null
state Utf8 not null
http_status Int32
error Utf8
bytes Int64 not null
sha256 Utf8
lines Int64 not null
messages Int64 not null
duplicates Int64 not null
dead_letters Int64 not null
blank_lines Int64 not null
conflicts Int64 not null
strays Int64 not null
min_sent_at Timestamp(µs, \"UTC\")
max_sent_at Timestamp(µs, \"UTC\")
files Utf8
source Utf8 not null
version Utf8 not null
retained Int64
added Int64
";
    assert_eq!(written(&archive::entry_schema()), expected);
}

#[test]
fn the_documented_columns_are_those_of_the_schema() {
    for (columns, schema) in [
        (archive::columns(), archive::message_schema()),
        (archive::dead_letter_columns(), archive::dead_letter_schema()),
        (archive::entry_columns(), archive::entry_schema()),
        (archive::attachment_columns(), archive::attachment_schema()),
    ] {
        let documented: Vec<_> = columns.iter().map(|column| (column.name, column.nullable)).collect();
        let fields: Vec<_> = schema.fields().iter().map(|field| (field.name().as_str(), field.is_nullable())).collect();
        assert_eq!(documented, fields);
        assert!(columns.iter().all(|column| column.doc.ends_with('.')));
    }
}

/// What other engines see: the Parquet schema itself, without Arrow's own.
#[test]
fn the_parquet_schema_is_plain() {
    let file = SerializedFileReader::new(bytes::Bytes::from(file_of(&[]))).unwrap();
    let metadata = file.metadata().file_metadata();
    let mut schema = Vec::new();
    parquet::schema::printer::print_schema(&mut schema, metadata.schema());
    let schema = String::from_utf8(schema).unwrap();
    assert!(schema.contains("OPTIONAL INT64 sent_at (TIMESTAMP(MICROS,true));"), "{schema}");
    assert!(schema.contains("REQUIRED BYTE_ARRAY source_hour (STRING);"), "{schema}");
    assert!(schema.contains("REQUIRED INT32 part;"), "{schema}");
    assert!(!schema.contains("INT96"), "{schema}");
    let entries = metadata.key_value_metadata().unwrap();
    let entries: Vec<_> = entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_deref())).collect();
    assert_eq!(entries, [("annals.format", Some("4"))]);
}

#[test]
fn row_groups_say_how_they_are_sorted() {
    let messages = crate::messages::ordinary_hour(crate::messages::hour(), 10);
    let file = SerializedFileReader::new(bytes::Bytes::from(file_of(&messages))).unwrap();
    let group = file.metadata().row_group(0);
    let sorted_by: Vec<_> = group
        .sorting_columns()
        .unwrap()
        .iter()
        .map(|sorting| {
            assert!(!sorting.descending && !sorting.nulls_first);
            group.column(usize::try_from(sorting.column_idx).unwrap()).column_path().string()
        })
        .collect();
    assert_eq!(sorted_by, ["source_hour", "sent_at", "msg_id", "part", "line"]);
}
