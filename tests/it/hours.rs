//! The states of an hour, as the clock goes on: ready late, grown, empty, gone.

use std::io::Write as _;
use std::process::Command;

use emulator::{Clock, Handle, History, Options, corpus};
use serde_json::Value;

use crate::scene::{Run, Scene, run, start, wait};

const HOUR: &str = "2026-03-14T09";
const NEXT: &str = "2026-03-14T10";

/// A service without a rate, at this time.
fn service(scene: &Scene, now: &str, faults: &str) -> Handle {
    let traffic = corpus::Options { seed: 5, messages_per_hour: 100, ..corpus::Options::default() };
    scene.service_at(now, faults, traffic)
}

/// `annals fetch` of the one hour at this time, with more flags.
fn fetch(scene: &Scene, service: &Handle, now: &str, flags: &[&str]) -> Command {
    let arguments: Vec<&str> =
        ["fetch", "--since", HOUR, "--until", NEXT, "--json"].into_iter().chain(flags.iter().copied()).collect();
    let mut command = scene.annals_at(service, &arguments);
    command.env("ANNALS_CLOCK", now).env("ANNALS_API_ATTEMPTS", "2");
    command
}

/// The same with both clocks set to this time.
fn fetch_at(scene: &Scene, service: &Handle, now: &str, flags: &[&str]) -> Run {
    service.clock().set(now.parse().unwrap());
    run(&mut fetch(scene, service, now, flags))
}

#[track_caller]
fn is(report: &Value, state: &str) {
    for word in ["done", "empty", "pending", "failed", "lost"] {
        assert_eq!(report["hours"][word], u64::from(word == state), "{report}");
    }
}

#[test]
fn an_hour_that_is_not_ready_is_no_failure() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-14T09:30:00Z", "");
    let running = fetch_at(&scene, &service, "2026-03-14T09:30:00Z", &[]).leaves(0).json();
    is(&running, "pending");
    assert_eq!(service.calls().links, 0, "an hour that cannot be ready is not asked for");
    let ready = fetch_at(&scene, &service, "2026-03-14T12:00:00Z", &[]).leaves(0).json();
    is(&ready, "done");
}

#[test]
fn an_hour_that_was_fetched_young_is_asked_for_once_more_and_taken_as_it_grew() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-14T11:05:00Z", "2026031409:grows=2026-03-14T20:00:00Z");
    let young = fetch_at(&scene, &service, "2026-03-14T11:05:00Z", &[]).leaves(0).json();
    let still_young = fetch_at(&scene, &service, "2026-03-14T21:00:00Z", &[]).leaves(0).json();
    assert_eq!(young["messages"], still_young["messages"]);

    let grown = fetch_at(&scene, &service, "2026-03-15T10:00:00Z", &[]).leaves(0).json();
    assert!(grown["messages"].as_u64() > young["messages"].as_u64(), "{grown}");
    assert_eq!((&grown["published"], &grown["grown"]), (&1.into(), &1.into()));
    let calls = service.calls().links;
    let settled = fetch_at(&scene, &service, "2026-03-16T09:59:00Z", &[]).leaves(0).json();
    assert_eq!(settled["messages"], grown["messages"]);
    assert_eq!(service.calls().links, calls, "a settled hour costs no call");
    run(&mut scene.annals(&["verify"])).leaves(0);
}

#[test]
fn an_hour_that_did_not_grow_is_asked_for_once_a_day_until_it_is_deleted() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-14T11:05:00Z", "");
    fetch_at(&scene, &service, "2026-03-14T11:05:00Z", &[]).leaves(0);
    for (now, calls) in [
        ("2026-03-15T10:00:00Z", 2), // it no longer grows
        ("2026-03-15T11:00:00Z", 2),
        ("2026-03-16T10:00:00Z", 3), // it will be deleted in a day
        ("2026-03-17T09:59:00Z", 3),
        ("2026-03-18T10:00:00Z", 3),
    ] {
        let run = fetch_at(&scene, &service, now, &[]).leaves(0).json();
        assert_eq!((run["published"].as_u64(), run["not_indexed"].as_u64()), (Some(0), Some(0)), "{run}");
        assert_eq!(service.calls().links, calls, "{now}");
    }
}

#[test]
fn an_archived_hour_that_is_served_anew_loses_nothing() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-15T12:00:00Z", "");
    let whole = fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &[]).leaves(0).json();
    let less = scene.service_at(
        "2026-03-15T12:00:00Z",
        "",
        corpus::Options { seed: 5, messages_per_hour: 10, ..corpus::Options::default() },
    );
    let run = fetch_at(&scene, &less, "2026-03-15T12:00:00Z", &["--again"]).leaves(0).json();
    assert_eq!(run["retained"], whole["messages"]);
    let rows = run["messages"].as_u64().unwrap() + whole["messages"].as_u64().unwrap();
    assert_eq!(crate::table::messages(&scene.archive()).len() as u64, rows);
    self::run(&mut scene.annals(&["verify"])).leaves(0);
}

