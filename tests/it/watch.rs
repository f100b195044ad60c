//! Saved searches: what is new to them is told once, whatever is published when.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::scene::{Run, Scene, run};

/// A record of a message with this id and text.
fn record(id: &str, minute: u64, text: &str) -> Value {
    json!({
        "msg_id": id, "timestamp": 1_773_478_800_000 + minute * 60_000, "from": "mara", "to": "teo", "chat_type": "chat",
        "direction": "outgoing", "payload": {"bodies": [{"type": "txt", "msg": text}], "ext": {}, "from": "mara", "to": "teo"},
    })
}

/// Archives an hour with these records.
fn load(scene: &Scene, hour: &str, records: &[Value]) {
    let path = scene.path(&format!("{hour}.ndjson"));
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    std::fs::write(&path, lines).unwrap();
    run(&mut scene.annals(&["load", "--again", path.to_str().unwrap(), "--set", "hours.check_zone=false"])).leaves(0);
}

fn ids(run: &Run) -> Vec<String> {
    run.json_lines().iter().map(|hit| hit["msg_id"].as_str().unwrap().to_owned()).collect()
}

fn news(scene: &Scene) -> Vec<String> {
    ids(&run(&mut scene.annals(&["watch", "run"])).leaves(0))
}

#[test]
fn what_is_new_is_told_once_late_hours_and_copies_too() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("old", 0, "tide")]);
    run(&mut scene.annals(&["watch", "add", "tide", "tide"])).leaves(0);
    assert!(news(&scene).is_empty(), "from now on");
    load(&scene, "2026031411", &[record("a", 121, "the tide"), record("b", 122, "ebb")]);
    let first = run(&mut scene.annals(&["watch", "run", "tide", "--json"])).leaves(0);
    assert_eq!(ids(&first), ["a"]);
    assert_eq!((&first.json_lines()[0]["watch"], &first.json_lines()[0]["recalled"]), (&"tide".into(), &false.into()));
    assert!(news(&scene).is_empty());
    // Published anew with one more, a copy in the next hour, and an hour that is archived late.
    load(&scene, "2026031411", &[record("a", 121, "the tide"), record("c", 123, "tide again")]);
    load(&scene, "2026031412", &[record("c", 123, "tide again"), record("d", 181, "tide")]);
    load(&scene, "2026031408", &[record("late", 1, "tide")]);
    assert_eq!(news(&scene).into_iter().collect::<BTreeSet<_>>(), ["c", "d", "late"].map(String::from).into());
    assert!(news(&scene).is_empty());
    let back = run(&mut scene.annals(&["watch", "run", "--from", "all", "--json"])).leaves(0);
    assert_eq!(ids(&back), ["old"], "what was told is not told again");
}

#[test]
fn a_search_looks_back_as_far_as_it_is_told_to() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("a", 0, "tide")]);
    load(&scene, "2026031410", &[record("b", 61, "tide")]);
    run(&mut scene.annals(&["watch", "add", "all", "tide", "--from", "all"])).leaves(0);
    run(&mut scene.annals(&["watch", "add", "some", "tide", "--from", "2026-03-14T10"])).leaves(0);
    let told = run(&mut scene.annals(&["watch", "run", "--json"])).leaves(0);
    let told: Vec<_> = told.json_lines().iter().map(|hit| format!("{}:{}", hit["watch"], hit["msg_id"])).collect();
    assert_eq!(told, ["\"all\":\"a\"", "\"all\":\"b\"", "\"some\":\"b\""]);
}

#[test]
fn searches_stand_in_the_settings_and_comments_survive() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("a", 0, "tide")]);
    let file = scene.archive().join("annals.toml");
    let own = "# Mine.\n[log]\nfilter = 'warn' # not more\n";
    std::fs::write(&file, own).unwrap();
    run(&mut scene.annals(&["watch", "add", "harbour", "\"see you\"", "OR", "ta\\de"])).leaves(0);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with(own) && text.contains("[watch.harbour]\nquery = "), "{text}");
    let listed = run(&mut scene.annals(&["watch", "list", "--json"])).leaves(0);
    assert_eq!(
        listed.json(),
        json!({"name": "harbour", "query": "\"see you\" OR ta\\de", "webhook": null, "problem": null})
    );
    let again = run(&mut scene.annals(&["watch", "add", "harbour", "x"])).leaves(2);
    assert!(again.stderr.contains("a search is saved as `harbour` already"), "{}", again.stderr);
    let broken = run(&mut scene.annals(&["watch", "add", "broken", "frm:mara"])).leaves(2);
    assert!(broken.stderr.contains("\n        frm:mara\n        ^^^^"), "{}", broken.stderr);
    for arguments in
        [["watch", "add", "A.b", "x"].as_slice(), &["watch", "remove", "harbor"], &["watch", "run", "harbor"]]
    {
        run(&mut scene.annals(arguments)).leaves(2);
    }
    run(&mut scene.annals(&["watch", "remove", "harbour"])).leaves(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), own);
    assert!(!scene.archive().join("watches/harbour.json").exists());
}

