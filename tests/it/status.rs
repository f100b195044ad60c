//! `status` to a person, to a machine and as a page, over an archive that has hours in every state.

use std::collections::BTreeSet;

use emulator::{Clock, Handle, History, Options};
use quick_xml::events::Event;
use serde_json::{Value, json};

use crate::scene::{Run, Scene, run};

/// When the hours of 2026-03-14 were fetched.
const THEN: &str = "2026-03-15T13:00:00Z";
/// When the status is asked for: the service keeps what ended after 2026-03-13T12.
const NOW: &str = "2026-03-16T12:00:30Z";
/// The hours at [`NOW`]; see [`every_state`].
const CALENDAR: [&str; 6] = [
    "                     .LL",
    "LLLLLLLLLLLLLLLLLLLLLLLL",
    "LLLLLLLLLLLL!!!!!!!!!!!!",
    "!!!!!!!!!##..#x?????????",
    "????????????~~~~~~~~~~~~",
    "~~~~~~~~~~~~            ",
];

/// A service that serves these hours of 2026-03-14: messages by the hour of the day.
fn service(scene: &Scene, folder: &str, faults: &str, hours: &[(u32, &[u64])]) -> Handle {
    service_at(scene, THEN, folder, faults, hours)
}

fn service_at(scene: &Scene, now: &str, folder: &str, faults: &str, hours: &[(u32, &[u64])]) -> Handle {
    let folder = scene.path(folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (hour, ids) in hours {
        let start = 1_773_446_400_000 + u64::from(*hour) * 3_600_000;
        let line = |id: &u64| format!("{{\"msg_id\":\"{id}\",\"timestamp\":{start},\"chat_type\":\"chat\"}}\n");
        let lines: String = ids.iter().map(line).collect();
        std::fs::write(folder.join(format!("20260314{hour:02}.ndjson")), lines).unwrap();
    }
    scene.service(Options {
        clock: Clock::running_from(now.parse().unwrap()),
        rate_per_minute: None,
        history: History::Folder(folder),
        faults: faults.parse().unwrap(),
        ..Options::default()
    })
}

fn fetch(scene: &Scene, service: &Handle, since: &str, until: &str) -> Run {
    fetch_at(scene, service, THEN, since, until)
}

fn fetch_at(scene: &Scene, service: &Handle, now: &str, since: &str, until: &str) -> Run {
    let range = ["fetch", "--since", since, "--until", until, "--no-index"];
    run(scene.annals_at(service, &range).env("ANNALS_CLOCK", now).env("ANNALS_API_ATTEMPTS", "1"))
}

/// An empty hour, at which the archive begins, two hours that are known to be lost, 36 that are lost and no run has recorded it, 21 at risk (one of them failed), one
/// more that failed, some that nobody asked for, and some that are still to come.
fn every_state() -> Scene {
    let scene = Scene::new();
    let day_before = "2026-03-12T23:00:00Z";
    let early = service_at(&scene, day_before, "early", "", &[]);
    fetch_at(&scene, &early, day_before, "2026-03-11T21", "2026-03-11T22").leaves(0);
    let service =
        service(&scene, "served", "2026031408:503;2026031414:503", &[(9, &[1, 2]), (10, &[3]), (13, &[4, 5])]);
    fetch(&scene, &service, "2026-03-11T22", "2026-03-12").leaves(6);
    fetch(&scene, &service, "2026-03-14T08", "2026-03-14T15").leaves(3);
    scene
}

/// An hour that was fetched while it could be, and nothing since.
fn one_hour() -> Scene {
    let scene = Scene::new();
    let service = service(&scene, "served", "", &[(9, &[1])]);
    fetch(&scene, &service, "2026-03-14T09", "2026-03-14T10").leaves(0);
    scene
}

fn status(scene: &Scene, flags: &[&str], now: &str) -> Run {
    let arguments: Vec<&str> = ["status"].into_iter().chain(flags.iter().copied()).collect();
    run(scene.annals(&arguments).env("ANNALS_CLOCK", now))
}

#[test]
fn a_person_sees_every_hour_at_a_glance() {
    let scene = every_state();
    let bytes = &status(&scene, &["--json"], NOW).leaves(6).json()["bytes"];
    let told = status(&scene, &[], NOW).leaves(6);
    let (text, last_run) = told.stdout.split_once("; a run last recorded something 2").unwrap();
    assert_eq!(
        text,
        format!(
            "\
harbor-org#lantern: 38 hours lost, 36 of them recorded by no run yet; 21 hours at risk, the next one lost in 59 min; \
22 hours missing
111 hours from 2026-03-11T21Z to 2026-03-16T11Z, as of 2026-03-16T12:00:30Z

UTC             0     6     12    18      messages
Wed 2026-03-11                       .LL         0
Thu 2026-03-12  LLLLLLLLLLLLLLLLLLLLLLLL         0
Fri 2026-03-13  LLLLLLLLLLLL!!!!!!!!!!!!         0
Sat 2026-03-14  !!!!!!!!!##..#x?????????         5
Sun 2026-03-15  ????????????~~~~~~~~~~~~         0
Mon 2026-03-16  ~~~~~~~~~~~~                     0

# done   . empty   ~ to come   ? missing   x failed   ! at risk   L lost

3 done, 3 empty, 65 pending, 2 failed, 38 lost
5 lines: 5 messages, 0 duplicates, 0 dead letters, 0 blank; {bytes} B as served
3 hours still to be indexed
the newest archived hour is 2026-03-14T13Z, 46 h old"
        )
    );
    let (_moment, lists) = last_run.split_once("\n\n").unwrap();
    let (gaps, lists) = lists.split_once("\n\n").unwrap();
    let (at_risk, went_wrong) = lists.split_once("\n\n").unwrap();
    assert_eq!(
        gaps,
        "\
not archived  hours  which
lost          38     2026-03-11T22Z to 2026-03-13T11Z
failed        1      2026-03-14T08Z
failed        1      2026-03-14T14Z
missing       20     2026-03-13T12Z to 2026-03-14T07Z
missing       21     2026-03-14T15Z to 2026-03-15T11Z"
    );
    let at_risk: Vec<String> =
        at_risk.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(at_risk.len(), 22);
    assert_eq!(at_risk[0], "at risk lost in at");
    assert_eq!(at_risk[1], "2026-03-13T12Z 59 min 2026-03-16T13:00:00Z");
    assert_eq!(at_risk[21], "2026-03-14T08Z 20 h 2026-03-17T09:00:00Z");
    let went_wrong: Vec<&str> = went_wrong.lines().collect();
    assert_eq!(went_wrong.len(), 3, "{went_wrong:?}");
    assert!(
        went_wrong[1].starts_with("2026-03-14T08Z  failed   2026-03-15T13:00:00Z  could not fetch 2026-03-14T08Z: ")
    );
}

#[test]
fn days_of_long_ago_are_drawn_together_unless_they_are_wanted() {
    let scene = one_hour();
    let told = status(&scene, &["--days", "2"], "2026-04-20T12:00:00Z").leaves(6);
    for row in [
        "Sat 2026-03-14           #LLLLLLLLLLLLLL         1",
        "to  2026-04-16  (33 lost days)                   0",
        "Fri 2026-04-17  LLLLLLLLLLLL!!!!!!!!!!!!         0",
        "Sat 2026-04-18  !!!!!!!!!!!!????????????         0",
    ] {
        assert!(told.stdout.contains(row), "{row} is not in\n{}", told.stdout);
    }
    let all = status(&scene, &["--all"], "2026-04-20T12:00:00Z").leaves(6);
    assert!(all.stdout.contains("Thu 2026-04-02  LLLLLLLLLLLLLLLLLLLLLLLL"), "{}", all.stdout);
    assert_eq!(all.stdout.matches("\nTue ").count(), 5, "{}", all.stdout);
    for flags in [&["--days", "0"][..], &["--days", "3", "--all"]] {
        status(&scene, flags, NOW).leaves(2);
    }
}

#[test]
fn a_job_that_nobody_runs_any_more_never_looks_well() {
    let scene = one_hour();
    let told = status(&scene, &[], "2027-03-14T12:00:00Z").leaves(6);
    assert!(told.stdout.contains(" lost and recorded by no run yet; 24 hours at risk"), "{}", told.stdout);
    let advice = "see that `annals fetch` runs, or say that this archive is closed with --until 2026-03-14T10\n";
    assert!(told.stdout.ends_with(advice), "{}", told.stdout);

    let closed = status(&scene, &["--until", "2026-03-14T10"], "2027-03-14T12:00:00Z").leaves(0);
    assert!(closed.stdout.starts_with("harbor-org#lantern: complete\n1 hour from"), "{}", closed.stdout);
    assert!(!closed.stdout.contains("see that"), "{}", closed.stdout);
}

#[test]
fn what_nobody_promised_is_no_gap_in_any_face() {
    let scene = one_hour();
    let range = ["--since", "2020-01-01", "--until", "2026-03-14T10"];
    let told = status(&scene, &range, NOW).leaves(0).stdout;
    for words in [
        "harbor-org#lantern: complete\n",
        "to  2026-02-28  (2251 unpromised days)           0\n",
        "Sat 2026-03-14  ---------#                       1\n",
        "# done   - unpromised\n",
        "\n54345 hours unpromised: before the first hour that the service was asked for",
    ] {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }
    let object = status(&scene, &[&range[..], &["--json"]].concat(), NOW).leaves(0).json();
    has_the_documented_shape(&object);
    for (key, expected) in [
        ("complete", json!(true)),
        ("unpromised", json!(54345)),
        ("missing", json!(0)),
        ("pending", json!([])),
        ("gaps", json!([])),
        ("first_hour", json!("2020010100")),
        ("settled_until", json!("2026031410")),
    ] {
        assert_eq!(object[key], expected, "{key}");
    }
    let page = status(&scene, &[&range[..], &["--html", "-"]].concat(), NOW).leaves(0).stdout;
    assert!(page.contains("Nothing is missing.") && page.contains("2209 unpromised days"), "{page}");

    let before = ["--since", "2020-01-01", "--until", "2020-01-02"];
    let told = status(&scene, &before, NOW).leaves(0).stdout;
    assert!(
        told.starts_with("harbor-org#lantern: nothing of this range is archived, and nothing of it was to be\n"),
        "{told}"
    );
    let object = status(&scene, &[&before[..], &["--json"]].concat(), NOW).leaves(0).json();
    assert_eq!((&object["complete"], &object["settled_until"]), (&json!(false), &Value::Null));
}

#[test]
fn days_to_come_take_one_row() {
    let told = status(&one_hour(), &["--since", "2026-03-01", "--until", "2030-01-01"], NOW).leaves(5).stdout;
    assert!(told.contains("to  2029-12-31  (1386 future days)               0\n"), "{told}");
}

#[test]
fn young_hours_are_no_gaps() {
    let scene = one_hour();
    let told = status(&scene, &[], "2026-03-14T13:59:00Z").leaves(0);
    assert!(told.stdout.starts_with("harbor-org#lantern: complete; 3 hours to come\n"), "{}", told.stdout);
    let object = status(&scene, &["--json"], "2026-03-14T13:59:00Z").leaves(0).json();
    assert_eq!((&object["complete"], &object["settled_until"]), (&true.into(), &"2026031410".into()));
    let open = status(&scene, &["--json"], "2026-03-15T12:59:00Z").leaves(0).json();
    assert_eq!((&open["complete"], &open["missing"], &open["to_come"]), (&false.into(), &2.into(), &24.into()));
}

#[test]
fn machines_are_told_everything_in_the_documented_shape() {
    let object = status(&every_state(), &["--json"], NOW).leaves(6).json();
    has_the_documented_shape(&object);
    for (key, expected) in [
        ("as_of", json!("2026-03-16T12:00:30Z")),
        ("complete", json!(false)),
        ("first_hour", json!("2026031121")),
        ("last_hour", json!("2026031611")),
        ("settled_until", json!("2026031312")),
        ("newest_done", json!("2026031413")),
        ("hours", json!({ "done": 3, "empty": 3, "pending": 65, "failed": 2, "lost": 38 })),
        ("missing", json!(38 + 21 + 22)),
        ("to_come", json!(24)),
        ("newly_lost", json!(36)),
        ("failed", json!(["2026031408", "2026031414"])),
        ("messages", json!(5)),
        ("next_loss", json!({ "hour": "2026031312", "lost_at": "2026-03-16T13:00:00Z", "seconds_left": 3569 })),
    ] {
        // The clock runs on.
        let is_near = key == "next_loss" && object[key]["seconds_left"].as_u64().is_some_and(|left| left > 3540);
        let told = if is_near { expected.clone() } else { object[key].clone() };
        assert_eq!(told, expected, "{key}");
    }
    assert_eq!(object["gaps"][0], json!({ "first": "2026031122", "last": "2026031311", "hours": 38, "state": "lost" }));
    assert_eq!(object["at_risk"].as_array().unwrap().len(), 21);
    assert_eq!(object["deadlines"].as_array().unwrap().len(), 67, "every hour that is neither settled nor lost");
    let days = object["days"].as_array().unwrap();
    let calendar: Vec<&str> = days.iter().map(|day| day["calendar"].as_str().unwrap()).collect();
    assert_eq!(calendar, CALENDAR);
    assert_eq!(
        (&days[3]["date"], &days[3]["done"], &days[3]["messages"]),
        (&json!("2026-03-14"), &json!(3), &json!(5))
    );
    let failures = object["failures"].as_array().unwrap();
    let failed: Vec<_> = failures.iter().map(|failure| (&failure["hour"], &failure["state"])).collect();
    assert_eq!(failed, [(&json!("2026031408"), &json!("failed")), (&json!("2026031414"), &json!("failed"))]);
    for state in ["done", "empty", "pending", "failed", "lost"] {
        let sum: u64 = days.iter().map(|day| day[state].as_u64().unwrap()).sum();
        assert_eq!(object["hours"][state], sum, "{state}");
    }
}

#[test]
fn what_grew_and_what_is_kept_is_counted() {
    let scene = Scene::new();
    let first = service(&scene, "first", "", &[(9, &[1, 2]), (13, &[4, 5])]);
    fetch(&scene, &first, "2026-03-14T09", "2026-03-14T14").leaves(0);
    let second = service(&scene, "second", "", &[(9, &[1, 2, 3, 6]), (13, &[4])]);
    let again = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T14", "--again"];
    run(scene.annals_at(&second, &again).env("ANNALS_CLOCK", THEN)).leaves(0);

    let object = status(&scene, &["--json", "--until", "2026-03-14T14"], NOW).leaves(0).json();
    has_the_documented_shape(&object);
    assert_eq!(object["grown"], json!([{ "hour": "2026031409", "messages": 2 }]));
    assert_eq!(object["retained_in"], json!([{ "hour": "2026031413", "messages": 1 }]));
    assert_eq!((&object["messages"], &object["retained"]), (&json!(5), &json!(1)));
    let told = status(&scene, &["--until", "2026-03-14T14"], NOW).leaves(0).stdout;
    for line in [
        "\n1 hour grew by 2 messages after it was first archived\n",
        "\n1 message of 1 hour kept that the newest hour files no longer have\n",
    ] {
        assert!(told.contains(line), "{line} is not in\n{told}");
    }
}

#[test]
fn an_archive_without_hours_has_the_same_shape() {
    let scene = Scene::new();
    let service = service(&scene, "served", "", &[]);
    // The hour that is going on is not asked for.
    fetch(&scene, &service, "2026-03-15T13", "2026-03-15T14").leaves(0);
    let object = status(&scene, &["--json"], NOW).leaves(0).json();
    has_the_documented_shape(&object);
    assert_eq!(
        (&object["first_hour"], &object["days"], &object["next_loss"]),
        (&Value::Null, &json!([]), &Value::Null)
    );
    assert_eq!(status(&scene, &[], NOW).leaves(0).stdout, "nothing is archived yet\n");
    let page = status(&scene, &["--html", "-"], NOW).leaves(0).stdout;
    assert!(page.contains("nothing is archived yet"), "{page}");
    elements(&page);
}

/// The schema of the docs, which allows keys that a later program may add, made to allow none that it does not name.
pub(crate) fn has_the_documented_shape(object: &Value) {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                if members.contains_key("properties") {
                    members.insert("additionalProperties".to_owned(), false.into());
                }
                members.values_mut().for_each(close);
            }
            Value::Array(items) => items.iter_mut().for_each(close),
            _ => {}
        }
    }
    let mut schema = schema();
    close(&mut schema);
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("https://annals.invalid/status.schema.json", schema).unwrap();
    let index = compiler.compile("https://annals.invalid/status.schema.json", &mut schemas).unwrap();
    if let Err(error) = schemas.validate(object, index) {
        panic!("{error:#}\n{object:#}");
    }
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/status.schema.json")).unwrap()
}

