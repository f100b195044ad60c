//! Two processes at the same archive.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chat::{Hour, Timestamp};
use emulator::{Clock, Fault, Faults, Handle, Logged, Options, Request};

use crate::scene::{Scene, files_below, run, start, wait};
use crate::table;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");

/// That the losers of a race see the conflict and stop is shown with a barrier in the tests of `store`; here the whole
/// program is started twice, and whichever way it goes the hour is there once.
#[test]
fn two_processes_that_publish_the_same_hour_leave_it_there_once() {
    for _round in 0..5 {
        let scene = Scene::new();
        let both = [(); 2].map(|()| start(&mut scene.annals(&["load", SAMPLES, "--json"])));
        let reports = both.map(|child| wait(child).leaves(0).json());
        for report in &reports {
            assert_eq!(report["hours"]["done"], 1);
            assert_eq!(report["messages"], 59);
        }
        let published: u64 = reports.iter().map(|report| report["published"].as_u64().unwrap()).sum();
        assert_eq!(published, 1, "{reports:?}");
        assert_eq!(table::messages(&scene.archive()).len(), 59);
        assert_eq!(table::data_files(&scene.archive()), 1);
        run(&mut scene.annals(&["query", "slipway"])).leaves(0);
        run(&mut scene.annals(&["verify"])).leaves(0);
    }
}

/// Nobody asked to replace anything: whoever comes second fails, and takes nothing of the first away.
#[test]
fn two_processes_that_load_an_hour_from_different_files_keep_the_one_that_was_first() {
    for _round in 0..5 {
        let scene = Scene::new();
        let loads = ["slipway", "lantern"].map(|word| {
            let path = scene.path(&format!("{word}/2026031409.ndjson"));
            std::fs::create_dir(path.parent().unwrap()).unwrap();
            let line =
                |id: u64| format!("{{\"msg_id\":\"{id}\",\"timestamp\":1773478800000,\"chat_type\":\"{word}\"}}\n");
            let text: String = (0..2_000).map(line).chain(["no message\n".to_owned()]).collect();
            std::fs::write(&path, text).unwrap();
            start(&mut scene.annals(&["load", "--no-index", path.to_str().unwrap(), "--json"]))
        });
        let codes = loads.map(|child| wait(child).code);
        assert!(codes == [0, 3] || codes == [3, 0], "{codes:?}");
        let word = if codes[0] == 0 { "slipway" } else { "lantern" };
        let rows = table::messages(&scene.archive());
        assert_eq!(rows.len(), 2_000);
        assert!(rows.iter().all(|row| row.chat_type.as_deref() == Some(word)), "{word}: {:?}", rows[0]);
        let proof = run(&mut scene.annals(&["verify", "--round-trip", "--json"])).leaves(0).json();
        assert_eq!((&proof["unpublished"], &proof["dead_letters"]), (&0.into(), &1.into()));
    }
}

#[test]
fn a_search_during_a_replacement_answers_with_the_old_rows_or_the_new() {
    let scene = Scene::new();
    let path = scene.path("2026031409.ndjson");
    let line = |id: usize| {
        format!("{{\"msg_id\":\"{id}\",\"payload\":{{\"bodies\":[{{\"type\":\"txt\",\"msg\":\"slipway\"}}]}}}}\n")
    };
    let mut text = line(1);
    std::fs::write(&path, &text).unwrap();
    run(&mut scene.annals(&["load", path.to_str().unwrap()])).leaves(0);
    for round in 2..6 {
        text.push_str(&line(round));
        std::fs::write(&path, &text).unwrap();
        let load = start(&mut scene.annals(&["load", path.to_str().unwrap(), "--again"]));
        let hits = run(&mut scene.annals(&["query", "slipway", "--format", "jsonl"]));
        wait(load).leaves(0);
        assert!(hits.code == 0 || hits.code == 1, "{hits:?}");
        let found = hits.json_lines().len();
        assert!(found == 0 || found == round - 1 || found == round, "{found} of {round}: {hits:?}");
    }
    assert_eq!(run(&mut scene.annals(&["query", "slipway", "--format", "jsonl"])).leaves(0).json_lines().len(), 5);
}

