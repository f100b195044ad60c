//! Attachments, from a service that has some of them, and one that means harm.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::scene::{Scene, files_below, run};
use crate::status::has_the_documented_shape;

const TOKEN: &str = "a-token-that-must-not-be-seen";
const SECRET: &str = "a-share-secret-that-must-not-be-seen";

/// The last digit tells the files apart.
fn uuid(digit: u8) -> String {
    format!("5fd74830-58b7-11e9-822a-81ea50bb049{digit}")
}

/// Answers each path with the same bytes, head and body, and anything else with 404; remembers what it was asked.
pub(crate) struct Service {
    base_url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    fn start(answers: BTreeMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/o/a", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let (caller, answers, log) = (caller.unwrap(), answers.clone(), Arc::clone(&log));
                std::thread::spawn(move || answer(caller, &answers, &log));
            }
        });
        Self { base_url, asked }
    }

    /// The files of the service, by the last digit of their uuids.
    fn with_files(files: &[(u8, Vec<u8>)]) -> Self {
        Self::start(
            files.iter().map(|(digit, answer)| (format!("/o/a/chatfiles/{}", uuid(*digit)), answer.clone())).collect(),
        )
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut caller: TcpStream, answers: &BTreeMap<String, Vec<u8>>, log: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(caller.try_clone().unwrap());
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request).unwrap_or(0) == 0 {
            return;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().unwrap().push(request);
    let gone = fault(404, "file_expired", "file is expired");
    let bytes = answers.get(&path).unwrap_or(&gone);
    // Whoever has had enough does not listen any more.
    drop(caller.write_all(bytes));
    if bytes == ENDLESS {
        let piece = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
        while caller.write_all(piece.as_bytes()).is_ok() {}
    }
}

const ENDLESS: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

fn file(media_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into()
}

fn fault(status: u16, error: &str, description: &str) -> Vec<u8> {
    let body = json!({ "error": error, "error_description": description }).to_string();
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 X\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into()
}

/// An archive with a message for each body.
fn archive_of(bodies: &[Value]) -> Scene {
    let scene = Scene::new();
    load(&scene, bodies);
    scene
}

fn load(scene: &Scene, bodies: &[Value]) {
    let lines: Vec<_> = (0..).zip(bodies).map(|(number, body)| message(number, body).to_string()).collect();
    fs::write(scene.path("2026031409.gz"), lines.join("\n")).unwrap();
    run(&mut scene.annals(&["load", "--no-index", "2026031409.gz"])).leaves(0);
}

/// A service with so many files, and an archive with a message for each.
#[cfg(feature = "failpoints")]
pub(crate) fn files_of_a_service(scene: &Scene, count: u8) -> Service {
    let bodies: Vec<_> = (1..=count).map(picture).collect();
    load(scene, &bodies);
    let files: Vec<_> = (1..=count).map(|digit| (digit, file("image/png", &format!("tide {digit}")))).collect();
    Service::with_files(&files)
}

fn message(number: i64, body: &Value) -> Value {
    json!({
        "msg_id": format!("14120773486946408{number:02}"), "timestamp": 1_773_478_890_010_i64 + number, "chat_type": "chat",
        "from": "mara_voss", "to": "teo-77", "direction": "outgoing",
        "payload": { "from": "mara_voss", "to": "teo-77", "ext": {}, "bodies": [body] },
    })
}

/// A body of a file of the service. Wherever the message says that it is, the service is asked for it.
fn picture(digit: u8) -> Value {
    let url = format!("https://a1.example.com/o/a/chatfiles/{}", uuid(digit));
    json!({ "type": "img", "url": url, "filename": "../../evil\u{1b}[2J.png", "secret": SECRET })
}

pub(crate) fn annals(scene: &Scene, service: &Service, arguments: &[&str]) -> Command {
    let mut command = scene.annals(arguments);
    command
        .env("ANNALS_API_BASE_URL", &service.base_url)
        .env("ANNALS_API_TOKEN", TOKEN)
        .env("ANNALS_API_FIRST_PAUSE", "10ms")
        .env("ANNALS_API_LONGEST_PAUSE", "20ms")
        .env("ANNALS_CLOCK", "2026-03-15T00:00:00Z");
    command
}

