//! `load --again`: an hour is published anew, whatever is archived of it.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::scene::{Scene, run};
use crate::table;

/// Messages, a copy of one, an event, and lines that are none.
const LINES: [&str; 6] = [
    r#"{"msg_id":"1","timestamp":1773479700000,"chat_type":"chat","from":"gull","to":"tern","payload":{"bodies":[{"type":"txt","msg":"ahoy"}]}}"#,
    r#"{"msg_id":"1","timestamp":1773479700000,"chat_type":"chat","from":"gull","to":"tern","payload":{"bodies":[{"type":"txt","msg":"ahoy"}]}}"#,
    "no message",
    r#"{"msg_id":"2","timestamp":1773479700000,"chat_type":"recall","from":"gull","to":"tern","payload":{"bodies":[],"ext":{},"ack_message_id":"1"}}"#,
    r#"{"msg_id":"3","timestamp":1773479700000,"chat_type":"groupchat","from":"gull","to":"7","payload":{"bodies":[]}}"#,
    "nor this",
];

fn write(scene: &Scene, lines: &[&str]) {
    fs::write(scene.path("2026031409.ndjson"), lines.iter().map(|line| format!("{line}\n")).collect::<String>())
        .unwrap();
}

fn load(scene: &Scene, more: &[&str]) -> Value {
    let path = scene.path("2026031409.ndjson");
    let arguments = [&["load", "--json", path.to_str().unwrap()], more].concat();
    run(&mut scene.annals(&arguments)).leaves(0).json()
}

fn verify(scene: &Scene, code: i32) {
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(code);
}

#[test]
fn whatever_is_wrong_with_an_hour_is_mended() {
    let changes: [fn(&mut table::Hour); 5] = [
        |hour| hour.messages[0].text = Some("forged".into()),
        |hour| hour.messages[0].conversation = Some("chat:gull:heron".into()),
        |hour| drop(hour.messages.pop()),
        |hour| drop(hour.letters.pop()),
        |hour| hour.letters[0].reason = chat::Reason::TooDeep,
    ];
    for change in changes {
        let scene = Scene::new();
        write(&scene, &LINES);
        load(&scene, &[]);
        let before = table::messages(&scene.archive());
        table::rewrite(&scene.archive(), change);
        verify(&scene, 3);
        assert_eq!(load(&scene, &[])["published"], 0, "nobody asks for it");
        let report = load(&scene, &["--again"]);
        assert_eq!((&report["published"], &report["grown"], &report["retained"]), (&1.into(), &0.into(), &0.into()));
        assert_eq!(table::messages(&scene.archive()), before);
        verify(&scene, 0);
    }
}

#[test]
fn a_sound_hour_is_read_by_the_settings_of_today() {
    let scene = Scene::new();
    write(&scene, &[r#"{"msg_id":"1","chat_type":"groupchat","from":"harbor#lantern_gull","to":"harbor#lantern_7"}"#]);
    load(&scene, &[]);
    let app = "api.base_url=https://a1.example.com/harbor/lantern";
    let said = || table::messages(&scene.archive()).remove(0).conversation.unwrap().into_owned();
    // That is told, and no damage.
    let told = |more: &[&str]| {
        let proof = run(&mut scene.annals(&[&["verify", "--round-trip", "--json"], more].concat())).leaves(0).json();
        (proof["round_trip"]["read_otherwise"].as_u64().unwrap(), proof["hours_read_otherwise"].clone())
    };
    assert_eq!(told(&[]), (0, json!([])));
    // The archive knows the app from then on; of the hour nobody has asked more.
    load(&scene, &["--set", app]);
    assert_eq!(said(), "groupchat:harbor#lantern_7");
    assert_eq!(told(&[]), (1, json!(["2026031409"])));
    assert_eq!(told(&["--set", app]), (1, json!(["2026031409"])));
    let note = run(&mut scene.annals(&["verify", "--round-trip", "--set", app])).leaves(0).stderr;
    assert!(note.contains("1 messages are read otherwise today") && note.contains("`annals load --again`"), "{note}");
    load(&scene, &["--again", "--set", app]);
    assert_eq!(said(), "groupchat:7");
    assert_eq!((told(&[]), told(&["--set", app])), ((0, json!([])), (0, json!([]))));
}

/// As a run leaves them that is killed between the commits of the dead letters and of the messages.
#[test]
fn dead_letters_of_another_publication_are_put_right() {
    for more in [&["--again"][..], &[]] {
        let scene = Scene::new();
        write(&scene, &LINES);
        load(&scene, &[]);
        let kept = scene.path("kept");
        assert!(Command::new("cp").arg("-r").args([&scene.archive(), &kept]).status().unwrap().success());
        write(&scene, &[&LINES[..], &["and this?"]].concat());
        load(&scene, &["--again"]);
        fs::remove_dir_all(kept.join("dead_letters")).unwrap();
        fs::rename(scene.archive().join("dead_letters"), kept.join("dead_letters")).unwrap();
        fs::remove_dir_all(scene.archive()).unwrap();
        fs::rename(&kept, scene.archive()).unwrap();
        verify(&scene, 3);
        write(&scene, &LINES);
        assert_eq!(load(&scene, more)["published"], 1);
        verify(&scene, 0);
    }
}

#[test]
fn a_file_of_dead_letters_that_is_gone_comes_back() {
    let scene = Scene::new();
    write(&scene, &LINES);
    load(&scene, &[]);
    let folder = scene.archive().join("dead_letters/date=2026-03-14");
    fs::read_dir(&folder).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap());
    verify(&scene, 3);
    load(&scene, &[]);
    verify(&scene, 0);
}
