//! Metrics in a file, as Prometheus and node_exporter read them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use emulator::{Handle, corpus};
use serde_json::Value;

use crate::interop::python;
use crate::scene::{Scene, run};

/// Three hours end at 12:00 on the 14th, and are deleted from 10:00 on the 17th on.
const NOW: &str = "2026-03-16T20:00:00Z";
const LATER: &str = "2026-03-16T21:00:00Z";
const RANGE: [&str; 5] = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T12"];

fn service(scene: &Scene, faults: &str) -> Handle {
    let traffic = corpus::Options { seed: 5, messages_per_hour: 50, ..corpus::Options::default() };
    scene.service_at(NOW, faults, traffic)
}

fn file(scene: &Scene) -> PathBuf {
    scene.path("annals.prom")
}

/// `annals fetch` of three hours at this time, with the file as a setting.
fn fetch(scene: &Scene, service: &Handle, now: &str) -> Command {
    let mut command = scene.annals_at(service, &RANGE);
    command.env("ANNALS_CLOCK", now).env("ANNALS_API_ATTEMPTS", "2").env("ANNALS_METRICS_FILE", file(scene));
    command
}

/// The value of a metric. `labels` are those besides the archive's.
fn value(path: &Path, name: &str, labels: &str) -> Option<f64> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut found = text.lines().filter(|line| {
        line.starts_with(&format!("{name}{{archive=\"/")) && line.contains(&format!("/archive\"{labels}}} "))
    });
    let value = found.next()?.rsplit_once(' ')?.1.parse().unwrap();
    assert_eq!(found.next(), None, "{name} is there twice");
    Some(value)
}

#[track_caller]
fn assert_values(path: &Path, expected: &[(&str, f64)]) {
    for (name, expected) in expected {
        let (name, labels) = name.split_once('{').map_or((*name, ""), |(name, labels)| (name, labels));
        assert_eq!(value(path, name, labels), Some(*expected), "{name}: {}", std::fs::read_to_string(path).unwrap());
    }
}

fn seconds(time: &str) -> f64 {
    time.parse::<chat::Timestamp>().unwrap().timestamp() as f64
}

#[test]
fn a_run_leaves_its_numbers_and_those_of_the_archive() {
    let scene = Scene::new();
    let service = service(&scene, "");
    let mut command = fetch(&scene, &service, NOW);
    let report = run(command.arg("--json")).leaves(0).json();
    let path = file(&scene);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644, "node_exporter is another user");
    let messages = report["messages"].as_f64().unwrap();
    assert_values(
        &path,
        &[
            ("annals_hours{,state=\"done\"", 3.0),
            // From the 14th, 12:00, up to the 16th, 20:00.
            ("annals_hours{,state=\"pending\"", 56.0),
            ("annals_hours_lost", 0.0),
            // What was deleted by the 17th, 20:00: the hours that end at 13:00 to 20:00 of the 14th.
            ("annals_hours_at_risk", 8.0),
            ("annals_messages", messages),
            ("annals_run_messages", messages),
            ("annals_bytes", report["bytes_fetched"].as_f64().unwrap()),
            ("annals_run_bytes", report["bytes_fetched"].as_f64().unwrap()),
            ("annals_run_calls", 3.0),
            ("annals_run_hours_published", 3.0),
            ("annals_run_exit_code", 0.0),
            ("annals_newest_hour_timestamp_seconds", seconds("2026-03-14T12:00:00Z")),
            ("annals_next_loss_timestamp_seconds", seconds("2026-03-17T13:00:00Z")),
        ],
    );
    let left = value(&path, "annals_next_loss_seconds", "").unwrap();
    assert!((17.0 * 3600.0 - 60.0..17.0 * 3600.0).contains(&left), "{left}");
    let ended = value(&path, "annals_last_success_timestamp_seconds", "").unwrap();
    assert!((0.0..60.0).contains(&(ended - seconds(NOW))), "{ended}");
    assert_eq!(value(&path, "annals_last_run_timestamp_seconds", ""), Some(ended));
}

#[test]
fn a_run_that_fails_says_so_and_keeps_the_last_success() {
    let scene = Scene::new();
    let service = service(&scene, "");
    run(&mut fetch(&scene, &service, NOW)).leaves(0);
    let path = file(&scene);
    let succeeded = value(&path, "annals_last_success_timestamp_seconds", "").unwrap();
    for (variable, wrong, code) in
        [("ANNALS_API_TOKEN", "YWMtwrong", 4), ("ANNALS_API_BASE_URL", "", 2), ("ANNALS_API_ATTEMPTS", "0", 2)]
    {
        run(fetch(&scene, &service, LATER).arg("--again").env(variable, wrong)).leaves(code);
        assert_values(
            &path,
            &[
                ("annals_run_exit_code", f64::from(code)),
                ("annals_run_hours_published", 0.0),
                ("annals_last_success_timestamp_seconds", succeeded),
                ("annals_hours{,state=\"done\"", 3.0),
            ],
        );
        assert!(value(&path, "annals_last_run_timestamp_seconds", "").unwrap() >= seconds(LATER));
    }
}

