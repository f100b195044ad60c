//! The hour: the unit in which the service hands out history and the archive keeps it.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use chrono::{DateTime, Duration, NaiveDate, Timelike, Utc};

use crate::time::{Timestamp, hour_key, parse_time};

const SECONDS: i64 = 3600;

/// One clock hour in UTC, half open: `[HH:00:00.000, HH+1:00:00.000)` (protocol section 3.1).
///
/// The service's own key may be in another zone; that key exists only at the edge, see [`crate::Zone`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour {
    /// Hours since 1970-01-01T00Z; `MIN <= since_epoch <= MAX`, so that the year has four digits.
    since_epoch: i64,
}

/// A text that names no whole hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourError {
    text: String,
}

impl fmt::Display for HourError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no whole hour: write 2026-03-14T09 or 2026031409", self.text)
    }
}

impl std::error::Error for HourError {}

impl Hour {
    /// 0001-01-01T00Z.
    const MIN: i64 = -17_259_888;
    /// 9999-12-31T23Z.
    const MAX: i64 = 70_389_527;

    /// The hour that an instant lies in. Instants outside the years 1 to 9999 are taken to the nearest hour inside.
    #[must_use]
    pub fn containing(time: Timestamp) -> Self {
        Self { since_epoch: time.timestamp().div_euclid(SECONDS).clamp(Self::MIN, Self::MAX) }
    }

    /// Reads the ten digits `yyyyMMddHH`, in UTC.
    ///
    /// # Errors
    ///
    /// [`HourError`] when the text is anything else.
    pub fn from_key(key: &str) -> Result<Self, HourError> {
        hour_key(key).map(Self::containing).ok_or_else(|| HourError { text: key.to_owned() })
    }

    /// The ten digits `yyyyMMddHH`, in UTC: the value of the column `source_hour`.
    #[must_use]
    pub fn key(self) -> String {
        self.start().format("%Y%m%d%H").to_string()
    }

    /// The first instant of the hour.
    #[must_use]
    pub fn start(self) -> Timestamp {
        DateTime::from_timestamp(self.since_epoch * SECONDS, 0).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// The first instant after the hour.
    #[must_use]
    pub fn end(self) -> Timestamp {
        self.start() + Duration::hours(1)
    }

    /// The UTC date of the hour: its partition of the tables.
    #[must_use]
    pub fn date(self) -> NaiveDate {
        self.start().date_naive()
    }

    /// The hour of the day, `0..=23`.
    #[must_use]
    pub fn of_day(self) -> u32 {
        self.start().hour()
    }

    /// The following hour.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// The hour `hours` later, or earlier when negative.
    #[must_use]
    pub fn plus(self, hours: i64) -> Self {
        Self { since_epoch: self.since_epoch.saturating_add(hours).clamp(Self::MIN, Self::MAX) }
    }

    /// Hours since 1970-01-01T00Z; the inverse of [`Hour::from_number`].
    #[must_use]
    pub fn number(self) -> i64 {
        self.since_epoch
    }

    /// The hour with this count since 1970-01-01T00Z, clamped to the years 1 to 9999.
    #[must_use]
    pub fn from_number(since_epoch: i64) -> Self {
        Self { since_epoch: since_epoch.clamp(Self::MIN, Self::MAX) }
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.start().format("%Y-%m-%dT%HZ"))
    }
}

impl FromStr for Hour {
    type Err = HourError;

    fn from_str(text: &str) -> Result<Self, HourError> {
        let error = || HourError { text: text.to_owned() };
        let time = parse_time(text).map_err(|_| error())?;
        let hour = Self::containing(time);
        if hour.start() == time { Ok(hour) } else { Err(error()) }
    }
}

/// The hours of a half-open range, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    next: i64,
    until: i64,
}

impl Hours {
    /// The hours from `since` (inclusive) to `until` (exclusive); none when `until <= since`.
    #[must_use]
    pub fn between(since: Hour, until: Hour) -> Self {
        Self { next: since.since_epoch, until: until.since_epoch }
    }

    /// Those that are left, as a range.
    #[must_use]
    pub fn bounds(&self) -> Range<Hour> {
        Hour { since_epoch: self.next }..Hour { since_epoch: self.until }
    }

    /// Whether an hour is among those that are left.
    #[must_use]
    pub fn contains(&self, hour: Hour) -> bool {
        (self.next..self.until).contains(&hour.since_epoch)
    }
}

impl Iterator for Hours {
    type Item = Hour;

    fn next(&mut self) -> Option<Hour> {
        (self.next < self.until).then(|| {
            let hour = Hour { since_epoch: self.next };
            self.next += 1;
            hour
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.until - self.next).unwrap_or(0);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Hours {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_millisecond_belongs_to_the_hour() {
        let hour = Hour::from_key("2026031409").unwrap();
        assert_eq!(Hour::containing(at("2026-03-14T09:00:00Z")), hour);
        assert_eq!(Hour::containing(at("2026-03-14T09:59:59.999Z")), hour);
        assert_eq!(Hour::containing(at("2026-03-14T10:00:00Z")), hour.next());
    }

    #[test]
    fn hours_before_1970_round_down() {
        assert_eq!(Hour::containing(at("1969-12-31T23:59:59Z")).key(), "1969123123");
    }

    #[test]
    fn the_bounds_are_the_years_1_and_9999() {
        assert_eq!(Hour::from_number(i64::MIN).to_string(), "0001-01-01T00Z");
        assert_eq!(Hour::from_number(i64::MAX).to_string(), "9999-12-31T23Z");
    }

    #[test]
    fn a_key_is_ten_digits() {
        assert_eq!(Hour::from_key("2026031409").unwrap().key(), "2026031409");
        for key in ["2026-03-14", "202603140", "20260314091", "2026031424", ""] {
            assert!(Hour::from_key(key).is_err(), "{key}");
        }
    }

    #[test]
    fn half_an_hour_is_no_hour() {
        assert!("2026-03-14T09:30".parse::<Hour>().is_err());
        assert_eq!("2026-03-14".parse::<Hour>().unwrap().of_day(), 0);
    }

    #[test]
    fn a_range_is_half_open() {
        let since = Hour::from_key("2026031423").unwrap();
        let keys: Vec<_> = Hours::between(since, since.plus(2)).map(Hour::key).collect();
        assert_eq!(keys, ["2026031423", "2026031500"]);
        assert_eq!(Hours::between(since, since.plus(-1)).len(), 0);
        let hours = Hours::between(since, since.plus(2));
        assert!(hours.contains(since.next()) && !hours.contains(since.plus(2)) && !hours.contains(since.plus(-1)));
    }
}
