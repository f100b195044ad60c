//! Whose turn it is: only one fetch at a time works on an archive, so that no two ask for the same hour.
//!
//! In a bucket it is only for those on one machine: see decision 18.
//!
//! The tables need no such lock. It is the system's, on a file of its own: it falls with the process, and is never stale.
//! What the file says is for people.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};

use chat::{Timestamp, show_time};
use object_store::path::Path;

use crate::error::Error;
use crate::layout;
use crate::lock::lock_file;
use crate::site::Site;

/// What is read of the file at most.
const LONGEST: u64 = 256;

/// The turn to fetch, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    /// Held, not read; `None` where the archive cannot be written.
    _file: Option<File>,
}

/// Whether the turn could be had.
#[derive(Debug)]
pub enum Turned {
    /// Nobody else fetches until the turn is dropped.
    Mine(Turn),
    /// Another process, or another handle of this one, has it.
    Taken {
        /// What is known of it: `process 4711, since 2026-03-15T02:10:00Z`.
        holder: String,
    },
}

/// Takes the turn if nobody has it.
pub(crate) fn take(site: &Site, now: Timestamp) -> Result<Turned, Error> {
    let path = site.lock_path(&Path::from(layout::TURN_FILE));
    let file = lock_file(&path).map_err(Error::file("lock", &path))?;
    let Some(mut file) = file else { return Ok(Turned::Mine(Turn { _file: None })) };
    match file.try_lock() {
        Ok(()) => {
            let who = format!("process {}, since {}\n", std::process::id(), show_time(now));
            if let Err(error) = write(&mut file, &who) {
                tracing::debug!(%error, "could not write down whose turn it is");
            }
            Ok(Turned::Mine(Turn { _file: Some(file) }))
        }
        Err(TryLockError::WouldBlock) => {
            let who = File::open(&path).and_then(|file| read(&file)).unwrap_or_default();
            let holder = if who.is_empty() { "another process".to_owned() } else { who };
            Ok(Turned::Taken { holder })
        }
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "this file system has no locks: take care that only one fetch works on the archive");
            Ok(Turned::Mine(Turn { _file: Some(file) }))
        }
    }
}

fn write(file: &mut File, who: &str) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(who.as_bytes())
}

fn read(file: &File) -> io::Result<String> {
    let mut who = String::new();
    file.take(LONGEST).read_to_string(&mut who)?;
    Ok(who.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::disk::Disk;

    #[test]
    fn one_has_the_turn_until_it_is_dropped() {
        let folder = TempDir::new().unwrap();
        let site = || Site::from(Disk::new(folder.path()).unwrap());
        let (one, other) = (site(), site());
        let now = "2026-03-15T02:10:00Z".parse().unwrap();
        let Turned::Mine(turn) = take(&one, now).unwrap() else { panic!("nobody has it") };
        for site in [&one, &other] {
            let Turned::Taken { holder } = take(site, now).unwrap() else { panic!("it is taken") };
            assert_eq!(holder, format!("process {}, since 2026-03-15T02:10:00Z", std::process::id()));
        }
        drop(turn);
        assert!(matches!(take(&other, now).unwrap(), Turned::Mine(_)));
    }
}
