//! Searching the sample hour.

use serde_json::Value;

use crate::readme::words;
use crate::scene::{Scene, run};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");

fn library() -> Scene {
    let scene = Scene::new();
    run(&mut scene.annals(&["load", SAMPLES])).leaves(0);
    scene
}

fn lines(hits: &[Value]) -> Vec<u64> {
    let mut lines: Vec<u64> = hits.iter().map(|hit| hit["line"].as_u64().unwrap()).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn every_question_finds_its_lines() {
    let scene = library();
    for (question, expected) in [
        ("slipway free", vec![1]),
        ("\"free until noon\"", vec![1]),
        ("\"until free\"", vec![]),
        ("潮汐", vec![2, 52]),
        ("汐", vec![2, 52]),
        ("下午三点", vec![2]),
        ("السفينة", vec![4]),
        ("רציף", vec![5]),
        ("full-width ABC123", vec![9]),
        ("naive", vec![3]),
        ("from:samira.nadir type:video", vec![32]),
        ("to:teo-77 type:img", vec![22, 24]),
        ("in:231907755040770 type:file", vec![34]),
        ("in:chat:ondine:samira.nadir", vec![4, 41, 48]),
        ("type:loc 灯塔", vec![26]),
        ("type:combine", vec![42, 43]),
        ("type:event", vec![52, 53, 54, 55, 56]),
        ("航海日志", vec![34]),
        ("gift_1", vec![38, 39]),
        ("imported from:mara_voss", vec![59]),
        ("slipway -from:mara_voss", vec![]),
        ("-type:txt -type:event chat:room", vec![38, 39, 46]),
        ("(noon OR 泊位) -type:event", vec![1, 2, 6]),
        ("morni* OR pin*", vec![1, 37]),
        ("ext.seq:17", vec![2]),
        ("has:location -type:loc", vec![]),
        ("with:guest_1203 type:custom", vec![39, 40]),
        ("event:(recall OR read_ack)", vec![53, 54]),
        ("before:2023", vec![59]),
    ] {
        let run = run(&mut scene.annals(&["query", question, "--format", "jsonl", "--limit", "100"]));
        assert_eq!(run.code, i32::from(expected.is_empty()), "{question}: {}", run.stderr);
        assert_eq!(lines(&run.json_lines()), expected, "{question}");
    }
}

#[test]
fn json_lines_carry_the_columns_and_no_secret() {
    let scene = library();
    let run = run(&mut scene.annals(&["query", "type:img from:mara_voss", "--format", "jsonl"])).leaves(0);
    let hit = &run.json_lines()[0];
    for (column, expected) in [
        ("msg_id", Value::from("1412077348694640838")),
        ("sent_at", "2026-03-14T09:01:30.010Z".into()),
        ("source_hour", "2026031409".into()),
        ("part", 0.into()),
        ("line", 22.into()),
        ("chat_type", "chat".into()),
        ("sender", "mara_voss".into()),
        ("recipient", "teo-77".into()),
        ("conversation", "chat:mara_voss:teo-77".into()),
        ("body_type", "img".into()),
        ("filename", "slipway.jpg".into()),
        ("file_length", 128_827.into()),
        ("width", 746.into()),
        ("height", 1325.into()),
        ("text", Value::Null),
    ] {
        assert_eq!(hit[column], expected, "{column}");
    }
    assert_eq!(hit.get("secret"), None);
    assert!(!run.stdout.contains("FAKE-harbor"), "{}", run.stdout);
}

#[test]
fn bounds_are_on_the_time_of_the_message() {
    let scene = library();
    let ask = |since: &str, until: &str| {
        let arguments = ["query", "", "--format", "jsonl", "--limit", "100", "--since", since, "--until", until];
        lines(&run(&mut scene.annals(&arguments)).json_lines())
    };
    assert_eq!(ask("2026-03-14T10", "2026-03-14T11"), [61]);
    assert_eq!(ask("2022-07-01", "2022-08-01"), [59]);
    assert_eq!(ask("2026-03-14T09:00:00Z", "2026-03-14T09:00:04.210Z"), [1]);
}

#[test]
fn the_table_and_csv_say_the_same() {
    let scene = library();
    let table = run(&mut scene.annals(&["query", "泊位", "--format", "table"])).leaves(0);
    assert!(table.stdout.contains("lin.qiao") && table.stdout.contains("**泊位**"), "{}", table.stdout);
    let csv = run(&mut scene.annals(&["query", "泊位 from:lin.qiao type:txt", "--format", "csv"])).leaves(0);
    let mut lines = csv.stdout.lines();
    assert!(
        lines.next().unwrap().starts_with("msg_id,sent_at,source_hour,part,line,chat_type,sender"),
        "{}",
        csv.stdout
    );
    assert!(lines.next().unwrap().contains("lin.qiao"));
}

#[test]
fn a_mistake_in_a_question_is_pointed_at() {
    let scene = library();
    for (question, expected) in [("frm:ondine", "from:"), ("\"unfinished", "quote"), ("type:voce", "voice")] {
        let run = run(&mut scene.annals(&["query", question])).leaves(2);
        assert!(run.stderr.contains(expected), "{question}: {}", run.stderr);
    }
}

/// Each example of the page about the query language, with a clock that stands in the day of the samples.
#[test]
fn every_example_of_the_page_finds_something() {
    let scene = library();
    let page = run(&mut scene.annals(&["help", "query-language"])).leaves(0).stdout;
    let examples: Vec<_> = page.lines().filter(|line| line.starts_with("annals query ")).collect();
    assert!(examples.len() > 40, "{examples:?}");
    let mut failed = Vec::new();
    for line in examples {
        let words = words(line.split("  #").next().unwrap_or(line));
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let mut command = scene.annals(&arguments);
        let found = run(command.env("ANNALS_CLOCK", "2026-03-14T12:00:00Z"));
        if found.code != 0 {
            failed.push(format!("{line}: {} {}", found.code, found.stderr));
        }
    }
    assert_eq!(failed, [""; 0]);
}

/// An index of an earlier format is begun anew by the next search, without a word from who searches.
#[test]
fn an_index_of_an_earlier_format_is_rebuilt_by_itself() {
    let scene = library();
    let format = scene.archive().join("index/format");
    assert!(std::fs::read_to_string(&format).unwrap().starts_with("annals-index 6 "));
    std::fs::write(&format, "annals-index 1 tantivy 7\n").unwrap();
    let search = run(&mut scene.annals(&["query", "slipway free", "--format", "jsonl"])).leaves(0);
    assert_eq!(lines(&search.json_lines()), [1]);
    assert!(search.stderr.contains("indexing 1 hours first"), "{}", search.stderr);
    assert!(std::fs::read_to_string(&format).unwrap().starts_with("annals-index 6 "));
}

#[test]
fn a_dash_negates_and_an_unknown_option_is_none() {
    let scene = library();
    let negated = run(&mut scene.annals(&["query", "-type:txt", "-type:event", "--format", "jsonl", "--limit", "100"]));
    assert!(negated.leaves(0).json_lines().iter().all(|hit| hit["body_type"] != "txt" && hit["body_type"] != "event"));
    let unknown = run(&mut scene.annals(&["query", "slipway", "--limt", "5"])).leaves(2);
    assert!(unknown.stderr.contains("--limit"), "{}", unknown.stderr);
}
