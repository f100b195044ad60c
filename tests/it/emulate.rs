//! The local service as a program of its own, with a folder of state, killed again and again.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::scene::{Scene, run};

/// How often it is killed.
const KILLS: u64 = 6;
/// Callers at a time.
const CALLERS: u64 = 3;

/// A service that was started as a program.
struct Served {
    process: Child,
    base_url: String,
    token: String,
}

impl Served {
    fn start(scene: &Scene, now: &str) -> Self {
        let arguments =
            ["emulate", "--json", "--state", "chat", "--messages-per-hour", "0", "--rate", "off", "--now", now];
        let mut process = scene.annals(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| told[key].as_str().unwrap().to_owned();
        Self { base_url: text("base_url"), token: text("token"), process }
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends a message and gives its id; `None` when the service died before it had answered.
    fn send(&self, text: &str) -> Option<String> {
        let body = json!({ "from": "mara", "to": ["teo"], "type": "txt", "body": { "msg": text } }).to_string();
        let (host, path) = self.base_url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut service = TcpStream::connect(host).ok()?;
        let (token, length) = (&self.token, body.len());
        let head = format!(
            "POST /{path}/messages/users HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        service.write_all(format!("{head}{body}").as_bytes()).ok()?;
        let mut answer = String::new();
        service.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        let told: Value = serde_json::from_str(body).ok()?;
        Some(told["data"]["teo"].as_str()?.to_owned())
    }

    /// Sends until it is killed; gives what was said and under which id, if that was answered.
    fn besiege(self, round: u64) -> Vec<(String, Option<String>)> {
        let is_over = AtomicBool::new(false);
        let said = std::thread::scope(|scope| {
            let (service, is_over) = (&self, &is_over);
            let caller = |caller: u64| {
                move || {
                    let numbers = (0..).take_while(|_| !is_over.load(Ordering::Relaxed));
                    let say = |number: u64| {
                        let text = format!("tide {round} {caller} {number}");
                        let id = service.send(&text);
                        (text, id)
                    };
                    numbers.map(say).collect::<Vec<_>>()
                }
            };
            let callers: Vec<_> = (0..CALLERS).map(|number| scope.spawn(caller(number))).collect();
            let pid = self.process.id().to_string();
            // At another moment of a call each time; whether any was answered by then is seen below.
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(150 + 37 * round) {
                std::thread::sleep(Duration::from_millis(1));
            }
            assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            is_over.store(true, Ordering::Relaxed);
            callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
        });
        self.kill();
        said
    }
}

#[test]
fn what_it_answered_it_knows_after_it_was_killed() {
    let scene = Scene::new();
    let mut said = Vec::new();
    for round in 0..KILLS {
        said.extend(Served::start(&scene, &format!("2026-03-14T09:1{round}:00Z")).besiege(round));
    }
    let service = Served::start(&scene, "2026-03-14T12:00:00Z");
    let archived = run(scene
        .annals(&["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T10"])
        .env("ANNALS_API_BASE_URL", &service.base_url)
        .env("ANNALS_API_TOKEN", &service.token)
        .env("ANNALS_CLOCK", "2026-03-14T12:00:00Z"));
    archived.leaves(0);
    service.kill();
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0);

    let rows = run(&mut scene.annals(&["export", "--format", "ndjson", "--to", "-"])).leaves(0).json_lines();
    let text = |row: &Value| row["payload"]["bodies"][0]["msg"].as_str().unwrap().to_owned();
    let id = |row: &Value| row["msg_id"].as_str().unwrap().to_owned();
    let kept: BTreeMap<String, String> = rows.iter().map(|row| (text(row), id(row))).collect();
    assert_eq!(kept.len(), rows.len(), "nothing is there twice");
    let ids: std::collections::BTreeSet<_> = kept.values().collect();
    assert_eq!(ids.len(), rows.len(), "no id was given twice");
    let answered: Vec<_> = said.iter().filter_map(|(text, id)| Some((text, id.as_ref()?))).collect();
    assert!(answered.len() > 50, "{} were answered", answered.len());
    assert!(answered.iter().all(|(text, id)| kept.get(*text) == Some(*id)), "an answered message is not there");
    // What was not answered may be there or not, but nothing is that nobody said.
    assert!(kept.keys().all(|text| said.iter().any(|(said, _)| said == text)));
}
