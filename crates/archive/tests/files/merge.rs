//! Files put together: row groups that are large enough are copied, and nobody can tell by what they hold.

use std::collections::BTreeSet;

use archive::{
    Key, Merged, Piece, Projection, Settings, Writer, find_ids, merge_messages, read_all, read_hour, read_keys,
    read_statistics,
};
use bytes::Bytes;
use chat::{Hour, Message, Sink as _};
use futures::executor::block_on;
use parquet::file::metadata::{KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use crate::messages::{hour, ordinary_hour, small};
use crate::reader::{Reader, all};

/// Two hours of several full row groups each, one that is small, and one of some full ones and a small one.
const ROWS: [u64; 4] = [8_000, 400, 12_000, 8_100];

/// A file of one hour.
type File = (Vec<u8>, Hour);

fn hours() -> Vec<Vec<Message<'static>>> {
    (0..).zip(ROWS).map(|(number, rows)| ordinary_hour(hour().plus(number), rows)).collect()
}

fn file(messages: &[Message<'_>], settings: Settings) -> Vec<u8> {
    crate::messages::write(messages, settings).out
}

fn merged(files: &[File], hours: &BTreeSet<Hour>, settings: Settings) -> Merged<Vec<u8>> {
    let piece = |(file, hour): &File| Piece { reader: Reader::new(file.clone()), hours: *hour..=*hour };
    merge_messages(files.iter().map(piece).collect(), hours, Vec::new(), &settings, &[]).unwrap()
}

pub(crate) fn metadata(file: &[u8]) -> ParquetMetaData {
    let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
    reader.try_parse(&Bytes::copy_from_slice(file)).unwrap();
    reader.finish().unwrap()
}

/// The bytes of each column of a row group, as they lie in the file.
pub(crate) fn columns<'f>(file: &'f [u8], group: &RowGroupMetaData) -> Vec<&'f [u8]> {
    let ranges = group.columns().iter().map(|column| column.byte_range());
    ranges.map(|(start, length)| &file[usize::try_from(start).unwrap()..][..usize::try_from(length).unwrap()]).collect()
}

/// The files of some hours, and of all of them in one.
fn a_day(settings: Settings) -> (Vec<File>, Merged<Vec<u8>>) {
    let files: Vec<_> =
        (0..).zip(hours()).map(|(number, messages)| (file(&messages, settings), hour().plus(number))).collect();
    let day = merged(&files, &files.iter().map(|(_, hour)| *hour).collect(), settings);
    (files, day)
}

#[test]
fn a_large_row_group_is_copied_and_a_small_one_is_not() {
    let (files, day) = a_day(small());
    let whole = metadata(&day.file.out);
    let rows: Vec<_> = whole.row_groups().iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(rows, [4_000, 4_000, 400, 4_000, 4_000, 4_000, 4_000, 4_000, 100]);
    let third = metadata(&files[2].0);
    for (group, copy) in third.row_groups().iter().zip(&whole.row_groups()[3..]) {
        assert_eq!(columns(&files[2].0, group), columns(&day.file.out, copy));
        for (column, copied) in group.columns().iter().zip(copy.columns()) {
            assert_eq!(column.statistics(), copied.statistics());
            assert_eq!(column.page_encoding_stats(), copied.page_encoding_stats());
        }
        assert_eq!(group.sorting_columns(), copy.sorting_columns());
    }
    let bounds = |file: &ParquetMetaData, group: usize| file.column_index().unwrap()[group].clone();
    assert_eq!(bounds(&third, 1), bounds(&whole, 4));
}

#[test]
fn a_file_that_was_put_together_is_read_as_one_that_was_written_so() {
    let (_, day) = a_day(small());
    let messages = hours().concat();
    let mut writer = Writer::new(Vec::new(), tempfile::tempfile, small()).unwrap();
    messages.chunks(1_000).for_each(|batch| writer.write(batch).unwrap());
    let written = writer.finish().unwrap();
    let reader = Reader::new(day.file.out);
    assert!(all(read_all(reader.clone())) == messages);
    assert_eq!((day.file.rows, &day.file.statistics), (written.rows, &written.statistics));
    assert_eq!(block_on(read_statistics(reader.clone())).unwrap(), written.statistics);
    assert_eq!(day.rows.into_values().collect::<Vec<_>>(), ROWS);
    for (number, messages) in (0..).zip(hours()) {
        assert!(all(read_hour(reader.clone(), hour().plus(number))) == messages);
    }
}

