//! `annals verify --search`: what the index finds is what a scan of the tables finds.

use chat::{Message, Position, Sink as _};
use index::{Catalogue, Settings};

use crate::scene::{Scene, run};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");

fn library() -> Scene {
    let scene = Scene::new();
    run(&mut scene.annals(&["load", SAMPLES])).leaves(0);
    scene
}

#[test]
fn a_sound_index_agrees_with_the_tables() {
    let scene = library();
    let arguments = ["verify", "--search", "--queries", "300", "--seed", "3", "--query", "潮汐 -type:img", "--json"];
    let told = run(&mut scene.annals(&arguments)).leaves(0).json();
    let search = &told["search"];
    assert_eq!(
        (search["differing"].as_u64(), search["hours"].as_u64(), search["seed"].as_u64()),
        (Some(0), Some(1), Some(3))
    );
    assert_eq!(search["not_indexed"].as_array().map(Vec::len), Some(0));
    assert_eq!(search["messages"], told["rows"]);
    assert!(search["queries"].as_u64() > Some(150), "{search}");
    assert!(search["matches"].as_u64() > search["queries"].as_u64(), "{search}");
    let again = run(&mut scene.annals(&arguments)).leaves(0).json();
    assert_eq!(again, told, "the same seed asks the same");
    let plain = run(&mut scene.annals(&["verify", "--search", "--queries", "50"])).leaves(0);
    assert!(plain.stdout.contains(" searches of ") && plain.stdout.contains(", 0 searches differ"), "{}", plain.stdout);
}

/// An index that says it holds the hour as it is, and holds something else.
#[test]
fn what_differs_is_named_with_query_and_messages() {
    let scene = library();
    let catalogue = Catalogue::open(&scene.archive().join("index"), Settings::default()).unwrap();
    let (hour, version) = catalogue.hours().unwrap().into_iter().next().unwrap();
    let mut writer = catalogue.take_in(hour, &version).unwrap();
    for line in [1, 900] {
        let position = Position { source_hour: hour, part: 0, line };
        writer.write(&[Message { text: Some("lantern".into()), ..Message::at(position) }]).unwrap();
    }
    writer.finish().unwrap();
    catalogue.close().unwrap();

    let queries = ["--queries", "0", "--query", "slipway", "--query", "lantern", "--query", "nowhere"];
    let verified = run(scene.annals(&["verify", "--search", "--json"]).args(queries)).leaves(3).json();
    assert_eq!(verified["search"]["differing"], 2, "{verified}");
    let findings: Vec<&str> = verified["findings"].as_array().unwrap().iter().filter_map(|one| one.as_str()).collect();
    let slipway = findings.iter().find(|finding| finding.contains("`slipway`")).unwrap();
    assert!(slipway.contains("misses 2: 1412077346056423435 (2026-03-14T09Z, part 0, line 1)"), "{slipway}");
    let lantern = findings.iter().find(|finding| finding.contains("`lantern`")).unwrap();
    assert!(lantern.contains("misses 0; and finds 2: 1412077346056423435 ("), "{lantern}");
    assert!(lantern.contains("without an id (2026-03-14T09Z, part 0, line 900)"), "{lantern}");
}

#[test]
fn hours_that_the_index_does_not_hold_are_left_out_and_named() {
    let scene = library();
    std::fs::remove_dir_all(scene.archive().join("index")).unwrap();
    let verified = run(&mut scene.annals(&["verify", "--search", "--query", "slipway", "--json"])).leaves(0).json();
    assert_eq!(verified["search"]["not_indexed"][0], "2026031409");
    assert_eq!(verified["search"]["queries"], 0);
    let plain = run(&mut scene.annals(&["verify", "--search"])).leaves(0);
    assert!(
        plain.stderr.contains("1 hours that the index does not hold were left out: 2026-03-14T09Z"),
        "{}",
        plain.stderr
    );
}

#[test]
fn a_mistake_in_a_given_query_is_pointed_at_and_options_need_the_search() {
    let scene = library();
    let mistaken = run(&mut scene.annals(&["verify", "--search", "--query", "form:x"])).leaves(2);
    assert!(mistaken.stderr.contains("did you mean `from:`?"), "{}", mistaken.stderr);
    run(&mut scene.annals(&["verify", "--query", "x"])).leaves(2);
}
