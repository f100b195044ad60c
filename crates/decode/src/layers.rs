//! Gzip within gzip: a file that something on its way packed once more (a proxy that compresses what is compressed).
//!
//! The magic bytes decide, not the headers (protocol section 3.5): text that begins with `1f 8b` is no text, so it is
//! unpacked again. Twice is the end of it.

use std::io::{self, Read};

use crate::error::FileError;
use crate::unpack::{MAGIC, Unpacked};

/// Reads the text of a part that was packed once or twice.
#[derive(Debug)]
pub(crate) enum Layers<R> {
    /// Nothing was read yet.
    Unknown(Option<Unpacked<R>>),
    /// One layer; what was read of it to find out is handed out first.
    Once(Inner<R>),
    /// Two layers. The inner one has its own packed offsets: those of errors count in what the outer one unpacks to.
    Twice(Box<Unpacked<Inner<R>>>),
}

impl<R: Read> Layers<R> {
    pub(crate) fn new(outer: Unpacked<R>) -> Self {
        Self::Unknown(Some(outer))
    }

    /// As [`Unpacked::read`].
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, FileError> {
        if let Self::Unknown(outer) = self {
            let outer = outer.take().ok_or_else(found_damaged)?;
            *self = Self::recognise(outer)?;
        }
        match self {
            Self::Unknown(_) => Err(found_damaged()),
            Self::Once(inner) => inner.next(out),
            Self::Twice(outer) => outer.read(out).map_err(|error| outer.reader().first_cause(error)),
        }
    }

    fn recognise(mut outer: Unpacked<R>) -> Result<Self, FileError> {
        let limit = outer.limit();
        let mut peeked = [0; MAGIC.len()];
        let mut length = 0;
        while length < peeked.len() {
            match outer.read(&mut peeked[length..])? {
                0 => break,
                count => length += count,
            }
        }
        let inner = Inner { outer, peeked, at: 0, length, failed: None };
        Ok(if peeked == MAGIC { Self::Twice(Box::new(Unpacked::new(inner, limit))) } else { Self::Once(inner) })
    }
}

fn found_damaged() -> FileError {
    FileError::Corrupt { packed: 0, unpacked: 0, what: "it was found damaged before" }
}

/// One layer, with the bytes that were looked at first.
#[derive(Debug)]
pub(crate) struct Inner<R> {
    outer: Unpacked<R>,
    /// `peeked[at..length]` is still to be handed out.
    peeked: [u8; MAGIC.len()],
    at: usize,
    length: usize,
    /// Why the outer layer failed, for whoever reads through an `io::Error`.
    failed: Option<FileError>,
}

impl<R: Read> Inner<R> {
    fn next(&mut self, out: &mut [u8]) -> Result<usize, FileError> {
        let peeked = &self.peeked[self.at..self.length];
        if peeked.is_empty() {
            return self.outer.read(out);
        }
        let count = peeked.len().min(out.len());
        out[..count].copy_from_slice(&peeked[..count]);
        self.at += count;
        Ok(count)
    }

    /// What the outer layer failed with, if that is why the inner one did.
    fn first_cause(&mut self, error: FileError) -> FileError {
        self.failed.take().unwrap_or(error)
    }
}

impl<R: Read> Read for Inner<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.next(out).map_err(|error| {
            self.failed = Some(error);
            io::Error::other("the outer layer is damaged")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const TEXT: &[u8] = b"{\"msg_id\":\"7\"}\n";

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, FileError> {
        let mut layers = Layers::new(Unpacked::new(bytes, 1000));
        let (mut text, mut buffer) = (Vec::new(), [0; 7]);
        loop {
            match layers.read(&mut buffer)? {
                0 => return Ok(text),
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
    }

    #[test]
    fn one_layer_and_two_are_the_same_text() {
        for bytes in [TEXT.to_vec(), packed(TEXT), packed(&packed(TEXT))] {
            assert_eq!(unpacked(&bytes).unwrap(), TEXT);
        }
        assert_eq!(unpacked(&[]).unwrap(), b"");
        assert_eq!(unpacked(&packed(b"{")).unwrap(), b"{");
    }

    #[test]
    fn three_layers_are_no_text() {
        let thrice = packed(&packed(&packed(TEXT)));
        let text = unpacked(&thrice).unwrap();
        assert!(text.starts_with(&MAGIC), "the innermost layer is left: lines of it are set aside");
    }

    #[test]
    fn a_cut_in_either_layer_is_said() {
        let whole = packed(&packed(TEXT));
        for length in 1..whole.len() {
            assert!(matches!(unpacked(&whole[..length]), Err(FileError::Truncated { .. })), "{length}");
        }
        let inner = packed(TEXT);
        let cut_within = packed(&inner[..inner.len() - 3]);
        assert!(matches!(unpacked(&cut_within), Err(FileError::Truncated { .. })));
    }

    #[test]
    fn the_limit_holds_for_both_layers() {
        let long = vec![b'{'; 2000];
        assert!(matches!(unpacked(&packed(&packed(&long))), Err(FileError::TooLarge { limit: 1000 })));
    }
}
