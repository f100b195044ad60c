//! `annals schema --promote`: members in columns of their own, for the past too.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::interop::{python, told};
use crate::replay::{LESS, forget_raw, load_with};
use crate::scene::{ANNALS, Scene, run, start, wait};
use crate::table;

/// The hour file of a key, of three orders: one as it should be, one that is a number, and a message without any.
fn hour_file(scene: &Scene, key: &str) -> String {
    let line = |id: u32, ext: &str| {
        let body = r#"{"type":"txt","msg":"an order"}"#;
        format!(r#"{{"msg_id":"{key}-{id}","shard":{id},"payload":{{"ext":{ext},"bodies":[{body}]}}}}"#)
    };
    let lines = [
        line(1, &format!(r#"{{"order_id":"A{key}","order":{{"total":12.5,"a.b":"7"}},"paid":true}}"#)),
        line(2, r#"{"order_id":7,"order":{"total":"3"}}"#),
        line(3, "{}"),
    ];
    let path = scene.path(&format!("{key}.ndjson"));
    fs::write(&path, lines.join("\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn load(scene: &Scene, keys: &[&str]) {
    let files: Vec<_> = keys.iter().map(|key| hour_file(scene, key)).collect();
    let arguments = ["load"].into_iter().chain(files.iter().map(String::as_str));
    run(&mut scene.annals(&arguments.collect::<Vec<_>>())).leaves(0);
}

fn promote(scene: &Scene, more: &[&str]) -> Value {
    let arguments = ["schema", "--json", "--promote"].into_iter().chain(more.iter().copied());
    run(&mut scene.annals(&arguments.collect::<Vec<_>>())).leaves(0).json()
}

/// The promoted columns of each data file of `messages`, as the log says.
fn tagged(scene: &Scene) -> Vec<String> {
    scene.block_on(async {
        let archive = open(scene).await;
        let snapshot = archive.snapshot().await.unwrap();
        let mut tagged = Vec::new();
        for file in snapshot.files() {
            tagged.push(archive::read_statistics(snapshot.reader(file)).await.unwrap().promoted.join(","));
        }
        tagged
    })
}

async fn open(scene: &Scene) -> store::Archive {
    let clock = std::sync::Arc::new(|| chat::Timestamp::UNIX_EPOCH);
    store::Archive::open(&scene.archive(), store::Access::Existing, clock).await.unwrap()
}

fn is_sound(scene: &Scene) {
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0);
    run(&mut scene.annals(&["verify", "--portable"])).leaves(0);
}

#[cfg(feature = "sql")]
fn sql(scene: &Scene, query: &str) -> Vec<Value> {
    run(&mut scene.annals(&["sql", query, "--format", "jsonl"])).leaves(0).json_lines()
}

#[test]
fn a_member_gets_a_column_for_the_past_and_from_now_on() {
    let scene = Scene::new();
    load(&scene, &["2026031409", "2026031410"]);
    let told = promote(&scene, &["ext.order_id:string"]);
    let column = json!({
        "column": "ext_order_id", "place": "ext.order_id", "type": "string", "filled": 2, "unfit": 2, "new": true,
    });
    assert_eq!((&told["columns"], &told["messages"]), (&json!([column]), &json!(6)));
    assert_eq!((&told["files"], &told["rows"], &told["left"]), (&json!(2), &json!(6), &json!(0)), "{told}");
    load(&scene, &["2026031411"]);
    assert_eq!(tagged(&scene), ["ext_order_id"; 3]);
    is_sound(&scene);
    // Promoted again, there is nothing to do, and another may come beside it.
    let again = promote(&scene, &["ext.order_id:string"]);
    assert_eq!((&again["files"], &again["columns"][0]["new"]), (&json!(0), &json!(false)));
    let other = promote(&scene, &["ext.order.\"a.b\":int64", "--as", "order_no"]);
    assert_eq!((&other["files"], &other["columns"][0]["filled"]), (&json!(3), &json!(3)), "{other}");
    assert_eq!(tagged(&scene), ["ext_order_id,order_no"; 3]);
    let columns = run(&mut scene.annals(&["schema", "--json"])).leaves(0).json();
    let last = columns["columns"].as_array().unwrap().iter().rfind(|column| column["table"] == "messages").unwrap();
    assert_eq!((&last["name"], &last["type"], &last["nullable"]), (&json!("order_no"), &json!("bigint"), &json!(true)));
    assert_eq!(last["promoted"], json!({ "place": "ext.order.\"a.b\"", "type": "int64" }));
    let shown = run(&mut scene.annals(&["schema"])).leaves(0);
    assert!(shown.stdout.lines().any(|line| line.contains("ext_order_id") && line.ends_with("ext.order_id")));
    let ddl = run(&mut scene.annals(&["ddl", "--for", "bigquery", "--table", "messages"])).leaves(0);
    assert!(ddl.stdout.contains("`order_no` INT64"), "{}", ddl.stdout);
    is_sound(&scene);
}

#[cfg(feature = "sql")]
#[test]
fn sql_reads_the_columns_from_the_files() {
    let scene = Scene::new();
    load(&scene, &["2026031409", "2026031410"]);
    let kinds = [
        "ext.order_id:string",
        "ext.order.total:float64",
        "ext.paid:bool",
        "record.shard:int64",
        "ext.order:json",
        "record.shard:timestamp",
    ];
    let mut arguments = vec!["schema"];
    kinds.iter().for_each(|kind| arguments.extend(["--promote", kind]));
    arguments.extend(["--as", "a", "--as", "b", "--as", "c", "--as", "d", "--as", "e", "--as", "f"]);
    run(&mut scene.annals(&arguments)).leaves(0);
    let rows = sql(&scene, "SELECT a, b, c, d, e, f FROM messages WHERE source_hour = '2026031410' ORDER BY line");
    let expected = [
        json!({ "a": "A2026031410", "b": 12.5, "c": true, "d": 1, "e": r#"{"total":12.5,"a.b":"7"}"#,
            "f": "1970-01-01T00:00:00.001Z" }),
        json!({ "a": null, "b": 3.0, "c": null, "d": 2, "e": r#"{"total":"3"}"#, "f": "1970-01-01T00:00:00.002Z" }),
        json!({ "a": null, "b": null, "c": null, "d": 3, "e": null, "f": "1970-01-01T00:00:00.003Z" }),
    ];
    assert_eq!(rows, expected);
    let found = sql(&scene, "SELECT count(*) AS n FROM messages WHERE b > 3 AND c");
    assert_eq!(found, [json!({ "n": 2 })]);
}

#[test]
fn what_is_handed_out_has_the_columns() {
    let scene = Scene::new();
    load(&scene, &["2026031409"]);
    promote(&scene, &["ext.order.total:float64"]);
    let hits = run(&mut scene.annals(&["query", "order", "--format", "jsonl"])).leaves(0).json_lines();
    let mut totals: Vec<_> = hits.iter().map(|hit| hit["ext_order_total"].to_string()).collect();
    totals.sort();
    assert_eq!(totals, ["12.5", "3", "null"]);
    let shown = run(&mut scene.annals(&["show", "2026031409-1", "--json"])).leaves(0).json();
    assert_eq!(shown["ext_order_total"], 12.5);
    let csv = |more: &[&str]| {
        let arguments = ["export", "--to", "-", "--format", "csv"].iter().chain(more).copied();
        run(&mut scene.annals(&arguments.collect::<Vec<_>>())).leaves(0).stdout
    };
    assert_eq!(csv(&["--columns", "line,ext_order_total"]), "line,ext_order_total\r\n1,12.5\r\n2,3\r\n3,\r\n");
    assert!(csv(&[]).lines().next().unwrap().ends_with(",about,ext_order_total"));
    let folder = scene.path("masked");
    fs::write(scene.path("key.txt"), "sixteen bytes and more").unwrap();
    let masked = ["export", "--to", "masked", "--json", "--mask", "--mask-key", "key.txt", "--format", "csv"];
    let manifest = run(&mut scene.annals(&masked)).leaves(0).json();
    let last = manifest["schema"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["name"], &last["type"]), (&json!("ext_order_total"), &json!("double")));
    let rows = fs::read_to_string(folder.join("messages-00001.csv")).unwrap();
    assert!(rows.lines().skip(1).all(|line| line.ends_with(',')), "a copy for analysts has nothing of `ext`: {rows}");
}

#[test]
fn what_does_not_fit_is_counted() {
    let scene = Scene::new();
    load(&scene, &["2026031409"]);
    promote(&scene, &["ext.order_id:int64", "--as", "order_no"]);
    let drift = run(&mut scene.annals(&["schema", "--drift", "--json"])).leaves(0).json();
    let column = json!({ "column": "order_no", "place": "ext.order_id", "type": "int64", "filled": 1, "unfit": 1 });
    assert_eq!(drift["promoted"], json!([column]));
    let shown = run(&mut scene.annals(&["schema", "--drift"])).leaves(0);
    assert!(shown.stderr.contains("order_no: 1 have a value, 1 have one that is no int64"), "{shown:?}");
}

/// Lines that are read after all have the columns too, whether they were served or their letters are left.
#[test]
fn a_replay_fills_the_columns() {
    for has_raw in [true, false] {
        let scene = Scene::new();
        let order = r#"{"msg_id":"2","payload":{"ext":{"order_id":"A2"},"bodies":[]}}"#;
        load_with(&scene, "2026031409", &[r#"{"msg_id":"1"}"#.to_owned(), order.to_owned()], LESS);
        if !has_raw {
            forget_raw(&scene);
        }
        assert_eq!(promote(&scene, &["ext.order_id:string"])["columns"][0]["filled"], json!(0));
        run(&mut scene.annals(&["dead-letters", "--replay"])).leaves(0);
        assert_eq!(tagged(&scene), ["ext_order_id"]);
        let export = ["export", "--to", "-", "--format", "csv", "--columns", "line,ext_order_id"];
        let told = run(&mut scene.annals(&export)).leaves(0);
        assert_eq!(told.stdout, "line,ext_order_id\r\n1,\r\n2,A2\r\n");
        run(&mut scene.annals(&["verify"])).leaves(0);
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let scene = Scene::new();
    load(&scene, &["2026031409", "2026031410"]);
    let log = || fs::read_dir(scene.archive().join("messages/_delta_log")).unwrap().count();
    let before = log();
    let told = promote(&scene, &["ext.paid:bool", "--dry-run"]);
    assert_eq!((&told["dry_run"], &told["files"], &told["rows"]), (&json!(true), &json!(2), &json!(6)));
    assert_eq!((&told["columns"][0]["filled"], &told["columns"][0]["unfit"]), (&json!(2), &json!(0)));
    assert_eq!((log(), tagged(&scene)), (before, vec![String::new(); 2]));
}

/// What each museum's archive is after a promotion, and that nothing of it is lost.
#[test]
fn archives_of_before_are_promoted() {
    for (format, messages, filled) in [("v1", 9, 1), ("v2", 20, 1), ("v3", 67, 8)] {
        let scene = Scene::new();
        let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/formats").join(format);
        assert!(Command::new("cp").arg("-r").args([&museum, &scene.archive()]).status().unwrap().success());
        let before: Vec<_> = table::messages(&scene.archive()).iter().map(|row| format!("{row:?}")).collect();
        let told = promote(&scene, &["ext.seq:int64"]);
        let counted = (&told["messages"], &told["columns"][0]["filled"], &told["columns"][0]["unfit"]);
        assert_eq!(counted, (&json!(messages), &json!(filled), &json!(0)), "{format}");
        let after: Vec<_> = table::messages(&scene.archive()).iter().map(|row| format!("{row:?}")).collect();
        assert_eq!(after, before, "{format}");
        assert!(tagged(&scene).iter().all(|columns| columns == "ext_seq"), "{format}");
        let proof = run(&mut scene.annals(&["verify", "--json"])).leaves(0).json();
        let is_of_messages = |count: &&Value| count["table"] == "messages";
        let formats: Vec<_> = proof["formats"].as_array().unwrap().iter().filter(is_of_messages).collect();
        assert_eq!((formats.len(), &formats[0]["format"]), (1, &json!(archive::FORMAT)), "{format}");
    }
}

/// Killed when some files are filled and others are not, it goes on from there, whoever comes.
#[test]
fn a_killed_promotion_is_gone_on_with_by_any_run() {
    let scene = Scene::new();
    let keys: Vec<_> = (10..22).flat_map(|day| ["00", "06", "12"].map(|hour| format!("202603{day}{hour}"))).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    load(&scene, &keys);
    let rows = table::messages(&scene.archive()).len();
    let log = || fs::read_dir(scene.archive().join("messages/_delta_log")).unwrap().count();
    let after = |arguments: &[&str], commits: usize| {
        let before = log();
        let mut child = Command::new(ANNALS);
        child.current_dir(scene.path(".")).args(arguments).env("ANNALS_ARCHIVE", scene.archive());
        let mut child = child.spawn().unwrap();
        while log() < before + commits && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    };
    after(&["schema", "--promote", "ext.order_id:string"], 5);
    let filled = || tagged(&scene).iter().filter(|columns| columns.as_str() == "ext_order_id").count();
    let first = filled();
    assert!(0 < first && first < keys.len(), "{first}");
    run(&mut scene.annals(&["verify"])).leaves(0);
    after(&["schema", "--promote", "ext.order_id:string"], 5);
    let second = filled();
    assert!(first < second && second < keys.len(), "{first}, then {second}");
    // A run of something else.
    load(&scene, &["2026032300"]);
    assert_eq!((filled(), table::messages(&scene.archive()).len()), (keys.len() + 1, rows + 3));
    is_sound(&scene);
}

#[test]
fn hours_may_be_loaded_anew_while_a_column_is_filled() {
    let scene = Scene::new();
    let keys: Vec<_> = (10..20).flat_map(|day| ["00", "06"].map(|hour| format!("202603{day}{hour}"))).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    load(&scene, &keys);
    let promoting = start(&mut scene.annals(&["schema", "--json", "--promote", "ext.order_id:string"]));
    for key in keys.iter().rev().step_by(3) {
        let path = hour_file(&scene, key);
        let lines = fs::read_to_string(&path).unwrap() + "\n{\"msg_id\":\"one more\"}\n";
        fs::write(&path, lines).unwrap();
        run(&mut scene.annals(&["load", "--again", "--no-index", &path])).leaves(0);
    }
    wait(promoting).leaves(0);
    load(&scene, &["2026032300"]);
    assert!(tagged(&scene).iter().all(|columns| columns == "ext_order_id"));
    assert_eq!(table::messages(&scene.archive()).len(), 20 * 3 + 7 + 3);
    is_sound(&scene);
}

/// What readers of Parquet and of Delta make of the tables.
const READ: &str = "
import duckdb, json, os, sys
from deltalake import DeltaTable
archive = sys.argv[1]
glob = os.path.join(archive, 'messages/date=*/*.parquet')
query = 'SELECT source_hour, line, ext_order_id, ext_paid FROM {} ORDER BY 1, 2'
files = duckdb.sql(query.format(f\"read_parquet('{glob}', union_by_name = true)\")).fetchall()
table = DeltaTable(os.path.join(archive, 'messages'))
delta = table.to_pyarrow_table()
names = [field.name for field in table.schema().fields]
rows = duckdb.sql(query.format('delta')).fetchall()
print(json.dumps({'names': names, 'files': files, 'rows': rows}))
";

#[test]
fn foreign_readers_see_the_columns() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    load(&scene, &["2026031409"]);
    promote(&scene, &["ext.order_id:string", "--promote", "ext.paid:bool"]);
    load(&scene, &["2026031410"]);
    let seen = told(&python, READ, &scene.archive());
    assert_eq!(seen["files"], seen["rows"]);
    let of = |hour: &str| {
        [json!([hour, 1, format!("A{hour}"), true]), json!([hour, 2, null, null]), json!([hour, 3, null, null])]
    };
    assert_eq!(seen["files"], json!([of("2026031409"), of("2026031410")].concat()));
    let names = seen["names"].as_array().unwrap();
    assert_eq!(names[names.len() - 2..], ["ext_order_id", "ext_paid"]);
}

#[test]
fn what_cannot_be_promoted_is_refused_with_a_way_out() {
    let scene = Scene::new();
    load(&scene, &["2026031409"]);
    promote(&scene, &["ext.order_id:string"]);
    for (arguments, expected) in [
        (&["--promote", "ext.order_id:int64"][..], "holds ext.order_id as string already"),
        (&["--promote", "ext.order_id"], "PLACE:TYPE"),
        (&["--promote", "ext.paid:truth"], "no type of a column"),
        (&["--promote", "body.msg:string"], "body.msg is in the column `text`"),
        (&["--promote", "payload.from:string", "--dry-run"], "payload.from is in the column `sender`"),
        (&["--promote", "record.msg_id:string", "--as", "id"], "record.msg_id is in the column `msg_id`"),
        (&["--promote", "body.size.width:float64"], "is in the columns `width` and `height`"),
        (&["--promote", "payload.ext.order_id:string"], "write ext.NAME"),
        (&["--promote", "payload.bodies:json"], "the members of payload.bodies have columns"),
        (&["--promote", "text.x:string"], "begins with ext."),
        (&["--promote", "ext.x:string", "--as", "sender"], "is one of the table's own"),
        (&["--promote", "ext.x:string", "--as", "select"], "word of SQL"),
        (&["--promote", "ext.x:string", "--as", "Größe"], "lower case"),
        (&["--promote", "ext.x:string", "--promote", "ext.y:string", "--as", "z"], "once for each"),
        (&["--promote", "ext.x:string", "--drift"], "cannot be used with"),
        (&["--promote", "ext.x:string", "--since", "2026-03-14"], "--drift"),
        (&["--as", "x"], "--promote"),
        (&["--dry-run"], "--promote"),
    ] {
        let arguments: Vec<&str> = ["schema"].iter().chain(arguments).copied().collect();
        let refused = run(&mut scene.annals(&arguments)).leaves(2);
        assert!(refused.stderr.contains(expected), "{arguments:?}: {refused:?}");
    }
    assert_eq!(tagged(&scene), ["ext_order_id"]);
}
