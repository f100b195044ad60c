//! A part, decoded as a whole and in pieces.

use std::io::{self, Read};
use std::mem::discriminant;

use chat::{App, DeadLetter, Message};
use flate2::Crc;

use super::{app, hour};
use crate::batch::Batch;
use crate::decoder::{Decoder, Origin};
use crate::error::FileError;
use crate::limits::Limits;

/// All that a part holds.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded {
    pub(super) messages: Vec<Message<'static>>,
    dead_letters: Vec<DeadLetter<'static>>,
    blank_lines: u64,
    pub(super) lines: u64,
}

impl Decoded {
    pub(super) fn of(reader: impl Read, app: Option<App>, limits: Limits) -> Result<Self, FileError> {
        let mut decoder = Decoder::new(reader, Origin { hour: hour(), part: 0, app }, limits);
        let mut all = Self { messages: Vec::new(), dead_letters: Vec::new(), blank_lines: 0, lines: 0 };
        let ended = loop {
            match decoder.next_batch() {
                Ok(Some(batch)) => all.add(batch, limits),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        assert_eq!(decoder.lines(), all.lines, "the decoder counts what it hands out");
        all.check_lines();
        let next = decoder.next_batch().map(|batch| batch.is_none());
        assert_eq!(next.ok(), ended.is_ok().then_some(true), "what has ended has ended, what is damaged stays so");
        ended.map(|()| all)
    }

    fn add(&mut self, batch: Batch<'_>, limits: Limits) {
        assert!(batch.lines() > 0, "a batch is never empty");
        assert!(batch.messages.len() + batch.dead_letters.len() <= limits.batch_messages, "nor too large");
        assert!(batch.dead_letters.iter().all(|dead| dead.bytes.len() <= limits.line), "no line is too long");
        self.lines += batch.lines();
        self.blank_lines += batch.blank_lines;
        self.messages.extend(batch.messages.into_iter().map(Message::into_owned));
        self.dead_letters.extend(batch.dead_letters.into_iter().map(DeadLetter::into_owned));
    }

    /// Dead letters stand in the text where they say.
    pub(super) fn check_offsets(&self, text: &[u8]) {
        for dead in &self.dead_letters {
            let behind = usize::try_from(dead.offset).ok().and_then(|offset| text.get(offset..));
            assert!(behind.is_some_and(|behind| behind.starts_with(&dead.bytes)), "{dead:?}");
        }
    }

    /// Each line that is not blank is there once.
    fn check_lines(&self) {
        let ordinals = |positions: &mut dyn Iterator<Item = u64>| positions.collect::<Vec<_>>();
        let messages = ordinals(&mut self.messages.iter().map(|message| message.position.line));
        let dead = ordinals(&mut self.dead_letters.iter().map(|dead| dead.position.line));
        assert!(messages.is_sorted() && dead.is_sorted(), "lines stand in their order");
        let mut all = [messages, dead].concat();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "one row at most for a line");
        assert!(all.last().is_none_or(|last| *last <= self.lines), "no line is invented");
        assert_eq!(all.len() as u64 + self.blank_lines, self.lines, "no line is lost");
    }
}

/// A part that is read, and handed out, whole and in pieces of so many bytes, with the same answer. Of errors only the kind
/// is: how far a part was read and unpacked when it was found damaged depends on how much was asked for.
pub(super) fn in_pieces(part: &[u8], limits: Limits, piece: usize) -> Result<Decoded, FileError> {
    let whole = Decoded::of(part, Some(app()), limits);
    let drip = Drip { bytes: part, size: piece };
    let pieces = Decoded::of(drip, Some(app()), Limits { batch_bytes: piece, batch_messages: piece, ..limits });
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (Err(whole), Err(pieces)) => assert_eq!(discriminant(whole), discriminant(pieces), "{whole}, {pieces}"),
        _ => panic!("{whole:?} in one piece and {pieces:?} in several"),
    }
    whole
}

/// A part that unpacks to this length is as long as the limit may be, and no longer.
pub(super) fn check_length(length: u64, packed: &[u8]) {
    let limited = |unpacked| Decoded::of(packed, Some(app()), Limits { unpacked, ..super::WIDE });
    assert!(limited(length).is_ok(), "{length} bytes are within the limit");
    let shorter = length.checked_sub(1).map(limited);
    assert!(matches!(shorter, None | Some(Err(FileError::TooLarge { .. }))), "{length} bytes are too many");
}

/// Gzip (RFC 1952) of one stored block. A compressor would be most of the work.
pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("the fuzzer makes no more than a block holds");
    let mut checksum = Crc::new();
    checksum.update(bytes);
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let trailer = [checksum.sum().to_le_bytes(), checksum.amount().to_le_bytes()];
    let block = [length.to_le_bytes(), (!length).to_le_bytes()];
    [&header[..], &[1], block.as_flattened(), bytes, trailer.as_flattened()].concat()
}

/// Hands out a few bytes at a time.
struct Drip<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let size = self.size.min(self.bytes.len());
        let (mut now, later) = self.bytes.split_at(size.min(out.len()));
        self.bytes = later;
        now.read(out)
    }
}
