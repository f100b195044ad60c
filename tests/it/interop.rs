//! Other people's readers of the tables: DuckDB over the files, `deltalake` over the log.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use chat::{Hour, Hours};
use emulator::corpus;

use crate::scene::{ANNALS, Scene, run};

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
pub(crate) fn python() -> Option<String> {
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

/// Ends a program that has said what it was asked for. Threads of the readers may still run then, and now and then one of them
/// makes the interpreter's own end an abort ("terminate called without an active exception").
const AND_LEAVE: &str = "\nimport os\nsys.stdout.flush()\nos._exit(0)\n";

/// What a program prints of an archive, as JSON.
pub(crate) fn told(python: &str, program: &str, archive: &Path) -> serde_json::Value {
    told_with(python, program, &[archive])
}

/// The same of whatever it is given.
pub(crate) fn told_with(python: &str, program: &str, arguments: &[&Path]) -> serde_json::Value {
    let program = format!("{program}{AND_LEAVE}");
    let output = Command::new(python).arg("-c").arg(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn duckdb_and_deltalake_count_the_same_rows() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    let (files, messages) = hour_files(&scene);
    // Several runs, so that the log is read before and after its first checkpoint.
    let mut loaded = 0;
    for few in files.chunks(5) {
        loaded += few.len();
        let expected = if loaded == files.len() { Some(messages) } else { None };
        load_and_compare(&scene, &python, &[], few, expected);
    }
    let checkpoint = scene.archive().join("messages/_delta_log/_last_checkpoint");
    assert!(checkpoint.exists(), "the log had no checkpoint yet: too few hours");

    // Published anew after the checkpoint: the file that the hour had before is gone from both views.
    let mut grown = std::fs::OpenOptions::new().append(true).open(&files[7]).unwrap();
    grown.write_all(b"{\"msg_id\":\"1\",\"chat_type\":\"chat\"}\n").unwrap();
    load_and_compare(&scene, &python, &["--again"], &files[7..8], Some(messages + 1));
}

/// Prints, as JSON, what is in an archive of which some files came before a column.
const GROWN: &str = r#"
import json, sys
import duckdb
from deltalake import DeltaTable

archive = sys.argv[1]
files = f"read_parquet('{archive}/messages/date=*/*.parquet', union_by_name = true)"
count = "select count(*), count(retained_at), count(msg_id) from"
hours = DeltaTable(f"{archive}/hours").to_pyarrow_table().to_pylist()
table = DeltaTable(f"{archive}/messages").to_pyarrow_table()
print(json.dumps({
    "duckdb": duckdb.sql(f"{count} {files}").fetchone(),
    "deltalake": [table.num_rows] + [table.num_rows - table.column(name).null_count for name in ("retained_at", "msg_id")],
    "columns": table.schema.names[-3:],
    "type": str(table.schema.field("retained_at").type),
    "retained": [hour["retained"] for hour in hours],
}))
"#;

/// The program brings the log up to date; the files of before lack a column, and readers take it for null.
#[test]
fn an_archive_of_before_is_read_by_others_once_it_is_up_to_date() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/formats/v1");
    assert!(Command::new("cp").arg("-r").args([&museum, &scene.archive()]).status().unwrap().success());
    let served = museum.join("raw/2026/03/14/2026031410-0.gz");
    let file = scene.path("2026031412.gz");
    std::fs::copy(served, &file).unwrap();
    run(&mut scene.annals(&["load", "--no-index", file.to_str().unwrap()])).leaves(0);
    run(&mut scene.annals(&["verify"])).leaves(0);
    let told = told(&python, GROWN, &scene.archive());
    assert_eq!(told["duckdb"], serde_json::json!([12, 0, 12]), "{told}");
    assert_eq!(told["duckdb"], told["deltalake"], "{told}");
    assert_eq!(told["columns"], serde_json::json!(["retained_at", "about", "date"]), "{told}");
    assert_eq!(told["type"], "timestamp[us, tz=UTC]", "{told}");
    let mut retained: Vec<_> = told["retained"].as_array().unwrap().iter().map(|count| count.as_u64()).collect();
    retained.sort();
    assert_eq!(retained, [None, None, None, Some(0)], "{told}");
}

/// Prints, as JSON, the columns of each table of which deltalake finds other rows by a filter than are there.
const FILTERED: &str = r#"
import json, sys
import pyarrow.compute as pc
from deltalake import DeltaTable

wrong = []
for name in ("messages", "hours", "dead_letters"):
    table = DeltaTable(f"{sys.argv[1]}/{name}")
    rows, files = table.to_pyarrow_table(), table.to_pyarrow_dataset()
    for column in rows.schema.names:
        values = rows.column(column)
        filters = [(pc.field(column).is_valid(), rows.num_rows - values.null_count)]
        if values.null_count < rows.num_rows:
            value = values.drop_null()[0]
            filters.append((pc.field(column) == value, pc.sum(pc.equal(values, value)).as_py()))
        wrong += [[name, column, files.count_rows(filter=f), n] for f, n in filters if files.count_rows(filter=f) != n]
print(json.dumps({"wrong": wrong, "rows": DeltaTable(f"{sys.argv[1]}/messages").to_pyarrow_table().num_rows}))
"#;

/// Readers pass over files by the bounds in the log, which has them of some columns.
#[test]
fn deltalake_finds_every_row_by_every_column() {
    let Some(python) = python() else { return };
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");
    let scene = Scene::new();
    let file = scene.path("2026031411.ndjson");
    std::fs::write(&file, "{\"msg_id\":\"1\",\"payload\":{\"bodies\":[{\"type\":\"txt\",\"msg\":\"tide\"}]}}\nno\n")
        .unwrap();
    run(&mut scene.annals(&["load", "--no-index", samples, file.to_str().unwrap()])).leaves(0);
    let found = told(&python, FILTERED, &scene.archive());
    assert_eq!(found, serde_json::json!({"wrong": [], "rows": 60}));

    // An archive of before, as soon as the program has opened it.
    let scene = Scene::new();
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/formats/v3");
    assert!(Command::new("cp").arg("-r").args([&museum, &scene.archive()]).status().unwrap().success());
    run(&mut scene.annals(&["verify"])).leaves(0);
    assert_eq!(told(&python, FILTERED, &scene.archive())["wrong"], serde_json::json!([]));
}

/// Puts the files of a table together as others do: with statistics of their own, without our tags, and what was replaced
/// left to a vacuum.
const COMPACTED: &str = r#"
import json, sys
from deltalake import DeltaTable

told = [DeltaTable(f"{sys.argv[1]}/{name}").optimize.compact()["numFilesAdded"] for name in ("messages", "dead_letters")]
print(json.dumps(told))
"#;

/// Takes rows of two hours out of a day, and sorts what is left otherwise.
const TAKEN_OUT: &str = r#"
import json, sys
from deltalake import DeltaTable

table = DeltaTable(f"{sys.argv[1]}/messages")
deleted = table.delete("msg_id = '2' or msg_id = '5'")["num_deleted_rows"]
DeltaTable(f"{sys.argv[1]}/messages").optimize.z_order(["msg_id"])
print(json.dumps([deleted]))
"#;

/// Has a run of the program move the rows that deltalake is about to move, and prints, as JSON, what that is told when it comes to
/// its commit, and how many of the files that it had read the run had taken away by then.
const AT_WORK: &str = r#"
import glob, json, os, subprocess, sys
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

archive, annals, *command = sys.argv[1:]
table = DeltaTable(f"{archive}/messages")
files = f"{archive}/messages/date=*/*.parquet"
read = {path: open(path, "rb").read() for path in glob.glob(files)}
environment = {name: value for name, value in os.environ.items() if not name.startswith("ANNALS_")}
subprocess.run([annals, *command, "--archive", archive], check=True, env=environment, stdout=subprocess.DEVNULL)
gone = [path for path in read if not os.path.exists(path)]
for path in gone:
    open(path, "wb").write(read[path])

try:
    said = str(table.optimize.compact())
except CommitFailedError as error:
    said = str(error)
known = {os.path.basename(uri) for uri in DeltaTable(f"{archive}/messages").file_uris()}
for path in glob.glob(files):
    if os.path.basename(path) not in known:
        os.remove(path)
print(json.dumps({"said": said, "gone": len(gone)}))
"#;

/// It would go on to commit the same rows once more.
#[test]
fn deltalake_gives_up_what_it_planned_on_files_that_are_compacted_meanwhile() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    let (files, messages) = hour_files(&scene);
    let files = files[2..14].iter().map(String::as_str);
    let arguments: Vec<&str> = ["load", "--no-index", "--set", "compact.files=0"].into_iter().chain(files).collect();
    run(&mut scene.annals(&arguments)).leaves(0);
    let rows = || run(&mut scene.annals(&["verify", "--json"])).leaves(0).json()["rows"].clone();
    let before = rows();
    assert!(before.as_u64().is_some_and(|rows| rows > 0 && rows < messages), "{before}");
    let told = told_with(&python, AT_WORK, &[&scene.archive(), Path::new(ANNALS), Path::new("compact")]);
    assert_eq!(told["gone"], 12, "{told}");
    assert!(told["said"].as_str().is_some_and(|said| said.contains("Metadata changed")), "{told}");
    assert_eq!(rows(), before);
}

