//! The input of every bench: one seeded hour of realistic traffic, unpacked and packed.

use std::io::Write as _;

use chat::Hour;
use emulator::corpus;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Messages of the hour, unless `ANNALS_BENCH_MESSAGES` says otherwise.
const MESSAGES: u64 = 100_000;

/// One hour, as served.
pub struct Input {
    /// The hour.
    pub hour: Hour,
    /// NDJSON.
    pub lines: Vec<u8>,
    /// The same, as one gzip member.
    pub packed: Vec<u8>,
    /// What is in it.
    pub counts: corpus::Counts,
}

impl Input {
    /// Makes the hour; the same every time.
    #[expect(clippy::disallowed_methods, reason = "the size of a bench is a parameter of whoever runs it")]
    pub fn new() -> Self {
        let asked = std::env::var("ANNALS_BENCH_MESSAGES").ok().and_then(|text| text.parse().ok());
        let options = corpus::Options { seed: 1, messages_per_hour: asked.unwrap_or(MESSAGES), ..corpus::Options::default() };
        let hour = Hour::from_key("2026031409").expect("ten digits name an hour");
        let mut lines = Vec::new();
        let counts = corpus::write_hour(&options, hour, &mut lines).expect("memory takes every write");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&lines).expect("memory takes every write");
        let packed = encoder.finish().expect("memory takes every write");
        Self { hour, lines, packed, counts }
    }

    /// Where the lines come from, for the decoder.
    pub fn origin(&self) -> decode::Origin {
        decode::Origin { hour: self.hour, part: 0, app: None }
    }
}
