//! What was served and cannot be decoded is kept for a person to look at, until the hour arrives sound.

use std::path::PathBuf;
use std::process::Command;

use emulator::{Handle, corpus};

use crate::scene::{Run, Scene, files_below, run};

const NOW: &str = "2026-03-14T20:00:00Z";

fn service(scene: &Scene, faults: &str) -> Handle {
    let traffic = corpus::Options { seed: 5, messages_per_hour: 100, ..corpus::Options::default() };
    scene.service_at(NOW, faults, traffic)
}

/// `annals fetch` of the one hour.
fn fetch(scene: &Scene, service: &Handle, flags: &[&str]) -> Run {
    let arguments = [&["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T10", "--json"], flags].concat();
    let mut command: Command = scene.annals_at(service, &arguments);
    run(command.env("ANNALS_CLOCK", NOW).env("ANNALS_API_ATTEMPTS", "2"))
}

/// The files that are kept, below `undecoded/`.
fn kept(scene: &Scene) -> Vec<PathBuf> {
    let folder = scene.archive().join("undecoded");
    if folder.exists() { files_below(&folder) } else { Vec::new() }
}

#[test]
fn a_file_that_stays_damaged_is_kept_until_a_sound_one_comes() {
    let scene = Scene::new();
    let damaged = fetch(&scene, &service(&scene, "random:1:1:bad-crc"), &[]).leaves(3);
    let name = "undecoded/2026/03/14/2026031409-0.gz";
    assert!(damaged.stderr.contains(name), "{}", damaged.stderr);
    assert!(damaged.stderr.contains("docs/operating.md"), "{}", damaged.stderr);
    assert_eq!(kept(&scene), ["2026/03/14/2026031409-0.gz"].map(PathBuf::from));
    let status = run(scene.annals(&["status"]).env("ANNALS_CLOCK", NOW));
    assert!(status.stdout.contains(name), "{}", status.stdout);

    let sound = service(&scene, "");
    let whole = fetch(&scene, &sound, &[]).leaves(0).json();
    assert_eq!(whole["hours"]["done"], 1);
    assert!(kept(&scene).is_empty());
    run(&mut scene.annals(&["verify"])).leaves(0);
}

#[test]
fn an_archived_hour_that_is_served_damaged_stays_and_is_cleared_up_after() {
    let scene = Scene::new();
    fetch(&scene, &service(&scene, ""), &[]).leaves(0);
    let damaged = fetch(&scene, &service(&scene, "random:1:1:bad-crc"), &["--again"]).leaves(3).json();
    assert_eq!((&damaged["hours"]["done"], kept(&scene).len()), (&1.into(), 1));
    fetch(&scene, &service(&scene, ""), &["--again"]).leaves(0);
    assert!(kept(&scene).is_empty());
    // The same bytes once more.
    fetch(&scene, &service(&scene, "random:1:1:truncated-gzip"), &["--again"]).leaves(3);
    let later = "2026-03-15T20:00:00Z";
    let sound = service(&scene, "");
    sound.clock().set(later.parse().unwrap());
    let arguments = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T10"];
    run(scene.annals_at(&sound, &arguments).env("ANNALS_CLOCK", later)).leaves(0);
    assert!(kept(&scene).is_empty());
}

#[test]
fn a_lost_hour_says_what_kept_it_from_being_archived() {
    let scene = Scene::new();
    fetch(&scene, &service(&scene, "random:1:1:bad-crc"), &[]).leaves(3);
    let late = "2026-03-18T20:00:00Z";
    let service = service(&scene, "");
    service.clock().set(late.parse().unwrap());
    let arguments = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T10"];
    run(scene.annals_at(&service, &arguments).env("ANNALS_CLOCK", late)).leaves(6);
    let until = ["status", "--json", "--until", "2026-03-14T10"];
    let status = run(scene.annals(&until).env("ANNALS_CLOCK", late)).leaves(0).json();
    let failure = &status["failures"][0];
    assert_eq!((&failure["hour"], &failure["state"]), (&"2026031409".into(), &"lost".into()), "{status}");
    assert!(failure["error"].as_str().unwrap().contains("undecoded/2026/03/14/2026031409-0.gz"), "{failure}");
    assert_eq!(kept(&scene).len(), 1);
}

#[test]
fn of_several_parts_those_of_the_last_answer_are_kept() {
    let scene = Scene::new();
    fetch(&scene, &service(&scene, "2026031409:parts=3;random:1:1:truncated-gzip"), &[]).leaves(3);
    let before = kept(&scene);
    fetch(&scene, &service(&scene, "2026031409:parts=2;random:1:1:truncated-gzip"), &[]).leaves(3);
    assert_eq!((before.len(), kept(&scene).len()), (3, 2));
}

#[test]
fn what_can_be_read_of_a_cut_file_can_be_archived_as_the_page_says() {
    let scene = Scene::new();
    fetch(&scene, &service(&scene, "random:1:1:truncated-gzip"), &[]).leaves(3);
    let cut = scene.archive().join("undecoded/2026/03/14/2026031409-0.gz");
    let lines = Command::new("gzip").args(["--decompress", "--stdout"]).arg(&cut).output().unwrap();
    assert!(!lines.status.success(), "it is cut");
    std::fs::write(scene.path("2026031409-0"), &lines.stdout).unwrap();
    let loaded = run(&mut scene.annals(&["load", "--set", "api.zone=UTC", "2026031409-0", "--json"])).leaves(0).json();
    let newlines = lines.stdout.iter().filter(|byte| **byte == b'\n').count() as u64;
    assert!(newlines > 0 && loaded["lines"].as_u64().unwrap() >= newlines, "{loaded}");
    assert_eq!(kept(&scene).len(), 1, "a person made it, and a person removes it");

    let whole = fetch(&scene, &service(&scene, ""), &["--again"]).leaves(0).json();
    assert!(whole["messages"].as_u64() > loaded["messages"].as_u64(), "{whole}");
    assert!(kept(&scene).is_empty());
}
