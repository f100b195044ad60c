//! Files that are not as this version writes them.

use std::sync::Arc;

use archive::{Error, Projection, Settings, Writer, find_ids, message_schema, read_all, read_entries, read_keys};
use arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use chat::{Message, Sink as _};
use futures::executor::block_on;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

use crate::messages::{file_of, hour, key, ordinary_hour};
use crate::reader::{Reader, all};

fn error_of(file: Vec<u8>) -> Error {
    match block_on(read_all(Reader::new(file))) {
        Ok(_) => panic!("the file was read"),
        Err(error) => error,
    }
}

/// A file as another program would write it.
fn rewritten(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn batch_of(messages: &[Message<'_>]) -> RecordBatch {
    let file = bytes::Bytes::from(file_of(messages));
    let mut batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(1 << 20).build().unwrap();
    batches.next().unwrap().unwrap()
}

fn with_format(number: &str) -> Vec<u8> {
    let entry = KeyValue::new("annals.format".to_owned(), number.to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![entry])).build();
    rewritten(&RecordBatch::new_empty(message_schema()), properties)
}

#[test]
fn a_newer_format_is_refused_in_words() {
    assert_eq!(
        error_of(with_format("5")).to_string(),
        "the file has format 5, this program reads up to 4: use a newer version"
    );
    assert!(matches!(error_of(with_format("one")), Error::Format { .. }));
    assert!(matches!(error_of(with_format("0")), Error::Format { .. }));
    for older in ["1", "2", "3"] {
        assert_eq!(all(read_all(Reader::new(with_format(older)))), []);
    }
}

/// As Delta's own tools compact a table: no number, no page index, other order of columns, one more and one less.
#[test]
fn a_file_that_another_program_rewrote_gives_the_same_rows() {
    let messages = ordinary_hour(hour(), 3_000);
    let ours = batch_of(&messages);
    let names = ours.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let kept = names.iter().rev().filter(|name| *name != "lat");
    let mut columns: Vec<(String, ArrayRef)> =
        kept.map(|name| (name.clone(), ours.column_by_name(name).unwrap().clone())).collect();
    columns.insert(3, ("added".to_owned(), Arc::new(Int64Array::from(vec![7; 3_000]))));
    let theirs =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .unwrap();
    let properties = WriterProperties::builder()
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .build();
    let reader = Reader::new(rewritten(&theirs, properties));
    assert!(all(read_all(reader.clone())) == messages);
    let sought = &messages[1_234];
    assert_eq!(
        block_on(read_keys(reader.clone(), &[key(sought)], Projection::All)).unwrap(),
        std::slice::from_ref(sought)
    );
    let id = sought.msg_id.as_deref().unwrap();
    assert_eq!(block_on(find_ids(reader, &[id])).unwrap(), std::slice::from_ref(sought));
}

/// Codecs, encodings and pages as other programs choose them.
#[test]
fn a_file_of_another_layout_gives_the_same_rows() {
    let messages = ordinary_hour(hour(), 12_000);
    let ours = batch_of(&messages);
    let sought: Vec<_> = [0, 1, 777, 5_345, 5_346, 11_999].map(|row| messages[row].clone()).into();
    let keys: Vec<_> = sought.iter().map(key).collect();
    let ids: Vec<_> = sought.iter().filter_map(|message| message.msg_id.as_deref()).collect();
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for compression in [zstd, Compression::UNCOMPRESSED] {
            for (has_index, has_dictionary) in [(true, true), (true, false), (false, true), (false, false)] {
                let properties = WriterProperties::builder()
                    .set_writer_version(version)
                    .set_compression(compression)
                    .set_dictionary_enabled(has_dictionary)
                    .set_offset_index_disabled(!has_index)
                    .set_statistics_enabled(if has_index { EnabledStatistics::Page } else { EnabledStatistics::None })
                    .set_data_page_row_count_limit(2_000)
                    .set_max_row_group_row_count(Some(5_000))
                    .build();
                let layout = format!("{version:?}, {compression}, index {has_index}, dictionary {has_dictionary}");
                let reader = Reader::new(rewritten(&ours, properties));
                let found = block_on(read_keys(reader.clone(), &keys, Projection::All)).unwrap();
                assert!(found == sought, "{layout}");
                assert!(block_on(find_ids(reader, &ids)).unwrap() == sought, "{layout}");
            }
        }
    }
}

#[test]
fn a_column_of_another_type_is_named() {
    let ours = batch_of(&ordinary_hour(hour(), 3));
    let index = ours.schema().index_of("sent_at").unwrap();
    let mut fields: Vec<_> = ours.schema().fields().iter().cloned().collect();
    let mut columns = ours.columns().to_vec();
    fields[index] = Arc::new(Field::new("sent_at", arrow::datatypes::DataType::Utf8, true));
    columns[index] = Arc::new(StringArray::from(vec!["yesterday"; 3]));
    let theirs = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    assert_eq!(
        error_of(rewritten(&theirs, WriterProperties::new())).to_string(),
        "column `sent_at` is Utf8, not Timestamp(µs, \"UTC\")"
    );
}

#[test]
fn a_word_that_this_version_does_not_know_is_named() {
    let mut messages = ordinary_hour(hour(), 3);
    messages[1].body_type = Some(chat::BodyType::Img);
    let ours = batch_of(&messages);
    let index = ours.schema().index_of("body_type").unwrap();
    let words: StringArray = ours
        .column(index)
        .as_string::<i32>()
        .iter()
        .map(|word| word.map(|word| word.replace("img", "hologram")))
        .collect();
    let mut columns = ours.columns().to_vec();
    columns[index] = Arc::new(words);
    let theirs = RecordBatch::try_new(ours.schema(), columns).unwrap();
    let reader = Reader::new(rewritten(&theirs, WriterProperties::new()));
    let read = block_on(async { futures::TryStreamExt::try_concat(read_all(reader).await?).await });
    assert_eq!(read.unwrap_err().to_string(), "column `body_type` cannot hold `hologram`");
}

#[test]
fn a_file_of_another_table_is_refused() {
    let messages = Reader::new(file_of(&ordinary_hour(hour(), 3)));
    let error = block_on(read_entries(messages)).unwrap_err();
    assert_eq!(error.to_string(), "the file has no column `recorded_at`");
}

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    let file = file_of(&ordinary_hour(hour(), 50));
    for length in 0..file.len() {
        assert!(matches!(error_of(file[..length].to_vec()), Error::Parquet(_)), "cut at {length}");
    }
}

/// An output that takes so many bytes and then fails, as a full disk does.
struct Full {
    left: usize,
}

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.left.min(bytes.len()) {
            0 => Err(std::io::Error::from(std::io::ErrorKind::StorageFull)),
            taken => {
                self.left -= taken;
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn write_into(left: usize, messages: &[Message<'_>]) -> Result<u64, Error> {
    let mut writer = Writer::new(Full { left }, tempfile::tempfile, Settings::default())?;
    writer.write(messages)?;
    Ok(writer.finish()?.rows)
}

#[test]
fn an_output_that_fails_is_an_error_wherever_it_fails() {
    let messages = ordinary_hour(hour(), 50);
    let length = file_of(&messages).len();
    for left in (0..length).step_by(7).chain([length - 1]) {
        assert!(matches!(write_into(left, &messages), Err(Error::Parquet(_))), "after {left} bytes");
    }
    assert_eq!(write_into(length, &messages).unwrap(), 50);
}
