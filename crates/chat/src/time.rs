//! Instants, and how people write them.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};

/// An instant in UTC. Messages carry milliseconds, the tables microseconds.
pub type Timestamp = DateTime<Utc>;

/// A time that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeError {
    text: String,
}

impl std::fmt::Display for TimeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` is no time: write 2026-03-14, 2026-03-14T09, 2026031409 or 2026-03-14T09:30:00+08:00",
            self.text
        )
    }
}

impl std::error::Error for TimeError {}

/// Reads a time as people and the service write it: `2026-03-14`, `2026-03-14T09`, `2026-03-14T09:30`, both of them also
/// with an offset, `2026031409` or RFC 3339. A time that names no offset is UTC.
///
/// # Errors
///
/// [`TimeError`] when the text is none of these or names a moment that does not exist.
pub fn parse_time(text: &str) -> Result<Timestamp, TimeError> {
    let trimmed = text.trim();
    rfc3339(trimmed)
        .or_else(|| day(trimmed))
        .or_else(|| hour_key(trimmed))
        .or_else(|| clock(trimmed))
        .ok_or_else(|| TimeError { text: text.to_owned() })
}

/// Writes a time as RFC 3339 in UTC, with as many fractional digits as it needs.
#[must_use]
pub fn show_time(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The midnight in UTC with which the month of a time begins.
#[must_use]
pub fn start_of_month(time: Timestamp) -> Timestamp {
    time.date_naive().with_day(1).map_or(time, |first| first.and_time(NaiveTime::MIN).and_utc())
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    let spaced = text.replacen(' ', "T", 1);
    DateTime::parse_from_rfc3339(&spaced).ok().map(|time| time.with_timezone(&Utc))
}

fn day(text: &str) -> Option<Timestamp> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (text.len() == 10).then(|| date.and_time(NaiveTime::MIN).and_utc())
}

/// `2026031409`.
pub(crate) fn hour_key(text: &str) -> Option<Timestamp> {
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() != 10 || !all_digits {
        return None;
    }
    let full = format!("{text}0000");
    NaiveDateTime::parse_from_str(&full, "%Y%m%d%H%M%S").ok().map(|time| time.and_utc())
}

/// `2026-03-14T09`, `2026-03-14T09:30`, `2026-03-14T09:30:05`, `2026-03-14T09:30:05.25`, each with a `Z` or an offset such as `+08:00`, or without.
fn clock(text: &str) -> Option<Timestamp> {
    let (local, offset) = apart(text);
    let full = match local.len() {
        13 => format!("{local}:00:00{offset}"),
        16 => format!("{local}:00{offset}"),
        19.. => format!("{local}{offset}"),
        _ => return None,
    };
    rfc3339(&full)
}

/// A time and its offset, which is `Z` when it names none. The dashes of the date are none.
fn apart(text: &str) -> (&str, &str) {
    let is_sign = |(at, c): &(usize, char)| *at >= DATE && matches!(c, 'Z' | 'z' | '+' | '-');
    let sign = text.char_indices().find(is_sign).and_then(|(at, _)| text.split_at_checked(at));
    sign.unwrap_or((text, "Z"))
}

/// The length of a date.
const DATE: usize = "2026-03-14".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_is_read() {
        let nine = "2026-03-14T09:00:00Z".parse::<Timestamp>().unwrap();
        for text in [
            "2026-03-14T09",
            "2026031409",
            "2026-03-14T09Z",
            "2026-03-14T09:00",
            "2026-03-14 09:00:00",
            "2026-03-14T09:00:00Z",
            "2026-03-14T17:00:00+08:00",
            "2026-03-14 17:00:00+08:00",
            "2026-03-14T17:00+08:00",
            "2026-03-14T17+08:00",
            "2026-03-14 04:00-05:00",
            "2026-03-14T09:00z",
        ] {
            assert_eq!(parse_time(text), Ok(nine), "{text}");
        }
        assert_eq!(show_time(parse_time("2026-03-14").unwrap()), "2026-03-14T00:00:00Z");
    }

    #[test]
    fn what_is_no_time_is_named_in_the_error() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-3-4",
            "2026031424",
            "202603140",
            "2026-02-30T09",
            "20260314٠٩",
            "2026-03-14T09+8",
            "2026-03-14+08:00",
        ] {
            let error = parse_time(text).expect_err(text);
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
