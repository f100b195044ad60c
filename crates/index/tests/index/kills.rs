//! A process that takes hours in is killed; what it said it holds is there, and nothing else.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use index::Catalogue;

use crate::{ask, message, nine, open, take_in};

/// Names the folder that a child has to work in; where it is missing, there is nothing to do.
const ORDERS: &str = "take-hours-in";

/// Runs in the child: takes hours in, over and over, until it is killed. Each version is the one after the last.
#[test]
fn child() {
    if !Path::new(ORDERS).exists() {
        return;
    }
    let catalogue = open(Path::new("index"));
    for version in newest(&catalogue) + 1.. {
        let hour = nine().plus(version % 50);
        let messages: Vec<_> = (1..=30).map(|line| message(hour, line, &format!("word version{version}"))).collect();
        take_in(&catalogue, hour, &version.to_string(), &messages);
    }
}

#[test]
fn killed_at_any_moment_the_index_is_whole() {
    let work = tempfile::tempdir().unwrap();
    fs::write(work.path().join(ORDERS), "").unwrap();
    let folder = work.path().join("index");
    let mut reached = 0;
    for versions in [1, 3, 9, 14] {
        let mut child = spawn(work.path());
        wait_for(&folder, reached + versions, &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
        reached = check(&folder);
    }
}

fn spawn(work: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "kills::child"])
        .current_dir(work)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until a reader beside the writer sees a version.
fn wait_for(folder: &Path, version: i64, child: &mut Child) {
    loop {
        assert_eq!(child.try_wait().unwrap(), None, "the child has ended by itself");
        if let Ok(Some(catalogue)) = Catalogue::open_existing(folder)
            && newest(&catalogue) >= version
        {
            return;
        }
    }
}

fn newest(catalogue: &Catalogue) -> i64 {
    catalogue.hours().unwrap().values().map(|version| version.parse().unwrap()).max().unwrap_or(0)
}

/// Every hour that is held is whole and of one version, and another can be taken in. Returns the newest version.
fn check(folder: &Path) -> i64 {
    let catalogue = open(folder);
    let hours = catalogue.hours().unwrap();
    assert!(!hours.is_empty());
    for (hour, version) in &hours {
        assert_eq!(catalogue.documents_of(*hour).unwrap(), 30);
        assert_eq!(catalogue.search(&ask(&format!("word version{version}"))).unwrap().total, 30);
    }
    assert_eq!(catalogue.search(&ask("word")).unwrap().total, 30 * hours.len() as u64);
    let newest = newest(&catalogue) + 1;
    let hour = nine().plus(newest % 50);
    let messages: Vec<_> = (1..=30).map(|line| message(hour, line, &format!("word version{newest}"))).collect();
    take_in(&catalogue, hour, &newest.to_string(), &messages);
    catalogue.verify().unwrap();
    // Merges in the background write files too.
    catalogue.close().unwrap();
    let unfinished = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(unfinished.filter(|name| name.starts_with(".tmp")).count(), 0);
    newest
}
