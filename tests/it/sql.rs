//! `annals sql`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use chat::{Attachment, AttachmentKind, Hour, Position, Timestamp};
use query::export::Secrets;
use query::sql::{Database, Options, SqlError, Value as Cell};
use serde_json::{Value, json};
use store::{Access, Archive, AttachmentUpdate};

use crate::scene::{Run, Scene, run, start};

/// Loads these lines as the hour file of a key.
pub(crate) fn load(scene: &Scene, key: &str, lines: &[&str]) {
    let path = scene.path(&format!("{key}.ndjson"));
    fs::write(&path, lines.join("\n")).unwrap();
    run(&mut scene.annals(&["load", "--again", path.to_str().unwrap()])).leaves(0);
}

/// Two hours of two days: four messages, of which one is served in both hours, and a line that is no message.
pub(crate) fn archive(scene: &Scene) {
    load(
        scene,
        "2026031423",
        &[
            r#"{"msg_id":"1","timestamp":1773529200001,"from":"mara","to":"teo","chat_type":"chat","payload":{"ext":{"order":{"id":"77","n":2}},"bodies":[{"type":"txt","msg":"harbour lantern"}]}}"#,
            r#"{"msg_id":"2","timestamp":1773529200002,"from":"teo","to":"mara","chat_type":"chat","payload":{"bodies":[{"type":"img","url":"https://a/b","secret":"hush-one","thumb_secret":"hush-two","file_length":7}],"x_secret":"hush-three"}}"#,
            "no message",
        ],
    );
    load(
        scene,
        "2026031500",
        &[
            r#"{"msg_id":"1","timestamp":1773529200001,"from":"mara","to":"teo","chat_type":"chat","payload":{"bodies":[{"type":"txt","msg":"harbour lantern"}]}}"#,
            r#"{"msg_id":"3","timestamp":1773532800003,"from":"teo","to":"mara","chat_type":"chat","payload":{"bodies":[{"type":"txt","msg":"slipway, \"quoted\""}]}}"#,
            r#"{"msg_id":"4","timestamp":1773532800004,"from":"teo","to":"g7","chat_type":"groupchat","payload":{"bodies":[{"type":"txt","msg":"harbour"}]}}"#,
        ],
    );
}

fn sql(scene: &Scene, query: &str, more: &[&str]) -> Run {
    run(&mut scene.annals(&[&["sql", query], more].concat()))
}

fn rows(scene: &Scene, query: &str) -> Vec<Value> {
    sql(scene, query, &[]).leaves(0).json_lines()
}

/// The one value of the one row.
#[track_caller]
fn value(scene: &Scene, query: &str) -> Value {
    let rows = rows(scene, query);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows[0].as_object().unwrap().values().next().unwrap().clone()
}

#[test]
fn every_table_is_there() {
    let scene = Scene::new();
    archive(&scene);
    for (query, expected) in [
        ("SELECT count(*) FROM messages", json!(5)),
        ("SELECT count(*) FROM messages_once", json!(4)),
        ("SELECT count(*) FROM hours WHERE state = 'done'", json!(2)),
        ("SELECT reason FROM dead_letters", json!("syntax")),
        ("SELECT source_hour FROM messages_once WHERE msg_id = '1'", json!("2026031423")),
        ("SELECT count(*) FROM messages WHERE date = DATE '2026-03-15'", json!(3)),
        ("SELECT max(sent_at) FROM messages", json!("2026-03-15T00:00:00.004Z")),
        ("SELECT sum(file_length) FROM messages", json!(7)),
        ("SELECT json_text(ext, '$.order.id') FROM messages WHERE ext IS NOT NULL", json!("77")),
        ("SELECT json_int(ext, '$.order.n') FROM messages WHERE ext IS NOT NULL", json!(2)),
        ("SELECT conversation_peer(conversation, 'mara') FROM messages WHERE msg_id = '3'", json!("teo")),
        ("SELECT conversation_id(conversation) FROM messages WHERE msg_id = '4'", json!("g7")),
        ("SELECT conversation_kind(conversation) FROM messages WHERE msg_id = '4'", json!("groupchat")),
    ] {
        assert_eq!(value(&scene, query), expected, "{query}");
    }
}

