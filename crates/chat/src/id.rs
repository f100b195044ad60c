//! Message ids.

use std::fmt;

use chrono::DateTime;

use crate::hour::Hour;
use crate::time::Timestamp;

/// 2014-12-03T00:00:00Z, from which the time inside an id counts.
const EPOCH_SECONDS: i64 = 1_417_564_800;

/// The id of a message: text, because its digits exceed 2^53 (protocol section 1.5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// Takes any text: old ids are no numbers.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as the service wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The time that a numeric id of 17 to 19 digits carries, to the millisecond; `None` for other shapes.
    ///
    /// A hint, right to within half a second on every published pair; never a reason to reject a record.
    #[must_use]
    pub fn sent_at(&self) -> Option<Timestamp> {
        Self::time_in(&self.0)
    }

    /// The same of an id that is at hand as text.
    #[must_use]
    pub fn time_in(id: &str) -> Option<Timestamp> {
        milliseconds_in(id).and_then(DateTime::from_timestamp_millis)
    }

    /// The hour of that time.
    #[must_use]
    pub fn hour_in(id: &str) -> Option<Hour> {
        milliseconds_in(id).map(|milliseconds| Hour::from_number(milliseconds / 3_600_000))
    }
}

/// Since 1970.
fn milliseconds_in(id: &str) -> Option<i64> {
    if !(17..=19).contains(&id.len()) {
        return None;
    }
    let number: i64 = id.parse().ok().filter(|number| *number >= 0)?;
    let seconds = (number >> 32) + EPOCH_SECONDS;
    let milliseconds = (number >> 22) & 1023;
    Some(seconds * 1_000 + milliseconds)
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_id_carries_its_time() {
        // A real pair of id and timestamp (protocol section 4.1).
        let id = MessageId::new("874788964261693432");
        let off = id.sent_at().unwrap().timestamp_millis() - 1_621_242_477_625;
        assert!(off.abs() < 500, "{off} ms");
    }

    #[test]
    fn other_shapes_carry_none() {
        for text in [
            "",
            "5K07Q-3f-9b21c",
            "10212123848595",
            "1F4MXq0dT7kLFnZ3Hm8vrcb5Uwe",
            "99999999999999999999",
            "-141207734605642343",
        ] {
            assert_eq!(MessageId::new(text).sent_at(), None, "{text}");
        }
    }
}
