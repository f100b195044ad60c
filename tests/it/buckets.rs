//! Archives in a bucket: the program against real stores, which speak the languages of the clouds.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use emulator::corpus;

use crate::clouds::{Cloud, Store};
use crate::gate::Gate;
use crate::interop::python;
use crate::last_request::write_hours;
use crate::restore;
use crate::scene::{Run, Scene, files_below, run, start, wait};

const PLACE: &str = "s3://harbor/nightly";
pub(crate) const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");

/// A scene with a store, which is ended with it.
pub(crate) struct Shore {
    pub(crate) scene: Scene,
    store: Store,
    pub(crate) endpoint: String,
    /// Where the archive is that commands are about unless they are told otherwise.
    place: String,
}

impl Shore {
    /// With a store that speaks S3; `None` where there is no Python with one.
    pub(crate) fn new() -> Option<Self> {
        Self::of(Cloud::S3)
    }

    /// With a store of this cloud.
    pub(crate) fn of(cloud: Cloud) -> Option<Self> {
        let python = PathBuf::from(python()?);
        let scene = Scene::new();
        let store = Store::start(cloud, &python, scene.path("store"));
        let shore = Self { scene, endpoint: store.endpoint.clone(), place: cloud.place("nightly"), store };
        shore.wait_for_the_bucket();
        Some(shore)
    }

