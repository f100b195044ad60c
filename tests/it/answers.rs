//! What `annals query` and `annals show` tell besides the messages that match: surroundings, counts, pages, other forms.

use std::path::PathBuf;

use chat::Hour;
use serde_json::{Value, json};

use crate::scene::{Run, Scene, run};

/// A conversation that goes on for an hour in each of these, two minutes between messages, and one of a group beside it.
struct Talk {
    scene: Scene,
}

impl Talk {
    /// Each hour has 10 messages between `mara_voss` and `teo-77`, numbered on, and 2 in a group.
    fn over(keys: &[&str]) -> Self {
        let scene = Scene::new();
        let files: Vec<String> = (0..).zip(keys).map(|(at, key)| hour_file(&scene, key, at)).collect();
        let arguments: Vec<&str> = ["load"].into_iter().chain(files.iter().map(String::as_str)).collect();
        run(&mut scene.annals(&arguments)).leaves(0);
        Self { scene }
    }

    fn query(&self, arguments: &[&str]) -> Run {
        run(&mut self.scene.annals(&[&["query"], arguments].concat()))
    }

    fn show(&self, arguments: &[&str]) -> Run {
        run(&mut self.scene.annals(&[&["show"], arguments].concat()))
    }
}

fn hour_file(scene: &Scene, key: &str, at: i64) -> String {
    let hour = Hour::from_key(key).unwrap();
    let say = |id: i64, minute: i64, from: &str, to: &str, chat_type: &str| {
        json!({
            "msg_id": id.to_string(),
            "timestamp": hour.start().timestamp_millis() + minute * 60_000,
            "direction": "outgoing",
            "from": from,
            "to": to,
            "chat_type": chat_type,
            "payload": { "bodies": [{ "type": "txt", "msg": format!("word {id}") }] },
        })
    };
    let talk = (0..10).map(|number| {
        let (from, to) = if number % 2 == 0 { ("mara_voss", "teo-77") } else { ("teo-77", "mara_voss") };
        say(100 + at * 10 + number, number * 2, from, to, "chat")
    });
    let group = (0..2).map(|number| say(900 + at * 10 + number, number * 2, "ondine", "7001", "groupchat"));
    write_hour(scene, key, talk.chain(group))
}

fn write_hour(scene: &Scene, key: &str, records: impl Iterator<Item = Value>) -> String {
    let lines: String = records.map(|record| format!("{record}\n")).collect();
    let path = scene.path(&format!("{key}.ndjson"));
    std::fs::write(&path, lines).unwrap();
    path.to_str().unwrap().to_owned()
}

fn ids(lines: &[Value]) -> Vec<u64> {
    lines.iter().map(|line| line["msg_id"].as_str().unwrap().parse().unwrap()).collect()
}

fn hits(lines: &[Value]) -> Vec<u64> {
    ids(&lines.iter().filter(|line| line["hit"] == true).cloned().collect::<Vec<_>>())
}

#[test]
fn what_was_said_around_a_hit_comes_from_all_hours_and_says_what_is_missing() {
    // 10Z is not archived.
    let talk = Talk::over(&["2026031409", "2026031411"]);
    let lines = talk.query(&["109", "--context", "2", "--json"]).leaves(0).json_lines();
    assert_eq!((ids(&lines), hits(&lines)), (vec![107, 108, 109, 110, 111], vec![109]));
    let missing: Vec<_> = lines.iter().map(|line| line["missing_before"].as_u64().unwrap()).collect();
    assert_eq!(missing, [0, 0, 0, 1, 0], "the hour between");
    assert!(lines.iter().all(|line| line["group"] == 1 && line["conversation"] == "chat:mara_voss:teo-77"));
    let table = talk.query(&["109", "--context", "1", "--format", "table"]).leaves(0).stdout;
    assert!(table.contains("2026-03-14T10Z is not archived"), "{table}");
    assert!(table.lines().any(|line| line.starts_with('>') && line.contains("word **109**")), "{table}");
    // A stray of 11Z is served in the hour 14Z: it stands where it was sent.
    let talk = Talk::over(&["2026031409", "2026031411", "2026031414"]);
    let stray = json!({
        "msg_id": "700", "timestamp": 1_773_487_800_000_i64, "from": "ondine", "to": "7001", "chat_type": "groupchat",
        "payload": { "bodies": [{ "type": "txt", "msg": "late" }] },
    });
    let file = write_hour(&talk.scene, "2026031415", [stray].into_iter());
    run(&mut talk.scene.annals(&["load", &file, "--set", "hours.check_zone=false"])).leaves(0);
    let lines = talk.query(&["late", "--context", "4", "--json"]).leaves(0).json_lines();
    let missing: Vec<_> = lines.iter().map(|line| line["missing_before"].as_u64().unwrap()).collect();
    assert_eq!((ids(&lines), missing), (vec![900, 901, 910, 911, 700, 920, 921], vec![0, 0, 1, 0, 0, 2, 0]));
}

