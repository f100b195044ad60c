//! Runs in a temporary file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::OnceLock;

use super::Run;

/// Gives an empty temporary file.
pub(crate) type TemporaryFile = Box<dyn FnMut() -> io::Result<File> + Send>;

/// Runs that are looked into seldom.
pub(super) struct Shelf {
    temporary_file: TemporaryFile,
    file: Option<File>,
    runs: Vec<Stored>,
    /// Bytes of the runs in the file.
    end: u64,
    trouble: OnceLock<io::Error>,
}

/// Where a run lies.
struct Stored {
    start: u64,
    /// The first id of each block.
    blocks: Vec<u64>,
    greatest: u64,
    pairs: usize,
}

/// Pairs that are read at once.
const BLOCK: usize = 256;
const PAIR: usize = 16;

impl Shelf {
    pub(super) fn new(temporary_file: TemporaryFile) -> Self {
        Self { temporary_file, file: None, runs: Vec::new(), end: 0, trouble: OnceLock::new() }
    }

    /// Takes a copy of a run. After an error it has none.
    pub(super) fn put(&mut self, run: &Run) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert((self.temporary_file)()?),
        };
        let bytes: Vec<u8> =
            run.pairs.iter().flat_map(|(id, half)| [id.to_le_bytes(), half.to_le_bytes()]).flatten().collect();
        file.seek(SeekFrom::Start(self.end))?;
        file.write_all(&bytes)?;
        self.runs.push(Stored {
            start: self.end,
            blocks: run.pairs.iter().step_by(BLOCK).map(|(id, _)| *id).collect(),
            greatest: run.greatest,
            pairs: run.pairs.len(),
        });
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// What was met under an id. What cannot be read is as if it was not met, see [`Shelf::check`].
    pub(super) fn get(&self, id: u64) -> Option<u64> {
        self.runs.iter().find_map(|run| self.get_of(run, id))
    }

    pub(super) fn check(&self) -> io::Result<()> {
        // An error cannot be handed out twice.
        self.trouble.get().map_or(Ok(()), |error| Err(io::Error::new(error.kind(), error.to_string())))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    fn get_of(&self, run: &Stored, id: u64) -> Option<u64> {
        // Most ids are beyond every run.
        if id > run.greatest {
            return None;
        }
        let block = run.blocks.partition_point(|first| *first <= id).checked_sub(1)?;
        let mut bytes = [0; BLOCK * PAIR];
        let pairs = BLOCK.min(run.pairs - block * BLOCK);
        let bytes = &mut bytes[..pairs * PAIR];
        if let Err(error) = self.read(run.start + (block * BLOCK * PAIR) as u64, bytes) {
            // The first is told.
            self.trouble.set(error).ok();
            return None;
        }
        let (pairs, _) = bytes.as_chunks::<PAIR>();
        let place = pairs.binary_search_by_key(&id, |pair| number(pair.first_chunk())).ok()?;
        Some(number(pairs[place].last_chunk()))
    }

    fn read(&self, place: u64, bytes: &mut [u8]) -> io::Result<()> {
        let Some(mut file) = self.file.as_ref() else { return Ok(()) };
        file.seek(SeekFrom::Start(place))?;
        file.read_exact(bytes)
    }
}

fn number(bytes: Option<&[u8; 8]>) -> u64 {
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
