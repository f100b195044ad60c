//! The index is derived: behind the tables, in use, damaged or kept back, it makes no answer wrong and fails no run.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use chat::{Hour, Hours};
use emulator::corpus;
use index::{Catalogue, Settings};

use crate::scene::{Run, Scene, files_below, run, start, wait};

/// An hour file with one message.
fn hour_file(scene: &Scene, key: &str, msg_id: &str, text: &str) -> String {
    let hour = Hour::from_key(key).unwrap();
    let record = serde_json::json!({
        "msg_id": msg_id,
        "timestamp": hour.start().timestamp_millis().to_string(),
        "direction": "outgoing",
        "from": "mara_voss",
        "to": "teo-77",
        "chat_type": "chat",
        "payload": { "bodies": [{ "type": "txt", "msg": text }] },
    });
    let path = scene.path(&format!("{key}.ndjson"));
    std::fs::write(&path, format!("{record}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

fn load(scene: &Scene, arguments: &[&str]) -> Run {
    run(&mut scene.annals(&[&["load"], arguments].concat()))
}

fn query(scene: &Scene, words: &str) -> Run {
    run(&mut scene.annals(&["query", words, "--format", "jsonl"]))
}

/// Two hours, of which the later was replaced since it was indexed.
fn behind() -> Scene {
    let scene = Scene::new();
    let kept = hour_file(&scene, "2026031408", "801", "the heron is at the jetty");
    let replaced = hour_file(&scene, "2026031409", "901", "an otter at the jetty");
    load(&scene, &[&kept, &replaced]).leaves(0);
    let replaced = hour_file(&scene, "2026031409", "902", "a badger at the jetty");
    load(&scene, &["--again", "--no-index", &replaced]).leaves(0);
    scene
}

#[test]
fn a_message_of_an_hour_that_was_replaced_is_shown() {
    let scene = behind();
    let are_shown = || {
        for (id, status, rows) in [("902", 0, 1), ("901", 1, 0), ("801", 0, 1)] {
            let shown = run(&mut scene.annals(&["show", id, "--json"])).leaves(status);
            assert_eq!(shown.stdout.matches("\"msg_id\"").count(), rows, "{id}: {shown:?}");
        }
    };
    are_shown();
    // Both hours in one file, of which the index knows one.
    run(&mut scene.annals(&["compact", "--since", "2026-03-14", "--until", "2026-03-15"])).leaves(0);
    are_shown();
}

#[test]
fn while_somebody_is_at_the_index_the_hours_that_it_holds_are_searched() {
    let scene = behind();
    let catalogue = Catalogue::open(&scene.archive().join("index"), Settings::default()).unwrap();
    let writer = catalogue.take_in(Hour::from_key("2026031410").unwrap(), "on its way").unwrap();

    let heron = query_at_once(&scene, "jetty").leaves(0);
    let ids: Vec<_> = heron.json_lines().iter().map(|hit| hit["msg_id"].clone()).collect();
    assert_eq!(ids, ["801"], "what was replaced is no hit");
    assert!(heron.stderr.contains("1 archived hours are not indexed yet"), "{}", heron.stderr);
    let newest = run(scene
        .annals(&["query", "jetty", "--format", "jsonl", "--order", "newest", "--limit", "1"])
        .env("ANNALS_INDEX_WAIT", "0s"));
    assert_eq!(newest.leaves(0).json_lines()[0]["msg_id"], "801", "what was replaced takes no place either");
    for words in ["otter", "badger"] {
        assert!(query_at_once(&scene, words).leaves(1).stderr.contains("warning:"), "{words}");
    }

    drop((writer, catalogue));
    assert_eq!(query(&scene, "badger").leaves(0).json_lines()[0]["msg_id"], "902");
    query(&scene, "otter").leaves(1);
}

/// A search that waits for nobody at the index.
fn query_at_once(scene: &Scene, words: &str) -> Run {
    run(scene.annals(&["query", words, "--format", "jsonl"]).env("ANNALS_INDEX_WAIT", "0s"))
}

#[test]
fn a_search_waits_for_somebody_at_the_index() {
    let scene = behind();
    let catalogue = Catalogue::open(&scene.archive().join("index"), Settings::default()).unwrap();
    let writer = catalogue.take_in(Hour::from_key("2026031410").unwrap(), "on its way").unwrap();
    let mut search = scene.annals(&["query", "badger", "--format", "jsonl"]);
    let search = start(search.env("ANNALS_INDEX_WAIT", "60s"));
    std::thread::sleep(Duration::from_millis(500));
    drop((writer, catalogue));
    let found = wait(search).leaves(0);
    assert!(found.stderr.contains("waiting for another process"), "{}", found.stderr);
    assert_eq!(found.json_lines()[0]["msg_id"], "902");
}

#[test]
fn a_damaged_index_is_said_and_keeps_nothing_back() {
    let scene = behind();
    std::fs::write(scene.archive().join("index/meta.json"), "{").unwrap();

    for command in [&["status"][..], &["show", "801"], &["show", "902"]] {
        let run = run(&mut scene.annals(command)).leaves(0);
        assert!(run.stderr.contains("warning: the search index was left out"), "{command:?}: {}", run.stderr);
    }
    let verify = run(&mut scene.annals(&["verify", "--json"])).leaves(3).json();
    assert_eq!((&verify["hours"], &verify["rows"]), (&2.into(), &2.into()));
    assert!(verify["findings"][0].as_str().unwrap().contains("index"), "{verify}");
    let asked = query(&scene, "heron").leaves(2);
    assert!(asked.stderr.contains("hint: `annals index rebuild`"), "{}", asked.stderr);
    let again = hour_file(&scene, "2026031410", "1001", "a stork");
    let loaded = load(&scene, &[&again]).leaves(0);
    assert!(loaded.stdout.contains("1 done") && loaded.stderr.contains("warning:"), "{loaded:?}");

    std::fs::remove_dir_all(scene.archive().join("index")).unwrap();
    query(&scene, "stork").leaves(0);
    run(&mut scene.annals(&["verify"])).leaves(0);
}

#[test]
fn an_hour_that_cannot_be_read_keeps_the_others_from_nothing() {
    let scene = Scene::new();
    let sound = hour_file(&scene, "2026031408", "801", "the heron is at the jetty");
    let broken = hour_file(&scene, "2026031409", "901", "an otter at the jetty");
    load(&scene, &["--no-index", &sound, &broken]).leaves(0);
    std::fs::write(data_file(&scene, "2026031409"), "no Parquet").unwrap();

    let report = load(&scene, &["--json", &sound]).leaves(0);
    assert_eq!((&report.json()["hours"]["done"], &report.json()["not_indexed"]), (&1.into(), &1.into()));
    assert!(report.stderr.contains("warning: 1 hours could not be indexed"), "{}", report.stderr);
    assert_eq!(query(&scene, "jetty").leaves(0).json_lines().len(), 1);
    run(&mut scene.annals(&["verify"])).leaves(3);
}

fn data_file(scene: &Scene, key: &str) -> PathBuf {
    let folder = scene.archive().join("messages");
    let is_of_hour = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "parquet") && name(path).contains(key);
    folder.join(files_below(&folder).into_iter().find(is_of_hour).unwrap())
}

fn name(path: &std::path::Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// A day that is archived and not indexed; the paths of its files.
fn day_without_index(scene: &Scene) -> Vec<String> {
    let traffic = corpus::Options { seed: 9, messages_per_hour: 300, ..corpus::Options::default() };
    let first = Hour::from_key("2026031400").unwrap();
    let paths: Vec<String> = Hours::between(first, first.plus(24))
        .map(|hour| {
            let path = scene.path(&format!("{}.ndjson", hour.key()));
            corpus::write_hour(&traffic, hour, &mut std::fs::File::create(&path).unwrap()).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let arguments: Vec<&str> = ["--no-index"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    load(scene, &arguments).leaves(0);
    paths
}

fn terminate(child: &Child) {
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_search_that_is_stopped_while_it_indexes_prints_nothing() {
    let scene = Scene::new();
    day_without_index(&scene);
    let mut child = start(&mut scene.annals(&["query", "type:txt"]));
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("indexing 24 hours first"), "{said}");
    terminate(&child);
    assert_eq!(wait(child).leaves(130).stdout, "");
    query(&scene, "type:txt").leaves(0);
}

#[test]
fn a_run_that_is_stopped_while_the_index_catches_up_sums_up_and_ends_with_130() {
    let scene = Scene::new();
    let paths = day_without_index(&scene);
    let mut child = start(&mut scene.annals(&["load", "--json", &paths[0]]));
    let meta = scene.archive().join("index/meta.json");
    let began = Instant::now();
    while !std::fs::read_to_string(&meta).unwrap_or_default().contains("segment_id") {
        assert!(child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(2));
    }
    terminate(&child);
    let report = wait(child).leaves(130).json();
    assert_eq!((&report["hours"]["done"], &report["interrupted"]), (&1.into(), &true.into()));
    let left = report["not_indexed"].as_u64().unwrap();
    assert!((1..24).contains(&left), "{left}");
}

#[test]
fn verify_is_stopped_at_once() {
    let scene = Scene::new();
    day_without_index(&scene);
    let mut child = start(&mut scene.annals(&["verify", "-vv"]));
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("settings read"), "{said}");
    // It now begins to listen for signals, and then has a day to read.
    std::thread::sleep(Duration::from_millis(50));
    terminate(&child);
    assert_eq!(wait(child).leaves(130).stdout, "");
}
