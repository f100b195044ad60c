//! Whether the service names its hours in the zone of the settings: the times of the messages tell (protocol sections 1.5
//! and 3.1).

use chat::{Hour, Message, MessageId, Zone};

/// By how many hours the messages of an hour lie off it.
///
/// Two clocks are read: the time of the message, and the time inside its id. A message that was imported has an old time
/// and a new id, so the id can clear an hour of the suspicion that its times raise.
#[derive(Debug, Clone, Default)]
pub struct Offsets {
    of_times: Count,
    of_ids: Count,
}

/// What the times of an hour say of the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneVerdict {
    /// Most messages lie in the hour that was asked for.
    Right,
    /// Most messages lie in the hour that this zone calls so.
    Fits(Zone),
    /// They lie anywhere, or there are none.
    Unknown,
}

impl Offsets {
    /// Takes a message of the hour in.
    pub fn add(&mut self, hour: Hour, message: &Message<'_>) {
        self.of_times.add(hour, message.sent_at.map(Hour::containing));
        self.of_ids.add(hour, message.msg_id.as_deref().and_then(MessageId::hour_in));
    }

    /// Reads the zone in which the hour was asked for by what was served. Only the two zones that the service's clusters
    /// use are thought of: messages that lie off by anything but their distance were imported, or come from elsewhere.
    #[must_use]
    pub fn verdict(&self, zone: Zone) -> ZoneVerdict {
        match (self.of_times.most(), self.of_ids.most()) {
            (Some(0), _) | (_, Some(0)) => ZoneVerdict::Right,
            (Some(offset), _) => {
                // Asked for in `zone`, the key meant the hour that lies so many hours later.
                let fits = [Zone::UTC, Zone::BEIJING]
                    .into_iter()
                    .find(|other| *other != zone && zone.offset_hours() - other.offset_hours() == offset);
                fits.map_or(ZoneVerdict::Unknown, ZoneVerdict::Fits)
            }
            _ => ZoneVerdict::Unknown,
        }
    }
}

/// How many times lie so many hours off.
#[derive(Debug, Clone)]
struct Count {
    /// Of offsets from `-WIDEST` on.
    counts: [u64; 2 * WIDEST as usize + 1],
    others: u64,
}

/// Offsets beyond these say nothing of a zone.
const WIDEST: i64 = 26;

impl Default for Count {
    fn default() -> Self {
        Self { counts: [0; 2 * WIDEST as usize + 1], others: 0 }
    }
}

impl Count {
    fn add(&mut self, asked: Hour, is_of: Option<Hour>) {
        let Some(is_of) = is_of else { return };
        let place = usize::try_from(is_of.number() - asked.number() + WIDEST).ok();
        let count = place.and_then(|place| self.counts.get_mut(place)).unwrap_or(&mut self.others);
        *count += 1;
    }

    /// The offset of most of them. A few may lie anywhere: they were imported, or came late.
    fn most(&self) -> Option<i64> {
        let all = self.counts.iter().sum::<u64>() + self.others;
        (-WIDEST..).zip(self.counts).find(|(_, count)| count * 2 > all).map(|(offset, _)| offset)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use chat::{Position, Timestamp};

    use super::*;

    fn asked() -> Hour {
        Hour::from_key("2026031417").unwrap()
    }

    /// The id that the service would give at this time.
    fn id(time: Timestamp) -> String {
        ((time.timestamp() - 1_417_564_800) << 32).to_string()
    }

    /// What messages say that were sent and numbered so many hours off.
    fn verdict(messages: &[(i64, Option<i64>)], zone: Zone) -> ZoneVerdict {
        let mut offsets = Offsets::default();
        for (sent, numbered) in messages {
            let position = Position { source_hour: asked(), part: 0, line: 1 };
            let mut message = Message::at(position);
            message.sent_at = Some(asked().plus(*sent).start());
            message.msg_id = numbered.map(|hours| Cow::Owned(id(asked().plus(hours).start())));
            offsets.add(asked(), &message);
        }
        offsets.verdict(zone)
    }

    #[test]
    fn messages_that_lie_eight_hours_off_tell_the_zone() {
        let eight_off = [(-8, Some(-8)), (-8, None), (-7, None)];
        assert_eq!(verdict(&eight_off, Zone::UTC), ZoneVerdict::Fits(Zone::BEIJING));
        assert_eq!(verdict(&[(8, None)], Zone::BEIJING), ZoneVerdict::Fits(Zone::UTC));
        assert_eq!(verdict(&[(0, Some(0)), (0, None), (-8, None)], Zone::UTC), ZoneVerdict::Right);
    }

    #[test]
    fn imported_messages_accuse_nobody() {
        assert_eq!(verdict(&[(-8, Some(0)), (-8, Some(0))], Zone::UTC), ZoneVerdict::Right);
        for messages in
            [&[][..], &[(-8, None), (-1, None)], &[(-24, None)], &[(8, None)], &[(-3, None)], &[(9999, None)]]
        {
            assert_eq!(verdict(messages, Zone::UTC), ZoneVerdict::Unknown, "{messages:?}");
        }
    }
}
