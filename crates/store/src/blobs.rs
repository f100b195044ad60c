//! The bytes of attachments, each once.
//!
//! ```text
//! media/ab/abcdef…    the bytes whose SHA-256 this is, 64 hexadecimal digits
//! ```
//!
//! No name is anybody's but ours: what a message or the service calls a file is not used. Bytes are written under a
//! temporary name, synced and renamed; they are the same whoever writes them, so two writers do not disturb each other.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};

use object_store::ObjectMeta;
use object_store::path::Path;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::disk::{Disk, Present};
use crate::error::Error;
use crate::intake::{Intake, Stage, Taken, hex};
use crate::layout;
use crate::open::Archive;
use crate::remote::Remote;
use crate::site::Site;

/// The bytes of an attachment while they arrive; removed when dropped.
#[derive(Debug)]
pub struct BlobStage(Intake);

/// The bytes of an attachment that arrived whole; removed when dropped before they are kept.
#[derive(Debug)]
pub struct SealedBlob(Taken);

/// A file of this machine with the bytes of an attachment; one that was made for it is removed when this is dropped.
#[derive(Debug)]
pub struct BlobCopy {
    /// Where it is.
    pub path: PathBuf,
    /// The SHA-256 of the bytes as they are now.
    pub sha256: String,
    /// Held, not read.
    _removed: Option<NamedTempFile>,
}

/// A file in the folder of the attachments' bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlobFile {
    /// Where it is.
    pub path: PathBuf,
    /// The SHA-256 that it is named after; `None` for a file that is none of ours.
    pub sha256: Option<String>,
    /// How many bytes it has.
    pub length: u64,
}

impl BlobStage {
    /// Says of what was written that it is all. It is still not kept.
    #[must_use]
    pub fn seal(self) -> SealedBlob {
        SealedBlob(self.0.seal())
    }
}

impl Stage for BlobStage {
    fn restart(&mut self) -> io::Result<()> {
        self.0.restart()
    }
}

impl Write for BlobStage {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl SealedBlob {
    /// The SHA-256 of the bytes, lower-case hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// How many bytes there are.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.0.length
    }
}

impl Archive {
    /// A place for the bytes of an attachment while they arrive.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn stage_blob(&self) -> Result<BlobStage, Error> {
        Intake::new(self.site()).map(BlobStage)
    }

    /// Keeps the bytes of an attachment, for good. If they are there already, the new ones take their place, which mends
    /// what a disk has damaged.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn keep_blob(&self, blob: SealedBlob) -> Result<(), Error> {
        let location = layout::blob(&blob.0.sha256);
        let failed = |error| Error::file("write", &self.site().path(&location))(error);
        self.site().place(blob.0.file, &location, Present::Replace).map_err(failed)
    }

    /// Opens the bytes of an attachment, which those in a bucket are downloaded for; `None` when they are not there.
    ///
    /// # Errors
    ///
    /// When they are there and cannot be opened.
    pub fn open_blob(&self, sha256: &str) -> Result<Option<File>, Error> {
        if !layout::is_sha256(sha256) {
            return Ok(None);
        }
        let location = layout::blob(sha256);
        self.site().open(&location).map_err(Error::file("open", &self.site().path(&location)))
    }

    /// Whether the bytes of an attachment are there.
    ///
    /// # Errors
    ///
    /// When that cannot be found out.
    pub fn has_blob(&self, sha256: &str) -> Result<bool, Error> {
        let location = layout::blob(sha256);
        let has = || self.site().has(&location).map_err(Error::file("look for", &self.site().path(&location)));
        Ok(layout::is_sha256(sha256) && has()?)
    }

    /// Whether bytes of an attachment are known to be missing. A bucket is not asked: it does not lose what it has.
    #[must_use]
    pub fn lacks_blob(&self, sha256: &str) -> bool {
        !layout::is_sha256(sha256) || self.site().lacks(&layout::blob(sha256))
    }

    /// A file with the bytes of an attachment, which those in a bucket are downloaded into; `None` when they are not there.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or not be written on this machine.
    pub fn blob_file(&self, sha256: &str) -> Result<Option<BlobCopy>, Error> {
        let Some(mut file) = self.open_blob(sha256)? else { return Ok(None) };
        let path = self.site().path(&layout::blob(sha256));
        let unread = Error::file("read", &path);
        if matches!(self.site(), Site::Disk(_)) {
            let mut hash = Sha256::new();
            io::copy(&mut file, &mut hash).map_err(unread)?;
            return Ok(Some(BlobCopy { sha256: hex(&hash.finalize()), path, _removed: None }));
        }
        let mut intake = Intake::new(self.site())?;
        io::copy(&mut file, &mut intake).map_err(unread)?;
        let taken = intake.seal();
        let path = taken.file.path().to_owned();
        Ok(Some(BlobCopy { sha256: taken.sha256, path, _removed: Some(taken.file) }))
    }

    /// The SHA-256 of bytes of an attachment as they are now, and how many there are; `None` when they are not there.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn hash_blob(&self, sha256: &str) -> Result<Option<(String, u64)>, Error> {
        let Some(mut file) = self.open_blob(sha256)? else { return Ok(None) };
        let mut hash = Sha256::new();
        let length = io::copy(&mut file, &mut hash);
        let length = length.map_err(Error::file("read", &self.site().path(&layout::blob(sha256))))?;
        Ok(Some((hex(&hash.finalize()), length)))
    }

    /// Every file in the folder of the attachments' bytes, in order.
    ///
    /// # Errors
    ///
    /// When a folder cannot be read.
    pub fn blobs(&self) -> Result<Vec<BlobFile>, Error> {
        let folder = Path::from(layout::MEDIA_FOLDER);
        let mut found = Vec::new();
        match self.site() {
            Site::Disk(disk) => files_below(disk, &disk.path(&folder), &mut found)?,
            Site::Remote(remote) => {
                let listed = remote.list(Some(&folder)).map_err(Error::file("list", &remote.path(&folder)))?;
                found.extend(listed.into_iter().map(|object| file_of(remote, &object)));
            }
        }
        found.sort();
        Ok(found)
    }
}

