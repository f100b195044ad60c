//! `annals verify` names the formats of the files.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::scene::{Scene, run};

fn load(scene: &Scene, key: &str, lines: &str) {
    let path = scene.path(&format!("{key}.ndjson"));
    fs::write(&path, lines).unwrap();
    run(&mut scene.annals(&["load", "--no-index", path.to_str().unwrap()])).leaves(0);
}

/// An archive of the museum, with an hour of today.
fn grown(scene: &Scene) {
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/formats/v2");
    assert!(Command::new("cp").arg("-r").args([&museum, &scene.archive()]).status().unwrap().success());
    load(scene, "2026031412", "{\"msg_id\":\"1\"}\nno message\n{\"msg_id\":\"2\"}\n");
}

fn count(table: &str, format: u32, files: u32, rows: u32) -> Value {
    json!({ "table": table, "format": format, "files": files, "rows": rows })
}

fn of_messages(told: &Value) -> Vec<Value> {
    let all = told["formats"].as_array().unwrap().iter();
    all.filter(|count| count["table"] == "messages").cloned().collect()
}

#[test]
fn old_and_new_files_are_told_apart_until_they_are_compacted() {
    let scene = Scene::new();
    grown(&scene);
    let today = archive::FORMAT;
    let verify = || run(&mut scene.annals(&["verify", "--json"])).leaves(0).json();
    let told = verify();
    assert_eq!(of_messages(&told), [count("messages", 2, 2, 20), count("messages", today, 1, 2)]);
    assert!(told["formats"].as_array().unwrap().contains(&count("dead_letters", today, 1, 1)), "{told}");
    assert!(told["formats"].as_array().unwrap().iter().any(|count| count["table"] == "hours"), "{told}");
    assert!(told["files"].is_null());
    let shown = run(&mut scene.annals(&["verify"])).leaves(0).stdout;
    assert!(shown.contains("messages: 2 files of format 2, 20 rows\n"), "{shown}");
    assert!(shown.contains(&format!("messages: 1 file of format {today}, 2 rows\n")), "{shown}");
    // Of some hours, the files that hold them.
    let late = run(&mut scene.annals(&["verify", "--json", "--since", "2026-03-14T12"])).leaves(0).json();
    assert_eq!(of_messages(&late), [count("messages", today, 1, 2)]);
    // Five events and a reply in a thread have null in a column that came later, which is no damage.
    let otherwise = || {
        let proof = run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(0).json();
        (proof["round_trip"]["read_otherwise"].clone(), proof["hours_read_otherwise"].clone())
    };
    assert_eq!(otherwise(), (json!(6), json!(["2026031409"])));
    run(&mut scene.annals(&["compact"])).leaves(0);
    assert_eq!(of_messages(&verify()), [count("messages", today, 1, 22)]);
    assert_eq!(otherwise(), (json!(6), json!(["2026031409"])));
}

#[test]
fn each_file_is_named_when_that_is_asked_for() {
    let scene = Scene::new();
    grown(&scene);
    let told = run(&mut scene.annals(&["verify", "--json", "--files"])).leaves(0).json();
    let files = told["files"].as_array().unwrap();
    let of = |table: &str| files.iter().filter(|file| file["table"] == table).collect::<Vec<_>>();
    assert_eq!(of("messages").len(), 3, "{told}");
    let formats: Vec<_> = of("messages").iter().map(|file| file["format"].as_u64().unwrap()).collect();
    assert_eq!(formats, [2, 2, archive::FORMAT.into()]);
    for file in files {
        let path = scene.archive().join(file["table"].as_str().unwrap()).join(file["file"].as_str().unwrap());
        assert!(path.is_file(), "{file}");
    }
    let shown = run(&mut scene.annals(&["verify", "--files"])).leaves(0).stdout;
    let lines = shown.lines().filter(|line| line.starts_with("messages/date=2026-03-14/20260314"));
    assert_eq!(lines.filter(|line| line.contains(".parquet: format ")).count(), 3, "{shown}");
}

#[test]
fn a_log_that_says_another_format_is_a_finding() {
    let scene = Scene::new();
    load(&scene, "2026031409", "{\"msg_id\":\"1\"}\n");
    let log = scene.archive().join("messages/_delta_log/00000000000000000001.json");
    let (told, forged) = (format!("\"annals.file_format\":\"{}\"", archive::FORMAT), "\"annals.file_format\":\"1\"");
    let commit = fs::read_to_string(&log).unwrap();
    assert!(commit.contains(&told), "{commit}");
    fs::write(&log, commit.replace(&told, forged)).unwrap();
    let proof = run(&mut scene.annals(&["verify", "--json"])).leaves(3).json();
    let finding = proof["findings"][0].as_str().unwrap();
    let expected = format!("the file says format {}, the log of the table says format 1", archive::FORMAT);
    assert!(finding.starts_with("messages/date=2026-03-14/2026031409-") && finding.ends_with(&expected), "{proof}");
    assert_eq!(proof["findings"].as_array().unwrap().len(), 1, "{proof}");
}
