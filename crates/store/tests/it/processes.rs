//! Several processes on one archive, and processes that die.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use store::{Mode, Published, Turned};
use tempfile::TempDir;

use crate::support::{Wanted, assert_at_rest, open, publication, rows, wanted};

const ROOT: &str = "ANNALS_TEST_ROOT";
const HOURS: i64 = 12;

/// Runs [`a_second_process`] in a process of its own.
fn start(root: &Path) -> Child {
    run("processes::a_second_process", root)
}

/// Runs one of the tests that are none in a process of its own.
fn run(test: &str, root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ROOT, root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// No test of its own: what the others start. Publishes hours and says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "the parent listens")]
async fn a_second_process() {
    #[expect(clippy::disallowed_methods, reason = "a test's child gets its orders from its parent")]
    let Some(root) = std::env::var_os(ROOT) else { return };
    let archive = open(Path::new(&root)).await;
    for number in 0..HOURS {
        let published = archive.publish(publication(&archive, of_number(number)).unwrap(), Mode::New).await.unwrap();
        println!("\n{}", if matches!(published, Published::Done(_)) { "done" } else { "there" });
    }
}

/// No test of its own: takes the turn, says so, and keeps it until it is killed.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "the parent listens")]
async fn a_process_that_has_the_turn() {
    #[expect(clippy::disallowed_methods, reason = "a test's child gets its orders from its parent")]
    let Some(root) = std::env::var_os(ROOT) else { return };
    let archive = open(Path::new(&root)).await;
    let Turned::Mine(_turn) = archive.try_turn().unwrap() else { panic!("nobody else has it") };
    println!("\ndone");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

fn of_number(number: i64) -> Wanted {
    Wanted { dead_letters: 1, ..wanted(number, 3) }
}

fn words(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.map_while(Result::ok).filter(|line| line == "done" || line == "there")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_publish_the_same_hours_leave_each_there_once() {
    let folder = TempDir::new().unwrap();
    let mut children = [start(folder.path()), start(folder.path()), start(folder.path())];
    let listeners: Vec<_> =
        children.iter_mut().map(words).map(|words| std::thread::spawn(|| words.collect::<Vec<_>>())).collect();
    let said: Vec<_> = listeners.into_iter().flat_map(|listener| listener.join().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let done = said.iter().filter(|word| *word == "done").count();
    assert_eq!((done, said.len()), (12, 36), "each hour has one winner");
    let archive = open(folder.path()).await;
    assert_eq!(rows(&archive).await.len(), 36);
    assert_eq!(archive.dead_letters(None).await.unwrap().len(), 12);
    assert_at_rest(&archive).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_costs_no_row() {
    let folder = TempDir::new().unwrap();
    for words_before in [0, 1, 3, 6] {
        let mut child = start(folder.path());
        // As the child goes on working, the kill hits wherever it is just then.
        assert_eq!(words(&mut child).take(words_before).count(), words_before);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_at_rest(&open(folder.path()).await).await;
    }
    assert!(start(folder.path()).wait_with_output().unwrap().status.success());
    let archive = open(folder.path()).await;
    assert_eq!(rows(&archive).await.len(), 36);
    assert_eq!(archive.dead_letters(None).await.unwrap().len(), 12);
    assert_at_rest(&archive).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_turn_falls_with_the_process_that_has_it() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    assert!(!folder.path().join(".turn").exists(), "who only reads leaves nothing");
    let mut child = run("processes::a_process_that_has_the_turn", folder.path());
    assert_eq!(words(&mut child).next().as_deref(), Some("done"));
    let Turned::Taken { holder } = archive.try_turn().unwrap() else { panic!("the other has it") };
    assert!(holder.starts_with(&format!("process {}, since 2026-03-20T00:00:0", child.id())), "{holder}");
    child.kill().unwrap();
    child.wait().unwrap();
    let Turned::Mine(turn) = archive.try_turn().unwrap() else { panic!("the other is dead") };
    let Turned::Taken { holder } = archive.try_turn().unwrap() else { panic!("it is taken") };
    assert!(holder.starts_with(&format!("process {}, since ", std::process::id())), "{holder}");
    drop(turn);
    assert!(matches!(archive.try_turn().unwrap(), Turned::Mine(_)));
}
