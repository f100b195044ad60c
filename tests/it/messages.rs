//! Commands that send, fetch, recall, delete and import, against a service that says what the protocol's pages say.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::scene::{Run, Scene, run, start, wait};

const TOKEN: &str = "a-token-that-must-not-be-seen";
const SECRET: &str = "a-share-secret-that-must-not-be-seen";
const UUID: &str = "5fd74830-58b7-11e9-822a-81ea50bb049d";

/// A request as it came.
#[derive(Debug, Clone)]
struct Asked {
    /// Method and path.
    line: String,
    head: String,
    body: String,
}

/// Answers each request with the next of its answers, the last for ever.
struct Service {
    base_url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Service {
    /// Statuses and bodies.
    fn start(answers: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/o/a", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let mut answers: VecDeque<(u16, String)> =
            answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let mut caller = caller.unwrap();
                let Some(request) = hear(&mut caller) else { continue };
                log.lock().unwrap().push(request);
                let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
                let (status, body) = answer.unwrap();
                let length = body.len();
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                // Whoever was killed does not listen.
                drop(caller.write_all(format!("{head}{body}").as_bytes()));
            }
        });
        Self { base_url, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn hear(caller: &mut TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(caller);
    let (mut line, mut head) = (String::new(), String::new());
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    while !head.ends_with("\r\n\r\n") && head != "\r\n" {
        reader.read_line(&mut head).ok().filter(|length| *length > 0)?;
    }
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked { line, head, body: String::from_utf8_lossy(&body).into_owned() })
}

fn annals(scene: &Scene, service: &Service, arguments: &[&str]) -> Command {
    let mut command = scene.annals(arguments);
    command
        .env("ANNALS_API_BASE_URL", &service.base_url)
        .env("ANNALS_API_TOKEN", TOKEN)
        .env("ANNALS_API_FIRST_PAUSE", "10ms")
        .env("ANNALS_API_LONGEST_PAUSE", "20ms");
    command
}

