//! From nothing to a line for cron, and secrets that stand in files.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use emulator::{Clock, Handle, Options};

use crate::scene::{ANNALS, Run, Scene, run};

const NOW: &str = "2026-03-15T12:00:00Z";
const URL: &str = "https://a1.easemob.com/harbor-org/lantern";

fn settings(scene: &Scene) -> String {
    fs::read_to_string(scene.archive().join("annals.toml")).unwrap()
}

#[track_caller]
fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|found| found.trim() == *line), "{line} in\n{text}");
    }
}

#[test]
fn flags_are_answers_and_nothing_is_asked() {
    let scene = Scene::new();
    let flags = ["init", "--base-url", URL, "--zone", "+08:00", "--retention", "7d", "--client-id", "YXA6id"];
    let run = run(&mut scene.annals(&[&flags[..], &["--client-secret-file", "chat.secret"]].concat())).leaves(0);
    let secret = scene.path("chat.secret");
    has(
        &settings(&scene),
        &[
            &format!("base_url = \"{URL}\""),
            "zone = \"+08:00\"",
            "retention = \"7d\"",
            "client_id = \"YXA6id\"",
            &format!("client_secret_file = \"{}\"", secret.display()),
            "#history_per_minute = 10",
        ],
    );
    let archive = scene.archive();
    let (annals, archive) = (ANNALS, archive.display());
    has(
        &run.stderr,
        &[
            &format!("(umask 077; cat > {})", secret.display()),
            &format!("{annals} doctor --archive {archive}"),
            &format!("23 */6 * * * {annals} fetch --due --quiet --archive {archive}"),
        ],
    );
    assert_eq!(run.stdout, "");
}

#[test]
fn an_answer_that_does_not_fit_writes_nothing() {
    let scene = Scene::new();
    for (flags, complaint) in [
        (&["--base-url", "a1.easemob.com"][..], "it is no URL"),
        (&["--base-url", URL, "--retention", "3"], "`3` is no length of time"),
        (&["--retention", "1h"], "`hours.retention`: it is shorter than `hours.readiness`: set that, too"),
        (&["--token-file", "~/token"], "does not begin at the root"),
        (&["--zone", "Asia/Shanghai"], "is no zone"),
    ] {
        let run = run(&mut scene.annals(&[&["init"], flags].concat())).leaves(2);
        assert!(run.stderr.contains(complaint), "{flags:?}: {}", run.stderr);
    }
    assert!(!scene.archive().exists());
}

#[test]
fn settings_that_are_there_are_left_alone() {
    let scene = Scene::new();
    run(&mut scene.annals(&["init"])).leaves(0);
    let written = settings(&scene);
    let again = run(&mut scene.annals(&["init", "--base-url", URL])).leaves(2);
    assert!(again.stderr.contains("hint: the archive has its settings already: edit that file"), "{}", again.stderr);
    fs::write(scene.path("plain"), "no folder").unwrap();
    let file = run(&mut scene.annals(&["init", "--archive", "plain"])).leaves(2);
    assert!(file.stderr.contains("hint: a file is in the way: name a folder with --archive"), "{}", file.stderr);
    assert_eq!(settings(&scene), written);
}

/// `annals init` on a pseudo terminal, with these lines typed into it.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is told what was left out")]
fn typed(scene: &Scene, answers: &[&str]) -> Option<Run> {
    let plain = scene.annals(&["init"]);
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &format!("{ANNALS} init"), "/dev/null"]);
    terminal.current_dir(scene.path("")).stdin(Stdio::piped());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    let Ok(mut child) = terminal.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
        eprintln!("skipped: there is no program `script` here, which makes a terminal");
        return None;
    };
    let mut keyboard = child.stdin.take().unwrap();
    for answer in answers {
        writeln!(keyboard, "{answer}").unwrap();
    }
    drop(keyboard);
    Some(crate::scene::wait(child))
}

