//! A folder, a local Chat service and the real program: what each test of the face stands on.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use emulator::{Clock, Emulator, Handle, History, Options, corpus};
use tempfile::TempDir;

use crate::secrets;

/// The program that is tested, as it was built.
pub(crate) const ANNALS: &str = env!("CARGO_BIN_EXE_annals");

/// A folder of its own for one test, and what runs in it.
pub(crate) struct Scene {
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { folder: tempfile::tempdir().unwrap(), runtime }
    }

    /// Runs what waits, in the test's own process.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of the archive that [`Scene::annals`] works on.
    pub(crate) fn archive(&self) -> PathBuf {
        self.path("archive")
    }

    /// Starts a local Chat service, which lives as long as the scene.
    pub(crate) fn service(&self, options: Options) -> Handle {
        self.runtime.block_on(Emulator::start(options)).unwrap()
    }

    /// Starts a local Chat service without a rate, whose clock runs on from this time, with made-up traffic and faults.
    pub(crate) fn service_at(&self, now: &str, faults: &str, traffic: corpus::Options) -> Handle {
        self.service(Options {
            clock: Clock::running_from(now.parse().unwrap()),
            rate_per_minute: None,
            history: History::Generated(traffic),
            faults: faults.parse().unwrap(),
            ..Options::default()
        })
    }

    /// The program with these arguments, in the scene's folder, with no setting but the archive's place.
    pub(crate) fn annals(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(ANNALS);
        command.current_dir(self.folder.path()).args(arguments).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ANNALS_") {
                command.env_remove(name);
            }
        }
        command.env_remove("RUST_LOG");
        command.env("ANNALS_ARCHIVE", self.archive()).env("XDG_STATE_HOME", self.path("state")).env("NO_COLOR", "1");
        command
    }

    /// The same, told where the service is and to wait for nothing.
    pub(crate) fn annals_at(&self, service: &Handle, arguments: &[&str]) -> Command {
        let mut command = self.annals(arguments);
        command
            .env("ANNALS_API_BASE_URL", service.base_url())
            .env("ANNALS_API_TOKEN", service.token())
            .env("ANNALS_API_HISTORY_PER_MINUTE", "60000")
            .env("ANNALS_API_FIRST_PAUSE", "10ms")
            .env("ANNALS_API_LONGEST_PAUSE", "50ms");
        command
    }
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code.
    pub(crate) code: i32,
    /// Data.
    pub(crate) stdout: String,
    /// Talk.
    pub(crate) stderr: String,
}

impl Run {
    /// Fails the test, showing the talk, unless the run left with this code.
    #[track_caller]
    pub(crate) fn leaves(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON object on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// A JSON object a line on stdout.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs a command to its end. Whatever it is, nothing that it says holds a secret.
pub(crate) fn run(command: &mut Command) -> Run {
    let run = finished(command.output().unwrap());
    secrets::assert_silent(&run, secrets::is_to_show_some(command));
    run
}

/// Starts a command with both outputs kept.
pub(crate) fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for a started command.
pub(crate) fn wait(child: Child) -> Run {
    let run = finished(child.wait_with_output().unwrap());
    secrets::assert_silent(&run, false);
    run
}

/// Every file below a folder, relative to it and sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(folder).unwrap().to_path_buf());
            }
        }
    }
    files.sort();
    files
}

fn finished(output: Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
