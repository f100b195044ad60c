//! Whether the service names its hours in the zone of the settings: the messages of an hour tell.

use std::io::{self, Write};

use api::{Client, Link, Target};
use chat::{Hour, Zone};
use decode::{Decoder, Limits, Origin};
use ingest::{Offsets, ZoneVerdict};

use crate::error::CommandError;

/// As much of an hour file as is looked at, as served.
const HEAD: usize = 256 << 10;

/// Looks at the times in the beginning of an hour's file, and says what came of it.
///
/// # Errors
///
/// When the file cannot be fetched, or the messages are of another hour than the one asked for: then the zone is wrong.
pub(super) async fn check(client: &Client, link: &Link, hour: Hour, zone: Zone) -> Result<String, CommandError> {
    match offsets(&head(client, link).await?, hour).verdict(zone) {
        ZoneVerdict::Right => Ok(format!("the messages of {hour} are of that hour: {zone} is right")),
        ZoneVerdict::Unknown => Ok(format!("not to be told from the messages of {hour}")),
        ZoneVerdict::Fits(fits) => Err(ingest::Error::wrong_zone(hour, zone, fits).into()),
    }
}

/// The beginning of a part; the rest is not fetched.
async fn head(client: &Client, link: &Link) -> Result<Vec<u8>, CommandError> {
    let mut head = Head(Vec::new());
    match client.download(link, &mut head).await {
        Err(api::Error::Target { .. }) | Ok(_) => Ok(head.0),
        Err(error) => Err(error.into()),
    }
}

/// When the messages were sent, against the hour, as far as they can be read: the file is cut.
fn offsets(head: &[u8], hour: Hour) -> Offsets {
    let limits = Limits { batch_messages: 32, ..Limits::default() };
    let mut decoder = Decoder::new(head, Origin { hour, part: 0, app: None }, limits);
    let mut offsets = Offsets::default();
    while let Ok(Some(batch)) = decoder.next_batch() {
        batch.messages.iter().for_each(|message| offsets.add(hour, message));
    }
    offsets
}

/// Takes the first bytes and refuses the rest, which ends the download.
struct Head(Vec<u8>);

impl Write for Head {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = HEAD - self.0.len();
        if room == 0 && !bytes.is_empty() {
            return Err(io::Error::other("this is enough"));
        }
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.0.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for Head {
    fn restart(&mut self) -> io::Result<()> {
        self.0.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_download_ends_when_there_is_enough() {
        let mut head = Head(Vec::new());
        let copied = io::copy(&mut io::repeat(b'x').take(1 << 20), &mut head);
        assert!(copied.is_err());
        assert_eq!(head.0.len(), HEAD);
    }
}
