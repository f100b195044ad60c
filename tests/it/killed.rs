//! Killed at every named step of publishing: the archive is sound, and the next run makes it whole.
//!
//! Only in a build with the feature `failpoints`: `cargo test --features failpoints --test it killed`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use chat::{Hour, Position};
use emulator::{Clock, Handle, History, Options};

use crate::media;
use crate::replay;
use crate::restore;
use crate::scene::{Scene, run};
use crate::secrets;
use crate::table;

const HOUR: &str = "2026031409";
/// When the hour is fetched for the first time, and when it is asked for once more.
const YOUNG: &str = "2026-03-14T12:00:00Z";
const GROWN: &str = "2026-03-15T12:00:00Z";

/// A service whose one hour file the test writes.
fn service(scene: &Scene) -> Handle {
    let folder = scene.path("files");
    fs::create_dir_all(&folder).unwrap();
    let clock = Clock::running_from(YOUNG.parse().unwrap());
    let history = History::Folder(folder);
    scene.service(Options { clock, rate_per_minute: None, history, ..Options::default() })
}

/// Writes the hour's two parts, with these messages and a line that is none.
fn say(scene: &Scene, ids: std::ops::Range<u32>) {
    let time = Hour::from_key(HOUR).unwrap().start().timestamp_millis();
    for part in 0..2 {
        let mut text = format!("this is no message of part {part}, {ids:?}\n");
        for id in ids.clone() {
            let said = format!("{{\"payload\":{{\"bodies\":[{{\"type\":\"txt\",\"msg\":\"tide {id}\"}}]}},");
            writeln!(text, "{said}\"msg_id\":\"{part}{id}\",\"timestamp\":{time}}}").unwrap();
        }
        fs::write(scene.path(&format!("files/{HOUR}-{part}.ndjson")), text).unwrap();
    }
}

/// `annals fetch` of the hour at this time.
fn fetch(scene: &Scene, service: &Handle, now: &str) -> Command {
    service.clock().set(now.parse().unwrap());
    let mut command =
        scene.annals_at(service, &["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T10", "--json"]);
    command.env("ANNALS_CLOCK", now);
    command
}

/// What is in the tables, but for the moment at which a row was no longer served.
fn rows(archive: &Path) -> Vec<(Position, Option<String>, bool)> {
    let rows = table::messages(archive).into_iter();
    rows.map(|row| (row.position, row.msg_id.map(String::from), row.retained_at.is_some())).collect()
}

/// Runs the program until it stands at a step for the n-th time, and kills it there. Says whether it got there.
fn kill_at(command: &mut Command, step: &str, nth: usize) -> bool {
    let pause = if nth == 1 { format!("{step}=pause") } else { format!("{step}={}*off->pause", nth - 1) };
    command.env("FAILPOINTS", pause).env("RUST_LOG", "store=debug").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let silent = |line: &String| secrets::assert_no_secret("stderr", line);
    let is_there = |line: &String| line.contains("step") && line.split(['"', '=', ' ']).any(|word| word == step);
    let got_there = lines.map_while(Result::ok).inspect(silent).filter(is_there).nth(nth - 1).is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    got_there
}

/// How often an hour comes to a step that each table comes to: dead letters, messages, ledger.
fn times(step: &str) -> usize {
    if step.starts_with("log.") { 3 } else { 1 }
}

