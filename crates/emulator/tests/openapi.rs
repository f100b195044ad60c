//! The service against its own description: schemathesis asks what the description allows, and what it does not.

use std::fs;
use std::process::Command;

use emulator::{Clock, Emulator, Options};

/// What cannot be asked of every method: which credentials are right, which hours are kept and which messages are there is no
/// matter of form; a header that nobody knows is no fault; and a method that a path does not know is answered with 500 by
/// the real service too.
const CONFIGURATION: &str = r#"
seed = 1

[phases.coverage]
unexpected-methods = []

[checks]
unsupported_method.enabled = false

[[operations]]
include-operation-id = ["token", "history", "recall", "edit"]
checks.positive_data_acceptance.enabled = false

[[operations]]
include-operation-id = ["upload", "download"]
checks.negative_data_rejection.enabled = false
"#;

/// A Python that has the packages of `tests/requirements.txt`, if the tests were told of one.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "which Python to use is up to whoever runs the tests"
)]
fn python() -> Option<String> {
    let python = std::env::var("ANNALS_TEST_PYTHON").ok();
    assert!(
        python.is_some() || std::env::var_os("CI").is_none(),
        "continuous integration must set ANNALS_TEST_PYTHON; see .ci/run"
    );
    if python.is_none() {
        eprintln!("skipped: set ANNALS_TEST_PYTHON to a Python with tests/requirements.txt installed");
    }
    python
}

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_the_service_as_it_is_described() {
    let Some(python) = python() else { return };
    let clock = Clock::fixed("2026-03-14T15:00:00Z".parse().unwrap());
    let service = Emulator::start(Options { clock, rate_per_minute: None, ..Options::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("schemathesis.toml");
    fs::write(&configuration, CONFIGURATION).unwrap();
    let mut schemathesis = Command::new(python);
    schemathesis
        .current_dir(folder.path())
        .args(["-c", "from schemathesis.cli import schemathesis; schemathesis()"])
        .arg("--config-file")
        .arg(&configuration)
        .args(["run", &format!("http://{}/openapi.json", service.address())])
        .args(["--url", &service.base_url(), "--header", &format!("Authorization: Bearer {}", service.token())])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--no-color"])
        .args(["--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure"])
        // The machine's proxy is not asked for loopback.
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || schemathesis.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(service.calls().methods > 500, "every method is asked often: {:?}\n{said}", service.calls());
    service.stop().await;
}