#[test]
fn windows_that_overlap_are_joined_and_others_stay_apart() {
    let talk = Talk::over(&["2026031409", "2026031410"]);
    let ask = |words: &str| talk.query(&[words, "--context", "2", "--sort", "time", "--json"]).leaves(0).json_lines();
    let groups = |lines: &[Value]| -> Vec<Vec<u64>> {
        let last = lines.iter().filter_map(|line| line["group"].as_u64()).max().unwrap();
        (1..=last).map(|n| ids(&lines.iter().filter(|line| line["group"] == n).cloned().collect::<Vec<_>>())).collect()
    };
    let all =
        talk.query(&["word", "--context", "1", "--sort", "time", "--limit", "100", "--json"]).leaves(0).json_lines();
    assert_eq!(groups(&all).iter().map(Vec::len).collect::<Vec<_>>(), [20, 4], "all of each conversation, once");
    assert_eq!(hits(&all).len(), 24);
    let one = ask("104");
    assert_eq!(groups(&one), [[102, 103, 104, 105, 106]]);
    let edge = ask("100");
    assert_eq!(groups(&edge), [[100, 101, 102]], "nothing was said before");
    assert_eq!(groups(&talk.query(&["900", "--context", "9", "--json"]).json_lines()), [[900, 901, 910, 911]]);
    assert_eq!(ids(&talk.show(&["104", "--context", "1", "--json"]).leaves(0).json_lines()), [103, 104, 105]);
}

#[test]
fn two_users_and_a_thread_need_no_words() {
    let talk = Talk::over(&["2026031409"]);
    let count = |arguments: &[&str]| talk.query(&[arguments, &["--count"]].concat()).stdout;
    assert_eq!(count(&["--between", "mara_voss", "teo-77"]), "10\n");
    assert_eq!(count(&["--between", "TEO-77", "mara_voss"]), "10\n", "in either order, ignoring case");
    assert_eq!(count(&["103", "--between", "teo-77", "mara_voss"]), "1\n");
    assert_eq!(count(&["--between", "teo-77", "ondine"]), "0\n");
    talk.query(&["--between", "teo-77", ""]).leaves(2);
    assert_eq!(talk.query(&["--since", "2026-03-14T09:18", "--json"]).leaves(0).json_lines().len(), 1);
    assert_eq!(talk.query(&["--until", "2026-03-14T09:00:01", "--json"]).leaves(0).json_lines().len(), 2);
    talk.query(&["--limit", "3"]).leaves(2);
    talk.query(&["--between", "teo-77"]).leaves(2);
    let thread = json!({
        "msg_id": "31", "timestamp": 1_773_478_800_000_i64, "from": "ondine", "to": "7001", "chat_type": "groupchat",
        "payload": { "bodies": [{ "type": "txt", "msg": "in a thread" }], "meta": { "thread": { "msg_parent_id": "30" } } },
    });
    let file = write_hour(&talk.scene, "2026031412", [thread].into_iter());
    run(&mut talk.scene.annals(&["load", &file])).leaves(0);
    let key = talk.query(&["thread", "--json"]).leaves(0).json_lines()[0]["conversation"].as_str().unwrap().to_owned();
    let id = key.strip_prefix("thread:").unwrap_or_else(|| panic!("{key} is a thread"));
    assert_eq!(count(&["--thread", id]), "1\n");
    assert_eq!(count(&["--thread", "31415"]), "0\n");
}

