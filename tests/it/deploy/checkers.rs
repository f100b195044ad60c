//! Other people's checkers: systemd, cron, the schemas of Kubernetes, hadolint.
//!
//! Those from Python are pinned in `tests/requirements.txt`; systemd and cron are asked where they are installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::{ROOT, read};
use crate::interop::python;
use crate::scene::{ANNALS, Scene};

/// The oldest version that the manifest promises to work with; the checker's own is the newest.
const OLDEST: &str = "1.31";
/// What `systemd-analyze security` may say at the most, in tenths.
const EXPOSURE: &str = "15";

/// Prints the first job of a crontab as JSON, as python-crontab reads it; fails on anything that it cannot read.
const READ_CRONTAB: &str = r#"
import json, sys
from crontab import CronTab

table = CronTab(tabfile=sys.argv[1])
lines = [line for line in table.lines if not isinstance(line, str)]
jobs = [line for line in lines if line.is_valid() and line.is_enabled()]
assert len(jobs) == 1 and len(lines) == 1, table.lines
variables = {**table.env, **jobs[0].env}
print(json.dumps({"command": jobs[0].command, "a_day": jobs[0].frequency_per_day(), "variables": variables}))
"#;

/// Prints the CronJob of a file as JSON.
const READ_MANIFEST: &str = r#"
import json, sys, yaml

documents = list(yaml.safe_load_all(open(sys.argv[1])))
print(json.dumps({document["kind"]: document for document in documents}))
"#;

fn path(file: &str) -> PathBuf {
    Path::new(ROOT).join("data/deploy").join(file)
}

#[track_caller]
fn passes(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What a script of ours prints as JSON about a file.
fn read_by(python: &str, script: &str, file: &str) -> Value {
    let output = Command::new(python).args(["-c", script]).arg(path(file)).output().unwrap();
    serde_json::from_str(&passes(&output)).unwrap()
}

/// Whether a program of this machine is there.
#[expect(clippy::print_stdout, reason = "whoever runs the tests is told what they left out")]
fn is_there(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program).args(arguments).output().is_ok();
    if !found {
        println!("left out: there is no {program} here");
    }
    found
}

#[test]
fn cron_can_read_the_crontab() {
    if let Some(python) = python() {
        let job = read_by(&python, READ_CRONTAB, "annals.crontab");
        assert_eq!(job["command"], "/usr/local/bin/annals fetch --due --quiet");
        assert_eq!(job["a_day"], 4);
        assert_eq!(job["variables"]["ANNALS_ARCHIVE"], "/var/lib/annals/chat");
    }
    // A dry run: nothing is installed.
    if is_there("crontab", &["-h"]) {
        let output = Command::new("crontab").arg("-n").arg(path("annals.crontab")).output().unwrap();
        let unknown = String::from_utf8_lossy(&output.stderr).contains("invalid option");
        assert!(unknown || output.status.success(), "{output:?}");
    }
}

/// The units with the program of this test in the place of the installed one, in a folder of their own.
fn units(scene: &Scene) -> PathBuf {
    let folder = scene.path("units");
    fs::create_dir_all(folder.join("annals.service.d")).unwrap();
    for file in ["annals.service", "annals.timer", "annals-alarm@.service", "annals.service.d/credentials.conf"] {
        let text = read(&format!("data/deploy/systemd/{file}"));
        // The alarm is switched on, so that it is looked at, too.
        let text = text.replace("/usr/local/bin/annals", ANNALS).replace("\n#OnFailure=", "\nOnFailure=");
        fs::write(folder.join(file), text).unwrap();
    }
    folder
}

#[test]
fn systemd_takes_the_units() {
    if !is_there("systemd-analyze", &["--version"]) {
        return;
    }
    let scene = Scene::new();
    let folder = units(&scene);
    let verify = |unit: &str| {
        let units = [folder.join(unit), folder.join("annals.timer"), folder.join("annals-alarm@.service")];
        Command::new("systemd-analyze").args(["verify", "--man=no"]).args(units).output().unwrap()
    };
    let verified = verify("annals.service");
    passes(&verified);
    assert!(verified.stderr.is_empty(), "{}", String::from_utf8_lossy(&verified.stderr));
    let text = fs::read_to_string(folder.join("annals.service")).unwrap();
    fs::write(folder.join("annals.service"), text.replace("ProtectSystem=strict", "ProtectSytem=strict")).unwrap();
    assert!(!verify("annals.service").stderr.is_empty(), "a misspelt setting passes: it looks at nothing");
}