/// Does what `annals verify` advises about files that another program has replaced.
fn vacuum(scene: &Scene, python: &str) {
    let found = run(&mut scene.annals(&["verify", "--json"])).leaves(3).json();
    let steps = found["next_steps"].as_array().unwrap().iter().filter_map(|step| step.as_str());
    let step = steps.into_iter().find_map(|step| step.split('`').find(|part| part.contains("vacuum"))).unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md");
    assert!(std::fs::read_to_string(page).unwrap().contains(step), "the page does not say: {step}");
    for table in ["messages", "dead_letters"] {
        let command = step.replace("python3", python).replace("messages", table);
        let status = Command::new("sh").arg("-c").arg(command).current_dir(scene.archive()).status().unwrap();
        assert!(status.success());
    }
}

#[test]
fn what_deltalake_has_compacted_is_sound() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    let sender = "somebody_with_a_name_of_more_than_32_characters";
    for hour in ["2026031409", "2026031410"] {
        let lines = format!("{{\"msg_id\":\"{hour}\",\"from\":\"{sender}\",\"timestamp\":1773478800000}}\nno\n");
        std::fs::write(scene.path(&format!("{hour}.ndjson")), lines).unwrap();
        run(&mut scene.annals(&["load", "--no-index", &format!("{hour}.ndjson")])).leaves(0);
    }
    run(&mut scene.annals(&["verify"])).leaves(0);
    assert_eq!(told(&python, COMPACTED, &scene.archive()), serde_json::json!([1, 1]));
    // What it put together lies beside the new files, until it is taken away.
    let found = run(&mut scene.annals(&["verify", "--json"])).leaves(3).json();
    let findings = found["findings"].as_array().unwrap();
    let is_replaced = |finding: &&serde_json::Value| finding.to_string().contains("another program has replaced it");
    assert_eq!((findings.len(), findings.iter().filter(is_replaced).count()), (4, 4), "{found}");
    vacuum(&scene, &python);
    let proof = run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(0).json();
    assert_eq!((&proof["rows"], &proof["dead_letters"]), (&2.into(), &2.into()), "{proof}");

    // Its rows are handed out, and an hour of it replaced.
    run(&mut scene.annals(&["export", "--to", "before.ndjson"])).leaves(0);
    let grown = "{\"msg_id\":\"1\"}\n{\"msg_id\":\"2\"}\nno\n";
    std::fs::write(scene.path("2026031409.ndjson"), grown).unwrap();
    let loaded = run(&mut scene.annals(&["load", "--no-index", "--again", "2026031409.ndjson", "--json"])).leaves(0);
    assert_eq!(loaded.json()["published"], 1, "{}", loaded.json());
    let proof = run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(0).json();
    assert_eq!((&proof["rows"], &proof["unpublished"]), (&3.into(), &0.into()), "{proof}");

    // Rows that were taken out of a day come back, hour by hour.
    std::fs::write(scene.path("2026031411.ndjson"), "{\"msg_id\":\"4\"}\n{\"msg_id\":\"5\"}\n").unwrap();
    run(&mut scene.annals(&["load", "--no-index", "2026031411.ndjson"])).leaves(0);
    run(&mut scene.annals(&["compact"])).leaves(0);
    assert_eq!(told(&python, TAKEN_OUT, &scene.archive()), serde_json::json!([2]));
    run(&mut scene.annals(&["verify"])).leaves(3);
    for hour in ["2026031409", "2026031410", "2026031411"] {
        run(&mut scene.annals(&["load", "--no-index", &format!("{hour}.ndjson")])).leaves(0);
    }
    vacuum(&scene, &python);
    let proof = run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(0).json();
    assert_eq!(proof["rows"], 5, "{proof}");
    run(&mut scene.annals(&["export", "--to", "after.ndjson"])).leaves(0);
}

