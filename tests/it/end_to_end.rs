//! A day, archived from a service that misbehaves, by a program that is killed on the way.

use std::time::Duration;

use chat::Hour;
use emulator::{Handle, corpus};

use crate::scene::{Scene, run, start, wait};
use crate::table;

const MESSAGES_PER_HOUR: u64 = 120;

/// The day that is archived; it is read two days later, when every hour is ready and none is forgotten.
const DAY: &str = "2026-03-14";
const NOW: &str = "2026-03-16T06:00:00Z";

/// Faults of every kind that passes, at random, and hours of every shape.
const FAULTS: &str = "random:0.35:7:429,429=0,500,502,503,too-many-queries,reset,cut-answer,expired-link,file-500,file-503,\
                      file-reset,cut-body,truncated-gzip,bad-crc;\
                      2026031403:members;2026031404:padding;2026031405:content-encoding;2026031406:plain;2026031407:parts=3";

fn service(scene: &Scene, faults: &str) -> Handle {
    let traffic = corpus::Options { seed: 42, messages_per_hour: MESSAGES_PER_HOUR, ..corpus::Options::default() };
    scene.service_at(NOW, faults, traffic)
}

fn fetch(scene: &Scene, service: &Handle) -> std::process::Command {
    let mut command = scene.annals_at(service, &["fetch", "--since", DAY, "--until", "2026-03-15", "--json"]);
    command.env("ANNALS_CLOCK", NOW).env("ANNALS_API_ATTEMPTS", "12");
    command
}

/// What a right archive of the day holds, told by the generator.
fn truth() -> chat::Tally {
    let traffic = corpus::Options { seed: 42, messages_per_hour: MESSAGES_PER_HOUR, ..corpus::Options::default() };
    let first: Hour = DAY.parse().unwrap();
    let mut total = chat::Tally::default();
    for hour in chat::Hours::between(first, first.plus(24)) {
        total += corpus::write_hour(&traffic, hour, &mut std::io::sink()).unwrap().tally();
    }
    total
}

#[test]
fn a_day_survives_faults_and_a_kill() {
    let scene = Scene::new();
    let service = service(&scene, FAULTS);
    kill_when_some_hours_are_there(&scene, &service);

    let report = run(&mut fetch(&scene, &service)).leaves(0).json();
    let truth = truth();
    assert_eq!(report["hours"], serde_json::json!({"done": 24, "empty": 0, "pending": 0, "failed": 0, "lost": 0}));
    assert_eq!(report["lines"], truth.lines);
    assert_eq!(report["messages"], truth.messages);
    assert_eq!(report["duplicates"], truth.duplicates);
    assert_eq!(report["dead_letters"], truth.dead_letters);
    assert_eq!(report["blank_lines"], truth.blank_lines);
    let count = |key: &str| report[key].as_u64().unwrap();
    assert_eq!(
        count("lines"),
        count("messages") + count("duplicates") + count("dead_letters") + count("blank_lines"),
        "{report}"
    );
    run(&mut scene.annals(&["verify"])).leaves(0);
    find_the_landmarks(&scene);

    let steady = undisturbed();
    assert_eq!(table::messages(&scene.archive()), table::messages(&steady.archive()));
    assert_eq!(table::data_files(&scene.archive()), 24);
}

/// Starts a run and kills it once a few hours are published: that is in the middle, whatever the machine's speed.
fn kill_when_some_hours_are_there(scene: &Scene, service: &Handle) {
    let mut child = start(&mut fetch(scene, service));
    while table::data_files(&scene.archive()) < 3 {
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself: {:?}", wait(child));
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let there = table::data_files(&scene.archive());
    assert!((3..24).contains(&there), "{there} hours are there");
}

fn find_the_landmarks(scene: &Scene) {
    for (hour_of_day, text) in corpus::LANDMARKS {
        let question = format!("\"{text}\"");
        let hits = run(&mut scene.annals(&["query", &question, "--format", "jsonl"])).leaves(0).json_lines();
        let hour = format!("{}{hour_of_day:02}", DAY.replace('-', ""));
        assert!(hits.iter().any(|hit| hit["source_hour"] == hour.as_str()), "{question}: {hits:?}");
    }
}

/// The same day from a service without faults, except that the hours have the same shapes: rows carry their part.
fn undisturbed() -> Scene {
    let scene = Scene::new();
    let service = service(&scene, "2026031407:parts=3");
    run(&mut fetch(&scene, &service)).leaves(0);
    scene
}
