//! Decoding whole parts.

use std::borrow::Cow;
use std::io::{Read, Write};

use chat::{DeadLetter, Message};
use decode::{Batch, Decoder, FileError, Limits, Origin};
use flate2::Compression;
use flate2::write::GzEncoder;

/// All that a part holds.
#[derive(Debug, PartialEq)]
pub(crate) struct Decoded {
    pub(crate) messages: Vec<Message<'static>>,
    pub(crate) dead_letters: Vec<DeadLetter<'static>>,
    pub(crate) blank_lines: u64,
    pub(crate) lines: u64,
}

impl Decoded {
    fn take(&mut self, batch: Batch<'_>) {
        assert!(batch.lines() > 0, "a batch is never empty");
        self.lines += batch.lines();
        self.messages.extend(batch.messages.into_iter().map(Message::into_owned));
        self.dead_letters.extend(batch.dead_letters.into_iter().map(DeadLetter::into_owned));
        self.blank_lines += batch.blank_lines;
    }
}

pub(crate) fn origin() -> Origin {
    Origin { hour: "2026031409".parse().unwrap(), part: 0, app: Some("harbor-org#lantern".parse().unwrap()) }
}

/// What comes is the same, whether or not some of it is prepared ahead.
pub(crate) fn decode(reader: impl Read, limits: Limits) -> Result<Decoded, FileError> {
    let mut decoder = Decoder::new(reader, origin(), limits);
    let mut all = Decoded { messages: Vec::new(), dead_letters: Vec::new(), blank_lines: 0, lines: 0 };
    let mut turns = (0..3).cycle();
    loop {
        let taken = match turns.next() {
            Some(0) => decoder.next_batch()?.map(|batch| all.take(batch)),
            turn => decoder.with_next_batch(|batch, ahead| {
                if turn == Some(1) {
                    ahead.prepare();
                }
                all.take(std::mem::take(batch));
            })?,
        };
        if taken.is_none() {
            break;
        }
    }
    assert_eq!(decoder.lines(), all.lines, "the decoder counts what it hands out");
    Ok(all)
}

/// Decodes text that has been packed.
pub(crate) fn decode_text(text: &[u8]) -> Decoded {
    decode(&*gzip(text), Limits::default()).unwrap()
}

/// The one message of a record.
pub(crate) fn message(record: &str) -> Message<'static> {
    let mut decoded = decode_text(record.as_bytes());
    assert_eq!((decoded.messages.len(), decoded.lines), (1, 1), "{record} {decoded:?}");
    decoded.messages.remove(0)
}

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn samples() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/samples.ndjson")).unwrap()
}

/// The columns that are filled, in the order of their names.
pub(crate) fn columns<'m>(message: &'m Message<'_>) -> Vec<(&'static str, Cow<'m, str>)> {
    let texts = [
        ("about", &message.about),
        ("action", &message.action),
        ("addr", &message.addr),
        ("chat_type", &message.chat_type),
        ("conversation", &message.conversation),
        ("custom_event", &message.custom_event),
        ("custom_exts", &message.custom_exts),
        ("direction", &message.direction),
        ("ext", &message.ext),
        ("filename", &message.filename),
        ("msg_id", &message.msg_id),
        ("recipient", &message.recipient),
        ("rest", &message.rest),
        ("secret", &message.secret),
        ("sender", &message.sender),
        ("text", &message.text),
        ("thumb_secret", &message.thumb_secret),
        ("thumb_url", &message.thumb_url),
        ("url", &message.url),
    ];
    let numbers = [
        ("body_type", message.body_type.map(|body_type| body_type.word().to_owned())),
        ("duration_s", message.duration_s.map(|number| number.to_string())),
        ("file_length", message.file_length.map(|number| number.to_string())),
        ("height", message.height.map(|number| number.to_string())),
        ("lat", message.lat.map(|number| number.to_string())),
        ("lng", message.lng.map(|number| number.to_string())),
        ("sent_at", message.sent_at.map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())),
        ("width", message.width.map(|number| number.to_string())),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| Some((name, Cow::Borrowed(text.as_deref()?))));
    let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, Cow::Owned(number?))));
    let mut all: Vec<_> = texts.chain(numbers).collect();
    all.sort_unstable_by_key(|(name, _)| *name);
    all
}

/// Hands out a few bytes at a time, in sizes that repeat.
pub(crate) struct Drip<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl<'a> Drip<'a> {
    pub(crate) fn new(bytes: &'a [u8], sizes: &'a [usize]) -> Self {
        Self { bytes, sizes: sizes.iter().cycle() }
    }
}

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes.next().copied().unwrap_or(1).max(1);
        let count = size.min(out.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(count);
        out[..count].copy_from_slice(now);
        self.bytes = later;
        Ok(count)
    }
}