#[test]
fn counts_have_every_message_once() {
    let talk = Talk::over(&["2026031409", "2026031411"]);
    // The first hour again, as a later one: copies of its messages.
    let copy = talk.scene.path("2026031412.ndjson");
    std::fs::copy(talk.scene.path("2026031409.ndjson"), &copy).unwrap();
    run(&mut talk.scene.annals(&["load", copy.to_str().unwrap(), "--set", "hours.check_zone=false"])).leaves(0);
    assert_eq!(talk.query(&["word", "--count"]).leaves(0).stdout, "24\n");
    assert_eq!(talk.query(&["nowhere", "--count"]).leaves(1).stdout, "0\n");
    for form in [&["--json"][..], &["--format", "table"], &["--format", "jsonl"], &["--format", "csv"]] {
        assert_eq!(talk.query(&[&["word", "--count"], form].concat()).leaves(0).stdout, "24\n");
    }
    let page = talk.query(&["word", "--count", "--format", "html"]).leaves(2);
    assert!(page.stderr.contains("counts are printed as a table, JSON lines or CSV"), "{}", page.stderr);
    let counted = talk.query(&["word", "--facet", "from", "--facet", "day", "--histogram", "hour", "--json"]).leaves(0);
    let expected = [
        json!({"facet": "from", "value": "mara_voss", "count": 10}),
        json!({"facet": "from", "value": "teo-77", "count": 10}),
        json!({"facet": "from", "value": "ondine", "count": 4}),
        json!({"facet": "day", "value": "2026-03-14", "count": 24}),
        json!({"histogram": "hour", "begin": "2026-03-14T09:00:00Z", "count": 12}),
        json!({"histogram": "hour", "begin": "2026-03-14T10:00:00Z", "count": 0}),
        json!({"histogram": "hour", "begin": "2026-03-14T11:00:00Z", "count": 12}),
    ];
    assert_eq!(counted.json_lines(), expected);
    let few = talk.query(&["--facet", "from", "--facet-limit", "1", "--format", "csv"]).leaves(0);
    assert_eq!(few.stdout, "facet,value,count\r\nfrom,mara_voss,10\r\n");
    assert!(few.stderr.contains("1 of 3 values of from"), "{}", few.stderr);
    assert_eq!(talk.query(&["--facet", "in", "--json"]).json_lines()[1]["value"], "groupchat:7001");
    assert_eq!(talk.query(&["--facet", "type", "--format", "table"]).stdout, "type  messages\ntxt   24\n");
    talk.query(&["--facet", "in", "--facet", "to", "--format", "csv"]).leaves(2);
    for counts in [&["--facet", "in"][..], &["--histogram", "day"], &["--count"]] {
        for of_a_page in [["--limit", "3"], ["--sort", "time"]] {
            let counted = |more: &[&str]| talk.query(&[&["word"], counts, more].concat()).leaves(0).stdout;
            assert_eq!(counted(&of_a_page), counted(&[]), "counts are of all that matches");
        }
    }
}

#[test]
fn a_histogram_is_drawn_as_bars_and_as_a_file() {
    let talk = Talk::over(&["2026031409", "2026031411"]);
    let svg: PathBuf = talk.scene.path("word.svg");
    let drawn =
        talk.query(&["<word>", "--histogram", "hour", "--format", "table", "--svg", svg.to_str().unwrap()]).leaves(0);
    let bar = "█".repeat(40);
    assert_eq!(
        drawn.stdout.lines().map(str::trim_end).collect::<Vec<_>>(),
        [
            "hour           messages".to_owned(),
            format!("2026-03-14T09  12        {bar}"),
            "2026-03-14T10  0".to_owned(),
            format!("2026-03-14T11  12        {bar}"),
        ]
    );
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("&lt;word&gt;") && svg.contains("2026-03-14T11: 12"), "{svg}");
    talk.query(&["word", "--histogram", "hour", "--svg", "/nowhere/at/all.svg"]).leaves(2);
}

/// They are of no stretch, but they are among what was found.
#[test]
fn a_histogram_says_how_many_messages_have_no_time() {
    let scene = Scene::new();
    let say = |id: u64, time: Value| {
        let body = json!([{ "type": "txt", "msg": "word" }]);
        json!({ "msg_id": id.to_string(), "timestamp": time, "direction": "outgoing", "from": "mara_voss", "to": "teo-77",
            "chat_type": "chat", "payload": { "bodies": body } })
    };
    let records = [say(1, 1_773_478_800_000_u64.into()), say(2, Value::Null), say(3, Value::Null)];
    let file = write_hour(&scene, "2026031409", records.into_iter());
    run(&mut scene.annals(&["load", &file])).leaves(0);
    let talk = Talk { scene };
    let day = json!({"histogram": "day", "begin": "2026-03-14T00:00:00Z", "count": 1});
    let none = json!({"histogram": "day", "begin": null, "count": 2});
    assert_eq!(talk.query(&["word", "--histogram", "day", "--json"]).leaves(0).json_lines(), [day, none]);
    let table = talk.query(&["word", "--histogram", "month", "--format", "table"]).leaves(0).stdout;
    assert!(table.ends_with("(none)   2\n"), "{table}");
}

