//! What searches find, in many languages: a corpus of messages, and queries with the ids of all that they must find.
//!
//! The messages are archived by the program and asked for through the library, as `annals query` does.

use std::collections::BTreeSet;
use std::fs;

use index::{Catalogue, Query};
use query::{Library, Question};
use serde_json::{Value, json};
use store::{Access, Archive};

use crate::scene::{Scene, run};

const CORPUS: &str = include_str!("search_quality/corpus.txt");
const QUERIES: &str = include_str!("search_quality/queries.txt");

fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
}

/// A line of the corpus as the service would serve it.
fn record(row: &str) -> Value {
    let (id, text) = row.split_once(' ').unwrap();
    let (text, more) = text.split_once(" {").map_or((text, None), |(text, more)| (text, Some(format!("{{{more}"))));
    let more: Value = more.map_or(json!({}), |more| serde_json::from_str(&more).unwrap());
    let body = match more.get("file") {
        Some(name) => {
            json!({"type": "file", "filename": name, "url": format!("https://files.example.com/{id}"), "msg": text})
        }
        None => json!({"type": "txt", "msg": text}),
    };
    let ext = more.get("ext").cloned().unwrap_or(json!({}));
    json!({
        "msg_id": id, "timestamp": 1_773_478_800_000_u64, "direction": "outgoing", "from": "teo-77", "to": "mara",
        "chat_type": "chat", "payload": {"ext": ext, "bodies": [body], "from": "teo-77", "to": "mara"}
    })
}

#[test]
fn every_query_finds_what_it_must_and_nothing_else() {
    let scene = Scene::new();
    let hour = scene.path("2026031409.json");
    let records: Vec<_> = rows(CORPUS).map(|row| record(row).to_string()).collect();
    fs::write(&hour, records.join("\n")).unwrap();
    run(&mut scene.annals(&["load", hour.to_str().unwrap()])).leaves(0);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let clock = std::sync::Arc::new(|| "2026-03-14T12:00:00Z".parse::<chat::Timestamp>().unwrap());
    let archive = runtime.block_on(Archive::open(&scene.archive(), Access::Existing, clock)).unwrap();
    let library = Library::new(archive, Catalogue::open_existing(&scene.archive().join("index")).unwrap());
    let (mut asked, mut wrong) = (0, Vec::new());
    for row in rows(QUERIES) {
        let (typed, expected) = row.split_once(" =>").unwrap();
        let question = Question { limit: 1000, ..Question::new(Query::parse(typed).unwrap()) };
        let answer = runtime.block_on(library.ask(&question)).unwrap();
        let id = |found: query::Found| found.message.msg_id.unwrap_or_default().into_owned();
        let found: BTreeSet<String> = answer.hits.into_iter().map(id).collect();
        let expected: BTreeSet<String> = expected.split_whitespace().map(str::to_owned).collect();
        asked += 1;
        if found != expected {
            wrong.push(format!("{typed}\n    finds {found:?}\n    must  {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} queries:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked >= 150, "{asked}");
}
