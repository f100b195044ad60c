//! The index of an archive.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::Hour;

use crate::{Error, Found, Hit, Request, Settings, Writer};

/// The index in one folder. Clones share it.
#[derive(Debug, Clone)]
pub struct Catalogue {
    folder: Arc<PathBuf>,
}

impl Catalogue {
    /// Opens the index in a folder, or creates it there.
    ///
    /// # Errors
    ///
    /// [`Error::OtherFormat`] and [`Error::Damaged`]: delete the folder and follow the tables again.
    pub fn open(folder: &Path, _settings: Settings) -> Result<Self, Error> {
        Ok(Self { folder: Arc::new(folder.to_owned()) })
    }

    /// Opens the index in a folder if there is one.
    ///
    /// # Errors
    ///
    /// As [`Catalogue::open`].
    pub fn open_existing(_folder: &Path) -> Result<Option<Self>, Error> {
        Ok(None)
    }

    /// The hours that are held, each with the version it was taken in under.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn hours(&self) -> Result<BTreeMap<Hour, String>, Error> {
        Ok(BTreeMap::new())
    }

    /// Begins to take an hour in; several can be on their way at once.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process is taking hours in.
    pub fn take_in(&self, _hour: Hour, _version: &str) -> Result<Writer, Error> {
        Err(Error::Locked { folder: self.folder.as_ref().clone() })
    }

    /// Forgets hours.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] when another process is taking hours in.
    pub fn drop_hours(&self, _hours: &[Hour]) -> Result<(), Error> {
        Ok(())
    }

    /// Answers a question.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn search(&self, _request: &Request) -> Result<Found, Error> {
        Ok(Found { hits: Vec::new(), total: 0 })
    }

    /// The rows of a message id, earliest hour first; the caller compares the ids of the rows.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn find_id(&self, _msg_id: &str) -> Result<Vec<Hit>, Error> {
        Ok(Vec::new())
    }

    /// The number of messages held.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn documents(&self) -> Result<u64, Error> {
        Ok(0)
    }

    /// The number of messages held of one hour.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn documents_of(&self, _hour: Hour) -> Result<u64, Error> {
        Ok(0)
    }

    /// Makes visible what other processes have taken in.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub fn refresh(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Waits for merges in the background and lets other processes write.
    ///
    /// # Errors
    ///
    /// When a merge failed; the index is whole all the same.
    pub fn close(self) -> Result<(), Error> {
        Ok(())
    }
}
