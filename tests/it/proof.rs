//! `annals verify` names what is damaged, whatever it is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::scene::{Scene, files_below, run};
use crate::table;

/// An archive of one hour with a line that was set aside, and the newest file with this ending in a folder of it.
fn archive_with(folder: &str, ending: &str) -> (Scene, PathBuf) {
    let scene = Scene::new();
    let line = |id: u64| format!("{{\"msg_id\":\"{id}\",\"timestamp\":1773478800000,\"chat_type\":\"chat\"}}\n");
    let hour = scene.path("2026031409.ndjson");
    fs::write(&hour, (1..=9).map(line).chain(["no message\n".to_owned()]).collect::<String>()).unwrap();
    run(&mut scene.annals(&["load", hour.to_str().unwrap(), "--no-index"])).leaves(0);
    let folder = scene.archive().join(folder);
    let files = files_below(&folder);
    let file = folder.join(files.iter().rfind(|file| file.to_str().unwrap().ends_with(ending)).unwrap());
    (scene, file)
}

/// That the archive is said to be damaged, with these words, and in JSON too.
#[track_caller]
fn is_found(scene: &Scene, words: &[&str]) {
    let found = run(&mut scene.annals(&["verify"])).leaves(3);
    let said = format!("{}{}", found.stdout, found.stderr);
    assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    assert!(!said.contains("`annals verify`"), "it is asked already: {said}");
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn a_damaged_file_of_any_table_is_named() {
    for table in ["messages", "dead_letters", "hours"] {
        let (scene, file) = archive_with(table, ".parquet");
        cut(&file);
        is_found(&scene, &[table, name(&file)]);
        fs::remove_file(&file).unwrap();
        is_found(&scene, &[table, name(&file), "next: put the file back"]);
        // Whoever asks for more is told as much.
        let found = run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(3).json();
        assert!(found["findings"].to_string().contains(name(&file)), "{found}");
        assert!(found["next_steps"].to_string().contains("from a backup"), "{found}");
    }
}

#[test]
fn what_follows_from_a_damaged_file_is_not_said() {
    for (table, others) in [("messages", "dead_letters"), ("dead_letters", "messages")] {
        let (scene, file) = archive_with(table, ".parquet");
        let is_all = |words: &str| {
            let found = run(&mut scene.annals(&["verify", "--json"])).leaves(3).json();
            let [finding] = &found["findings"].as_array().unwrap()[..] else { panic!("{found}") };
            let finding = finding.as_str().unwrap();
            let is_named = finding.starts_with(&format!("{table}/date=2026-03-14/{}", name(&file)));
            assert!(is_named && finding.contains(words) && !finding.contains(others), "{finding}");
        };
        let sound = fs::read(&file).unwrap();
        fs::write(&file, &sound[..sound.len() / 2]).unwrap();
        is_all("could not be read: it is cut: it has ");
        let mut bytes = sound.clone();
        bytes[sound.len() / 2] ^= 1;
        fs::write(&file, bytes).unwrap();
        is_all("is not what was written: its SHA-256 is ");
        fs::remove_file(&file).unwrap();
        is_all("could not be read: it is missing");
    }
}

/// Parquet's pages have no check sums here, and not every reader notices.
#[test]
fn a_single_bit_is_missed_in_no_file() {
    for table in ["messages", "dead_letters", "hours"] {
        let (scene, file) = archive_with(table, ".parquet");
        let sound = fs::read(&file).unwrap();
        for place in (4..sound.len()).step_by(sound.len() / 9) {
            let mut bytes = sound.clone();
            bytes[place] ^= 1 << (place % 8);
            fs::write(&file, bytes).unwrap();
            is_found(&scene, &[table, name(&file)]);
        }
        fs::write(&file, sound).unwrap();
        run(&mut scene.annals(&["verify"])).leaves(0);
    }
}

#[test]
fn a_damaged_log_is_found() {
    for table in ["messages", "dead_letters", "hours"] {
        let (scene, file) = archive_with(&format!("{table}/_delta_log"), ".json");
        cut(&file);
        is_found(&scene, &[table]);
    }
}

#[test]
fn a_file_that_is_part_of_nothing_is_named() {
    for table in ["messages", "dead_letters", "hours"] {
        let (scene, file) = archive_with(table, ".parquet");
        for stray in ["copy.parquet", "2026031409-0123456789abcdef0123456789abcdef.parquet"] {
            fs::copy(&file, file.with_file_name(stray)).unwrap();
            is_found(&scene, &[table, stray]);
            fs::remove_file(file.with_file_name(stray)).unwrap();
        }
        run(&mut scene.annals(&["verify"])).leaves(0);
    }
}

/// Who reads the tables skips files by what the log says of them.
#[test]
fn a_log_that_says_other_than_the_files_is_found() {
    let log = "messages/_delta_log";
    for (said, instead, words) in [
        (r#"\"numRecords\":9"#, r#"\"numRecords\":8"#, "8 rows, and there are 9"),
        (r#"\"chat_type\":\"chat\""#, r#"\"chat_type\":\"bolt\""#, "no `chat_type` is greater than"),
        (r#""date":"2026-03-14""#, r#""date":"2026-03-15""#, "of 2026-03-15"),
    ] {
        let (scene, file) = archive_with(log, ".json");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(said), "{said} is not in {text}");
        fs::write(&file, text.replace(said, instead)).unwrap();
        is_found(&scene, &["messages/", words]);
    }
}

#[test]
fn bytes_that_nobody_published_are_counted() {
    let (scene, _) = archive_with("raw", ".json");
    let other = Scene::new();
    let file = other.path("2026031410.ndjson");
    fs::write(&file, "{\"msg_id\":\"1\"}\n").unwrap();
    run(&mut other.annals(&["load", file.to_str().unwrap(), "--no-index"])).leaves(0);
    for kept in files_below(&scene.archive().join("raw")) {
        if kept.parent().is_some_and(|folder| folder != Path::new("")) {
            fs::copy(scene.archive().join("raw").join(&kept), other.archive().join("raw").join(&kept)).unwrap();
        }
    }
    let proof = run(&mut other.annals(&["verify", "--json"])).leaves(0).json();
    assert_eq!((&proof["hours"], &proof["unpublished"]), (&1.into(), &1.into()));
    let said = run(&mut other.annals(&["verify"])).leaves(0);
    let words = ["bytes of 1 hours are kept", "`annals fetch`", "`annals load --again`"];
    assert!(words.iter().all(|words| said.stderr.contains(words)), "{said:?}");
}

/// A line of an hour file.
fn tide(hour: &str, id: u64) -> String {
    let body = r#"{"type":"txt","msg":"tide"}"#;
    format!("{{\"msg_id\":\"{hour}-{id}\",\"payload\":{{\"bodies\":[{body}]}}}}\n")
}

/// Writes an hour file of so many lines.
fn hour_file(scene: &Scene, key: &str, lines: u64) -> String {
    let path = scene.path(&format!("{key}.ndjson"));
    fs::write(&path, (1..=lines).map(|id| tide(key, id)).collect::<String>()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The files of messages whose names begin so.
fn message_files(scene: &Scene, key: &str) -> Vec<PathBuf> {
    let folder = scene.archive().join("messages/date=2026-03-14");
    files_below(&folder).into_iter().filter(|file| name(file).starts_with(key)).map(|file| folder.join(file)).collect()
}

/// Changes a letter of a text, so that the file decodes as before; gives what it was.
fn alter(file: &Path) -> Vec<u8> {
    let sound = fs::read(file).unwrap();
    let place = sound.windows(4).position(|bytes| bytes == b"tide").unwrap_or(sound.len() / 2);
    let mut bytes = sound.clone();
    bytes[place] ^= 1;
    fs::write(file, bytes).unwrap();
    sound
}

#[test]
fn damage_is_not_written_anew_as_if_it_were_sound() {
    let scene = Scene::new();
    let files = ["2026031409", "2026031410", "2026031411"].map(|key| hour_file(&scene, key, 5));
    let annals = |arguments: &[&str]| run(&mut scene.annals(arguments));
    annals(&["load", &files[0], &files[1], &files[2]]).leaves(0);
    let damaged = message_files(&scene, "2026031410").remove(0);
    alter(&damaged);
    let is_told = |said: &str, helps: &str| {
        let words = [name(&damaged), "is not what was written", "`annals verify`", helps];
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        is_found(&scene, &[name(&damaged)]);
    };
    let alone = "fetch or load 2026-03-14T10Z again, with --again";
    is_told(&annals(&["compact"]).leaves(3).stderr, alone);
    is_told(&annals(&["schema", "--promote", "ext.k:int64"]).leaves(3).stderr, alone);
    // A run that does the same at its end is what it was.
    let other = hour_file(&scene, "2026031412", 1);
    is_told(&annals(&["load", &other, "--set", "compact.files=2"]).leaves(0).stderr, alone);
    // The same bytes mend it, for who asks for the hour again.
    annals(&["load", &files[1]]).leaves(0);
    is_found(&scene, &[name(&damaged)]);
    annals(&["load", &files[1], "--again"]).leaves(0);
    assert!(!damaged.exists());
    annals(&["verify", "--round-trip"]).leaves(0);
    annals(&["compact"]).leaves(0);
    assert_eq!(message_files(&scene, "").len(), 1);
}

#[test]
fn an_hour_of_a_damaged_day_is_not_replaced() {
    let scene = Scene::new();
    let files = ["2026031409", "2026031410", "2026031411"].map(|key| hour_file(&scene, key, 5));
    let annals = |arguments: &[&str]| run(&mut scene.annals(arguments));
    annals(&["load", &files[0], &files[1], &files[2]]).leaves(0);
    annals(&["compact"]).leaves(0);
    let [day] = &message_files(&scene, "")[..] else { panic!("the day has one file") };
    let sound = alter(day);
    // One after the other hour fails, and the run is not given up for it.
    let (grown, new) = (hour_file(&scene, "2026031410", 6), hour_file(&scene, "2026031412", 1));
    let failed = annals(&["load", &grown, &new, "--again"]).leaves(3);
    let words = [name(day), "is not what was written", "`annals verify`", "from a backup"];
    assert!(words.iter().all(|word| failed.stderr.contains(word)), "{}", failed.stderr);
    assert_eq!(message_files(&scene, "2026031412").len(), 1, "{failed:?}");
    is_found(&scene, &[name(day)]);
    fs::write(day, sound).unwrap();
    annals(&["load", &grown, "--again"]).leaves(0);
    annals(&["verify", "--round-trip"]).leaves(0);
}

/// A service with an hour of so many lines, on the day after.
fn service(scene: &Scene, first: u64, last: u64) -> emulator::Handle {
    let folder = scene.path("served");
    fs::create_dir_all(&folder).unwrap();
    let lines: String = (first..=last).map(|id| tide("2026031409", id)).collect();
    fs::write(folder.join("2026031409.ndjson"), lines).unwrap();
    let clock = emulator::Clock::running_from("2026-03-15T12:00:00Z".parse().unwrap());
    let history = emulator::History::Folder(folder);
    scene.service(emulator::Options { clock, rate_per_minute: None, history, ..emulator::Options::default() })
}

const FETCH: [&str; 6] = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T10", "--again"];

fn fetch(scene: &Scene, service: &emulator::Handle, more: &[&str]) -> crate::scene::Run {
    let mut command = scene.annals_at(service, &[&FETCH[..], more].concat());
    run(command.env("ANNALS_CLOCK", "2026-03-15T12:00:00Z"))
}

#[test]
fn damaged_rows_are_not_kept_as_rows_that_are_served_no_more() {
    let scene = Scene::new();
    fetch(&scene, &service(&scene, 1, 3), &[]).leaves(0);
    let file = message_files(&scene, "2026031409").remove(0);
    alter(&file);
    // The same bytes: the file is written anew from them.
    fetch(&scene, &service(&scene, 1, 3), &[]).leaves(0);
    assert!(!file.exists());
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0);
    // Others: what only the archive has is taken from the bytes of before.
    let file = message_files(&scene, "2026031409").remove(0);
    alter(&file);
    fetch(&scene, &service(&scene, 2, 4), &[]).leaves(0);
    let texts: Vec<_> = table::messages(&scene.archive()).into_iter().map(|row| row.text.unwrap()).collect();
    assert_eq!(texts, ["tide"; 4]);
    run(&mut scene.annals(&["verify"])).leaves(0);
    // And now it is nowhere else.
    let file = message_files(&scene, "2026031409").remove(0);
    alter(&file);
    let failed = fetch(&scene, &service(&scene, 2, 5), &[]).leaves(3);
    assert!(failed.stderr.contains(name(&file)), "{}", failed.stderr);
    assert!(file.exists());
}

#[test]
fn bytes_that_a_run_left_and_that_were_not_served_are_asked_for_again() {
    let scene = Scene::new();
    let file = hour_file(&scene, "2026031409", 3);
    run(&mut scene.annals(&["load", &file, "--no-index"])).leaves(0);
    // As a run left it that died before it published anything.
    for table in ["messages", "hours", "dead_letters"] {
        fs::remove_dir_all(scene.archive().join(table)).unwrap();
    }
    let part = scene.archive().join("raw/2026/03/14/2026031409-0.gz");
    let served = fs::read_to_string(&part).unwrap();
    fs::write(&part, served.replace("tide", "dawn")).unwrap();
    let service = service(&scene, 1, 3);
    let mut command = scene.annals_at(&service, &FETCH[..5]);
    run(command.env("ANNALS_CLOCK", "2026-03-15T12:00:00Z")).leaves(0);
    let texts: Vec<_> = table::messages(&scene.archive()).into_iter().map(|row| row.text.unwrap()).collect();
    assert_eq!(texts, ["tide"; 3]);
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0);
}
