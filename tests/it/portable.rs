//! `annals verify --portable`: what warehouses would choke on.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::interop::{python, told};
use crate::scene::{Scene, run};

fn load(scene: &Scene, key: &str, text: &str) {
    let path = scene.path(&format!("{key}.ndjson"));
    let body = format!(r#"{{"type":"txt","msg":"{text}"}}"#);
    fs::write(&path, format!("{{\"msg_id\":\"{key}\",\"payload\":{{\"bodies\":[{body}]}}}}\nno message\n")).unwrap();
    run(&mut scene.annals(&["load", "--no-index", path.to_str().unwrap()])).leaves(0);
}

#[test]
fn our_own_files_are_portable() {
    let scene = Scene::new();
    load(&scene, "2026031409", "x");
    load(&scene, "2026031410", "y");
    let shown = run(&mut scene.annals(&["verify", "--portable"])).leaves(0);
    assert!(shown.stdout.contains("files looked through: every warehouse loads them"), "{shown:?}");
    let told = run(&mut scene.annals(&["verify", "--portable", "--json"])).leaves(0).json();
    assert_eq!(told["portable"]["obstacles"], serde_json::json!([]), "{told}");
    assert!(told["portable"]["files"].as_u64().unwrap() >= 5, "{told}");
    let without = run(&mut scene.annals(&["verify", "--json"])).leaves(0).json();
    assert!(without["portable"].is_null());
}

#[test]
fn what_is_too_long_for_an_engine_is_named() {
    let scene = Scene::new();
    load(&scene, "2026031409", &"x".repeat(70_000));
    let shown = run(&mut scene.annals(&["verify", "--portable"])).leaves(3);
    for word in ["messages/date=2026-03-14/2026031409-", "column `text`", "70000", "annals export --columns"] {
        assert!(shown.stdout.contains(word), "{word}: {shown:?}");
    }
    assert!(shown.stdout.ends_with(": no findings, 1 obstacle for warehouses\n"), "{shown:?}");
}

/// Files of an older format lack columns; put together with the others of their day they have them.
#[test]
fn files_with_other_columns_are_named_with_what_mends_them() {
    let scene = Scene::new();
    let museum = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/formats/v1");
    assert!(Command::new("cp").arg("-r").args([&museum, &scene.archive()]).status().unwrap().success());
    load(&scene, "2026031500", "x");
    let told = run(&mut scene.annals(&["verify", "--portable", "--json"])).leaves(3).json();
    let obstacles = told["portable"]["obstacles"].as_array().unwrap();
    let of_messages: Vec<_> = obstacles.iter().filter(|obstacle| obstacle["table"] == "messages").collect();
    assert!(!of_messages.is_empty(), "{told}");
    for obstacle in of_messages {
        assert_eq!(obstacle["mend"], "annals compact", "{obstacle}");
        assert!(obstacle["what"].as_str().unwrap().contains("other columns"), "{obstacle}");
    }
    run(&mut scene.annals(&["compact", "--since", "2026-03-14"])).leaves(0);
    let mended = run(&mut scene.annals(&["verify", "--portable", "--json"])).json();
    let obstacles = mended["portable"]["obstacles"].as_array().unwrap();
    assert!(obstacles.iter().all(|obstacle| obstacle["table"] != "messages"), "{mended}");
}

/// Replaces a file of the table by one with nanoseconds, as pandas once wrote it, in the same place.
const NANOSECONDS: &str = r#"
import glob, json, sys
import pyarrow, pyarrow.parquet

path = glob.glob(f"{sys.argv[1]}/messages/date=*/2026031410-*.parquet")[0]
table = pyarrow.parquet.read_table(path, partitioning=None)
place = table.schema.get_field_index("sent_at")
table = table.set_column(place, "sent_at", table.column("sent_at").cast(pyarrow.timestamp("ns", "UTC")))
pyarrow.parquet.write_table(table, path + ".new", write_statistics=False)
import os, re
os.replace(path + ".new", path)
log = sorted(glob.glob(f"{sys.argv[1]}/messages/_delta_log/*.json"))
for name in log:
    lines = [json.loads(line) for line in open(name)]
    for action in lines:
        if action.get("add", {}).get("path", "").split("/")[-1] == os.path.basename(path):
            action["add"]["size"] = os.path.getsize(path)
    open(name, "w").write("\n".join(json.dumps(line) for line in lines) + "\n")
print(json.dumps(True))
"#;

#[test]
fn what_another_program_wrote_is_looked_through() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    load(&scene, "2026031409", "x");
    load(&scene, "2026031410", "y");
    told(&python, NANOSECONDS, &scene.archive());
    let shown = run(&mut scene.annals(&["verify", "--portable"])).leaves(3);
    for word in
        ["2026031410-", "column `sent_at` has the type Timestamp(ns", "has no statistics", "annals load --again"]
    {
        assert!(shown.stdout.contains(word), "{word}: {shown:?}");
    }
}