    /// Waits until there is a bucket that can be written to, however long a busy machine takes.
    fn wait_for_the_bucket(&self) {
        let begun = Instant::now();
        let hour = self.scene.path("2026031300.ndjson");
        std::fs::write(&hour, "{\"msg_id\":\"1\"}\n").unwrap();
        let load = || self.annals_on("ready", &["load", "--no-index", hour.to_str().unwrap()]);
        loop {
            let loaded = run(load().env("ANNALS_ARCHIVE", self.place("ready")));
            if loaded.code == 0 {
                return;
            }
            let may_come = self.is_of(Cloud::S3) && begun.elapsed() < Duration::from_secs(120);
            assert!(may_come, "the store does not answer: {}", loaded.stderr);
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub(crate) fn annals(&self, arguments: &[&str]) -> Command {
        self.annals_on("one", arguments)
    }

    /// The program on a machine of that name, which shares nothing with the others but the bucket.
    fn annals_on(&self, machine: &str, arguments: &[&str]) -> Command {
        let mut command = self.scene.annals(arguments);
        command
            .env("ANNALS_ARCHIVE", &self.place)
            .env("XDG_DATA_HOME", self.scene.path(machine).join("data"))
            .env("XDG_STATE_HOME", self.scene.path(machine).join("state"))
            .envs(self.credentials());
        command
    }

    /// What the environment says of the store.
    pub(crate) fn credentials(&self) -> Vec<(&'static str, String)> {
        self.store.variables()
    }

    /// What it says to the program that is to go through a gate.
    pub(crate) fn credentials_at(&self, gate: &Gate) -> Vec<(&'static str, String)> {
        self.store.variables_at(&gate.endpoint)
    }

    pub(crate) fn is_of(&self, cloud: Cloud) -> bool {
        self.store.cloud == cloud
    }

    /// Where an archive of this name is in the bucket.
    pub(crate) fn place(&self, name: &str) -> String {
        self.store.cloud.place(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.annals(arguments))
    }
}

#[test]
fn an_archive_in_a_bucket_says_what_one_in_a_folder_says() {
    Cloud::ALL.into_iter().filter_map(Shore::of).for_each(|shore| assert_says_the_same(&shore));
}

fn assert_says_the_same(shore: &Shore) {
    shore.run(&["status"]).leaves(2);
    let local = |arguments: &[&str]| run(&mut shore.scene.annals(arguments));
    for place in [&local as &dyn Fn(&[&str]) -> Run, &|arguments: &[&str]| shore.run(arguments)] {
        place(&["load", SAMPLES]).leaves(0);
        // Once more: the hour is there, and its bytes are the same.
        place(&["load", SAMPLES]).leaves(0);
        place(&["compact", "--since", "2026-03-14", "--until", "2026-03-15"]).leaves(0);
        place(&["verify", "--round-trip"]).leaves(0);
    }
    let questions: [&[&str]; 3] = [
        &["query", "type:txt", "--format", "jsonl", "--limit", "1000"],
        &["query", "type:txt", "--count"],
        &["export", "--to", "-"],
    ];
    for question in questions {
        let said = shore.run(question).leaves(0).stdout;
        assert!(!said.is_empty() && said == local(question).leaves(0).stdout, "{question:?}: {said}");
        // Another machine has nothing but the bucket.
        assert_eq!(run(&mut shore.annals_on("two", question)).leaves(0).stdout, said, "{question:?}");
    }
    let ddl = shore.run(&["ddl", "--for", "duckdb"]).leaves(0).stdout;
    assert!(ddl.contains(&format!("{}/messages", shore.place)), "{ddl}");
    assert_eq!(rows_by_others(shore, &shore.place), rows_by_others(shore, shore.scene.archive().to_str().unwrap()));
    let unfinished: Vec<_> = ["one", "two"].iter().flat_map(|machine| unfinished(&shore.scene.path(machine))).collect();
    assert_eq!(unfinished, [] as [PathBuf; 0]);
}

#[test]
fn an_archive_in_a_bucket_is_played_back_into_an_app() {
    let Some(shore) = Shore::new() else { return };
    let scene = &shore.scene;
    let source = restore::service(scene, "lantern");
    restore::say_all(scene, &source);
    restore::archive_all(scene, &source, &scene.archive());
    let of_bucket = |machine: &str, command: &mut Command| {
        let machine = scene.path(machine);
        command.env("ANNALS_ARCHIVE", PLACE).env("XDG_DATA_HOME", machine.join("data")).envs(shore.credentials());
        run(command)
    };
    let base_url = source.base_url();
    for arguments in
        [&["fetch", "--no-index", "--since", "2026-03-14", "--until", "2026-03-15"][..], &["media", "fetch"]]
    {
        of_bucket("one", &mut restore::annals(scene, &base_url, &source, arguments)).leaves(0);
    }
    let target = restore::service(scene, "beacon");
    let base_url = target.base_url();
    let dry = of_bucket("one", &mut restore::restore(scene, &base_url, &target, &["--all", "--dry-run"])).leaves(0);
    assert_eq!((&dry.json()["chosen"], target.calls().methods), (&22.into(), 0), "{}", dry.stdout);
    let restored = of_bucket("one", &mut restore::restore(scene, &base_url, &target, &["--all"])).leaves(0).json();
    assert_eq!((&restored["imported"], &restored["uploaded"]["files"]), (&22.into(), &6.into()), "{restored}");
    let again = of_bucket("one", &mut restore::restore(scene, &base_url, &target, &["--all"])).leaves(0).json();
    assert_eq!((&again["imported"], &again["earlier"]), (&0.into(), &22.into()), "{again}");
    // Another machine does not know what this one did, and does not do it once more.
    let other = of_bucket("two", &mut restore::restore(scene, &base_url, &target, &["--all"])).leaves(2);
    assert!(other.stderr.contains("was begun on another machine"), "{}", other.stderr);
    assert_eq!(target.calls().methods, 22 + 6);
    let copy = scene.path("copy");
    restore::archive_all(scene, &target, &copy);
    assert_eq!(restore::sayings(scene, &scene.archive()), restore::sayings(scene, &copy));
    assert_eq!(unfinished(&scene.path("one")), [] as [PathBuf; 0]);
}

/// What is in the folders of a machine for what is unfinished.
fn unfinished(machine: &Path) -> Vec<PathBuf> {
    let is_unfinished = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "tmp");
    files_below(machine).into_iter().filter(is_unfinished).collect()
}

/// The rows of `messages` as delta-rs in Python reads them.
pub(crate) fn rows_by_others(shore: &Shore, archive: &str) -> usize {
    const SCRIPT: &str = "\
import os, sys, deltalake
options = {'AWS_ALLOW_HTTP': 'true'} if sys.argv[1].startswith('s3:') else None
print(deltalake.DeltaTable(sys.argv[1] + '/messages', storage_options=options).to_pyarrow_table().num_rows)
sys.stdout.flush()
os._exit(0)";
    let mut python = Command::new(python().unwrap());
    let output = python.args(["-c", SCRIPT, archive]).envs(shore.credentials()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// The names of all objects of the bucket.
pub(crate) fn objects_by_others(shore: &Shore) -> Vec<String> {
    const LIST: &str = "\
found = store.get_file_info(fs.FileSelector(sys.argv[1], recursive=True))
print('\\n'.join(one.path for one in found if one.is_file))";
    shore.store.ask(Path::new(&python().unwrap()), LIST).lines().map(str::to_owned).collect()
}

#[test]
fn machines_that_fetch_the_same_hours_at_once_leave_each_there_once() {
    Cloud::ALL.into_iter().filter_map(Shore::of).for_each(|shore| assert_fetched_once(&shore));
}

fn assert_fetched_once(shore: &Shore) {
    let service = shore.scene.service_at("2026-03-16T12:00:00Z", "", corpus::Options::default());
    let fetch = |mut command: Command| {
        command
            .args(["fetch", "--since", "2026-03-14T08", "--until", "2026-03-14T11"])
            .env("ANNALS_API_BASE_URL", service.base_url())
            .env("ANNALS_API_TOKEN", service.token())
            .env("ANNALS_API_HISTORY_PER_MINUTE", "60000")
            .env("ANNALS_CLOCK", "2026-03-16T12:00:00Z");
        start(&mut command)
    };
    wait(fetch(shore.scene.annals(&[]))).leaves(0);
    let machines = ["one", "two"].map(|machine| fetch(shore.annals_on(machine, &[])));
    for machine in machines {
        wait(machine).leaves(0);
    }
    shore.run(&["verify"]).leaves(0);
    assert_eq!(rows_by_others(shore, &shore.place), rows_by_others(shore, shore.scene.archive().to_str().unwrap()));
}

/// The commit of one machine waits until another has made the same version of the table.
#[test]
fn of_two_machines_that_make_the_same_version_of_a_table_neither_is_lost() {
    Cloud::ALL.into_iter().filter_map(Shore::of).for_each(|shore| assert_neither_is_lost(&shore));
}

fn assert_neither_is_lost(shore: &Shore) {
    let hours = write_hours(shore, "hours", 3, 1..4);
    let load = |machine: &str, hour: usize| shore.annals_on(machine, &["load", "--no-index", &hours[hour]]);
    run(&mut load("one", 0)).leaves(0);
    let gate = Gate::pausing(&shore.endpoint, ["messages", "00000000000000000002"]);
    let mut held = start(load("one", 1).envs(shore.credentials_at(&gate)));
    gate.wait_for(&mut held);
    run(&mut load("two", 2)).leaves(0);
    gate.let_through();
    wait(held).leaves(0);
    assert_eq!(shore.run(&["export", "--to", "-"]).leaves(0).stdout.lines().count(), 9, "{:#?}", gate.passed());
    shore.run(&["verify"]).leaves(0);
}

/// How long what was replaced stays is set for the program, whichever store it is.
#[test]
fn a_file_that_was_replaced_stays_as_long_as_is_set() {
    let Some(shore) = Shore::of(Cloud::Az) else { return };
    let (old, new) = (write_hours(&shore, "old", 1, 1..4), write_hours(&shore, "new", 1, 2..7));
    let at = |now: &str, grace: &str, arguments: &[&str]| {
        run(shore.annals(arguments).env("ANNALS_CLOCK", now).env("ANNALS_BUCKET_GRACE", grace)).leaves(0);
        objects_by_others(&shore).iter().filter(|name| name.contains("nightly/messages/date=")).count()
    };
    assert_eq!(at("2026-03-14T20:00:00Z", "1h", &["load", "--no-index", &old[0]]), 1);
    assert_eq!(at("2026-03-14T20:00:00Z", "1h", &["load", "--no-index", "--again", &new[0]]), 2);
    assert_eq!(at("2026-03-15T06:00:00Z", "12h", &["compact", "--since", "2026-03-14", "--until", "2026-03-15"]), 2);
    assert_eq!(at("2026-03-15T06:00:00Z", "1h", &["compact", "--since", "2026-03-14", "--until", "2026-03-15"]), 1);
}

/// An hour of texts that do not get smaller: its served bytes and its rows are each more than goes into one request.
#[test]
fn an_hour_that_is_uploaded_in_parts_is_whole_and_there_once() {
    const TEXTS: usize = 6_000;
    let Some(shore) = Shore::new() else { return };
    let hour = shore.scene.path("2026031405.ndjson");
    write_dense_hour(&hour, TEXTS);
    let load = || shore.annals(&["load", "--no-index", hour.to_str().unwrap()]);
    // Killed within the parts of the served bytes, when four changes have made the archive; then within those of the rows.
    for changes in [4 + 2, 8] {
        let gate = Gate::before(&shore.endpoint, changes);
        assert!(gate.kill(&mut load()));
        let last = gate.passed().into_iter().rfind(|line| !line.starts_with("GET ")).unwrap();
        assert!(last.contains("partNumber="), "{last}");
        assert_eq!(shore.run(&["export", "--to", "-"]).leaves(1).stdout, "");
    }
    let gate = Gate::open(&shore.endpoint);
    run(load().env("AWS_ENDPOINT_URL", &gate.endpoint)).leaves(0);
    let begun_below = |folder: &str| {
        let is_begun = |line: &&String| line.starts_with("POST ") && line.contains(folder) && line.contains("?uploads");
        gate.passed().iter().filter(is_begun).count()
    };
    assert_eq!((begun_below("/raw/"), begun_below("/messages/")), (1, 1), "{:#?}", gate.passed());
    shore.run(&["verify", "--round-trip"]).leaves(0);
    assert_eq!(rows_by_others(&shore, PLACE), TEXTS);
    // Azure has another way to upload in parts.
    let Some(shore) = Shore::of(Cloud::Az) else { return };
    let gate = Gate::open(&shore.endpoint);
    run(shore.annals(&["load", "--no-index", hour.to_str().unwrap()]).envs(shore.credentials_at(&gate))).leaves(0);
    let parts = gate.passed().iter().filter(|line| line.starts_with("PUT ") && line.contains("comp=block&")).count();
    assert!(parts > 2, "{:#?}", gate.passed());
    shore.run(&["verify", "--round-trip"]).leaves(0);
    assert_eq!(rows_by_others(&shore, &shore.place), TEXTS);
}

/// Writes so many messages of four thousand letters by chance each.
pub(crate) fn write_dense_hour(path: &Path, texts: usize) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut file = BufWriter::new(File::create(path).unwrap());
    let mut chance: u64 = 88_172_645_463_325_252;
    for id in 0..texts {
        let text: String = std::iter::repeat_with(|| {
            // Xorshift.
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            char::from(LETTERS[(chance % 64) as usize])
        })
        .take(4_000)
        .collect();
        let body = format!("{{\"payload\":{{\"bodies\":[{{\"type\":\"txt\",\"msg\":\"{text}\"}}]}},");
        writeln!(file, "{body}\"msg_id\":\"{id}\",\"timestamp\":1773464400000}}").unwrap();
    }
    file.flush().unwrap();
}

#[test]
fn a_bucket_that_cannot_be_used_is_said() {
    // fake-gcs-server answers as if it were broken when there is no such bucket.
    [Cloud::Az, Cloud::S3].into_iter().filter_map(Shore::of).for_each(|shore| assert_said_what_is_wrong(&shore));
}

fn assert_said_what_is_wrong(shore: &Shore) {
    let nowhere = shore.place.replace("harbor/nightly", "no-such-bucket");
    let commands: [&[&str]; 6] = [
        &["status"],
        &["verify"],
        &["query", "harbour"],
        &["export", "--to", "-"],
        &["ddl", "--for", "duckdb"],
        &["load", SAMPLES],
    ];
    for arguments in commands {
        let run = run(shore.annals(arguments).env("ANNALS_ARCHIVE", format!("{nowhere}/x"))).leaves(2);
        let said = [&format!("there is no bucket {nowhere}\n"), "hint: make the bucket first"];
        assert!(said.iter().all(|words| run.stderr.contains(words)), "{arguments:?}: {}", run.stderr);
    }
    // An empty prefix of a bucket that is there is no archive, as before.
    let empty = run(shore.annals(&["status"]).env("ANNALS_ARCHIVE", shore.place("empty"))).leaves(2);
    assert!(empty.stderr.contains(&format!("{} is no archive", shore.place("empty"))), "{}", empty.stderr);
    let (name, wrong) = shore.store.cloud.wrong_key().unwrap();
    let refused = run(shore.annals(&["status"]).env(name, wrong)).leaves(2);
    assert!(refused.stderr.contains("hint:") && !refused.stderr.contains(wrong), "{}", refused.stderr);
}
