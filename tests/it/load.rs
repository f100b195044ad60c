//! `annals load`: what it says of the files that it was given, and whose they are.

use std::fs;

use crate::scene::{Scene, run};

/// Writes the hour file of a key, and says where it is.
fn hour_file(scene: &Scene, key: &str, text: &str) -> String {
    let path = scene.path(&format!("{key}.ndjson"));
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn message(id: u32, from: &str) -> String {
    let addresses = format!(r#""from":"{from}","to":"231904417783810""#);
    format!(
        r#"{{"msg_id":"{id}","chat_type":"groupchat","payload":{{{addresses},"bodies":[{{"type":"txt","msg":"x"}}]}}}}"#
    )
}

const OURS: &str = "api.base_url=https://a1.easemob.com/harbor-org/lantern";
const OTHERS: &str = "api.base_url=https://a1.easemob.com/harbor-org/other";

fn senders(scene: &Scene) -> String {
    run(&mut scene.annals(&["export", "--to", "-", "--format", "csv", "--columns", "sender"])).leaves(0).stdout
}

#[test]
fn files_of_another_app_are_refused() {
    let scene = Scene::new();
    let first = hour_file(&scene, "2026031409", &message(1, "mara"));
    let second = hour_file(&scene, "2026031410", &message(2, "mara"));
    // What is no hour file makes nobody's archive somebody's.
    let page = hour_file(&scene, "2026031411", "<html></html>");
    run(&mut scene.annals(&["load", &page, "--set", OTHERS])).leaves(3);
    run(&mut scene.annals(&["load", &first, "--set", OURS])).leaves(0);
    let app = || run(&mut scene.annals(&["status", "--json"])).json()["app"].clone();
    assert_eq!(app(), "harbor-org#lantern");
    let refused = run(&mut scene.annals(&["load", &second, "--set", OTHERS])).leaves(2);
    assert!(refused.stderr.contains("harbor-org#other") && refused.stderr.contains("one app"), "{refused:?}");
    assert_eq!(app(), "harbor-org#lantern");
    run(&mut scene.annals(&["load", &second])).leaves(0);
    run(&mut scene.annals(&["load", &second, "--set", "api.base_url=https://a1.easemob.com"])).leaves(2);
    assert_eq!(senders(&scene), "sender\r\nmara\r\nmara\r\n");
}

#[test]
fn addresses_of_an_app_that_is_not_known_are_told_and_mended_later() {
    let scene = Scene::new();
    let lines = [message(1, "harbor-org#lantern_lantern_kestrel_05"), message(2, "mara")].join("\n");
    let path = hour_file(&scene, "2026031409", &lines);
    let told = run(&mut scene.annals(&["load", &path])).leaves(0);
    assert!(told.stderr.contains("1 messages have addresses") && told.stderr.contains("ORG/APP"), "{told:?}");
    assert_eq!(senders(&scene), "sender\r\nharbor-org#lantern_lantern_kestrel_05\r\nmara\r\n");
    // As the warning says; the bytes are the same.
    let again = run(&mut scene.annals(&["load", &path, "--again", "--set", OURS])).leaves(0);
    assert!(!again.stderr.contains("addresses") && again.stdout.contains("1 new hours"), "{again:?}");
    assert_eq!(senders(&scene), "sender\r\nlantern_kestrel_05\r\nmara\r\n");
    // The archive knows its app now, and there is nothing left to mend.
    let same = run(&mut scene.annals(&["load", &path, "--again"])).leaves(0);
    assert!(!same.stderr.contains("addresses"), "{same:?}");
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0);
}

#[test]
fn an_hour_that_was_refused_is_not_told_as_done() {
    let scene = Scene::new();
    let path = hour_file(&scene, "2026031409", &message(1, "mara"));
    let done = run(&mut scene.annals(&["load", &path])).leaves(0);
    assert!(done.stdout.starts_with("1 hours: 1 done. 1 lines: 1 messages"), "{done:?}");
    let cases = [(message(2, "teo"), None, "--again"), ("<html></html>".to_owned(), Some("--again"), "neither gzip")];
    for (text, more, why) in cases {
        let other = hour_file(&scene, "2026031409", &text);
        let arguments = |last| ["load", other.as_str()].into_iter().chain(more).chain(last).collect::<Vec<_>>();
        let refused = run(&mut scene.annals(&arguments(None))).leaves(3);
        assert!(refused.stdout.starts_with("1 hours: 0 done, 1 failed. 0 lines: 0 messages"), "{refused:?}");
        assert!(refused.stderr.contains(why), "{refused:?}");
        let report = run(&mut scene.annals(&arguments(Some("--json")))).leaves(3).json();
        assert_eq!(
            (&report["hours"]["done"], &report["hours"]["failed"], &report["messages"]),
            (&0.into(), &1.into(), &0.into())
        );
    }
    assert_eq!(senders(&scene), "sender\r\nmara\r\n", "what is archived stays");
}

#[test]
fn a_broken_first_line_is_set_aside_though_nothing_is_packed() {
    let scene = Scene::new();
    let path = hour_file(&scene, "2026031409", &format!("broken\n{}\n", message(1, "mara")));
    let report = run(&mut scene.annals(&["load", &path, "--json"])).leaves(0).json();
    assert_eq!((&report["messages"], &report["dead_letters"]), (&1.into(), &1.into()));
    let blank = hour_file(&scene, "2026031410", "\n\n\n");
    let report = run(&mut scene.annals(&["load", &blank, "--json"])).leaves(0).json();
    assert_eq!((&report["messages"], &report["blank_lines"]), (&0.into(), &3.into()));
    run(&mut scene.annals(&["verify", "--round-trip"])).leaves(0);
}
