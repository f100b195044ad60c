//! `annals verify --round-trip`: every row against its line, every line against what is kept of it.

use std::path::PathBuf;

use crate::scene::{Scene, run};
use crate::table;

/// A message with what a column can hold and what none can, two copies, a conflict, a repeated key, lines that are no
/// message, and a blank one.
const LINES: [&str; 9] = [
    r#"{"msg_id":"1","timestamp":1773479700000,"payload":{"bodies":[{"type":"txt","msg":"ahoy"}],"x":1.50},"y":null}"#,
    r#"{"timestamp":1773479700000,"payload":{"x":1.50,"bodies":[{"msg":"ahoy","type":"txt"}]},"y":null,"msg_id":"1"}"#,
    r#"{"msg_id":"1","payload":{"bodies":[{"type":"txt","msg":"avast"}]}}"#,
    r#"{"msg_id":"2","msg_id":"3","payload":{"bodies":[]}}"#,
    "no message",
    "",
    r#"{"payload":{"bodies":[{"type":"txt","msg":"without an id"}]},"ext":{"a":[1,{"b":""}]}}"#,
    r#"{"msg_id":"4"}"#,
    "[]",
];

const HOURS: [&str; 2] = ["2026031409", "2026031410"];

fn file(scene: &Scene, hour: &str, lines: &[&str]) -> PathBuf {
    let path = scene.path(&format!("{hour}.ndjson"));
    std::fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    path
}

fn load(scene: &Scene, hour: &str, lines: &[&str]) {
    let path = file(scene, hour, lines);
    run(&mut scene.annals(&["load", "--again", "--no-index", path.to_str().unwrap()])).leaves(0);
}

/// Puts other bytes in the place of those that are kept of an hour.
fn forge(scene: &Scene, hour: &str, lines: &[impl std::fmt::Display]) {
    let folder = scene.archive().join("raw/2026/03/14");
    let bytes = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let list = folder.join(format!("{hour}.json"));
    let mut told: serde_json::Value = serde_json::from_slice(&std::fs::read(&list).unwrap()).unwrap();
    told["parts"][0]["length"] = bytes.len().into();
    std::fs::write(&list, told.to_string()).unwrap();
    std::fs::write(folder.join(format!("{hour}-0.gz")), bytes).unwrap();
}

/// What is found beside the hash and the length of forged bytes.
fn findings(scene: &Scene) -> Vec<String> {
    let proof = run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(3).json();
    let findings = proof["findings"].as_array().unwrap().iter().map(|finding| finding.as_str().unwrap().to_owned());
    findings.filter(|finding| !finding.contains("SHA-256") && !finding.contains(" as `bytes`")).collect()
}

#[test]
fn every_line_is_accounted_for() {
    let scene = Scene::new();
    HOURS.iter().for_each(|hour| load(&scene, hour, &LINES));
    let prove = || run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(0).json();
    let proof = prove();
    assert_eq!(proof["conflicts"], 2);
    let expected = serde_json::json!({
        "hours": 2, "lines": 18, "messages": 10, "duplicates": 2, "dead_letters": 4, "blank_lines": 2, "retained": 0,
        "kept_as_written": 2, "read_otherwise": 0,
    });
    assert_eq!(proof["round_trip"], expected, "{proof}");
    run(&mut scene.annals(&["compact"])).leaves(0);
    assert_eq!(table::data_files(&scene.archive()), 1);
    assert_eq!(prove()["round_trip"], expected, "of one file for both hours");
    assert!(run(&mut scene.annals(&["verify", "--json"])).leaves(0).json()["round_trip"].is_null());
    let told = run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0).stdout;
    assert!(told.contains("18 served lines read: 10 messages, 2 duplicates, 4 dead letters, 2 blank."), "{told}");
    std::fs::remove_dir_all(scene.archive().join("raw")).unwrap();
    let proof = prove();
    assert_eq!((&proof["hours_without_served_files"], &proof["round_trip"]["lines"]), (&2.into(), &0.into()));
}

