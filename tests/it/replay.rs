//! `annals dead-letters --replay`: lines that a newer program, or another limit, reads after all.

use std::fs;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use chat::Position;
use decode::Limits;
use ingest::{SecondRun, Settings, Settled, Workshop};
use serde_json::{Value, json};
use store::{Access, Archive};
use tokio_util::sync::CancellationToken;

use crate::scene::{Run, Scene, files_below, run};
use crate::table;

/// A record that is too deep for who reads two levels.
fn deep(id: &str, said: &str) -> String {
    format!("{{\"msg_id\":\"{id}\",\"payload\":{{\"bodies\":[{{\"type\":\"txt\",\"msg\":\"{said}\"}}]}}}}")
}

fn shallow(id: &str) -> String {
    format!("{{\"msg_id\":\"{id}\"}}")
}

/// What hours are worked on with by a program that reads less.
async fn old_workshop(scene: &Scene, decode: Limits, clock: ingest::Clock) -> Workshop {
    let archive = Archive::open(&scene.archive(), Access::Create, Arc::clone(&clock)).await.unwrap();
    let settings = Settings {
        archive: archive::Settings::default(),
        decode,
        habits: ingest::Habits::default(),
        workers: const { NonZero::new(1).expect("one is not zero") },
        second_run: SecondRun::Leave,
        zone: None,
    };
    let (spare, stop) = (archive::Spare::default(), CancellationToken::new());
    Workshop { archive, catalogue: None, app: None, clock, settings, spare, stop, version: "0.0.9" }
}

/// Loads lines as a program did that read less.
pub(crate) fn load_with(scene: &Scene, key: &str, lines: &[String], decode: Limits) {
    let path = scene.path(&format!("{key}.ndjson"));
    fs::write(&path, lines.join("\n")).unwrap();
    scene.block_on(async {
        let clock: ingest::Clock = Arc::new(|| "2026-03-20T12:00:00Z".parse().unwrap());
        let workshop = old_workshop(scene, decode, clock).await;
        let files = ingest::hours_of_files(&[path], chat::Zone::UTC).unwrap();
        let report = workshop.load(files, Settled::Again, &|_, _| {}).await.unwrap();
        assert!(report.failures.is_empty(), "{report:?}");
    });
}

pub(crate) const LESS: Limits =
    Limits { line: 16 << 20, unpacked: 64 << 30, depth: 2, batch_messages: 4096, batch_bytes: 1 << 20 };

/// An hour of five messages for who reads deep enough, one of them twice, and a line that nobody reads.
pub(crate) fn an_hour() -> Vec<String> {
    let deep_one = deep("2", "the tide turns");
    vec![shallow("1"), deep_one.clone(), "no message".to_owned(), deep("3", "it is noon"), shallow("4"), deep_one]
}

fn replay(scene: &Scene, arguments: &[&str]) -> Run {
    run(&mut scene.annals(&[&["dead-letters", "--replay", "--json"], arguments].concat()))
}

fn changed(hour: &str, dead_letters: u64, messages: u64, duplicates: u64) -> Value {
    json!({ "hour": hour, "dead_letters": dead_letters, "messages": messages, "duplicates": duplicates })
}

/// Positions and ids of the rows, those that are no longer served marked.
pub(crate) fn rows(scene: &Scene) -> Vec<(Position, Option<String>, bool)> {
    let rows = table::messages(&scene.archive()).into_iter();
    rows.map(|row| (row.position, row.msg_id.map(String::from), row.retained_at.is_some())).collect()
}

fn lines_and_ids(scene: &Scene) -> Vec<(u32, u64, String, bool)> {
    let rows = rows(scene).into_iter();
    rows.map(|(place, id, retained)| (place.part, place.line, id.unwrap(), retained)).collect()
}

/// Forgets what was served.
pub(crate) fn forget_raw(scene: &Scene) {
    fs::remove_dir_all(scene.archive().join("raw")).unwrap();
}

fn files(scene: &Scene) -> Vec<PathBuf> {
    let mut files = files_below(&scene.archive());
    files.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    files
}

