//! Bad input: one clear line that says what to do, the documented exit code, nothing half-written.

use emulator::Options;

use crate::scene::{Run, Scene, files_below, run};

/// There is an error, it names these things, and there is no panic or debug output in it.
#[track_caller]
fn says(run: &Run, expected: &[&str]) {
    let first = run.stderr.lines().find(|line| line.starts_with("error:")).unwrap_or_else(|| panic!("{}", run.stderr));
    let all = run.stderr.to_lowercase();
    for word in expected {
        assert!(all.contains(&word.to_lowercase()), "`{word}` in: {}", run.stderr);
    }
    assert!(!first.contains("Error {") && !all.contains("panicked"), "{}", run.stderr);
}

#[track_caller]
fn has_no_data(scene: &Scene) {
    for table in ["messages", "dead_letters", "raw", "tmp"] {
        let folder = scene.archive().join(table);
        let files = if folder.exists() { files_below(&folder) } else { Vec::new() };
        let data: Vec<_> = files.iter().filter(|path| !path.starts_with("_delta_log")).collect();
        assert!(data.is_empty(), "{data:?}");
    }
}

#[test]
fn a_wrong_token_is_refused() {
    let scene = Scene::new();
    let service = scene.service(Options::default());
    let mut command = scene.annals_at(&service, &["fetch", "--since", "2026-11-01T00", "--until", "2026-11-01T03"]);
    let run = run(command.env("ANNALS_API_TOKEN", "YWMtwrong")).leaves(4);
    says(&run, &["token", "hint:"]);
    has_no_data(&scene);
}

#[test]
fn an_unknown_host_is_named() {
    let scene = Scene::new();
    let mut command = scene.annals(&["fetch", "--since", "2026-11-01T00", "--until", "2026-11-01T03"]);
    command
        .env("ANNALS_API_BASE_URL", "http://no-such-host.invalid/harbor-org/lantern")
        .env("ANNALS_API_TOKEN", "t")
        .env("ANNALS_API_FIRST_PAUSE", "1ms");
    let run = run(&mut command).leaves(3);
    says(&run, &["no-such-host.invalid", "hint:"]);
    has_no_data(&scene);
}

#[test]
fn an_unknown_app_is_refused() {
    let scene = Scene::new();
    let service = scene.service(Options::default());
    let base_url = service.base_url().replace("lantern", "beacon");
    let mut command = scene.annals_at(&service, &["fetch", "--since", "2026-11-01T00", "--until", "2026-11-01T03"]);
    let run = run(command.env("ANNALS_API_BASE_URL", base_url)).leaves(4);
    says(&run, &["hint:"]);
    has_no_data(&scene);
}

#[test]
fn no_address_and_no_token_are_settings_that_are_missing() {
    let scene = Scene::new();
    let bare = run(&mut scene.annals(&["fetch", "--since", "2026-11-01", "--until", "2026-11-02"])).leaves(2);
    says(&bare, &["ANNALS_API_BASE_URL"]);
    let mut command = scene.annals(&["fetch", "--since", "2026-11-01", "--until", "2026-11-02"]);
    let tokenless = run(command.env("ANNALS_API_BASE_URL", "http://127.0.0.1:9/o/a")).leaves(2);
    says(&tokenless, &["ANNALS_API_TOKEN"]);
    assert!(!scene.archive().exists());
}

#[test]
fn a_malformed_time_is_quoted() {
    let scene = Scene::new();
    for (since, expected) in [("2026-13-01", "2026-13-01"), ("soon", "soon"), ("2026-03-14T09:30", "hour")] {
        let run = run(&mut scene.annals(&["fetch", "--since", since, "--until", "2026-11-02"])).leaves(2);
        says(&run, &[expected]);
    }
    assert!(!scene.archive().exists());
}

#[test]
fn a_range_that_ends_before_it_begins_is_said() {
    let scene = Scene::new();
    let mut command = scene.annals(&["fetch", "--since", "2026-11-02", "--until", "2026-11-01"]);
    command.env("ANNALS_API_BASE_URL", "http://127.0.0.1:9/o/a").env("ANNALS_API_TOKEN", "t");
    says(&run(&mut command).leaves(2), &["--until"]);
}