#[test]
fn a_message_is_sent_and_each_recipient_told() {
    let scene = Scene::new();
    let service = Service::start(&[(200, r#"{"data":{"teo-77":"1029457500870543736"}}"#)]);
    let words = ["send", "--json", "--to-user", "teo-77", "ana", "--from", "mara_voss", "--text", "-x 港"];
    let sent = run(&mut annals(&scene, &service, &words)).leaves(3);
    let expected = [json!({"to": "teo-77", "msg_id": "1029457500870543736"}), json!({"to": "ana", "msg_id": null})];
    assert_eq!(sent.json_lines(), expected);
    assert!(sent.stderr.contains("no id for ana"), "{}", sent.stderr);
    let asked = service.asked().pop().unwrap();
    assert_eq!(asked.line, "POST /o/a/messages/users");
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body, json!({"from": "mara_voss", "to": ["teo-77", "ana"], "type": "txt", "body": {"msg": "-x 港"}}));
    let words = ["send", "--to-user", "teo-77", "--text", "x"];
    let table = run(&mut annals(&scene, &service, &words)).leaves(0).stdout;
    assert!(table.contains("1029457500870543736"), "{table}");
}

#[test]
fn a_lost_answer_sends_nothing_twice() {
    let scene = Scene::new();
    let service = Service::start(&[(502, "<html>")]);
    let sent = run(&mut annals(&scene, &service, &["send", "--to-user", "teo-77", "--text", "x"])).leaves(3);
    assert!(sent.stderr.contains("whether the service did it is not known"), "{}", sent.stderr);
    assert!(sent.stderr.contains("hint: look whether it was done"), "{}", sent.stderr);
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn a_file_is_uploaded_before_the_message_that_speaks_of_it() {
    let scene = Scene::new();
    fs::write(scene.path("tide.png"), "picture").unwrap();
    let uploaded = format!(r#"{{"entities":[{{"uuid":"{UUID}","share-secret":"{SECRET}"}}]}}"#);
    let service = Service::start(&[(200, &uploaded), (200, r#"{"data":{"184524748161025":"7"}}"#)]);
    let words = ["send", "--to-group", "184524748161025", "--image", "tide.png", "--restrict-access", "--size", "4x3"];
    let dry = run(annals(&scene, &service, &words).arg("--dry-run").env_remove("ANNALS_API_TOKEN")).leaves(0);
    let lines: Vec<&str> = dry.stdout.lines().collect();
    assert_eq!(lines[0], format!("POST {}/chatfiles", service.base_url));
    assert_eq!(lines[1], "restrict-access: true");
    assert!(lines[3].contains("uuid-of-the-upload") && service.asked().is_empty(), "{dry:?}");
    run(&mut annals(&scene, &service, &words)).leaves(0);
    let asked = service.asked();
    assert!(asked[0].head.contains("restrict-access: true\r\n") && asked[0].body.contains("\r\n\r\npicture\r\n--"));
    let body: Value = serde_json::from_str(&asked[1].body).unwrap();
    let url = format!("{}/chatfiles/{UUID}", service.base_url);
    let expected = json!({"url": url, "filename": "tide.png", "secret": SECRET, "size": {"width": 4, "height": 3}});
    assert_eq!(body["body"], expected);
}

#[test]
fn awkward_words_are_usage_and_send_nothing() {
    let scene = Scene::new();
    let service = Service::start(&[(500, "")]);
    let long = "x".repeat(6_000);
    let url = format!("https://h/x?share-secret={SECRET}");
    let secret_body = format!(r#"{{"type":"img","secret":"{SECRET}"}}"#);
    let secret_ext = format!(r#"["{SECRET}"]"#);
    let eleven: Vec<String> = (0..11).map(|number| format!("u{number}")).collect();
    let mut many = vec!["send", "--text", "x", "--to-user"];
    many.extend(eleven.iter().map(String::as_str));
    for words in [
        &["send", "--text", "x"][..],
        &["send", "--to-user", "teo"],
        &["send", "--to-user", "teo", "--text", "x", "--command", "y"],
        &["send", "--to-user", "teo", "--to-group", "1", "--text", "x"],
        &["send", "--to-user", "a b", "--text", "x"],
        &["send", "--to-user", "teo", "teo", "--text", "x"],
        &["send", "--to-group", "1", "2", "3", "4", "--text", "x"],
        &["send", "--to-user", "teo", "--text", &long],
        &["send", "--to-user", "teo", "--location", "91,0,x"],
        &["send", "--to-user", "teo", "--custom", "a b"],
        &["send", "--to-user", "teo", "--text", "x", "--duration", "3"],
        &["send", "--to-user", "teo", "--file", "absent.pdf"],
        &["send", "--to-user", "teo", "--text", "x", "--secret", "y"],
        &["send", "--to-user", "teo", "--body", &secret_body],
        &["send", "--to-user", "teo", "--text", "x", "--ext", &secret_ext],
        &["send", "--to-group", "1", "2", "--only", "ana", "--text", "x"],
        &["send", "--to-all-rooms", "--text", "x"],
        &many,
        &["upload", "."],
        &["upload", "absent"],
        &["upload", "/dev/null"],
        &["download", "../../etc/passwd", "--output", "x"],
        &["download", &url, "--output", "x"],
        &["download", UUID, "--output", "."],
        &["download", UUID, "--output", "none/x"],
        &["recall", "1/2", "--to", "teo", "--chat-type", "chat", "--yes"],
        &["recall", "1", "--to", "teo", "--chat-type", "letter"],
        &["recall", "1", "--to", "teo", "--chat-type", "chat"],
        &["delete-conversation", "--user", "ana", "--with", "teo", "--type", "chatroom", "--yes"],
        &["delete-conversation", "--user", "ana", "--with", "teo", "--type", "chat"],
        &["import", "absent.ndjson", "--to-users", "--yes"],
    ] {
        let ended = run(&mut annals(&scene, &service, words)).leaves(2);
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{words:?} {ended:?}");
    }
    assert_eq!(service.asked().len(), 0);
    assert!(!scene.path("x").exists());
}

#[test]
fn a_download_is_whole_or_not_there() {
    let scene = Scene::new();
    let service = Service::start(&[(200, "low at six")]);
    let output = scene.path("tide.txt");
    fs::write(&output, "what was there before").unwrap();
    let words = ["download", UUID, "--secret-file", "-", "--output", "tide.txt", "--json"];
    let mut command = annals(&scene, &service, &words);
    let mut child = start(command.stdin(Stdio::piped()));
    child.stdin.take().unwrap().write_all(format!("{SECRET}\n").as_bytes()).unwrap();
    let fetched = wait(child).leaves(0);
    assert_eq!(fetched.json(), json!({"uuid": UUID, "bytes": 10, "file": "tide.txt"}));
    assert_eq!(fs::read_to_string(&output).unwrap(), "low at six");
    assert_eq!(output.metadata().unwrap().permissions().mode() & 0o077, 0, "for its owner alone");
    let asked = service.asked().pop().unwrap();
    assert_eq!(asked.line, format!("GET /o/a/chatfiles/{UUID}"));
    assert!(asked.head.contains(&format!("share-secret: {SECRET}\r\n")));

    let url = format!("{}/chatfiles/{UUID}?share-secret={SECRET}", service.base_url);
    let dry = run(&mut annals(&scene, &service, &["download", &url, "--output", "x", "--thumbnail", "--dry-run"]));
    assert_eq!(dry.stdout, format!("GET {}/chatfiles/{UUID}\nshare-secret: …\nthumbnail: true\n", service.base_url));

    for (answer, code) in [
        ((404, r#"{"error":"file_expired"}"#), 1),
        ((403, r#"{"error":"forbidden"}"#), 4),
        ((401, r#"{"error":"unauthorized","error_description":"Unable to authenticate"}"#), 4),
        ((500, ""), 3),
    ] {
        let service = Service::start(&[answer]);
        let failed = run(&mut annals(&scene, &service, &["download", UUID, "--output", "tide.txt"])).leaves(code);
        assert!(failed.stderr.contains(&format!("could not download {UUID}")), "{failed:?}");
    }
    assert_eq!(fs::read_to_string(&output).unwrap(), "low at six");
    let left = fs::read_dir(scene.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains(".tmp")));
}

#[test]
fn a_download_that_is_stopped_leaves_nothing() {
    let scene = Scene::new();
    // A service that takes the call and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/o/a", silent.local_addr().unwrap());
    let mut command = scene.annals(&["download", UUID, "--output", "tide.txt"]);
    let child = start(command.env("ANNALS_API_BASE_URL", base_url).env("ANNALS_API_TOKEN", TOKEN));
    let _call = silent.accept().unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let stopped = wait(child).leaves(130);
    assert!(stopped.stderr.contains("stopping"), "{stopped:?}");
    let left = fs::read_dir(scene.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains(".tmp")));
}

#[test]
fn a_recall_tells_of_each_message() {
    let scene = Scene::new();
    let answer = r#"{"data":[{"msg_id":"2","recalled":"exceed recall time limit"},{"msg_id":"1","recalled":"yes"}]}"#;
    let service = Service::start(&[(200, answer)]);
    let words = ["recall", "1", "2", "--to", "teo-77", "--chat-type", "chat", "--yes", "--json"];
    let recalled = run(&mut annals(&scene, &service, &words)).leaves(4);
    let expected = [
        json!({"msg_id": "1", "recalled": "yes", "reason": null}),
        json!({"msg_id": "2", "recalled": "no", "reason": "the time for it is over"}),
    ];
    assert_eq!(recalled.json_lines(), expected);
    let service = Service::start(&[(200, r#"{"data":{"recalled":"yes"}}"#)]);
    let words = ["recall", "1", "--to", "184524748161025", "--chat-type", "groupchat", "--force", "--yes"];
    run(&mut annals(&scene, &service, &words)).leaves(0);
    let body: Value = serde_json::from_str(&service.asked().pop().unwrap().body).unwrap();
    assert_eq!(body, json!({"msg_id": "1", "to": "184524748161025", "chat_type": "groupchat", "force": true}));
}

#[test]
fn a_conversation_is_deleted_with_consent() {
    let scene = Scene::new();
    let service = Service::start(&[(200, r#"{"data":{"result":"ok"}}"#)]);
    let words = ["delete-conversation", "--user", "ana", "--with", "teo-77", "--type", "chat", "--delete-roaming"];
    let asked_for = run(&mut annals(&scene, &service, &words)).leaves(2);
    assert!(asked_for.stderr.contains("hint: give --yes"), "{}", asked_for.stderr);
    let dry = run(annals(&scene, &service, &words).args(["--dry-run", "--json"])).leaves(0).json();
    assert_eq!((&dry["method"], &dry["body"]["delete_roam"]), (&json!("DELETE"), &json!(true)));
    assert!(service.asked().is_empty());
    let done = run(annals(&scene, &service, &words).args(["--yes", "--json"])).leaves(0).json();
    assert_eq!(done, json!({"user": "ana", "with": "teo-77", "type": "chat", "deleted": true}));
    assert_eq!(service.asked().pop().unwrap().line, "DELETE /o/a/users/ana/user_channel");
}

fn record(text: &str) -> String {
    format!(r#"{{"from":"ana","target":"teo-77","type":"txt","body":{{"msg":"{text}"}}}}"#)
}

#[test]
fn an_import_is_checked_whole_before_its_first_call() {
    let scene = Scene::new();
    let service = Service::start(&[(200, r#"{"data":{"msg_id":"7"}}"#)]);
    fs::write(scene.path("old.ndjson"), format!("{}\n{{}}\n\n{}x\n", record("1"), record("2"))).unwrap();
    let words = ["import", "old.ndjson", "--to-users", "--yes"];
    let refused = run(&mut annals(&scene, &service, &words)).leaves(2);
    for part in ["line 2 is not in form", "line 4 is not in form", "2 of 3 lines of old.ndjson"] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    assert!(service.asked().is_empty() && !scene.path("old.ndjson.journal").exists());
}

#[test]
fn an_import_goes_on_and_sends_nothing_twice() {
    let scene = Scene::new();
    let lines: Vec<String> = (1..=5).map(|number| record(&number.to_string())).collect();
    fs::write(scene.path("old.ndjson"), lines.join("\n")).unwrap();
    let imported = r#"{"data":{"msg_id":"1028442084794698104"}}"#;
    let declined = r#"{"error":"illegal_argument","error_description":"message body not allow empty"}"#;
    let service = Service::start(&[(200, imported), (400, declined), (502, ""), (200, imported)]);
    let words = ["import", "old.ndjson", "--to-users", "--yes", "--json"];
    let first = run(&mut annals(&scene, &service, &words)).leaves(3);
    let results = |run: &Run| run.json_lines().iter().map(|line| line["result"].clone()).collect::<Vec<_>>();
    assert_eq!(results(&first), ["imported", "declined", "in doubt"]);
    assert_eq!(first.json_lines()[0]["msg_id"], "1028442084794698104");
    let again = run(&mut annals(&scene, &service, &words)).leaves(2);
    assert!(again.stderr.contains("hint: give --resume"), "{}", again.stderr);
    let second = run(annals(&scene, &service, &words).arg("--resume")).leaves(3);
    assert_eq!(results(&second), ["earlier", "imported", "in doubt", "imported", "imported"]);
    let sent: Vec<String> = service.asked().iter().map(|asked| asked.body.clone()).collect();
    let expected = [1, 2, 3, 2, 4, 5].map(|number: usize| lines[number - 1].clone());
    assert_eq!(sent, expected, "1 and 3 are sent once");
    let third = run(annals(&scene, &service, &words).arg("--resume")).leaves(3);
    assert_eq!(results(&third), ["earlier", "earlier", "in doubt", "earlier", "earlier"]);
    assert_eq!(service.asked().len(), 6);
}

#[test]
fn an_import_that_is_killed_in_a_call_leaves_its_line_in_doubt() {
    let scene = Scene::new();
    fs::write(scene.path("old.ndjson"), format!("{}\n{}\n", record("1"), record("2"))).unwrap();
    // Takes the call and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let deaf = Service { base_url: format!("http://{}/o/a", listener.local_addr().unwrap()), asked: Arc::default() };
    let words = ["import", "old.ndjson", "--to-users", "--yes", "--json", "--resume"];
    let mut child = start(&mut annals(&scene, &deaf, &words));
    let (mut caller, _) = listener.accept().unwrap();
    assert_eq!(hear(&mut caller).unwrap().body, record("1"));
    child.kill().unwrap();
    child.wait().unwrap();
    let service = Service::start(&[(200, r#"{"data":{"msg_id":"7"}}"#)]);
    let resumed = run(&mut annals(&scene, &service, &words)).leaves(3);
    assert_eq!(resumed.json_lines()[0]["result"], "in doubt");
    let sent: Vec<String> = service.asked().iter().map(|asked| asked.body.clone()).collect();
    assert_eq!(sent, [record("2")]);
}

#[test]
fn no_output_of_a_message_shows_a_secret() {
    let scene = Scene::new();
    fs::write(scene.path("secret"), SECRET).unwrap();
    let words = format!(r#"{{"error":"x","error_description":"{SECRET} {TOKEN} https://h/x?share-secret={SECRET}"}}"#);
    let body = format!(r#"{{"type":"img","url":"https://h/x","secret":"{SECRET}"}}"#);
    let url = format!("https://h.example.com/x.png?share-secret={SECRET}");
    let line = format!(r#"{{"from":"ana","target":"teo-77","type":"img","body":{{"url":"u","secret":"{SECRET}"}}}}"#);
    fs::write(scene.path("old.ndjson"), line).unwrap();
    for status in [400, 403, 418, 500] {
        let service = Service::start(&[(status, &words)]);
        for arguments in [
            &["send", "-vvv", "--to-user", "teo", "--body", &body][..],
            &["send", "-vvv", "--to-user", "teo", "--image", &url],
            &["send", "--to-user", "teo", "--body", &body, "--dry-run"],
            &["send", "--to-user", "teo", "--image", &url, "--dry-run", "--json"],
            &["send", "--to-user", "teo", "--image", "https://h/x", "--secret-file", "secret"],
            &["download", "-vvv", UUID, "--secret-file", "secret", "--output", "x"],
            &["import", "-vvv", "old.ndjson", "--to-users", "--yes", "--resume"],
            &["import", "old.ndjson", "--to-users", "--dry-run"],
        ] {
            run(annals(&scene, &service, arguments).env("ANNALS_API_ATTEMPTS", "2"));
        }
        fs::remove_file(scene.path("old.ndjson.journal")).unwrap();
    }
}
