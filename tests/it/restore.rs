//! The way back: an archive played into another app.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier, Mutex};

use chat::{App, Message};
use emulator::{Clock, Handle, History, Options};
use serde_json::{Value, json};

use crate::scene::{Run, Scene, run, start, wait};
use crate::{secrets, table};

/// When all is archived and restored: the files of messages are still there.
const NOW: &str = "2026-03-16T12:00:00Z";
/// When the first message was sent: 2026-03-14T09:00Z.
const FIRST: i64 = 1_773_478_800_000;

/// A service of this app that knows only what is said through it.
pub(crate) fn service(scene: &Scene, app: &str) -> Handle {
    let folder = scene.path("nothing");
    fs::create_dir_all(&folder).unwrap();
    scene.service(Options {
        app: App::new("harbor-org", app),
        clock: Clock::running_from(NOW.parse().unwrap()),
        rate_per_minute: None,
        history: History::Folder(folder),
        ..Options::default()
    })
}

/// The program at a service, with files from this machine.
pub(crate) fn annals(scene: &Scene, base_url: &str, service: &Handle, arguments: &[&str]) -> Command {
    let mut command = scene.annals_at(service, arguments);
    command.env("ANNALS_API_BASE_URL", base_url).env("ANNALS_MEDIA_ALLOW_PRIVATE", "true").env("ANNALS_CLOCK", NOW);
    command.env("ANNALS_API_CALLS_PER_SECOND", "10000");
    command
}

/// Fetches the days, and the files, into an archive.
pub(crate) fn archive_all(scene: &Scene, service: &Handle, archive: &Path) {
    let archive = archive.to_str().unwrap();
    let span = ["--since", "2026-03-14", "--until", "2026-03-15"];
    let fetch = [&["fetch", "--no-index", "--archive", archive][..], &span].concat();
    run(&mut annals(scene, &service.base_url(), service, &fetch)).leaves(0);
    run(&mut annals(scene, &service.base_url(), service, &["media", "fetch", "--archive", archive])).leaves(0);
}

/// Uploads a file, and gives what a message says of it.
fn uploaded(scene: &Scene, service: &Handle, name: &str, is_restricted: bool) -> (String, Option<String>) {
    fs::write(scene.path(name), format!("the bytes of {name}, \u{0} and more").repeat(400)).unwrap();
    let mut arguments = vec!["upload", name, "--json"];
    arguments.extend(is_restricted.then_some("--restrict-access"));
    let file = run(&mut annals(scene, &service.base_url(), service, &arguments)).leaves(0).json();
    let secret = file["share_secret"].as_str().map(str::to_owned);
    secret.iter().for_each(|secret| secrets::hide(secret));
    (file["url"].as_str().unwrap().to_owned(), secret)
}

