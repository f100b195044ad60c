//! `annals schema`: the columns, and what no column has.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::scene::{Scene, run};

/// Loads these lines as the hour file of a key.
fn load(scene: &Scene, key: &str, lines: &[&str]) {
    let path = scene.path(&format!("{key}.ndjson"));
    fs::write(&path, lines.join("\n")).unwrap();
    run(&mut scene.annals(&["load", "--no-index", path.to_str().unwrap()])).leaves(0);
}

/// Two hours of an app that changes: what is new in the second was not in the first.
fn changing_app(scene: &Scene) {
    load(
        scene,
        "2026031409",
        &[
            r#"{"msg_id":"1","timestamp":1773478800001,"payload":{"ext":{"order_id":7,"trace":"a"},"bodies":[{"type":"txt","msg":"x"}]}}"#,
            r#"{"msg_id":"2","timestamp":1773478800002,"payload":{"ext":{"order_id":"8"},"bodies":[{"type":"voice","length":2}]}}"#,
        ],
    );
    load(
        scene,
        "2026031410",
        &[
            r#"{"msg_id":"3","timestamp":1773482400003,"region":"eu","payload":{"ext":{"order_id":9,"a\u001b[31m":[]},"bodies":[{"type":"sticker","pack":{}}]}}"#,
            r#"{"msg_id":"4","timestamp":1773482400004,"payload":{"lang":null,"bodies":[{"type":"txt","msg":"x"}]}}"#,
        ],
    );
}

fn facts(scene: &Scene, more: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = ["schema", "--drift", "--json"].iter().chain(more).copied().collect();
    let told = run(&mut scene.annals(&arguments)).leaves(0).json();
    assert_eq!((&told["version"], &told["left_out"], &told["unreadable"]), (&1.into(), &0.into(), &0.into()));
    told["facts"].as_array().unwrap().clone()
}

fn fact(place: &str, name: &str, types: &[&str], first_hour: &str, count: u64) -> Value {
    json!({ "place": place, "name": name, "types": types, "first_hour": first_hour, "count": count })
}

#[test]
fn what_is_new_in_the_traffic_is_named() {
    let scene = Scene::new();
    changing_app(&scene);
    let order = |hour, types: &[&str], count| fact("ext", "order_id", types, hour, count);
    let of_the_second =
        [fact("ext", "a\u{1b}[31m", &["array"], "2026031410", 1), fact("payload", "lang", &["null"], "2026031410", 1)];
    let end_of_the_second = [
        fact("body", "pack", &["object"], "2026031410", 1),
        fact("record", "region", &["string"], "2026031410", 1),
        fact("body_type", "sticker", &["string"], "2026031410", 1),
    ];
    let first = [order("2026031409", &["number", "string"], 3), fact("ext", "trace", &["string"], "2026031409", 1)];
    assert_eq!(facts(&scene, &[]), [&first[..], &of_the_second, &end_of_the_second].concat());
    let second = [order("2026031410", &["number"], 1)];
    let alone = [&of_the_second[..], &second, &end_of_the_second].concat();
    assert_eq!(facts(&scene, &["--since", "2026-03-14T10"]), alone);
    let first_alone = [order("2026031409", &["number", "string"], 2), first[1].clone()];
    assert_eq!(facts(&scene, &["--until", "2026-03-14T10"]), first_alone);
    assert_eq!(facts(&scene, &["--since", "2026-03-15"]), Vec::<Value>::new());
    // Hours that share a file are told as before.
    let whole = facts(&scene, &[]);
    run(&mut scene.annals(&["compact"])).leaves(0);
    assert_eq!((facts(&scene, &[]), facts(&scene, &["--since", "2026-03-14T10"])), (whole, alone));
}

#[test]
fn a_terminal_does_not_obey_a_name() {
    let scene = Scene::new();
    changing_app(&scene);
    let shown = run(&mut scene.annals(&["schema", "--drift"])).leaves(0);
    assert!(shown.stdout.contains("a␛[31m") && !shown.stdout.contains('\u{1b}'), "{shown:?}");
    assert!(shown.stdout.starts_with("first_hour"), "{shown:?}");
    assert!(shown.stderr.contains("7 names in 4 messages"), "{shown:?}");
}

#[test]
fn the_columns_are_those_of_the_tables() {
    let scene = Scene::new();
    changing_app(&scene);
    let told = run(&mut scene.annals(&["schema", "--json"])).leaves(0).json();
    let columns = told["columns"].as_array().unwrap();
    assert_eq!(told["format"], archive::FORMAT);
    let names = |table: &str| -> Vec<&str> {
        columns
            .iter()
            .filter(|column| column["table"] == table)
            .map(|column| column["name"].as_str().unwrap())
            .collect()
    };
    let of = |columns: &[archive::Column]| columns.iter().map(|column| column.name).collect::<Vec<_>>();
    assert_eq!(names("messages"), [of(archive::columns()), vec!["date"]].concat());
    assert_eq!(names("dead_letters"), [of(archive::dead_letter_columns()), vec!["date"]].concat());
    assert_eq!(names("hours"), of(archive::entry_columns()));
    let ours = archive::columns().iter().chain(archive::dead_letter_columns()).chain(archive::entry_columns());
    let ours = ours.map(|column| column.type_word);
    assert!(
        columns
            .iter()
            .filter(|column| column["name"] != "date")
            .map(|column| column["type"].as_str().unwrap())
            .eq(ours)
    );
    let later: Vec<_> = columns.iter().filter(|column| column["since_format"] != 1).collect();
    let later: Vec<_> =
        later.iter().map(|column| (column["name"].as_str().unwrap(), &column["since_format"])).collect();
    let (two, three) = (json!(2), json!(3));
    assert_eq!(later, [("retained_at", &two), ("about", &three), ("retained", &two), ("added", &two)]);
    let shown = run(&mut scene.annals(&["schema"])).leaves(0);
    assert_eq!(shown.stdout.lines().count(), columns.len() + 1, "{shown:?}");
}

/// The files of before lack columns; what the tables have was added to their logs.
#[test]
fn an_archive_of_before_is_looked_through() {
    let scene = Scene::new();
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/formats/v2");
    assert!(Command::new("cp").arg("-r").args([&museum, &scene.archive()]).status().unwrap().success());
    let told = run(&mut scene.annals(&["schema", "--drift", "--json"])).leaves(0).json();
    assert_eq!((&told["messages"], &told["unreadable"]), (&20.into(), &0.into()));
    let shown = run(&mut scene.annals(&["schema"])).leaves(0);
    assert!(shown.stdout.contains("about"), "{shown:?}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let scene = Scene::new();
    run(&mut scene.annals(&["schema"])).leaves(2);
    changing_app(&scene);
    let refused = run(&mut scene.annals(&["schema", "--since", "2026-03-14"])).leaves(2);
    assert!(refused.stderr.contains("--drift"), "{refused:?}");
}