#[test]
fn an_answer_comes_in_each_form() {
    let scene = Scene::new();
    archive(&scene);
    let query = "SELECT msg_id, text, sent_at FROM messages_once WHERE msg_id IN ('2', '3') ORDER BY msg_id";
    let table = sql(&scene, query, &["--format", "table"]).leaves(0).stdout;
    assert!(table.starts_with("msg_id") && table.contains("slipway"), "{table}");
    let csv = sql(&scene, query, &["--format", "csv"]).leaves(0).stdout;
    assert_eq!(
        csv,
        "msg_id,text,sent_at\r\n2,,2026-03-14T23:00:00.002Z\r\n3,\"slipway, \"\"quoted\"\"\",2026-03-15T00:00:00.003Z\r\n"
    );
    let lines = sql(&scene, query, &["--format", "jsonl"]).leaves(0).json_lines();
    assert_eq!(lines[0], json!({ "msg_id": "2", "text": null, "sent_at": "2026-03-14T23:00:00.002Z" }));
    for (name, magic) in [("a.parquet", &b"PAR1"[..]), ("a.arrow", b"ARROW1"), ("a.csv", b"msg_id,"), ("a.jsonl", b"{")]
    {
        let path = scene.path(name);
        let silent = sql(&scene, query, &["--output", path.to_str().unwrap()]).leaves(0);
        assert_eq!(silent.stdout, "");
        assert!(fs::read(&path).unwrap().starts_with(magic), "{name}");
    }
    // A file and stdin hold a query as well.
    fs::write(scene.path("q.sql"), "SELECT count(*)\nFROM messages;\n").unwrap();
    let answered = run(&mut scene.annals(&["sql", "--file", "q.sql", "--format", "csv"])).leaves(0);
    assert_eq!(answered.stdout, "count(*)\r\n5\r\n");
}