/// Every type of message, awkward ones, between users and in groups: what is imported into the first app.
fn said(scene: &Scene, service: &Handle) -> (Vec<Value>, Vec<Value>) {
    let (picture, secret) = uploaded(scene, service, "tide table.png", true);
    let (voice, _) = uploaded(scene, service, "voice.amr", false);
    let (film, _) = uploaded(scene, service, "film.mp4", false);
    let (still, still_secret) = uploaded(scene, service, "still.png", true);
    let (letter, _) = uploaded(scene, service, "Brief – Überfahrt.pdf", false);
    let bodies = [
        ("txt", json!({"msg": "潮が満ちる \"quoted\" \\ \u{1F9A9} \n\t\u{200f}عدّ"})),
        ("txt", json!({"msg": ""})),
        (
            "img",
            json!({"url": picture, "secret": secret, "filename": "../../tide.png", "size": {"width": 640, "height": 480.5}}),
        ),
        ("audio", json!({"url": voice, "filename": "v.amr", "length": 7, "file_length": 4000})),
        (
            "video",
            json!({"url": film, "filename": "f.mp4", "length": 0, "file_length": 9, "thumb": still, "thumb_secret": still_secret}),
        ),
        ("file", json!({"url": letter, "filename": "Brief.pdf"})),
        ("loc", json!({"lat": "31.20", "lng": "-0.5", "addr": "灯台"})),
        ("cmd", json!({"action": "refresh", "params": [1, {"a": 2.50}]})),
        ("custom", json!({"customEvent": "gift/1", "customExts": {"name": "ros\u{e9}", "n": "1"}})),
        // The same picture once more, and without a secret.
        ("img", json!({"url": picture, "secret": secret, "filename": "again.png"})),
        ("file", json!({"url": picture + "?share-secret=" + secret.as_deref().unwrap(), "filename": "open.png"})),
    ];
    let record = |number: usize, target: &str, (kind, body): &(&str, Value)| {
        let (from, target) = if number.is_multiple_of(2) { ("mara_voss", target) } else { ("teo-77", target) };
        let target = if target == from { "mara_voss" } else { target };
        // The later ones of the list were sent earlier; two at the same moment.
        let time = FIRST + 60_000 * (300 - i64::try_from(number / 2).unwrap() * 11);
        json!({"from": from, "target": target, "type": kind, "body": body, "msg_timestamp": time,
            "ext": {"number": number, "big": 12_345_678_901_234_567_u64, "deep": {"a": [null, 1.5, "x"]}}})
    };
    let users = (0..).zip(&bodies).map(|(number, body)| record(number, "teo-77", body)).collect();
    let groups = (20..).zip(&bodies).map(|(number, body)| record(number, "231904417783810", body)).collect();
    (users, groups)
}

/// An archive of an app in which all of this was said.
pub(crate) fn source(scene: &Scene) {
    let service = service(scene, "lantern");
    say_all(scene, &service);
    archive_all(scene, &service, &scene.archive());
}

/// Says all of this in an app.
pub(crate) fn say_all(scene: &Scene, service: &Handle) {
    let (users, groups) = said(scene, service);
    say(scene, service, "--to-users", &users);
    say(scene, service, "--to-groups", &groups);
}

/// Brings lines into an app.
fn say(scene: &Scene, service: &Handle, into: &str, lines: &[Value]) {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(scene.path("said.ndjson"), text.join("\n")).unwrap();
    let journal = scene.path("said.journal");
    drop(fs::remove_file(&journal));
    let arguments = ["import", "said.ndjson", into, "--yes", "--journal", journal.to_str().unwrap()];
    run(&mut annals(scene, &service.base_url(), service, &arguments)).leaves(0);
}

/// `annals import --from-archive` into an app.
pub(crate) fn restore(scene: &Scene, base_url: &str, service: &Handle, more: &[&str]) -> Command {
    let arguments = ["import", "--from-archive", "--to-app", "harbor-org#beacon", "--yes", "--json"];
    annals(scene, base_url, service, &[&arguments[..], more].concat())
}

/// What a message says, wherever its files are and whatever its id is, with the bytes of its files.
pub(crate) fn sayings(scene: &Scene, archive: &Path) -> Vec<String> {
    let listed = ["media", "list", "--json", "--archive", archive.to_str().unwrap()];
    let files = run(&mut scene.annals(&listed)).leaves(0).json_lines();
    let mut of: BTreeMap<(String, String), &Value> = BTreeMap::new();
    for file in &files {
        let text = |key: &str| file[key].as_str().unwrap().to_owned();
        of.insert((text("msg_id"), text("kind")), &file["sha256"]);
    }
    let saying = |row: Message<'static>| {
        let id = row.msg_id.clone().unwrap().into_owned();
        let file =
            |kind: &str| of.get(&(id.clone(), kind.to_owned())).map(|sha256| sha256.as_str().unwrap().to_owned());
        let files = (file("file"), file("thumbnail"));
        let restricted = (row.secret.is_some(), row.thumb_secret.is_some());
        let shown = Message {
            msg_id: None,
            url: None,
            secret: None,
            thumb_url: None,
            thumb_secret: None,
            position: chat::Position { part: 0, line: 0, ..row.position },
            ..row
        };
        format!("{files:?} {restricted:?} {shown:?}")
    };
    let mut sayings: Vec<String> = table::messages(archive).into_iter().map(saying).collect();
    sayings.sort();
    sayings
}

