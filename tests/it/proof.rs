//! `annals verify` names what is damaged, whatever it is.

use std::fs;
use std::path::{Path, PathBuf};

use crate::scene::{Scene, files_below, run};

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
        is_found(&scene, &[table, name(&file)]);
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
    assert!(said.stderr.contains("bytes of 1 hours are kept"), "{said:?}");
}
