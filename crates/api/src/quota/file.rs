//! The slots in their file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use chat::Timestamp;

use super::slots::Slots;

/// The first words of the file. A later format has another number, and is not believed here.
const FORMAT: &str = "annals-quota 1";
/// What is read at most: a valid file has a third of it.
const LONGEST: u64 = 256;

/// Whether to insist on the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locking {
    /// Do nothing without it.
    Required,
    /// Its holder seems to hang: go on without.
    Hopeless,
}

/// Reads the slots, lets them be changed, and writes them; `None` when another process holds the lock.
///
/// The lock falls with the file handle, also when the process dies.
pub(super) fn change<T>(
    path: &Path,
    locking: Locking,
    now: Timestamp,
    change: impl FnOnce(&mut Slots) -> T,
) -> io::Result<Option<T>> {
    let mut file = open(path)?;
    if is_taken(&file, locking)? {
        return Ok(None);
    }
    let mut slots = read(&mut file, now)?;
    let outcome = change(&mut slots);
    write(&mut file, slots)?;
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
        // Some network file systems know no locks. The slots still hold for whoever does not reserve at the same moment.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The slots of the file; of a file that makes no sense, a call at this moment.
fn read(file: &mut File, now: Timestamp) -> io::Result<Slots> {
    let mut content = Vec::new();
    file.take(LONGEST).read_to_end(&mut content)?;
    if content.is_empty() {
        return Ok(Slots::default());
    }
    let damaged = Slots { newest: Some(now), not_before: None };
    Ok(std::str::from_utf8(&content).ok().and_then(parsed).unwrap_or(damaged))
}

fn parsed(text: &str) -> Option<Slots> {
    let numbers = text.strip_prefix(FORMAT)?.strip_prefix(' ')?.strip_suffix('\n')?;
    let (newest, not_before) = numbers.split_once(' ')?;
    Some(Slots { newest: time(newest)?, not_before: time(not_before)? })
}

/// A time in milliseconds; 0 stands for none.
fn time(digits: &str) -> Option<Option<Timestamp>> {
    match digits.parse().ok()? {
        0 => Some(None),
        milliseconds => Timestamp::from_timestamp_millis(milliseconds).map(Some),
    }
}

fn write(file: &mut File, slots: Slots) -> io::Result<()> {
    let line = format!("{FORMAT} {} {}\n", milliseconds(slots.newest), milliseconds(slots.not_before));
    file.rewind()?;
    file.write_all(line.as_bytes())?;
    file.set_len(u64::try_from(line.len()).unwrap_or(u64::MAX))
}

/// Rounded up, so that what is read back is never earlier than what was given out.
fn milliseconds(time: Option<Timestamp>) -> i64 {
    time.map_or(0, |time| time.timestamp_micros().saturating_add(999).div_euclid(1000))
}
