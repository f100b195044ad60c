//! The pages of docs/python say what the tables say.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::interop::{hour_files, python, told_with};
use crate::scene::{Scene, run};
use crate::table;

/// Runs the code of a page beside the archive, and prints what it found.
const RUN: &str = r#"
import datetime, json, os, sys

os.chdir(sys.argv[1])
page = open(sys.argv[2]).read()
found = {}
exec(page.split("```python\n")[1].split("\n```")[0], found)


def plain(value):
    if isinstance(value, datetime.datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)
        return (zoned - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(microseconds=1)
    return value.decode() if isinstance(value, bytes) else value


rows = [{name: plain(value) for name, value in row.items()} for row in found["sample"]]
print(json.dumps({"facts": [int(plain(found[name])) for name in ("rows", "lines", "first", "last")], "sample": rows}))
"#;

/// The same of the tables as this program reads them.
fn expected(archive: &Path) -> Value {
    let rows = table::messages(archive);
    let micros = |time: chat::Timestamp| time.timestamp_micros();
    let times = || rows.iter().filter_map(|row| row.sent_at).map(micros);
    let lines: u64 = rows.iter().map(|row| row.position.line).sum();
    let sample: Vec<_> = rows[..20]
        .iter()
        .map(|row| {
            json!({
                "msg_id": row.msg_id.as_deref(), "sent_at": row.sent_at.map(micros),
                "source_hour": row.position.source_hour.key(), "line": row.position.line,
                "sender": row.sender.as_deref(), "recipient": row.recipient.as_deref(), "text": row.text.as_deref(),
                "file_length": row.file_length, "lat": row.lat,
            })
        })
        .collect();
    json!({ "facts": [rows.len(), lines, times().min(), times().max()], "sample": sample })
}

#[test]
fn every_page_finds_what_the_tables_hold() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    let (files, _) = hour_files(&scene);
    let few: Vec<&str> = ["load", "--no-index"].into_iter().chain(files.iter().take(4).map(String::as_str)).collect();
    run(&mut scene.annals(&few)).leaves(0);
    let expected = expected(&scene.archive());
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/python");
    let mut names: Vec<_> = fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|page| !page.ends_with("README.md"));
    names.sort();
    assert_eq!(names.len(), 6);
    for page in names {
        let told = told_with(&python, RUN, &[&scene.path(""), &page]);
        assert_eq!(told, expected, "{}", page.display());
    }
}
