//! Tokens, signatures and share secrets never reach an output: what each run of each test says is searched for them.

use std::cell::RefCell;
use std::process::Command;

use emulator::{Clock, Options};
use serde_json::json;

use crate::scene::{Run, Scene, run};

const NOW: &str = "2026-03-16T06:00:00Z";
const TOKEN: &str = "a-token-that-must-not-be-seen";
const CLIENT_SECRET: &str = "a-client-secret-that-must-not-be-seen";

/// What no run of any test may say: tokens of the service and of the tests, signatures of links, share secrets of the samples, of
/// made-up traffic and of the tests.
const MARKERS: [&str; 7] = ["must-not-be-seen", "YWMt", "007eJx", "Signature=", "OSSAccessKeyId=", "FAKE-", "hush-"];

thread_local! {
    /// The same for secrets that a service made up while this test ran.
    static HIDDEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// From now on no run of this test may say this.
pub(crate) fn hide(secret: &str) {
    assert!(secret.len() > 8, "it would be found anywhere");
    HIDDEN.with_borrow_mut(|hidden| hidden.push(secret.to_owned()));
}

/// Whether a command is asked for secrets: to print what was served, or to be a service. It prints them where data goes.
pub(crate) fn is_to_show_some(command: &Command) -> bool {
    command.get_args().any(|word| ["--with-secrets", "--raw", "emulate"].iter().any(|flag| word == *flag))
}

/// Fails the test when a run has said a secret; on stdout it may if it was asked to.
#[track_caller]
pub(crate) fn assert_silent(run: &Run, shows_some: bool) {
    assert_no_secret("stderr", &run.stderr);
    if !shows_some {
        assert_no_secret("stdout", &run.stdout);
    }
}

/// Fails the test when what was said to somewhere holds a secret.
#[track_caller]
pub(crate) fn assert_no_secret(place: &str, said: &str) {
    HIDDEN.with_borrow(|hidden| {
        for secret in MARKERS.into_iter().chain(hidden.iter().map(String::as_str)) {
            assert!(!said.contains(secret), "`{secret}` in {place}:\n{said}");
        }
    });
}

#[test]
#[should_panic(expected = "in stderr")]
fn a_secret_that_is_said_is_found() {
    assert_silent(&Run { code: 0, stdout: String::new(), stderr: format!("so {TOKEN} it is") }, true);
}

fn fetch(command: &mut Command) -> &mut Command {
    command.env("ANNALS_CLOCK", NOW)
}

/// The service takes a share secret in the URL, too, and so messages have it there.
#[test]
fn no_output_shows_a_secret_that_stands_in_a_url() {
    let scene = Scene::new();
    let line = r#"{"msg_id":"1","timestamp":1773478800001,"from":"mara","to":"teo","payload":{"bodies":[{"type":"video","filename":"tide.mp4","url":"https://a/b?share-secret=hush-1&x=1","thumb":"https://a/c?x=1&share-secret=hush-2","localurl":"https:\/\/a\/d?share-secret\u003dhush-3"}]}}"#;
    let file = scene.path("2026031409.ndjson");
    std::fs::write(&file, line).unwrap();
    run(&mut scene.annals(&["load", file.to_str().unwrap(), "--set", "hours.check_zone=false"])).leaves(0);
    run(&mut scene.annals(&["watch", "add", "tide", "tide", "--from", "all"])).leaves(0);
    for arguments in [
        ["query", "tide", "--format", "jsonl"].as_slice(),
        &["query", "tide", "--format", "csv"],
        &["query", "tide", "--context", "1", "--format", "jsonl"],
        &["show", "1"],
        &["show", "1", "--json"],
        &["watch", "run", "--json"],
        &["export", "--to", "-", "--format", "csv"],
        &["export", "--to", "-"],
    ] {
        let said = run(&mut scene.annals(arguments)).leaves(0).stdout;
        for part in ["a/b?share-secret=&x=1", "a/c?x=1&share-secret=", "a/d?share-secret="] {
            assert!(said.contains(part), "{arguments:?}: {part}\n{said}");
        }
    }
    let hits = scene.annals(&["query", "tide", "--format", "parquet"]).output().unwrap().stdout;
    assert!(hits.starts_with(b"PAR1") && !hits.windows(5).any(|bytes| bytes == b"hush-"));
    for with in [["show", "1", "--raw"].as_slice(), &["export", "--to", "-", "--format", "csv", "--with-secrets"]] {
        let said = run(&mut scene.annals(with)).leaves(0).stdout;
        assert_eq!(said.matches("hush-").count(), 3, "{said}");
    }
}

#[test]
fn no_output_shows_a_secret_in_a_url_that_somebody_wrote() {
    let scene = Scene::new();
    let bodies = [
        json!({"type": "txt", "msg": "tide: https://a/b?share-secret=hush-1 is it"}),
        json!({"type": "loc", "addr": "tide https://a/b?share-secret=hush-2", "lat": 1, "lng": 2}),
        json!({"type": "custom", "customEvent": "tide", "customExts": {"link": "https://a/b?share-secret=hush-3"}}),
        json!({"type": "file", "filename": "tide https://a/b?share-secret=hush-4", "url": "https://a/c"}),
    ];
    let record = |(number, body): (usize, &serde_json::Value)| {
        let payload = json!({"from": "mara", "to": "teo", "bodies": [body]});
        json!({"msg_id": format!("{number}"), "timestamp": 1_773_478_800_001_u64, "payload": payload}).to_string()
    };
    let lines: Vec<String> = bodies.iter().enumerate().map(record).collect();
    let file = scene.path("2026031409.ndjson");
    std::fs::write(&file, lines.join("\n")).unwrap();
    run(&mut scene.annals(&["load", file.to_str().unwrap(), "--set", "hours.check_zone=false"])).leaves(0);
    for arguments in [
        ["query", "tide", "--format", "table"].as_slice(),
        &["query", "tide", "--format", "html"],
        &["query", "tide", "--format", "jsonl"],
        &["query", "tide", "--format", "csv"],
        &["show", "0", "--json"],
        &["export", "--to", "-", "--format", "csv"],
        &["export", "--to", "-"],
    ] {
        let said = run(&mut scene.annals(arguments)).leaves(0).stdout;
        assert!(said.contains("https://a/b?share-secret=") && !said.contains("hush-"), "{arguments:?}\n{said}");
    }
    let whole = run(&mut scene.annals(&["export", "--to", "-", "--with-secrets"])).leaves(0).stdout;
    assert_eq!(whole.matches("hush-").count(), 4, "{whole}");
}

#[test]
fn no_output_shows_a_secret() {
    let scene = Scene::new();
    let service = scene.service(Options {
        clock: Clock::running_from(NOW.parse().unwrap()),
        rate_per_minute: None,
        faults: "random:0.3:1:503,429=0,expired-link,cut-body,truncated-gzip,file-503".parse().unwrap(),
        ..Options::default()
    });
    let range = ["fetch", "-vvv", "--since", "2026-03-14T09", "--until", "2026-03-14T12"];
    hide(&service.token());
    let mut wrong = scene.annals_at(&service, &range);
    run(fetch(wrong.env("ANNALS_API_TOKEN", TOKEN))).leaves(4);
    let mut wrong = scene.annals_at(&service, &range);
    let wrong = wrong.env_remove("ANNALS_API_TOKEN").env("ANNALS_API_CLIENT_ID", "id");
    run(fetch(wrong.env("ANNALS_API_CLIENT_SECRET", CLIENT_SECRET))).leaves(4);
    run(fetch(scene.annals_at(&service, &range).env("ANNALS_API_ATTEMPTS", "12"))).leaves(0);
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");
    run(&mut scene.annals(&["load", "-vvv", "--again", samples])).leaves(0);
    run(&mut scene.annals(&["query", "type:img", "--format", "jsonl", "--limit", "1000"])).leaves(0);
    run(&mut scene.annals(&["query", "type:video", "--format", "csv", "--limit", "1000"])).leaves(0);
    run(&mut scene.annals(&["show", "1412077348694640838"])).leaves(0);
    run(&mut scene.annals(&["verify", "-vvv"])).leaves(0);
    run(scene.annals_at(&service, &["config"]).env("ANNALS_API_TOKEN", TOKEN)).leaves(0);
    run(scene.annals_at(&service, &["doctor"]).env("ANNALS_CLOCK", NOW));
}