fn list(scene: &Scene, service: &Service) -> Vec<Value> {
    run(&mut annals(scene, service, &["media", "list", "--json"])).leaves(0).json_lines()
}

/// State and error of each attachment.
fn states(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["state"].as_str().unwrap()).collect()
}

#[test]
fn attachments_are_kept_once_and_what_cannot_be_had_is_written_down() {
    let video = json!({
        "type": "video", "url": format!("https://a1.example.com/o/a/chatfiles/{}", uuid(4)), "filename": "v.mp4",
        "thumb": format!("https://a1.example.com/o/a/chatfiles/{}?share-secret={SECRET}", uuid(1)),
    });
    let combine = json!({
        "subType": "sub_combine", "combineLevel": 1, "title": "t", "summary": "s", "url": format!("https://a1.example.com/o/a/chatfiles/{}", uuid(5)),
    });
    let scene = archive_of(&[picture(1), picture(1), picture(2), picture(3), video, combine]);
    let service = Service::with_files(&[
        (1, file("image/PNG; x=y", "low at six")),
        (3, fault(403, "forbidden_op", "share-secret does not match")),
        (4, file("text/html", "<html>")),
        (5, file("application/octet-stream", "low at six")),
    ]);
    let fetched = run(&mut annals(&scene, &service, &["media", "fetch", "--json"])).leaves(0);
    let report = fetched.json();
    for (name, expected) in [("listed", 1), ("found", 7), ("fetched", 5), ("gone", 1), ("denied", 1), ("pending", 0)] {
        assert_eq!(report[name], expected, "{name}: {report}");
    }
    let rows = list(&scene, &service);
    assert_eq!(states(&rows), ["stored", "stored", "gone", "denied", "stored", "stored", "stored"]);
    assert_eq!((&rows[2]["http_status"], &rows[2]["error"]), (&json!(404), &json!("file_expired")));
    assert_eq!((&rows[0]["media_type"], &rows[0]["length"]), (&json!("image/png"), &json!(10)));
    assert_eq!(rows[0]["deadline"], "2026-03-21T09:01:30.010Z");
    assert_eq!((&rows[5]["kind"], &rows[5]["sha256"]), (&json!("thumbnail"), &rows[0]["sha256"]));
    assert!(!rows[5]["url"].as_str().unwrap().contains('?'));
    // One file that is asked for with its secret serves both messages that name it.
    let of_first: Vec<_> = service.asked().into_iter().filter(|asked| asked.contains(&uuid(1))).collect();
    assert_eq!(of_first.len(), 2, "the picture once, the thumbnail once");
    assert!(of_first.iter().all(|asked| asked.contains(SECRET) && asked.contains(TOKEN)));
    let media = files_below(&scene.path("archive/media"));
    assert_eq!(media.len(), 2, "{media:?}");
    for path in files_below(&scene.path("archive/attachments")) {
        let bytes = fs::read(scene.path("archive/attachments").join(&path)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{}", path.display());
    }
    // Nothing is new: nobody is asked.
    let before = service.asked().len();
    let again = run(&mut annals(&scene, &service, &["media", "fetch", "--json"])).leaves(0).json();
    assert_eq!((&again["listed"], service.asked().len()), (&json!(0), before));
    run(&mut annals(&scene, &service, &["media", "fetch", "--again"])).leaves(0);
    assert_eq!(service.asked().len(), before + 2);
    let stats = run(&mut annals(&scene, &service, &["media", "stats", "--json"])).leaves(0).json();
    assert_eq!(stats["states"]["stored"], json!({ "count": 5, "bytes": 46 }));
    assert_eq!(stats["types"]["image/png"]["count"], 3);
    run(&mut annals(&scene, &service, &["media", "list", "--state", "pending"])).leaves(1);
    run(&mut annals(&scene, &service, &["media", "list", "--deadline-before", "2026-03-20"])).leaves(1);
}

#[test]
fn what_may_be_had_later_is_pending_and_counts_when_time_is_short() {
    let scene = archive_of(&[picture(1)]);
    let down = Service::with_files(&[(1, fault(503, "", ""))]);
    run(&mut annals(&scene, &down, &["media", "fetch"])).leaves(0);
    let rows = list(&scene, &down);
    assert_eq!((states(&rows), &rows[0]["http_status"]), (vec!["pending"], &json!(503)));
    let late = run(annals(&scene, &down, &["media", "fetch"]).env("ANNALS_CLOCK", "2026-03-20T12:00:00Z")).leaves(3);
    assert!(late.stderr.contains("1 attachments will be gone before the next run"), "{}", late.stderr);
    let up = Service::with_files(&[(1, file("image/png", "low at six"))]);
    run(annals(&scene, &up, &["media", "fetch"]).env("ANNALS_CLOCK", "2026-03-20T12:00:00Z")).leaves(0);
    assert_eq!(states(&list(&scene, &up)), ["stored"]);
}

#[test]
fn files_that_fail_keep_no_others() {
    let scene = archive_of(&(0..10).map(picture).collect::<Vec<_>>());
    let answer = |digit: u8| if digit < 8 { fault(503, "", "") } else { file("image/png", "low at six") };
    let service = Service::with_files(&(0..10).map(|digit| (digit, answer(digit))).collect::<Vec<_>>());
    let fetched = run(&mut annals(&scene, &service, &["media", "fetch"])).leaves(0);
    assert!(fetched.stderr.contains("2 fetched") && fetched.stderr.contains("8 failed"), "{}", fetched.stderr);
    let rows = list(&scene, &service);
    assert_eq!(states(&rows)[8..], ["stored", "stored"], "{rows:?}");
    // With nothing else to ask for it shows that nothing is given.
    let again = run(&mut annals(&scene, &service, &["media", "fetch"])).leaves(3);
    assert!(again.stderr.contains("gave up fetching attachments"), "{}", again.stderr);
}

#[test]
fn a_hostile_service_and_hostile_messages_lead_nowhere() {
    let other = Service::start(BTreeMap::from([("/inside".to_owned(), file("text/plain", "of another port"))]));
    let inside = other.base_url.replace("/o/a", "/inside");
    let elsewhere = |url: &str| json!({ "type": "file", "url": url, "filename": "x" });
    let scene = archive_of(&[
        picture(1),
        picture(2),
        picture(3),
        picture(4),
        picture(5),
        picture(6),
        elsewhere("http://169.254.169.254/latest/meta-data"),
        elsewhere(&inside),
        elsewhere("file:///etc/passwd"),
        elsewhere("../../../etc/passwd"),
    ]);
    let service = Service::with_files(&[
        (1, redirect("http://169.254.169.254/latest/meta-data")),
        (2, redirect("file:///etc/passwd")),
        (3, redirect(&inside)),
        (4, ENDLESS.to_vec()),
        (5, b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n".to_vec()),
        (6, redirect(&inside.replace("127.0.0.1", "localhost"))),
    ]);
    let arguments = ["media", "fetch", "--json", "--set", "media.max_bytes=256KiB"];
    run(&mut annals(&scene, &service, &arguments)).leaves(0);
    let rows = list(&scene, &service);
    let expected =
        ["refused", "pending", "refused", "refused", "refused", "refused", "refused", "refused", "refused", "refused"];
    assert_eq!(states(&rows), expected, "{rows:#?}");
    assert!(rows[0]["error"].as_str().unwrap().contains("it has no public address"), "{}", rows[0]);
    assert!(rows[3]["error"].as_str().unwrap().contains("exceeds the limit of 262144"), "{}", rows[3]);
    assert!(other.asked().is_empty());
    assert!(!scene.path("archive/media").exists());
    // The settings can allow it.
    let host = inside.trim_start_matches("http://").trim_end_matches("/inside");
    let allowed = format!("media.hosts={host}");
    let arguments = [
        "media",
        "fetch",
        "--again",
        "--set",
        "media.allow_private=true",
        "--set",
        &allowed,
        "--set",
        "media.max_bytes=256KiB",
    ];
    run(&mut annals(&scene, &service, &arguments)).leaves(0);
    let rows = list(&scene, &service);
    assert_eq!([&rows[2]["state"], &rows[5]["state"], &rows[7]["state"]], ["stored"; 3]);
    let asked = other.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|asked| !asked.contains(TOKEN) && !asked.contains(SECRET)),
        "{asked:?}"
    );
}