/// The share secrets that the other app gave.
fn new_secrets(scene: &Scene) -> Vec<String> {
    let journal = fs::read_to_string(scene.archive().join("restores/harbor-org.beacon.ndjson")).unwrap();
    let lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|line| line["uploaded"]["secret"].as_str().map(str::to_owned)).collect()
}

#[test]
fn what_was_archived_is_the_same_in_another_app() {
    let scene = Scene::new();
    source(&scene);
    let target = service(&scene, "beacon");
    let base_url = target.base_url();

    let dry = run(&mut restore(&scene, &base_url, &target, &["--all", "--dry-run"])).leaves(0).json();
    assert_eq!((&dry["dry_run"], &dry["chosen"], &dry["imported"]), (&json!(true), &json!(22), &json!(0)), "{dry}");
    let each = json!({"txt": 2, "img": 2, "audio": 1, "video": 1, "file": 2, "loc": 1, "cmd": 1, "custom": 1});
    assert_eq!(dry["to_import"], json!({"chat": each, "groupchat": each}));
    assert_eq!(dry["to_upload"]["files"], 6, "the same bytes once with a secret and once without");
    assert_eq!(target.calls().methods, 0);
    assert!(!scene.archive().join("restores").exists());

    let restored = run(&mut restore(&scene, &base_url, &target, &["--all", "-vvv"])).leaves(0);
    assert_eq!(new_secrets(&scene).iter().map(|secret| secrets::hide(secret)).count(), 2);
    secrets::assert_silent(&restored, false);
    let report = restored.json();
    assert_eq!((&report["imported"], &report["left_out"]), (&json!(22), &json!({})), "{report}");
    assert_eq!(report["uploaded"]["files"], 6);
    assert_eq!(target.calls().methods, 22 + 6);
    let again = run(&mut restore(&scene, &base_url, &target, &["--all"])).leaves(0).json();
    assert_eq!((&again["imported"], &again["earlier"]), (&json!(0), &json!(22)), "{again}");
    assert_eq!(target.calls().methods, 22 + 6, "nothing is sent twice");

    let copy = scene.path("copy");
    archive_all(&scene, &target, &copy);
    let (before, after) = (sayings(&scene, &scene.archive()), sayings(&scene, &copy));
    assert_eq!(before.len(), 22);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    assert_eq!(before.len(), after.len());
    let stored: Vec<_> = table::messages(&copy).iter().filter_map(|row| row.url.clone()).collect();
    assert!(stored.iter().all(|url| url.starts_with(&base_url)), "{stored:?}");
    // The service gives its ids in the order in which it is told.
    let mut conversations: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for row in table::messages(&copy) {
        let told = (row.sent_at.unwrap().timestamp_millis(), row.msg_id.unwrap().into_owned());
        conversations.entry(row.conversation.unwrap().into_owned()).or_default().push(told);
    }
    assert_eq!(conversations.len(), 2);
    for told in conversations.values_mut() {
        told.sort_by_key(|(_, id)| id.parse::<u64>().unwrap());
        assert!(told.is_sorted_by_key(|(time, _)| *time), "oldest first: {told:?}");
    }
}

/// A line of an hour file.
fn line(number: u64, change: impl FnOnce(&mut Value)) -> String {
    let mut record = json!({
        "msg_id": format!("14120773486946408{number:02}"), "timestamp": FIRST + i64::try_from(number).unwrap(),
        "chat_type": "chat", "from": "mara_voss", "to": "teo-77", "direction": "outgoing",
        "payload": {"from": "mara_voss", "to": "teo-77", "ext": {}, "bodies": [{"type": "txt", "msg": format!("tide {number}")}]},
    });
    change(&mut record);
    record.to_string()
}

/// An archive of these lines.
pub(crate) fn load(scene: &Scene, key: &str, lines: &[String]) {
    let path = scene.path(&format!("{key}.ndjson"));
    fs::write(&path, lines.join("\n")).unwrap();
    run(&mut scene.annals(&["load", "--no-index", "--again", path.to_str().unwrap()])).leaves(0);
}

/// Plain messages.
pub(crate) fn plain(count: u64) -> Vec<String> {
    (0..count).map(|number| line(number, |_| ())).collect()
}