#[test]
fn the_service_can_do_little_besides_its_work() {
    if !is_there("systemd-analyze", &["--version"]) {
        return;
    }
    let scene = Scene::new();
    let folder = units(&scene);
    let security = |threshold: &str| {
        let threshold = format!("--threshold={threshold}");
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=yes", "--no-pager", &threshold]).arg(folder.join("annals.service"));
        command.output().unwrap()
    };
    passes(&security(EXPOSURE));
    assert!(!security("5").status.success(), "it cannot be so good while it may use the network");
}

#[test]
fn kubernetes_knows_every_field() {
    let Some(python) = python() else { return };
    let validate = |version: &[&str], file: &Path| {
        let module = ["-m", "kubernetes_validate", "--strict"];
        Command::new(&python).args(module).args(version).arg(file).output().unwrap()
    };
    let manifest = path("kubernetes.yaml");
    for version in [&["--kubernetes-version", OLDEST][..], &[]] {
        passes(&validate(version, &manifest));
    }
    let scene = Scene::new();
    let wrong = scene.path("wrong.yaml");
    fs::write(&wrong, fs::read_to_string(manifest).unwrap().replace("concurrencyPolicy:", "concurencyPolicy:"))
        .unwrap();
    assert!(!validate(&[], &wrong).status.success(), "a misspelt field passes: it looks at nothing");
}

/// What no schema says.
#[test]
fn the_cron_job_keeps_its_alarms_and_its_quota() {
    let Some(python) = python() else { return };
    let manifests = read_by(&python, READ_MANIFEST, "kubernetes.yaml");
    let job = &manifests["CronJob"]["spec"]["jobTemplate"]["spec"];
    let (pod, rules) = (&job["template"]["spec"], &job["podFailurePolicy"]["rules"]);
    // At risk and lost are said once: repeated, they would be swallowed. Hours that failed are worth another try.
    assert_eq!(pod["restartPolicy"], "Never");
    assert_eq!(rules[1]["action"], "FailJob");
    assert_eq!(rules[1]["onExitCodes"]["values"], serde_json::json!([2, 4, 5, 6, 70]));

    let container = &pod["containers"][0];
    assert_eq!(rules[1]["onExitCodes"]["containerName"], container["name"]);
    assert_eq!(container["args"][0], "fetch");
    let variables = container["env"].as_array().unwrap();
    let value =
        |name: &str| variables.iter().find(|variable| variable["name"] == name).unwrap()["value"].as_str().unwrap();
    let mount = |at: usize| container["volumeMounts"][at]["mountPath"].as_str().unwrap();
    // The quota outlives the pod: `$XDG_STATE_HOME/annals` is the volume.
    assert_eq!(format!("{}/annals", value("XDG_STATE_HOME")), mount(0));
    assert!(value("ANNALS_ARCHIVE").starts_with(mount(0)));
    assert!(value("ANNALS_API_CLIENT_SECRET_FILE").starts_with(mount(1)));
    assert_eq!(
        manifests["PersistentVolumeClaim"]["metadata"]["name"],
        pod["volumes"][0]["persistentVolumeClaim"]["claimName"]
    );
}

#[test]
fn hadolint_has_nothing_to_say_about_the_image() {
    let Some(python) = python() else { return };
    let hadolint = Path::new(&python).with_file_name("hadolint");
    let lint = |file: &Path| {
        Command::new(&hadolint).args(["--no-color", "--failure-threshold=style"]).arg(file).output().unwrap()
    };
    passes(&lint(&path("Dockerfile")));
    let scene = Scene::new();
    let wrong = scene.path("Dockerfile");
    fs::write(&wrong, "FROM debian\nRUN cd /src && sudo make\n").unwrap();
    assert!(!lint(&wrong).status.success(), "bad style passes: it looks at nothing");
}