#[test]
fn a_file_that_is_no_gzip_is_named() {
    let scene = Scene::new();
    let path = scene.path("2026031409.gz");
    std::fs::write(&path, "<html>Service Unavailable</html>").unwrap();
    let run = run(&mut scene.annals(&["load", path.to_str().unwrap()])).leaves(3);
    says(&run, &["2026-03-14T09Z", "gzip"]);
    has_no_data(&scene);
}

#[test]
fn a_cut_file_gives_no_messages_at_all() {
    let scene = Scene::new();
    let whole = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz")).unwrap();
    let path = scene.path("2026031409.gz");
    std::fs::write(&path, whole.get(..whole.len() / 2).unwrap()).unwrap();
    let run = run(&mut scene.annals(&["load", path.to_str().unwrap()])).leaves(3);
    says(&run, &["2026-03-14T09Z", "cut short"]);
    has_no_data(&scene);
}

#[test]
fn a_file_that_is_not_there_or_says_no_hour_is_named() {
    let scene = Scene::new();
    says(&run(&mut scene.annals(&["load", "2026031409.gz"])).leaves(2), &["2026031409.gz", "no such file"]);
    std::fs::write(scene.path("today.gz"), "").unwrap();
    says(&run(&mut scene.annals(&["load", "today.gz"])).leaves(2), &["today.gz", "yyyyMMddHH"]);
    has_no_data(&scene);
}

#[test]
fn a_place_that_cannot_be_an_archive_is_said() {
    let scene = Scene::new();
    std::fs::write(scene.archive(), "a file").unwrap();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");
    says(&run(&mut scene.annals(&["load", samples])).leaves(2), &["archive"]);
    says(&run(&mut scene.annals(&["query", "x"])).leaves(2), &["archive"]);
}

#[test]
fn an_address_is_no_folder_of_that_name() {
    let scene = Scene::new();
    for (place, expected) in [
        ("s3://", "names no bucket"),
        ("s3:///harbor", "names no bucket"),
        ("gs://harbor/x?y=z", "it has a query"),
        ("https://example.com/archive", "https://"),
    ] {
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");
        let run = run(&mut scene.annals(&["--archive", place, "load", samples])).leaves(2);
        says(&run, &[expected, "hint: name a folder with --archive"]);
        assert!(files_below(&scene.path("")).is_empty(), "{place}");
    }
    run(&mut scene.annals(&["--archive", &format!("file://{}", scene.archive().display()), "status"])).leaves(2);
}

#[test]
fn an_archive_that_is_not_there_is_said() {
    let scene = Scene::new();
    for command in [&["query", "x"][..], &["status"], &["verify"], &["show", "1"]] {
        says(&run(&mut scene.annals(command)).leaves(2), &["archive", "hint:"]);
    }
    assert!(!scene.archive().exists());
}

#[test]
fn another_apps_archive_is_refused() {
    let scene = Scene::new();
    let service = scene.service(Options::default());
    let since = chat::show_time(chat::Hour::containing(std::time::SystemTime::now().into()).plus(-40).start());
    let until = chat::show_time(chat::Hour::containing(std::time::SystemTime::now().into()).plus(-39).start());
    run(&mut scene.annals_at(&service, &["fetch", "--since", &since, "--until", &until])).leaves(0);
    let other = scene.service(Options { app: chat::App::new("harbor-org", "beacon"), ..Options::default() });
    let run = run(&mut scene.annals_at(&other, &["fetch", "--since", &since, "--until", &until])).leaves(2);
    says(&run, &["harbor-org#lantern", "harbor-org#beacon"]);
}

#[test]
fn an_unknown_setting_is_pointed_at() {
    let scene = Scene::new();
    std::fs::create_dir(scene.archive()).unwrap();
    std::fs::write(scene.archive().join("annals.toml"), "[api]\nbase_ulr = \"http://127.0.0.1:9/o/a\"\n").unwrap();
    let run = run(&mut scene.annals(&["fetch", "--since", "2026-11-01", "--until", "2026-11-02"])).leaves(2);
    says(&run, &["base_ulr", "base_url", "annals.toml"]);
}