#[test]
fn what_cannot_be_played_back_is_told_with_its_reason() {
    let scene = Scene::new();
    let body = |body: Value| move |record: &mut Value| record["payload"]["bodies"] = json!([body]);
    let url = "https://a1.example.com/o/a/chatfiles/5fd74830-58b7-11e9-822a-81ea50bb0490";
    let lines = [
        line(0, |_| ()),
        line(1, |record| record["chat_type"] = "chatroom".into()),
        line(2, |record| {
            record["chat_type"] = "recall".into();
            record["payload"] = json!({"ext": {}, "ack_message_id": "1412077348694640803", "bodies": []});
        }),
        line(3, |_| ()),
        line(4, body(json!({"type": "sticker", "msg": "x"}))),
        line(5, |record| {
            record["payload"]["bodies"] = json!([{"type": "txt", "msg": "a"}, {"type": "txt", "msg": "b"}]);
        }),
        line(6, body(json!({"type": "txt", "msg": "x".repeat(6_000)}))),
        line(7, body(json!({"type": "img", "url": url, "filename": "x.png"}))),
        line(8, |record| {
            record["chat_type"] = "groupchat".into();
            (record["payload"]["to"], record["to"]) = ("no group".into(), "no group".into());
        }),
        line(9, body(json!({"type": "file", "url": url}))),
        line(10, |record| {
            record["chat_type"] = "groupchat".into();
            record["payload"]["meta"] = json!({"thread": {"muc_parent_id": "7", "msg_parent_id": "8"}});
        }),
        line(11, |record| drop(record.as_object_mut().unwrap().remove("timestamp"))),
        line(12, |record| drop(record["payload"].as_object_mut().unwrap().remove("ext"))),
    ];
    load(&scene, "2026031409", &lines);
    // The message that an earlier hour has is one message.
    load(&scene, "2026031410", &[line(0, |_| ())]);
    let target = service(&scene, "beacon");
    let report =
        run(&mut restore(&scene, &target.base_url(), &target, &["--all", "--left-out", "left.ndjson"])).leaves(0);
    let expected = [
        (1, "chat_room"),
        (2, "event"),
        (3, "recalled"),
        (4, "unknown_type"),
        (5, "several_bodies"),
        (6, "too_large"),
        (7, "attachment_not_kept"),
        (8, "unfit_name"),
        (9, "attachment_not_kept"),
        (10, "thread"),
        (11, "no_time"),
    ];
    let told = fs::read_to_string(scene.path("left.ndjson")).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let reasons: BTreeSet<(u64, &str)> = told
        .iter()
        .map(|row| {
            assert_eq!((row["source_hour"].as_str(), row["part"].as_u64()), (Some("2026031409"), Some(0)), "{row}");
            (row["line"].as_u64().unwrap() - 1, row["reason"].as_str().unwrap())
        })
        .collect();
    assert_eq!(reasons, expected.into_iter().collect());
    let (note, report) = (report.stderr.clone(), report.json());
    assert_eq!((&report["chosen"], &report["imported"], &report["in_doubt"]), (&json!(13), &json!(2), &json!(0)));
    assert_eq!(report["left_out"].as_object().unwrap().len(), 10, "{report}");
    assert_eq!(report["left_out"]["attachment_not_kept"], 2);
    assert!(
        note.contains("imported 2, earlier 0, declined 0, in doubt 0, left out 11 (chat_room 1, thread 1, event 1"),
        "{note}"
    );
    let more = ["--all", "--without-attachments", "--ext-key", "was"];
    let report = run(&mut restore(&scene, &target.base_url(), &target, &more)).leaves(0).json();
    // The body of the ninth lacks a name, with its file or without.
    assert_eq!((&report["imported"], &report["left_out"]["unfit_body"]), (&json!(1), &json!(1)), "{report}");
    let copy = scene.path("copy");
    let arguments =
        ["fetch", "--no-index", "--archive", "copy", "--since", "2026-03-14T09", "--until", "2026-03-14T10"];
    run(&mut annals(&scene, &target.base_url(), &target, &arguments)).leaves(0);
    let rows = table::messages(&copy);
    let pictures: Vec<_> =
        rows.iter().filter_map(|row| row.url.as_deref().map(|url| (url, row.ext.as_deref()))).collect();
    assert_eq!(pictures, [(url, Some(r#"{"was":"1412077348694640807"}"#))]);
}

#[test]
fn a_query_a_range_and_names_choose_and_rename() {
    let scene = Scene::new();
    load(&scene, "2026031409", &plain(20));
    let target = service(&scene, "beacon");
    let base_url = target.base_url();
    fs::write(scene.path("users.csv"), "from,to\nmara_voss,mara.voss\n").unwrap();
    let chosen =
        ["--query", "\"tide 7\" OR \"tide 9\"", "--until", "2026-03-14T09:00:00.009Z", "--map-users", "users.csv"];
    let report = run(&mut restore(&scene, &base_url, &target, &chosen)).leaves(0).json();
    assert_eq!((&report["chosen"], &report["imported"]), (&json!(1), &json!(1)), "{report}");
    let arguments =
        ["fetch", "--no-index", "--archive", "copy", "--since", "2026-03-14T09", "--until", "2026-03-14T10"];
    run(&mut annals(&scene, &base_url, &target, &arguments)).leaves(0);
    let rows = table::messages(&scene.path("copy"));
    let said: Vec<_> =
        rows.iter().map(|row| (row.sender.as_deref(), row.recipient.as_deref(), row.text.as_deref())).collect();
    assert_eq!(said, [(Some("mara.voss"), Some("teo-77"), Some("tide 7"))]);

    for (names, expected) in [
        ("from,to\nmara_voss,x\nteo-77,x\n", "line 3: two are renamed to `x`"),
        ("from,to\nmara_voss,a b\n", "line 2: `a b` is no user name"),
        ("mara_voss,x\n", "its first line is not `from,to`"),
        ("from,to\nmara_voss,teo-77\n", "`teo-77` is in the archive, and another is renamed to it"),
    ] {
        fs::write(scene.path("users.csv"), names).unwrap();
        let refused = run(&mut restore(&scene, &base_url, &target, &["--all", "--map-users", "users.csv"])).leaves(2);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
    assert_eq!(target.calls().methods, 1);
}

#[test]
fn the_app_is_the_one_that_was_meant_and_not_the_archives_own() {
    let scene = Scene::new();
    let own = service(&scene, "lantern");
    let record =
        r#"{"from":"mara_voss","target":"teo-77","type":"txt","body":{"msg":"x"},"msg_timestamp":1773478800000}"#;
    fs::write(scene.path("said.ndjson"), record).unwrap();
    run(&mut annals(&scene, &own.base_url(), &own, &["import", "said.ndjson", "--to-users", "--yes"])).leaves(0);
    archive_all(&scene, &own, &scene.archive());
    let target = service(&scene, "beacon");
    let at = |service: &Handle, arguments: &[&str]| {
        let arguments = [&["import", "--from-archive"][..], arguments].concat();
        run(&mut annals(&scene, &service.base_url(), service, &arguments))
    };
    for (service, arguments, expected) in [
        (&own, &["--to-app", "harbor-org#lantern", "--all", "--yes"][..], "the archive is of harbor-org#lantern"),
        (&own, &["--to-app", "harbor-org#beacon", "--all", "--yes"], "the settings are those of harbor-org#lantern"),
        (&target, &["--to-app", "harbor-org#beacon", "--yes"], "it is not said which messages are meant"),
        (&target, &["--to-app", "harbor-org#beacon", "--all"], "nobody can be asked"),
        (&target, &["--to-app", "harbor-org#beacon", "--query", "form:x", "--yes"], "could not read the query"),
        (&target, &["--all", "--yes"], "--to-app"),
        (&target, &["--to-app", "harbor-org#beacon", "--all", "said.ndjson"], "cannot be used with"),
        (&target, &["--to-app", "harbor-org#beacon", "--all", "--name", "../x"], "a name has 1 to 64"),
        (&target, &["--to-app", "harbor-org#beacon", "--all", "--to-settings", "none.toml"], "could not read"),
    ] {
        let refused = at(service, arguments).leaves(2);
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }
    assert_eq!((own.calls().methods, target.calls().methods), (1, 0));
    at(&own, &["--to-app", "harbor-org#lantern", "--same-app", "--all", "--yes"]).leaves(0);
    assert_eq!(own.calls().methods, 2);

    // The settings of the other app are a file; what the environment says is of the archive's own.
    fs::write(scene.path("token"), target.token()).unwrap();
    let token = scene.path("token");
    let settings = format!("[api]\nbase_url = '{}'\ntoken_file = '{}'\n", target.base_url(), token.display());
    fs::write(scene.path("beacon.toml"), settings).unwrap();
    let arguments = ["--to-app", "harbor-org#beacon", "--to-settings", "beacon.toml", "--all", "--yes"];
    let done = at(&own, &arguments).leaves(0);
    assert!(done.stderr.contains("imported 1, earlier 0"), "{}", done.stderr);
    assert_eq!((own.calls().methods, target.calls().methods), (2, 1));
    let busy_name = ["--to-app", "harbor-org#lantern", "--same-app", "--all", "--yes", "--name", "harbor-org.beacon"];
    let refused = at(&own, &busy_name).leaves(2);
    assert!(
        refused.stderr.contains("is one into harbor-org#beacon, not into harbor-org#lantern"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_late_message_comes_at_its_time_and_a_group_has_its_new_id() {
    let scene = Scene::new();
    load(&scene, "2026031409", &plain(4));
    let late = |record: &mut Value| {
        record["timestamp"] = (FIRST + 1).into();
        record["chat_type"] = "groupchat".into();
        (record["to"], record["payload"]["to"]) = ("231904417783810".into(), "231904417783810".into());
    };
    load(&scene, "2026031410", &[line(50, late), line(51, |record| record["timestamp"] = (FIRST + 1).into())]);
    let target = service(&scene, "beacon");
    let between = Between::start(&target, |_| Fate::Passes);
    fs::write(scene.path("groups.csv"), "from,to\n231904417783810,77\n").unwrap();
    run(&mut restore(&scene, &between.base_url, &target, &["--all", "--map-groups", "groups.csv"])).leaves(0);
    let (groups, users): (Vec<Value>, Vec<Value>) =
        between.imports().into_iter().partition(|import| import["target"] == "77");
    assert_eq!((numbers(&users), numbers(&groups)), (vec![0, 1, 51, 2, 3], vec![50]));
}

/// What becomes of an import on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Passes,
    /// The service does it, and nobody hears of it.
    IsLost,
    IsRefused,
}

/// Stands between the program and a service.
pub(crate) struct Between {
    pub(crate) base_url: String,
    /// The texts of imports, in the order in which they came.
    imports: Arc<Mutex<Vec<Value>>>,
}

impl Between {
    pub(crate) fn start(service: &Handle, fate: fn(&Value) -> Fate) -> Self {
        Self::with_uploads(service, fate, 1)
    }

    /// Hands uploads on when so many are there.
    fn with_uploads(service: &Handle, fate: fn(&Value) -> Fate, uploads: usize) -> Self {
        let uploads = Arc::new(Barrier::new(uploads));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = service.address();
        let base_url = service.base_url().replace(&address.to_string(), &listener.local_addr().unwrap().to_string());
        let imports = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&imports);
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let (caller, log, uploads) = (caller.unwrap(), Arc::clone(&log), Arc::clone(&uploads));
                std::thread::spawn(move || hand_on(caller, address, (fate, &uploads), &log));
            }
        });
        Self { base_url, imports }
    }

    pub(crate) fn imports(&self) -> Vec<Value> {
        self.imports.lock().unwrap().clone()
    }
}

/// A head and what follows it, by its length.
fn whole(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return None;
        }
    }
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn hand_on(
    mut caller: TcpStream,
    address: std::net::SocketAddr,
    (fate, uploads): (fn(&Value) -> Fate, &Barrier),
    log: &Mutex<Vec<Value>>,
) {
    let Some((head, body)) = whole(&caller) else { return };
    let mut fated = Fate::Passes;
    if head.starts_with("POST ") && head.split(' ').nth(1).is_some_and(|path| path.ends_with("/chatfiles")) {
        uploads.wait();
    }
    if head.split(' ').nth(1).is_some_and(|path| path.ends_with("/import")) {
        let import: Value = serde_json::from_slice(&body).unwrap();
        fated = fate(&import);
        log.lock().unwrap().push(import);
    }
    if fated == Fate::IsRefused {
        let text = r#"{"error":"illegal_argument","error_description":"not this one"}"#;
        let length = text.len();
        drop(write!(caller, "HTTP/1.1 400 X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"));
        return;
    }
    let mut service = TcpStream::connect(address).unwrap();
    service.write_all(head.as_bytes()).and_then(|()| service.write_all(&body)).unwrap();
    let Some((head, body)) = whole(&service) else { return };
    if fated == Fate::IsLost {
        return;
    }
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    // Whoever was killed does not listen any more.
    drop(caller.write_all(head.as_bytes()).and_then(|()| caller.write_all(&body)));
}

#[test]
fn conversations_upload_their_files_beside_each_other() {
    let scene = Scene::new();
    let source = service(&scene, "lantern");
    for (name, into, target) in [("a.pdf", "--to-users", "teo-77"), ("b.pdf", "--to-groups", "231904417783810")] {
        let (url, _) = uploaded(&scene, &source, name, false);
        let record = json!({"from": "mara_voss", "target": target, "type": "file", "msg_timestamp": FIRST,
            "body": {"url": url, "filename": name}});
        say(&scene, &source, into, &[record]);
    }
    archive_all(&scene, &source, &scene.archive());
    let target = service(&scene, "beacon");
    let between = Between::with_uploads(&target, |_| Fate::Passes, 2);
    let report = run(&mut restore(&scene, &between.base_url, &target, &["--all"])).leaves(0).json();
    assert_eq!((&report["imported"], &report["uploaded"]["files"]), (&json!(2), &json!(2)), "{report}");
}

fn says(import: &Value, text: &str) -> bool {
    import["body"]["msg"] == text
}

#[test]
fn a_lost_answer_is_in_doubt_and_not_asked_for_again() {
    let scene = Scene::new();
    load(&scene, "2026031409", &plain(6));
    let target = service(&scene, "beacon");
    let between = Between::start(&target, |import| if says(import, "tide 2") { Fate::IsLost } else { Fate::Passes });
    let first = run(&mut restore(&scene, &between.base_url, &target, &["--all"])).leaves(3);
    let report = first.json();
    assert_eq!((&report["imported"], &report["in_doubt"]), (&json!(2), &json!(1)), "{report}");
    assert!(first.stderr.contains("whether the service did it is not known"), "{}", first.stderr);
    let second =
        run(&mut restore(&scene, &between.base_url, &target, &["--all", "--left-out", "left.ndjson"])).leaves(3);
    let report = second.json();
    let counts = ["imported", "earlier", "in_doubt"].map(|key| report[key].as_u64().unwrap());
    assert_eq!(counts, [3, 2, 1], "{report}");
    let left = fs::read_to_string(scene.path("left.ndjson")).unwrap();
    let left: Value = serde_json::from_str(&left).unwrap();
    assert_eq!((&left["msg_id"], &left["reason"]), (&json!("1412077348694640802"), &json!("in_doubt")));
    assert_eq!(between.imports().len(), 6, "each was sent once");
    // Whoever knows that it did not arrive has it sent again.
    let clear = Between::start(&target, |_| Fate::Passes);
    let third = run(&mut restore(&scene, &clear.base_url, &target, &["--all", "--repeat-doubtful"])).leaves(0).json();
    assert_eq!((&third["imported"], &third["earlier"]), (&json!(1), &json!(5)), "{third}");
    assert!(clear.imports().iter().all(|import| says(import, "tide 2")));
}

#[test]
fn what_the_service_declines_is_told_and_tried_again() {
    let scene = Scene::new();
    load(&scene, "2026031409", &plain(6));
    let target = service(&scene, "beacon");
    let between = Between::start(&target, |import| if says(import, "tide 2") { Fate::IsRefused } else { Fate::Passes });
    let refused =
        run(&mut restore(&scene, &between.base_url, &target, &["--all", "--left-out", "left.ndjson"])).leaves(4);
    let report = refused.json();
    assert_eq!((&report["imported"], &report["declined"], &report["in_doubt"]), (&json!(5), &json!(1), &json!(0)));
    let left = fs::read_to_string(scene.path("left.ndjson")).unwrap();
    assert!(left.contains(r#""reason":"declined""#) && left.contains("not this one"), "{left}");
    let clear = Between::start(&target, |_| Fate::Passes);
    let again = run(&mut restore(&scene, &clear.base_url, &target, &["--all"])).leaves(0).json();
    assert_eq!((&again["imported"], &again["earlier"]), (&json!(1), &json!(5)), "{again}");
    assert_eq!(clear.imports().len(), 1);
}

/// The numbers of the messages that came.
fn numbers(imports: &[Value]) -> Vec<u64> {
    imports
        .iter()
        .map(|import| import["body"]["msg"].as_str().unwrap().trim_start_matches("tide ").parse().unwrap())
        .collect()
}

#[test]
fn killed_at_any_moment_nothing_is_sent_twice() {
    const ALL: u64 = 60;
    let scene = Scene::new();
    load(&scene, "2026031409", &plain(ALL));
    let target = service(&scene, "beacon");
    let between = Between::start(&target, |_| Fate::Passes);
    let journal = || fs::read_to_string(scene.archive().join("restores/harbor-org.beacon.ndjson")).unwrap_or_default();
    for moment in [1, 2, 7, 20, 41] {
        let mut child = start(&mut restore(&scene, &between.base_url, &target, &["--all"]));
        while journal().matches("\"imported\"").count() < moment && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        wait(child);
    }
    let last: Run = run(&mut restore(&scene, &between.base_url, &target, &["--all"]));
    let report = last.json();
    let count = |key: &str| report[key].as_u64().unwrap();
    assert_eq!(count("imported") + count("earlier") + count("in_doubt"), ALL, "{report}");
    assert_eq!(last.code, if count("in_doubt") > 0 { 3 } else { 0 });
    let sent = numbers(&between.imports());
    let distinct: BTreeSet<_> = sent.iter().collect();
    assert_eq!(distinct.len(), sent.len(), "sent twice: {sent:?}");
    assert!(sent.is_sorted(), "oldest first: {sent:?}");
    assert!(distinct.len() as u64 >= count("imported") + count("earlier"), "{report}");
    assert!(count("in_doubt") <= 5, "one for each kill at the most: {report}");
}

#[test]
fn an_hour_that_is_published_anew_is_the_same_messages() {
    let scene = Scene::new();
    load(&scene, "2026031409", &plain(4));
    let target = service(&scene, "beacon");
    run(&mut restore(&scene, &target.base_url(), &target, &["--all"])).leaves(0);
    let mut grown = plain(7);
    grown.reverse();
    load(&scene, "2026031409", &grown);
    let report = run(&mut restore(&scene, &target.base_url(), &target, &["--all"])).leaves(0).json();
    assert_eq!((&report["imported"], &report["earlier"]), (&json!(3), &json!(4)), "{report}");
    assert_eq!(target.calls().methods, 7);
}

#[test]
fn damaged_bytes_are_not_handed_on() {
    let scene = Scene::new();
    source(&scene);
    let media: Vec<PathBuf> = crate::scene::files_below(&scene.archive().join("media"));
    let large = media.iter().find(|path| fs::metadata(scene.archive().join("media").join(path)).is_ok()).unwrap();
    fs::write(scene.archive().join("media").join(large), "other bytes").unwrap();
    let target = service(&scene, "beacon");
    let report = run(&mut restore(&scene, &target.base_url(), &target, &["--all"])).leaves(0).json();
    let left_out = report["left_out"]["attachment_not_kept"].as_u64().unwrap();
    assert!(left_out > 0 && report["imported"] == 22 - left_out, "{report}");
}
