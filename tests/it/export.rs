//! `annals export`: rows for other programs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::scene::{Scene, files_below, run, start, wait};

/// Loads these lines as the hour file of a key.
fn load(scene: &Scene, key: &str, lines: &[&str]) {
    let path = scene.path(&format!("{key}.ndjson"));
    fs::write(&path, lines.join("\n")).unwrap();
    run(&mut scene.annals(&["load", "--no-index", "--again", path.to_str().unwrap()])).leaves(0);
}

/// An image with its secrets in the first body, in the second, and written oddly; a text that CSV must quote; a record that is
/// kept as it was written, because a key is there twice.
const ODD: [&str; 4] = [
    r#"{"msg_id":"11","timestamp":1773478800011,"from":"mara","to":"teo","chat_type":"chat","payload":{"from":"mara","to":"teo","ext":{},"bodies":[{"type":"img","url":"https://x/1","secret":"hush-one","thumb_secret":["hush-two"],"size":{"width":1.50,"height":2}},{"type":"file","secret":"hush-three","n":1e2}]}}"#,
    r#"{"msg_id":"12","timestamp":1773478800012,"from":"mara","to":"teo","chat_type":"chat","payload":{"ext":{"a":[1.0,null]},"bodies":[{"type":"txt","msg":"one, \"two\"\r\nthree\u0000"}]}}"#,
    r#"{"msg_id":"13","timestamp":1773478800013,"a":1,"a":2,"payload":{"bodies":[{"type":"img","secret":"hush-four"}]}}"#,
    r#"{"msg_id":"14","timestamp":1773478800014,"from":"teo","to":"231","chat_type":"groupchat","payload":{"ext":{"secret":"the app's own"},"bodies":[{"type":"txt","msg":""}]}}"#,
];

const HUSH: [&str; 4] = ["hush-one", "hush-two", "hush-three", "hush-four"];

