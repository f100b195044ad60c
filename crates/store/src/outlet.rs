//! A prefix of a bucket into which files are handed out: none of them is the archive's.
//!
//! An object appears whole when its upload ends. So an [`Upload`] takes bytes as they come, a [`SealedUpload`] has them all in the
//! store, where nobody sees them, and they appear together with others as soon as all are there.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;

use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore as _, ObjectStoreExt as _};

use crate::disk::Present;
use crate::error::Error;
use crate::open::Archive;
use crate::opening::connected;
use crate::place::Bucket;
use crate::remote::connect::Variable;
use crate::remote::{Grace, PARTS, PIECE, Remote, Waiting, io_error};

/// Parts that stores take of one object.
const MOST_PARTS: usize = 10_000;

/// A prefix of a bucket, for files that are no part of an archive. Names are relative to it.
#[derive(Debug)]
pub struct Outlet {
    remote: Remote,
}

impl Archive {
    /// The way into a bucket, for what is handed out of this archive. `variables` are those of the environment.
    ///
    /// # Errors
    ///
    /// [`Error::Bucket`] when the variables do not say how it is reached, [`Error::NoBucket`] when it is not there.
    pub fn outlet(&self, bucket: &Bucket, variables: &[Variable]) -> Result<Outlet, Error> {
        Outlet::new(connected(bucket, self.site().desk().clone(), variables, Grace::default())?)
    }
}

impl Outlet {
    pub(crate) fn new(remote: Remote) -> Result<Self, Error> {
        if remote.is_there().map_err(Error::file("list", remote.root()))? {
            Ok(Self { remote })
        } else {
            Err(Error::NoBucket { bucket: remote.bucket() })
        }
    }

    /// The address of a file, for messages.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.remote.root().join(name)
    }

    /// The names of what is there, of so many at the most.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed.
    pub fn names(&self, most: usize) -> Result<Vec<String>, Error> {
        let objects = self.remote.objects();
        let list = async move {
            let names = objects.list(None).take(most).map_ok(|object| object.location.into());
            names.try_collect().await.map_err(io_error)
        };
        self.remote.begin(list).wait().map_err(Error::file("list", self.remote.root()))
    }

    /// A small file, and remembers which version of it that was; `None` when it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.remote.read(&self.location(name)?).map_err(Error::file("read", &self.path(name)))
    }

    /// Writes a small file, in place of the one that was read or written last; a new one, if none was there.
    ///
    /// # Errors
    ///
    /// [`Error::Overtaken`] when somebody else has written it since; else when it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        self.put(name, content, Present::Replace)
    }

    /// Writes a small file that is not there.
    ///
    /// # Errors
    ///
    /// [`Error::Overtaken`] when it is there; else when it cannot be written.
    pub fn create(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        self.put(name, content, Present::Keep)
    }

    fn put(&self, name: &str, content: &[u8], present: Present) -> Result<(), Error> {
        let (location, path) = (self.location(name)?, self.path(name));
        self.remote.write(&location, content, present).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::Overtaken { path },
            _ => Error::file("write", &path)(error),
        })
    }

    /// Removes a file; that it is not there is no error.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        self.remote.remove(&self.location(name)?).map_err(Error::file("remove", &self.path(name)))
    }

    /// Begins a file, which may be there already and is then replaced when the new one appears.
    ///
    /// # Errors
    ///
    /// When this can be no name.
    pub fn upload(&self, name: &str) -> Result<Upload, Error> {
        let location = self.location(name)?;
        Ok(Upload {
            remote: self.remote.clone(),
            location,
            piece: Vec::new(),
            begun: None,
            sent: 0,
            sending: VecDeque::new(),
        })
    }

    fn location(&self, name: &str) -> Result<Path, Error> {
        Path::parse(name).map_err(|error| Error::file("name", &self.path(name))(io::Error::other(error)))
    }
}

/// A file on its way into a bucket. Nobody sees it before it was sealed and [appeared](SealedUpload::appear); dropped before, its
/// upload is taken back. It holds a few pieces.
pub struct Upload {
    remote: Remote,
    location: Path,
    /// What was not sent yet.
    piece: Vec<u8>,
    /// `None` as long as all of it fits into one request.
    begun: Option<Box<dyn MultipartUpload>>,
    /// Parts that were sent.
    sent: usize,
    /// Those that are on their way, in their order.
    sending: VecDeque<Waiting<()>>,
}

/// A file of which every byte is with the store, where nobody sees it; or here, if it is small. Dropped, its upload is taken back.
pub struct SealedUpload {
    upload: Upload,
}

impl Upload {
    /// Waits until the store has it all.
    ///
    /// # Errors
    ///
    /// When it could not be sent; then the upload is taken back.
    pub fn seal(mut self) -> io::Result<SealedUpload> {
        if self.begun.is_some() && !self.piece.is_empty() {
            self.send()?;
        }
        self.wait_for_room(0)?;
        Ok(SealedUpload { upload: self })
    }

