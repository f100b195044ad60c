//! A file that goes to the disk while it is written, so that nobody waits for all of it at the end.
//!
//! A large one passes by the system's cache of pages where the file system lets it (`O_DIRECT`): copying a large export into the
//! cache takes a fifth of its time and more, and pushes out what others have there.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// A file that is being written. Its bytes are on the disk once it has [settled](Settling::settle), and not before.
pub(super) struct Settling {
    file: Arc<File>,
    block: Block,
    /// None while all fits into one block.
    hand: Option<Hand>,
}

/// Blocks that are there at the most: one is filled, one written, and one waits.
const BLOCKS: usize = 3;

impl Settling {
    pub(super) fn new(file: File) -> Self {
        Self { file: Arc::new(file), block: Block::new(), hand: None }
    }

    /// Waits until all of it is on the disk.
    pub(super) fn settle(mut self) -> io::Result<()> {
        self.hand.take().map_or(Ok(()), Hand::finish)?;
        (&*self.file).write_all(self.block.filled())?;
        self.file.sync_all()
    }

    /// Hands the full block over, and takes another.
    fn turn(&mut self) -> io::Result<()> {
        let hand = match self.hand.take() {
            Some(hand) => hand,
            None => Hand::new(Arc::clone(&self.file))?,
        };
        let empty = hand.empty.recv().ok();
        let full = empty.map(|empty| std::mem::replace(&mut self.block, empty));
        if full.is_none_or(|full| hand.full.send(full).is_err()) {
            // It ends early for an error alone.
            return hand.finish().and(Err(ErrorKind::BrokenPipe.into()));
        }
        self.hand = Some(hand);
        Ok(())
    }
}

impl Write for Settling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.is_full() {
            self.turn()?;
        }
        Ok(self.block.take(bytes))
    }

    /// Nothing: what is not a whole block stays until there is more of it, or no more.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A thread that writes blocks.
struct Hand {
    full: SyncSender<Block>,
    empty: Receiver<Block>,
    thread: JoinHandle<io::Result<()>>,
}

impl Hand {
    fn new(file: Arc<File>) -> io::Result<Self> {
        let (full, blocks) = sync_channel(BLOCKS);
        let (written, empty) = channel();
        (1..BLOCKS).try_for_each(|_| written.send(Block::new())).expect("the other end is here");
        let thread = std::thread::Builder::new().name("disk".to_owned());
        let thread = thread.spawn(move || write_blocks(&file, &blocks, &written))?;
        Ok(Self { full, empty, thread })
    }

    /// Waits until all blocks are written.
    fn finish(self) -> io::Result<()> {
        drop(self.full);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn write_blocks(file: &File, blocks: &Receiver<Block>, written: &Sender<Block>) -> io::Result<()> {
    let mut is_direct = direct(file, true).is_ok();
    for mut block in blocks {
        let mut bytes = block.filled();
        while !bytes.is_empty() {
            let mut file = file;
            match file.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The file system has more to say about it than when it was asked.
                Err(error) if is_direct && error.kind() == ErrorKind::InvalidInput => {
                    direct(file, false)?;
                    is_direct = false;
                }
                Err(error) => return Err(error),
            }
        }
        block.length = 0;
        // Whoever wrote may have gone.
        written.send(block).ok();
    }
    // The last bytes are not a whole block.
    if is_direct { direct(file, false) } else { Ok(()) }
}

/// Lets what is written pass by the cache, or not.
#[cfg(target_os = "linux")]
fn direct(file: &File, is_direct: bool) -> io::Result<()> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let mut flags = fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, is_direct);
    Ok(fcntl_setfl(file, flags)?)
}

#[cfg(not(target_os = "linux"))]
fn direct(_file: &File, _is_direct: bool) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// Bytes that lie in memory as a disk wants them.
struct Block {
    memory: Vec<u8>,
    /// Where the first byte is.
    start: usize,
    length: usize,
}

impl Block {
    const BYTES: usize = 4 << 20;
    /// A page, of which the blocks of disks and file systems are parts.
    const ALIGNMENT: usize = 4 << 10;

    fn new() -> Self {
        let memory = vec![0; Self::BYTES + Self::ALIGNMENT];
        // Where the place is not known, the file system will say that it is wrong.
        let start = memory.as_ptr().align_offset(Self::ALIGNMENT).min(Self::ALIGNMENT);
        Self { memory, start, length: 0 }
    }

    fn is_full(&self) -> bool {
        self.length == Self::BYTES
    }

    /// Takes as many bytes as there is room for.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(Self::BYTES - self.length);
        let room = self.place(self.length..self.length + count);
        self.memory[room].copy_from_slice(&bytes[..count]);
        self.length += count;
        count
    }

    fn filled(&self) -> &[u8] {
        &self.memory[self.place(0..self.length)]
    }

    fn place(&self, bytes: Range<usize>) -> Range<usize> {
        self.start + bytes.start..self.start + bytes.end
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn bytes(count: usize) -> Vec<u8> {
        [7, 8, 9, 10, 11].repeat(count.div_ceil(5))[..count].to_vec()
    }

    /// Written in pieces of so many bytes.
    fn written(folder: &Path, bytes: &[u8], piece: usize) -> Vec<u8> {
        let path = folder.join(format!("{}-{piece}", bytes.len()));
        let mut file = Settling::new(File::create_new(&path).unwrap());
        bytes.chunks(piece).for_each(|piece| file.write_all(piece).unwrap());
        file.flush().unwrap();
        file.settle().unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn all_of_a_file_is_there_once_it_has_settled() {
        let folder = tempfile::tempdir().unwrap();
        for count in [0, 1, Block::BYTES - 1, Block::BYTES, Block::BYTES + 1, 4 * Block::BYTES, 4 * Block::BYTES + 77] {
            let bytes = bytes(count);
            for piece in [100_000, 4 << 20, 5 << 20] {
                assert!(written(folder.path(), &bytes, piece) == bytes, "{count} bytes by {piece}");
            }
        }
    }

    /// A file system in memory has nothing to pass by.
    #[test]
    fn the_file_system_need_not_know_of_it() {
        let memory = Path::new("/dev/shm");
        let Ok(folder) = tempfile::tempdir_in(memory) else { return };
        let bytes = bytes(2 * Block::BYTES + 3);
        assert!(written(folder.path(), &bytes, 1 << 20) == bytes);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_is_full_is_told() {
        let full = || Settling::new(File::options().write(true).open("/dev/full").unwrap());
        let mut file = full();
        file.write_all(b"few").unwrap();
        assert_eq!(file.settle().unwrap_err().kind(), ErrorKind::StorageFull);
        let mut file = full();
        let block = bytes(Block::BYTES);
        let error = (0..2 * BLOCKS).find_map(|_| file.write_all(&block).err());
        assert_eq!(error.unwrap().kind(), ErrorKind::StorageFull);
    }
}
