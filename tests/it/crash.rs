//! The program killed at any moment: run again, it leaves the same rows as an undisturbed run.

use std::time::Instant;

use chat::{Hour, Hours};
use emulator::corpus;

use crate::scene::{Scene, run, start, wait};
use crate::table;

const HOURS: i64 = 6;

/// Hour files of six hours, on disk.
fn files(scene: &Scene) -> Vec<String> {
    let traffic = corpus::Options { seed: 9, messages_per_hour: 200, ..corpus::Options::default() };
    let first = Hour::from_key("2026031408").unwrap();
    let paths = Hours::between(first, first.plus(HOURS)).map(|hour| {
        let path = scene.path(&format!("{}.ndjson", hour.key()));
        corpus::write_hour(&traffic, hour, &mut std::fs::File::create(&path).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    });
    paths.collect()
}

fn load(scene: &Scene, files: &[String]) -> std::process::Command {
    let arguments: Vec<&str> = ["load", "--json"].into_iter().chain(files.iter().map(String::as_str)).collect();
    scene.annals(&arguments)
}

#[test]
fn killed_at_any_moment_it_leaves_the_same_rows() {
    let steady = Scene::new();
    let paths = files(&steady);
    let began = Instant::now();
    run(&mut load(&steady, &paths)).leaves(0);
    let whole = began.elapsed();
    let expected = table::messages(&steady.archive());
    assert!(!expected.is_empty());

    // Moments spread over the time that a whole run takes; where exactly they fall does not matter.
    for tenth in 1..10 {
        let scene = Scene::new();
        let paths = files(&scene);
        let mut child = start(&mut load(&scene, &paths));
        std::thread::sleep(whole * tenth / 10);
        child.kill().unwrap();
        wait(child);
        let report = run(&mut load(&scene, &paths)).leaves(0).json();
        assert_eq!(report["hours"]["done"], HOURS, "killed after {tenth} tenths");
        assert_eq!(table::messages(&scene.archive()), expected, "killed after {tenth} tenths");
        assert_eq!(table::data_files(&scene.archive()), paths.len(), "killed after {tenth} tenths");
        run(&mut scene.annals(&["verify"])).leaves(0);
    }
}

#[test]
fn killed_again_and_again_it_gets_there() {
    let steady = Scene::new();
    run(&mut load(&steady, &files(&steady))).leaves(0);
    let scene = Scene::new();
    let paths = files(&scene);
    // Each run is killed when it has got one file further than the one before.
    for files in 1..=3 {
        let mut child = start(&mut load(&scene, &paths));
        while table::data_files(&scene.archive()) < files && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        wait(child);
    }
    let report = run(&mut load(&scene, &paths)).leaves(0).json();
    assert_eq!(report["hours"]["done"], HOURS);
    assert_eq!(table::messages(&scene.archive()), table::messages(&steady.archive()));
    run(&mut scene.annals(&["verify"])).leaves(0);
}
