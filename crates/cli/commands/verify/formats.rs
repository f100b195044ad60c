//! The formats that `annals verify` tells of.

use ingest::{FileFormat, FormatCount};
use serde_json::{Value, json};

pub(super) fn json_of(count: &FormatCount) -> Value {
    json!({ "table": count.table, "format": count.format, "files": count.files, "rows": count.rows })
}

pub(super) fn json_of_file(file: &FileFormat) -> Value {
    json!({ "table": file.table, "file": file.path, "format": file.format, "rows": file.rows })
}

pub(super) fn words(count: &FormatCount) -> String {
    let files = if count.files == 1 { "1 file".to_owned() } else { format!("{} files", count.files) };
    format!("{}: {files} of {}, {} rows", count.table, format_word(count.format), count.rows)
}

pub(super) fn words_of_file(file: &FileFormat) -> String {
    format!("{}/{}: {}, {} rows", file.table, file.path, format_word(file.format), file.rows)
}

fn format_word(format: Option<u32>) -> String {
    format.map_or_else(|| "no format, written by another program".to_owned(), |format| format!("format {format}"))
}
