//! `annals export --sql`: what a query answers, for other programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::scene::{Run, Scene, files_below, run};
use crate::sql::{archive, load};

const SENDERS: &str = "SELECT sender, count(*) AS said FROM messages_once GROUP BY sender ORDER BY sender";

fn export(scene: &Scene, arguments: &[&str]) -> Run {
    run(&mut scene.annals(&[&["export"], arguments].concat()))
}

fn manifest(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// The rows of a file of JSON lines.
fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_answer_has_its_files_and_a_manifest_in_every_form() {
    let scene = Scene::new();
    archive(&scene);
    for format in ["parquet", "csv", "ndjson", "arrow"] {
        export(&scene, &["--to", format, "--format", format, "--sql", SENDERS]).leaves(0);
        let told = manifest(&scene.path(format).join("manifest.json"));
        assert_eq!((&told["format"], &told["rows"], &told["merge_key"]), (&json!(format), &json!(2), &Value::Null));
        assert_eq!((&told["options"]["sql"], &told["hours"]), (&json!(SENDERS), &json!([])));
        let columns = json!([
            { "name": "sender", "type": "string", "nullable": true },
            { "name": "said", "type": "bigint", "nullable": false },
        ]);
        assert_eq!(told["schema"], columns);
        let name = format!("rows-00001.{format}");
        let path = scene.path(format).join(&name);
        let facts =
            json!([{ "name": name, "rows": 2, "bytes": path.metadata().unwrap().len(), "sha256": sha256(&path) }]);
        assert_eq!(told["files"], facts);
        assert_eq!(files_below(&scene.path(format)).len(), 2);
    }
    assert_eq!(fs::read_to_string(scene.path("csv/rows-00001.csv")).unwrap(), "sender,said\r\nmara,1\r\nteo,3\r\n");
    let rows = [json!({ "sender": "mara", "said": 1 }), json!({ "sender": "teo", "said": 3 })];
    assert_eq!(lines(&scene.path("ndjson/rows-00001.ndjson")), rows);
    // A file, and stdout.
    export(&scene, &["--to", "senders.csv", "--sql", SENDERS]).leaves(0);
    assert_eq!(manifest(&scene.path("senders.csv.manifest.json"))["files"][0]["name"], "senders.csv");
    let streamed = export(&scene, &["--to", "-", "--format", "csv", "--sql", SENDERS]).leaves(0);
    assert_eq!(streamed.stdout, fs::read_to_string(scene.path("senders.csv")).unwrap());
    assert!(streamed.stderr.contains("2 rows"), "{streamed:?}");
    assert_eq!(export(&scene, &["--to", "-", "--sql", SENDERS]).leaves(0).json_lines(), rows);
}

#[test]
fn an_answer_without_rows_leaves_what_was_there() {
    let scene = Scene::new();
    archive(&scene);
    export(&scene, &["--to", "x.csv", "--sql", SENDERS]).leaves(0);
    let before = files_below(&scene.path(""));
    for to in ["x.csv", "folder", "-"] {
        let nothing = export(&scene, &["--to", to, "--sql", "SELECT msg_id FROM messages WHERE false"]).leaves(1);
        assert!(nothing.stderr.contains("no rows") && nothing.stdout.is_empty(), "{nothing:?}");
    }
    assert_eq!(files_below(&scene.path("")), before);
}

#[test]
fn a_mistake_leaves_nothing_behind() {
    let scene = Scene::new();
    archive(&scene);
    let before = files_below(&scene.path(""));
    for (arguments, expected) in [
        (&["--sql", "SELECT sendr FROM messages"][..], "did you mean `sender`?"),
        (&["--sql", "SELECT m.part, r.part FROM messages m, messages r"], "two columns `part`"),
        (&["--sql", "DELETE FROM messages"], "not supported"),
        (&["--sql", " "], "there is no query"),
        (&["--sql", "SELECT secret FROM messages"], "no column `secret`"),
        // It fails when some of it has been written.
        (&["--sql", "SELECT json_text(text, '$') AS t, 1 / (3 - CAST(msg_id AS int)) AS x FROM messages"], "zero"),
        (&["--sql", SENDERS, "--query", "harbour"], "cannot be used with"),
        (&["--sql", SENDERS, "--columns", "sender"], "cannot be used with"),
        (&["--sql", SENDERS, "--since", "2026-03-14"], "cannot be used with"),
        (&["--sql", SENDERS, "--once"], "cannot be used with"),
    ] {
        let refused = export(&scene, &[&["--to", "x.csv"], arguments].concat()).leaves(2);
        assert!(refused.stderr.contains(expected), "{arguments:?}: {refused:?}");
    }
    assert_eq!(files_below(&scene.path("")), before);
    let with = export(&scene, &["--to", "-", "--with-secrets", "--sql", "SELECT secret FROM search('type:img')"]);
    assert_eq!(with.leaves(0).json_lines(), [json!({ "secret": "hush-one" })]);
}

/// The tables are masked before a query sees them, with the very values of an export of messages.
#[test]
fn a_query_sees_masked_messages_and_no_others() {
    let scene = Scene::new();
    archive(&scene);
    fs::write(scene.path("key"), "a key of sixteen bytes").unwrap();
    for how in ["drop", "redact"] {
        let mask = ["--mask", "--mask-key", "key", "--mask-text", how, "--to"];
        export(&scene, &[&mask[..], &[&format!("{how}.csv")]].concat()).leaves(0);
        let messages = fs::read_to_string(scene.path(&format!("{how}.csv"))).unwrap();
        let columns = messages.lines().next().unwrap().to_owned();
        let query = format!("SELECT {columns} FROM messages ORDER BY source_hour, sent_at, msg_id, part, line");
        let answered = export(&scene, &[&mask[..], &["-", "--format", "csv", "--sql", &query]].concat()).leaves(0);
        assert_eq!(answered.stdout, messages, "{how}");
        // What is computed is computed of what is masked, whoever filters by what.
        for query in [
            "SELECT max(sender || recipient || conversation) AS x, count(*) AS n FROM messages_once WHERE sender <> 'mara'",
            "SELECT * FROM search('harbour') WHERE recipient LIKE '%e%'",
            "SELECT m.*, r.sender AS other FROM messages m JOIN messages r ON r.recipient = m.sender",
        ] {
            let told = export(&scene, &[&mask[..], &["-", "--sql", query]].concat()).leaves(0).stdout;
            let hidden = ["mara", "teo", "g7", "hush", "https", "order"];
            assert!(hidden.iter().all(|word| !told.contains(word)) && !told.is_empty(), "{query}: {told}");
        }
        let plain =
            export(&scene, &[&mask[..], &["-", "--sql", "SELECT 1 AS x FROM messages WHERE sender = 'mara'"]].concat());
        plain.leaves(1);
        for table in ["dead_letters", "attachments"] {
            let refused = export(&scene, &[&mask[..], &["-", "--sql", &format!("SELECT * FROM {table}")]].concat());
            assert!(refused.leaves(2).stderr.contains(&format!("no table `{table}`")));
        }
    }
    let told =
        export(&scene, &["--mask", "--mask-key", "key", "--to", "m.csv", "--json", "--sql", SENDERS]).leaves(0).json();
    assert_eq!(
        (&told["options"]["mask"]["text"], told["options"]["mask"]["key_id"].as_str().unwrap().len()),
        (&json!("drop"), 16)
    );
}

const SINCE: &str = "SELECT source_hour, count(*) AS said FROM messages_once GROUP BY source_hour ORDER BY source_hour";

#[test]
fn each_publication_is_answered_for_once() {
    let scene = Scene::new();
    archive(&scene);
    let next =
        |query: &str| export(&scene, &["--to", "w", "--since-last", "daily", "--format", "ndjson", "--sql", query]);
    let told = |number: u64| manifest(&scene.path(&format!("w/daily-{number:06}/manifest.json")));
    let rows = |number: u64| lines(&scene.path(&format!("w/daily-{number:06}/rows-00001.ndjson")));
    let hour = |key: &str, said: u64| json!({ "source_hour": key, "said": said });
    // What does not say its hours is refused, and hands nothing out.
    for (query, expected) in [
        ("SELECT count(*) AS n FROM messages", "no column `source_hour`"),
        ("SELECT count(*) AS source_hour FROM messages", "no column `source_hour`"),
        ("SELECT '2026031422' AS source_hour FROM messages", "rows of the hour `2026031422`"),
        ("SELECT CAST(NULL AS varchar) AS source_hour FROM messages", "no column `source_hour`"),
    ] {
        let refused = next(query).leaves(2);
        assert!(refused.stderr.contains(expected), "{query}: {refused:?}");
    }
    assert!(files_below(&scene.path("w")).is_empty());

    next(SINCE).leaves(0);
    assert_eq!(rows(1), [hour("2026031423", 2), hour("2026031500", 2)]);
    assert_eq!((&told(1)["merge_key"], &told(1)["since_last"]["number"]), (&json!("source_hour"), &json!(1)));
    next(SINCE).leaves(1);

    // A new hour has a message of an earlier one, which was handed out before, and one of its own.
    load(
        &scene,
        "2026031501",
        &[
            r#"{"msg_id":"4","timestamp":1773532800004,"from":"teo","to":"g7","chat_type":"groupchat","payload":{"bodies":[{"type":"txt","msg":"harbour"}]}}"#,
            r#"{"msg_id":"5","timestamp":1773536400005,"from":"teo","to":"g7","chat_type":"groupchat","payload":{"bodies":[{"type":"txt","msg":"harbour"}]}}"#,
        ],
    );
    next(SINCE).leaves(0);
    assert_eq!(rows(2), [hour("2026031501", 1)]);
    assert_eq!(told(2)["hours"].as_array().unwrap().len(), 1);

    // An hour that grew comes again, also when its day was put together.
    load(
        &scene,
        "2026031501",
        &[
            r#"{"msg_id":"5","timestamp":1773536400005,"from":"teo","to":"g7","chat_type":"groupchat","payload":{"bodies":[{"type":"txt","msg":"harbour"}]}}"#,
            r#"{"msg_id":"6","timestamp":1773536400006,"from":"teo","to":"g7","chat_type":"groupchat","payload":{"bodies":[{"type":"txt","msg":"six"}]}}"#,
        ],
    );
    run(&mut scene.annals(&["compact"])).leaves(0);
    next(SINCE).leaves(0);
    let again = &told(3)["hours"];
    assert_eq!(
        (&again[0]["hour"], &again[0]["replaces"], again.as_array().unwrap().len()),
        (&json!("2026031501"), &json!(true), 1)
    );
    assert_eq!(rows(3), [hour("2026031501", 2)]);
    next(SINCE).leaves(1);
    let other = next("SELECT source_hour FROM messages").leaves(2);
    assert!(other.stderr.contains("asked for something else before"), "{other:?}");
}

/// New rows beside all rows, and what the index finds in them.
#[test]
fn what_is_new_is_asked_for_beside_what_is_known() {
    let scene = Scene::new();
    archive(&scene);
    let query = "SELECT m.source_hour, m.msg_id, (SELECT count(*) FROM all_messages) AS known FROM messages m \
        WHERE matches('harbour', m.line) ORDER BY m.msg_id";
    let next = || export(&scene, &["--to", "w", "--since-last", "found", "--format", "csv", "--sql", query]);
    next().leaves(0);
    load(
        &scene,
        "2026031501",
        &[
            r#"{"msg_id":"5","timestamp":1773536400005,"from":"teo","to":"g7","chat_type":"groupchat","payload":{"bodies":[{"type":"txt","msg":"harbour"}]}}"#,
        ],
    );
    next().leaves(0);
    let found = |number: u64| fs::read_to_string(scene.path(&format!("w/found-{number:06}/rows-00001.csv"))).unwrap();
    assert_eq!(found(1), "source_hour,msg_id,known\r\n2026031423,1,5\r\n2026031500,1,5\r\n2026031500,4,5\r\n");
    assert_eq!(found(2), "source_hour,msg_id,known\r\n2026031501,5,6\r\n");
}
