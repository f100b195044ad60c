//! Lengths of time and sizes, for people: the two units that matter.

use std::time::Duration;

/// A length of time: `42 s`, `7 min 12 s`, `5 h 20 min`, `31 h`, `3 d 4 h`. What is left over is dropped.
#[must_use]
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match hours {
        0 if minutes == 0 => format!("{seconds} s"),
        0 => two(minutes, "min", seconds % 60, "s"),
        1..10 => two(hours, "h", minutes % 60, "min"),
        10..48 => format!("{hours} h"),
        _ => two(hours / 24, "d", hours % 24, "h"),
    }
}

/// A number of bytes: `512 B`, `1.5 kB`, `120 MB`. Rounded to the nearest.
#[must_use]
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1000.0;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while amount >= 999.5 {
        let Some(next) = units.next() else { break };
        (amount, unit) = (amount / 1000.0, Some(next));
    }
    // 9.95 would be written 10.0.
    let digits = usize::from(amount < 9.95);
    format!("{amount:.digits$} {}", unit.unwrap_or(&"kB"))
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_two_units() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (432, "7 min 12 s"),
            (3600, "1 h"),
            (19_259, "5 h 20 min"),
            (36_059, "10 h"),
            (111_600, "31 h"),
            (172_800, "2 d"),
            (273_600, "3 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_size_has_two_digits_or_three() {
        for (size, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1549, "1.5 kB"),
            (9960, "10 kB"),
            (999_600, "1.0 MB"),
            (120_400_000, "120 MB"),
            (u64::MAX, "18447 PB"),
        ] {
            assert_eq!(bytes(size), expected);
        }
    }
}
