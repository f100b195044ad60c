//! Where a conclusion drawn too early would lose an hour: clocks that are wrong, a stray hour, damage, a service that is down.

use std::process::Command;

use emulator::{Clock, Handle, History, Options, corpus};

use crate::scene::{Run, Scene, files_below, run};

/// A service with a few busy hours, at this time.
fn service(scene: &Scene, now: &str, faults: &str) -> Handle {
    let traffic = corpus::Options {
        messages_per_hour: 20,
        since: "2026-03-14T08".parse().unwrap(),
        until: "2026-03-15T06".parse().unwrap(),
        ..corpus::Options::default()
    };
    scene.service_at(now, faults, traffic)
}

fn at(command: &mut Command, now: &str) -> Run {
    run(command.env("ANNALS_CLOCK", now))
}

#[test]
fn a_clock_that_was_ahead_loses_nothing_for_ever() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-14T12:00:00Z", "");
    let fetch = |now: &str| at(&mut scene.annals_at(&service, &["fetch", "--due", "--json"]), now);
    fetch("2026-03-14T12:00:00Z").leaves(0);
    let ahead = fetch("2026-03-19T12:00:00Z").leaves(6).json();
    assert!(ahead["hours"]["lost"].as_u64().unwrap() > 20, "{ahead}");
    // The clock is right again, and a day has passed.
    service.clock().set("2026-03-15T12:00:00Z".parse().unwrap());
    let right = fetch("2026-03-15T12:00:00Z").leaves(0).json();
    assert_eq!((&right["hours"]["lost"], &right["hours"]["failed"]), (&0.into(), &0.into()), "{right}");
    let status = at(&mut scene.annals(&["status", "--json"]), "2026-03-15T12:00:00Z").leaves(0).json();
    assert_eq!(status["complete"], true, "{status}");
}

#[test]
fn a_clock_that_is_behind_is_no_success() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-14T12:00:00Z", "");
    let fetch = |now: &str| at(&mut scene.annals_at(&service, &["fetch", "--due"]), now);
    fetch("2026-03-14T12:00:00Z").leaves(0);
    let behind = fetch("2026-03-07T12:00:00Z").leaves(2);
    assert!(behind.stderr.contains("the clock of this machine"), "{}", behind.stderr);
}

#[test]
fn an_hour_that_is_refused_keeps_no_other_from_being_archived() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-15T12:00:00Z", &format!("2026031408:{}", ["401"; 20].join(",")));
    let fetch = || at(&mut scene.annals_at(&service, &["fetch", "--due", "--json"]), "2026-03-15T12:00:00Z");
    for _ in 0..2 {
        let run = fetch().leaves(3);
        assert!(run.stderr.contains("could not fetch 2026-03-14T08Z"), "{}", run.stderr);
        assert!(run.stderr.contains("hint: the service answered for other hours"), "{}", run.stderr);
        assert!(!run.stderr.contains("given up"), "{}", run.stderr);
        let report = run.json();
        assert_eq!((&report["hours"]["failed"], &report["hours"]["done"]), (&1.into(), &21.into()), "{report}");
    }
}

#[test]
fn a_service_that_refuses_every_hour_is_soon_left_alone() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-15T12:00:00Z", &format!("every:{}", ["401"; 20].join(",")));
    let fetch = |flags: &[&str]| {
        let arguments: Vec<&str> = ["fetch", "--json"].iter().chain(flags).copied().collect();
        at(&mut scene.annals_at(&service, &arguments), "2026-03-15T12:00:00Z").leaves(4)
    };
    // Of few hours, of which some are at risk, all have their turn, and the code is that of the reason.
    for flags in [&["--due"][..], &["--since", "2026-03-12T12", "--until", "2026-03-12T15"]] {
        let run = fetch(flags);
        assert!(run.stderr.contains("given up"), "{}", run.stderr);
        assert_eq!(run.stderr.matches("could not fetch").count(), 1, "{}", run.stderr);
        let report = run.json();
        let asked = report["asked"].as_u64().unwrap();
        assert!(asked < 30 && report["at_risk"].as_u64().unwrap() > 0, "{report}");
    }
}