#[test]
fn pages_go_on_where_the_one_before_ended_while_hours_are_added() {
    let talk = Talk::over(&["2026031409", "2026031411"]);
    let page =
        |more: &[&str]| talk.query(&[&["word", "--sort", "-time", "--limit", "7", "--json"], more].concat()).leaves(0);
    let whole = ids(&talk.query(&["word", "--sort", "-time", "--limit", "100", "--json"]).json_lines());
    let first = page(&[]);
    let lines = first.json_lines();
    let mut cursor = lines[6]["cursor"].as_str().unwrap().to_owned();
    assert!(lines[..6].iter().all(|line| line.get("cursor").is_none()));
    assert!(first.stderr.contains(&format!("--cursor {cursor}")), "{}", first.stderr);
    // An hour of later messages is in front of all pages to come, one of earlier ones behind.
    let files = [hour_file(&talk.scene, "2026031413", 2), hour_file(&talk.scene, "2026031406", 3)];
    run(&mut talk.scene.annals(&["load", &files[0], &files[1]])).leaves(0);
    let mut paged = ids(&lines);
    loop {
        let lines = page(&["--cursor", &cursor]).json_lines();
        paged.extend(ids(&lines));
        match lines.last().unwrap().get("cursor") {
            Some(next) => cursor = next.as_str().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(paged[..24], whole);
    assert_eq!(paged.len(), 36, "the earlier hour is reached at the end, the later one is not");
    let other = talk.query(&["words", "--sort", "-time", "--limit", "7", "--cursor", &cursor]).leaves(2);
    assert!(other.stderr.contains("another query"), "{}", other.stderr);
    talk.query(&["word", "--cursor", "x"]).leaves(2);
}

#[test]
fn the_older_name_of_an_order_still_works() {
    let talk = Talk::over(&["2026031409"]);
    for (sort, order) in [("time", "oldest"), ("-time", "newest"), ("relevance", "relevance")] {
        let one = talk.query(&["word", "--sort", sort, "--json"]).leaves(0);
        let other = talk.query(&["word", "--order", order, "--json"]).leaves(0);
        assert_eq!(ids(&one.json_lines()), ids(&other.json_lines()), "{sort}");
    }
    let explained = talk.query(&["Word 103", "--sort", "time", "--explain", "--json"]).leaves(0);
    assert!(explained.stderr.contains("understood as: \"word\" AND \"103\""), "{}", explained.stderr);
    assert!(explained.json_lines()[0]["score"].as_f64().unwrap() > 0.0);
}

#[test]
fn what_was_recalled_or_edited_is_marked() {
    let scene = Scene::new();
    run(&mut scene.annals(&["load", concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz")])).leaves(0);
    let line = |words: &str| run(&mut scene.annals(&["query", words, "--json"])).leaves(0).json_lines().remove(0);
    let changed = line("潮汐 type:txt");
    assert_eq!((&changed["recalled"], &changed["edited"]), (&json!(true), &json!(true)));
    let plain = line("slipway free");
    assert_eq!((&plain["recalled"], &plain["edited"]), (&json!(false), &json!(false)));
    let table = run(&mut scene.annals(&["query", "潮汐 type:txt", "--format", "table"])).leaves(0).stdout;
    assert!(table.contains("[recalled] [edited]"), "{table}");
    for (id, is_so) in [(&changed["msg_id"], true), (&plain["msg_id"], false)] {
        let show = |more: &[&str]| run(&mut scene.annals(&[&["show", id.as_str().unwrap()], more].concat())).leaves(0);
        let shown = show(&["--json"]).json();
        assert_eq!((&shown["recalled"], &shown["edited"]), (&json!(is_so), &json!(is_so)));
        assert_eq!(show(&[]).stdout.contains("\nrecalled "), is_so);
    }
    let page = run(&mut scene.annals(&["query", "潮汐 type:txt", "--format", "html"])).leaves(0).stdout;
    assert!(page.contains("<span class=\"mark\">recalled</span>") && page.contains("<mark>潮汐</mark>"), "{page}");
}

#[test]
fn hits_are_a_page_and_a_file_too() {
    let talk = Talk::over(&["2026031409"]);
    let page = talk.query(&["103", "--context", "1", "--format", "html"]).leaves(0).stdout;
    assert_eq!(page.matches("<article").count(), 3);
    assert!(page.contains("bubble right hit") && !page.contains("<script"), "{page}");
    let file = talk.scene.path("hits.parquet");
    let out = std::fs::File::create(&file).unwrap();
    let written =
        talk.scene.annals(&["query", "word", "--format", "parquet", "--limit", "5"]).stdout(out).status().unwrap();
    assert!(written.success());
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{} bytes", bytes.len());
    talk.query(&["word", "--facet", "from", "--format", "parquet"]).leaves(2);
    let refused = talk.query(&["103", "--context", "1", "--format", "parquet"]).leaves(2);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("leave --context away"), "{}", refused.stderr);
}

#[test]
fn a_message_is_shown_as_the_very_line_that_was_served() {
    let talk = Talk::over(&["2026031409"]);
    let served = std::fs::read_to_string(talk.scene.path("2026031409.ndjson")).unwrap();
    let expected = format!("{}\n", served.lines().nth(4).unwrap());
    assert_eq!(talk.show(&["104", "--raw"]).leaves(0).stdout, expected);
    let rebuilt = talk.show(&["104", "--rebuilt"]).leaves(0).json();
    assert_eq!(rebuilt, serde_json::from_str::<Value>(&expected).unwrap());
    let part = talk.scene.archive().join("raw/2026/03/14/2026031409-0.gz");
    std::fs::write(&part, served.replace("word", "WORD")).unwrap();
    let other = talk.show(&["104", "--raw"]).leaves(2);
    assert!(other.stdout.is_empty() && other.stderr.contains("2026031409-0.gz is not what was served"), "{other:?}");
    assert!(other.stderr.contains("--rebuilt"), "{}", other.stderr);
    std::fs::remove_dir_all(talk.scene.archive().join("raw")).unwrap();
    let gone = talk.show(&["104", "--raw"]).leaves(2);
    assert!(gone.stderr.contains("no longer kept") && gone.stderr.contains("--rebuilt"), "{}", gone.stderr);
    talk.show(&["104", "--rebuilt"]).leaves(0);
}

#[test]
fn the_index_is_built_anew_while_the_old_one_answers() {
    let talk = Talk::over(&["2026031409", "2026031411"]);
    let index = |arguments: &[&str]| run(&mut talk.scene.annals(&[&["index"], arguments].concat()));
    let stats = index(&["stats", "--json"]).leaves(0).json();
    assert_eq!((&stats["documents"], &stats["hours"]), (&json!(24), &json!(2)));
    for part in ["terms", "postings", "positions"] {
        assert!(stats["fields"]["text"][part].as_u64().unwrap() > 0, "{part}: {stats}");
    }
    assert!(stats["fields"]["from"]["fast"].as_u64().unwrap() > 0, "{stats}");
    assert!(index(&["stats"]).leaves(0).stdout.contains("24 messages of 2 hours"));
    // One that was begun and killed goes on.
    let archive = talk.scene.archive();
    std::fs::rename(archive.join("index"), archive.join("index.next")).unwrap();
    index(&["stats"]).leaves(2);
    index(&["rebuild"]).leaves(0);
    assert!(!archive.join("index.next").exists());
    // Damage is said, and mended.
    std::fs::write(archive.join("index/meta.json"), "{").unwrap();
    let damaged = index(&["stats"]).leaves(2);
    assert!(damaged.stderr.contains("`annals index rebuild`"), "{}", damaged.stderr);
    assert!(index(&["rebuild"]).leaves(0).stdout.contains("24 messages"));
    assert_eq!(talk.query(&["word", "--count"]).leaves(0).stdout, "24\n");
    index(&["merge"]).leaves(0);
    assert_eq!(index(&["stats", "--json"]).leaves(0).json()["segments"], 1);
    assert_eq!(talk.query(&["word", "--count"]).leaves(0).stdout, "24\n");
    assert!(!archive.join("index.replaced").exists());
}