fn file_of(remote: &Remote, object: &ObjectMeta) -> BlobFile {
    let name = object.location.filename().filter(|name| layout::is_sha256(name));
    let sha256 = name.filter(|name| layout::blob(name) == object.location).map(str::to_owned);
    BlobFile { path: remote.path(&object.location), sha256, length: object.size }
}

fn files_below(disk: &Disk, folder: &FilePath, found: &mut Vec<BlobFile>) -> Result<(), Error> {
    let failed = |error| Error::file("list", folder)(error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        // A link is a file of others: it is named, and not followed.
        if kind.is_dir() {
            files_below(disk, &entry.path(), found)?;
        } else {
            let length = entry.metadata().map_err(failed)?.len();
            found.push(BlobFile { sha256: sha256_of(disk, &entry.path()), path: entry.path(), length });
        }
    }
    Ok(())
}

/// The SHA-256 that a file is named after, if it lies where its name says.
fn sha256_of(disk: &Disk, path: &FilePath) -> Option<String> {
    let name = path.file_name()?.to_str().filter(|name| layout::is_sha256(name))?;
    (disk.path(&layout::blob(name)) == path).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::Arc;

    use chat::Timestamp;

    use super::*;
    use crate::open::Access;

    const HARBOUR: &str = "dd6f7ee59b00a8ba8c3dd6d46d8d5bf0ab2ba76b4a37c19c7d2fb1dfbd6c5e76";

    async fn archive(folder: &FilePath) -> Archive {
        Archive::open(folder, Access::Create, Arc::new(|| Timestamp::UNIX_EPOCH)).await.unwrap()
    }

    fn kept(archive: &Archive, bytes: &[u8]) -> String {
        let mut stage = archive.stage_blob().unwrap();
        stage.write_all(b"of a try that broke off").unwrap();
        stage.restart().unwrap();
        stage.write_all(bytes).unwrap();
        let sealed = stage.seal();
        let sha256 = sealed.sha256().to_owned();
        archive.keep_blob(sealed).unwrap();
        sha256
    }

    #[tokio::test]
    async fn the_same_bytes_are_there_once_and_damaged_ones_are_mended() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive(folder.path()).await;
        let sha256 = kept(&archive, b"low at six");
        assert_eq!(kept(&archive, b"low at six"), sha256);
        let [file] = &archive.blobs().unwrap()[..] else { panic!("one file") };
        assert_eq!((file.sha256.as_deref(), file.length), (Some(sha256.as_str()), 10));
        assert!(file.path.ends_with(format!("media/{}/{sha256}", sha256.split_at(2).0)));
        fs::write(&file.path, b"low").unwrap();
        assert_ne!(archive.hash_blob(&sha256).unwrap().unwrap(), (sha256.clone(), 10));
        kept(&archive, b"low at six");
        assert_eq!(archive.hash_blob(&sha256).unwrap().unwrap(), (sha256.clone(), 10));
        let mut bytes = String::new();
        archive.open_blob(&sha256).unwrap().unwrap().read_to_string(&mut bytes).unwrap();
        assert_eq!(bytes, "low at six");
    }

    #[tokio::test]
    async fn no_name_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive(folder.path()).await;
        for name in ["../../app.json", "", HARBOUR.split_at(1).1, &HARBOUR.to_uppercase(), "é".repeat(32).as_str()] {
            assert!(archive.open_blob(name).unwrap().is_none(), "{name}");
        }
        assert!(archive.open_blob(HARBOUR).unwrap().is_none());
        fs::create_dir_all(folder.path().join("media/aa")).unwrap();
        fs::write(folder.path().join("media/aa").join(HARBOUR), "in the wrong folder").unwrap();
        assert_eq!(archive.blobs().unwrap()[0].sha256, None);
    }
}
