//! What a fetch would do, and the fetch that cron runs every night.

use std::process::Command;

use emulator::{Handle, corpus};
use serde_json::Value;

use crate::scene::{Run, Scene, run};

const EVENING: &str = "2026-03-14T20:30:00Z";
const MORNING: &str = "2026-03-15T03:30:00Z";

fn service(scene: &Scene, faults: &str) -> Handle {
    let traffic = corpus::Options { seed: 5, messages_per_hour: 20, ..corpus::Options::default() };
    scene.service_at(EVENING, faults, traffic)
}

/// A service of which the archive takes it that it keeps an hour for a day: fewer hours to fetch.
fn keeping_a_day(command: &mut Command) -> &mut Command {
    command.env("ANNALS_HOURS_RETENTION", "24h").env("ANNALS_HOURS_WARNING", "6h")
}

fn at(scene: &Scene, service: &Handle, now: &str, arguments: &[&str]) -> Run {
    service.clock().set(now.parse().unwrap());
    let mut command = scene.annals_at(service, arguments);
    run(keeping_a_day(&mut command).env("ANNALS_CLOCK", now).env("ANNALS_API_ATTEMPTS", "1"))
}

fn plan(scene: &Scene, service: &Handle, now: &str) -> Value {
    at(scene, service, now, &["plan", "--json"]).leaves(0).json()
}

#[test]
fn a_plan_needs_no_service_and_no_archive_and_makes_none() {
    let scene = Scene::new();
    let planned = |arguments: &[&str]| run(scene.annals(arguments).env("ANNALS_CLOCK", EVENING)).leaves(0);
    let object = planned(&["plan", "--json"]).json();
    assert_eq!((&object["version"], &object["calls"], &object["seconds"]), (&1.into(), &71.into(), &426.into()));
    assert_eq!((&object["first_hour"], &object["last_hour"]), (&"2026031120".into(), &"2026031419".into()));
    assert_eq!((&object["hours"]["first"], &object["hours"]["wait"]), (&71.into(), &1.into()));
    assert_eq!(object["bytes_expected"], Value::Null);
    // The clock runs.
    assert!(object["done_at"].as_str().unwrap().starts_with("2026-03-14T20:37:"), "{object}");
    assert_eq!(object["at_risk"][0]["hour"], "2026031120");
    assert_eq!(object["at_risk"][0]["lost_at"], "2026-03-14T21:00:00Z");
    let told = planned(&["plan"]);
    assert!(told.stderr.contains("archive is no archive yet"), "{}", told.stderr);
    assert!(
        told.stdout.contains("71 calls, 7 min 6 s at the least at 10 a minute: until 2026-03-14T20:38Z"),
        "{}",
        told.stdout
    );
    assert_eq!(planned(&["fetch", "--due", "--dry-run"]).stdout, told.stdout);
    let range = ["--since", "2026-03-14T02", "--until", "2026-03-14T04"];
    let of_range = planned(&[&["fetch", "--dry-run", "--json"], &range[..]].concat()).json();
    assert_eq!(of_range["hours"]["first"], 2);
    assert_eq!(planned(&[&["plan", "--json"], &range[..]].concat()).json()["last_hour"], of_range["last_hour"]);
    assert!(!scene.archive().exists() && !scene.path("state").exists(), "nothing is made");
}

#[test]
fn every_member_of_the_object_is_on_its_page() {
    const PAGE: &str = include_str!("../../docs/plan.md");
    let scene = Scene::new();
    let object = run(scene.annals(&["plan", "--json"]).env("ANNALS_CLOCK", EVENING)).leaves(0).json();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let rows: Vec<&str> = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next()).collect();
    let named: Vec<&str> = rows.iter().flat_map(|row| row.split(", ")).map(|name| name.trim_matches('`')).collect();
    let told = [names(&object), names(&object["hours"])].concat();
    for name in &told {
        assert!(named.contains(&name.as_str()), "{name} is not in docs/plan.md");
    }
    assert_eq!(named.len(), told.len(), "{named:?}");
    assert_eq!(names(&object["at_risk"][0]), ["hour", "lost_at", "seconds_left"]);
}

#[test]
fn every_night_costs_the_calls_of_the_plan_and_a_complete_archive_none() {
    let scene = Scene::new();
    let service = service(&scene, "");
    let mut calls = 0;
    for now in [EVENING, MORNING] {
        let planned = plan(&scene, &service, now);
        assert_eq!(service.calls().links, calls, "a plan asks for nothing");
        at(&scene, &service, now, &["fetch", "--due"]).leaves(0);
        calls += planned["calls"].as_u64().unwrap();
        assert_eq!(service.calls().links, calls, "{planned}");

        let again = at(&scene, &service, now, &["fetch", "--due"]).leaves(0);
        assert_eq!(service.calls().links, calls, "a complete archive costs no call");
        let verdict = again.stdout.lines().last().unwrap();
        assert!(verdict.starts_with("complete from 2026-03-13T20Z to 2026-03-"), "{verdict}");
        assert!(verdict.ends_with("; 1 hour is not ready yet"), "{verdict}");
        let idle = at(&scene, &service, now, &["plan"]).leaves(0).stdout;
        assert!(idle.contains("nothing is to be done: no call\n"), "{idle}");
    }
    // By now past hours tell how large the next ones will be.
    let next = plan(&scene, &service, "2026-03-15T09:30:00Z");
    assert!(next["bytes_expected"].as_u64().is_some_and(|bytes| bytes > 1000), "{next}");
    assert_eq!(next["hours"]["first"], 6);
}

#[test]
fn what_failed_is_planned_again_and_its_end_is_told() {
    let scene = Scene::new();
    let service = service(&scene, "2026031322:503,503,503,503,503");
    let night = at(&scene, &service, EVENING, &["fetch", "--due", "--no-index"]);
    let verdict = night.stdout.lines().last().unwrap().to_owned();
    night.leaves(5);
    assert!(
        verdict.starts_with(
            "1 hour failed and will be tried again by the next run, 2026-03-13T22Z is the first to be lost, in 2 h 29 min"
        ),
        "{verdict}"
    );
    let planned = plan(&scene, &service, EVENING);
    assert_eq!((&planned["hours"]["again"], &planned["calls"]), (&1.into(), &1.into()), "{planned}");
    assert_eq!(planned["at_risk"][0]["hour"], "2026031322");
    let gone = plan(&scene, &service, MORNING);
    assert_eq!((&gone["hours"]["expired"], &gone["lost"]), (&1.into(), &serde_json::json!(["2026031322"])), "{gone}");
}

#[test]
fn a_fetch_is_told_which_hours_and_only_once() {
    let scene = Scene::new();
    for (arguments, complaint) in [
        (&["fetch"][..], "nothing says which hours"),
        (&["fetch", "--until", "2026-03-14"], "--until has no --since"),
        (&["fetch", "--due", "--since", "2026-03-14"], "cannot be used with"),
        (&["fetch", "--due", "--again"], "cannot be used with"),
        (&["plan", "--until", "2026-03-14"], "--until has no --since"),
        (&["plan", "--since", "2026-03-15", "--until", "2026-03-14"], "there is no hour from"),
    ] {
        let run = run(&mut scene.annals(arguments)).leaves(2);
        assert!(run.stderr.contains(complaint), "{arguments:?}: {}", run.stderr);
    }
    assert!(!scene.archive().exists());
}