/// Kills a run at every step that it comes to, each time in a scene of its own, and lets another run make it good.
/// Answers with the steps.
fn at_every_step(
    prepare: impl Fn(&Scene, &Handle),
    now: &str,
    steps: impl Iterator<Item = &'static str>,
) -> BTreeSet<&'static str> {
    let steady = Scene::new();
    let undisturbed = service(&steady);
    prepare(&steady, &undisturbed);
    run(&mut fetch(&steady, &undisturbed, now)).leaves(0);
    let expected = rows(&steady.archive());
    let files = table::data_files(&steady.archive());
    let (mut met, mut wrong) = (BTreeSet::new(), Vec::new());
    for (step, nth) in steps.flat_map(|step| (1..=times(step)).map(move |nth| (step, nth))) {
        let scene = Scene::new();
        let service = service(&scene);
        prepare(&scene, &service);
        if !kill_at(&mut fetch(&scene, &service, now), step, nth) {
            continue;
        }
        met.insert(step);
        let verified = run(&mut scene.annals(&["verify"]));
        let again = run(&mut fetch(&scene, &service, now));
        let is_whole = rows(&scene.archive()) == expected && table::data_files(&scene.archive()) == files;
        let proof = run(&mut scene.annals(&["verify", "--json"]));
        let is_sound = proof.code == 0 && proof.json()["not_indexed"] == 0;
        if (verified.code, again.code, is_whole, is_sound) != (0, 0, true, true) {
            wrong.push(format!("{step}, met for the {nth}. time: {verified:?}, then {again:?}, then {proof:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "killed at these steps, the archive was not sound or not made whole:\n{}",
        wrong.join("\n")
    );
    met
}

/// The steps that only a full ledger comes to, or a day that is put together, or an export, or a restore.
fn is_of_merging(step: &&str) -> bool {
    ["merge.", "compact.", "rest.", "media.", "export.", "restore."].iter().any(|of| step.starts_with(of))
}

/// The steps of replacing, which an hour that is new does not come to.
const OF_REPLACING: [&str; 2] = ["letters.discarded", "messages.discarded"];

#[test]
fn killed_while_a_new_hour_is_published() {
    let prepare = |scene: &Scene, _: &Handle| say(scene, 1..4);
    let steps = store::STEPS.iter().copied().filter(|step| !is_of_merging(step));
    let met = at_every_step(prepare, YOUNG, steps.clone());
    let missed: Vec<_> = steps.filter(|step| !met.contains(step) && !OF_REPLACING.contains(step)).collect();
    assert!(missed.is_empty(), "nothing died at {missed:?}");
}

#[test]
fn killed_while_an_hour_that_grew_is_published_anew() {
    let prepare = |scene: &Scene, service: &Handle| {
        say(scene, 1..4);
        run(&mut fetch(scene, service, YOUNG)).leaves(0);
        // Message 1 is served no more, and is kept.
        say(scene, 2..7);
    };
    let steps = store::STEPS.iter().copied().filter(|step| !is_of_merging(step));
    let met = at_every_step(prepare, GROWN, steps.clone());
    let missed: Vec<_> = steps.filter(|step| !met.contains(step)).collect();
    assert!(missed.is_empty(), "nothing died at {missed:?}");
}

/// The rows and the lines that are set aside.
fn held(scene: &Scene) -> (Vec<(Position, Option<String>, bool)>, String) {
    (rows(&scene.archive()), run(&mut scene.annals(&["dead-letters"])).leaves(0).stdout)
}

#[test]
fn killed_while_dead_letters_are_read_once_more() {
    // Without the served bytes, the letters are all that is left of their lines.
    for has_raw in [true, false] {
        let prepared = || {
            let scene = Scene::new();
            replay::load_with(&scene, HOUR, &replay::an_hour(), replay::LESS);
            if !has_raw {
                replay::forget_raw(&scene);
            }
            scene
        };
        let again = |scene: &Scene| scene.annals(&["dead-letters", "--replay", "--json"]);
        let steady = prepared();
        run(&mut again(&steady)).leaves(0);
        let expected = held(&steady);
        let mut met = BTreeSet::new();
        let steps = store::STEPS.iter().copied().filter(|step| !is_of_merging(step));
        for (step, nth) in steps.flat_map(|step| (1..=times(step)).map(move |nth| (step, nth))) {
            let scene = prepared();
            if !kill_at(&mut again(&scene), step, nth) {
                continue;
            }
            met.insert(step);
            run(&mut again(&scene)).leaves(0);
            assert_eq!(
                held(&scene),
                expected,
                "killed at {step} for the {nth}. time, with the served bytes: {has_raw}"
            );
            run(&mut scene.annals(&["verify"])).leaves(0);
        }
        for step in ["letters.placed", "letters.committed", "messages.committed", "hours.written", "log.committed"] {
            assert!(met.contains(step), "nothing died at {step}");
        }
    }
}

#[test]
fn killed_while_the_ledger_is_merged() {
    // Each hour that is loaded adds a file to the ledger; the next one makes it full.
    let full = Scene::new();
    let first = Hour::from_key("2026020100").unwrap();
    let paths = (0..FULL - 1).map(|hour| {
        let path = full.path(&format!("{}.ndjson", first.plus(hour).key()));
        fs::write(&path, format!("{{\"msg_id\":\"{hour}\"}}\n")).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let paths: Vec<String> = paths.collect();
    let arguments: Vec<&str> = ["load", "--json"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    run(&mut full.annals(&arguments)).leaves(0);
    let prepare = |scene: &Scene, _: &Handle| {
        copy(&full.archive(), &scene.archive());
        say(scene, 1..4);
    };
    let steps = store::STEPS.iter().copied().filter(|step| step.starts_with("merge."));
    let met = at_every_step(prepare, YOUNG, steps.clone());
    assert_eq!(met, steps.collect());
}

/// When the day of the hour is closed.
const CLOSED: &str = "2026-03-18T12:00:00Z";

/// A day of nine hours with a message and a dead letter each, the hour that is fetched among them.
fn a_day(scene: &Scene, service: &Handle) {
    say(scene, 1..4);
    run(&mut fetch(scene, service, YOUNG)).leaves(0);
    let hour = Hour::from_key(HOUR).unwrap();
    let paths = (1..9).map(|number| {
        let path = scene.path(&format!("{}.ndjson", hour.plus(number).key()));
        fs::write(&path, format!("{{\"msg_id\":\"{number}\"}}\nno message\n")).unwrap();
        path.to_str().unwrap().to_owned()
    });
    let paths: Vec<String> = paths.collect();
    let arguments: Vec<&str> = ["load", "--json"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    run(scene.annals(&arguments).env("ANNALS_CLOCK", YOUNG)).leaves(0);
}

#[test]
fn killed_while_a_day_is_compacted() {
    let steps = || store::STEPS.iter().copied().filter(|step| step.starts_with("compact."));
    let mut met = BTreeSet::new();
    for (step, nth) in steps().flat_map(|step| [(step, 1), (step, 2)]) {
        let scene = Scene::new();
        let service = service(&scene);
        a_day(&scene, &service);
        let before = rows(&scene.archive());
        let mut compact = scene.annals(&["compact"]);
        if kill_at(compact.env("ANNALS_CLOCK", CLOSED), step, nth) {
            met.insert(step);
        }
        for _ in 0..2 {
            assert_eq!(rows(&scene.archive()), before, "killed at {step}");
            run(&mut scene.annals(&["verify"])).leaves(0);
            run(scene.annals(&["compact"]).env("ANNALS_CLOCK", CLOSED)).leaves(0);
        }
        assert_eq!(table::data_files(&scene.archive()), 1, "killed at {step}");
    }
    assert_eq!(met, steps().collect());
}

#[test]
fn killed_while_an_hour_of_a_compacted_day_is_published_anew() {
    let prepare = |scene: &Scene, service: &Handle| {
        a_day(scene, service);
        run(scene.annals(&["compact", "--since", "2026-03-14"]).env("ANNALS_CLOCK", "2026-03-15T11:00:00Z")).leaves(0);
        assert_eq!(table::data_files(&scene.archive()), 1);
        say(scene, 2..7);
    };
    let is_of_it = |step: &&str| ["rest.", "letters.", "messages."].iter().any(|of| step.starts_with(of));
    let steps = store::STEPS.iter().copied().filter(is_of_it);
    let met = at_every_step(prepare, GROWN, steps.clone());
    assert_eq!(met, steps.collect());
}

/// Each publication is handed out once, wherever an export was killed.
#[test]
fn killed_while_an_export_appears() {
    let steps = || store::STEPS.iter().copied().filter(|step| step.starts_with("export."));
    let mut met = BTreeSet::new();
    for step in steps() {
        let scene = Scene::new();
        let load = |key: &str| {
            let path = scene.path(&format!("{key}.ndjson"));
            fs::write(&path, format!("{{\"msg_id\":\"{key}\"}}\n")).unwrap();
            run(&mut scene.annals(&["load", "--no-index", path.to_str().unwrap()])).leaves(0);
        };
        let nightly = || scene.annals(&["export", "--to", "out", "--since-last", "nightly", "--format", "csv"]);
        load("2026031409");
        if kill_at(&mut nightly(), step, 1) {
            met.insert(step);
        }
        load("2026031410");
        run(&mut nightly()).leaves(0);
        run(&mut nightly()).leaves(1);
        let files = crate::scene::files_below(&scene.path("out"));
        assert!(files.iter().all(|path| !path.to_string_lossy().contains("annals-tmp")), "{files:?}");
        let texts = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "csv"));
        let all: String = texts.map(|path| fs::read_to_string(scene.path("out").join(path)).unwrap()).collect();
        let mut rows: Vec<&str> = all.lines().filter(|line| line.starts_with("2026")).collect();
        rows.sort_unstable();
        assert_eq!(rows.len(), 2, "killed at {step}: {all}");
        assert!(rows[0].starts_with("2026031409,") && rows[1].starts_with("2026031410,"), "{all}");
    }
    assert_eq!(met, steps().collect());
}

/// The bytes of an attachment are there before a row says so, and each is there once, wherever a fetch of them was killed.
#[test]
fn killed_while_attachments_are_fetched() {
    let steps = [("media.kept", 1), ("media.kept", 3), ("media.noted", 1), ("log.commit", 2), ("log.committed", 2)];
    for (step, nth) in steps {
        let scene = Scene::new();
        let service = media::files_of_a_service(&scene, 3);
        let fetch = || media::annals(&scene, &service, &["media", "fetch", "--json"]);
        assert!(kill_at(&mut fetch(), step, nth), "it never came to {step}");
        // No row says that bytes are there which are not; those that no row speaks of are found again.
        run(&mut scene.annals(&["verify"])).leaves(0);
        run(&mut fetch()).leaves(0);
        let again = run(&mut fetch()).leaves(0).json();
        assert_eq!((&again["fetched"], &again["pending"]), (&0.into(), &0.into()), "killed at {step}: {again}");
        let proof = run(&mut scene.annals(&["media", "verify", "--json"])).leaves(0).json();
        assert_eq!(proof["files"], 3, "killed at {step}");
        let stats = run(&mut scene.annals(&["media", "stats", "--json"])).leaves(0).json();
        assert_eq!(stats["states"]["stored"]["count"], 3, "killed at {step}: {stats}");
        let left = crate::scene::files_below(&scene.archive().join("tmp"));
        assert!(left.is_empty(), "killed at {step}: {left:?}");
    }
}

/// Nothing is sent twice, wherever a restore was killed, and what may have been sent is told.
#[test]
fn killed_while_messages_are_played_back() {
    let steps = || store::STEPS.iter().copied().filter(|step| step.starts_with("restore."));
    let prepared = Scene::new();
    restore::source(&prepared);
    let mut met = BTreeSet::new();
    for (step, nth) in steps().flat_map(|step| [(step, 1), (step, 3)]) {
        let scene = Scene::new();
        copy(&prepared.archive(), &scene.archive());
        let target = restore::service(&scene, "beacon");
        let between = restore::Between::start(&target, |_| restore::Fate::Passes);
        let again = || restore::restore(&scene, &between.base_url, &target, &["--all", "--ext-key", "was"]);
        if kill_at(&mut again(), step, nth) {
            met.insert(step);
        }
        let report = run(&mut again()).json();
        let count = |key: &str| report[key].as_u64().unwrap();
        assert_eq!(count("imported") + count("earlier") + count("in_doubt"), 22, "killed at {step}: {report}");
        let sent: Vec<String> = between.imports().iter().map(|import| import["ext"]["was"].to_string()).collect();
        let distinct: BTreeSet<&String> = sent.iter().collect();
        assert_eq!(distinct.len(), sent.len(), "killed at {step}: {sent:?}");
        // Both conversations are under way at once.
        assert!(count("in_doubt") <= 2, "killed at {step}: {report}");
        if count("in_doubt") == 0 {
            assert_eq!(sent.len(), 22, "killed at {step}");
        }
    }
    assert_eq!(met, steps().collect());
}

/// Live files of the ledger at which it is merged.
const FULL: i64 = 32;

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}