#[test]
fn stored_files_are_proven() {
    let scene = archive_of(&[picture(1), picture(2)]);
    let service = Service::with_files(&[(1, file("image/png", "low at six")), (2, file("image/png", "high at noon"))]);
    run(&mut annals(&scene, &service, &["media", "fetch"])).leaves(0);
    let sound = run(&mut annals(&scene, &service, &["media", "verify", "--json"])).leaves(0).json();
    assert_eq!(sound, json!({ "version": 1, "files": 2, "bytes": 22, "findings": [] }));
    let media = scene.path("archive/media");
    let files = files_below(&media);
    fs::write(media.join(&files[0]), "low at sex").unwrap();
    fs::remove_file(media.join(&files[1])).unwrap();
    // Of a run that was killed before it had written its rows.
    let orphan = Path::new("2c/2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae");
    fs::create_dir_all(media.join("2c")).unwrap();
    fs::write(media.join(orphan), "foo").unwrap();
    fs::write(media.join("readme"), "of somebody").unwrap();
    let found = run(&mut annals(&scene, &service, &["media", "verify", "--json"])).leaves(3).json();
    let mut found: Vec<_> =
        found["findings"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, ["damaged", "foreign", "missing", "orphan"]);

    // As the hints say: what is missing is asked for again, and so is what was damaged, once it was removed.
    for foreign in [Path::new("readme"), orphan, files[0].as_ref()] {
        fs::remove_file(media.join(foreign)).unwrap();
    }
    run(&mut annals(&scene, &service, &["media", "fetch"])).leaves(0);
    let sound = run(&mut annals(&scene, &service, &["media", "verify", "--json"])).leaves(0).json();
    assert_eq!(sound["findings"], json!([]));
}

