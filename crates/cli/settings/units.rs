//! Times and sizes, as people write them.

use std::time::Duration;

use ingest::Recheck;

/// The units of time in milliseconds, the longest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
/// The units of size in bytes, the largest first.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1000),
    ("B", 1),
];

/// Reads a length of time: `30s`, `5m`, `1h`, `3d`, `500ms`, or several in a row: `1h 30m`.
///
/// # Errors
///
/// A text that fits after "invalid value" when it is none, or is longer than 500 million years.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    sum(text, &TIMES)
        .map(Duration::from_millis)
        .ok_or_else(|| format!("`{text}` is no length of time: write 30s, 5m, 1h or 3d"))
}

/// Writes a length of time in the longest unit that gives a whole number.
pub(super) fn format_duration(length: Duration) -> String {
    let milliseconds = length.as_millis();
    let fits = |unit: u64| milliseconds.is_multiple_of(unit.into());
    let (name, unit) = TIMES.into_iter().find(|(_, unit)| fits(*unit)).unwrap_or(("ms", 1));
    format!("{}{name}", milliseconds / u128::from(unit))
}

/// Reads ages of an hour, parted by commas; one with a minus counts back from its end: `24h, -12h`, or nothing.
///
/// # Errors
///
/// As [`parse_duration`].
pub(crate) fn parse_rechecks(text: &str) -> Result<Vec<Recheck>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let ages = text.split(',').map(str::trim);
    ages.map(|age| match age.strip_prefix('-') {
        Some(left) => parse_duration(left).map(Recheck::Before),
        None => parse_duration(age).map(Recheck::After),
    })
    .collect()
}

/// Reads a number of bytes: `64MiB`, `2GiB`, `512KiB`, `10MB`, `100B`.
///
/// # Errors
///
/// A text that fits after "invalid value" when it is none, or does not fit 64 bits.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    sum(text, &SIZES).ok_or_else(|| format!("`{text}` is no size: write 512KiB, 64MiB or 2GiB"))
}

/// The sum of numbers with units; `None` when there is no number, no unit, or too much.
fn sum(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text.trim();
    let mut total: Option<u64> = None;
    while !rest.is_empty() {
        let (number, behind) = split(rest, |character| !character.is_ascii_digit());
        let (unit, behind) = split(behind.trim_start(), |character| !character.is_ascii_alphabetic());
        let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
        let amount = number.parse::<u64>().ok()?.checked_mul(*factor)?;
        total = Some(total.unwrap_or(0).checked_add(amount)?);
        rest = behind.trim_start();
    }
    total
}

fn split(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_units() {
        for (text, seconds) in
            [("30s", 30), ("5m", 300), ("1h", 3600), ("3d", 259_200), ("1h 30m", 5400), ("1h30m", 5400), (" 0 s ", 0)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "30", "s", "1.5h", "-1s", "1w", "1h x", "99999999999999999999s", "٣s", "300000000000d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_minus_counts_from_the_end() {
        let (day, half) = (Duration::from_secs(86_400), Duration::from_secs(43_200));
        assert_eq!(parse_rechecks("24h, -12h"), Ok(vec![Recheck::After(day), Recheck::Before(half)]));
        assert_eq!(parse_rechecks(" 1d "), Ok(vec![Recheck::After(day)]));
        assert_eq!(parse_rechecks(""), Ok(Vec::new()));
        assert!(parse_rechecks("24h 12").is_err() && parse_rechecks("--1h").is_err());
        assert!(parse_rechecks("1h,,2h").is_err() && parse_rechecks("1h,").is_err());
    }

    #[test]
    fn sizes_carry_units() {
        for (text, bytes) in [("64MiB", 67_108_864), ("1 GiB", 1 << 30), ("10MB", 10_000_000), ("0B", 0)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "64", "64M", "64mib", "1e3B", "99999999TiB"] {
            assert!(parse_size(text).unwrap_err().contains("is no size"), "{text}");
        }
    }
}
