//! `annals ddl`: the engines run what it prints.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::interop::{python, told_with};
use crate::scene::{Scene, run};
use crate::table;

const DUCKDB: &str = include_str!("ddl/duckdb.py");
const CHDB: &str = include_str!("ddl/chdb.py");
const POSTGRES: &str = include_str!("ddl/postgres.py");
const SPARK: &str = include_str!("ddl/spark.py");
const PARSE: &str = include_str!("ddl/parse.py");

/// Four hours of two days, with a dead letter, a text that CSV must quote, an attachment in each, and an hour that was published
/// anew.
fn archive(scene: &Scene) {
    for (key, more) in [("2026031322", ""), ("2026031323", "no message"), ("2026031400", ""), ("2026031401", "")] {
        let start = chat::Hour::from_key(key).unwrap().start().timestamp_millis();
        let message = |id: i64| {
            let body = format!(r#"{{"type":"txt","msg":"one, \"two\"\r\n{id} 潮汐"}}"#);
            let time = start + id;
            format!(
                r#"{{"msg_id":"{time}","timestamp":{time},"from":"mara","to":"teo","chat_type":"chat","payload":{{"ext":{{"a":{id}}},"bodies":[{body}]}}}}"#
            )
        };
        let lines = (1..=4).map(message).chain([picture(start + 5), more.to_owned()]);
        let lines: Vec<String> = lines.collect();
        let path = scene.path(&format!("{key}.ndjson"));
        fs::write(&path, lines.join("\n")).unwrap();
        run(&mut scene.annals(&["load", "--no-index", path.to_str().unwrap()])).leaves(0);
    }
    // Nobody is there to ask: they are known, and wait.
    let nobody = ["media", "fetch", "--set", "api.base_url=http://127.0.0.1:1/o/a", "--set", "api.attempts=1"];
    run(scene.annals(&nobody).env("ANNALS_API_TOKEN", "t").env("ANNALS_CLOCK", "2026-03-14T03:00:00Z")).leaves(0);
}

fn picture(time: i64) -> String {
    let url = "https://a1.example.com/o/a/chatfiles/5fd74830-58b7-11e9-822a-81ea50bb0490";
    let body = json!({ "type": "img", "url": url, "filename": "tide.png" });
    json!({ "msg_id": time.to_string(), "timestamp": time, "from": "mara", "to": "teo", "chat_type": "chat",
        "payload": { "ext": {}, "bodies": [body] } })
    .to_string()
}

fn script(scene: &Scene, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["ddl", "--for"].iter().chain(arguments).copied().collect();
    run(&mut scene.annals(&arguments)).leaves(0).stdout
}

/// What the rows say, in the words of each engine: how many, which lines together, the first and last microsecond, and how many
/// hours, dead letters and attachments there are.
fn facts(scene: &Scene) -> Value {
    let rows = table::messages(&scene.archive());
    let times = || rows.iter().filter_map(|row| row.sent_at).map(|time| time.timestamp_micros());
    let lines: u64 = rows.iter().map(|row| row.position.line).sum();
    json!([rows.len(), lines, times().min(), times().max(), 4, 1, 4])
}

/// Hands the script to a program, which prints what it found; and checks that each view of the rows says the same, and that an
/// hour of one row replaces one of five.
fn check(scene: &Scene, python: &str, engine: &str, program: &str) {
    let path = scene.path(&format!("{engine}.sql"));
    fs::write(&path, script(scene, &[engine])).unwrap();
    let told = told_with(python, program, &[&path, &scene.archive()]);
    let expected = facts(scene);
    for view in told["facts"].as_array().unwrap() {
        assert_eq!(*view, expected, "{engine}: {told}");
    }
    assert!(!told["facts"].as_array().unwrap().is_empty(), "{engine}: {told}");
    assert_eq!(told["merged"], json!([16, 1]), "{engine}: {told}");
    assert_eq!(told["again"], json!([16, 1]), "{engine}: {told}");
}

#[test]
fn duckdb_runs_it() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    archive(&scene);
    check(&scene, &python, "duckdb", DUCKDB);
}

#[test]
fn clickhouse_runs_it() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    archive(&scene);
    check(&scene, &python, "clickhouse", CHDB);
}

#[test]
fn spark_runs_it() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    archive(&scene);
    check(&scene, &python, "spark", SPARK);
}