/// A service that is asked at this time.
/// Between the rows of an hour and its row of the ledger a proof sees the one and not the other.
#[test]
fn a_proof_beside_a_run_finds_nothing_wrong() {
    let scene = Scene::new();
    let hours: Vec<String> = (0..24)
        .map(|hour| {
            let path = scene.path(&format!("20260314{hour:02}.ndjson"));
            let line = |id: u64| format!("{{\"msg_id\":\"{hour}{id:03}\",\"chat_type\":\"chat\"}}\n");
            std::fs::write(&path, (0..300).map(line).chain(["no message\n".to_owned()]).collect::<String>()).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    run(&mut scene.annals(&["load", "--no-index", &hours[0]])).leaves(0);
    let files: Vec<&str> = hours.iter().map(String::as_str).collect();
    let mut load = start(&mut scene.annals(&[&["load", "--no-index", "--again"], files.as_slice()].concat()));
    let mut proofs = 0;
    while load.try_wait().unwrap().is_none() {
        run(&mut scene.annals(&["verify"])).leaves(0);
        proofs += 1;
    }
    wait(load).leaves(0);
    assert!(proofs > 1, "it was over too soon");
    run(&mut scene.annals(&["verify"])).leaves(0);
}

fn service(scene: &Scene, rate_per_minute: Option<u32>, faults: Faults) -> Handle {
    let clock = Clock::running_from(NOW.parse().unwrap());
    scene.service(Options { clock, rate_per_minute, faults, ..Options::default() })
}

const NOW: &str = "2026-03-15T12:00:00Z";

/// `annals fetch` of so many hours, at the rate that the service allows unless it is told otherwise.
fn fetch(scene: &Scene, service: &Handle, archive: &str, hours: i64) -> std::process::Command {
    let since = Hour::from_key("2026031406").unwrap();
    let until = since.plus(hours);
    let range = ["fetch", "--since", &since.key(), "--until", &until.key(), "--json"];
    let mut command = scene.annals_at(service, &range);
    command.env("ANNALS_ARCHIVE", scene.path(archive)).env("ANNALS_CLOCK", NOW);
    command
}

/// How often each hour was asked for.
fn calls(service: &Handle) -> BTreeMap<Hour, usize> {
    let mut calls = BTreeMap::new();
    for logged in service.log().iter().filter(|logged| logged.is_call()) {
        *calls.entry(logged.hour).or_default() += 1;
    }
    calls
}

/// How many files the log of the table of messages ever added.
fn additions(archive: &Path) -> usize {
    let log = archive.join("messages/_delta_log");
    let commits = files_below(&log).into_iter().filter(|path| path.extension().is_some_and(|it| it == "json"));
    let text: Vec<String> = commits.map(|path| std::fs::read_to_string(log.join(path)).unwrap()).collect();
    text.iter().flat_map(|text| text.lines()).filter(|line| line.starts_with("{\"add\"")).count()
}

/// Two at one archive, and one at another archive of the same app: more calls in all than a minute allows.
#[test]
fn processes_at_once_keep_to_the_quota_and_publish_no_hour_twice() {
    let scene = Scene::new();
    let service = service(&scene, Some(10), Faults::none());
    let began = service.clock().now();
    let runs = ["one", "one", "other"]
        .map(|archive| start(fetch(&scene, &service, archive, 6).env("ANNALS_API_HISTORY_PER_MINUTE", "10")));
    let reports = runs.map(|child| wait(child).leaves(0).json());

    let log = service.log();
    let is_over = |logged: &&Logged| matches!(logged.request, Request::Links { over_rate: true, .. });
    assert_eq!(log.iter().find(is_over), None);
    assert_eq!(log.iter().find(|logged| logged.status == Some(429)), None);
    assert!(calls(&service).values().all(|calls| *calls == 2), "once for each archive: {:?}", calls(&service));
    assert_eq!(calls(&service).len(), 6);
    let last: Timestamp = log.iter().filter(|logged| logged.is_call()).map(|logged| logged.at).max().unwrap();
    assert!(
        (last - began).to_std().unwrap() > Duration::from_secs(60),
        "more calls than a minute allows were made in {}",
        last - began
    );

    let asked: Vec<u64> = reports.iter().map(|report| report["asked"].as_u64().unwrap()).collect();
    assert_eq!((asked[0] + asked[1], asked[2]), (6, 6), "no call is spent twice on one archive");
    assert!(asked[0] == 0 || asked[1] == 0, "one waited until the other was done: {asked:?}");
    for archive in ["one", "other"].map(|archive| scene.path(archive)) {
        assert_eq!((additions(&archive), table::data_files(&archive)), (6, 6));
        run(scene.annals(&["verify"]).env("ANNALS_ARCHIVE", &archive)).leaves(0);
    }
}

#[test]
fn a_second_fetch_that_is_not_to_wait_leaves_and_names_the_first() {
    let scene = Scene::new();
    let service = service(&scene, None, Faults::none().on_every_hour([Fault::Hang]));
    let mut first = start(&mut fetch(&scene, &service, "archive", 1));
    while service.calls().links == 0 {
        assert!(first.try_wait().unwrap().is_none(), "it hangs");
        std::thread::yield_now();
    }
    let second = run(fetch(&scene, &service, "archive", 1).env("ANNALS_INGEST_SECOND_RUN", "leave")).leaves(2);
    assert!(second.stderr.contains(&format!("process {}, since 2026-03-15T12:00", first.id())), "{}", second.stderr);
    assert_eq!(service.calls().links, 1, "it spent no call");
    first.kill().unwrap();
    wait(first);
    service.set_faults(Faults::none());
    run(fetch(&scene, &service, "archive", 1).env("ANNALS_INGEST_SECOND_RUN", "leave")).leaves(0);
}