/// A service that serves these bytes as the file of the hour.
fn serving(scene: &Scene, folder: &str, lines: &str) -> Handle {
    serving_file(scene, folder, "2026031409.ndjson", lines.as_bytes())
}

fn serving_file(scene: &Scene, folder: &str, name: &str, bytes: &[u8]) -> Handle {
    let folder = scene.path(folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
    scene.service(Options {
        clock: Clock::running_from("2026-03-15T12:00:00Z".parse().unwrap()),
        rate_per_minute: None,
        history: History::Folder(folder),
        ..Options::default()
    })
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn line(id: u64) -> String {
    format!("{{\"msg_id\":\"{id}\",\"timestamp\":1773478800000,\"chat_type\":\"chat\"}}\n")
}

#[test]
fn an_error_page_in_the_place_of_the_file_settles_nothing() {
    let pages = [
        ("2026031409.gz", packed(b"<html>\n<body>sign in</body>\n")),
        ("2026031409.ndjson", b"{\"error\":\"x\",\"error_description\":\"boo\"}".to_vec()),
    ];
    for (name, page) in pages {
        let scene = Scene::new();
        let service = serving_file(&scene, "page", name, &page);
        let run = fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &[]).leaves(3);
        is(&run.json(), "failed");
        assert!(run.stderr.contains("error page"), "{}", run.stderr);
        assert_eq!(crate::table::data_files(&scene.archive()), 0);
    }
}

#[test]
fn lines_that_cannot_be_read_are_no_error_page() {
    let scene = Scene::new();
    let service = serving(&scene, "junk", "{\"cut\nnot JSON at all\n\n");
    let report = fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &[]).leaves(0).json();
    is(&report, "done");
    assert_eq!((&report["lines"], &report["dead_letters"], &report["blank_lines"]), (&3.into(), &2.into(), &1.into()));
}

#[test]
fn a_line_that_one_hour_has_no_longer_is_shown_from_another() {
    let scene = Scene::new();
    for (folder, lines) in [("both", line(1) + &line(2)), ("one", line(1))] {
        let service = serving(&scene, folder, &lines);
        fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &["--again"]).leaves(0);
    }
    let show = |more: &[&str]| run(&mut scene.annals(&[&["show", "2"], more].concat()));
    let gone = show(&["--raw"]).leaves(2);
    assert!(gone.stdout.is_empty() && gone.stderr.contains("no longer serves line 2 of 2026-03-14T09Z"), "{gone:?}");
    assert!(show(&[]).leaves(0).stderr.contains("only the row is kept"));
    let later = scene.path("2026031410.ndjson");
    std::fs::write(&later, line(2)).unwrap();
    run(&mut scene.annals(&["load", later.to_str().unwrap(), "--set", "hours.check_zone=false"])).leaves(0);
    let other = show(&["--raw"]).leaves(0);
    assert_eq!(other.stdout, line(2));
    assert!(other.stderr.contains("no longer serves line 2 of 2026-03-14T09Z"), "{}", other.stderr);
}

#[test]
fn a_message_that_vanished_is_kept_and_marked_until_it_comes_back() {
    let scene = Scene::new();
    let serve = |folder: &str, ids: &[u64]| {
        let lines: String = ids.iter().map(|id| line(*id)).collect();
        let service = serving(&scene, folder, &lines);
        let run = fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &["--again"]).leaves(0).json();
        let proof = self::run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(0).json();
        assert_eq!((&proof["round_trip"]["retained"], &proof["findings"]), (&run["retained"], &serde_json::json!([])));
        let mut rows: Vec<_> = crate::table::messages(&scene.archive())
            .iter()
            .map(|row| (row.msg_id.clone().unwrap().into_owned(), row.retained_at.is_some()))
            .collect();
        rows.sort();
        (
            run["retained"].as_u64().unwrap(),
            rows.iter().map(|(id, gone)| format!("{id}{}", if *gone { "*" } else { "" })).collect::<Vec<_>>(),
        )
    };
    let told = |rows: &[&str]| rows.iter().map(|row| (*row).to_owned()).collect::<Vec<_>>();
    assert_eq!(serve("first", &[1, 2]), (0, told(&["1", "2"])));
    assert_eq!(serve("second", &[2, 3, 4]), (1, told(&["1*", "2", "3", "4"])));
    assert_eq!(serve("third", &[1, 4]), (2, told(&["1", "2*", "3*", "4"])));
    assert_eq!(serve("fourth", &[1, 4, 5, 2]), (1, told(&["1", "2", "3*", "4", "5"])));
    // The same bytes are published anew, and lose nothing.
    assert_eq!(serve("fourth", &[1, 4, 5, 2]), (1, told(&["1", "2", "3*", "4", "5"])));
    let kept = scene.archive().join("raw/2026/03/14/2026031409-0.gz");
    let loaded = run(&mut scene.annals(&["load", "--again", "--json", kept.to_str().unwrap()])).leaves(0).json();
    assert_eq!((&loaded["published"], &loaded["grown"], &loaded["retained"]), (&1.into(), &0.into(), &1.into()));
    // The row that is kept is found by a search and shown whole.
    let shown = run(&mut scene.annals(&["show", "3", "--json"])).leaves(0);
    assert!(shown.stdout.contains("retained_at"), "{}", shown.stdout);
}

