//! How the archive stands, for whoever asks outside the commands.

use chat::Hours;
use ingest::{Coverage, SecondRun, is_fetched};
use store::{Access, Turned};

use crate::commands::span::not_endless;
use crate::context::Context;
use crate::error::CommandError;

impl Context {
    /// Whether another run is at work on the archive, and this one would leave it to that. Then it is none, and whatever is
    /// told of runs is for the other to tell.
    #[must_use]
    pub(crate) async fn leaves_to_another(&self) -> bool {
        if self.settings.ingest.second_run != SecondRun::Leave {
            return false;
        }
        let Ok(archive) = self.open_archive(Access::Existing).await else { return false };
        matches!(archive.try_turn(), Ok(Turned::Taken { .. }))
    }

    /// What is archived, what is missing and until when it can still be had, over the hours that are due; of an archive
    /// that was only ever loaded from files, over the hours it knows.
    ///
    /// # Errors
    ///
    /// When there is no archive, or it cannot be read.
    pub(crate) async fn coverage(&self) -> Result<Coverage, CommandError> {
        let archive = self.open_archive(Access::Existing).await?;
        let entries = archive.entries().await?;
        let due = self.reading_room(archive, None, None).due().await?;
        let known = entries.keys().next().zip(entries.keys().next_back());
        let range = match known {
            Some((first, last)) if !is_fetched(&entries) => Hours::between(*first, last.next()),
            _ => not_endless(due)?,
        };
        Ok(Coverage::of(&entries, range, &self.habits(), self.clock.now(), self.settings.hours.warning))
    }
}
