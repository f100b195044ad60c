//! What machines read on stderr.

use std::process::Command;

use emulator::{Handle, corpus};
use serde_json::Value;

use crate::scene::{Run, Scene, run};

const NOW: &str = "2026-03-16T06:00:00Z";
const RANGE: [&str; 5] = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T12"];

fn service(scene: &Scene, faults: &str) -> Handle {
    let traffic = corpus::Options { seed: 5, messages_per_hour: 50, ..corpus::Options::default() };
    scene.service_at(NOW, faults, traffic)
}

/// `annals fetch` of three hours with more flags.
fn fetch(scene: &Scene, service: &Handle, flags: &[&str]) -> Command {
    let mut command = scene.annals_at(service, &[&RANGE[..], flags].concat());
    command.env("ANNALS_CLOCK", NOW).env("ANNALS_API_ATTEMPTS", "2");
    command
}

/// Every line of stderr, which holds nothing but objects.
#[track_caller]
fn lines(run: &Run) -> Vec<Value> {
    let parsed = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    run.stderr.lines().map(parsed).collect()
}

fn with_target<'a>(lines: &'a [Value], target: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["target"] == target).collect()
}

#[test]
fn json_tells_of_every_hour_once_and_of_nothing_in_another_form() {
    let scene = Scene::new();
    let service = service(&scene, "2026031410:500,500");
    let told = run(&mut fetch(&scene, &service, &["--log-format", "json"])).leaves(3);
    let lines = lines(&told);
    let hours = with_target(&lines, "annals::hour");
    let mut states: Vec<_> = hours.iter().map(|line| (line["hour"].as_str().unwrap(), &line["state"])).collect();
    states.sort_unstable_by_key(|(hour, _)| *hour);
    let (done, failed) = (Value::from("done"), Value::from("failed"));
    let expected = [("2026-03-14T09Z", &done), ("2026-03-14T10Z", &failed), ("2026-03-14T11Z", &done)];
    assert_eq!(states, expected);
    assert!(
        hours.iter().all(|line| line["level"] == "INFO" && line["messages"].is_u64() && line["seconds"].is_number())
    );
    let errors: Vec<_> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(errors.len(), 1, "{}", told.stderr);
    assert!(errors[0]["message"].as_str().unwrap().starts_with("could not fetch 2026-03-14T10Z: "), "{}", errors[0]);
    assert!(errors[0]["hints"][0].is_string() && errors[0]["timestamp"].is_string(), "{}", errors[0]);
}

#[test]
fn json_tells_how_a_run_begins_and_ends_whatever_becomes_of_it() {
    let scene = Scene::new();
    let service = service(&scene, "");
    let json = ["--log-format", "json"];
    let refused = run(fetch(&scene, &service, &json).env("ANNALS_API_TOKEN", "YWMtwrong")).leaves(4);
    let good = run(&mut fetch(&scene, &service, &json)).leaves(0);
    for (told, exit_code, published) in [(&refused, 4, 0), (&good, 0, 3)] {
        let lines = lines(told);
        let events = with_target(&lines, "annals::run");
        assert_eq!(events.len(), 2, "{}", told.stderr);
        assert_eq!((&events[0]["message"], &events[0]["command"]), (&"the run begins".into(), &"fetch".into()));
        let end = events[1];
        assert_eq!((&end["message"], &end["exit_code"]), (&"the run ends".into(), &exit_code.into()));
        assert_eq!(end["hours_published"], published, "{end}");
        assert!(end["verdict"].as_str().is_some_and(|verdict| !verdict.is_empty()), "{end}");
        let page = include_str!("../../docs/monitoring.md");
        let undocumented = end.as_object().unwrap().keys().filter(|key| !page.contains(&format!("`{key}`")));
        assert_eq!(undocumented.count(), 0, "{end}");
    }
    assert!(lines(&good).iter().any(|line| line["message"] == "the run ends" && line["next_loss_seconds"].is_number()));
}

#[test]
fn the_setting_does_what_the_flag_does_and_text_stays_quiet() {
    let scene = Scene::new();
    let service = service(&scene, "");
    let text = run(&mut fetch(&scene, &service, &[])).leaves(0);
    assert!(!text.stderr.contains('{') && !text.stderr.contains("annals::hour"), "{}", text.stderr);
    let by_setting = run(fetch(&scene, &service, &["--again"]).env("ANNALS_LOG_FORMAT", "json")).leaves(0);
    assert_eq!(with_target(&lines(&by_setting), "annals::hour").len(), 3);
    let quiet = run(&mut fetch(&scene, &service, &["--again", "--quiet", "--log-format", "json"])).leaves(0);
    assert_eq!(quiet.stderr, "");
    let wrong = run(fetch(&scene, &service, &[]).env("ANNALS_LOG_FORMAT", "yaml")).leaves(2);
    assert!(wrong.stderr.contains("`log.format`: `yaml` is not text or json"), "{}", wrong.stderr);
}

#[test]
fn rust_log_is_stronger_than_the_setting_and_weaker_than_a_v() {
    let scene = Scene::new();
    let service = service(&scene, "");
    let json = ["--again", "--log-format", "json"];
    let silent = run(fetch(&scene, &service, &json).env("RUST_LOG", "off")).leaves(0);
    assert!(with_target(&lines(&silent), "annals::hour").is_empty(), "{}", silent.stderr);
    let detailed = run(fetch(&scene, &service, &json).env("RUST_LOG", "annals=debug")).leaves(0);
    assert!(lines(&detailed).iter().any(|line| line["level"] == "DEBUG"), "{}", detailed.stderr);
    let flag = run(fetch(&scene, &service, &[&json[..], &["-v"]].concat()).env("RUST_LOG", "off")).leaves(0);
    assert_eq!(with_target(&lines(&flag), "annals::hour").len(), 3);
    let broken = run(fetch(&scene, &service, &json).env("RUST_LOG", "api=loud")).leaves(0);
    let warning = &lines(&broken)[0];
    assert_eq!(warning["level"], "WARN");
    assert!(warning["message"].as_str().unwrap().starts_with("RUST_LOG is left out of account: "), "{warning}");
}

#[test]
fn settings_that_cannot_be_read_are_told_in_the_form_that_the_flag_asks_for() {
    let scene = Scene::new();
    let told = run(&mut scene.annals(&["status", "--log-format", "json", "--set", "api.zonee=UTC"])).leaves(2);
    assert_eq!(lines(&told)[0]["level"], "ERROR");
}
