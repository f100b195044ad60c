//! Two processes at the same archive.

use crate::scene::{Scene, run, start, wait};
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
