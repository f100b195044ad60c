//! Two processes at the same archive.

use crate::scene::{Scene, run, start, wait};
use crate::table;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");

#[test]
fn two_processes_that_publish_the_same_hour_leave_it_there_once() {
    for _round in 0..5 {
        let scene = Scene::new();
        let both = [(); 2].map(|()| start(&mut scene.annals(&["load", SAMPLES, "--json"])));
        for child in both {
            let report = wait(child).leaves(0).json();
            assert_eq!(report["hours"]["done"], 1);
            assert_eq!(report["messages"], 59);
        }
        assert_eq!(table::messages(&scene.archive()).len(), 59);
        assert_eq!(table::data_files(&scene.archive()), 1);
        run(&mut scene.annals(&["query", "slipway"])).leaves(0);
        run(&mut scene.annals(&["verify"])).leaves(0);
    }
}

#[test]
fn a_search_during_a_load_answers() {
    let scene = Scene::new();
    run(&mut scene.annals(&["load", SAMPLES])).leaves(0);
    let load = start(&mut scene.annals(&["load", SAMPLES, "--again"]));
    run(&mut scene.annals(&["query", "slipway"])).leaves(0);
    wait(load).leaves(0);
}
