//! What is noted of calls, in its file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use chat::Timestamp;

/// What a file says. A file of another format, or of a later number, is not believed.
pub(super) trait Noted: Default + Send + 'static {
    /// What is read at most, in bytes.
    const LONGEST: u64;

    /// Reads a file that is not empty.
    fn parse(text: &str) -> Option<Self>;

    /// What is taken for true in the place of a file that makes no sense.
    fn unbelieved(now: Timestamp) -> Self;

    /// The file.
    fn print(&self) -> String;
}

/// Whether to insist on the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locking {
    /// Do nothing without it.
    Required,
    /// Its holder seems to hang: go on without.
    Hopeless,
}

/// Reads what is noted, lets it be changed, and writes it; `None` when another process holds the lock.
///
/// The lock falls with the file handle, also when the process dies.
pub(super) fn change<N: Noted, T>(
    path: &Path,
    locking: Locking,
    now: Timestamp,
    change: impl FnOnce(&mut N) -> T,
) -> io::Result<Option<T>> {
    let mut file = open(path)?;
    if is_taken(&file, locking)? {
        return Ok(None);
    }
    let mut noted = read(&mut file, now)?;
    let outcome = change(&mut noted);
    write(&mut file, &noted.print())?;
    Ok(Some(outcome))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn is_taken(file: &File, locking: Locking) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(locking == Locking::Required),
        // Some network file systems know no locks. What is noted still holds for whoever does not change it at the same moment.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn read<N: Noted>(file: &mut File, now: Timestamp) -> io::Result<N> {
    let mut content = Vec::new();
    file.take(N::LONGEST).read_to_end(&mut content)?;
    if content.is_empty() {
        return Ok(N::default());
    }
    Ok(std::str::from_utf8(&content).ok().and_then(N::parse).unwrap_or_else(|| N::unbelieved(now)))
}

fn write(file: &mut File, text: &str) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.set_len(u64::try_from(text.len()).unwrap_or(u64::MAX))
}

/// A time in milliseconds, 0 for none; rounded up, so that what is read back is never earlier than what was written.
pub(super) fn milliseconds(time: Option<Timestamp>) -> i64 {
    time.map_or(0, |time| time.timestamp_micros().saturating_add(999).div_euclid(1000))
}