fn manifest(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

fn export(scene: &Scene, arguments: &[&str]) -> Command {
    let arguments: Vec<&str> = ["export"].iter().chain(arguments).copied().collect();
    scene.annals(&arguments)
}

/// What is on stdout.
fn streamed(scene: &Scene, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["--to", "-"].iter().chain(arguments).copied().collect();
    run(&mut export(scene, &arguments)).leaves(0).stdout
}

#[test]
fn records_come_back_with_their_values() {
    let scene = Scene::new();
    load(&scene, "2026031409", &ODD);
    let with_secrets = streamed(&scene, &["--with-secrets"]);
    let lines: Vec<&str> = with_secrets.lines().collect();
    assert_eq!(lines[2], ODD[2], "a record with a key that occurs twice stays as it was written");
    for (line, served) in lines.iter().zip(ODD) {
        // Numbers keep their digits, which serde_json compares here, because it holds them as written.
        assert_eq!(serde_json::from_str::<Value>(line).unwrap(), serde_json::from_str::<Value>(served).unwrap());
    }
    for digits in ["1.50", "1e2", "[1.0,null]", "\\u0000"] {
        assert!(with_secrets.contains(digits), "{digits}: {with_secrets}");
    }
}

#[test]
fn secrets_are_handed_out_only_when_asked_for() {
    let scene = Scene::new();
    load(&scene, "2026031409", &ODD);
    for format in ["csv", "ndjson"] {
        let without = streamed(&scene, &["--format", format]);
        assert!(!without.contains("hush"), "{without}");
        assert!(without.contains("the app's own"), "{without}");
        assert!(format == "csv" || !without.contains("\"secret\":\"h"), "{without}");
        let with = streamed(&scene, &["--format", format, "--with-secrets"]);
        for secret in HUSH {
            assert!(with.contains(secret), "{secret} in {format}: {with}");
        }
    }
    for format in ["parquet", "arrow"] {
        let file = format!("without.{format}");
        run(&mut export(&scene, &["--to", &file])).leaves(0);
        let bytes = fs::read(scene.path(&file)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("hush"), "{format}");
    }
    let refused = run(&mut export(&scene, &["--to", "x", "--columns", "msg_id,secret"])).leaves(2);
    assert!(refused.stderr.contains("--with-secrets"), "{refused:?}");
}

#[test]
fn csv_is_what_its_readers_expect() {
    let scene = Scene::new();
    load(&scene, "2026031409", &ODD);
    let csv = streamed(&scene, &["--format", "csv", "--columns", "msg_id,sent_at,line,text,width,file_length"]);
    assert_eq!(
        csv,
        "msg_id,sent_at,line,text,width,file_length\r\n\
         11,2026-03-14T09:00:00.011Z,1,,1.5,\r\n\
         12,2026-03-14T09:00:00.012Z,2,\"one, \"\"two\"\"\r\nthree\u{fffd}\",,\r\n\
         13,2026-03-14T09:00:00.013Z,3,,,\r\n\
         14,2026-03-14T09:00:00.014Z,4,\"\",,\r\n"
    );
}

#[test]
fn a_folder_has_its_files_and_a_manifest() {
    let scene = Scene::new();
    load(&scene, "2026031409", &ODD);
    load(&scene, "2026031410", &[r#"{"msg_id":"21","timestamp":1773482400021}"#]);
    run(&mut export(&scene, &["--to", "a/week", "--since", "2026-03-14T09:00:00.012Z", "--columns", "line,msg_id"]))
        .leaves(0);
    let told = manifest(&scene.path("a/week/manifest.json"));
    assert_eq!((&told["version"], &told["rows"], &told["format"]), (&1.into(), &4.into(), &"parquet".into()));
    assert_eq!(told["options"]["columns"], json!(["line", "msg_id"]));
    assert_eq!(told["schema"][0], json!({ "name": "line", "type": "bigint", "nullable": false }));
    let hours: Vec<_> = told["hours"].as_array().unwrap().iter().map(|hour| (&hour["hour"], &hour["rows"])).collect();
    assert_eq!(hours, [(&json!("2026031409"), &json!(3)), (&json!("2026031410"), &json!(1))]);
    let file = &told["files"][0];
    let path = scene.path("a/week").join(file["name"].as_str().unwrap());
    assert_eq!(file["sha256"], sha256(&path));
    assert_eq!((&file["bytes"], &file["rows"]), (&json!(fs::metadata(&path).unwrap().len()), &json!(4)));
    assert_eq!(files_below(&scene.path("a")).len(), 2, "nothing else is left");
    let taken = run(&mut export(&scene, &["--to", "a/week"])).leaves(2);
    assert!(taken.stderr.contains("is there already"), "{taken:?}");
}

#[test]
fn a_file_is_replaced_with_its_manifest() {
    let scene = Scene::new();
    load(&scene, "2026031409", &ODD);
    for query in ["type:txt", "type:img"] {
        run(&mut export(&scene, &["--to", "x.csv", "--query", query, "--columns", "body_type"])).leaves(0);
        let told = manifest(&scene.path("x.csv.manifest.json"));
        assert_eq!((&told["rows"], &told["options"]["query"]), (&2.into(), &query.into()));
        assert_eq!(told["files"][0]["sha256"], sha256(&scene.path("x.csv")));
    }
    assert!(fs::read_to_string(scene.path("x.csv")).unwrap().contains("img"));
    let none = run(&mut export(&scene, &["--to", "x.csv", "--query", "nowhere"])).leaves(1);
    assert!(none.stderr.contains("no message matched"), "{none:?}");
    assert!(fs::read_to_string(scene.path("x.csv")).unwrap().contains("img"), "what was there stands");
    let hidden = files_below(&scene.path("")).into_iter().filter(|path| path.to_string_lossy().contains("annals-tmp"));
    assert_eq!(hidden.count(), 0);
}

#[test]
fn what_a_killed_export_left_is_removed() {
    let scene = Scene::new();
    load(&scene, "2026031409", &ODD);
    let left = scene.path(".out.annals-tmp");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("messages-00001.parquet"), "half").unwrap();
    fs::write(left.join("messages-00002.parquet"), "half").unwrap();
    run(&mut export(&scene, &["--to", "out"])).leaves(0);
    assert!(!left.exists());
    let names: Vec<_> =
        files_below(&scene.path("out")).iter().map(|path| path.to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["manifest.json", "messages-00001.parquet"]);
}

/// The messages of docs/sql.md's view: what is in several hours is that of the earliest.
#[test]
fn a_file_that_is_lost_is_said_and_not_waited_for() {
    let scene = Scene::new();
    load(&scene, "2026031409", &ODD);
    let table = scene.archive().join("messages");
    let file =
        files_below(&table).into_iter().find(|path| path.extension().is_some_and(|end| end == "parquet")).unwrap();
    fs::remove_file(table.join(&file)).unwrap();
    let lost = run(&mut export(&scene, &["--to", "-"])).leaves(2);
    assert!(lost.stderr.contains(file.file_name().unwrap().to_str().unwrap()), "{}", lost.stderr);
    assert!(lost.stderr.contains("hint: `annals verify`"), "{}", lost.stderr);
}

#[test]
fn each_message_comes_once_when_asked_for() {
    let scene = Scene::new();
    let message = |id: &str, text: &str| {
        let body = format!(r#""payload":{{"bodies":[{{"type":"txt","msg":"{text}"}}]}}}}"#);
        if id.is_empty() { format!("{{{body}") } else { format!("{{\"msg_id\":\"{id}\",{body}") }
    };
    for (hour, messages) in [
        ("2026031409", vec![("7", "a"), ("8", "a"), ("8", "b"), ("", "a")]),
        ("2026031410", vec![("7", "a"), ("8", "c"), ("", "a"), ("9", "a")]),
        ("2026031423", vec![("9", "a"), ("7", "a"), ("ten", "a")]),
    ] {
        let lines: Vec<String> = messages.iter().map(|(id, text)| message(id, text)).collect();
        load(&scene, hour, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let keys = |more: &[&str]| {
        let arguments = [&["--format", "csv", "--columns", "source_hour,line"][..], more].concat();
        streamed(&scene, &arguments).lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(keys(&[]).len(), 11);
    let once = [
        "2026031409,1",
        "2026031409,2",
        "2026031409,3",
        "2026031409,4",
        "2026031410,3",
        "2026031410,4",
        "2026031423,3",
    ];
    assert_eq!(keys(&["--once"]).into_iter().collect::<BTreeSet<_>>(), once.map(str::to_owned).into());
    // Copies are told among all rows, whatever is asked for.
    run(&mut export(&scene, &["--to", "-", "--once", "--query", "c"])).leaves(1);
}

#[test]
fn an_analyst_sees_nobody() {
    let scene = Scene::new();
    load(
        &scene,
        "2026031409",
        &[
            r#"{"msg_id":"1","timestamp":1773478800001,"from":"mara.voss","to":"teo-77","chat_type":"chat","direction":"outgoing","payload":{"from":"mara.voss","to":"teo-77","ext":{"who":"mara.voss"},"bodies":[{"type":"txt","msg":"call 13800138000 or write mara.voss@example.com"}]}}"#,
            r#"{"msg_id":"2","timestamp":1773478800002,"from":"teo-77","to":"mara.voss","chat_type":"chat","mara.voss":1,"payload":{"bodies":[{"type":"img","url":"https://x/mara.voss","filename":"mara.voss@example.com.png"},{"type":"txt","msg":"mara.voss"}]}}"#,
        ],
    );
    fs::write(scene.path("key"), "a key of sixteen bytes\n").unwrap();
    for (format, texts) in [("csv", "drop"), ("csv", "redact"), ("ndjson", "drop"), ("ndjson", "redact")] {
        let masked = streamed(&scene, &["--mask", "--mask-key", "key", "--mask-text", texts, "--format", format]);
        for name in ["mara", "voss", "teo-77", "13800138000", "example.com"] {
            assert!(!masked.contains(name), "{name}: {masked}");
        }
        assert_eq!(masked.contains("call [phone] or write [email]"), texts == "redact", "{masked}");
        // Each user in each message; a conversation names both.
        let hash = "265cfa60274b5eafca4dd7b348a3dfa1813c624bc1b9631aa4b895b5b33a102a";
        assert!(masked.matches(hash).count() >= 4, "{masked}");
    }
    fs::write(scene.path("short"), "guessable").unwrap();
    let refused = run(&mut export(&scene, &["--to", "x", "--mask", "--mask-key", "short"])).leaves(2);
    assert!(refused.stderr.contains("16 bytes") && !refused.stderr.contains("guessable"), "{refused:?}");
    run(&mut export(&scene, &["--to", "x", "--mask"])).leaves(2);
    run(&mut export(&scene, &["--to", "x", "--mask", "--mask-key", "key", "--with-secrets"])).leaves(2);
    run(&mut export(&scene, &["--to", "out", "--mask", "--mask-key", "key"])).leaves(0);
    let told = manifest(&scene.path("out/manifest.json"));
    assert_eq!(told["options"]["mask"]["text"], "drop");
    assert!(!told.to_string().contains("a key of"), "{told}");
}

/// The hours of the exports below a folder, in their order, each with whether it replaces.
fn handed_out(scene: &Scene, below: &str) -> Vec<(String, u64, bool)> {
    let mut exports: Vec<_> = fs::read_dir(scene.path(below)).unwrap().map(|entry| entry.unwrap().path()).collect();
    exports.sort();
    let hours = exports.iter().flat_map(|folder| {
        let told = manifest(&folder.join("manifest.json"));
        let hours = told["hours"].as_array().unwrap().clone();
        hours.into_iter().map(|hour| {
            let key = hour["hour"].as_str().unwrap().to_owned();
            (key, hour["rows"].as_u64().unwrap(), hour["replaces"].as_bool().unwrap())
        })
    });
    hours.collect()
}

#[test]
fn an_export_goes_on_from_the_last_one() {
    let scene = Scene::new();
    let ahoy = |id: u32| {
        format!(r#"{{"msg_id":"{id}","timestamp":1773478800001,"payload":{{"bodies":[{{"type":"txt","msg":"x"}}]}}}}"#)
    };
    let nightly = || export(&scene, &["--to", "out", "--since-last", "nightly"]);
    load(&scene, "2026031409", &[&ahoy(1)]);
    load(&scene, "2026031410", &[&ahoy(2), &ahoy(3)]);
    run(&mut nightly()).leaves(0);
    let mut expected = vec![("2026031409".to_owned(), 1, false), ("2026031410".to_owned(), 2, false)];
    assert_eq!(handed_out(&scene, "out"), expected);
    run(&mut nightly()).leaves(1);

    load(&scene, "2026031411", &[&ahoy(4)]);
    load(&scene, "2026031409", &[&ahoy(1), &ahoy(5)]);
    run(&mut nightly()).leaves(0);
    expected.extend([("2026031409".to_owned(), 2, true), ("2026031411".to_owned(), 1, false)]);
    assert_eq!(handed_out(&scene, "out"), expected);
    let second = manifest(&scene.path("out/nightly-000002/manifest.json"));
    assert_eq!((&second["since_last"]["number"], &second["merge_key"]), (&2.into(), &"source_hour".into()));

    // Rows that move into the file of their day are those that were handed out.
    run(&mut scene.annals(&["compact", "--since", "2026-03-14"])).leaves(0);
    run(&mut nightly()).leaves(1);
    assert_eq!(handed_out(&scene, "out"), expected);

    let other = run(&mut export(&scene, &["--to", "out", "--since-last", "nightly", "--once"])).leaves(2);
    assert!(other.stderr.contains("another name"), "{other:?}");
    run(&mut export(&scene, &["--to", "other", "--since-last", "weekly", "--once"])).leaves(0);
    assert_eq!(handed_out(&scene, "other").len(), 3);
    run(&mut export(&scene, &["--to", "x.csv", "--since-last", "weekly"])).leaves(2);
    run(&mut export(&scene, &["--to", "x", "--since-last", "../weekly"])).leaves(2);
}

/// What is asked for stays the same: all columns, or those that are named.
#[test]
fn a_promoted_column_comes_into_the_exports_of_a_name_that_have_all() {
    let scene = Scene::new();
    let line = |id: u32| format!(r#"{{"msg_id":"{id}","payload":{{"ext":{{"seq":{id}}},"bodies":[]}}}}"#);
    let all = || export(&scene, &["--to", "out", "--since-last", "all"]);
    let named = || export(&scene, &["--to", "out", "--since-last", "named", "--columns", "msg_id,ext"]);
    load(&scene, "2026031409", &[&line(1)]);
    run(&mut all()).leaves(0);
    run(&mut named()).leaves(0);
    run(&mut scene.annals(&["schema", "--promote", "ext.seq:int64"])).leaves(0);
    run(&mut all()).leaves(1);
    load(&scene, "2026031410", &[&line(2)]);
    run(&mut all()).leaves(0);
    run(&mut named()).leaves(0);
    let columns = |folder: &str| {
        let told = manifest(&scene.path("out").join(folder).join("manifest.json"));
        let schema = told["schema"].as_array().unwrap();
        assert_eq!(schema.len(), told["options"]["columns"].as_array().unwrap().len());
        schema.iter().map(|column| column["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(!columns("all-000001").contains(&"ext_seq".to_owned()));
    assert_eq!(columns("all-000002").last().map(String::as_str), Some("ext_seq"));
    assert_eq!(columns("named-000002"), ["msg_id", "ext"]);
    run(&mut export(&scene, &["--to", "out", "--since-last", "named"])).leaves(2);
}

/// An export that appeared and was not noted counts; one that did not is made again.
#[test]
fn a_pending_export_counts_when_it_is_there() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[r#"{"msg_id":"1"}"#]);
    let nightly = || export(&scene, &["--to", "out", "--since-last", "nightly"]);
    run(&mut nightly()).leaves(0);
    let file = scene.archive().join("exports/nightly.json");
    let kept = manifest(&file);
    let folder = scene.path("out/nightly-000001").canonicalize().unwrap();
    let pending = json!({ "version": 1, "number": 0, "options": kept["options"], "hours": {},
        "pending": { "folder": folder, "hours": kept["hours"] } });
    fs::write(&file, pending.to_string()).unwrap();
    run(&mut nightly()).leaves(1);
    assert_eq!(manifest(&file), kept);

    fs::write(&file, pending.to_string()).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    run(&mut nightly()).leaves(0);
    assert_eq!((manifest(&file), handed_out(&scene, "out").len()), (kept, 1));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let scene = Scene::new();
    run(&mut export(&scene, &["--to", "x"])).leaves(2);
    load(&scene, "2026031409", &ODD);
    for (arguments, hint) in [
        (&["--to", "x", "--columns", "sendr"][..], "did you mean `sender`"),
        (&["--to", "x", "--columns", "line,line"], "named twice"),
        (&["--to", "x.ndjson", "--columns", "line"], "whole records"),
        (&["--to", "x", "--query", "frm:mara"], "from:"),
        (&["--to", "-", "--json"], "not both"),
        (&["--to", "x", "--since", "2026-03-15", "--until", "2026-03-14"], "there is no time"),
        (&["--to", "2026031409.ndjson/x"], "could not"),
        (&[], "--to"),
    ] {
        let refused = run(&mut export(&scene, arguments)).leaves(2);
        assert!(refused.stderr.contains(hint), "{arguments:?}: {refused:?}");
    }
    assert!(!scene.path("x").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scene = Scene::new();
    let lines: Vec<String> =
        (0..20_000).map(|id| format!("{{\"msg_id\":\"{id}\",\"said\":\"{}\"}}", "x".repeat(64))).collect();
    load(&scene, "2026031409", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    for format in ["ndjson", "csv", "parquet", "arrow"] {
        let mut child = start(export(&scene, &["--to", "-", "--format", format]).stdin(Stdio::null()));
        drop(child.stdout.take());
        let left = wait(child).leaves(0);
        assert!(!left.stderr.contains("error"), "{left:?}");
    }
}