#[test]
fn postgres_runs_it() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    archive(&scene);
    let printed = script(&scene, &["postgres", "--table", "messages"]);
    let asked_for = printed.lines().find(|line| line.starts_with("-- annals export")).unwrap();
    let asked_for = asked_for.trim_start_matches("-- annals ");
    let arguments: Vec<&str> = asked_for.split(' ').collect();
    run(&mut scene.annals(&arguments)).leaves(0);
    // What psql reads is printed as a remark, because nobody else reads it.
    let printed = printed.replace("-- \\copy", "\\copy");
    let printed = printed.replace("'messages.csv'", &format!("'{}'", scene.path("messages.csv").display()));
    let path = scene.path("postgres.sql");
    fs::write(&path, printed).unwrap();
    let told = told_with(&python, POSTGRES, &[&path]);
    let mut expected = facts(&scene);
    expected.as_array_mut().unwrap().truncate(4);
    assert_eq!(
        told,
        json!({ "facts": expected, "merged": [16, 1], "again": [16, 1], "text": "one, \"two\"\r\n1 潮汐" })
    );
    let all = scene.path("all.sql");
    fs::write(&all, script(&scene, &["postgres"])).unwrap();
    let told = told_with(&python, POSTGRES, &[&all]);
    assert_eq!(told["facts"][0], 0, "all tables are made, none is filled: {told}");
}

/// Those that cannot be run here are read by a parser of their dialects.
#[test]
fn a_parser_of_the_dialect_reads_it() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    archive(&scene);
    let folder = scene.path("scripts");
    fs::create_dir(&folder).unwrap();
    for (engine, location) in [
        ("athena", "s3://bucket/chat"),
        ("bigquery", "gs://bucket/it's chat"),
        ("clickhouse", "https://bucket.s3.amazonaws.com/chat/"),
        ("databricks", "s3://bucket/chat"),
        ("redshift", "s3://bucket/chat"),
        ("snowflake", "s3://bucket/it's chat"),
        ("trino", "s3://bucket/chat"),
    ] {
        fs::write(folder.join(format!("{engine}.sql")), script(&scene, &[engine, "--location", location])).unwrap();
    }
    fs::write(folder.join("sources.yml"), script(&scene, &["dbt"])).unwrap();
    let told = told_with(&python, PARSE, &[&folder]);
    // Statements that the parser takes as they are, because it knows no more of them than their first word.
    let taken = json!({
        "athena": [], "bigquery": ["CREATE EXTERNAL"], "clickhouse": [], "databricks": ["SET TIME"],
        "redshift": ["CREATE EXTERNAL"], "snowflake": [], "trino": ["CALL delta.system.register_table"],
    });
    assert_eq!(told["taken"], taken, "{told}");
    assert_eq!(told["failed"], json!({}), "{told}");
    let names = |columns: &[archive::Column]| columns.iter().map(|column| column.name.to_owned()).collect::<Vec<_>>();
    let with_date = |columns| [names(columns), vec!["date".to_owned()]].concat();
    let (messages, letters) = (with_date(archive::columns()), with_date(archive::dead_letter_columns()));
    let (hours, attachments) = (names(archive::entry_columns()), with_date(archive::attachment_columns()));
    let sources = json!({ "messages": messages, "hours": hours, "dead_letters": letters, "attachments": attachments });
    assert_eq!(told["sources"], sources);
}

#[test]
fn parts_can_be_asked_for() {
    let scene = Scene::new();
    let new = run(&mut scene.annals(&["ddl", "--for", "duckdb", "--table", "hours"])).leaves(0);
    assert!(new.stderr.contains("is no archive"), "{new:?}");
    archive(&scene);
    let merge = script(&scene, &["trino", "--location", "s3://b/c", "--table", "dead_letters", "--only", "merge"]);
    assert!(merge.contains("DELETE FROM dead_letters_native") && !merge.contains("register_table"), "{merge}");
    assert!(!merge.contains("messages"), "{merge}");
    let local = run(&mut scene.annals(&["ddl", "--for", "bigquery"])).leaves(0);
    assert!(local.stderr.contains("--location"), "{local:?}");
    run(&mut scene.annals(&["ddl", "--for", "oracle"])).leaves(2);
    let four = script(&scene, &["duckdb"]);
    assert!(four.contains("/attachments/date=*/*.parquet"), "{four}");
    // A column that others have added is defined too.
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/formats/v1");
    let older = scene.path("older");
    assert!(Command::new("cp").arg("-r").args([&museum, &older]).status().unwrap().success());
    let of_older = |more: &[&str]| script(&scene, &[&["duckdb", "--archive", older.to_str().unwrap()], more].concat());
    let native = of_older(&["--only", "native"]);
    assert!(native.contains("\"about\" VARCHAR") && native.contains("\"retained\" BIGINT"), "{native}");
    // Before the first attachment there is no such table; who asks for it gets one without rows.
    assert!(!native.contains("attachments"), "{native}");
    let asked = of_older(&["--table", "attachments", "--only", "external"]);
    assert!(asked.contains("NULL::VARCHAR AS \"sha256\"") && asked.contains("WHERE false"), "{asked}");
}
