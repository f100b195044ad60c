//! The input of every bench: one seeded hour of realistic traffic, unpacked and packed.

use std::io::Write as _;
use std::sync::LazyLock;

use chat::Hour;
use emulator::corpus;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Messages of the hour, unless `ANNALS_BENCH_MESSAGES` says otherwise.
const MESSAGES: u64 = 100_000;

/// The hour of this run.
pub(crate) static INPUT: LazyLock<Input> = LazyLock::new(Input::new);

/// One hour, as served.
pub(crate) struct Input {
    /// The hour.
    pub(crate) hour: Hour,
    /// NDJSON.
    pub(crate) lines: Vec<u8>,
    /// The same, as one gzip member.
    pub(crate) packed: Vec<u8>,
    /// What is in it.
    pub(crate) counts: corpus::Counts,
}

impl Input {
    /// Makes the hour; the same every time.
    #[expect(clippy::disallowed_methods, reason = "the size of a bench is a parameter of whoever runs it")]
    fn new() -> Self {
        let asked = std::env::var("ANNALS_BENCH_MESSAGES").ok().and_then(|text| text.parse().ok());
        let options =
            corpus::Options { seed: 1, messages_per_hour: asked.unwrap_or(MESSAGES), ..corpus::Options::default() };
        let hour = Hour::from_key("2026031409").expect("ten digits name an hour");
        let mut lines = Vec::new();
        let counts = corpus::write_hour(&options, hour, &mut lines).expect("memory takes every write");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&lines).expect("memory takes every write");
        let packed = encoder.finish().expect("memory takes every write");
        Self { hour, lines, packed, counts }
    }

    /// Where the lines come from, for the decoder.
    pub(crate) fn origin(&self) -> decode::Origin {
        decode::Origin { hour: self.hour, part: 0, app: None }
    }
}
