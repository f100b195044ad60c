//! From the command line to the exit code.

use std::io;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::Parser as _;
use store::Place;

use crate::cli::{Cli, Global};
use crate::clock::Clock;
use crate::commands::{self, Command};
use crate::context::Context;
use crate::environment::{self, Environment};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::logging::{self, Logging};
use crate::monitoring::{self, Findings};
use crate::negation::shielded;
use crate::output::{Output, Talk};
use crate::settings::{Settings, unknown_variables};
use crate::stop::Stop;

/// Runs the command that the arguments of this process ask for.
pub(crate) fn run() -> Exit {
    panic::set_hook(Box::new(report_bug));
    // Kept to the end: at which steps to die.
    #[cfg(feature = "failpoints")]
    let _steps = fail::FailScenario::setup();
    // An archive is for its owner alone, whichever library creates its files (decision D8).
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    panic::catch_unwind(AssertUnwindSafe(parse_and_run)).unwrap_or_else(|_panic| {
        // Nobody made an error of it.
        if let Some(message) = muted().take() {
            print_bug(&message);
        }
        Exit::Bug
    })
}

fn parse_and_run() -> Exit {
    match Cli::try_parse_from(shielded(std::env::args_os())) {
        Ok(cli) => run_command(cli),
        Err(error) => {
            // Help that nobody reads to the end is no failure.
            error.print().ok();
            if error.use_stderr() { Exit::Usage } else { Exit::Done }
        }
    }
}

fn run_command(cli: Cli) -> Exit {
    let environment = Environment::of_this_process();
    let output = Output::of_this_process(cli.global.talk(), environment.as_ref().unwrap_or(&Environment::default()));
    output.write_stderr_as(cli.global.log_format());
    let result = environment.and_then(|environment| {
        let named = archive(&cli.global, &cli.command, &environment);
        let context =
            place(&named).and_then(|place| context(&cli.global, &cli.command, place, &environment, output.clone()));
        // Kept up to the end of the command.
        let (context, _logging) = context.inspect_err(|error| {
            monitoring::failed_to_begin(cli.command.watched(), &named, &environment, &output, error);
        })?;
        block_on(cli.command, &context)
    });
    result.unwrap_or_else(|error| {
        if error.is_broken_pipe() {
            return Exit::Done;
        }
        output.error(&error);
        error.exit()
    })
}

fn context(
    global: &Global,
    command: &Command,
    place: Place,
    environment: &Environment,
    output: Output,
) -> Result<(Context, Logging), CommandError> {
    let failed = |error: CommandError| error.while_doing("could not read the settings");
    let archive = folder(&place, environment)?;
    let flags = [global.settings(), command.settings()].concat();
    let settings = Settings::load(&archive, environment, &flags).map_err(|error| failed(error.into()))?;
    output.write_stderr_as(settings.log.format);
    let logging = logging::start(&settings.log.filter, global.verbose, environment, &output);
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), archive = %place, "settings read");
    for (name, meant) in unknown_variables(environment) {
        let advice = meant.map_or_else(String::new, |meant| format!(": did you mean {meant}?"));
        output.warn(format_args!("the variable {name} means nothing{advice}"));
    }
    let clock = Clock::asked_for(environment.value(environment::CLOCK))
        .map_err(|error| CommandError::usage(error).while_doing(format!("could not read {}", environment::CLOCK)))?;
    let stop = Stop::listening(&output).map_err(no_runtime)?;
    let findings = Findings::default();
    let (state, clouds) = (environment.state_folder(), environment.clouds());
    let context = Context { place, archive, clouds, state, settings, output, clock, stop, findings };
    Ok((context, logging))
}

fn archive(global: &Global, command: &Command, environment: &Environment) -> PathBuf {
    let own = || command.own_archive().map(PathBuf::from);
    let set = || environment.value(environment::ARCHIVE).map(PathBuf::from);
    global.archive.clone().or_else(own).or_else(set).unwrap_or_else(|| "archive".into())
}

fn place(named: &Path) -> Result<Place, CommandError> {
    let place = Place::parse(named.as_os_str());
    place.map_err(|error| CommandError::usage(error).hint("name a folder with --archive, or s3://BUCKET/PREFIX"))
}

/// The folder of this machine for an archive: its own, or the one for what is not in its bucket.
fn folder(place: &Place, environment: &Environment) -> Result<PathBuf, CommandError> {
    match place {
        Place::Folder(folder) => Ok(folder.clone()),
        Place::Bucket(bucket) => {
            let data = environment.data_folder().ok_or_else(|| {
                CommandError::usage("there is no folder for what an archive in a bucket has on this machine")
                    .hint("set HOME, or XDG_DATA_HOME to an absolute path")
            })?;
            Ok(data.join("buckets").join(bucket.folder_name()))
        }
    }
}

fn block_on(command: Command, context: &Context) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(no_runtime)?;
    let watched = command.watched();
    let result = runtime.block_on(monitoring::watched(watched, context, commands::run(command, context)));
    // Work that the command left behind is of no use to anybody.
    runtime.shutdown_background();
    result
}

fn no_runtime(error: io::Error) -> CommandError {
    CommandError::usage(error).while_doing("could not start working threads")
}

/// Libraries that trust what they read.
const BREAKS_ON_DAMAGE: [&str; 3] = ["/tantivy", "/parquet-", "/arrow-"];

/// Printed in place of Rust's own message; [`run`] then ends with [`Exit::Bug`].
fn report_bug(panic: &PanicHookInfo<'_>) {
    // What reads the index and the tables breaks on damaged files; `index` and `archive` make an error of that.
    let is_of_damage =
        panic.location().is_some_and(|place| BREAKS_ON_DAMAGE.iter().any(|name| place.file().contains(name)));
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map_or_else(String::new, |location| format!(", at {location}"));
    let message = format!("{message}{place}");
    if is_of_damage { *muted() = Some(message) } else { print_bug(&message) }
}

/// What the last of the libraries said that broke, for the case that it was no damage.
fn muted() -> MutexGuard<'static, Option<String>> {
    static MUTED: Mutex<Option<String>> = Mutex::new(None);
    MUTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn print_bug(message: &str) {
    let error = CommandError::new(Exit::Bug, format!("annals {} has a bug: {message}", env!("CARGO_PKG_VERSION")))
        .hint("please report this bug to whoever gave you the program, with these lines and the command")
        .hint("nothing that was archived is lost; the same command can be run again");
    Output::of_this_process(Talk::Quiet, &Environment::default()).error(&error);
}