#[test]
fn the_page_of_the_docs_names_every_key() {
    fn keys(schema: &Value, found: &mut BTreeSet<String>) {
        if let Some(properties) = schema["properties"].as_object() {
            found.extend(properties.keys().cloned());
        }
        if let Some(members) = schema.as_object() {
            members.values().for_each(|member| keys(member, found));
        }
    }
    let mut expected = BTreeSet::new();
    keys(&schema(), &mut expected);
    let page = include_str!("../../docs/status.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let named: BTreeSet<String> = rows.map(|(key, _rest)| key.to_owned()).filter(|key| key.len() > 1).collect();
    assert_eq!(named, expected);
    for letter in ["#", ".", "~", "?", "x", "!", "L", "-"] {
        assert!(page.contains(&format!("| `{letter}` |")), "{letter}");
    }
}

/// The elements of a page with their attributes, if it is well-formed: every element that is opened is closed, in order.
fn elements(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut reader = quick_xml::Reader::from_str(page);
    // HTML leaves these open.
    reader.config_mut().check_end_names = false;
    let (mut open, mut found) = (Vec::new(), Vec::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error} at {}", reader.error_position())) {
            Event::Start(start) => {
                let name = String::from_utf8(start.name().as_ref().to_vec()).unwrap();
                let attributes = start.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
                    (key, String::from_utf8(attribute.value.to_vec()).unwrap())
                });
                found.push((name.clone(), attributes.collect()));
                if name != "meta" {
                    open.push(name);
                }
            }
            Event::End(end) => {
                assert_eq!(open.pop().map(String::into_bytes), Some(end.name().as_ref().to_vec()));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

#[test]
fn the_page_is_whole_and_needs_nothing_else() {
    let scene = every_state();
    let told = status(&scene, &["--html", "coverage.html"], NOW).leaves(6);
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", "wrote coverage.html\n"));
    let page = std::fs::read_to_string(scene.path("coverage.html")).unwrap();
    let elements = elements(&page);
    let of = |name: &str| elements.iter().filter(|(found, _)| found == name).count();
    assert!(page.starts_with("<!DOCTYPE html>"));
    // A square for each hour of the range and for each mark of the legend.
    assert_eq!(of("rect"), 111 + 7);
    assert_eq!(of("title"), 1 + 1 + 111, "of the page, of the calendar, and of each hour");
    assert!(page.contains("<title>Sat 2026-03-14 09:00 UTC: done, 2 messages</title>"));
    for row in CALENDAR {
        assert!(page.contains(row), "the letters are the text instead of the drawing: {row}");
    }
    for words in ["38 hours lost, 36 of them recorded by no run yet", "2026-03-11T22Z to 2026-03-13T11Z", "20 h"] {
        assert!(page.contains(words), "{words}");
    }
    // Nothing is loaded, nothing runs, and the page says so to the browser.
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
    for (name, attributes) in &elements {
        assert!(!["script", "link", "img", "iframe", "object", "use", "image"].contains(&name.as_str()), "{name}");
        for (key, value) in attributes {
            assert!(!key.starts_with("on") && !["src", "href", "xlink:href", "style"].contains(&key.as_str()), "{key}");
            assert!(!value.contains("://") || key == "xmlns", "{key}={value}");
        }
    }
    assert!(!page.contains("url(") && !page.contains("@import"));
}

#[test]
fn a_page_replaces_the_one_before_or_says_why_not() {
    let scene = one_hour();
    std::fs::write(scene.path("page.html"), "an older page").unwrap();
    let both = status(&scene, &["--html", "page.html", "--json", "--quiet"], NOW);
    assert_eq!((both.json()["hours"]["done"].as_u64(), both.stderr.as_str()), (Some(1), ""));
    let page = std::fs::read_to_string(scene.path("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{page}");

    let nowhere = status(&scene, &["--html", "none/page.html"], NOW).leaves(2);
    assert!(nowhere.stderr.starts_with("error: could not write none/page.html\n  caused by: "), "{}", nowhere.stderr);
    let twice = status(&scene, &["--html", "-", "--json"], NOW).leaves(2);
    assert!(twice.stderr.contains("stdout takes one of --json and --html -"), "{}", twice.stderr);
    assert_eq!(twice.stdout, "");
}