    /// Sends what is held as a part.
    fn send(&mut self) -> io::Result<()> {
        if self.sent == MOST_PARTS {
            let error = format!("one file in a bucket has {MOST_PARTS} parts of {} MiB at the most", PIECE >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
        }
        self.wait_for_room(PARTS - 1)?;
        let part = std::mem::take(&mut self.piece);
        let part = self.begun()?.put_part(part.into());
        self.sending.push_back(self.remote.begin(part.map(|sent| sent.map_err(io_error))));
        self.sent += 1;
        Ok(())
    }

    /// The upload in parts, begun if it was not.
    fn begun(&mut self) -> io::Result<&mut Box<dyn MultipartUpload>> {
        if self.begun.is_none() {
            let (objects, at) = (self.remote.objects(), self.location.clone());
            let begin = async move { objects.put_multipart(&at).await.map_err(io_error) };
            self.begun = Some(self.remote.begin(begin).wait()?);
        }
        Ok(self.begun.as_mut().expect("it was begun just now"))
    }

    /// Waits until no more than so many parts are on their way.
    fn wait_for_room(&mut self, most: usize) -> io::Result<()> {
        while self.sending.len() > most {
            self.sending.pop_front().map_or(Ok(()), Waiting::wait)?;
        }
        Ok(())
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE {
            self.send()?;
        }
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Parts have one length but for the last, so there is nothing to be sent earlier.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(mut begun) = self.begun.take() else { return };
        // A part that arrives after its upload was taken back would stay for good.
        let arrived = self.sending.drain(..).map(Waiting::wait).filter(Result::is_ok).count();
        tracing::debug!(location = %self.location, arrived, "takes an upload back");
        let taken_back = self.remote.begin(async move { begun.abort().await.map_err(io_error) }).wait();
        if let Err(error) = taken_back {
            tracing::warn!(location = %self.location, %error, "could not take back an upload in parts");
        }
    }
}

impl SealedUpload {
    /// The name of the file.
    #[must_use]
    pub fn name(&self) -> &str {
        self.upload.location.as_ref()
    }

    /// Lets the file appear, in place of one of its name.
    ///
    /// # Errors
    ///
    /// When the store does not say that it did.
    pub fn appear(mut self) -> io::Result<()> {
        let Upload { remote, location, piece, begun, .. } = &mut self.upload;
        let done = match begun.take() {
            Some(mut parts) => remote.begin(async move { parts.complete().await.map_err(io_error) }),
            None => {
                let (objects, at, whole) = (remote.objects(), location.clone(), std::mem::take(piece));
                remote.begin(async move { objects.put(&at, whole.into()).await.map_err(io_error) })
            }
        };
        done.wait().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::disk::Disk;
    use crate::remote::Requests;
    use crate::shaky::{Fault, Shaky};

    fn outlet(folder: &TempDir, bucket: &Shaky) -> Outlet {
        let (root, desk) = ("s3://harbor/out".into(), Disk::new(folder.path()).unwrap());
        let remote = Remote::new(root, desk, Grace::default(), Requests::new().unwrap(), Arc::new(bucket.clone()));
        Outlet::new(remote).unwrap()
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
    }

    #[test]
    fn a_file_appears_whole_when_it_is_told_to() {
        let folder = TempDir::new().unwrap();
        for length in [0, 7, PIECE, PIECE + 1, 6 * PIECE + 5] {
            let outlet = outlet(&folder, &Shaky::new());
            let mut dropped = outlet.upload("x.csv").unwrap();
            dropped.write_all(&content(length)).unwrap();
            drop(dropped.seal().unwrap());
            let mut upload = outlet.upload("x.csv").unwrap();
            for bytes in content(length).chunks(1 << 20) {
                upload.write_all(bytes).unwrap();
            }
            let sealed = upload.seal().unwrap();
            assert_eq!((sealed.name(), outlet.names(9).unwrap()), ("x.csv", Vec::new()), "{length}");
            sealed.appear().unwrap();
            assert_eq!(outlet.names(9).unwrap(), ["x.csv"]);
            assert!(outlet.read("x.csv").unwrap().unwrap() == content(length), "{length}");
        }
    }

    #[test]
    fn a_file_is_not_there_whichever_request_was_refused() {
        let folder = TempDir::new().unwrap();
        for steps in 0.. {
            let bucket = Shaky::new();
            let dying = outlet(&folder, &bucket.with(Fault::DieAfter(steps)));
            let sent = || {
                let mut upload = dying.upload("x.csv").unwrap();
                upload.write_all(&content(PIECE + 5))?;
                upload.seal()?.appear()
            };
            let is_sent = sent().is_ok();
            assert_eq!(outlet(&folder, &bucket).names(9).unwrap().len(), usize::from(is_sent), "died after {steps}");
            if is_sent {
                return;
            }
        }
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_is_not_replaced() {
        let folder = TempDir::new().unwrap();
        let bucket = Shaky::new();
        let (one, other) = (outlet(&folder, &bucket), outlet(&folder, &bucket.with(Fault::LostAnswers)));
        let is_refused = |written: Result<(), Error>| matches!(written, Err(Error::Overtaken { .. }));
        assert_eq!((one.read("note").unwrap(), other.read("note").unwrap()), (None, None));
        other.write("note", b"other").unwrap();
        assert!(is_refused(one.write("note", b"one")) && is_refused(one.create("note", b"one")));
        assert_eq!(one.read("note").unwrap().unwrap(), b"other");
        one.write("note", b"one").unwrap();
        assert!(is_refused(other.write("note", b"other")));
        one.remove("note").unwrap();
        other.create("note", b"again").unwrap();
        assert_eq!(one.read("note").unwrap().unwrap(), b"again");
    }
}