#[test]
fn the_archive_is_shown_and_proven_with_its_attachments() {
    let scene = archive_of(&[picture(1), picture(2), picture(3)]);
    let files = [(1, file("image/png", "low at six")), (2, file("image/png", "high")), (3, fault(503, "", ""))];
    let service = Service::with_files(&files);
    let told = |arguments: &[&str], code| run(&mut annals(&scene, &service, arguments)).leaves(code);
    let before = told(&["status", "--json"], 0).json();
    assert_eq!(before["attachments"], Value::Null);
    assert_eq!(told(&["verify", "--json"], 0).json()["attachments"], Value::Null);
    told(&["media", "stats"], 1);
    told(&["media", "fetch"], 0);
    let status = told(&["status", "--json"], 0).json();
    let expected = json!({
        "pending": 1, "stored": 2, "gone": 0, "denied": 0, "refused": 0, "bytes": 14, "in_danger": 0,
        "next_deadline": "2026-03-21T09:01:30Z", "unlisted": 0,
    });
    assert_eq!(status["attachments"], expected);
    has_the_documented_shape(&status);
    let shown = told(&["status"], 0).stdout;
    assert!(shown.contains("3 attachments: 1 pending, 2 stored (14 B)\n"), "{shown}");
    let late = run(annals(&scene, &service, &["status"]).env("ANNALS_CLOCK", "2026-03-21T08:00:00Z")).stdout;
    assert!(late.contains("; 1 of them in danger, the next one lost in 1 h 1 min: run `annals media fetch`"), "{late}");
    let page = told(&["status", "--html", "-"], 0).stdout;
    assert!(page.contains("3 attachments: 1 pending"), "{page}");
    // Of an hour that came later nobody has looked.
    fs::write(scene.path("2026031410.ndjson"), message(7, &picture(4)).to_string()).unwrap();
    told(&["load", "--no-index", "2026031410.ndjson"], 0);
    assert_eq!(told(&["status", "--json"], 0).json()["attachments"]["unlisted"], 1);
    let proof = told(&["verify", "--json", "--files"], 0).json();
    assert_eq!(proof["attachments"], json!({ "rows": 3, "stored": 2, "bytes": 14, "unlisted": 1 }));
    let formats = proof["formats"].as_array().unwrap();
    assert!(formats.iter().any(|count| count["table"] == "attachments" && count["rows"] == 3), "{proof}");
    let portable = told(&["verify", "--portable", "--json"], 0).json();
    assert_eq!(portable["portable"]["obstacles"], json!([]), "{portable}");
    let columns = told(&["schema", "--json"], 0).json();
    let is_of_it = |column: &&Value| column["table"] == "attachments" && column["name"] == "deadline";
    assert!(columns["columns"].as_array().unwrap().iter().find(is_of_it).unwrap()["meaning"].is_string());
    // What is gone from the disk is named, and so is what is cut.
    let media = scene.path("archive/media");
    let files = files_below(&media);
    fs::remove_file(media.join(&files[0])).unwrap();
    fs::write(media.join(&files[1]), "l").unwrap();
    let findings = told(&["verify", "--json"], 3).json()["findings"].clone();
    let findings: Vec<_> = findings.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings.iter().any(|one| one.contains("no file has its SHA-256")), "{findings:?}");
    assert!(findings.iter().any(|one| one.starts_with("2026-03-14T09Z: the file of the message of part 0, line")));
    assert!(findings.iter().any(|one| one.contains("has 1")), "{findings:?}");
}

