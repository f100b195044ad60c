//! An hour's traffic and what was sent in it, as one file in order of time.

use std::io::{self, Write};
use std::iter::Peekable;
use std::vec;

use chat::Hour;

use crate::talk::change::Line;

/// Passes lines on and puts others between them, each before the first line with a later time in the hour.
pub(crate) struct Merge<W> {
    out: W,
    hour: Hour,
    sent: Peekable<vec::IntoIter<Line>>,
    /// The line that has not ended yet.
    line: Vec<u8>,
}

impl<W: Write> Merge<W> {
    /// `sent` is in order of time.
    pub(crate) fn new(hour: Hour, sent: Vec<Line>, out: W) -> Self {
        Self { out, hour, sent: sent.into_iter().peekable(), line: Vec::new() }
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if !self.line.is_empty() {
            self.line.push(b'\n');
            self.pass_on()?;
        }
        self.before(i64::MAX)
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let inside = self.hour.start().timestamp_millis()..self.hour.end().timestamp_millis();
        if let Some(time) = time(&self.line).filter(|time| inside.contains(time)) {
            self.before(time)?;
        }
        self.out.write_all(&self.line)?;
        self.line.clear();
        Ok(())
    }

    fn before(&mut self, time: i64) -> io::Result<()> {
        while let Some(line) = self.sent.next_if(|line| line.at < time) {
            self.out.write_all(line.text.as_bytes())?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Merge<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.pass_on()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The time of a record: the digits behind its last `"timestamp":`, for which it need not be parsed.
fn time(line: &[u8]) -> Option<i64> {
    let text = str::from_utf8(line).ok()?;
    let (_, rest) = text.rsplit_once("\"timestamp\":")?;
    let rest = rest.trim_start().trim_start_matches('"');
    let end = rest.find(|char: char| !char.is_ascii_digit())?;
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_in_order_of_time() {
        let hour: Hour = "2026031409".parse().unwrap();
        let start = hour.start().timestamp_millis();
        let record = |at: i64| format!("{{\"timestamp\":{}}}", start + at);
        let sent =
            [5, 15, 15, 99].map(|at| Line { at: start + at, id: String::new(), text: record(at) + " " }).to_vec();
        let mut out = Vec::new();
        let mut merge = Merge::new(hour, sent, &mut out);
        let served =
            [record(0), record(10), String::new(), "no record".to_owned(), record(99_999_999), record(15), record(20)];
        for byte in served.join("\n").as_bytes().chunks(3) {
            merge.write_all(byte).unwrap();
        }
        merge.finish().unwrap();
        let sent = |at| record(at) + " ";
        let stray = record(99_999_999);
        let expected = [
            record(0),
            sent(5),
            record(10),
            String::new(),
            "no record".to_owned(),
            stray,
            record(15),
            sent(15),
            sent(15),
            record(20),
            sent(99),
            String::new(),
        ];
        assert_eq!(String::from_utf8(out).unwrap(), expected.join("\n"));
    }
}
