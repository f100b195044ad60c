//! Seeded traffic: the same hour of the same seed is always the same bytes, whatever else was asked for.
//!
//! ```
//! use emulator::corpus;
//!
//! let options = corpus::Options { messages_per_hour: 1000, ..corpus::Options::default() };
//! let mut lines = Vec::new();
//! let counts = corpus::write_hour(&options, "2026031409".parse().unwrap(), &mut lines).unwrap();
//! assert_eq!(counts.lines, counts.messages + counts.duplicates + counts.dead_letters + counts.blank_lines);
//! assert_eq!(counts.bytes, lines.len() as u64);
//! ```
//!
//! The traffic has a day curve, users, groups and rooms after Zipf's law, each user's own language, all eight payload
//! variants, and at small [`Rates`] everything odd that real files hold (protocol sections 3.6, 4 and 5). Lines are
//! written one after the other into a buffer that is used again: an hour of millions needs no more memory than one of
//! hundreds.

mod bodies;
mod oddities;
mod options;
mod people;
mod phrases;
mod writer;

use std::io::{self, Write};

use chat::{Hour, Tally};

use writer::HourWriter;

pub use options::{Options, Rates};

/// What a right archiver must count for an hour, see [`Tally`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Framed records and blank lines.
    pub lines: u64,
    /// Records that are kept: ordinary messages and events.
    pub messages: u64,
    /// Records whose content stood in the hour before.
    pub duplicates: u64,
    /// Lines that are no JSON object.
    pub dead_letters: u64,
    /// Lines of white space.
    pub blank_lines: u64,
    /// Records whose id stood in the hour before, with other content; counted in `messages` too.
    pub conflicts: u64,
    /// Messages whose time lies outside the hour; counted in `messages` too.
    pub strays: u64,
    /// Bytes written.
    pub bytes: u64,
}

impl Counts {
    /// The same in the words of the ledger.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally {
            lines: self.lines,
            messages: self.messages,
            duplicates: self.duplicates,
            dead_letters: self.dead_letters,
            blank_lines: self.blank_lines,
            conflicts: self.conflicts,
            strays: self.strays,
            retained: 0,
        }
    }
}

/// Sentences that stand in every generated day, each once: the hour of the day (UTC) and the text.
pub const LANDMARKS: [(u32, &str); 8] = [
    (3, "등대지기가 썰물 때 백로 일곱 마리를 세었습니다."),
    (6, "灯塔守望人在退潮时数到七只白鹭。"),
    (8, "عدّ حارس المنارة سبعة طيور بلشون عند انحسار المد."),
    (9, "The lighthouse keeper counted seven herons at low tide."),
    (11, "灯台守は引き潮に七羽の白鷺を数えた。"),
    (13, "ผู้ดูแลประภาคารนับนกกระยางได้เจ็ดตัวตอนน้ำลง"),
    (15, "The keeper's log: 🦩🦩🦩 seven herons, one lighthouse ⛵️"),
    (20, "燈塔守望人在退潮時數到七隻白鷺。"),
];

/// Records and blank lines that an hour holds; 0 when nobody said anything and there is no file.
#[must_use]
pub fn lines(options: &Options, hour: Hour) -> u64 {
    options.lines(hour)
}

/// Writes an hour as lines of JSON and says what is in them. An hour with nothing in it writes nothing.
///
/// # Errors
///
/// What `out` fails with.
pub fn write_hour(options: &Options, hour: Hour, out: &mut dyn Write) -> io::Result<Counts> {
    HourWriter::new(options, hour, out).run()
}
