//! A command from its start to its end, as machines are told of it.

use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use std::{io, thread};

use api::{Ping, Signal};
use chat::{Secret, State};
use ingest::Coverage;
use store::Place;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::context::Context;
use crate::environment::{Environment, variable_of};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::monitoring::findings::Found;
use crate::monitoring::metrics::{Ended, Metrics};
use crate::monitoring::{Subject, Watched, file};
use crate::output::Output;
use crate::replace::replace;
use crate::settings::GivenSecret;

/// How long a run may take to end in order once it is told to stop. With [`PING`] that stays below ten seconds.
const GRACE: Duration = Duration::from_secs(5);
/// How long a ping may take in all.
const PING: Duration = Duration::from_secs(3);

/// Does the work of a command, and tells machines of it as far as they are to be told.
///
/// # Errors
///
/// Those of the work. Whatever becomes of the telling is a warning.
pub(crate) async fn watched(
    watched: Option<Watched>,
    context: &Context,
    work: impl Future<Output = Result<Exit, CommandError>>,
) -> Result<Exit, CommandError> {
    let Some(watched) = watched else { return work.await };
    let is_job = watched.subject == Subject::Job;
    let settings = &context.settings;
    let set = |file: &Option<PathBuf>| file.clone().filter(|_| is_job);
    let watch = Watch {
        metrics_file: watched.metrics_file.clone().or_else(|| set(&settings.metrics.file)),
        ping: ping(&watched, &settings.ping.url, &context.output),
        archive: whole(&context.place),
        clock: context.clock.clone(),
        output: context.output.clone(),
        began: Instant::now(),
        watched,
    };
    if watch.watched.subject == Subject::Standing {
        let result = work.await;
        watch.write_metrics(None, standing(context).await.as_ref());
        return result;
    }
    watch.log_beginning();
    let started = if context.leaves_to_another().await { None } else { watch.start() };
    let result = caught(until_stopped(context, work)).await;
    let coverage = if watch.wants_standing() { standing(context).await } else { None };
    let bug = Err(CommandError::new(Exit::Bug, "the program has a bug and broke off"));
    watch.end(result.as_ref().unwrap_or(&bug), context.findings.found(), coverage.as_ref(), started).await;
    result.unwrap_or_else(|panic| panic::resume_unwind(panic))
}