#[test]
fn one_that_was_broken_by_hand_is_named_and_the_others_run() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("a", 0, "tide")]);
    let text =
        "[watch.bad]\nquery = 'frm:mara'\n\n[watch.odd]\nquery = 'x'\nwebhok = 'y'\n\n[watch.good]\nquery = 'tide'\n";
    std::fs::write(scene.archive().join("annals.toml"), text).unwrap();
    let told = run(&mut scene.annals(&["watch", "run", "--from", "all"])).leaves(3);
    assert_eq!(ids(&told), ["a"]);
    for expected in [
        "annals.toml, line 2, column 1: `watch.bad.query` is no query",
        "annals.toml, line 6, column 1: there is no setting `watch.odd.webhok`",
        "did you mean `watch.odd.webhook`?",
        "frm:mara\n        ^^^^",
    ] {
        assert!(told.stderr.contains(expected), "{expected}: {}", told.stderr);
    }
    run(&mut scene.annals(&["query", "tide"])).leaves(0);
}

#[test]
fn damage_of_what_was_told_is_named_with_what_helps() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("a", 0, "tide")]);
    run(&mut scene.annals(&["watch", "add", "tide", "tide"])).leaves(0);
    for damage in ["", "{\"garb"] {
        std::fs::write(scene.archive().join("watches/tide.json"), damage).unwrap();
        let failed = run(&mut scene.annals(&["watch", "run", "tide"])).leaves(2).stderr;
        assert!(failed.contains("tide.json is damaged") && !failed.contains("verify"), "{failed}");
        assert!(failed.contains("`annals watch remove tide`") && failed.contains("--from HOUR"), "{failed}");
        let listed = run(&mut scene.annals(&["watch", "list", "--json"])).leaves(0).json();
        assert!(listed["problem"].as_str().unwrap().contains("tide.json is damaged"), "{listed}");
    }
    run(&mut scene.annals(&["watch", "remove", "tide"])).leaves(0);
    run(&mut scene.annals(&["watch", "add", "tide", "tide", "--from", "2026-03-14T09"])).leaves(0);
    assert_eq!(news(&scene), ["a"]);
}

/// Nothing tells which rows the earlier publication had: its file is gone.
#[test]
fn an_hour_of_before_the_search_is_told_whole_when_it_is_published_anew() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("old", 0, "tide")]);
    run(&mut scene.annals(&["watch", "add", "tide", "tide"])).leaves(0);
    load(&scene, "2026031409", &[record("old", 0, "tide"), record("new", 1, "tide")]);
    assert_eq!(news(&scene), ["old", "new"]);
}

#[test]
fn hours_that_the_index_does_not_hold_stay_due() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("a", 0, "tide")]);
    run(&mut scene.annals(&["watch", "add", "tide", "tide", "--from", "all"])).leaves(0);
    // Another process is writing to the index: it cannot be brought up.
    let path = scene.path("2026031410.ndjson");
    std::fs::write(&path, format!("{}\n", record("b", 61, "tide"))).unwrap();
    let file = path.to_str().unwrap();
    run(&mut scene.annals(&["load", file, "--no-index", "--set", "hours.check_zone=false"])).leaves(0);
    let lock = std::fs::File::create(scene.archive().join("index/.tantivy-writer.lock")).unwrap();
    lock.lock().unwrap();
    let behind = run(&mut scene.annals(&["watch", "run"])).leaves(0);
    assert_eq!(ids(&behind), ["a"]);
    assert!(behind.stderr.contains("hours that are not indexed yet stay due: 2026-03-14T10Z"), "{}", behind.stderr);
    drop(lock);
    assert_eq!(news(&scene), ["b"]);
}