#[test]
fn a_mistyped_app_does_not_take_the_archive() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-15T12:00:00Z", "");
    let mut mistyped = fetch(&scene, &service, "2026-03-15T12:00:00Z", &[]);
    run(mistyped.env("ANNALS_API_BASE_URL", service.base_url().replace("lantern", "lantren"))).leaves(4);
    is(&fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &[]).leaves(0).json(), "done");
}

#[test]
fn a_data_file_that_is_gone_comes_back() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-15T12:00:00Z", "");
    let whole = fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &[]).leaves(0).json();
    let folder = scene.archive().join("messages");
    let file = crate::scene::files_below(&folder).into_iter().find(|path| path.starts_with("date=2026-03-14")).unwrap();
    std::fs::remove_file(folder.join(file)).unwrap();
    run(&mut scene.annals(&["verify"])).leaves(3);
    fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &["--again"]).leaves(0);
    run(&mut scene.annals(&["verify"])).leaves(0);
    assert_eq!(crate::table::messages(&scene.archive()).len() as u64, whole["messages"].as_u64().unwrap());
}

#[test]
fn what_nobody_asks_for_any_more_is_lost() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-15T12:00:00Z", "every:503,503");
    is(&fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &[]).leaves(3).json(), "failed");
    let status = run(scene.annals(&["status", "--json"]).env("ANNALS_CLOCK", "2026-03-18T12:00:00Z")).leaves(6).json();
    assert_eq!(status["lost"][0], "2026031409");
    // A nightly run of later hours notices, once.
    let later = ["fetch", "--since", "2026-03-17T09", "--until", "2026-03-17T10"];
    service.clock().set("2026-03-18T12:00:00Z".parse().unwrap());
    let nightly = || run(scene.annals_at(&service, &later).env("ANNALS_CLOCK", "2026-03-18T12:00:00Z"));
    nightly().leaves(6);
    nightly().leaves(0);
}

#[test]
fn an_hour_that_is_gone_is_lost_and_said_once() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-18T00:00:00Z", "");
    let lost = fetch_at(&scene, &service, "2026-03-18T00:00:00Z", &[]).leaves(6).json();
    is(&lost, "lost");
    let known = fetch_at(&scene, &service, "2026-03-18T01:00:00Z", &[]).leaves(0).json();
    is(&known, "lost");
    let again = fetch_at(&scene, &service, "2026-03-18T01:00:00Z", &["--again"]).leaves(0).json();
    is(&again, "lost");
    let status = ["status", "--json", "--until", NEXT];
    let status = run(scene.annals(&status).env("ANNALS_CLOCK", "2026-03-18T01:00:00Z")).leaves(0).json();
    assert_eq!(status["lost"], serde_json::json!(["2026031409"]));
}

#[test]
fn an_empty_hour_is_empty_and_stays_so() {
    let scene = Scene::new();
    let silent = [HOUR.parse().unwrap()].into();
    let traffic = corpus::Options { silent, ..corpus::Options::default() };
    let service = scene.service_at("2026-03-14T12:00:00Z", "", traffic);
    is(&fetch_at(&scene, &service, "2026-03-14T12:00:00Z", &[]).leaves(0).json(), "pending");
    is(&fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &[]).leaves(0).json(), "empty");
    // Past the retention the service says "expired" of it; that does not make it lost.
    is(&fetch_at(&scene, &service, "2026-03-18T12:00:00Z", &["--again"]).leaves(0).json(), "empty");
}

#[test]
fn an_hour_at_risk_has_a_code_of_its_own() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-15T12:00:00Z", "every:503,503,503,503,503,503");
    is(&fetch_at(&scene, &service, "2026-03-15T12:00:00Z", &[]).leaves(3).json(), "failed");
    let at_risk = fetch_at(&scene, &service, "2026-03-16T12:00:00Z", &[]).leaves(5).json();
    assert_eq!(at_risk["at_risk"], 1);
}

