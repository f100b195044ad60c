//! An archive in a bucket whose writer was killed between any two of its requests, against real stores.
//!
//! The program talks to the store through a gate that lets a number of changes through and holds the next one, at which
//! the program is killed. No feature is needed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use chat::Hour;

use crate::buckets::{Shore, objects_by_others, rows_by_others};
use crate::clouds::Cloud;
use crate::gate::Gate;
use crate::scene::{Run, run};

/// When hours are loaded, and when their day is closed.
const YOUNG: &str = "2026-03-14T20:00:00Z";
const CLOSED: &str = "2026-03-18T12:00:00Z";
/// When nobody can be at anything any more that lies in the bucket today.
const LATER: &str = "2126-01-01T00:00:00Z";
const COMPACT: [&str; 5] = ["compact", "--since", "2026-03-14", "--until", "2026-03-15"];
/// At each so many-th change, another program reads the table too.
const READ_BY_OTHERS: i64 = 5;

/// The ids of the messages of each hour, in order.
type Held = BTreeMap<String, Vec<String>>;

/// An archive of the bucket.
struct Berth<'a> {
    shore: &'a Shore,
    place: String,
}

impl Berth<'_> {
    fn annals(&self, now: &str, arguments: &[&str]) -> Command {
        let mut command = self.shore.annals(arguments);
        command.env("ANNALS_ARCHIVE", &self.place).env("ANNALS_CLOCK", now);
        command
    }

    fn run(&self, now: &str, arguments: &[&str]) -> Run {
        run(&mut self.annals(now, arguments))
    }

    /// What a reader finds; nothing where there is no archive yet.
    fn held(&self) -> Held {
        let mut held = Held::new();
        let export = self.run(CLOSED, &["export", "--to", "-"]);
        assert!([0, 1, 2].contains(&export.code), "{export:?}");
        for record in export.json_lines() {
            let id = record["msg_id"].as_str().unwrap();
            held.entry(id.split('-').next().unwrap().to_owned()).or_default().push(id.to_owned());
        }
        held.values_mut().for_each(|ids| ids.sort_unstable());
        held
    }

    /// Runs a command through a gate and kills it there; says whether it got there.
    fn kill_before(&self, changes: i64, now: &str, arguments: &[&str]) -> bool {
        let gate = Gate::before(&self.shore.endpoint, changes);
        gate.kill(self.annals(now, arguments).envs(self.shore.credentials_at(&gate)))
    }
}

/// Kills a command before each of its changes (with other stores than S3's before each third, to save time), each time in an archive of its own: a reader finds each hour as it was or as
/// it is to be, and the same command ends well afterwards. There must be more changes than `least`.
fn assert_may_be_killed(shore: &Shore, prepare: &dyn Fn(&Berth<'_>), now: &str, arguments: &[&str], least: i64) {
    let berth = |name: &str| {
        let berth = Berth { shore, place: shore.place(name) };
        prepare(&berth);
        berth
    };
    let steady = berth("steady");
    let before = steady.held();
    steady.run(now, arguments).leaves(0);
    let after = steady.held();
    for changes in (0..).step_by(if shore.is_of(Cloud::S3) { 1 } else { 3 }) {
        let berth = berth(&format!("before-{changes}"));
        let is_killed = berth.kill_before(changes, now, arguments);
        let found = berth.held();
        for hour in after.keys() {
            let is_whole = [before.get(hour), after.get(hour)].contains(&found.get(hour));
            assert!(is_whole, "killed before change {changes}: {hour} is {:?}", found.get(hour));
        }
        let rows: usize = found.values().map(Vec::len).sum();
        if rows > 0 && changes % READ_BY_OTHERS == 0 {
            assert_eq!(rows_by_others(shore, &berth.place), rows, "killed before change {changes}");
        }
        berth.run(now, arguments).leaves(0);
        berth.run(LATER, &COMPACT).leaves(0);
        berth.run(LATER, &["verify"]).leaves(0);
        assert_eq!(berth.held(), after, "killed before change {changes}");
        if !is_killed {
            assert!(changes > least, "only {changes} changes were tried");
            break;
        }
    }
    // Of no hour is anything left that was served for a run that died.
    let served = objects_by_others(shore).into_iter().filter(|name| name.contains("/raw/2026/03/14/"));
    let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in served {
        let (folder, file) = name.rsplit_once('/').unwrap();
        let hour = file.split(['-', '.']).next().unwrap();
        kept.entry(format!("{folder}/{hour}")).or_default().push(name);
    }
    assert!(kept.len() > after.len() && kept.values().all(|names| names.len() == 2), "a part and its list: {kept:?}");
}

/// Writes the files of so many hours, each with messages of these numbers, and names them.
pub(crate) fn write_hours(shore: &Shore, folder: &str, hours: i64, numbers: std::ops::Range<u32>) -> Vec<String> {
    std::fs::create_dir_all(shore.scene.path(folder)).unwrap();
    let first = Hour::from_key("2026031404").unwrap();
    let write = |hour: i64| {
        let hour = first.plus(hour);
        let time = hour.start().timestamp_millis();
        let mut text = String::new();
        for number in numbers.clone() {
            let said = format!("{{\"payload\":{{\"bodies\":[{{\"type\":\"txt\",\"msg\":\"tide {number}\"}}]}},");
            writeln!(text, "{said}\"msg_id\":\"{}-{number}\",\"timestamp\":{time}}}", hour.key()).unwrap();
        }
        let path = shore.scene.path(folder).join(format!("{}.ndjson", hour.key()));
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    (0..hours).map(write).collect()
}

/// `annals load` of these files.
fn load<'a>(more: &[&'a str], paths: &'a [String]) -> Vec<&'a str> {
    ["load", "--no-index"].into_iter().chain(more.iter().copied()).chain(paths.iter().map(String::as_str)).collect()
}

#[test]
fn hours_that_are_loaded_into_a_bucket_are_whole_whatever_request_was_the_last() {
    let Some(shore) = Shore::new() else { return };
    let paths = write_hours(&shore, "old", 2, 1..4);
    assert_may_be_killed(&shore, &|_| {}, YOUNG, &load(&[], &paths), 12);
}

#[test]
fn an_hour_that_is_published_anew_in_a_bucket_is_old_or_new_whatever_request_was_the_last() {
    for shore in Cloud::ALL.into_iter().filter_map(Shore::of) {
        let (old, new) = (write_hours(&shore, "old", 1, 1..4), write_hours(&shore, "new", 1, 2..7));
        let prepare = |berth: &Berth<'_>| drop(berth.run(YOUNG, &load(&[], &old)).leaves(0));
        assert_may_be_killed(&shore, &prepare, YOUNG, &load(&["--again"], &new), 5);
    }
}

#[test]
fn a_day_that_is_compacted_in_a_bucket_is_whole_whatever_request_was_the_last() {
    let Some(shore) = Shore::new() else { return };
    let paths = write_hours(&shore, "old", 9, 1..3);
    let prepare = |berth: &Berth<'_>| drop(berth.run(YOUNG, &load(&[], &paths)).leaves(0));
    assert_may_be_killed(&shore, &prepare, CLOSED, &COMPACT, 2);
}