/// Tells machines of a command that could not even read its settings. What its flags and the environment say is known all
/// the same; of the archive nothing is.
pub(crate) fn failed_to_begin(
    watched: Option<Watched>,
    archive: &Path,
    environment: &Environment,
    output: &Output,
    error: &CommandError,
) {
    let Some(watched) = watched.filter(|watched| watched.subject != Subject::Standing) else { return };
    let is_job = watched.subject == Subject::Job;
    let set = |setting: &str| environment.value(&variable_of(setting)).filter(|_| is_job);
    let url = GivenSecret {
        text: set("ping.url").map(Secret::new),
        file: set("ping.url_file").map(|file| ("ping.url_file", file.into())),
    };
    let watch = Watch {
        metrics_file: watched.metrics_file.clone().or_else(|| set("metrics.file").map(PathBuf::from)),
        ping: ping(&watched, &url, output),
        archive: whole(&Place::Folder(archive.to_owned())),
        clock: Clock::of_the_machine(),
        output: output.clone(),
        began: Instant::now(),
        watched,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let found = Found { verdict: Some(error.in_one_line()), ..Found::default() };
    match runtime {
        Ok(runtime) => runtime.block_on(watch.tell(error.exit(), found, None)),
        Err(error) => output.warn(format_args!("nobody could be told of it: {error}")),
    }
}

/// Lets a run that is told to stop end in order, but not for ever: whatever it is at, the next one goes on from there.
async fn until_stopped(
    context: &Context,
    work: impl Future<Output = Result<Exit, CommandError>>,
) -> Result<Exit, CommandError> {
    let stop = context.stop.token();
    let time_is_up = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let span = tracing::info_span!(target: "annals", "run");
    tokio::select! {
        biased;
        result = work.instrument(span) => result,
        () = time_is_up => Err(CommandError::new(Exit::Interrupted, "the run was stopped in the middle of its work")
            .hint("run the command again: it goes on where it stopped")),
    }
}

/// Lets a panic come out here, so that of a bug, too, somebody is told.
async fn caught<T>(work: impl Future<Output = T>) -> thread::Result<T> {
    let mut work = pin!(work);
    poll_fn(|context| match panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// How the archive stands now; `None` when there is none, or it cannot be read.
async fn standing(context: &Context) -> Option<Coverage> {
    let standing = context.coverage().await;
    standing.inspect_err(|error| tracing::debug!(error = error.in_one_line(), "the archive cannot be looked at")).ok()
}

/// A command that is watched, and where it is told.
struct Watch {
    watched: Watched,
    metrics_file: Option<PathBuf>,
    ping: Option<Ping>,
    /// Absolute, as the metrics name it.
    archive: PathBuf,
    clock: Clock,
    output: Output,
    began: Instant,
}

impl Watch {
    /// Whether it has to be known how the archive stands: to look costs a little.
    fn wants_standing(&self) -> bool {
        self.metrics_file.is_some() || tracing::enabled!(target: "annals::run", tracing::Level::INFO)
    }

    /// Tells that the command begins.
    fn log_beginning(&self) {
        tracing::info!(
            target: "annals::run",
            command = self.watched.command,
            archive = %self.archive.display(),
            version = env!("CARGO_PKG_VERSION"),
            "the run begins"
        );
    }

    /// Tells the watchdog that the run begins. It hears of it while the run is at work.
    fn start(&self) -> Option<JoinHandle<Result<(), api::Error>>> {
        let ping = self.ping.clone()?;
        Some(tokio::spawn(async move { ping.send(Signal::Start, "", PING).await }))
    }

    /// Tells how the run ended.
    async fn end(
        &self,
        result: &Result<Exit, CommandError>,
        found: Found,
        coverage: Option<&Coverage>,
        started: Option<JoinHandle<Result<(), api::Error>>>,
    ) {
        let exit = match result {
            Ok(exit) => *exit,
            Err(error) if error.is_broken_pipe() => Exit::Done,
            Err(error) => error.exit(),
        };
        let verdict = result.as_ref().err().map(CommandError::in_one_line).or(found.verdict.clone());
        // A watchdog is to hear of the start first. It has been given its time.
        if let Some(started) = started
            && let Ok(Err(error)) = started.await
        {
            self.warn_of_ping(error);
        }
        if result.as_ref().is_err_and(CommandError::is_busy) {
            self.log(&self.ended(exit, &found), &verdict.unwrap_or_default(), coverage);
            return;
        }
        self.tell(exit, Found { verdict, ..found }, coverage).await;
    }

    async fn tell(&self, exit: Exit, found: Found, coverage: Option<&Coverage>) {
        let ended = self.ended(exit, &found);
        let verdict = found.verdict.unwrap_or_else(|| format!("it ended with exit code {}", exit.code()));
        self.log(&ended, &verdict, coverage);
        self.write_metrics(Some(&ended), coverage);
        let Some(ping) = &self.ping else { return };
        let signal = if exit == Exit::Done { Signal::Success } else { Signal::Failure };
        let text = [&[verdict], &found.failures[..], &[self.signature(exit)]].concat().join("\n\n");
        if let Err(error) = ping.send(signal, &text, PING).await {
            self.warn_of_ping(error);
        }
    }

    fn ended(&self, exit: Exit, found: &Found) -> Ended {
        Ended {
            at: self.clock.now(),
            exit_code: exit.code(),
            seconds: self.began.elapsed().as_secs_f64(),
            numbers: found.numbers.unwrap_or_default(),
        }
    }

    /// The last line of what a person is told by a watchdog.
    fn signature(&self, exit: Exit) -> String {
        format!("annals {}, exit code {}\n", self.watched.command, exit.code())
    }

    fn log(&self, ended: &Ended, verdict: &str, coverage: Option<&Coverage>) {
        let hours = |state| coverage.map(|coverage| coverage.hours(state).count());
        let next_loss =
            coverage.and_then(|coverage| coverage.next_loss().map(|(_, gone)| (gone - coverage.now).num_seconds()));
        tracing::info!(
            target: "annals::run",
            command = self.watched.command,
            exit_code = ended.exit_code,
            seconds = ended.seconds,
            verdict,
            calls = ended.numbers.calls,
            hours_published = ended.numbers.hours_published,
            hours_grown = ended.numbers.hours_grown,
            hours_failed = ended.numbers.hours_failed,
            hours_newly_lost = ended.numbers.hours_newly_lost,
            bytes = ended.numbers.bytes,
            lines = ended.numbers.lines.lines,
            messages = ended.numbers.lines.messages,
            duplicates = ended.numbers.lines.duplicates,
            dead_letters = ended.numbers.lines.dead_letters,
            retained = ended.numbers.lines.retained,
            hours_pending = hours(State::Pending),
            hours_lost = hours(State::Lost),
            hours_at_risk = coverage.map(|coverage| coverage.at_risk().count()),
            next_loss_seconds = next_loss,
            "the run ends"
        );
    }

    fn write_metrics(&self, ended: Option<&Ended>, coverage: Option<&Coverage>) {
        let Some(path) = &self.metrics_file else { return };
        let mut metrics = Metrics::default();
        if let Some(coverage) = coverage {
            metrics.add_coverage(coverage);
        }
        if let Some(ended) = ended {
            metrics.add_run(ended);
        }
        if let Some(earlier) = file::read(path) {
            metrics.take_over(&earlier, &self.archive);
        }
        let text = metrics.text(&self.archive).map_err(io::Error::other);
        if path.extension().is_none_or(|extension| extension != "prom") {
            let name = path.display();
            self.output.warn(format_args!("{name} does not end in .prom: node_exporter will not read these metrics"));
        }
        let written = text.and_then(|text| replace(path, text.as_bytes()));
        if let Err(error) = written {
            let advice = "see that its folder is there and can be written to";
            self.output.warn(format_args!("the metrics could not be written to {}; {advice}: {error}", path.display()));
        }
    }

    fn warn_of_ping(&self, error: api::Error) {
        let error = CommandError::usage(error).in_one_line();
        self.output.warn(format_args!("the watchdog could not be told: {error}"));
    }
}

/// A watchdog, if there is to be one. A wrong address is no reason to let hours be lost.
fn ping(watched: &Watched, set: &GivenSecret, output: &Output) -> Option<Ping> {
    let nobody = |error: CommandError| output.warn(format_args!("nobody is pinged: {}", error.in_one_line()));
    let url = match &watched.ping_url {
        Some(url) => Some(url.clone()),
        None if watched.subject != Subject::Job => None,
        None => set.read("ping.url").map_err(|error| nobody(error.into())).ok()?,
    };
    Ping::new(&url?).map_err(|error| nobody(error.into())).ok()
}

/// The path in full, whether there is anything or not.
/// How machines are told where the archive is.
fn whole(place: &Place) -> PathBuf {
    match place {
        Place::Bucket(bucket) => bucket.to_string().into(),
        Place::Folder(folder) => std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_breaks_comes_out_as_what_it_was() {
        assert_eq!(caught(async { 7 }).await.ok(), Some(7));
        let broken = caught(async {
            tokio::task::yield_now().await;
            panic::panic_any("a bug");
        });
        assert_eq!(broken.await.unwrap_err().downcast_ref(), Some(&"a bug"));
    }
}
