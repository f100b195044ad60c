//! Values as producers write them: numbers as strings, integers as floats.
//!
//! Each function gives the nearest honest value of a column, or nothing. Whether the column says exactly what was
//! written is not asked here but in `rest`.

use std::borrow::Cow;

use chat::Timestamp;

use crate::json::{Kind, Value};
use crate::text;

/// Below this a time counts seconds, not milliseconds (protocol section 4.2): in milliseconds it would be 1973.
const SECONDS_BELOW: i64 = 100_000_000_000;
/// The first and the last microsecond of the years 1 to 9999, which is what warehouses hold.
const MICROSECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// A string, or the digits of a number.
pub(crate) fn text<'a>(value: Option<Value<'_, 'a>>) -> Option<Cow<'a, str>> {
    let value = value?;
    match value.kind() {
        Kind::String => Some(text::of(value).value),
        Kind::Number => Some(Cow::Borrowed(value.raw())),
        _ => None,
    }
}

/// A text that says something.
pub(crate) fn filled<'a>(value: Option<Value<'_, 'a>>) -> Option<Cow<'a, str>> {
    text(value).filter(|text| !text.is_empty())
}

/// A whole number; of a fraction nothing.
pub(crate) fn integer(value: Option<Value<'_, '_>>) -> Option<i64> {
    let digits = digits(value)?;
    digits.parse().ok().or_else(|| digits.parse().ok().and_then(whole))
}

/// A finite number.
pub(crate) fn float(value: Option<Value<'_, '_>>) -> Option<f64> {
    digits(value)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A time in milliseconds, or seconds, since 1970.
pub(crate) fn time(value: Option<Value<'_, '_>>) -> Option<Timestamp> {
    let digits = digits(value)?;
    let microseconds = match digits.parse::<i64>() {
        Ok(number) if number.checked_abs().is_some_and(|number| number < SECONDS_BELOW) => {
            number.checked_mul(1_000_000)
        }
        Ok(number) => number.checked_mul(1000),
        Err(_) => digits.parse().ok().and_then(|number: f64| {
            let unit = if number.abs() < SECONDS_BELOW as f64 { 1e6 } else { 1e3 };
            whole((number * unit).round())
        }),
    };
    microseconds.filter(|time| MICROSECONDS.contains(time)).and_then(Timestamp::from_timestamp_micros)
}

/// What may be a number, from a number or a string. Only characters of numbers, because Rust also reads `inf`.
fn digits<'a>(value: Option<Value<'_, 'a>>) -> Option<Cow<'a, str>> {
    let text = text(value)?;
    let numeric = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let trimmed = text.trim();
    if trimmed.is_empty() || !trimmed.bytes().all(numeric) {
        return None;
    }
    Some(if trimmed.len() == text.len() { text } else { Cow::Owned(trimmed.to_owned()) })
}

/// A float that is an integer and fits.
fn whole(number: f64) -> Option<i64> {
    const TOO_LARGE: f64 = (1_u64 << 63) as f64;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
    (number.fract() == 0.0 && number.abs() < TOO_LARGE).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Scanner;

    fn with<T>(json: &str, read: impl Fn(Option<Value<'_, '_>>) -> Option<T>) -> Option<T> {
        let mut tape = Vec::new();
        Scanner::new(8).scan(json.as_bytes(), &mut tape).unwrap();
        read(Some(Value::whole(json, &tape)))
    }

    #[test]
    fn integers_come_in_many_forms() {
        for (json, value) in [
            ("10", Some(10)),
            ("-10", Some(-10)),
            ("10.0", Some(10)),
            ("1e3", Some(1000)),
            (r#""10""#, Some(10)),
            (r#"" 10 ""#, Some(10)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("10.5", None),
            (r#""1.94KB""#, None),
            (r#""""#, None),
            (r#""inf""#, None),
            ("1e999", None),
            ("null", None),
            ("true", None),
            ("[1]", None),
        ] {
            assert_eq!(with(json, integer), value, "{json}");
        }
    }

    #[test]
    fn floats_are_finite() {
        for (json, value) in [
            ("59.91273", Some(59.91273)),
            (r#""-33.85678""#, Some(-33.85678)),
            ("1e999", None),
            (r#""NaN""#, None),
            (r#""1.2.3""#, None),
        ] {
            assert_eq!(with(json, float), value, "{json}");
        }
    }

    #[test]
    fn times_are_milliseconds_or_seconds() {
        for (json, microseconds) in [
            ("1773478800000", Some(1_773_478_800_000_000)),
            (r#""1773478800000""#, Some(1_773_478_800_000_000)),
            ("1773478800", Some(1_773_478_800_000_000)),
            ("1773478800.5", Some(1_773_478_800_500_000)),
            ("1773478800000.0", Some(1_773_478_800_000_000)),
            ("1.7734788e12", Some(1_773_478_800_000_000)),
            ("99999999999", Some(99_999_999_999_000_000)),
            ("100000000000", Some(100_000_000_000_000)),
            ("0", Some(0)),
            ("-62135596800000", Some(-62_135_596_800_000_000)),
            ("-62135596800001", None),
            ("253402300799999", Some(253_402_300_799_999_000)),
            ("253402300800000", None),
            ("9223372036854775807", None),
            ("-9223372036854775808", None),
            (r#""-9223372036854775808""#, None),
            ("99999999999999999999", None),
            ("1e300", None),
            (r#""yesterday""#, None),
            ("null", None),
        ] {
            assert_eq!(with(json, time).map(|time| time.timestamp_micros()), microseconds, "{json}");
        }
    }

    #[test]
    fn ids_keep_their_digits() {
        let owned = |value: Option<Value<'_, '_>>| text(value).map(Cow::into_owned);
        assert_eq!(with("1412077346056423435", owned).as_deref(), Some("1412077346056423435"));
        assert_eq!(with(r#""00012""#, owned).as_deref(), Some("00012"));
        assert_eq!(with(r#""""#, |value| filled(value).map(Cow::into_owned)), None);
        assert_eq!(with("{}", owned), None);
    }
}