/// Makes the views of the page and prints, as JSON, the keys of the rows of each.
const ONCE: &str = r#"
import json, os, sys
import duckdb

archive, page = sys.argv[1], open(sys.argv[2]).read()
os.chdir(os.path.dirname(archive))
blocks = dict(block.split("\n```")[0].split("\n", 1) for block in page.split("```sql ")[1:])
duckdb.sql(blocks["duckdb"])
duckdb.sql(blocks["view"])
keys = "select source_hour, line from {} where text like 'ahoy%' order by all"
print(json.dumps({
    "all": duckdb.sql(keys.format("messages")).fetchall(),
    "once": duckdb.sql(keys.format("messages_once")).fetchall(),
    "ids": duckdb.sql(blocks["ids"]).fetchall(),
}))
"#;

/// The view of docs/sql.md and a search agree on which rows are copies.
#[test]
fn the_view_of_the_page_shows_each_message_once_as_a_search_does() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    let message = |id: &str, text: &str| {
        let body = format!(r#""payload":{{"bodies":[{{"type":"txt","msg":"ahoy {text}"}}]}}}}"#);
        if id.is_empty() { format!("{{{body}\n") } else { format!("{{\"msg_id\":\"{id}\",{body}\n") }
    };
    let hours = [
        // Served twice in one hour, in conflict there, and without an id.
        ("2026031409", vec![("7", "a"), ("7", "a"), ("8", "a"), ("8", "b"), ("", "a")]),
        ("2026031410", vec![("7", "a"), ("8", "b"), ("8", "c"), ("", "a"), ("9", "a")]),
        ("2026031423", vec![("9", "a"), ("7", "a"), ("ten", "a")]),
        ("2026031500", vec![("ten", "a"), ("11", "a")]),
    ];
    for (hour, messages) in &hours {
        let lines: String = messages.iter().map(|(id, text)| message(id, text)).collect();
        std::fs::write(scene.path(&format!("{hour}.ndjson")), lines).unwrap();
        run(&mut scene.annals(&["load", &format!("{hour}.ndjson")])).leaves(0);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sql.md");
    let told = told_with(&python, ONCE, &[&scene.archive(), &page]);
    let key = |hour: &str, line: u64| serde_json::json!([hour, line]);
    assert_eq!(told["all"].as_array().unwrap().len(), 14, "{told}");
    let once = [
        key("2026031409", 1),
        key("2026031409", 3),
        key("2026031409", 4),
        key("2026031409", 5),
        key("2026031410", 4),
        key("2026031410", 5),
        key("2026031423", 3),
        key("2026031500", 2),
    ];
    assert_eq!(told["once"], serde_json::json!(once), "{told}");
    assert_eq!(told["ids"].as_array().unwrap().len(), 4, "{told}");
    let found = run(&mut scene.annals(&["query", "ahoy", "--format", "jsonl", "--limit", "100"])).leaves(0);
    let mut found: Vec<_> =
        found.json_lines().iter().map(|hit| (hit["source_hour"].clone(), hit["line"].clone())).collect();
    found.sort_by_key(|(hour, line)| (hour.as_str().map(str::to_owned), line.as_u64()));
    assert_eq!(serde_json::json!(found), told["once"]);
}

/// A file an hour, and how many messages they hold together.
pub(crate) fn hour_files(scene: &Scene) -> (Vec<String>, u64) {
    let traffic = corpus::Options { seed: 3, messages_per_hour: 60, ..corpus::Options::default() };
    let first = Hour::from_key("2026031322").unwrap();
    let mut messages = 0;
    let files = Hours::between(first, first.plus(HOURS)).map(|hour| {
        let path = scene.path(&format!("{}.ndjson", hour.key()));
        messages += corpus::write_hour(&traffic, hour, &mut File::create(&path).unwrap()).unwrap().messages;
        path.to_str().unwrap().to_owned()
    });
    let files = files.collect();
    (files, messages)
}

fn load_and_compare(scene: &Scene, python: &str, flags: &[&str], files: &[String], expected: Option<u64>) {
    let files = files.iter().map(String::as_str);
    let arguments: Vec<&str> = ["load", "--no-index"].into_iter().chain(flags.iter().copied()).chain(files).collect();
    run(&mut scene.annals(&arguments)).leaves(0);
    let counts = told(python, COUNTS, &scene.archive());
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
