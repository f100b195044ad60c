//! Files that are read once from end to end, as those of segments that are merged: through a window of each, in place of a map
//! of the whole, which would stay in memory until the merge is done.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::HasLen;
use tantivy::directory::{FileHandle, OwnedBytes};

/// Bytes of a window: enough for hundreds of the lists that a merge reads one after the other.
const WINDOW: usize = 64 << 10;

/// A file, read through a window. What is longer than that, the engine wants at once and keeps: it is mapped.
#[derive(Debug)]
pub(crate) struct Windows {
    mapped: Arc<dyn FileHandle>,
    window: Mutex<Window>,
}

/// The piece of a file that was read last.
#[derive(Debug)]
struct Window {
    file: File,
    start: usize,
    bytes: OwnedBytes,
}

impl Windows {
    /// `mapped` is the file at this path.
    pub(crate) fn open(path: &Path, mapped: Arc<dyn FileHandle>) -> io::Result<Self> {
        let window = Window { file: File::open(path)?, start: 0, bytes: OwnedBytes::empty() };
        Ok(Self { mapped, window: Mutex::new(window) })
    }
}

impl HasLen for Windows {
    fn len(&self) -> usize {
        self.mapped.len()
    }
}

impl FileHandle for Windows {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if range.len() > WINDOW || range.end > self.len() {
            return self.mapped.read_bytes(range);
        }
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if !window.holds(&range) {
            window.move_to(range.start..self.len().min(range.start + WINDOW))?;
        }
        let start = range.start - window.start;
        Ok(window.bytes.slice(start..start + range.len()))
    }
}

impl Window {
    fn holds(&self, range: &Range<usize>) -> bool {
        self.start <= range.start && range.end <= self.start + self.bytes.len()
    }

    fn move_to(&mut self, range: Range<usize>) -> io::Result<()> {
        let mut bytes = vec![0; range.len()];
        self.file.seek(SeekFrom::Start(range.start as u64))?;
        self.file.read_exact(&mut bytes)?;
        (self.start, self.bytes) = (range.start, OwnedBytes::new(bytes));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_what_the_file_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..3 * WINDOW + 5).map(|place| (place / 7 % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let windows = Windows::open(&path, Arc::new(OwnedBytes::new(bytes.clone()))).unwrap();
        assert_eq!(windows.len(), bytes.len());
        let edges = [0, 1, 4, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW + 3, bytes.len() - 1, bytes.len()];
        for (start, end) in
            edges.iter().flat_map(|start| edges.map(|end| (*start, end))).filter(|(from, to)| from <= to)
        {
            assert_eq!(windows.read_bytes(start..end).unwrap().as_slice(), &bytes[start..end], "{start}..{end}");
        }
    }

    #[test]
    fn a_file_that_has_become_shorter_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [1; 10]).unwrap();
        let windows = Windows::open(&path, Arc::new(OwnedBytes::new(vec![1; 20]))).unwrap();
        assert!(windows.read_bytes(5..15).is_err());
    }
}
