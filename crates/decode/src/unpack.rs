//! From the bytes as served to the unpacked text.
//!
//! A part is gzip (RFC 1952): members one after another, with zero padding between and after them. It may also be plain
//! text already, when something on its way undid a `Content-Encoding`. What it is, its first bytes say, no more than
//! [`PACKED`] of them:
//!
//! | first bytes | the part is |
//! | --- | --- |
//! | none | empty |
//! | `1f 8b` | gzip |
//! | perhaps a byte order mark, then white space alone | plain text |
//! | the same, then `{` | plain text |
//! | the same, then something else than `<`, without U+0000, until a line begins with an object | plain text |
//! | others | no hour file, [`FileError::NotGzip`] |
//!
//! So a first line that is broken is a dead letter, as it is in gzip, and a page of HTML, an error in XML and a file of
//! another kind are no hour, whatever lines they have.
//!
//! flate2's own readers do not serve here: one stops after the first member, the other takes padding for a damaged
//! header. zlib checks header, checksum and length of each member.

use std::io::{ErrorKind, Read};

use flate2::{Decompress, DecompressError, FlushDecompress, Status};

use crate::error::FileError;

/// The size of the buffer of packed bytes.
const PACKED: usize = 64 << 10;
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The byte order mark of UTF-8.
pub(crate) const MARK: &[u8] = b"\xef\xbb\xbf";
/// zlib's `MAX_WBITS`: what the format allows.
const WINDOW_BITS: u8 = 15;

/// Reads the unpacked bytes of a part.
#[derive(Debug)]
pub(crate) struct Unpacked<R> {
    reader: R,
    input: Box<[u8]>,
    /// The bytes of `input` that were read and not yet used: `start <= end <= input.len()`.
    start: usize,
    end: usize,
    state: State,
    inflate: Decompress,
    /// How many packed bytes were used.
    packed: u64,
    /// How many bytes were unpacked; `unpacked <= limit` unless failed.
    unpacked: u64,
    limit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was read.
    Start,
    /// Within a member.
    Member,
    /// After a member.
    Between,
    /// Within plain text.
    Plain,
    /// All was read, and it was whole.
    Done,
    /// An error was returned.
    Failed,
}

impl<R: Read> Unpacked<R> {
    /// Reads from `reader`, at most `limit` unpacked bytes.
    pub(crate) fn new(reader: R, limit: u64) -> Self {
        Self {
            reader,
            input: vec![0; PACKED].into_boxed_slice(),
            start: 0,
            end: 0,
            state: State::Start,
            inflate: Decompress::new_gzip(WINDOW_BITS),
            packed: 0,
            unpacked: 0,
            limit,
        }
    }

    /// At most so many unpacked bytes.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// What it reads from.
    pub(crate) fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Unpacks some bytes into `out`, which is not empty. 0 when the part is whole and all of it was unpacked.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, FileError> {
        debug_assert!(!out.is_empty(), "0 means the end");
        let read = self.step(out);
        if read.is_err() {
            self.state = State::Failed;
        }
        read
    }

    fn step(&mut self, out: &mut [u8]) -> Result<usize, FileError> {
        loop {
            let read = match self.state {
                State::Start => self.recognise()?,
                State::Member => self.inflate(out)?,
                State::Between => self.next_member()?,
                State::Plain => self.copy(out)?,
                State::Done => return Ok(0),
                State::Failed => return Err(self.corrupt("it was found damaged before")),
            };
            if read > 0 {
                self.unpacked += read as u64;
                return if self.unpacked > self.limit {
                    Err(FileError::TooLarge { limit: self.limit })
                } else {
                    Ok(read)
                };
            }
        }
    }

    fn recognise(&mut self) -> Result<usize, FileError> {
        while self.end < self.input.len() && !self.is_recognisable() && self.fill()? {}
        let bytes = &self.input[..self.end];
        self.state = match bytes {
            [] => State::Done,
            _ if bytes.starts_with(&MAGIC) => State::Member,
            _ if bytes == &MAGIC[..1] => return Err(self.truncated()),
            _ if is_text_of_objects(bytes) => State::Plain,
            _ => return Err(FileError::NotGzip),
        };
        Ok(0)
    }

    fn is_recognisable(&self) -> bool {
        let bytes = &self.input[..self.end];
        let is_told = || match first_ink(bytes) {
            None => false,
            Some(b'{' | b'<') => true,
            Some(_) => first_object(bytes).is_some(),
        };
        bytes.len() >= MAGIC.len() && !MARK.starts_with(bytes) && (bytes.starts_with(&MAGIC) || is_told())
    }

    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, FileError> {
        loop {
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let inflated = self.inflate.decompress(&self.input[self.start..self.end], out, FlushDecompress::None);
            // No more than the lengths of the two buffers, also of data that is damaged.
            let used = (self.inflate.total_in() - before_in) as usize;
            let made = (self.inflate.total_out() - before_out) as usize;
            self.take(used);
            let status = inflated.map_err(|error| {
                self.unpacked += made as u64;
                self.corrupt(cause(&error))
            })?;
            if status == Status::StreamEnd {
                self.inflate.reset(true);
                self.state = State::Between;
                return Ok(made);
            }
            if made > 0 {
                return Ok(made);
            }
            if used > 0 {
                continue;
            }
            if self.start < self.end {
                return Err(self.corrupt("the compressed data leads nowhere"));
            }
            if !self.fill()? {
                return Err(self.truncated());
            }
        }
    }