#[test]
fn a_first_run_that_is_refused_leaves_a_file_too() {
    let scene = Scene::new();
    let service = service(&scene, "");
    run(fetch(&scene, &service, NOW).env_remove("ANNALS_API_TOKEN")).leaves(2);
    let path = file(&scene);
    assert_values(&path, &[("annals_run_exit_code", 2.0)]);
    assert_eq!(value(&path, "annals_last_success_timestamp_seconds", ""), None, "there was none");
    assert_eq!(value(&path, "annals_hours_at_risk", ""), None, "there is no archive yet");
}

#[test]
fn status_refreshes_what_the_clock_changes_and_leaves_the_run_alone() {
    let scene = Scene::new();
    let service = service(&scene, "");
    run(&mut fetch(&scene, &service, NOW)).leaves(0);
    let path = file(&scene);
    let text = path.to_str().unwrap();
    let late = "2026-03-17T14:30:00Z";
    run(scene.annals(&["status", "--json"]).env("ANNALS_CLOCK", late).env("ANNALS_METRICS_FILE", text)).leaves(6);
    assert_values(&path, &[("annals_hours_lost", 0.0)]);
    run(scene.annals(&["status", "--json", "--metrics-file", text]).env("ANNALS_CLOCK", late)).leaves(6);
    assert_values(&path, &[("annals_hours_lost", 2.0), ("annals_run_calls", 3.0), ("annals_run_exit_code", 0.0)]);
    assert_eq!(value(&path, "annals_archive_read_timestamp_seconds", "").map(|at| at >= seconds(late)), Some(true));
}

#[test]
fn a_load_is_a_run_of_an_archive_that_nothing_threatens() {
    let scene = Scene::new();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");
    let path = file(&scene);
    let load = ["load", samples, "--metrics-file", path.to_str().unwrap()];
    run(scene.annals(&load).env("ANNALS_CLOCK", NOW)).leaves(0);
    assert_values(&path, &[("annals_hours{,state=\"done\"", 1.0), ("annals_hours{,state=\"pending\"", 0.0)]);
    assert_eq!(value(&path, "annals_next_loss_seconds", ""), None);
}

#[test]
fn a_file_that_cannot_be_written_is_a_warning() {
    let scene = Scene::new();
    let service = service(&scene, "");
    let told = run(fetch(&scene, &service, NOW).env("ANNALS_METRICS_FILE", scene.path("none/annals.prom"))).leaves(0);
    assert!(told.stderr.contains("warning: the metrics could not be written to "), "{}", told.stderr);
}

/// Prints, as JSON, what Prometheus's own parser reads.
const PARSED: &str = r#"
import json, sys
from prometheus_client.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(open(sys.argv[1]).read()))
print(json.dumps({
    family.name: {
        "type": family.type,
        "help": family.documentation,
        "samples": [[sample.labels, sample.value] for sample in family.samples],
    }
    for family in families
}))
"#;

#[test]
fn prometheus_reads_what_is_documented_and_nothing_else() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    let service = service(&scene, "");
    run(&mut fetch(&scene, &service, NOW)).leaves(0);
    let output = Command::new(python).arg("-c").arg(PARSED).arg(file(&scene)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let families: Value = serde_json::from_slice(&output.stdout).unwrap();
    let families = families.as_object().unwrap();
    let page = include_str!("../../docs/monitoring.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `annals_")?.split_once('`'));
    let mut documented: Vec<String> =
        rows.map(|(name, _)| format!("annals_{}", name.split('{').next().unwrap_or(name))).collect();
    documented.sort_unstable();
    assert_eq!(families.keys().cloned().collect::<Vec<_>>(), documented);
    for (name, family) in families {
        assert_eq!(family["type"], "gauge", "{name}");
        assert!(!family["help"].as_str().unwrap().is_empty(), "{name}");
        for sample in family["samples"].as_array().unwrap() {
            assert_eq!(sample[0]["archive"], scene.archive().to_str().unwrap(), "{name}");
            assert!(sample[1].is_number(), "{name}");
        }
    }
}

#[test]
fn the_alerts_ask_for_metrics_that_there_are() {
    let rules = include_str!("../../data/monitoring/annals-alerts.yml");
    let page = include_str!("../../docs/monitoring.md");
    let mut asked = 0;
    for expression in rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")) {
        let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for word in words.filter(|word| word.starts_with("annals_")) {
            assert!(page.contains(&format!("| `{word}")), "{word} is in no table");
            asked += 1;
        }
    }
    assert!(asked >= 3, "{rules}");
    for alert in ["AnnalsHoursAtRisk", "AnnalsHoursLost", "AnnalsNoSuccess"] {
        assert!(rules.contains(&format!("- alert: {alert}\n")) && page.contains(&format!("`{alert}`")), "{alert}");
    }
}
