//! From the service into the archive.

use std::collections::{BTreeMap, BTreeSet};

use api::Client;
use chat::{App, Entry, Hour, Hours, State};
use store::Turned;

use crate::attempt::Run;
use crate::error::Error;
use crate::plan::{Known, Settled, check_clock};
use crate::raw::on_a_thread;
use crate::report::{CutShort, Report};
use crate::run::Progress;
use crate::workshop::{SecondRun, Workshop};

/// How many hours more than are decoded may be asked for, downloaded or published at the same time. Links are used as soon
/// as they are known, so this bounds the served bytes that wait for a core on disk.
const AHEAD: usize = 4;

/// How often a fetch that waits for another one looks whether it is done.
const LOOK: std::time::Duration = std::time::Duration::from_millis(250);

impl Workshop {
    /// Archives the hours of a range, the most endangered first, and says what became of each.
    ///
    /// Hours that are settled are not asked for, unless `settled` says so or they may have grown. Bytes that an interrupted
    /// run left behind are decoded before the service is asked. One hour's failure does not keep the others, unless it,
    /// or several in a row, show that the rest is hopeless. Only one fetch at a time works on an archive, see [`crate::SecondRun`]; how many
    /// hours it works on at once is bounded by the processor, and how many it asks for by the quota: neither waits for the
    /// other.
    ///
    /// # Errors
    ///
    /// When the archive belongs to another app or cannot be used, or another fetch is at work and is not waited for.
    pub async fn fetch(
        &self,
        client: &Client,
        range: Hours,
        settled: Settled,
        progress: Progress<'_>,
    ) -> Result<Report, Error> {
        self.belongs_to(&client.app())?;
        let mut report = Report::default();
        let Some(turn) = self.turn().await? else {
            report.cut_short = Some(CutShort::Interrupted);
            report.look_up(range, &self.archive.entries().await?, self);
            return Ok(report);
        };
        // After the turn has come: the run before may have settled everything.
        let entries = self.archive.entries().await?;
        check_clock(&entries, (self.clock)())?;
        let steps = self.known(&entries, range).await?.plan(range, settled);
        let run = Run::new(self, client, &entries, &steps)?;
        let at_once = self.settings.workers.get() + AHEAD;
        let work = steps.into_iter().map(|(hour, step)| run.settle(hour, step));
        self.gather(&mut report, work, at_once, progress).await;
        report.judge();
        if report.cut_short.is_none() {
            let doubted = run.doubted(&report).await?;
            let work = doubted.into_iter().map(|(hour, doubt)| run.settle_at_last(hour, doubt));
            self.gather(&mut report, work, at_once, progress).await;
        }
        run.end(&mut report).await?;
        drop(turn);
        report.look_up(range, &self.archive.entries().await?, self);
        Ok(report)
    }

    /// Refuses an archive of another app. The app is stored once the service has answered for it.
    pub(crate) fn belongs_to(&self, asked: &App) -> Result<(), Error> {
        match self.archive.app() {
            Some(archive) if archive != *asked => {
                Err(store::Error::ForeignApp { archive, asked: asked.clone() }.into())
            }
            _ => Ok(()),
        }
    }

    /// Waits until no other fetch is at work on the archive; `None` when told to stop meanwhile.
    pub(crate) async fn turn(&self) -> Result<Option<store::Turn>, Error> {
        let mut is_said = false;
        loop {
            let holder = match self.archive.try_turn()? {
                Turned::Mine(turn) => return Ok(Some(turn)),
                Turned::Taken { holder } => holder,
            };
            if self.settings.second_run == SecondRun::Leave {
                return Err(Error::Busy { holder });
            }
            if !std::mem::replace(&mut is_said, true) {
                tracing::warn!("waiting for another fetch at work on this archive ({holder})");
            }
            tokio::select! {
                () = self.stop.cancelled() => return Ok(None),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// What a plan for these hours looks at.
    pub(crate) async fn known<'a>(
        &'a self,
        entries: &'a BTreeMap<Hour, Entry>,
        range: Hours,
    ) -> Result<Known<'a>, Error> {
        let unpublished = self.unpublished(range, entries).await?;
        Ok(Known { entries, unpublished, habits: &self.settings.habits, now: (self.clock)() })
    }

    /// The hours of which `raw/` holds bytes that are not in the tables: a run ended between the two.
    async fn unpublished(&self, range: Hours, entries: &BTreeMap<Hour, Entry>) -> Result<BTreeSet<Hour>, Error> {
        let archive = self.archive.clone();
        let mut others = on_a_thread(move || Ok(archive.raw_lists(range)?)).await?;
        others.retain(|hour, sha256| {
            let done = entries.get(hour).filter(|entry| entry.state == State::Done);
            done.is_none_or(|entry| entry.sha256 != *sha256)
        });
        let archive = self.archive.clone();
        on_a_thread(move || {
            let mut unpublished = BTreeSet::new();
            for hour in others.into_keys() {
                if archive.raw_parts(hour)?.is_some() {
                    unpublished.insert(hour);
                }
            }
            Ok(unpublished)
        })
        .await
    }
}
