//! What an operator learns from `status`, `doctor` and the exit codes.

use chat::Zone;
use emulator::{Clock, Handle, History, Options, corpus};

use crate::scene::{Scene, run};

const NOW: &str = "2026-03-16T20:00:00Z";

fn service(scene: &Scene, zone: Zone) -> Handle {
    let traffic = corpus::Options { seed: 5, messages_per_hour: 100, ..corpus::Options::default() };
    scene.service(Options {
        clock: Clock::running_from(NOW.parse().unwrap()),
        rate_per_minute: None,
        history: History::Generated(traffic),
        zone,
        ..Options::default()
    })
}

/// `annals status --json` at this time.
fn status(scene: &Scene, now: &str, code: i32) -> serde_json::Value {
    run(scene.annals(&["status", "--json"]).env("ANNALS_CLOCK", now)).leaves(code).json()
}

#[test]
fn a_token_that_is_refused_is_told_before_the_hours_that_are_at_risk_for_it() {
    let scene = Scene::new();
    let service = service(&scene, Zone::UTC);
    let range = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T12"];
    let mut command = scene.annals_at(&service, &range);
    command.env("ANNALS_API_TOKEN", "YWMtwrong").env("ANNALS_CLOCK", NOW);
    let told = run(command.arg("--json")).leaves(4).json();
    assert_eq!(told["at_risk"], 3);
}

#[test]
fn a_fetch_that_no_longer_runs_shows() {
    let scene = Scene::new();
    let service = service(&scene, Zone::UTC);
    let range = ["fetch", "--since", "2026-03-15T09", "--until", "2026-03-15T12"];
    run(scene.annals_at(&service, &range).env("ANNALS_CLOCK", NOW)).leaves(0);

    let soon = status(&scene, NOW, 0);
    assert_eq!((&soon["last_hour"], &soon["hours"]["pending"]), (&"2026031619".into(), &32.into()));
    assert_eq!((&soon["newest_done"], &soon["newest_done_age_hours"]), (&"2026031511".into(), &32.into()));
    let late = status(&scene, "2026-03-18T20:00:00Z", 6);
    assert!(!late["at_risk"].as_array().unwrap().is_empty());
    assert_eq!(late["hours"]["lost"], 8);
    let silent = status(&scene, "2026-03-26T20:00:00Z", 6);
    assert_eq!((&silent["last_hour"], &silent["newest_done_age_hours"]), (&"2026032619".into(), &272.into()));
    assert_eq!(silent["newly_lost"], 200);
    let told = run(scene.annals(&["status"]).env("ANNALS_CLOCK", "2026-03-26T20:00:00Z")).leaves(6);
    assert!(told.stdout.contains("the newest archived hour is 2026-03-15T11Z, 11 d 8 h old"), "{}", told.stdout);
    let closed = ["status", "--until", "2026-03-15T12"];
    run(scene.annals(&closed).env("ANNALS_CLOCK", "2026-03-26T20:00:00Z")).leaves(0);
}

#[test]
fn hours_that_came_from_files_wait_for_nothing() {
    let scene = Scene::new();
    run(&mut scene.annals(&["load", concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz")])).leaves(0);
    let status = status(&scene, "2026-03-16T20:00:00Z", 0);
    assert_eq!((&status["last_hour"], &status["hours"]["pending"]), (&"2026031409".into(), &0.into()));
}

#[test]
fn the_doctor_tells_a_wrong_zone() {
    let scene = Scene::new();
    for (service_zone, setting, code) in
        [(Zone::UTC, "UTC", 0), (Zone::BEIJING, "UTC", 2), (Zone::BEIJING, "+08:00", 0), (Zone::UTC, "+08:00", 2)]
    {
        let service = service(&scene, service_zone);
        let mut command = scene.annals_at(&service, &["doctor"]);
        let told = run(command.env("ANNALS_CLOCK", NOW).env("ANNALS_API_ZONE", setting)).leaves(code);
        let advice = format!("ANNALS_API_ZONE={service_zone}");
        assert_eq!(told.stderr.contains(&advice), code == 2, "{service_zone} with {setting}: {}", told.stderr);
        assert!(told.stdout.contains("zone"), "{}", told.stdout);
    }
    assert!(!scene.archive().exists());
}

#[test]
fn the_doctor_says_once_that_it_is_not_let_in() {
    let scene = Scene::new();
    let service = scene.service(Options::default());
    let mut command = scene.annals_at(&service, &["doctor"]);
    command.env_remove("ANNALS_API_TOKEN").env("ANNALS_API_CLIENT_ID", "YXA6").env("ANNALS_API_CLIENT_SECRET", "wrong");
    let told = run(&mut command).leaves(4);
    assert_eq!(told.stderr.matches("error: ").count(), 1, "{}", told.stderr);
    assert!(!told.stdout.contains("\nservice"), "{}", told.stdout);
}
