//! Nights: the page is followed, and what was installed runs.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use chat::Hour;
use emulator::{Clock, Handle, History, Options, corpus};
use serde_json::Value;

use super::reading::{code, commands};
use super::{PAGE, read};
use crate::scene::{ANNALS, Run, Scene, run};

const CRONTAB: &str = "data/deploy/annals.crontab";

/// The paths of the files, and what stands for them in a test.
fn here(scene: &Scene, text: &str) -> String {
    text.replace("/usr/local/bin/annals", ANNALS)
        .replace("/var/lib/annals/chat", scene.archive().to_str().unwrap())
        .replace("/etc/annals", scene.path("etc").to_str().unwrap())
}

/// A service at this time, in which something was said from a day before up to some hours behind it: outside, an hour
/// without a file is old enough to be believed empty.
fn service(scene: &Scene, now: &str) -> Handle {
    let at = Hour::containing(now.parse().unwrap());
    let (since, until) = (at.plus(-26), at.plus(8));
    let traffic = corpus::Options { messages_per_hour: 20, since, until, ..corpus::Options::default() };
    scene.service(Options {
        clock: Clock::running_from(now.parse().unwrap()),
        rate_per_minute: None,
        history: History::Generated(traffic),
        zone: "+08:00".parse().unwrap(),
        ..Options::default()
    })
}

/// The program as the page has it, with both clocks at this time and without a wait for the quota.
fn at<'a>(command: &'a mut Command, service: &Handle, now: &str) -> &'a mut Command {
    service.clock().set(now.parse().unwrap());
    command.env("ANNALS_CLOCK", now).env("ANNALS_API_HISTORY_PER_MINUTE", "60000").env_remove("ANNALS_ARCHIVE")
}

/// Follows the first block of code of the page, with the service of the test in the place of the operator's.
fn follow_the_page(scene: &Scene, service: &Handle, now: &str) {
    fs::create_dir_all(scene.path("etc")).unwrap();
    let secret = scene.path("etc/client_secret");
    fs::write(&secret, format!("{}\n", service.client_secret())).unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    let page = read(PAGE);
    let block = code(&page, "sh").next().expect("the page begins with what to type");
    let block = here(scene, &block)
        .replace("https://a1.easemob.com/my-org/my-app", &service.base_url())
        .replace("YXA6-my-client-id", service.client_id());
    let steps = commands(&format!("```sh\n{block}```"), true);
    let names: Vec<&str> = steps.iter().map(|step| step[0].as_str()).collect();
    assert_eq!(names, ["init", "doctor", "plan", "fetch"]);
    for step in &steps {
        let arguments: Vec<&str> = step.iter().map(String::as_str).collect();
        run(at(&mut scene.annals(&arguments), service, now)).leaves(0);
    }
}

/// The crontab as cron has it: variables, and the command that it hands to `sh`.
fn cron(scene: &Scene) -> (BTreeMap<String, String>, String) {
    let text = here(scene, &read(CRONTAB));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_variable =
        |line: &&str| line.split('=').next().is_some_and(|name| !name.contains(' ')) && line.contains('=');
    let (variables, jobs): (Vec<&str>, Vec<&str>) = lines.partition(is_variable);
    let variables = variables.into_iter().map(|line| line.split_once('=').unwrap());
    let [job] = jobs[..] else { panic!("one job, not {jobs:?}") };
    let command = job.splitn(6, ' ').nth(5).expect("five fields and a command");
    (variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), command.to_owned())
}

/// What cron runs, at this time.
fn night(scene: &Scene, service: &Handle, now: &str) -> Run {
    let (variables, line) = cron(scene);
    let mut sh = Command::new("/bin/sh");
    sh.env_clear().env("HOME", scene.path("home")).env("PATH", "/usr/bin:/bin").args(["-c", &line]);
    run(at(&mut sh, service, now).envs(variables))
}

fn status(scene: &Scene, now: &str) -> Value {
    run(scene.annals(&["status", "--json"]).env("ANNALS_CLOCK", now)).json()
}

/// From nothing to a crontab, and what cron then does: nothing to mail while all is well, and no call in vain.
#[test]
fn the_page_leads_to_a_job_that_is_silent_while_all_is_well() {
    let scene = Scene::new();
    let begin = "2026-03-14T04:23:00Z";
    let service = service(&scene, begin);
    follow_the_page(&scene, &service, begin);
    let settings = fs::read_to_string(scene.archive().join("annals.toml")).unwrap();
    assert!(!settings.contains(service.client_secret()), "the secret is in its file and nowhere else");

    for (now, calls) in [
        (begin, 0),
        // Six new hours; and of each of the two days before, six that are asked for once more in case they grew.
        ("2026-03-14T10:23:00Z", 18),
    ] {
        let before = service.calls().links;
        let run = night(&scene, &service, now).leaves(0);
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""), "cron would mail it");
        assert_eq!(service.calls().links - before, calls, "{now}");
        let status = status(&scene, now);
        assert_eq!((&status["hours"]["failed"], &status["hours"]["lost"]), (&0.into(), &0.into()), "{status}");
    }
}

/// The table of the page: a job that runs every six hours outlasts two nights, one that runs every night does not.
#[test]
fn an_outage_of_two_nights_loses_nothing_with_the_timer_of_the_files() {
    for (last, back, code, lost) in [
        // 65 hours after the last run of four a day.
        ("2026-03-11T22:23:00Z", "2026-03-14T15:23:00Z", 0, 0),
        // Two nights missed by a job that runs at 04:23: what was an hour too young for its last run is gone.
        ("2026-03-11T04:23:00Z", "2026-03-14T04:23:00Z", 6, 1),
    ] {
        let scene = Scene::new();
        let service = service(&scene, last);
        follow_the_page(&scene, &service, last);
        let run = night(&scene, &service, back).leaves(code);
        let status = status(&scene, back);
        assert_eq!(status["hours"]["lost"], lost, "{status}\n{}", run.stderr);
        assert_eq!(run.stderr.is_empty() && run.stdout.is_empty(), code == 0, "cron mails what is printed: {run:?}");
        // The loss is said once: whoever repeats the job swallows the alarm.
        night(&scene, &service, back).leaves(0);
    }
}
