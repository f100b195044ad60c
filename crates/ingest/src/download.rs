//! The bytes of an hour, from the links to files that are not kept yet.

use api::Link;
use chat::{Hour, Part};
use store::SealedRaw;
use tracing::Instrument as _;

use crate::arrival::Arrival;
use crate::attempt::Run;
use crate::error::Error;
use crate::hour::Bytes;

/// All parts of an hour as they were served.
pub(crate) struct Served {
    pub(crate) raw: Vec<SealedRaw>,
    pub(crate) bytes: Bytes,
}

impl Run<'_> {
    /// Downloads all parts, one after the other.
    pub(crate) async fn download(&self, hour: Hour, links: &[Link]) -> Result<Served, Error> {
        let mut raw = Vec::with_capacity(links.len());
        for (part, link) in (0..).zip(links) {
            let span = tracing::info_span!(target: "annals", "download", %hour, part);
            raw.push(self.download_part(hour, part, link).instrument(span).await?);
        }
        let bytes = Bytes::of_sealed(&raw)?;
        Ok(Served { raw, bytes })
    }

    async fn download_part(&self, hour: Hour, part: Part, link: &Link) -> Result<SealedRaw, Error> {
        let mut stage = Arrival(self.workshop.archive.stage_raw(hour, part)?);
        self.client.download(link, &mut stage).await.map_err(|source| Error::Files { hour, source })?;
        Ok(stage.0.seal())
    }
}