#[test]
fn an_hour_mistyped_by_years_is_not_what_the_archive_begins_with() {
    let scene = Scene::new();
    let service = service(&scene, "2026-03-14T12:00:00Z", "");
    let fetch = |flags: &[&str]| {
        let arguments: Vec<&str> = ["fetch", "--json"].iter().chain(flags).copied().collect();
        at(&mut scene.annals_at(&service, &arguments), "2026-03-14T12:00:00Z")
    };
    fetch(&["--due"]).leaves(0);
    fetch(&["--since", "2016-03-14T09", "--until", "2016-03-14T10"]).leaves(6);
    let due = fetch(&["--due"]).leaves(0).json();
    let hours: u64 = due["hours"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!((hours, &due["hours"]["lost"]), (72, &0.into()), "{due}");
}

#[test]
fn a_longer_retention_than_was_thought_gives_lost_hours_back() {
    let scene = Scene::new();
    let options = |days: u64| Options {
        clock: Clock::running_from("2026-03-18T12:00:00Z".parse().unwrap()),
        rate_per_minute: None,
        retention: std::time::Duration::from_secs(days * 86_400),
        history: History::Generated(corpus::Options {
            messages_per_hour: 20,
            since: "2026-03-14T00".parse().unwrap(),
            until: "2026-03-19T00".parse().unwrap(),
            ..corpus::Options::default()
        }),
        ..Options::default()
    };
    let three = scene.service(options(3));
    let range = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T11", "--json"];
    let lost = at(&mut scene.annals_at(&three, &range), "2026-03-18T12:00:00Z").leaves(6).json();
    assert_eq!(lost["hours"]["lost"], 2);
    let seven = scene.service(options(7));
    let mut again = scene.annals_at(&seven, &range);
    let back = at(again.env("ANNALS_HOURS_RETENTION", "7d"), "2026-03-18T12:00:00Z").leaves(0).json();
    assert_eq!(back["hours"]["done"], 2);
}

/// Hour files of one message each, sent in these hours.
fn history_of(scene: &Scene, hours: &[(&str, &str)]) -> Handle {
    let folder = scene.path("history");
    std::fs::create_dir_all(&folder).unwrap();
    for (number, (file, sent)) in hours.iter().enumerate() {
        let time = sent.parse::<chat::Hour>().unwrap().start().timestamp_millis();
        let line = format!("{{\"msg_id\":\"m{number}\",\"timestamp\":{time},\"chat_type\":\"chat\"}}\n");
        std::fs::write(folder.join(format!("{file}.ndjson")), line).unwrap();
    }
    scene.service(Options {
        clock: Clock::running_from("2026-03-15T12:00:00Z".parse().unwrap()),
        rate_per_minute: None,
        history: History::Folder(folder),
        ..Options::default()
    })
}

#[test]
fn one_stray_hour_stops_no_run() {
    let scene = Scene::new();
    let service = history_of(
        &scene,
        &[("2026031409", "2026-03-14T01"), ("2026031410", "2026-03-14T10"), ("2026031411", "2026-03-14T11")],
    );
    let fetch = |until: &str| {
        let arguments = ["fetch", "--since", "2026-03-14T09", "--until", until, "--json"];
        at(&mut scene.annals_at(&service, &arguments), "2026-03-15T12:00:00Z")
    };
    // Alone it proves nothing, and nothing speaks for it.
    let alone = fetch("2026-03-14T10").leaves(2);
    assert!(alone.stderr.contains("were sent in 2026-03-14T01Z"), "{}", alone.stderr);
    let among_others = fetch("2026-03-14T12").leaves(0).json();
    assert_eq!(among_others["hours"]["done"], 3, "{among_others}");
}

#[test]
fn two_hours_of_another_zone_stop_the_run() {
    let scene = Scene::new();
    let hours: Vec<(String, String)> =
        (9..20).map(|hour| (format!("20260314{hour:02}"), format!("2026-03-14T{:02}", hour - 8))).collect();
    let hours: Vec<(&str, &str)> = hours.iter().map(|(file, sent)| (file.as_str(), sent.as_str())).collect();
    let service = history_of(&scene, &hours);
    let arguments = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T20", "--json"];
    let stopped = at(&mut scene.annals_at(&service, &arguments), "2026-03-15T12:00:00Z").leaves(2);
    assert_eq!(stopped.json()["hours"]["done"], 0, "{}", stopped.stdout);
    assert_eq!(crate::table::data_files(&scene.archive()), 0);
    assert!(service.calls().links < 11, "the rest was not asked for");
}

#[test]
fn a_service_that_is_down_is_given_up() {
    let scene = Scene::new();
    let down = scene.service(Options {
        clock: Clock::running_from("2026-03-14T12:00:00Z".parse().unwrap()),
        rate_per_minute: None,
        faults: "every:503,503,503,503,503,503,503,503".parse().unwrap(),
        ..Options::default()
    });
    let mut fetch = scene.annals_at(&down, &["fetch", "--due", "--json"]);
    let run = at(fetch.env("ANNALS_API_ATTEMPTS", "2"), "2026-03-14T12:00:00Z");
    assert!([3, 5].contains(&run.code), "{}\n{}", run.stdout, run.stderr);
    assert!(down.calls().links < 40, "{} calls of a service that is down", down.calls().links);
    assert!(run.json()["failures"].as_array().unwrap().len() >= 8, "{}", run.stdout);
}

#[test]
fn what_vanished_is_kept_from_the_kept_bytes_when_the_table_is_damaged() {
    let scene = Scene::new();
    let serve = |name: &str, ids: &[u64]| {
        let folder = scene.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        let time = "2026-03-14T09".parse::<chat::Hour>().unwrap().start().timestamp_millis();
        let line = |id: &u64| format!("{{\"msg_id\":\"{id}\",\"timestamp\":{time},\"chat_type\":\"chat\"}}\n");
        std::fs::write(folder.join("2026031409.ndjson"), ids.iter().map(line).collect::<String>()).unwrap();
        let service = scene.service(Options {
            clock: Clock::running_from("2026-03-15T12:00:00Z".parse().unwrap()),
            rate_per_minute: None,
            history: History::Folder(folder),
            ..Options::default()
        });
        let arguments = ["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T10", "--again", "--json"];
        at(&mut scene.annals_at(&service, &arguments), "2026-03-15T12:00:00Z")
    };
    let damage = || {
        let folder = scene.archive().join("messages");
        let file = files_below(&folder).into_iter().find(|path| path.starts_with("date=2026-03-14")).unwrap();
        let mut bytes = std::fs::read(folder.join(&file)).unwrap();
        bytes.iter_mut().skip(4).take(40).for_each(|byte| *byte ^= 0x5a);
        std::fs::write(folder.join(file), bytes).unwrap();
    };
    serve("first", &[1, 2, 3]).leaves(0);
    damage();
    let second = serve("second", &[3, 4]).leaves(0).json();
    assert_eq!((&second["messages"], &second["retained"]), (&2.into(), &2.into()), "{second}");
    assert_eq!(crate::table::messages(&scene.archive()).len(), 4);
    run(&mut scene.annals(&["verify"])).leaves(0);
    // Without the kept bytes either, the hour stays as it is.
    damage();
    std::fs::remove_dir_all(scene.archive().join("raw/2026")).unwrap();
    let third = serve("third", &[5]).leaves(3);
    assert!(third.stderr.contains(".parquet is not what was written: its SHA-256 is "), "{}", third.stderr);
    assert_eq!(crate::table::data_files(&scene.archive()), 1);
}