#[test]
fn the_samples_come_back_as_they_were_served() {
    let scene = Scene::new();
    run(&mut scene.annals(&["load", concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz")])).leaves(0);
    let proof = run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(0).json();
    assert_eq!((&proof["round_trip"]["messages"], &proof["round_trip"]["duplicates"]), (&59.into(), &2.into()));
}

/// Damage to the served bytes, which a hash tells of, and in which line.
#[test]
fn whatever_differs_is_named_with_its_place() {
    let scene = Scene::new();
    HOURS.iter().for_each(|hour| load(&scene, hour, &LINES));
    // As long as what was served, lest the letters after it lie elsewhere.
    let other = |line: usize, text: &str| {
        let mut lines = LINES.map(str::to_owned);
        let longer = lines[line - 1].len() - text.len();
        lines[line - 1] = format!("{}{text}", " ".repeat(longer));
        lines
    };
    let check = |lines: &[String], expected: &[&str]| {
        forge(&scene, HOURS[1], lines);
        let expected: Vec<_> = expected.iter().map(|what| format!("2026-03-14T10Z: part 0, line {what}")).collect();
        assert_eq!(findings(&scene), expected);
    };
    let not_kept = "what was served is no message of the table, no copy of one, and no dead letter";
    check(
        &other(3, r#"{"msg_id":"1","payload":{"bodies":[{"type":"txt","msg":"avasT"}]}}"#),
        &["3: the message is not what was served: payload.bodies[0].msg has another value than was served"],
    );
    check(
        &other(4, r#"{"msg_id":"3","msg_id":"3","payload":{"bodies":[]}}"#),
        &["4: the message is not what was served: msg_id has another value than was served"],
    );
    check(
        &other(7, r#"{"payload":{"bodies":[{"type":"txt","msg":"without an id"}]},"ext":{"a":[1,{}]}}"#),
        &["7: the message is not what was served: ext.a[1].b was not served"],
    );
    check(
        &other(8, r#"{"msg_id":4}"#),
        &["8: the message is not what was served: msg_id was served as number and is kept as string"],
    );
    check(&other(2, r#"{"msg_id":"9"}"#), &[&format!("2: {not_kept}")]);
    check(&other(5, "No message"), &["5: the dead letter is not what was served: its text differs"]);
    check(&other(8, "[1,2,3,4,5,6,]"), &["8: the table holds a message, and what was served is none"]);
    check(&other(9, "{}"), &["9: the table holds a dead letter, and what was served is a message"]);
}

#[test]
fn what_was_not_served_and_what_is_not_kept_is_found() {
    let scene = Scene::new();
    load(&scene, HOURS[0], &LINES);
    forge(&scene, HOURS[0], &LINES[..8]);
    assert_eq!(findings(&scene), ["2026-03-14T09Z: part 0, line 9: the table holds a dead letter that was not served"]);
    forge(&scene, HOURS[0], &LINES[..6]);
    assert_eq!(findings(&scene).len(), 3, "two messages and a letter");
    let more: Vec<&str> = LINES.into_iter().chain([r#"{"msg_id":"5"}"#; 30]).collect();
    forge(&scene, HOURS[0], &more);
    let found = findings(&scene);
    assert_eq!(found.len(), 11, "{found:?}");
    assert_eq!(found[10], "2026-03-14T09Z: 20 more lines are not kept as they were served");
}

/// Damage to the tables: the ledger and the served bytes are as they were.
#[test]
fn what_is_wrong_with_a_table_is_found_and_named() {
    let check = |change: fn(&mut table::Hour), expected: &[&str]| {
        let scene = Scene::new();
        load(&scene, HOURS[0], &LINES);
        table::rewrite(&scene.archive(), change);
        let expected: Vec<_> = expected.iter().map(|what| format!("2026-03-14T09Z: {what}")).collect();
        assert_eq!(findings(&scene), expected);
    };
    let not_kept = "what was served is no message of the table, no copy of one, and no dead letter";
    check(
        |hour| hour.messages[0].text = Some("ahoi".into()),
        &[
            "part 0, line 1: the message is not what was served: payload.bodies[0].msg has another value than was served",
            &format!("part 0, line 2: {not_kept}"),
        ],
    );
    // The line comes back, whatever these say.
    check(
        |hour| hour.messages[0].conversation = Some("chat:gull:tern".into()),
        &[
            "part 0, line 1: the message is not what its line gives: the column `conversation` has `chat:gull:tern`, and the \
           line gives null",
        ],
    );
    check(
        |hour| hour.messages[4].about = Some("7".into()),
        &[
            "part 0, line 8: the message is not what its line gives: the column `about` has `7`, and the line gives null",
        ],
    );
    check(
        |hour| hour.messages[0].rest = Some("[]".into()),
        &[
            "part 0, line 1: no record can be made of the message: the column `rest` does not hold what the decoder writes",
            &format!("part 0, line 2: {not_kept}"),
        ],
    );
    check(
        |hour| drop(hour.messages.pop()),
        &["the ledger has 5 messages, the table holds 4", &format!("part 0, line 8: {not_kept}")],
    );
    check(
        |hour| hour.messages[1].msg_id = Some("5".into()),
        &[
            "the ledger has 1 conflicts, the table holds 0",
            "part 0, line 3: the message is not what was served: msg_id has another value than was served",
        ],
    );
    check(
        |hour| hour.messages[4].position.part = 7,
        &["part 7, line 8: the table holds a message that was not served"],
    );
    check(
        |hour| drop(hour.letters.pop()),
        &["the ledger has 2 dead letters, the table holds 1", &format!("part 0, line 9: {not_kept}")],
    );
    check(
        |hour| hour.letters[0].offset += 1,
        &["part 0, line 5: the dead letter is not what was served: its offset differs"],
    );
    check(
        |hour| hour.letters[0].reason = chat::Reason::TooDeep,
        &["part 0, line 5: the dead letter is not what was served: its reason differs"],
    );
}
