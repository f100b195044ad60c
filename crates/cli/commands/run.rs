//! What the commands that archive have in common.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chat::{App, Hour, State};
use ingest::{Report, Settled, Workshop};
use store::Archive;

use crate::commands::compact;
use crate::commands::summary::Summary;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Progress;

/// How a run that archives goes about it.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct RunArgs {
    /// Leave the search index to a later run
    #[arg(long)]
    pub(crate) no_index: bool,

    /// End with code 3 when lines were set aside
    #[arg(long)]
    pub(crate) strict: bool,

    /// Print what was done as one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// The hours that have work to be done, as far as it can be told before the run.
pub(super) struct Work {
    /// The hours.
    pub(super) hours: BTreeSet<Hour>,
    /// Where they come from.
    pub(super) source: Source,
}

/// Where a run takes its hours from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The service; an hour takes no less than the pace of the quota.
    Service { pace: Duration },
    /// Files: nothing but this machine holds them up.
    Files,
}

impl Source {
    fn pace(self) -> Duration {
        match self {
            Self::Service { pace } => pace,
            Self::Files => Duration::ZERO,
        }
    }
}

/// A run that archives, with its bar.
pub(super) struct Run<'a> {
    pub(super) workshop: Workshop,
    context: &'a Context,
    args: RunArgs,
    work: Work,
    bar: Progress,
    began: Instant,
}

impl<'a> Run<'a> {
    /// Begins a run.
    pub(super) fn begin(context: &'a Context, args: RunArgs, archive: Archive, app: Option<App>, work: Work) -> Self {
        let catalogue = if args.no_index { None } else { context.open_catalogue() };
        let workshop = context.workshop(archive, catalogue, app);
        let bar = context.output.progress(work.hours.len() as u64, "hours").no_faster_than(work.source.pace());
        Self { workshop, context, args, work, bar, began: Instant::now() }
    }

    /// Moves the bar on with every hour that had work to be done.
    pub(super) fn progress(&self) -> impl Fn(Hour, State) + Sync {
        |hour, _state| {
            if self.work.hours.contains(&hour) {
                self.bar.at(hour);
                self.bar.advance(1);
            }
        }
    }

    /// Puts the files of closed days together, lets the index catch up and prints what was done.
    ///
    /// # Errors
    ///
    /// When the run came to nothing, or stdout takes nothing.
    pub(super) async fn end(self, report: Result<Report, ingest::Error>) -> Result<Exit, CommandError> {
        let report = report.map_err(CommandError::from)?;
        self.context.findings.note_report(&report);
        drop(self.bar);
        compact::at_the_end(&self.workshop, self.context).await;
        let summary = Summary::of(self.context, &self.workshop, report, self.began.elapsed()).await;
        let summary = match self.work.source {
            Source::Service { .. } => summary.with_verdict(),
            Source::Files => summary,
        };
        summary.print(self.args)
    }
}

/// What the flag `--again` means.
pub(super) fn settled(again: bool) -> Settled {
    if again { Settled::Again } else { Settled::Keep }
}
