//! Text that is unpacked before it is asked for.

use std::io::Read;

use crate::error::FileError;
use crate::layers::Layers;

/// The unpacked text of a part from where the decoder is. While a batch is worked on, another thread may unpack what comes
/// behind it; if none does, the decoder will.
#[derive(Debug)]
pub struct Ahead<R> {
    layers: Layers<R>,
    /// `text[start..]` is unpacked and still to be handed out: `start <= text.len()`.
    text: Vec<u8>,
    start: usize,
    /// What is behind it, where that is not known to be more text.
    end: Option<Result<(), FileError>>,
    /// How much is unpacked at a time.
    size: usize,
}

impl<R: Read> Ahead<R> {
    pub(crate) fn new(layers: Layers<R>, size: usize) -> Self {
        Self { layers, text: Vec::new(), start: 0, end: None, size }
    }

    /// Unpacks about as much as the next batch will need. What goes wrong is said when the decoder comes to it.
    pub fn unpack(&mut self) {
        if self.start < self.text.len() || self.end.is_some() {
            return;
        }
        self.text.resize(self.size, 0);
        let mut length = 0;
        while length < self.size && self.end.is_none() {
            match self.layers.read(&mut self.text[length..]) {
                Ok(0) => self.end = Some(Ok(())),
                Ok(count) => length += count,
                Err(error) => self.end = Some(Err(error)),
            }
        }
        self.text.truncate(length);
        self.start = 0;
    }

    /// As [`Layers::read`].
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, FileError> {
        let ready = &self.text[self.start..];
        if ready.is_empty() {
            // An error is told once; the layers remember that there was one.
            return match self.end.take_if(|end| end.is_err()) {
                Some(end) => end.map(|()| 0),
                None if self.end.is_some() => Ok(0),
                None => self.layers.read(out),
            };
        }
        let count = ready.len().min(out.len());
        out[..count].copy_from_slice(&ready[..count]);
        self.start += count;
        Ok(count)
    }
}

impl<R> Ahead<R> {
    /// Stands in for what is lent; to read from it is an error.
    pub(crate) fn lent() -> Self {
        Self { layers: Layers::Unknown(None), text: Vec::new(), start: 0, end: None, size: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::unpack::Unpacked;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// The whole text, unpacked ahead at some of the turns.
    fn text(part: &[u8], is_ahead: impl Fn(usize) -> bool) -> Result<Vec<u8>, FileError> {
        let mut ahead = Ahead::new(Layers::new(Unpacked::new(part, 1 << 20)), 700);
        let (mut text, mut out) = (Vec::new(), [0; 97]);
        for turn in 0.. {
            if is_ahead(turn) {
                ahead.unpack();
            }
            match ahead.read(&mut out) {
                Ok(0) => break,
                Ok(count) => text.extend_from_slice(&out[..count]),
                Err(error) => {
                    assert!(ahead.read(&mut out).is_err(), "and every further call fails");
                    return Err(error);
                }
            }
        }
        ahead.unpack();
        assert_eq!(ahead.read(&mut out).unwrap(), 0, "the end stays the end");
        Ok(text)
    }

    #[test]
    fn it_does_not_matter_who_unpacks_what() {
        let served: Vec<u8> = (0..9_000u32).flat_map(|number| number.to_le_bytes()).collect();
        for served in [&served[..], &served[..699], b""] {
            for is_ahead in [|_| false, |_| true, |turn| turn % 3 == 1, |turn| turn > 20] {
                assert!(text(&packed(served), is_ahead).unwrap() == served);
            }
        }
    }

    #[test]
    fn damage_is_told_where_it_is_met() {
        let whole = packed(&[7; 5_000]);
        for length in 1..whole.len() {
            for is_ahead in [|_| false, |_| true, |turn| turn % 3 == 1] {
                assert!(matches!(text(&whole[..length], is_ahead), Err(FileError::Truncated { .. })), "{length}");
            }
        }
    }
}
