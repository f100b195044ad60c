//! What the commands that archive have in common.

use std::time::Instant;

use chat::{App, Hour, State};
use ingest::{Report, Settled, Workshop};
use store::Archive;

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

/// A run that archives, with its bar.
pub(super) struct Run<'a> {
    pub(super) workshop: Workshop,
    context: &'a Context,
    args: RunArgs,
    bar: Progress,
    began: Instant,
}

impl<'a> Run<'a> {
    /// Begins a run over so many hours.
    pub(super) fn begin(context: &'a Context, args: RunArgs, archive: Archive, app: Option<App>, hours: usize) -> Self {
        let catalogue = if args.no_index { None } else { context.open_catalogue() };
        let workshop = context.workshop(archive, catalogue, app);
        let bar = context.output.progress(hours as u64, "hours");
        Self { workshop, context, args, bar, began: Instant::now() }
    }

    /// Moves the bar on.
    pub(super) fn progress(&self) -> impl Fn(Hour, State) + Sync {
        |hour, _state| {
            self.bar.at(hour);
            self.bar.advance(1);
        }
    }

    /// Lets the index catch up and prints what was done.
    ///
    /// # Errors
    ///
    /// When the run came to nothing, or stdout takes nothing.
    pub(super) async fn end(self, report: Result<Report, ingest::Error>) -> Result<Exit, CommandError> {
        let report = report.map_err(CommandError::from)?;
        drop(self.bar);
        Summary::of(self.context, &self.workshop, report, self.began.elapsed()).await.print(self.args)
    }
}

/// What the flag `--again` means.
pub(super) fn settled(again: bool) -> Settled {
    if again { Settled::Again } else { Settled::Keep }
}
