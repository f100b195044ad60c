//! What the README tells people to type works.

use crate::scene::{Scene, run};

const README: &str = include_str!("../../README.md");

/// The lines of the README that call the program, without what is around the call.
fn commands() -> Vec<String> {
    let blocks = README.split("```").skip(1).step_by(2).filter(|block| block.starts_with("sh\n"));
    let lines = blocks.flat_map(str::lines).map(str::trim).filter(|line| line.starts_with("annals "));
    lines.map(|line| line.split("  #").next().unwrap_or(line).trim().to_owned()).collect()
}

/// Splits a line as a shell would, for the quotes that the README uses.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_search_of_the_readme_finds_something() {
    let scene = Scene::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
    std::os::unix::fs::symlink(data, scene.path("data")).unwrap();
    let mut tried = 0;
    for line in commands() {
        let words = words(&line);
        if !matches!(words[1].as_str(), "load" | "query" | "show") {
            continue;
        }
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let run = run(&mut scene.annals(&arguments)).leaves(0);
        assert!(!run.stdout.is_empty(), "{line}");
        tried += 1;
    }
    assert!(tried >= 7, "{tried} commands tried");
}

#[test]
fn every_command_of_the_readme_is_one() {
    let scene = Scene::new();
    for line in commands() {
        let command = words(&line)[1].clone();
        if command.starts_with(char::is_uppercase) {
            continue;
        }
        run(&mut scene.annals(&[&command, "--help"])).leaves(0);
    }
}

#[test]
fn the_demo_runs() {
    let scene = Scene::new();
    let demo = run(&mut scene.annals(&["demo"])).leaves(0);
    for expected in ["demo-archive", "annals query"] {
        assert!(demo.stdout.contains(expected), "{expected} in\n{}", demo.stdout);
    }
    run(&mut scene.annals(&["verify", "--archive", "demo-archive"])).leaves(0);
    run(&mut scene.annals(&["demo"])).leaves(0);
}