/// A receiver that gives these answers, the last one for good, and keeps what it was posted: head and body.
struct Receiver {
    address: String,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Receiver {
    fn start(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/hook/T0PSECRET", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (ears, answers) = (Arc::clone(&heard), answers.to_vec());
        std::thread::spawn(move || {
            for (at, caller) in listener.incoming().enumerate() {
                let mut caller = caller.unwrap();
                ears.lock().unwrap().push(hear(&mut caller));
                let answer = answers[at.min(answers.len() - 1)];
                let end = "Content-Length: 0\r\nConnection: close\r\n\r\n";
                caller.write_all(format!("HTTP/1.1 {answer}\r\n{end}").as_bytes()).unwrap();
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<(String, Value)> {
        let heard = self.heard.lock().unwrap();
        heard.iter().map(|(head, body)| (head.to_lowercase(), serde_json::from_str(body).unwrap())).collect()
    }
}

fn hear(caller: &mut TcpStream) -> (String, String) {
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = caller.read(&mut piece).unwrap();
        request.extend(&piece[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return (head.to_owned(), body.to_owned());
        }
    }
}

/// Runs the program where posts to this machine are allowed, and with a secret.
fn posting(scene: &Scene, arguments: &[&str]) -> Run {
    let mut command = scene.annals(arguments);
    command.env("ANNALS_WATCH_ALLOW_HTTP", "true").env("ANNALS_WATCH_ALLOW_PRIVATE", "true");
    command.env("ANNALS_API_FIRST_PAUSE", "10ms").env("ANNALS_API_LONGEST_PAUSE", "20ms");
    run(command.env("ANNALS_WATCH_WEBHOOK_SECRET", "s3cret-of-the-hook"))
}

#[test]
fn hits_are_posted_in_batches_and_signed() {
    let scene = Scene::new();
    let records: Vec<_> = (0..150).map(|n| record(&format!("m{n}"), n % 60, "tide")).collect();
    load(&scene, "2026031409", &records);
    let receiver = Receiver::start(&["200 OK"]);
    posting(&scene, &["watch", "add", "tide", "tide", "--webhook", &receiver.address, "--from", "all"]).leaves(0);
    let posted = posting(&scene, &["watch", "run"]).leaves(0);
    assert_eq!(posted.stdout, "");
    assert!(posted.stderr.contains("tide: 150 new messages, posted to 127.0.0.1:"), "{}", posted.stderr);
    let heard = receiver.heard();
    let batches: Vec<_> = heard.iter().map(|(_, body)| (body["count"].clone(), body["truncated"].clone())).collect();
    assert_eq!(batches, [(json!(100), json!(true)), (json!(50), json!(false))]);
    let all: BTreeSet<_> = heard
        .iter()
        .flat_map(|(_, body)| body["hits"].as_array().unwrap())
        .map(|hit| hit["msg_id"].to_string())
        .collect();
    assert_eq!(all.len(), 150);
    let (head, body) = &heard[0];
    assert!(
        head.contains("content-type: application/json\r\n") && head.contains("x-annals-signature: sha256="),
        "{head}"
    );
    assert!(head.contains(&format!("x-annals-delivery: {}", body["delivery"].as_str().unwrap())), "{head}");
    assert_eq!(
        (&body["watch"], &body["query"], &body["source_hour"]),
        (&json!("tide"), &json!("tide"), &json!("2026031409"))
    );
    let queried = run(&mut scene.annals(&["query", "tide", "--limit", "1", "--format", "jsonl"])).leaves(0);
    let keys =
        |hit: &Value| hit.as_object().unwrap().keys().filter(|key| *key != "cursor").cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&body["hits"][0]), keys(&queried.json_lines()[0]));
    posting(&scene, &["watch", "run"]).leaves(0);
    assert_eq!(receiver.heard().len(), 2, "once each");
}

#[test]
fn what_could_not_be_posted_stays_due_under_the_same_delivery() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("a", 0, "tide")]);
    // Refused for good once; then down for a moment.
    let receiver = Receiver::start(&["404 Not Found", "503 Unavailable", "429 Slow", "204 No Content"]);
    posting(&scene, &["watch", "add", "tide", "tide", "--webhook", &receiver.address, "--from", "all"]).leaves(0);
    let failed = posting(&scene, &["watch", "run"]).leaves(3);
    assert!(failed.stderr.contains("could not post to 127.0.0.1:"), "{}", failed.stderr);
    assert!(failed.stderr.contains("the hits stay due"), "{}", failed.stderr);
    assert!(!failed.stderr.contains("T0PSECRET") && !failed.stderr.contains("s3cret"), "{}", failed.stderr);
    posting(&scene, &["watch", "run"]).leaves(0);
    let heard = receiver.heard();
    assert_eq!(heard.len(), 4);
    assert!(heard.iter().all(|(_, body)| body["delivery"] == heard[0].1["delivery"]));
    posting(&scene, &["watch", "run"]).leaves(0);
    assert_eq!(receiver.heard().len(), 4);
}