#[test]
fn an_hour_is_read_once_more_from_what_was_served_or_from_its_letters() {
    for has_raw in [true, false] {
        let scene = Scene::new();
        load_with(&scene, "2026031409", &an_hour(), LESS);
        load_with(&scene, "2026031410", &[shallow("9"), "nothing".to_owned()], LESS);
        let untouched = rows(&scene).into_iter().filter(|(place, ..)| place.source_hour.key() == "2026031410");
        let untouched: Vec<_> = untouched.collect();
        if !has_raw {
            forget_raw(&scene);
        }
        let before = files(&scene);
        let expected = [changed("2026031409", 4, 2, 1)];
        let dry = replay(&scene, &["--dry-run"]).leaves(0).json();
        assert_eq!((dry["changed"].as_array().unwrap().as_slice(), &dry["dry_run"]), (&expected[..], &json!(true)));
        assert_eq!(files(&scene), before, "it was only asked");

        let done = replay(&scene, &[]).leaves(0).json();
        assert_eq!(done["changed"].as_array().unwrap().as_slice(), expected, "{done}");
        assert_eq!((&done["hours"], &done["dead_letters"]), (&json!(2), &json!(5)));
        assert_eq!((&done["messages"], &done["duplicates"]), (&json!(2), &json!(1)));
        let found = lines_and_ids(&scene);
        let of_hour: Vec<_> = found.iter().map(|(part, line, id, _)| (*part, *line, id.as_str())).take(4).collect();
        let mut sorted = of_hour.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [(0, 1, "1"), (0, 2, "2"), (0, 4, "3"), (0, 5, "4")]);
        assert!(untouched.iter().all(|row| rows(&scene).contains(row)));
        let letters = run(&mut scene.annals(&["dead-letters"])).leaves(0).json_lines();
        let texts: Vec<_> = letters.iter().map(|letter| letter["text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["no message", "nothing"]);

        // The index has followed, and the archive is proven.
        run(&mut scene.annals(&["query", "noon"])).leaves(0);
        let arguments: &[&str] = if has_raw { &["verify", "--round-trip", "--json"] } else { &["verify", "--json"] };
        let proof = run(&mut scene.annals(arguments)).leaves(0).json();
        assert_eq!(proof["findings"], json!([]), "{proof}");
        let hours = run(&mut scene.annals(&["status", "--json"])).leaves(0).stdout;
        assert!(hours.contains("\"dead_letters\":2"), "{hours}");

        let after = files(&scene);
        assert_eq!(replay(&scene, &[]).leaves(0).json()["changed"], json!([]), "nothing is left to read");
        assert_eq!(files(&scene), after);
    }
}

#[test]
fn a_line_that_was_too_long_is_read_where_it_was_served() {
    let scene = Scene::new();
    let long = deep("2", &"tide ".repeat(40_000));
    let path = scene.path("2026031409.ndjson");
    fs::write(&path, [shallow("1"), long].join("\n")).unwrap();
    run(&mut scene.annals(&["load", "--set", "decode.line_limit=100KiB", path.to_str().unwrap()])).leaves(0);
    let same = replay(&scene, &["--set", "decode.line_limit=100KiB"]).leaves(0).json();
    assert_eq!((&same["changed"], &same["left"]), (&json!([]), &json!([])), "with the same limit it is the same");
    assert_eq!(replay(&scene, &[]).leaves(0).json()["changed"], json!([changed("2026031409", 1, 1, 0)]));
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0);
    assert_eq!(lines_and_ids(&scene).len(), 2);
}

#[test]
fn a_line_kept_in_part_waits_for_its_hour_file() {
    let scene = Scene::new();
    let path = scene.path("2026031409.ndjson");
    fs::write(&path, [shallow("1"), deep("2", &"tide ".repeat(40_000))].join("\n")).unwrap();
    run(&mut scene.annals(&["load", "--set", "decode.line_limit=100KiB", path.to_str().unwrap()])).leaves(0);
    forget_raw(&scene);
    let before = files(&scene);
    let told = replay(&scene, &[]).leaves(0);
    assert_eq!(told.json()["changed"], json!([]));
    let why = told.json()["left"][0]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("load its hour file again") && told.stderr.contains(&why), "{why}: {}", told.stderr);
    assert_eq!(files(&scene), before);
}

