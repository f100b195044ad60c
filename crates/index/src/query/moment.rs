//! Times as people put them in a query: a year, a month, a day, an hour, an instant, or how long ago. All in UTC.

use std::ops::Range;

use chat::{Timestamp, parse_time};

use super::field::is_one_slip_away;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The microseconds since 1970 of a time, from its beginning to its end.
///
/// What is named to the day, hour, minute, second or a part of one is as long as that, a microsecond at least. What lies so
/// long ago has no length: it is the very moment for `after:` and `before:`, and the day of it for `on:`, see [`day_of`].
///
/// # Errors
///
/// What is wrong, and what was meant if that can be guessed.
pub(super) fn moment(text: &str, now: Option<Timestamp>) -> Result<Range<i64>, (String, Option<String>)> {
    let lower = text.trim().to_lowercase();
    if let Some(ago) = ago(&lower) {
        let now = now.ok_or_else(without_clock)?.timestamp_micros();
        let moment = match ago {
            Ago::Days(days) => day_of(now.saturating_sub(days.saturating_mul(DAY))),
            Ago::Exactly(length) => {
                let at = now.saturating_sub(length);
                at..at
            }
        };
        return Ok(moment);
    }
    let dashed = if lower.get(..10).unwrap_or(&lower).contains('/') { lower.replace('/', "-") } else { lower };
    let read = year(&dashed).or_else(|| month(&dashed)).or_else(|| instant(&dashed));
    read.ok_or_else(|| no_time(text, &dashed))
}

/// The day that a moment lies in.
pub(super) fn day_of(moment: i64) -> Range<i64> {
    let start = moment.div_euclid(DAY).saturating_mul(DAY);
    start..start.saturating_add(DAY)
}

/// The days that have a word.
const DAYS: [&str; 2] = ["today", "yesterday"];

enum Ago {
    /// The whole day so many days ago.
    Days(i64),
    /// A length of time, in microseconds.
    Exactly(i64),
}

fn ago(text: &str) -> Option<Ago> {
    match text {
        "today" => return Some(Ago::Days(0)),
        "yesterday" => return Some(Ago::Days(1)),
        _ => {}
    }
    let unit = match text.chars().next_back()? {
        'h' => HOUR,
        'd' => DAY,
        'w' => 7 * DAY,
        _ => return None,
    };
    let count = text.get(..text.len() - 1).filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(Ago::Exactly(count.parse::<i64>().ok()?.saturating_mul(unit)))
}

fn year(text: &str) -> Option<Range<i64>> {
    let year: i64 = digits(text, 4)?;
    Some(first_of(year, 1)?..first_of(year + 1, 1)?)
}

