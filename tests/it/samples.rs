//! The sample hour, from the file on disk to what the commands show of it.

use crate::scene::{Scene, run};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");

#[test]
fn the_sample_hour_is_loaded_whole() {
    let scene = Scene::new();
    let report = run(&mut scene.annals(&["load", SAMPLES, "--json"])).leaves(0).json();
    assert_eq!(report["hours"], serde_json::json!({"done": 1, "empty": 0, "pending": 0, "failed": 0, "lost": 0}));
    assert_eq!(report["lines"], 61);
    assert_eq!(report["messages"], 59);
    assert_eq!(report["duplicates"], 2);
    assert_eq!(report["dead_letters"], 0);
    assert_eq!(report["blank_lines"], 0);
    run(&mut scene.annals(&["verify"])).leaves(0);
}

#[test]
fn loading_it_again_changes_nothing() {
    let scene = Scene::new();
    run(&mut scene.annals(&["load", SAMPLES])).leaves(0);
    let before = crate::scene::files_below(&scene.archive().join("messages"));
    let report = run(&mut scene.annals(&["load", SAMPLES, "--json"])).leaves(0).json();
    assert_eq!(report["messages"], 59);
    assert_eq!(crate::scene::files_below(&scene.archive().join("messages")), before);
}

#[test]
fn a_message_is_shown_with_where_it_came_from() {
    let scene = Scene::new();
    run(&mut scene.annals(&["load", SAMPLES])).leaves(0);
    let shown = run(&mut scene.annals(&["show", "1412077346211612694"])).leaves(0);
    for expected in ["1412077346211612694", "lin.qiao", "mara_voss", "码头的潮汐表", "2026031409", "line"] {
        assert!(shown.stdout.contains(expected), "{expected} in\n{}", shown.stdout);
    }
    let missing = run(&mut scene.annals(&["show", "1"])).leaves(1);
    assert!(missing.stdout.is_empty(), "{}", missing.stdout);
}

#[test]
fn status_tells_what_is_there_and_what_is_missing() {
    let scene = Scene::new();
    run(&mut scene.annals(&["load", SAMPLES])).leaves(0);
    let status = run(&mut scene.annals(&["status", "--json"])).leaves(0).json();
    assert_eq!(status["hours"]["done"], 1);
    assert_eq!(status["messages"], 59);
    assert_eq!(status["first_hour"], "2026031409");
}

#[test]
fn no_index_leaves_the_index_to_catch_up() {
    let scene = Scene::new();
    let report = run(&mut scene.annals(&["load", SAMPLES, "--no-index", "--json"])).leaves(0).json();
    assert_eq!(report["not_indexed"], 1);
    let hits = run(&mut scene.annals(&["query", "slipway", "--format", "jsonl"])).leaves(0).json_lines();
    assert!(!hits.is_empty());
    run(&mut scene.annals(&["verify"])).leaves(0);
}

/// What stands in front of names is the app's, see section 4.2 of the protocol. Files are loaded without a token.
#[test]
fn names_lose_the_prefix_of_the_app_that_the_address_names() {
    let line =
        r#"{"msg_id":"1","from":"harbor-org#lantern_mara_voss","to":"harbor-org#lantern_teo-77","chat_type":"chat"}"#;
    for (settings, sender) in [
        (&["--set", "api.base_url=https://a1.example.com/harbor-org/lantern"][..], "mara_voss"),
        (&[], "harbor-org#lantern_mara_voss"),
    ] {
        let scene = Scene::new();
        let file = scene.path("2026031409.ndjson");
        std::fs::write(&file, line).unwrap();
        let arguments = ["load", "--no-index", file.to_str().unwrap()];
        run(&mut scene.annals(&[&arguments[..], settings].concat())).leaves(0);
        let rows = crate::table::messages(&scene.archive());
        assert_eq!(rows[0].sender.as_deref(), Some(sender));
    }
}
