//! Ids that carry their time (protocol section 1.5).

use chat::Timestamp;

/// 2014-12-03T00:00:00Z, the first second of an id.
const EPOCH: i64 = 1_417_564_800;

/// The id of the `number`-th message ever: seconds, milliseconds, then the number where the service has a sequence and a
/// machine. Numbers below [`NUMBERS`] never meet, whatever the clock does.
pub(crate) fn message_id(time: Timestamp, number: u32) -> String {
    let seconds = u64::try_from(time.timestamp() - EPOCH).unwrap_or(0);
    let milliseconds = u64::from(time.timestamp_subsec_millis().min(999));
    let (sequence, machine) = (u64::from(number % 1024), u64::from(number / 1024 % 1024));
    (seconds << 32 | milliseconds << 22 | sequence << 12 | machine << 2).to_string()
}

/// How many ids there are.
pub(crate) const NUMBERS: u32 = 1 << 20;

/// A uuid of version 1: its time in units of 100 ns, and the number as clock sequence and node.
pub(crate) fn file_uuid(time: Timestamp, number: u32) -> String {
    let since_1582 = u64::try_from(time.timestamp_millis() + GREGORIAN).unwrap_or(0) * 10_000;
    let (low, middle, high) = (since_1582 & 0xffff_ffff, since_1582 >> 32 & 0xffff, since_1582 >> 48 & 0xfff);
    format!("{low:08x}-{middle:04x}-1{high:03x}-822a-81ea{number:08x}")
}

/// Milliseconds from the start of the Gregorian calendar to 1970.
const GREGORIAN: i64 = 12_219_292_800_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_its_time() {
        let time: Timestamp = "2026-03-14T09:00:04.210Z".parse().unwrap();
        let id: u64 = message_id(time, 3 * 1024 + 5).parse().unwrap();
        assert_eq!(i64::try_from(id >> 32).unwrap() + EPOCH, time.timestamp());
        assert_eq!(((id >> 22) & 1023, (id >> 12) & 1023, (id >> 2) & 1023, id & 3), (210, 5, 3, 0));
        assert_eq!(message_id("1999-01-01T00:00:00Z".parse().unwrap(), 0), "0");
    }

    #[test]
    fn a_uuid_is_of_version_1() {
        let uuid = file_uuid("2026-03-14T09:00:00Z".parse().unwrap(), 7);
        assert_eq!(uuid, "2e696800-1f84-11f1-822a-81ea00000007");
    }
}