fn month(text: &str) -> Option<Range<i64>> {
    let (year, month) = text.split_once('-')?;
    let (year, month) = (digits(year, 4)?, digits(month, 2)?);
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    Some(first_of(year, month)?..first_of(next.0, next.1)?)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn first_of(year: i64, month: i64) -> Option<i64> {
    micros(&format!("{year:04}-{month:02}-01"))
}

/// A day, an hour, a minute, a second or less.
fn instant(text: &str) -> Option<Range<i64>> {
    let start = micros(&text.to_uppercase())?;
    let clock = text.get(11..).unwrap_or("");
    let clock = clock.split(['z', '+', '-']).next().unwrap_or("");
    let length = match (text.len(), clock.len()) {
        (10, _) if text.contains('-') => DAY,
        (10, _) | (_, 2) => HOUR,
        (_, 5) => MINUTE,
        (_, 8) => SECOND,
        (_, longer) => fraction(longer.saturating_sub(9)),
    };
    Some(start..start.saturating_add(length))
}

/// The length of the last of so many digits behind the second.
fn fraction(digits: usize) -> i64 {
    (0..digits).fold(SECOND, |length, _| length / 10).max(1)
}

fn micros(text: &str) -> Option<i64> {
    parse_time(text).ok().map(|time| time.timestamp_micros())
}

fn without_clock() -> (String, Option<String>) {
    ("a time that is told from now needs a clock".to_owned(), None)
}

fn no_time(text: &str, dashed: &str) -> (String, Option<String>) {
    let is_near = |word: &&str| is_one_slip_away(dashed, word);
    let day = || DAYS.into_iter().find(is_near).map(str::to_owned);
    let suggestion = padded(dashed).filter(|padded| instant(padded).is_some()).or_else(day);
    let meant = suggestion.as_ref().map_or(String::new(), |meant| format!(", did you mean `{meant}`?"));
    let forms = if meant.is_empty() {
        ": write 2026-03-14, 2026-03, 2026-03-14T09, 2026-03-14T09:30:05+08:00, 36h, 7d, 2w, today or yesterday"
    } else {
        ""
    };
    (format!("`{text}` is no time{meant}{forms}"), suggestion)
}

/// A day whose month or day has one digit, with two.
fn padded(text: &str) -> Option<String> {
    let numbers: Option<Vec<u32>> = text.split('-').map(|number| number.parse().ok()).collect();
    match numbers?.as_slice() {
        [year, month, day] => Some(format!("{year:04}-{month:02}-{day:02}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        micros(text).unwrap()
    }

    #[test]
    fn a_time_is_as_long_as_it_is_precise() {
        let now = parse_time("2026-03-14T09:30:00Z").ok();
        for (text, start, end) in [
            ("2026", "2026-01-01", "2027-01-01"),
            ("2026-12", "2026-12-01", "2027-01-01"),
            ("2024-02", "2024-02-01", "2024-03-01"),
            ("2026-03-14", "2026-03-14", "2026-03-15"),
            ("2026/03/14", "2026-03-14", "2026-03-15"),
            ("2026-03-14T09", "2026-03-14T09", "2026-03-14T10"),
            ("2026031409", "2026-03-14T09", "2026-03-14T10"),
            ("2026-03-14 09:30", "2026-03-14T09:30", "2026-03-14T09:31"),
            ("2026-03-14t09:30:05z", "2026-03-14T09:30:05", "2026-03-14T09:30:06"),
            ("2026-03-14T09:30:03.212Z", "2026-03-14T09:30:03.212Z", "2026-03-14T09:30:03.213Z"),
            ("2026-03-14T17:30:03.5+08:00", "2026-03-14T09:30:03.5Z", "2026-03-14T09:30:03.6Z"),
            ("2026-03-14T09:30:03.212345Z", "2026-03-14T09:30:03.212345Z", "2026-03-14T09:30:03.212346Z"),
            ("2026-03-14T09:30:03.212345678Z", "2026-03-14T09:30:03.212345Z", "2026-03-14T09:30:03.212346Z"),
            ("2026-03-14T17:30:05+08:00", "2026-03-14T09:30:05", "2026-03-14T09:30:06"),
            ("2026-03-14T17:30+08:00", "2026-03-14T09:30", "2026-03-14T09:31"),
            ("2026-03-14T17+08:00", "2026-03-14T09", "2026-03-14T10"),
            ("2026-03-14t05:30-03:30", "2026-03-14T09", "2026-03-14T09:01"),
            ("2026-03-14T09Z", "2026-03-14T09", "2026-03-14T10"),
            ("today", "2026-03-14", "2026-03-15"),
            ("Yesterday", "2026-03-13", "2026-03-14"),
        ] {
            assert_eq!(moment(text, now), Ok(at(start)..at(end)), "{text}");
        }
        for (text, start) in [("36h", "2026-03-12T21:30"), ("7d", "2026-03-07T09:30"), ("2w", "2026-02-28T09:30")] {
            assert_eq!(moment(text, now).unwrap().start, at(start), "{text}");
        }
        assert_eq!(day_of(at("2026-03-07T09:30")), at("2026-03-07")..at("2026-03-08"));
        assert_eq!(day_of(-1), -DAY..0);
    }

    #[test]
    fn what_is_no_time_is_said() {
        for (text, suggestion) in [
            ("2026-13", None),
            ("2026-02-30", None),
            ("2026-3-4", Some("2026-03-04")),
            ("2026/3/4", Some("2026-03-04")),
            ("yesteday", Some("yesterday")),
            ("Tody", Some("today")),
            ("tomorrow", None),
            ("7m", None),
            ("-1d", None),
            ("", None),
            ("9999", None),
        ] {
            let (message, found) = moment(text, parse_time("2026-03-14").ok()).unwrap_err();
            assert!(message.starts_with(&format!("`{text}` is no time")), "{message}");
            assert_eq!(found.as_deref(), suggestion, "{text}");
        }
        assert!(moment("7d", None).unwrap_err().0.contains("clock"));
        assert!(moment("99999999999999999999d", parse_time("2026-03-14").ok()).is_err());
        assert!(moment("999999999999999999w", parse_time("2026-03-14").ok()).unwrap().start < 0);
    }
}