#[test]
fn a_file_that_cannot_be_loaded_puts_no_hour_at_risk_that_nobody_fetches() {
    let scene = Scene::new();
    std::fs::write(scene.path("2026031409.ndjson"), "{\"msg_id\":\"1\"}\n").unwrap();
    run(&mut scene.annals(&["load", "2026031409.ndjson"])).leaves(0);
    std::fs::write(scene.path("2026031410.gz"), b"\x1f\x8b\x08cut").unwrap();
    let mut load = scene.annals(&["load", "2026031410.gz", "--json"]);
    let told = run(load.env("ANNALS_CLOCK", "2026-03-17T10:30:00Z")).leaves(3).json();
    assert_eq!((&told["hours"]["failed"], &told["at_risk"]), (&1.into(), &0.into()));
}

#[cfg(unix)]
#[test]
fn a_run_that_is_told_to_stop_stops_and_goes_on_later() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-15T12:00:00Z", "2026031409:hang");
    let now = "2026-03-15T12:00:00Z";
    let child = start(&mut fetch(&scene, &service, now, &[]));
    while service.calls().links == 0 {
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let stopped = wait(child).leaves(130).json();
    assert_eq!(stopped["interrupted"], true);
    is(&fetch_at(&scene, &service, now, &[]).leaves(0).json(), "done");
    run(&mut scene.annals(&["verify"])).leaves(0);
}

#[test]
fn a_service_of_another_zone_is_noticed_before_anything_is_published() {
    let scene = Scene::new();
    let service = scene.service(Options {
        clock: Clock::running_from("2026-03-15T12:00:00Z".parse().unwrap()),
        rate_per_minute: None,
        zone: chat::Zone::BEIJING,
        history: History::Generated(corpus::Options {
            messages_per_hour: 30,
            since: "2026-03-13T00".parse().unwrap(),
            until: "2026-03-15T00".parse().unwrap(),
            ..corpus::Options::default()
        }),
        ..Options::default()
    });
    let range = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T12", "--json"];
    let fetch = |zone: &str| {
        let mut command = scene.annals_at(&service, &range);
        run(command.env("ANNALS_CLOCK", "2026-03-15T12:00:00Z").env("ANNALS_API_ZONE", zone))
    };
    let wrong = fetch("UTC").leaves(2);
    assert!(wrong.stderr.contains("were sent in 2026-03-14T0"), "{}", wrong.stderr);
    assert!(wrong.stderr.contains("set ANNALS_API_ZONE=+08:00"), "{}", wrong.stderr);
    assert_eq!(crate::table::data_files(&scene.archive()), 0);
    let status = run(scene.annals(&["status", "--json"]).env("ANNALS_CLOCK", "2026-03-15T12:00:00Z")).json();
    assert_eq!(status["first_hour"], Value::Null, "what was noted of other hours is forgotten: {status}");

    let doctor = |zone: &str| {
        let mut command = scene.annals_at(&service, &["doctor"]);
        run(command.env("ANNALS_CLOCK", "2026-03-15T12:00:00Z").env("ANNALS_API_ZONE", zone))
    };
    assert!(doctor("UTC").leaves(2).stderr.contains("set ANNALS_API_ZONE=+08:00"));
    doctor("+08:00").leaves(0);
    assert_eq!(fetch("+08:00").leaves(0).json()["hours"]["done"], 3);
}

/// Hours are settled in no order: while the oldest is on its way, younger ones are published.
#[test]
fn a_first_run_that_ends_early_forgets_no_hour() {
    const NOW: &str = "2026-03-15T10:00:00Z";
    const LATER: &str = "2026-03-15T10:30:00Z";
    for signal in ["-KILL", "-TERM"] {
        let scene = Scene::new();
        let service = service(&scene, NOW, "2026031210:hang");
        let due = |now: &str| {
            let mut command = scene.annals_at(&service, &["fetch", "--due", "--json"]);
            command.env("ANNALS_CLOCK", now);
            command
        };
        let mut first = start(&mut due(NOW));
        while crate::table::data_files(&scene.archive()) < 3 {
            assert!(first.try_wait().unwrap().is_none(), "it ended by itself");
            std::thread::yield_now();
        }
        assert!(Command::new("kill").args([signal, &first.id().to_string()]).status().unwrap().success());
        wait(first);
        let status = run(scene.annals_at(&service, &["status", "--json"]).env("ANNALS_CLOCK", LATER));
        assert!(status.json()["hours"]["pending"].as_u64() > Some(0), "{status:?}");
        let report = run(&mut due(LATER)).leaves(0).json();
        assert_eq!(report["hours"]["done"], 71, "{report}");
        assert_eq!(report["hours"]["pending"], 1, "the hour that is going on: {report}");
    }
}
