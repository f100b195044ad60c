//! What the program sends, brings in and takes back through the local service is in the file of its hour.
//!
//! The client and the service were written from the protocol apart, and share no type: here they meet.

use std::fs;

use emulator::{Clock, Handle, History, Options};
use serde_json::{Value, json};

use crate::scene::{Run, Scene, run};
use crate::secrets;

/// A service where nothing was said yet.
fn silent_service(scene: &Scene) -> Handle {
    let folder = scene.path("nothing");
    fs::create_dir_all(&folder).unwrap();
    scene.service(Options {
        clock: Clock::running_from("2026-03-14T09:10:00Z".parse().unwrap()),
        rate_per_minute: None,
        history: History::Folder(folder),
        ..Options::default()
    })
}

/// The one JSON object that the call prints.
fn told(run: &Run) -> Value {
    let lines = run.json_lines();
    assert_eq!(lines.len(), 1, "{}", run.stdout);
    lines[0].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Bytes that no packing makes smaller.
fn noise() -> Vec<u8> {
    let next = |last: &u32| Some(last.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(1), next).map(|number| number.to_be_bytes()[0]).take(100_000).collect()
}

#[test]
fn what_is_sent_is_archived_and_found() {
    let scene = Scene::new();
    let service = silent_service(&scene);
    let annals = |arguments: &[&str]| run(&mut scene.annals_at(&service, arguments));
    let sent =
        annals(&["send", "--to-user", "teo-77", "mara_voss", "--from", "lin.qiao", "--text", "潮汐 table", "--json"]);
    let ids: Vec<_> = sent.leaves(0).json_lines().iter().map(|line| text(&line["msg_id"]).to_owned()).collect();
    assert_eq!(ids.len(), 2);
    let arguments =
        ["send", "--to-group", "231904417783810", "--location", "31.2,121.5,Pier 4", "--ext", r#"{"order":"A7"}"#];
    annals(&arguments).leaves(0);
    let imported = json!({
        "from": "mara_voss", "target": "teo-77", "type": "txt", "body": { "msg": "an old note" },
        "msg_timestamp": 1_773_475_200_000_i64,
    });
    fs::write(scene.path("old.ndjson"), imported.to_string()).unwrap();
    annals(&["import", "old.ndjson", "--to-users", "--yes"]).leaves(0);
    let nobody_to_ask = annals(&["recall", &ids[0], "--to", "teo-77", "--chat-type", "chat", "--from", "lin.qiao"]);
    assert!(nobody_to_ask.leaves(2).stderr.contains("--yes"));
    annals(&["recall", &ids[0], "--to", "teo-77", "--chat-type", "chat", "--from", "lin.qiao", "--yes"]).leaves(0);
    annals(&["delete-conversation", "--user", "teo-77", "--with", "lin.qiao", "--type", "chat", "--yes"]).leaves(0);

    service.clock().set("2026-03-15T12:00:00Z".parse().unwrap());
    let mut fetch = scene.annals_at(&service, &["fetch", "--since", "2026-03-14T08", "--until", "2026-03-14T10"]);
    run(fetch.env("ANNALS_CLOCK", "2026-03-15T12:00:00Z")).leaves(0);
    let found = |query: &str| annals(&["query", query, "--format", "jsonl"]).leaves(0).json_lines();
    let tides = found("潮汐");
    let of = |id: &String| tides.iter().find(|row| row["msg_id"] == json!(id)).unwrap_or_else(|| panic!("{tides:?}"));
    assert_eq!((of(&ids[0])["recalled"].clone(), of(&ids[1])["recalled"].clone()), (json!(true), json!(false)));
    assert_eq!((text(&of(&ids[1])["sender"]), text(&of(&ids[1])["recipient"])), ("lin.qiao", "mara_voss"));
    let pier = &found("type:loc ext.order:A7")[0];
    assert_eq!((&pier["addr"], &pier["conversation"]), (&json!("Pier 4"), &json!("groupchat:231904417783810")));
    let note = &found("\"old note\"")[0];
    assert_eq!((&note["sender"], &note["source_hour"]), (&json!("mara_voss"), &json!("2026031408")));
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0);
}

#[test]
fn a_file_goes_up_and_comes_down_with_its_secret_alone() {
    let scene = Scene::new();
    let service = silent_service(&scene);
    let annals = |arguments: &[&str]| run(&mut scene.annals_at(&service, arguments));
    fs::write(scene.path("tide.bin"), noise()).unwrap();
    let up = told(&annals(&["upload", "tide.bin", "--restrict-access", "--json"]).leaves(0));
    let url = text(&up["url"]);
    assert!(url.ends_with(text(&up["uuid"])), "{up}");
    assert!(annals(&["download", url, "--output", "down.bin"]).leaves(4).stderr.contains("--secret-file"));
    assert!(!scene.path("down.bin").exists());
    fs::write(scene.path("secret"), text(&up["share_secret"])).unwrap();
    secrets::hide(text(&up["share_secret"]));
    annals(&["download", url, "--secret-file", "secret", "--output", "down.bin"]).leaves(0);
    assert_eq!(fs::read(scene.path("down.bin")).unwrap(), noise());
    // A message that speaks of it, and the file once the service has deleted it.
    annals(&["send", "--to-user", "teo-77", "--file", "tide.bin"]).leaves(0);
    service.clock().set("2026-03-23T12:00:00Z".parse().unwrap());
    annals(&["download", url, "--secret-file", "secret", "--output", "late.bin"]).leaves(1);
    assert!(!scene.path("late.bin").exists());
}
