//! No call in vain: what the service's own log says that it was asked for.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use chat::Hour;
use emulator::{Clock, Handle, History, Logged, Options, corpus};

use crate::scene::{Scene, run};

/// A service without a rate, in which something is said in every hour.
fn busy_service(scene: &Scene, now: &str) -> Handle {
    let traffic = corpus::Options { seed: 3, messages_per_hour: 20, ..corpus::Options::default() };
    service(scene, now, History::Generated(traffic))
}

fn service(scene: &Scene, now: &str, history: History) -> Handle {
    let clock = Clock::running_from(now.parse().unwrap());
    scene.service(Options { clock, rate_per_minute: None, history, ..Options::default() })
}

/// `annals fetch` with these flags, with both clocks set to this time.
fn fetch(scene: &Scene, service: &Handle, now: &str, flags: &[&str]) -> Command {
    service.clock().set(now.parse().unwrap());
    let arguments: Vec<&str> = ["fetch", "--json"].into_iter().chain(flags.iter().copied()).collect();
    let mut command = scene.annals_at(service, &arguments);
    command.env("ANNALS_CLOCK", now);
    command
}

/// How often each hour was asked for since this was last called.
fn calls(service: &Handle) -> BTreeMap<Hour, usize> {
    let mut calls = BTreeMap::new();
    for logged in service.take_log().iter().filter(|logged| logged.is_call()) {
        *calls.entry(logged.hour).or_default() += 1;
    }
    calls
}

fn hour(key: &str) -> Hour {
    Hour::from_key(key).unwrap()
}

#[test]
fn no_hour_is_asked_for_that_cannot_be_ready() {
    let scene = Scene::new();
    let service = busy_service(&scene, "2026-03-14T00:00:00Z");
    for now in ["2026-03-14T02:59:58Z", "2026-03-14T12:30:00Z", "2026-03-15T02:10:00Z"] {
        let range = ["--since", "2026-03-14T00", "--until", "2026-03-16T00"];
        run(&mut fetch(&scene, &service, now, &range)).leaves(0);
        run(&mut fetch(&scene, &service, now, &["--due"])).leaves(0);
    }
    let log = service.log();
    let is_old_enough = |logged: &&Logged| logged.hour.end() + Duration::from_secs(3600) <= logged.at;
    assert_eq!(log.iter().filter(is_old_enough).count(), log.len(), "{log:?}");
    let asked = calls(&service);
    assert_eq!((asked.keys().next(), asked.keys().last()), (Some(&hour("2026031400")), Some(&hour("2026031500"))));
}

#[test]
fn a_complete_archive_makes_no_call() {
    let scene = Scene::new();
    let service = busy_service(&scene, "2026-03-14T12:00:00Z");
    run(&mut fetch(&scene, &service, "2026-03-14T12:00:00Z", &["--due"])).leaves(0);
    assert_eq!(calls(&service).len(), 71, "each hour that the service keeps and that is old enough");
    let again = run(&mut fetch(&scene, &service, "2026-03-14T12:01:00Z", &["--due"])).leaves(0);
    assert_eq!(again.json()["asked"], 0, "{again:?}");
    assert_eq!(calls(&service), BTreeMap::new());
    assert_eq!(service.calls().tokens, 0);
}

#[test]
fn an_empty_hour_between_busy_ones_is_asked_for_twice_and_one_at_the_edge_once() {
    let scene = Scene::new();
    let folder = scene.path("files");
    std::fs::create_dir(&folder).unwrap();
    for key in ["2026031408", "2026031410"] {
        let line = format!("{{\"msg_id\":\"{key}\",\"timestamp\":{}}}\n", hour(key).start().timestamp_millis());
        std::fs::write(folder.join(format!("{key}.ndjson")), line).unwrap();
    }
    let service = service(&scene, "2026-03-16T00:00:00Z", History::Folder(folder));
    let range = ["--since", "2026-03-14T07", "--until", "2026-03-14T12"];
    let report = run(&mut fetch(&scene, &service, "2026-03-16T00:00:00Z", &range)).leaves(0).json();
    assert_eq!((&report["hours"]["done"], &report["hours"]["empty"]), (&2.into(), &3.into()), "{report}");
    let expected = [("07", 1), ("08", 1), ("09", 2), ("10", 1), ("11", 1)];
    assert_eq!(calls(&service), expected.map(|(of_day, calls)| (hour(&format!("20260314{of_day}")), calls)).into());
    run(&mut fetch(&scene, &service, "2026-03-16T00:01:00Z", &range)).leaves(0);
    assert_eq!(calls(&service), BTreeMap::new(), "now it is believed");
}

#[test]
fn of_hours_that_should_be_deleted_the_youngest_is_asked_for() {
    let scene = Scene::new();
    let service = busy_service(&scene, "2026-03-20T00:00:00Z");
    let range = ["--since", "2026-03-14T00", "--until", "2026-03-15T00"];
    let report = run(&mut fetch(&scene, &service, "2026-03-20T00:00:00Z", &range)).leaves(6).json();
    assert_eq!(report["hours"]["lost"], 24, "{report}");
    assert_eq!(calls(&service), [(hour("2026031423"), 1)].into());
    let again = run(&mut fetch(&scene, &service, "2026-03-20T00:01:00Z", &range)).leaves(0).json();
    assert_eq!((&again["hours"]["lost"], &again["newly_lost"]), (&24.into(), &0.into()), "known, and still reported");
    assert_eq!(calls(&service), BTreeMap::new(), "what is lost is not asked for again");
}
