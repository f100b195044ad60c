//! What an operator installs and reads: the files of `data/deploy` and the page `docs/operating.md` keep to the program.

mod checkers;
mod night;
mod reading;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::scene::{Scene, files_below, run};
use reading::{code, commands, secrets, settings, variables};

/// The root of the repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The operator's page.
const PAGE: &str = "docs/operating.md";

/// A file by its path from the root of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The page and every file that is installed, each with its path.
fn files() -> Vec<(String, String)> {
    let installed = files_below(&Path::new(ROOT).join("data/deploy"));
    let installed = installed.into_iter().map(|path| format!("data/deploy/{}", path.display()));
    let paths: Vec<String> = installed.chain([PAGE.to_owned()]).collect();
    assert!(paths.len() > 8, "{paths:?}");
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}

/// What the program says about its settings.
fn known_settings(scene: &Scene) -> String {
    run(&mut scene.annals(&["config", "--markdown"])).leaves(0).stdout
}

#[test]
fn every_command_can_be_typed() {
    let scene = Scene::new();
    // What the test below rests on: with --help a command does nothing, and is still looked at.
    for wrong in [&["fetch", "--nonesuch", "--help"][..], &["fetch", "--log-format", "xml", "--help"]] {
        run(&mut scene.annals(wrong)).leaves(2);
    }
    let mut tried = BTreeSet::new();
    for (path, text) in files() {
        for command in commands(&text, path.ends_with(".md")) {
            let arguments: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
            let run = run(&mut scene.annals(&arguments));
            assert_eq!(run.code, 0, "{path}: annals {}\n{}", command.join(" "), run.stderr);
            tried.insert(command.join(" "));
        }
    }
    assert!(tried.contains("fetch --due --quiet") && tried.len() >= 8, "{tried:?}");
}

#[test]
fn every_variable_and_every_setting_is_one() {
    let scene = Scene::new();
    let known = known_settings(&scene);
    let mut seen = BTreeSet::new();
    for (path, text) in files() {
        for name in variables(&text) {
            let is_known = name == "ANNALS_ARCHIVE" || known.contains(&format!("`{name}`"));
            assert!(is_known, "{path}: the program does not know {name}");
            seen.insert(name);
        }
        for name in settings(&text, &known) {
            assert!(known.contains(&format!("`{name}`")), "{path}: there is no setting {name}");
            seen.insert(name);
        }
    }
    for expected in ["ANNALS_API_CLIENT_SECRET_FILE", "ingest.second_run", "api.history_per_minute"] {
        assert!(seen.contains(expected), "{expected} in {seen:?}");
    }
}

#[test]
fn the_settings_that_the_page_shows_can_be_set() {
    let scene = Scene::new();
    let shown: Vec<String> = code(&read(PAGE), "toml").collect();
    assert!(!shown.is_empty());
    for settings in shown {
        fs::create_dir_all(scene.archive()).unwrap();
        fs::write(scene.archive().join("annals.toml"), &settings).unwrap();
        run(&mut scene.annals(&["config"])).leaves(0);
    }
}

#[test]
fn no_file_holds_a_secret() {
    for (path, text) in files() {
        assert_eq!(secrets(&text), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn everything_runs_the_same_job() {
    let units = ["data/deploy/systemd/annals.service", "data/deploy/annals.crontab"];
    for path in units {
        let found = commands(&read(path), false);
        assert!(found.iter().any(|command| command.starts_with(&["fetch".to_owned(), "--due".to_owned()])), "{path}");
        assert!(read(path).contains("/usr/local/bin/annals fetch --due"), "{path}");
    }
    let image = read("data/deploy/Dockerfile");
    let words = image.lines().find_map(|line| line.strip_prefix("CMD ")).expect("the image has a CMD");
    assert_eq!(serde_json::from_str::<Vec<String>>(words).unwrap(), ["fetch", "--due"]);
}

/// What BuildKit is not given cannot be built from.
#[test]
fn the_image_is_given_all_that_the_build_reads() {
    let ignored = read("data/deploy/Dockerfile.dockerignore");
    let given: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for path in &given {
        assert!(Path::new(ROOT).join(path).exists(), "{path}");
    }
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let targets = ["bin", "bench"].into_iter().flat_map(|kind| manifest[kind].as_array().unwrap());
    let paths = targets.map(|target| target["path"].as_str().unwrap());
    for path in
        paths.chain(["Cargo.toml", "Cargo.lock", "crates/chat", manifest["package"]["readme"].as_str().unwrap()])
    {
        assert!(given.iter().any(|top| path == *top || path.starts_with(&format!("{top}/"))), "{path} in {given:?}");
    }
}