#[test]
fn what_is_kept_though_it_is_served_no_more_stays() {
    for has_raw in [true, false] {
        let scene = Scene::new();
        // The service serves less the second time: what it forgot is kept, as after a fetch.
        retained(&scene);
        let before = lines_and_ids(&scene);
        assert!(before.iter().any(|(part, .., is_retained)| *part == 1_000 && *is_retained), "{before:?}");
        if !has_raw {
            forget_raw(&scene);
        }
        assert_eq!(replay(&scene, &[]).leaves(0).json()["changed"], json!([changed("2026031409", 1, 1, 0)]));
        let mut ids: Vec<_> = lines_and_ids(&scene).into_iter().map(|(.., id, kept)| (id, kept)).collect();
        ids.sort();
        let expected = [("1", true), ("2", false), ("3", false)].map(|(id, kept)| (id.to_owned(), kept));
        assert_eq!(ids, expected, "with raw: {has_raw}");
        run(&mut scene.annals(&["verify"])).leaves(0);
    }
}

/// An hour that was fetched twice by a program that read less: a row that is served no more, a message, and a line that
/// is too deep.
fn retained(scene: &Scene) {
    let folder = scene.path("files");
    fs::create_dir_all(&folder).unwrap();
    let clock = emulator::Clock::running_from("2026-03-14T12:00:00Z".parse().unwrap());
    let history = emulator::History::Folder(folder.clone());
    let options = emulator::Options { clock, rate_per_minute: None, history, ..emulator::Options::default() };
    let service = scene.service(options);
    for (lines, now) in [
        ([shallow("1"), shallow("2")], "2026-03-14T12:00:00Z"),
        ([shallow("2"), deep("3", "it is noon")], "2026-03-15T12:00:00Z"),
    ] {
        fs::write(folder.join("2026031409.ndjson"), lines.join("\n")).unwrap();
        service.clock().set(now.parse().unwrap());
        scene.block_on(fetch_with(scene, &service));
    }
}

async fn fetch_with(scene: &Scene, service: &emulator::Handle) {
    let clock = service.clock().clone();
    let token = api::TokenSource::Static(chat::Secret::new(service.token()));
    let now = clock.clone();
    let config = api::Config {
        rate: api::Rate::per_minute(NonZero::<u32>::MAX),
        ..api::Config::new(service.base_url().parse().unwrap(), token, Arc::new(move || now.now()))
    };
    let client = api::Client::new(config).unwrap();
    let workshop = old_workshop(scene, LESS, Arc::new(move || clock.now())).await;
    let hour = chat::Hour::from_key("2026031409").unwrap();
    let report = workshop.fetch(&client, chat::Hours::between(hour, hour.plus(1)), Settled::Again, &|_, _| {}).await;
    let report = report.unwrap();
    assert!(report.failures.is_empty() && report.published == 1, "{report:?}");
}

#[test]
fn bytes_that_were_not_served_are_published_as_nothing() {
    let scene = Scene::new();
    load_with(&scene, "2026031409", &an_hour(), LESS);
    let part = scene.archive().join("raw/2026/03/14/2026031409-0.gz");
    let served = fs::read_to_string(&part).unwrap();
    fs::write(&part, served.replace("noon", "dawn")).unwrap();
    let before = files(&scene);
    for arguments in [&["--dry-run"][..], &[]] {
        let told = replay(&scene, arguments).leaves(3);
        assert_eq!(told.json()["changed"], json!([]));
        assert!(told.stderr.contains("2026031409-0.gz is not what was served: its SHA-256 is"), "{}", told.stderr);
    }
    assert_eq!(files(&scene), before);
    // Loaded once more, the hour has its bytes back, and is read by the limits of today.
    let file = scene.path("2026031409.ndjson");
    let load = |more: &[&str]| run(&mut scene.annals(&[&["load", file.to_str().unwrap()], more].concat())).leaves(0);
    load(&[]);
    replay(&scene, &["--dry-run"]).leaves(3);
    load(&["--again"]);
    assert_eq!(fs::read_to_string(&part).unwrap(), served);
    assert_eq!(replay(&scene, &[]).leaves(0).json()["changed"], json!([]));
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0);
}