    fn next_member(&mut self) -> Result<usize, FileError> {
        let padding = self.input[self.start..self.end].iter().take_while(|byte| **byte == 0).count();
        self.take(padding);
        let ready = &self.input[self.start..self.end];
        if ready.starts_with(&MAGIC) {
            self.state = State::Member;
        } else if ready.len() >= MAGIC.len() || !self.fill()? {
            match self.input[self.start..self.end] {
                [] => self.state = State::Done,
                [0x1f] => return Err(self.truncated()),
                _ => return Err(self.corrupt("there is something after the last gzip member")),
            }
        }
        Ok(0)
    }

    fn copy(&mut self, out: &mut [u8]) -> Result<usize, FileError> {
        if self.start == self.end && !self.fill()? {
            self.state = State::Done;
            return Ok(0);
        }
        let count = out.len().min(self.end - self.start);
        out[..count].copy_from_slice(&self.input[self.start..self.start + count]);
        self.take(count);
        Ok(count)
    }

    /// Reads more packed bytes behind those there are; false at the end of the part.
    fn fill(&mut self) -> Result<bool, FileError> {
        self.input.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        loop {
            match self.reader.read(&mut self.input[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(FileError::Read { packed: self.packed + self.end as u64, source }),
            }
        }
    }

    fn take(&mut self, count: usize) {
        self.start += count;
        self.packed += count as u64;
        debug_assert!(self.start <= self.end, "no more was used than there was");
    }

    fn truncated(&self) -> FileError {
        FileError::Truncated { packed: self.packed + (self.end - self.start) as u64, unpacked: self.unpacked }
    }

    fn corrupt(&self, what: &'static str) -> FileError {
        FileError::Corrupt { packed: self.packed, unpacked: self.unpacked, what }
    }
}

/// What zlib has found wrong. A test holds its words against it.
fn cause(error: &DecompressError) -> &'static str {
    match error.message() {
        Some("incorrect data check") => "the check sum of the member is not that of what was unpacked",
        Some("incorrect length check") => "the length that the member ends with is not that of what was unpacked",
        _ => "the compressed data does not hold together",
    }
}

/// Whether some lines at least are objects, or all are blank.
fn is_text_of_objects(bytes: &[u8]) -> bool {
    match first_ink(bytes) {
        None | Some(b'{') => true,
        Some(b'<') => false,
        // In text there is no U+0000, and soon one in nearly all that is no text.
        Some(_) => first_object(bytes).is_some_and(|start| !bytes[..start].contains(&0)),
    }
}

/// The first byte that is neither white space nor of a byte order mark.
fn first_ink(bytes: &[u8]) -> Option<u8> {
    let text = bytes.strip_prefix(MARK).unwrap_or(bytes);
    text.trim_ascii_start().first().copied()
}

