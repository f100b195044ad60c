//! Ranges of time on the command line: the beginning is in them, the end is not.

use std::ops::Range;

use chat::{Hour, Hours, Timestamp, parse_time};

use crate::error::CommandError;

/// A range of source hours.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct HourSpan {
    /// The first hour: 2026-03-14, 2026-03-14T09 or 2026031409, in UTC unless it says otherwise
    #[arg(long, value_name = "TIME")]
    since: Option<Hour>,

    /// The hour behind the last one
    #[arg(long, value_name = "TIME")]
    until: Option<Hour>,
}

impl HourSpan {
    /// The hours, from the flags or from `first` (inclusive) to the hour that is going on at `now` (exclusive).
    ///
    /// # Errors
    ///
    /// When the range holds no hour, or too many.
    pub(crate) fn hours_from(self, first: Hour, now: Timestamp) -> Result<Hours, CommandError> {
        let since = self.since.unwrap_or(first);
        let until = self.until.unwrap_or(Hour::containing(now));
        bounded(since, until)
    }

    /// The hours, when `--since` must be given.
    ///
    /// # Errors
    ///
    /// When it is not given, or the range holds no hour, or too many.
    pub(crate) fn hours(self, now: Timestamp) -> Result<Hours, CommandError> {
        let since = self.since.ok_or_else(|| {
            CommandError::usage("there is no first hour").hint("add --since 2026-03-14, say; --until ends the range")
        })?;
        self.hours_from(since, now)
    }

    /// The bounds, as far as they are given.
    #[must_use]
    pub(crate) fn bounds(self) -> (Option<Hour>, Option<Hour>) {
        (self.since, self.until)
    }

    /// The range; where a bound is not given, it has no end on that side.
    ///
    /// # Errors
    ///
    /// When it holds no hour.
    pub(crate) fn range(self) -> Result<Range<Hour>, CommandError> {
        let since = self.since.unwrap_or(Hour::from_number(i64::MIN));
        let until = self.until.unwrap_or(Hour::from_number(i64::MAX));
        not_empty(since, until, "hour")?;
        Ok(since..until)
    }
}

/// A range of instants.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct TimeSpan {
    /// Only messages sent at or after this time: 2026-03-14, 2026-03-14T09, 2026031409 or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Timestamp>,

    /// Only messages sent before this time
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,
}

impl TimeSpan {
    /// The range between two times.
    #[must_use]
    pub(crate) fn of(since: Option<Timestamp>, until: Option<Timestamp>) -> Self {
        Self { since, until }
    }

    /// Beginning (inclusive) and end (exclusive), as far as they are given.
    ///
    /// # Errors
    ///
    /// When the range holds no time.
    pub(crate) fn bounds(self) -> Result<(Option<Timestamp>, Option<Timestamp>), CommandError> {
        if let (Some(since), Some(until)) = (self.since, self.until) {
            not_empty(since, until, "time")?;
        }
        Ok((self.since, self.until))
    }
}

/// Hours of a range; each is held, and a run writes a row for each. More than a century.
const LONGEST: usize = 1_000_000;

/// The hours of a range from its beginning to its end, which is not in it.
///
/// # Errors
///
/// When it holds no hour, or too many.
pub(super) fn bounded(since: Hour, until: Hour) -> Result<Hours, CommandError> {
    not_empty(since, until, "hour")?;
    not_endless(Hours::between(since, until))
}

/// Refuses a range that holds too many hours.
///
/// # Errors
///
/// When it does.
pub(super) fn not_endless(hours: Hours) -> Result<Hours, CommandError> {
    let (mut bounds, count) = (hours, hours.len());
    match bounds.next() {
        Some(first) if count > LONGEST => {
            let error =
                format!("{count} hours from {first} on are more than a century: a range has {LONGEST} at the most");
            Err(CommandError::usage(error).hint("name a shorter range with --since and --until"))
        }
        _ => Ok(hours),
    }
}

fn not_empty<T: PartialOrd + std::fmt::Display>(since: T, until: T, what: &str) -> Result<(), CommandError> {
    if since < until {
        return Ok(());
    }
    Err(CommandError::usage(format!("there is no {what} from {since} to {until}"))
        .hint("--since is the beginning and in the range, --until its end and not in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(since: Option<&str>, until: Option<&str>) -> HourSpan {
        HourSpan { since: since.map(|text| text.parse().unwrap()), until: until.map(|text| text.parse().unwrap()) }
    }

    fn now() -> Timestamp {
        parse_time("2026-03-14T09:30").unwrap()
    }

    #[test]
    fn a_range_ends_before_the_hour_that_is_going_on() {
        let keys: Vec<_> = span(Some("2026-03-14T07"), None).hours(now()).unwrap().map(Hour::key).collect();
        assert_eq!(keys, ["2026031407", "2026031408"]);
    }

    #[test]
    fn a_range_without_hours_is_an_error() {
        let error = span(Some("2026-03-14T09"), None).hours(now()).unwrap_err();
        assert!(error.render().starts_with("error: there is no hour from 2026-03-14T09Z to 2026-03-14T09Z\n"));
        assert!(span(None, None).hours(now()).unwrap_err().render().contains("hint: add --since"));
        assert!(span(Some("2026-03-15"), Some("2026-03-14")).hours(now()).is_err());
    }

    #[test]
    fn a_range_has_an_end() {
        let first = Hour::from_key("2026031409").unwrap();
        let until = |hours: usize| bounded(first, first.plus(i64::try_from(hours).unwrap()));
        assert_eq!(until(LONGEST).unwrap().len(), LONGEST);
        let error = until(LONGEST + 1).unwrap_err().render();
        assert!(error.starts_with("error: 1000001 hours from 2026-03-14T09Z on are more than a century"), "{error}");
        let error = span(Some("0001-01-01"), None).hours(now()).unwrap_err().render();
        assert!(error.ends_with("hint: name a shorter range with --since and --until\n"), "{error}");
    }

    #[test]
    fn a_range_of_times_has_a_beginning_before_its_end() {
        let span = |since, until| TimeSpan { since: parse_time(since).ok(), until: parse_time(until).ok() };
        assert!(span("2026-03-14", "2026-03-13").bounds().is_err());
        assert_eq!(span("2026-03-14", "").bounds().unwrap(), (parse_time("2026-03-14").ok(), None));
    }
}
