//! Whether what is served anew still holds what is archived.

use chat::Entry;
use futures::TryStreamExt as _;

use crate::error::Error;
use crate::hour::Decoded;
use crate::workshop::Workshop;

impl Workshop {
    /// How many archived messages of an hour are not among those decoded anew, by their ids. A file of the tables that
    /// cannot be read holds nobody to anything.
    pub(crate) async fn missing(&self, archived: &Entry, decoded: &Decoded) -> Result<u64, Error> {
        let snapshot = self.archive.snapshot().await?;
        let Some(file) = snapshot.file_of(archived.hour) else { return Ok(0) };
        let mut missing = 0;
        let Ok(mut batches) = archive::read_all(snapshot.reader(file)).await else { return Ok(0) };
        while let Ok(Some(batch)) = batches.try_next().await {
            let of_the_hour = batch.iter().filter(|message| message.position.source_hour == archived.hour);
            let ids = of_the_hour.filter_map(|message| message.msg_id.as_deref());
            missing += ids.filter(|id| !decoded.has(id)).count() as u64;
        }
        Ok(missing)
    }
}
