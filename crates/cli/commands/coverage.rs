//! How the archive stands, for whoever asks outside the commands.

use chat::Hours;
use ingest::Coverage;
use store::Access;

use crate::context::Context;
use crate::error::CommandError;

impl Context {
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
        let is_fetched = entries.is_empty() || entries.values().any(|entry| entry.source != "load");
        let known = entries.keys().next().zip(entries.keys().next_back());
        let range = match known {
            Some((first, last)) if !is_fetched => Hours::between(*first, last.next()),
            _ => due,
        };
        Ok(Coverage::of(&entries, range, &self.habits(), self.clock.now(), self.settings.hours.warning))
    }
}
