//! Other people's readers of the tables: DuckDB over the files, `deltalake` over the log.

use std::path::Path;
use std::process::Command;

use chat::{Hour, Hours};
use emulator::corpus;

use crate::scene::{Scene, run};

/// The log is checkpointed every tenth commit or so; this many hours go well past the first checkpoint.
const HOURS: i64 = 24;

/// Prints, as JSON, what DuckDB and deltalake count.
const COUNTS: &str = r#"
import json, sys
import duckdb
from deltalake import DeltaTable

archive = sys.argv[1]
files = f"{archive}/messages/date=*/*.parquet"
connection = duckdb.connect()
connection.execute("set timezone = 'UTC'")
rows, ids, hours, first, last = connection.execute(
    f"select count(*), count(distinct msg_id), count(distinct source_hour), min(date)::varchar, max(date)::varchar from '{files}'"
).fetchone()
types = dict(connection.execute(f"select column_name, column_type from (describe select * from '{files}')").fetchall())
table = DeltaTable(f"{archive}/messages")
arrow = table.to_pyarrow_table()
print(json.dumps({
    "duckdb": rows,
    "deltalake": arrow.num_rows,
    "ids": ids,
    "delta_ids": len(set(arrow.column("msg_id").to_pylist()) - {None}),
    "hours": hours,
    "first": first,
    "last": last,
    "types": types,
    "version": table.version(),
    "entries": DeltaTable(f"{archive}/hours").to_pyarrow_table().num_rows,
    "dead_letters": DeltaTable(f"{archive}/dead_letters").to_pyarrow_table().num_rows,
}))
"#;

/// The Python that has both packages, if the tests were told of one.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "which Python to use is up to whoever runs the tests"
)]
fn python() -> Option<String> {
    let python = std::env::var("ANNALS_TEST_PYTHON").ok();
    assert!(
        python.is_some() || std::env::var_os("CI").is_none(),
        "continuous integration must set ANNALS_TEST_PYTHON; see .ci/run"
    );
    if python.is_none() {
        eprintln!("skipped: set ANNALS_TEST_PYTHON to a Python with tests/requirements.txt installed");
    }
    python
}

fn counts(python: &str, archive: &Path) -> serde_json::Value {
    let output = Command::new(python).arg("-c").arg(COUNTS).arg(archive).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn duckdb_and_deltalake_count_the_same_rows() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    let traffic = corpus::Options { seed: 3, messages_per_hour: 60, ..corpus::Options::default() };
    let first = Hour::from_key("2026031322").unwrap();
    let mut truth = chat::Tally::default();
    let mut arguments = vec!["load".to_owned(), "--no-index".to_owned()];
    for hour in Hours::between(first, first.plus(HOURS)) {
        let path = scene.path(&format!("{}.ndjson", hour.key()));
        truth += corpus::write_hour(&traffic, hour, &mut std::fs::File::create(&path).unwrap()).unwrap().tally();
        arguments.push(path.to_str().unwrap().to_owned());
        // One run an hour at first, so that the log is read before and after its first checkpoint.
        if arguments.len() == 5 {
            load_and_compare(&scene, &python, &mut arguments, None);
        }
    }
    load_and_compare(&scene, &python, &mut arguments, Some(truth.messages));

    let checkpoint = scene.archive().join("messages/_delta_log/_last_checkpoint");
    assert!(checkpoint.exists(), "the log had no checkpoint yet: too few hours");
    // Published anew after the checkpoint: the files that the hours had before are gone from both views.
    let again: Vec<String> = std::fs::read_dir(scene.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .filter(|path| path.ends_with("2026031409.ndjson"))
        .collect();
    std::fs::OpenOptions::new()
        .append(true)
        .open(&again[0])
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"{\"msg_id\":\"1\",\"chat_type\":\"chat\"}\n"))
        .unwrap();
    let mut arguments = vec!["load".to_owned(), "--no-index".to_owned(), "--again".to_owned(), again[0].clone()];
    load_and_compare(&scene, &python, &mut arguments, Some(truth.messages + 1));
}

fn load_and_compare(scene: &Scene, python: &str, arguments: &mut Vec<String>, expected: Option<u64>) {
    let refs: Vec<&str> = arguments.iter().map(String::as_str).collect();
    run(&mut scene.annals(&refs)).leaves(0);
    arguments.truncate(2);
    let counts = counts(python, &scene.archive());
    assert_eq!(counts["duckdb"], counts["deltalake"], "{counts}");
    assert_eq!(counts["ids"], counts["delta_ids"], "{counts}");
    if let Some(expected) = expected {
        assert_eq!(counts["duckdb"], expected, "{counts}");
        assert_eq!(counts["hours"], HOURS, "{counts}");
        assert_eq!((counts["first"].as_str(), counts["last"].as_str()), (Some("2026-03-13"), Some("2026-03-14")));
    }
    for (column, kind) in [
        ("date", "DATE"),
        ("sent_at", "TIMESTAMP WITH TIME ZONE"),
        ("source_hour", "VARCHAR"),
        ("part", "INTEGER"),
        ("line", "BIGINT"),
        ("file_length", "BIGINT"),
        ("lat", "DOUBLE"),
        ("text", "VARCHAR"),
    ] {
        assert_eq!(counts["types"][column], kind, "{column}");
    }
}
