//! `annals dead-letters`: the lines that are no message, as their users meet them.

use std::fs;

use serde_json::json;

use crate::scene::{Run, Scene, run};

/// Hours of a day long ago, each with a message and these lines.
fn load(scene: &Scene, hours: std::ops::Range<u32>, lines: &[&[u8]]) {
    let write = |hour: u32| {
        let path = scene.path(&format!("20260314{hour:02}.ndjson"));
        fs::write(&path, [&[format!("{{\"msg_id\":\"{hour}\"}}").as_bytes()], lines].concat().join(&b'\n')).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let paths: Vec<String> = hours.map(write).collect();
    let arguments: Vec<&str> = ["load"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    run(&mut scene.annals(&arguments)).leaves(0);
}

fn letters(scene: &Scene, arguments: &[&str]) -> Run {
    run(&mut scene.annals(&[&["dead-letters"], arguments].concat()))
}

#[test]
fn each_line_is_listed_with_its_place_reason_and_bytes() {
    let scene = Scene::new();
    load(&scene, 9..10, &["a \u{1b}[31m port, \u{6e2f}\u{53e3}".as_bytes(), b"", b"{\"a\":\"\xff\"}", b"[1]"]);
    let common = |line: u32, offset: u32, reason: &str, length: u32| json!({"source_hour": "2026031409", "part": 0, "line": line, "offset": offset, "reason": reason, "length": length});
    let whole = |mut letter: serde_json::Value, text: Option<&str>, base64: Option<&str>| {
        letter["text"] = json!(text);
        letter["base64"] = json!(base64);
        letter
    };
    let expected = [
        whole(common(2, 15, "syntax", 20), Some("a \u{1b}[31m port, \u{6e2f}\u{53e3}"), None),
        whole(common(4, 37, "invalid_utf8", 9), None, Some("eyJhIjoi/yJ9")),
        whole(common(5, 47, "not_an_object", 3), Some("[1]"), None),
    ];
    for arguments in [&[][..], &["--json"], &["--format", "jsonl"]] {
        assert_eq!(letters(&scene, arguments).leaves(0).json_lines(), expected);
    }
    let table = letters(&scene, &["--format", "table"]).leaves(0).stdout;
    assert!(table.contains("2026-03-14T09Z  0     2     15      syntax"), "{table}");
    assert!(table.contains("a ␛[31m port, \u{6e2f}\u{53e3}") && table.contains(r#"{"a":"\xff"}"#), "{table}");
    let csv = letters(&scene, &["--format", "csv", "--reason", "invalid_utf8"]).leaves(0).stdout;
    let header = "source_hour,part,line,offset,reason,length,text,base64";
    assert_eq!(csv, format!("{header}\r\n2026031409,0,4,37,invalid_utf8,9,,eyJhIjoi/yJ9\r\n"));
}

#[test]
fn the_lines_asked_for_are_counted_or_listed_also_in_a_day_that_was_put_together() {
    let scene = Scene::new();
    load(&scene, 0..7, &[b"one", b"[2]", b"three"]);
    for _ in 0..2 {
        assert_eq!(letters(&scene, &[]).leaves(0).json_lines().len(), 21);
        let hours = letters(&scene, &["--since", "2026-03-14T03", "--until", "2026-03-14T05"]).leaves(0).json_lines();
        let places: Vec<_> =
            hours.iter().map(|letter| (letter["source_hour"].as_str(), letter["line"].as_u64())).collect();
        let of = |hour| (2..5).map(move |line| (Some(hour), Some(line)));
        assert_eq!(places, of("2026031403").chain(of("2026031404")).collect::<Vec<_>>());
        let counts = letters(&scene, &["--count"]).leaves(0);
        assert_eq!(
            counts.json_lines(),
            [json!({"reason": "not_an_object", "lines": 7}), json!({"reason": "syntax", "lines": 14})]
        );
        let counts = letters(&scene, &["--count", "--reason", "syntax", "--until", "2026-03-14T02"]).leaves(0);
        assert_eq!(counts.json_lines(), [json!({"reason": "syntax", "lines": 4})]);
        let limited = letters(&scene, &["--limit", "4"]).leaves(0);
        assert_eq!(limited.json_lines().len(), 4);
        assert!(limited.stderr.contains("4 of 21 lines"), "{}", limited.stderr);
        let table = letters(&scene, &["--format", "table"]).leaves(0);
        assert_eq!(table.stdout.lines().count(), 1 + 20);
        run(&mut scene.annals(&["compact"])).leaves(0);
    }
}

#[test]
fn without_such_lines_nothing_is_found() {
    let scene = Scene::new();
    load(&scene, 9..10, &[b"[1]"]);
    for arguments in
        [&["--reason", "syntax"][..], &["--since", "2026-03-14T10"], &["--count", "--until", "2026-03-14T09"]]
    {
        let none = letters(&scene, arguments).leaves(1);
        assert_eq!((none.stdout.as_str(), none.stderr.as_str()), ("", "no line was set aside\n"), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_asked_is_said() {
    let scene = Scene::new();
    assert!(letters(&scene, &[]).leaves(2).stderr.contains("archive"));
    load(&scene, 9..10, &[b"[1]"]);
    for (arguments, expected) in [
        (&["--reason", "typo"][..], "not_an_object"),
        (&["--limit", "0"], "whole number"),
        (&["--since", "2026-03-15", "--until", "2026-03-14"], "there is no hour"),
        (&["--count", "--limit", "3"], "--limit"),
    ] {
        let said = letters(&scene, arguments).leaves(2).stderr;
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}
