//! What became of the lines of an hour.

use std::ops::AddAssign;

/// Counts of one hour, or the sum over many.
///
/// The law of conservation: `lines == messages + duplicates + dead_letters + blank_lines`, see [`Tally::is_conserved`].
/// `conflicts <= messages`. What the newest bytes do not hold any more is counted apart, in `retained`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Tally {
    /// Framed records and blank lines of the newest served bytes.
    pub lines: u64,
    /// Rows published of the newest served bytes.
    pub messages: u64,
    /// Messages seen before in the same hour with the same content, dropped.
    pub duplicates: u64,
    /// Lines that are no JSON object, set aside.
    pub dead_letters: u64,
    /// Lines of white space.
    pub blank_lines: u64,
    /// Messages whose id was seen before in the same hour with other content; counted in `messages` too.
    pub conflicts: u64,
    /// Messages whose time lies outside the hour; counted in `messages` too.
    pub strays: u64,
    /// Rows kept from earlier served bytes that the newest do not hold any more; in no other count.
    pub retained: u64,
}

impl Tally {
    /// The rows of `messages`: those of the newest served bytes and those kept from earlier ones.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.messages + self.retained
    }

    /// Whether every line is accounted for.
    #[must_use]
    pub fn is_conserved(&self) -> bool {
        self.lines == self.messages + self.duplicates + self.dead_letters + self.blank_lines
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.messages += other.messages;
        self.duplicates += other.duplicates;
        self.dead_letters += other.dead_letters;
        self.blank_lines += other.blank_lines;
        self.conflicts += other.conflicts;
        self.strays += other.strays;
        self.retained += other.retained;
    }
}