#[test]
fn thumbnails_that_are_left_out_wait_for_nobody_until_they_are_wanted() {
    let of = |digit: u8| format!("https://a1.example.com/o/a/chatfiles/{}", uuid(digit));
    let video = json!({ "type": "video", "url": of(1), "thumb": of(2), "filename": "v.mp4" });
    let scene = archive_of(&[video]);
    let service = Service::with_files(&[(1, file("video/mp4", "low")), (2, file("image/png", "small"))]);
    let fetch = |more: &[&str]| {
        let arguments = [&["media", "fetch", "--json"], more].concat();
        run(&mut annals(&scene, &service, &arguments)).leaves(0).json()
    };
    let without = ["--set", "media.thumbnails=false"];
    let report = fetch(&without);
    assert_eq!((&report["fetched"], &report["pending"]), (&json!(1), &json!(0)));
    let rows = list(&scene, &service);
    assert_eq!(states(&rows), ["stored", "refused"]);
    assert!(rows[1]["error"].as_str().unwrap().contains("media.thumbnails"), "{rows:?}");
    assert_eq!(fetch(&[&without[..], &["--again"]].concat())["fetched"], 0);
    assert_eq!(fetch(&[])["fetched"], 1);
    assert_eq!(states(&list(&scene, &service)), ["stored", "stored"]);
}

#[test]
fn a_fetch_keeps_the_attachments_too() {
    let scene = Scene::new();
    let traffic = emulator::corpus::Options { messages_per_hour: 100, ..emulator::corpus::Options::default() };
    let service = scene.service_at("2026-03-14T12:30:00Z", "", traffic);
    let arguments = ["fetch", "--media", "--since", "2026-03-14T08", "--until", "2026-03-14T10", "--json"];
    let fetched = run(scene.annals_at(&service, &arguments).env("ANNALS_CLOCK", "2026-03-14T12:30:00Z")).leaves(0);
    assert!(fetched.json().is_object() && fetched.stderr.contains(" gone, "), "{fetched:?}");
    // Of made-up traffic the service has no file: a fact, and no failure.
    let rows = run(&mut scene.annals(&["media", "list", "--state", "gone", "--json"])).leaves(0).json_lines();
    assert!(rows.iter().all(|row| row["http_status"] == 404), "{rows:?}");
}
