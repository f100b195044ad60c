//! `annals sql` over an archive in a bucket, and its answers handed out into one, against a real store that speaks S3.

use serde_json::{Value, json};

use crate::bucket_export::{assert_whole, export, objects};
use crate::buckets::Shore;
use crate::gate::Gate;
use crate::scene::{Run, run};
use crate::sql::archive;

/// The same two hours in a folder and in the bucket.
fn shore() -> Option<Shore> {
    let shore = Shore::new()?;
    archive(&shore.scene);
    for hour in ["2026031423", "2026031500"] {
        let file = shore.scene.path(&format!("{hour}.ndjson"));
        shore.run(&["load", "--no-index", file.to_str().unwrap()]).leaves(0);
    }
    Some(shore)
}

#[test]
fn sql_says_of_a_bucket_what_it_says_of_a_folder() {
    let Some(shore) = shore() else { return };
    let questions: [&[&str]; 9] = [
        &["sql", "SELECT count(*), count(DISTINCT msg_id), min(sent_at) FROM messages"],
        &["sql", "SELECT * FROM messages_once ORDER BY msg_id"],
        &["sql", "SELECT msg_id FROM messages WHERE sender = 'teo' AND source_hour = '2026031500' ORDER BY msg_id"],
        &["sql", "SELECT msg_id, score FROM search('harbour -lantern') ORDER BY msg_id"],
        &["sql", "SELECT count(*) FROM messages WHERE matches('type:img')"],
        &[
            "sql",
            "SELECT m.msg_id, r.msg_id AS other FROM messages m JOIN messages r ON r.recipient = m.sender ORDER BY 1, 2",
        ],
        &["sql", "SELECT state, count(*) FROM hours GROUP BY state"],
        &["sql", "SELECT reason FROM dead_letters"],
        &["query", "harbour", "--format", "jsonl", "--limit", "10"],
    ];
    for question in questions {
        let expected = run(&mut shore.scene.annals(question)).leaves(0);
        let said = shore.run(question).leaves(0);
        assert!(!said.stdout.is_empty() && said.stdout == expected.stdout, "{question:?}: {said:?}, {expected:?}");
    }
    for query in ["SELECT sendr FROM messages", "DELETE FROM messages"] {
        let (expected, said) = (run(&mut shore.scene.annals(&["sql", query])), shore.run(&["sql", query]));
        assert_eq!((said.code, said.stderr), (expected.code, expected.stderr), "{query}");
    }
}

#[test]
fn sql_answers_get_into_a_bucket_whole() {
    let Some(shore) = shore() else { return };
    const SENDERS: &str = "SELECT sender, count(*) AS said FROM messages_once GROUP BY sender ORDER BY sender";
    for format in ["parquet", "csv", "ndjson", "arrow"] {
        let to = format!("s3://harbor/{format}");
        run(&mut export(&shore, &["--to", &to, "--format", format, "--sql", SENDERS])).leaves(0);
        let objects = objects(&shore, format);
        assert_eq!(assert_whole(&objects), 2);
        let file = &objects[&format!("rows-00001.{format}")];
        match format {
            "parquet" => assert_eq!(file.rows, 2),
            "csv" => assert_eq!(file.text, "sender,said\r\nmara,1\r\nteo,3\r\n"),
            _ => {}
        }
    }
    // It fails when some of it was written.
    let broken = "SELECT json_text(text, '$') AS t, 1 / (3 - CAST(msg_id AS int)) AS x FROM messages";
    for to in ["s3://harbor/broken", "s3://harbor/broken/x.csv"] {
        run(&mut export(&shore, &["--to", to, "--sql", broken])).leaves(2);
        run(&mut export(&shore, &["--to", to, "--sql", "SELECT msg_id FROM messages WHERE false"])).leaves(1);
    }
    assert!(objects(&shore, "broken").is_empty());

    std::fs::write(shore.scene.path("key"), "a key of sixteen bytes").unwrap();
    let masked = ["--mask", "--mask-key", "key", "--to", "s3://harbor/masked/x.csv", "--sql", SENDERS];
    run(&mut export(&shore, &masked)).leaves(0);
    let masked = &objects(&shore, "masked")["x.csv"].text;
    assert!(masked.starts_with("sender,said\r\n") && !masked.contains("teo"), "{masked}");
}

/// The watermark is in the archive, which is in the bucket too.
#[test]
fn sql_answers_for_each_publication_once_in_a_bucket() {
    let Some(shore) = shore() else { return };
    const SINCE: &str = "SELECT source_hour, count(*) AS said FROM messages GROUP BY source_hour ORDER BY source_hour";
    let next = || {
        let to = ["--to", "s3://harbor/w", "--since-last", "daily", "--format", "csv"];
        shore.annals(&[&["export"], &to[..], &["--sql", SINCE]].concat())
    };
    // The watermark, the note, the file, the manifest: killed when it has appeared and nothing says so.
    assert!(Gate::before(&shore.endpoint, 4).kill(&mut next()));
    run(&mut next()).leaves(1);
    let again = shore.scene.path("2026031501.ndjson");
    std::fs::write(&again, "{\"msg_id\":\"5\"}\n").unwrap();
    shore.run(&["load", "--no-index", again.to_str().unwrap()]).leaves(0);
    // Killed when the file is there and the manifest is not.
    assert!(Gate::before(&shore.endpoint, 3).kill(&mut next()));
    run(&mut next()).leaves(0);
    run(&mut next()).leaves(1);
    let objects = objects(&shore, "w");
    let texts: Vec<_> = objects.iter().filter(|(name, _)| name.ends_with(".csv")).map(|(_, file)| &file.text).collect();
    assert_eq!(texts, ["source_hour,said\r\n2026031423,2\r\n2026031500,3\r\n", "source_hour,said\r\n2026031501,1\r\n"]);
    let manifest: Value = serde_json::from_str(&objects["daily-000002/manifest.json"].text).unwrap();
    assert_eq!((&manifest["since_last"]["number"], objects.len()), (&json!(2), 4));
}

/// Each request to a store takes some tens of milliseconds.
#[test]
fn sql_asks_a_bucket_for_nothing_twice() {
    let Some(shore) = shore() else { return };
    let gate = Gate::open(&shore.endpoint);
    let query = ["sql", "SELECT count(DISTINCT msg_id) AS n FROM messages WHERE sender >= 'teo'"];
    let said: Run = run(shore.annals(&query).env("AWS_ENDPOINT_URL", &gate.endpoint)).leaves(0);
    assert_eq!(said.stdout, "{\"n\":3}\n");
    let mut passed = gate.passed();
    passed.sort();
    // What is there for good is asked for once. Whether there is more by now is asked again: of the next commit, in each table.
    let next = ["00000000000000000002.json", "00000000000000000003.json", "_last_checkpoint", "list-type"];
    let is_for_good = |line: &&[String]| !next.iter().any(|name| line[0].contains(name));
    let twice = passed.chunk_by(|one, other| one == other).filter(|lines| lines.len() > 1);
    let twice: Vec<_> = twice.filter(is_for_good).map(|lines| &lines[0]).collect();
    assert!(twice.is_empty() && passed.len() < 60, "{twice:#?} of {}: {passed:#?}", passed.len());
}