/// Where the first line after the first one begins that is an object by its looks: `{"` or `{}`. A brace alone is in the
/// source of many a program.
fn first_object(bytes: &[u8]) -> Option<usize> {
    let is_object = |start: &usize| {
        let inside = bytes[*start..].trim_ascii_start().strip_prefix(b"{");
        inside.is_some_and(|inside| matches!(inside.trim_ascii_start().first(), Some(b'"' | b'}')))
    };
    memchr::memchr_iter(b'\n', bytes).map(|end| end + 1).find(is_object)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(bytes: &[u8], limit: u64, step: usize) -> Result<Vec<u8>, FileError> {
        let mut unpacked = Unpacked::new(bytes, limit);
        let (mut all, mut out) = (Vec::new(), vec![0; step]);
        loop {
            match unpacked.read(&mut out)? {
                0 => return Ok(all),
                count => all.extend_from_slice(&out[..count]),
            }
        }
    }

    /// `None` for a damaged file.
    fn check(bytes: &[u8], expected: Option<&[u8]>) {
        for step in [1, 7, 4096] {
            assert_eq!(unpack(bytes, 1 << 20, step).ok().as_deref(), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn members_and_padding_are_one_text() {
        let (one, two, none) = (member(b"{}\n"), member(b"[]"), member(b""));
        let zeros = [0; 700];
        check(&[], Some(b""));
        check(&none, Some(b""));
        check(&one, Some(b"{}\n"));
        check(&[&*one, &two].concat(), Some(b"{}\n[]"));
        check(&[&*one, &none, &zeros, &two, &zeros].concat(), Some(b"{}\n[]"));
        check(&[&*one, b"junk"].concat(), None);
        check(&[&*one, &[0x1f]].concat(), None);
        check(&[&*one, &zeros, b"\n"].concat(), None);
        check(&[&zeros, &*one].concat(), None);
        check(&[&*one, &MAGIC].concat(), None);
    }

    #[test]
    fn every_part_of_a_header_is_skipped() {
        let mut encoder = flate2::GzBuilder::new()
            .extra(vec![b'{'; 300])
            .filename("2026031409.gz")
            .comment("as some tools write it")
            .mtime(1_773_478_800)
            .write(Vec::new(), Compression::none());
        encoder.write_all(b"{}\n").unwrap();
        check(&encoder.finish().unwrap(), Some(b"{}\n"));
    }

    #[test]
    fn plain_text_is_json_lines_or_nothing() {
        for text in [
            "{}",
            "\u{feff} \n{",
            "\n\n\n",
            "\u{feff}",
            "broken\n{\"msg_id\":\"1\"}",
            "\"msg_id\":\"1\"}\r\n \t{ \"msg_id\":\"2\"}\n",
            "[\n{},\n{}\n]",
        ] {
            check(text.as_bytes(), Some(text.as_bytes()));
        }
        // A first line that was cut within a character.
        check(b"\x9f\n{}\n", Some(b"\x9f\n{}\n"));
        for text in [
            "<html>",
            "\n <!DOCTYPE html>\n<script>\n{\"a\":1}\n</script>",
            "\u{feff}<?xml version=\"1.0\"?>\n{}",
            "[{}]",
            "null",
            "x",
            "x {}\n",
            "\u{1f}",
            "broken\n{",
            "int main()\n{\n    return 0;\n}\n",
            "PK\u{3}\u{4}\0\n{\"a\":1}\n",
        ] {
            check(text.as_bytes(), None);
        }
        let wide: Vec<u8> = "x\n{\"a\":1}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&wide, None);
    }

    #[test]
    fn what_plain_text_is_does_not_hang_on_how_it_is_read() {
        let far = |length: usize| [&vec![b'x'; length][..], b"\n{\"a\":1}\n\0"].concat();
        for (text, is_plain) in [(far(PACKED - 20), true), (far(PACKED), false)] {
            for cut in [1, PACKED - 20, PACKED - 17, PACKED - 11] {
                let (start, end) = text.split_at(cut);
                let mut unpacked = Unpacked::new(start.chain(end), 1 << 20);
                assert_eq!(unpacked.read(&mut [0; 8]).is_ok(), is_plain, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_byte_order_mark_that_comes_in_pieces_is_one() {
        let text = b"\xef\xbb\xbf\n{}";
        for cut in 0..text.len() {
            let (start, end) = text.split_at(cut);
            let mut unpacked = Unpacked::new(start.chain(end), 100);
            let (mut all, mut out) = (Vec::new(), [0; 8]);
            while let count @ 1.. = unpacked.read(&mut out).unwrap() {
                all.extend_from_slice(&out[..count]);
            }
            assert_eq!(all, text, "cut at {cut}");
        }
    }

    #[test]
    fn a_wrong_checksum_or_length_is_damage() {
        let whole = member(b"{\"msg_id\":\"1\"}\n");
        for place in whole.len() - 8..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            check(&bytes, None);
        }
    }

    #[test]
    fn damage_says_what_is_wrong_and_how_far_it_had_been_read() {
        let text: Vec<u8> = (0..40_000_u32).flat_map(|number| format!("{{\"n\":{number}}}\n").into_bytes()).collect();
        let whole = [member(b"{}\n"), member(&text)].concat();
        let in_all = 3 + text.len() as u64;
        let (first, length) = (member(b"{}\n").len(), whole.len());
        for (place, bit, end, unpacked_there, cause) in [
            (length - 8, 1, length - 4, in_all, "the check sum of the member is not that of what was unpacked"),
            (length - 1, 1, length, in_all, "the length that the member ends with is not that of what was unpacked"),
            // The compressed data begins with a kind of block that there is not.
            (first + 10, 2, first + 11, 3, "the compressed data does not hold together"),
        ] {
            let mut bytes = whole.clone();
            bytes[place] ^= bit;
            for step in [1, 4096, 1 << 20] {
                let error = unpack(&bytes, 1 << 20, step).unwrap_err();
                let FileError::Corrupt { packed, unpacked, what } = error else { panic!("{error}") };
                assert_eq!((packed, unpacked, what), (end as u64, unpacked_there, cause), "{place} by {step}");
            }
        }
    }

    #[test]
    fn an_error_says_where_and_stays() {
        let mut bytes = member(b"0123456789");
        let packed = bytes.len() as u64 - 1;
        bytes.pop();
        let mut unpacked = Unpacked::new(&*bytes, 100);
        let mut out = [0; 64];
        assert_eq!(unpacked.read(&mut out).unwrap(), 10);
        let error = unpacked.read(&mut out).unwrap_err();
        assert!(matches!(error, FileError::Truncated { packed: at, unpacked: 10 } if at == packed), "{error}");
        assert!(unpacked.read(&mut out).is_err());
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = member(&vec![b' '; 1 << 20]);
        assert!(bomb.len() < 4096);
        assert_eq!(unpack(&bomb, 1 << 20, 4096).unwrap().len(), 1 << 20);
        assert!(matches!(unpack(&bomb, (1 << 20) - 1, 4096), Err(FileError::TooLarge { .. })));
    }
}
