//! Whether the service names its hours in the zone of the settings: the messages of an hour tell.

use std::collections::BTreeMap;
use std::io::{self, Write};

use api::{Client, Link, Target};
use chat::{Hour, Timestamp, Zone};
use decode::{Decoder, Limits, Origin};

use crate::error::CommandError;

/// As much of an hour file as is looked at, as served.
const HEAD: usize = 256 << 10;

/// Looks at the times in the beginning of an hour's file, and says what came of it.
///
/// # Errors
///
/// When the file cannot be fetched, or the messages are of another hour than the one asked for: then the zone is wrong.
pub(super) async fn check(client: &Client, link: &Link, hour: Hour, zone: Zone) -> Result<String, CommandError> {
    let times = times(&head(client, link).await?, hour);
    match usual_offset(hour, &times) {
        Some(0) => Ok(format!("the messages of {hour} are of that hour: {zone} is right")),
        Some(offset) => match fitting(zone, offset) {
            Some(right) => Err(CommandError::usage(format!(
                "the messages of {hour} are of {}: the service does not name its hours in {zone}",
                hour.plus(offset)
            ))
            .hint(format!("set ANNALS_API_ZONE={right}, or api.zone in annals.toml"))),
            None => Ok(format!("not to be told: the messages of {hour} are all from another time")),
        },
        None => Ok(format!("not to be told from the messages of {hour}")),
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

/// When the messages were sent, as far as they can be read: the file is cut.
fn times(head: &[u8], hour: Hour) -> Vec<Timestamp> {
    let limits = Limits { batch_messages: 32, ..Limits::default() };
    let mut decoder = Decoder::new(head, Origin { hour, part: 0, app: None }, limits);
    let mut times = Vec::new();
    while let Ok(Some(batch)) = decoder.next_batch() {
        times.extend(batch.messages.iter().filter_map(|message| message.sent_at));
    }
    times
}

/// By how many hours most messages lie off the hour. A few may lie anywhere: they were imported, or came late.
fn usual_offset(hour: Hour, times: &[Timestamp]) -> Option<i64> {
    let mut offsets: BTreeMap<i64, usize> = BTreeMap::new();
    for time in times {
        *offsets.entry(Hour::containing(*time).number() - hour.number()).or_default() += 1;
    }
    let (offset, count) = offsets.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 2 > times.len()).then_some(offset)
}

/// The zone in which the same key means the hour that lies so many hours off.
fn fitting(zone: Zone, offset: i64) -> Option<Zone> {
    format!("{:+03}", zone.offset_hours() - offset).parse().ok()
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
    fn the_zone_that_fits_names_the_hour_alike() {
        let (asked, sent) = (Hour::from_key("2026031417").unwrap(), Hour::from_key("2026031409").unwrap());
        let offset = usual_offset(asked, &[sent.start(), sent.start(), asked.start()]).unwrap();
        assert_eq!(fitting(Zone::UTC, offset), Some(Zone::BEIJING));
        assert_eq!(fitting(Zone::BEIJING, -offset), Some(Zone::UTC));
        assert_eq!(fitting(Zone::UTC, 24), None, "imported, a day later");
    }

    #[test]
    fn messages_of_all_times_tell_nothing() {
        let hour = Hour::from_key("2026031417").unwrap();
        assert_eq!(usual_offset(hour, &[]), None);
        assert_eq!(usual_offset(hour, &[hour.start(), hour.plus(-8).start()]), None);
    }

    #[test]
    fn a_download_ends_when_there_is_enough() {
        let mut head = Head(Vec::new());
        let copied = io::copy(&mut io::repeat(b'x').take(1 << 20), &mut head);
        assert!(copied.is_err());
        assert_eq!(head.0.len(), HEAD);
    }
}
