//! From lines to the bytes of a file, in all the shapes that readers have to bear (protocol section 3.6).

use std::io::{self, Write};
use std::mem;
use std::ops::Range;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::faults::Shape;

/// Takes the unpacked lines of an hour and keeps the packed bytes.
pub(crate) struct Packer {
    done: Vec<u8>,
    member: Option<Member>,
    padding: bool,
}

/// `left <= size`.
struct Member {
    encoder: GzEncoder<Vec<u8>>,
    /// Unpacked bytes that it holds in the end, unless the file ends before.
    size: usize,
    /// How many of them are still to come.
    left: usize,
}

/// The first member holds so much, each following one twice as much as the one before, up to the longest: small files
/// have several members too, and the seams fall into lines.
const FIRST_MEMBER: usize = 200;
const LONGEST_MEMBER: usize = 1 << 20;
/// Tape and block devices pad to 512 bytes.
pub(crate) const PADDING: usize = 512;

impl Packer {
    pub(crate) fn new(shape: Shape) -> Self {
        let member = (!shape.plain).then(|| Member::new(if shape.members { FIRST_MEMBER } else { usize::MAX }));
        Self { done: Vec::new(), member, padding: shape.padding && !shape.plain }
    }

    pub(crate) fn finish(mut self) -> io::Result<Vec<u8>> {
        if let Some(member) = self.member.take() {
            self.done.append(&mut member.encoder.finish()?);
        }
        if self.padding {
            self.done.resize(self.done.len() + PADDING, 0);
        }
        Ok(self.done)
    }
}

impl Member {
    fn new(size: usize) -> Self {
        // The service's files are written once and read once: speed counts here, not size.
        Self { encoder: GzEncoder::new(Vec::new(), Compression::fast()), size, left: size }
    }
}

impl Write for Packer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(member) = &mut self.member else { return self.done.write(bytes) };
        if member.left == 0 {
            let next = member.size.saturating_mul(2).min(LONGEST_MEMBER);
            let full = mem::replace(member, Member::new(next));
            self.done.append(&mut full.encoder.finish()?);
        }
        let fitting = bytes.get(..member.left).unwrap_or(bytes);
        let written = member.encoder.write(fitting)?;
        member.left -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes on the lines of a range, counted from 0.
pub(crate) struct Lines<W> {
    range: Range<u64>,
    at: u64,
    out: W,
}

impl<W: Write> Lines<W> {
    pub(crate) fn new(range: Range<u64>, out: W) -> Self {
        Self { range, at: 0, out }
    }

    pub(crate) fn into_inner(self) -> W {
        self.out
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.range.contains(&self.at) {
                self.out.write_all(line)?;
            }
            self.at += u64::from(line.ends_with(b"\n"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Counts lines, the last one also when it has no end.
#[derive(Debug, Default)]
pub(crate) struct LineCount {
    ended: u64,
    open: bool,
}

impl LineCount {
    pub(crate) fn lines(&self) -> u64 {
        self.ended + u64::from(self.open)
    }
}

impl Write for LineCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.ended += bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        if let Some(last) = bytes.last() {
            self.open = *last != b'\n';
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::MultiGzDecoder;

    use super::*;

    fn packed(shape: Shape, text: &[u8]) -> Vec<u8> {
        let mut packer = Packer::new(shape);
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap();
        text
    }

    fn text() -> Vec<u8> {
        (0..2000u32).flat_map(|number| format!("{{\"line\":{number}}}\n").into_bytes()).collect()
    }

    #[test]
    fn every_shape_holds_the_same_lines() {
        let members = Shape { members: true, ..Shape::default() };
        for shape in [Shape::default(), members] {
            assert_eq!(unpacked(&packed(shape, &text())), text(), "{shape:?}");
            assert_eq!(unpacked(&packed(shape, b"")), b"", "{shape:?}");
        }
        let plain = Shape { plain: true, ..Shape::default() };
        assert_eq!(packed(plain, &text()), text());
        let padded = packed(Shape { padding: true, ..Shape::default() }, &text());
        let bare = packed(Shape::default(), &text());
        assert_eq!(padded.strip_prefix(bare.as_slice()), Some([0; PADDING].as_slice()));
    }

    #[test]
    fn a_small_file_has_several_members_too() {
        let bytes = packed(Shape { members: true, ..Shape::default() }, &text()[..1000]);
        let heads = bytes.windows(3).filter(|window| *window == [0x1f, 0x8b, 8]).count();
        assert!(heads >= 3, "{heads} members");
    }

    #[test]
    fn a_range_of_lines_does_not_depend_on_the_chunks() {
        for chunk in [1, 7, 100_000] {
            let mut lines = Lines::new(2..4, Vec::new());
            for bytes in b"a\nbb\n\nccc\nd".chunks(chunk) {
                lines.write_all(bytes).unwrap();
            }
            assert_eq!(lines.into_inner(), b"\nccc\n");
        }
    }

    #[test]
    fn a_line_without_an_end_counts() {
        for (text, lines) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)] {
            let mut count = LineCount::default();
            count.write_all(text.as_bytes()).unwrap();
            assert_eq!(count.lines(), lines, "{text:?}");
        }
    }
}