#[cfg(target_os = "linux")]
#[test]
fn a_person_at_a_terminal_is_asked_and_asked_again() {
    let scene = Scene::new();
    let answers = ["a1.easemob.com", URL, "", "3", "3d", "certificate", "970CA", ""];
    let Some(run) = typed(&scene, &answers) else { return };
    let run = run.leaves(0);
    for shown in ["it is no URL", "[UTC] > ", "`3` is no length of time", "[client] > ", "23 */6 * * * "] {
        assert!(run.stdout.contains(shown), "{shown} in\n{}", run.stdout);
    }
    let file = format!("app_certificate_file = \"{}.app_certificate\"", scene.archive().display());
    has(&settings(&scene), &[&format!("base_url = \"{URL}\""), "zone = \"UTC\"", "app_id = \"970CA\"", &file]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_person_who_leaves_finds_nothing_written() {
    let scene = Scene::new();
    let Some(run) = typed(&scene, &[URL, ""]) else { return };
    let run = run.leaves(2);
    assert!(run.stdout.contains("the answers end before the questions do"), "{}", run.stdout);
    assert!(!scene.archive().exists());
}

fn service(scene: &Scene) -> Handle {
    scene.service(Options {
        clock: Clock::running_from(NOW.parse().unwrap()),
        rate_per_minute: None,
        ..Options::default()
    })
}

/// A fetch of an hour whose token stands in this file.
fn fetch_with(scene: &Scene, service: &Handle, file: &Path) -> Command {
    let mut command = scene.annals_at(service, &["fetch", "--since", "2026-03-14T09", "--until", "2026-03-14T10"]);
    command.env_remove("ANNALS_API_TOKEN").env("ANNALS_API_TOKEN_FILE", file).env("ANNALS_CLOCK", NOW);
    command
}

#[cfg(unix)]
#[test]
fn a_secret_is_read_from_a_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    let (service, file) = (service(&scene), scene.path("token"));
    fs::write(&file, format!("{}\n", service.token())).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let open = run(&mut fetch_with(&scene, &service, &file)).leaves(0);
    assert!(open.stderr.contains(&format!("warning: {} holds a secret", file.display())), "{}", open.stderr);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
    let quiet = run(fetch_with(&scene, &service, &file).arg("--quiet")).leaves(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""), "a night in which all is well");
    let config = run(scene.annals(&["config"]).env("ANNALS_API_TOKEN_FILE", &file)).leaves(0);
    assert!(config.stdout.contains(file.to_str().unwrap()) && !config.stdout.contains(&service.token()));
}

#[test]
fn a_secret_that_cannot_be_read_is_told_from_one_that_is_refused() {
    let scene = Scene::new();
    let (service, file) = (service(&scene), scene.path("token"));
    let absent = run(&mut fetch_with(&scene, &service, &file)).leaves(2);
    for said in
        ["error: `api.token_file`: could not read", "caused by: No such file", "hint: write it: (umask 077; cat >"]
    {
        assert!(absent.stderr.contains(said), "{said} in {}", absent.stderr);
    }
    fs::write(&file, "\n").unwrap();
    assert!(run(&mut fetch_with(&scene, &service, &file)).leaves(2).stderr.contains("token is empty"));
    let both = run(fetch_with(&scene, &service, &file).env("ANNALS_API_TOKEN", "t")).leaves(2);
    assert!(both.stderr.contains("`api.token` and `api.token_file` are both set"), "{}", both.stderr);
    let relative = run(&mut fetch_with(&scene, &service, Path::new("token"))).leaves(2);
    assert!(relative.stderr.contains("`token` does not begin at the root"), "{}", relative.stderr);
    let on_the_line = run(&mut scene.annals(&["doctor", "--set", "api.token=YWMt-secret"])).leaves(2);
    assert!(on_the_line.stderr.contains("does not belong on a command line"), "{}", on_the_line.stderr);
    assert!(!on_the_line.stderr.contains("YWMt-secret") && !scene.archive().exists());
    fs::write(&file, "wrong").unwrap();
    run(&mut fetch_with(&scene, &service, &file)).leaves(4);
}