/// A search that has run before is to look back, and its post fails: the next run, which is not told so, posts the hits.
#[test]
fn what_was_looked_back_on_in_vain_stays_due() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("a", 0, "tide")]);
    let receiver = Receiver::start(&["404 Not Found", "204 No Content"]);
    posting(&scene, &["watch", "add", "tide", "tide", "--webhook", &receiver.address]).leaves(0);
    posting(&scene, &["watch", "run"]).leaves(0);
    let failed = posting(&scene, &["watch", "run", "tide", "--from", "all"]).leaves(3);
    assert!(failed.stderr.contains("the hits stay due"), "{}", failed.stderr);
    let posted = posting(&scene, &["watch", "run"]).leaves(0);
    assert!(posted.stderr.contains("tide: 1 new message, posted"), "{}", posted.stderr);
    assert_eq!(receiver.heard().len(), 2);
}

#[test]
fn nothing_is_posted_into_this_machine_or_where_a_redirect_leads() {
    let scene = Scene::new();
    load(&scene, "2026031409", &[record("a", 0, "tide")]);
    let receiver = Receiver::start(&["302 Found\r\nLocation: /elsewhere"]);
    for (address, why) in [
        (receiver.address.as_str(), "begins with https://"),
        ("https://127.0.0.1/hook", "of this machine or of a private network"),
        ("https://u:p@hooks.example.com/", "has a user or password in it"),
        ("nowhere", "is no URL"),
    ] {
        let refused = run(&mut scene.annals(&["watch", "add", "tide", "tide", "--webhook", address])).leaves(2);
        assert!(refused.stderr.contains(why), "{address}: {}", refused.stderr);
    }
    let port = receiver.address.split(['/', ':']).nth(4).unwrap();
    let named =
        format!("[watch.tide]\nquery = 'tide'\nwebhook = 'http://localhost:{port}/'\n[watch]\nallow_http = true\n");
    std::fs::write(scene.archive().join("annals.toml"), named).unwrap();
    let refused = run(scene.annals(&["watch", "run", "--from", "all"]).env("ANNALS_API_FIRST_PAUSE", "10ms")).leaves(3);
    assert!(refused.stderr.contains("it has no public address"), "{}", refused.stderr);
    assert!(receiver.heard().is_empty());
    let redirected = posting(&scene, &["watch", "run", "--from", "all"]).leaves(3);
    assert!(redirected.stderr.contains("redirects to http://localhost:"), "{}", redirected.stderr);
    assert_eq!(receiver.heard().len(), 1, "it is not followed");
}

#[test]
fn a_fetch_can_run_them() {
    let scene = Scene::new();
    let traffic = emulator::corpus::Options { seed: 5, messages_per_hour: 50, ..emulator::corpus::Options::default() };
    let service = scene.service_at("2026-03-16T06:00:00Z", "", traffic);
    let fetch = |since, until, flag| {
        let arguments = ["fetch", "--since", since, "--until", until, flag];
        run(scene.annals_at(&service, &arguments).env("ANNALS_CLOCK", "2026-03-16T06:00:00Z")).leaves(0)
    };
    fetch("2026-03-14T09", "2026-03-14T10", "--quiet");
    run(&mut scene.annals(&["watch", "add", "everything", "type:txt"])).leaves(0);
    let told = fetch("2026-03-14T10", "2026-03-14T11", "--watch");
    let hits: Vec<Value> = told.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(!hits.is_empty() && hits.iter().all(|hit| hit["source_hour"] == "2026031410"), "{}", told.stdout);
}