#[test]
fn full_text_agrees_with_the_search() {
    let scene = Scene::new();
    archive(&scene);
    for query in ["harbour", "harbour -lantern", "from:teo", "type:img", "nothing"] {
        let counted = run(&mut scene.annals(&["query", query, "--count", "--json"]));
        let searched = run(&mut scene.annals(&["query", query, "--json"]));
        let mut ids: Vec<_> =
            searched.json_lines().iter().map(|hit| hit["msg_id"].as_str().unwrap().to_owned()).collect();
        ids.sort_unstable();
        let found = rows(&scene, &format!("SELECT msg_id, score FROM search('{query}') ORDER BY msg_id"));
        let found: Vec<_> = found.iter().map(|row| row["msg_id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(found, ids, "{query} {counted:?}");
        let matching = format!("SELECT DISTINCT msg_id FROM messages WHERE matches('{query}') ORDER BY msg_id");
        let matching: Vec<_> =
            rows(&scene, &matching).iter().map(|row| row["msg_id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(matching, ids, "{query}");
    }
    // Every row counts, also where it is no filter of its own; and the best is first.
    for (query, expected) in [
        ("SELECT count(*) FROM messages WHERE matches('harbour')", json!(3)),
        ("SELECT count(*) FROM messages WHERE NOT matches('harbour')", json!(2)),
        ("SELECT count(*) FROM messages WHERE matches('slipway') OR msg_id = '4'", json!(2)),
        ("SELECT count(*) FROM messages_once WHERE matches('harbour')", json!(2)),
        ("SELECT msg_id FROM search('harbour lantern') ORDER BY score DESC LIMIT 1", json!("1")),
        (
            "SELECT count(*) FROM messages m JOIN messages r ON r.recipient = m.sender WHERE matches('slipway', r.line)",
            json!(2),
        ),
    ] {
        assert_eq!(value(&scene, query), expected, "{query}");
    }
}

/// The plan names the files that are read; a file that cannot have rows is not among them.
#[test]
fn files_without_rows_that_match_are_left_out() {
    let scene = Scene::new();
    archive(&scene);
    let plan = |filter: &str| {
        let plan = sql(&scene, &format!("EXPLAIN SELECT text FROM messages WHERE {filter}"), &[]).leaves(0).stdout;
        (plan.matches("date=2026-03-14/").count() > 0, plan.matches("date=2026-03-15/").count() > 0, plan)
    };
    for (filter, first, second) in [
        ("part = 0", true, true),
        ("source_hour >= '2026031500'", false, true),
        ("source_hour = '2026031423'", true, false),
        ("date = DATE '2026-03-14'", true, false),
        // The second hour has a message of the first, so that its file cannot be left out.
        ("sent_at < TIMESTAMP '2026-03-14T23:30:00Z'", true, true),
        ("sent_at > TIMESTAMP '2026-03-14T23:30:00Z'", false, true),
        ("sender = 'zoe'", false, false),
        ("matches('slipway')", false, true),
        ("matches('type:img')", true, false),
        ("matches('nothing')", false, false),
    ] {
        let (has_first, has_second, plan) = plan(filter);
        assert_eq!((has_first, has_second), (first, second), "{filter}: {plan}");
    }
    let (_, _, plan) = plan("matches('slipway')");
    assert!(plan.contains("index['slipway': 1 rows in 1 hours]"), "{plan}");
}

/// Of a file of many pages, those alone are read on which a row can be that the index names.
#[test]
fn pages_without_a_hit_are_not_read() {
    let scene = Scene::new();
    let lines: Vec<_> = (0..40_000)
        .map(|number| {
            let said = if number == 20_000 { "slipway" } else { "harbour" };
            let body = format!(r#"{{"type":"txt","msg":"{said}"}}"#);
            let sent = 1_773_532_800_000_u64 + number;
            format!(r#"{{"msg_id":"{number}","timestamp":{sent},"payload":{{"bodies":[{body}]}}}}"#)
        })
        .collect();
    load(&scene, "2026031500", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    for query in ["SELECT msg_id FROM messages WHERE matches('slipway')", "SELECT msg_id FROM search('slipway')"] {
        assert_eq!(value(&scene, query), json!("20000"));
        let plan = sql(&scene, &format!("EXPLAIN ANALYZE {query}"), &[]).leaves(0).stdout;
        let (_, looked_at) = plan.split_once("pushdown_rows_pruned=").unwrap();
        // A page's rows, of forty thousand.
        let thousands = looked_at.split_once(" K,").unwrap().0;
        assert!(thousands.parse::<f64>().unwrap() < 10.0, "{plan}");
    }
}

#[test]
fn share_secrets_are_left_out_unless_asked_for() {
    let scene = Scene::new();
    archive(&scene);
    let all = sql(&scene, "SELECT * FROM messages", &[]).leaves(0).stdout;
    assert!(!all.contains("hush"), "{all}");
    let found = sql(&scene, "SELECT * FROM search('type:img')", &[]).leaves(0).stdout;
    assert!(found.contains("https://a/b") && !found.contains("hush"), "{found}");
    sql(&scene, "SELECT secret FROM messages", &[]).leaves(2);
    let with = sql(&scene, "SELECT * FROM messages", &["--with-secrets"]).leaves(0).stdout;
    for secret in ["hush-one", "hush-two", "hush-three"] {
        assert!(with.contains(secret), "{with}");
    }
    let line = r#"{"msg_id":"5","timestamp":1773536400001,"payload":{"bodies":[{"type":"img","url":"https://a/c?share-secret=hush-four","localurl":"https://a/d?share-secret=hush-five"}]}}"#;
    load(&scene, "2026031501", &[line]);
    run(&mut scene.annals(&["schema", "--promote", "body.localurl:string"])).leaves(0);
    let query = "SELECT url, body_localurl, rest FROM messages WHERE msg_id = '5'";
    let all = sql(&scene, query, &[]).leaves(0).json();
    assert_eq!(
        (&all["url"], &all["body_localurl"]),
        (&json!("https://a/c?share-secret="), &json!("https://a/d?share-secret="))
    );
    let with = sql(&scene, query, &["--with-secrets"]).leaves(0).stdout;
    assert!(with.contains("hush-four") && with.matches("hush-five").count() == 2, "{with}");
}

#[test]
fn a_mistake_is_told_with_what_was_meant() {
    let scene = Scene::new();
    archive(&scene);
    for (query, expected) in [
        ("SELECT sendr FROM messages", "did you mean `sender`?"),
        ("SELECT * FROM mesages", "did you mean `messages`?"),
        (
            "SELECT ext->>'order_id' FROM messages",
            "a member of a JSON text is json_text(ext, '$.name'), see docs/sql.md",
        ),
        ("SELECT * FROM attachment", "did you mean `attachments`?"),
        ("SELEC 1", "SELEC"),
        ("SELECT * FROM messages WHERE matches('form:x')", "full-text"),
        ("SELECT * FROM messages WHERE matches(sender)", "single quotes"),
        ("SELECT json_text(ext, 'order') FROM messages WHERE ext IS NOT NULL", "no path"),
        ("CREATE TABLE t (x int)", "DDL not supported"),
        ("COPY messages TO 'x.csv'", "not supported"),
        ("DELETE FROM messages", "not supported"),
        ("", "there is no query"),
    ] {
        let refused = sql(&scene, query, &[]).leaves(2);
        assert!(refused.stderr.contains(expected) && refused.stdout.is_empty(), "{query}: {refused:?}");
    }
    let pointed = sql(&scene, "SELECT sender,\n  sendr FROM messages", &[]).leaves(2).stderr;
    assert!(pointed.contains("          sendr FROM messages\n          ^"), "{pointed}");
    run(&mut scene.annals(&["sql"])).leaves(2);
    run(&mut scene.annals(&["sql", "SELECT 1", "--output", "x.txt"])).leaves(2);
    assert!(!scene.path("x.csv").exists() && !scene.path("x.txt").exists());
}

#[test]
fn an_archive_without_an_hour_is_empty() {
    let scene = Scene::new();
    run(&mut scene.annals(&["sql", "SELECT 1"])).leaves(2);
    archive(&scene);
    assert_eq!(value(&scene, "SELECT count(*) FROM messages WHERE source_hour < '2000'"), json!(0));
    let header = sql(&scene, "SELECT msg_id FROM messages WHERE false", &["--format", "csv"]).leaves(0);
    assert_eq!(header.stdout, "msg_id\r\n");
}

/// The files of before lack columns, and may lack tables.
#[test]
fn an_archive_of_before_is_asked() {
    for (version, rows) in [("v1", 9), ("v2", 20)] {
        let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/formats").join(version);
        let scene = Scene::new();
        assert!(Command::new("cp").arg("-r").args([&museum, &scene.archive()]).status().unwrap().success());
        for (query, expected) in [
            ("SELECT count(*) FROM messages WHERE about IS NULL", json!(rows)),
            ("SELECT sum(messages) FROM hours", json!(rows)),
            ("SELECT count(*) FROM dead_letters", json!(1)),
            ("SELECT count(*) FROM attachments", json!(0)),
        ] {
            assert_eq!(value(&scene, query), expected, "{version}: {query}");
        }
        let said = value(&scene, "SELECT count(*) FROM messages WHERE text LIKE '%two spaces before%'");
        assert_eq!(value(&scene, "SELECT count(*) FROM search('\"two spaces before\"')"), said);
        assert!(said.as_u64() > Some(0), "{version}");
    }
}

/// What is known of the files that messages speak of; an archive in which nobody asked for any shows none.
#[test]
fn attachments_are_a_table_with_or_without_rows() {
    let scene = Scene::new();
    archive(&scene);
    let table = "SELECT a.url, a.state, m.sender FROM attachments a \
        JOIN messages m ON m.source_hour = a.source_hour AND m.part = a.part AND m.line = a.line";
    assert!(rows(&scene, table).is_empty());
    let hour = Hour::from_key("2026031423").unwrap();
    let position = Position { source_hour: hour, part: 0, line: 2 };
    let row = Attachment::new(position, AttachmentKind::File, "https://a/b".to_owned(), hour.start());
    scene.block_on(async {
        let archive = Archive::open(&scene.archive(), Access::Existing, Arc::new(|| Timestamp::UNIX_EPOCH)).await;
        let update = AttachmentUpdate { rows: vec![row], ..AttachmentUpdate::default() };
        archive.unwrap().update_attachments(&update).await.unwrap();
    });
    assert_eq!(rows(&scene, table), [json!({ "url": "https://a/b", "state": "pending", "sender": "teo" })]);
    assert_eq!(value(&scene, "SELECT count(*) FROM attachments WHERE date = DATE '2026-03-14'"), json!(1));
    assert_eq!(value(&scene, "SELECT count(*) FROM attachments WHERE source_hour > '2026031423'"), json!(0));
}

/// A sort that does not fit goes to disk, and leaves nothing there.
#[test]
fn what_does_not_fit_into_memory_goes_to_disk() {
    let scene = Scene::new();
    archive(&scene);
    let query = "SELECT max(place) AS last FROM (SELECT row_number() OVER (ORDER BY t DESC) AS place FROM \
        (SELECT repeat(CAST(value AS varchar), 20) AS t FROM generate_series(1, 400000)))";
    let ask = |query: &str| run(scene.annals(&["sql", query]).env("ANNALS_SQL_MEMORY", "96MiB")).leaves(0);
    assert_eq!(ask(query).json_lines(), [json!({ "last": 400_000 })]);
    let plan = ask(&format!("EXPLAIN ANALYZE {query}")).stdout;
    let spilled = plan.split("spill_count=").skip(1).any(|metrics| !metrics.starts_with('0'));
    assert!(spilled, "{plan}");
    let unfinished = || fs::read_dir(scene.archive().join("tmp")).map_or(0, Iterator::count);
    assert_eq!(unfinished(), 0);
    // What a query that was killed leaves there is no harm.
    let left = scene.archive().join("tmp/datafusion-left");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("spilled"), "rows").unwrap();
    ask("SELECT 1");
    assert_eq!(unfinished(), 0);
}

/// Whatever is published after a database was opened, its answers stay what they were.
#[test]
fn a_query_sees_one_moment() {
    let scene = Scene::new();
    archive(&scene);
    let options = Options {
        memory: 1 << 30,
        temp: scene.path(""),
        secrets: Secrets::LeftOut,
        mask: None,
        now: Timestamp::UNIX_EPOCH,
    };
    let open = || {
        scene.block_on(async {
            let archive = Archive::open(&scene.archive(), Access::Existing, Arc::new(|| Timestamp::UNIX_EPOCH)).await;
            Database::open(&archive.unwrap(), None, &options).await.unwrap()
        })
    };
    let count = |database: &Database, of: &str| {
        scene.block_on(async {
            let mut answer = database.ask(&format!("SELECT count(*) FROM {of}")).await?;
            Ok::<_, SqlError>(answer.next().await?.unwrap().values()?.remove(0).remove(0))
        })
    };
    let before = open();
    assert_eq!(count(&before, "messages WHERE line > 0").unwrap(), Cell::Text("5".to_owned()));
    load(&scene, "2026031501", &[r#"{"msg_id":"5","timestamp":1773536400005}"#]);
    for table in ["messages", "messages WHERE line > 0", "messages_once, hours WHERE state = 'done' AND lines = 3"] {
        let expected = if table.contains("hours") { "8" } else { "5" };
        assert_eq!(count(&before, table).unwrap(), Cell::Text(expected.to_owned()), "{table}");
    }
    assert_eq!(count(&open(), "messages WHERE line > 0").unwrap(), Cell::Text("6".to_owned()));
    // An hour that is published anew takes the file of before away: that is said, and never half an answer.
    load(&scene, "2026031500", &[r#"{"msg_id":"3","timestamp":1773532800003}"#]);
    let moving = count(&before, "messages WHERE line > 0");
    assert!(matches!(moving, Err(SqlError::Moving { has_begun: false })), "{moving:?}");
    assert_eq!(count(&open(), "messages WHERE line > 0").unwrap(), Cell::Text("4".to_owned()));
}

/// Queries that run beside a load: within each, tables agree.
#[test]
fn tables_agree_while_hours_are_published() {
    let scene = Scene::new();
    archive(&scene);
    let files: Vec<String> = (1..10)
        .map(|hour| {
            let path = scene.path(&format!("202603160{hour}.ndjson"));
            let line = |id: u32| format!(r#"{{"msg_id":"{hour}-{id}","timestamp":1773619200000}}"#);
            fs::write(&path, (0..50).map(|id| line(id) + "\n").collect::<String>()).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let arguments: Vec<&str> = ["load", "--no-index"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let mut loading = start(&mut scene.annals(&arguments));
    let query = "SELECT (SELECT count(*) FROM messages) AS counted, (SELECT count(*) FROM messages WHERE line > 0) AS read, \
        (SELECT sum(messages) FROM hours) AS published";
    let mut last = 0;
    while loading.try_wait().unwrap().is_none() {
        let row = rows(&scene, query).remove(0);
        let number = |name: &str| row[name].as_u64().unwrap();
        assert_eq!(number("counted"), number("read"), "{row}");
        assert!(number("published") <= number("counted") && number("counted") >= last, "{row} after {last}");
        last = number("counted");
    }
    assert_eq!(value(&scene, "SELECT count(*) FROM messages"), json!(5 + 450));
}
