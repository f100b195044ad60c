//! The zone in which a cluster names its hours.

use std::fmt;
use std::str::FromStr;

use crate::hour::{Hour, HourError};

/// The fixed offset from UTC in which a cluster writes `{yyyyMMddHH}`: UTC overseas, `+08:00` on the mainland
/// (protocol section 3.1). Whole hours only, `-12 <= hours <= 14`. The default is UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Zone {
    hours: i64,
}

/// A text that names no zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneError {
    text: String,
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no zone: write UTC or a whole-hour offset such as +08:00", self.text)
    }
}

impl std::error::Error for ZoneError {}

impl Zone {
    /// Greenwich: what overseas clusters use.
    pub const UTC: Self = Self { hours: 0 };
    /// UTC+8: what mainland clusters use.
    pub const BEIJING: Self = Self { hours: 8 };

    /// The key by which the cluster names this hour.
    #[must_use]
    pub fn key(self, hour: Hour) -> String {
        hour.plus(self.hours).key()
    }

    /// The hour that the cluster means by this key.
    ///
    /// # Errors
    ///
    /// [`HourError`] when the key is not ten digits that name an hour.
    pub fn hour(self, key: &str) -> Result<Hour, HourError> {
        Hour::from_key(key).map(|hour| hour.plus(-self.hours))
    }

    /// Hours east of Greenwich.
    #[must_use]
    pub fn offset_hours(self) -> i64 {
        self.hours
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hours {
            0 => f.write_str("UTC"),
            hours => write!(f, "{}{:02}:00", if hours < 0 { '-' } else { '+' }, hours.abs()),
        }
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let error = || ZoneError { text: text.to_owned() };
        let upper = text.trim().to_ascii_uppercase();
        let offset = upper.strip_prefix("UTC").unwrap_or(&upper);
        if offset.is_empty() && upper == "UTC" || upper == "Z" {
            return Ok(Self::UTC);
        }
        let (sign, digits) = match offset.split_at_checked(1) {
            Some(("+", digits)) => (1, digits),
            Some(("-", digits)) => (-1, digits),
            _ => return Err(error()),
        };
        let whole =
            digits.strip_suffix(":00").or_else(|| digits.strip_suffix("00").filter(|d| d.len() == 2)).unwrap_or(digits);
        let hours: i64 = whole.parse().map_err(|_| error())?;
        let signed = sign * hours;
        if whole.len() > 2 || !(-12..=14).contains(&signed) {
            return Err(error());
        }
        Ok(Self { hours: signed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clusters_key_is_shifted() {
        let hour = Hour::from_key("2026031417").unwrap();
        assert_eq!(Zone::BEIJING.key(hour), "2026031501");
        assert_eq!(Zone::BEIJING.hour("2026031501").unwrap(), hour);
    }

    #[test]
    fn zones_are_read_as_people_write_them() {
        for text in ["+08:00", "+8", "UTC+8", "utc+08:00", "+0800", "+08"] {
            assert_eq!(text.parse(), Ok(Zone::BEIJING), "{text}");
        }
        for text in ["UTC", "utc", "Z", "+00:00", "-0"] {
            assert_eq!(text.parse(), Ok(Zone::UTC), "{text}");
        }
        for text in ["", "+", "8", "+05:30", "+15", "Asia/Shanghai", "+008"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
        assert_eq!(Zone::BEIJING.to_string(), "+08:00");
    }
}
