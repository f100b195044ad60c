//! The bounds on what comes from outside.

/// How much a part may ask of the machine. Every bound has a default with its reason.
///
/// Memory is bounded by twice the larger of `line` and `batch_bytes` for the text, and a few times `batch_bytes` for its
/// index. A hostile record of nothing but tiny values needs a dozen times its length for the index, until the next batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest record or line in bytes, 16 MiB. Messages are 5 KB today, 40 KB in legacy files, and 128 KB for
    /// streaming text; anything much longer is damage. A longer line becomes a dead letter of which
    /// [`Limits::KEPT_OF_LONG_LINE`] bytes are kept. Values above [`Limits::MAX_LINE`] act as that.
    pub line: usize,
    /// The most bytes that a part may unpack to, 64 GiB: a thousand times the busiest hour we know, and what gzip, at
    /// its best ratio of 1:1000, makes of 64 MiB.
    pub unpacked: u64,
    /// The deepest nesting of arrays and objects, the record itself being 1; 128, as in serde_json. Values above
    /// [`Limits::MAX_DEPTH`] act as that.
    pub depth: usize,
    /// The most messages and dead letters in a batch, 4096: enough to spread the cost of a batch over many.
    pub batch_messages: usize,
    /// How many unpacked bytes a batch is made from, 1 MiB, so that text and columns stay in the processor's cache. A
    /// record that is longer makes a batch of its own.
    pub batch_bytes: usize,
}

impl Limits {
    /// What is kept of a line that is longer than the limit: 64 KiB, enough to recognise it.
    pub const KEPT_OF_LONG_LINE: usize = 64 << 10;
    /// The highest value of `line` that has effect: 1 GiB, so that positions within a record fit in 32 bits.
    pub const MAX_LINE: usize = 1 << 30;
    /// The highest value of `depth` that has effect: 1024, so that walking a value never exhausts the stack.
    pub const MAX_DEPTH: usize = 1024;

    /// The same limits, each within the range that has effect.
    pub(crate) fn effective(self) -> Self {
        Self {
            line: self.line.clamp(1, Self::MAX_LINE),
            unpacked: self.unpacked,
            depth: self.depth.clamp(1, Self::MAX_DEPTH),
            batch_messages: self.batch_messages.max(1),
            batch_bytes: self.batch_bytes.clamp(1, Self::MAX_LINE),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 16 << 20, unpacked: 64 << 30, depth: 128, batch_messages: 4096, batch_bytes: 1 << 20 }
    }
}
