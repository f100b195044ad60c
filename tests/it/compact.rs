//! `annals compact`: days in one file, as their users meet them.

use std::fs;
use std::process::Command;

use chat::Hour;

use crate::interop::{python, told};
use crate::scene::{Scene, run};
use crate::table;

/// Hours of one day long ago, of so many messages each and a line that is none.
fn hour_files(scene: &Scene, hours: std::ops::Range<i64>, messages: usize) -> Vec<String> {
    let first = Hour::from_key("2026031400").unwrap();
    let write = |number: i64| {
        let hour = first.plus(number);
        let line = |id: usize| {
            let time = hour.start().timestamp_millis() + i64::try_from(id).unwrap();
            format!(
                "{{\"payload\":{{\"bodies\":[{{\"type\":\"txt\",\"msg\":\"tide {id}\"}}]}},\"msg_id\":\"{number}-{id}\",\"timestamp\":{time}}}\n"
            )
        };
        let text: String = (0..messages).map(line).chain(["no message\n".to_owned()]).collect();
        let path = scene.path(&format!("{}.ndjson", hour.key()));
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    hours.map(write).collect()
}

fn load(scene: &Scene, files: &[String], more: &[&str]) -> Command {
    let arguments: Vec<&str> =
        ["load", "--json"].iter().chain(more).copied().chain(files.iter().map(String::as_str)).collect();
    scene.annals(&arguments)
}

/// Everything of the rows that anybody could ask for.
fn rows(scene: &Scene) -> Vec<String> {
    table::messages(&scene.archive()).iter().map(|row| format!("{row:?}")).collect()
}

#[test]
fn a_day_is_put_together_and_nothing_else_changes() {
    let scene = Scene::new();
    let files = hour_files(&scene, 0..6, 5);
    run(&mut load(&scene, &files, &[])).leaves(0);
    assert_eq!(table::data_files(&scene.archive()), 6, "six files are too few for a run to put them together");
    let before = rows(&scene);
    let ledger = table::data_files(&scene.archive().join("hours"));
    let done = run(&mut scene.annals(&["compact", "--json"])).leaves(0).json();
    assert_eq!((&done["days"], &done["files_before"], &done["files_after"]), (&1.into(), &12.into(), &2.into()));
    assert_eq!((table::data_files(&scene.archive()), rows(&scene)), (1, before));
    assert_eq!(table::data_files(&scene.archive().join("hours")), ledger, "the ledger has no new row");
    let proof = run(&mut scene.annals(&["verify", "--json"])).leaves(0).json();
    assert_eq!((&proof["rows"], &proof["dead_letters"], &proof["not_indexed"]), (&30.into(), &6.into(), &0.into()));
    let shown = run(&mut scene.annals(&["show", "3-2", "--json"])).leaves(0);
    assert!(shown.stdout.contains("tide 2"), "{shown:?}");
    assert_eq!(
        run(&mut scene.annals(&["query", "tide", "--limit", "100", "--format", "jsonl"])).json_lines().len(),
        30
    );
    let again = run(&mut scene.annals(&["compact"])).leaves(0);
    assert_eq!(again.stdout, "no day has files to put together\n");
}

#[test]
fn an_hour_of_a_day_that_was_put_together_is_loaded_again() {
    let scene = Scene::new();
    let files = hour_files(&scene, 0..12, 5);
    // A day that is long over and has many files is put together by the run itself.
    run(&mut load(&scene, &files, &[])).leaves(0);
    assert_eq!(table::data_files(&scene.archive()), 1);
    run(&mut load(&scene, &files, &[])).leaves(0);
    assert_eq!(rows(&scene).len(), 12 * 5, "the same bytes change nothing");
    let grown = hour_files(&scene, 7..8, 9);
    run(&mut load(&scene, &grown, &["--again"])).leaves(0);
    assert_eq!((table::data_files(&scene.archive()), rows(&scene).len()), (2, 11 * 5 + 9));
    let proof = run(&mut scene.annals(&["verify", "--json"])).leaves(0).json();
    assert_eq!((&proof["hours"], &proof["dead_letters"], &proof["not_indexed"]), (&12.into(), &12.into(), &0.into()));
    run(&mut scene.annals(&["compact"])).leaves(0);
    assert_eq!((table::data_files(&scene.archive()), rows(&scene).len()), (1, 11 * 5 + 9));
    run(&mut scene.annals(&["verify"])).leaves(0);
}

#[test]
fn a_day_that_is_not_over_stays_as_it_is() {
    let scene = Scene::new();
    let files = hour_files(&scene, 0..9, 2);
    run(load(&scene, &files, &[]).env("ANNALS_CLOCK", "2026-03-14T12:00:00Z")).leaves(0);
    for arguments in [&["compact"][..], &["compact", "--since", "2026-03-14"]] {
        run(scene.annals(arguments).env("ANNALS_CLOCK", "2026-03-14T23:59:59Z")).leaves(0);
        assert_eq!(table::data_files(&scene.archive()), 9);
    }
    // Over, but not closed: only who names it has it put together.
    let two_days_later = "2026-03-16T00:00:00Z";
    run(scene.annals(&["compact"]).env("ANNALS_CLOCK", two_days_later)).leaves(0);
    assert_eq!(table::data_files(&scene.archive()), 9);
    run(scene.annals(&["compact", "--since", "2026-03-14"]).env("ANNALS_CLOCK", two_days_later)).leaves(0);
    assert_eq!(table::data_files(&scene.archive()), 1);
}

/// Prints, as JSON, every row as DuckDB and deltalake read it, in order.
const READ: &str = r#"
import json, sys
import duckdb
from deltalake import DeltaTable

archive = sys.argv[1]
files = f"{archive}/messages/date=*/*.parquet"
connection = duckdb.connect()
connection.execute("set timezone = 'UTC'")
rows = connection.execute(f"select * from read_parquet('{files}', union_by_name = true) order by source_hour, part, line").fetchall()
table = DeltaTable(f"{archive}/messages").to_pyarrow_table().sort_by([("source_hour", "ascending"), ("part", "ascending"), ("line", "ascending")])
letters = DeltaTable(f"{archive}/dead_letters").to_pyarrow_table().sort_by([("source_hour", "ascending"), ("line", "ascending")])
print(json.dumps([str(rows), str(table.to_pylist()), str(letters.to_pylist())]))
"#;

#[test]
fn other_readers_see_the_same_rows_before_and_after() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    let files = hour_files(&scene, 0..7, 40);
    run(&mut load(&scene, &files, &[])).leaves(0);
    let read = || told(&python, READ, &scene.archive()).to_string();
    let before = read();
    assert!(before.contains("tide 39"), "{before}");
    run(&mut scene.annals(&["compact"])).leaves(0);
    assert_eq!(table::data_files(&scene.archive()), 1);
    assert!(read() == before, "a row is another");
}

/// Each takes its lines out of the file of the day, and what was written for the others of it is of no use then.
#[test]
fn hours_of_a_day_that_are_replaced_at_once_leave_no_file_behind() {
    for _round in 0..4 {
        let scene = Scene::new();
        run(&mut load(&scene, &hour_files(&scene, 0..8, 5), &["--no-index"])).leaves(0);
        run(&mut scene.annals(&["compact"])).leaves(0);
        let files = hour_files(&scene, 0..8, 6);
        run(&mut load(&scene, &files, &["--no-index", "--again", "--set", "compact.files=0"])).leaves(0);
        let proof = run(&mut scene.annals(&["verify", "--json"])).leaves(0).json();
        assert_eq!((&proof["rows"], &proof["dead_letters"]), (&48.into(), &8.into()));
    }
}
