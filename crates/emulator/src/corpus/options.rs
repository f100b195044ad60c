//! How much is said, by how many, and how odd.

use std::collections::BTreeSet;

use chat::{App, Hour};

use super::LANDMARKS;
use crate::dice::Dice;

/// What traffic to write.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Other seeds say other things.
    pub seed: u64,
    /// Records and blank lines of an average hour. The day curve runs from about a quarter of it to twice as much.
    pub messages_per_hour: u64,
    /// The first hour in which anything was said.
    pub since: Hour,
    /// The hour before which the last thing was said.
    pub until: Hour,
    /// Hours between them in which nobody said anything.
    pub silent: BTreeSet<Hour>,
    /// The app, for decorated addresses.
    pub app: App,
    /// People; some talk a lot.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Rooms.
    pub rooms: u64,
    /// How often something odd happens.
    pub rates: Rates,
}

impl Default for Options {
    /// A small lively app, 500 messages an hour, at all times.
    fn default() -> Self {
        Self {
            seed: 0,
            messages_per_hour: 500,
            since: Hour::from_number(i64::MIN),
            until: Hour::from_number(i64::MAX),
            silent: BTreeSet::new(),
            app: App::new("harbor-org", "lantern"),
            users: 400,
            groups: 40,
            rooms: 6,
            rates: Rates::default(),
        }
    }
}

/// How often something odd happens, in a million records; `bom` and `unterminated` in a million hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// A record again, byte by byte.
    pub duplicates: u32,
    /// A record again, its keys in another order.
    pub reordered: u32,
    /// An id again, with other content.
    pub conflicts: u32,
    /// A record whose time lies outside the hour.
    pub strays: u32,
    /// Lines of white space.
    pub blank_lines: u32,
    /// Lines that are no JSON object.
    pub dead_letters: u32,
    /// Two objects on one line.
    pub glued: u32,
    /// Two records that stand in the wrong order.
    pub swapped: u32,
    /// Lines that end with CR LF.
    pub carriage_returns: u32,
    /// Records whose characters beyond ASCII are written `\uXXXX`.
    pub escaped: u32,
    /// Records in the shapes of old clients, re-exports and proxies.
    pub odd_shapes: u32,
    /// Recalls, edits, acknowledgements, reactions.
    pub events: u32,
    /// Hours that begin with a byte order mark.
    pub bom: u32,
    /// Hours whose last line has no end.
    pub unterminated: u32,
}

impl Rates {
    /// Nothing odd: each record once, in order, in today's shape.
    pub const NONE: Self = Self {
        duplicates: 0,
        reordered: 0,
        conflicts: 0,
        strays: 0,
        blank_lines: 0,
        dead_letters: 0,
        glued: 0,
        swapped: 0,
        carriage_returns: 0,
        escaped: 0,
        odd_shapes: 0,
        events: 0,
        bom: 0,
        unterminated: 0,
    };
}

impl Default for Rates {
    /// Often enough that a day of the default size holds each.
    fn default() -> Self {
        Self {
            duplicates: 2000,
            reordered: 700,
            conflicts: 500,
            strays: 1000,
            blank_lines: 500,
            dead_letters: 500,
            glued: 500,
            swapped: 5000,
            carriage_returns: 500,
            escaped: 5000,
            odd_shapes: 15_000,
            events: 4000,
            bom: 40_000,
            unterminated: 40_000,
        }
    }
}

/// The share of each hour of the day (UTC) in percent of the average: two peaks, at noon and in the evening of UTC+8.
const DAY_CURVE: [u64; 24] =
    [70, 85, 100, 125, 150, 130, 105, 100, 105, 115, 130, 160, 195, 190, 165, 125, 85, 50, 30, 25, 25, 30, 45, 60];

impl Options {
    pub(crate) fn lines(&self, hour: Hour) -> u64 {
        let said = (self.since..self.until).contains(&hour) && !self.silent.contains(&hour);
        if !said || self.messages_per_hour == 0 {
            return 0;
        }
        let share = usize::try_from(hour.of_day()).ok().and_then(|hour| DAY_CURVE.get(hour)).copied().unwrap_or(100);
        // No two days are alike: up to an eighth more or less.
        let jitter = 875 + Dice::new(self.seed, hour, LENGTH).below(251);
        let lines = u128::from(self.messages_per_hour) * u128::from(share) * u128::from(jitter) / 100_000;
        let landmarks = LANDMARKS.iter().filter(|(of_day, _)| *of_day == hour.of_day()).count();
        // An hour with anybody in it has a line, and room for its landmarks.
        u64::try_from(lines).unwrap_or(u64::MAX).max(1).max(landmarks as u64)
    }
}

/// The purpose of the dice that say how long an hour is.
const LENGTH: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_holds_what_its_average_says() {
        let options = Options { messages_per_hour: 10_000, ..Options::default() };
        let midnight: Hour = "2026031400".parse().unwrap();
        let day: u64 = (0..24).map(|hour| options.lines(midnight.plus(hour))).sum();
        assert!((225_000..255_000).contains(&day), "{day}");
        let peak = options.lines(midnight.plus(12));
        assert!(peak > 3 * options.lines(midnight.plus(19)), "{peak}");
    }

    #[test]
    fn outside_the_range_nobody_speaks() {
        let nine: Hour = "2026031409".parse().unwrap();
        let options = Options {
            since: nine,
            until: nine.plus(3),
            silent: [nine.next()].into(),
            messages_per_hour: 1,
            ..Options::default()
        };
        let lines: Vec<_> = (-1..4).map(|by| options.lines(nine.plus(by)) > 0).collect();
        assert_eq!(lines, [false, true, false, true, false]);
        assert_eq!(Options { messages_per_hour: 0, ..options }.lines(nine), 0);
    }
}