/// The page index went along: what is read for one message is a small part of the file.
#[test]
fn a_message_of_a_copied_row_group_is_found_by_its_pages() {
    let (files, day) = a_day(small());
    let (one, whole) = (Reader::new(files[2].0.clone()), Reader::new(day.file.out));
    let wanted = &hours()[2][7_777];
    let key = Key { source_hour: hour().plus(2), sent_at: wanted.sent_at, part: 0, line: wanted.position.line };
    let id = wanted.msg_id.as_deref().unwrap();
    for reader in [one, whole] {
        assert_eq!(block_on(read_keys(reader.clone(), &[key], Projection::All)).unwrap(), std::slice::from_ref(wanted));
        assert!(reader.bytes_read() < reader.len() / 4, "of {}", reader.len());
        assert_eq!(block_on(find_ids(reader.clone(), &[id])).unwrap(), std::slice::from_ref(wanted));
        assert!(reader.bytes_read() < reader.len() / 4, "of {}", reader.len());
    }
}

#[test]
fn the_rest_of_a_day_has_the_other_hours() {
    let (_, day) = a_day(small());
    let others = BTreeSet::from([0, 1, 3].map(|number| hour().plus(number)));
    let piece = Piece { reader: Reader::new(day.file.out), hours: hour()..=hour().plus(3) };
    let rest = merge_messages(vec![piece], &others, Vec::new(), &small(), &[]).unwrap();
    assert_eq!(
        rest.rows.into_iter().collect::<Vec<_>>(),
        [0, 1, 3].map(|n| (hour().plus(n), ROWS[usize::try_from(n).unwrap()]))
    );
    let mut messages = hours();
    messages.remove(2);
    assert!(all(read_all(Reader::new(rest.file.out))) == messages.concat());
}

/// What is laid out otherwise, or says that it is of another format, is written anew.
#[test]
fn row_groups_of_other_layouts_are_not_copied() {
    let messages = &hours()[0];
    let ours = file(messages, small());
    let hours = BTreeSet::from([hour()]);
    let is_copied = |file: &[u8]| {
        let merged = merged(&[(file.to_vec(), hour())], &hours, small());
        let (before, after) = (metadata(file), metadata(&merged.file.out));
        assert!(all(read_all(Reader::new(merged.file.out.clone()))) == *messages);
        assert_eq!(after.row_group(0).sorting_columns(), metadata(&ours).row_group(0).sorting_columns());
        columns(file, before.row_group(0)) == columns(&merged.file.out, after.row_group(0))
    };
    // Another level makes other bytes, so that a copy shows.
    let other_level = file(messages, Settings { compression: 9, ..small() });
    assert!(is_copied(&other_level), "the level is no part of the layout");
    let format = |number: &str| Some(vec![KeyValue::new("annals.format".to_owned(), number.to_owned())]);
    for (says, sorting, expected) in [
        (format(&archive::FORMAT.to_string()), true, true),
        (format(&archive::FORMAT.to_string()), false, false),
        (format("2"), true, false),
        (None, true, false),
    ] {
        assert_eq!(is_copied(&rewritten(&other_level, says, sorting)), expected, "sorted: {sorting}");
    }
}

/// The same row groups in a file that says other things of itself.
fn rewritten(file: &[u8], says: Option<Vec<KeyValue>>, sorted: bool) -> Vec<u8> {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::file::properties::WriterProperties;

    let sorting = metadata(file).row_group(0).sorting_columns().cloned().filter(|_| sorted);
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file)).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(9).unwrap()))
        .set_max_row_group_row_count(Some(4_000))
        .set_sorting_columns(sorting)
        .set_key_value_metadata(says);
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true)
        .with_schema_root("schema".to_owned());
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), reader.schema().clone(), options).unwrap();
    reader.build().unwrap().for_each(|batch| writer.write(&batch.unwrap()).unwrap());
    writer.into_inner().unwrap()
}
