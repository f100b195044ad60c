//! A watchdog in the manner of healthchecks.io, and what it hears of a run.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use emulator::{Clock, Handle, History, Options, corpus};

use crate::scene::{Scene, run, start, wait};

const NOW: &str = "2026-03-16T06:00:00Z";
const RANGE: [&str; 5] = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T12"];
/// What nobody is to read anywhere.
const KEY: &str = "5e7a-the-key-of-the-watchdog";

fn service(scene: &Scene, faults: &str, rate_per_minute: Option<u32>) -> Handle {
    let traffic = corpus::Options { seed: 5, messages_per_hour: 50, ..corpus::Options::default() };
    scene.service(Options {
        clock: Clock::running_from(NOW.parse().unwrap()),
        rate_per_minute,
        history: History::Generated(traffic),
        faults: faults.parse().unwrap(),
        ..Options::default()
    })
}

/// A watchdog that answers every ping with this status and keeps what it hears: the path and the text.
struct Watchdog {
    address: String,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Watchdog {
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/{KEY}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let mut caller = caller.unwrap();
                let (path, text) = hear(&mut caller);
                // Whoever is answered may look at once at what was heard.
                ears.lock().unwrap().push((path.replace(KEY, "KEY"), text));
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                caller.write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { address, heard }
    }

    fn paths(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    fn last_text(&self) -> String {
        self.heard.lock().unwrap().last().unwrap().1.clone()
    }
}

/// Takes one request in: its path and its text.
fn hear(caller: &mut TcpStream) -> (String, String) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = caller.read(&mut piece).unwrap();
        request.extend(&piece[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned());
        }
    }
}

fn fetch(scene: &Scene, service: &Handle, watchdog: &Watchdog) -> Command {
    let mut command = scene.annals_at(service, &RANGE);
    command.env("ANNALS_CLOCK", NOW).env("ANNALS_API_ATTEMPTS", "2").env("ANNALS_PING_URL", &watchdog.address);
    command
}

#[test]
fn a_watchdog_hears_that_a_run_begins_and_that_it_is_done() {
    let scene = Scene::new();
    let (service, watchdog) = (service(&scene, "", None), Watchdog::start("200 OK"));
    run(&mut fetch(&scene, &service, &watchdog)).leaves(0);
    assert_eq!(watchdog.paths(), ["/KEY/start", "/KEY"]);
    assert!(watchdog.last_text().ends_with("\n\nannals fetch, exit code 0\n"), "{}", watchdog.last_text());
    let file = scene.path("ping_url");
    std::fs::write(&file, format!("{}\n", watchdog.address)).unwrap();
    let by_file =
        run(fetch(&scene, &service, &watchdog).env_remove("ANNALS_PING_URL").env("ANNALS_PING_URL_FILE", file));
    by_file.leaves(0);
    assert_eq!(watchdog.paths(), ["/KEY/start", "/KEY", "/KEY/start", "/KEY"]);
    let flag = ["--ping-url", watchdog.address.as_str()];
    run(scene.annals_at(&service, &RANGE).args(flag).env("ANNALS_CLOCK", NOW)).leaves(0);
    assert_eq!(watchdog.paths().len(), 6);
}

#[test]
fn whatever_is_not_done_is_a_failure_with_its_reason() {
    let scene = Scene::new();
    let service = service(&scene, "2026031410:500,500", None);
    let in_words = |code: i32| format!("annals fetch, exit code {code}\n");
    let cases: [(&str, &str, i32, &str); 4] = [
        ("ANNALS_API_TOKEN", "YWMtwrong", 4, "\n\ncould not fetch 2026-03-14T"),
        ("ANNALS_API_BASE_URL", "", 2, "`api.base_url` is not set"),
        ("ANNALS_API_ZONE", "nowhere", 2, "could not read the settings"),
        ("ANNALS_ARCHIVE", "/dev/null/archive", 2, "could not open the archive /dev/null/archive"),
    ];
    for (variable, value, code, reason) in cases {
        let watchdog = Watchdog::start("200 OK");
        run(fetch(&scene, &service, &watchdog).env(variable, value)).leaves(code);
        assert_eq!(watchdog.paths().last().unwrap(), "/KEY/fail");
        let text = watchdog.last_text();
        assert!(text.contains(reason) && text.ends_with(&in_words(code)), "{text}");
    }
    let watchdog = Watchdog::start("200 OK");
    run(&mut fetch(&scene, &service, &watchdog)).leaves(3);
    assert_eq!(watchdog.paths(), ["/KEY/start", "/KEY/fail"]);
}

