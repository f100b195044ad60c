//! A file that goes to the disk while it is written, so that nobody waits for all of it at the end.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Bytes that are written between two beginnings of sending them to the disk.
const STRETCH: usize = 64 << 20;

/// A file that is being written.
pub(super) struct Settling {
    file: Arc<File>,
    /// Bytes since what was written was last sent to the disk.
    since: usize,
    sending: Option<JoinHandle<io::Result<()>>>,
}

impl Settling {
    pub(super) fn new(file: File) -> Self {
        Self { file: Arc::new(file), since: 0, sending: None }
    }

    /// Waits until all of it is on the disk.
    pub(super) fn settle(mut self) -> io::Result<()> {
        self.wait()?;
        self.file.sync_all()
    }

    fn send(&mut self) -> io::Result<()> {
        // A disk that is slower than what is written is not given more to do.
        if self.sending.as_ref().is_some_and(|sending| !sending.is_finished()) {
            return Ok(());
        }
        self.wait()?;
        self.since = 0;
        let file = Arc::clone(&self.file);
        let sending = std::thread::Builder::new().name("sync".to_owned());
        self.sending = Some(sending.spawn(move || file.sync_data())?);
        Ok(())
    }

    /// An error is told once, to whoever sent the bytes to the disk.
    fn wait(&mut self) -> io::Result<()> {
        let Some(sending) = self.sending.take() else { return Ok(()) };
        sending.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Write for Settling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&*self.file).write(bytes)?;
        self.since += written;
        if self.since >= STRETCH {
            self.send()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.file).flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_ahead_is_there_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = Settling::new(File::create_new(&path).unwrap());
        let piece: Vec<u8> = (0..1_u32 << 20).map(|at| at.to_be_bytes()[2]).collect();
        (0..66).for_each(|_| file.write_all(&piece).unwrap());
        assert!(file.sending.is_some(), "some of it went ahead");
        file.settle().unwrap();
        assert!(std::fs::read(path).unwrap() == piece.repeat(66));
    }
}