#[test]
fn a_ping_that_fails_changes_nothing_and_shows_no_address() {
    let scene = Scene::new();
    let (service, deaf) = (service(&scene, "", None), Watchdog::start("404 Not Found"));
    let mut outputs = Vec::new();
    outputs.push(run(fetch(&scene, &service, &deaf).arg("-vvv")).leaves(0));
    assert!(outputs[0].stderr.contains("warning: the watchdog could not be told: "), "{}", outputs[0].stderr);
    outputs.push(run(fetch(&scene, &service, &deaf).arg("--again").env("ANNALS_PING_URL", format!("{KEY} is no URL"))));
    assert!(outputs[1].stderr.contains("warning: nobody is pinged: the address to ping is no URL"));
    outputs.push(run(scene.annals(&["config"]).env("ANNALS_PING_URL", &deaf.address)).leaves(0));
    outputs.push(run(scene.annals(&["config", "--set"]).arg(format!("ping.url={}", deaf.address))).leaves(2));
    outputs.push(run(fetch(&scene, &service, &deaf).args(["--ping-url", &deaf.address, "--no-such-flag"])).leaves(2));
    for output in outputs {
        assert!(!output.stdout.contains(KEY) && !output.stderr.contains(KEY), "{}{}", output.stdout, output.stderr);
    }
}

#[test]
fn a_run_that_leaves_the_archive_to_another_is_none() {
    let scene = Scene::new();
    let (slow, watchdog) = (service(&scene, "", Some(1)), Watchdog::start("200 OK"));
    let metrics = scene.path("annals.prom");
    std::fs::write(&metrics, "what the other run will write").unwrap();
    let first =
        start(scene.annals_at(&slow, &RANGE).env("ANNALS_CLOCK", NOW).env("ANNALS_API_HISTORY_PER_MINUTE", "1"));
    while std::fs::read(scene.archive().join(".turn")).unwrap_or_default().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut second = fetch(&scene, &slow, &watchdog);
    let left = run(second.env("ANNALS_INGEST_SECOND_RUN", "leave").env("ANNALS_METRICS_FILE", &metrics)).leaves(2);
    assert!(left.stderr.contains("hint: wait until it is done"), "{}", left.stderr);
    assert_eq!(watchdog.paths(), [""; 0], "it is the other run that is watched");
    assert_eq!(std::fs::read_to_string(&metrics).unwrap(), "what the other run will write");
    assert!(Command::new("kill").args(["-TERM", &first.id().to_string()]).status().unwrap().success());
    wait(first).leaves(130);
}

#[test]
fn a_run_that_is_stopped_tells_so_in_time() {
    let scene = Scene::new();
    // A call a minute: the second hour is waited for.
    let (service, watchdog) = (service(&scene, "", Some(1)), Watchdog::start("200 OK"));
    let metrics = scene.path("annals.prom");
    let mut command = fetch(&scene, &service, &watchdog);
    let child = start(command.env("ANNALS_API_HISTORY_PER_MINUTE", "1").env("ANNALS_METRICS_FILE", &metrics));
    while watchdog.paths().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let stopped = Instant::now();
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    wait(child).leaves(130);
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    assert_eq!(watchdog.paths(), ["/KEY/start", "/KEY/fail"]);
    assert!(watchdog.last_text().ends_with("annals fetch, exit code 130\n"), "{}", watchdog.last_text());
    let metrics = std::fs::read_to_string(metrics).unwrap();
    assert!(metrics.contains("annals_run_exit_code{") && metrics.contains("/archive\"} 130\n"), "{metrics}");
}
